"""An architecture and its technology."""

from pathlib import Path

import pytest

from accelerator_sim.files.data import data_dir
from accelerator_sim.files.errors import InvalidFile, UsageError
from accelerator_sim.technology.machine_file import load_machine


def test_built_in() -> None:
    architecture, technology = load_machine("eyeriss_v2", [("cluster_array.rows", "4")])
    assert (architecture.pes, technology.name) == (96, "cmos65_8b")


def test_unknown_architecture() -> None:
    with pytest.raises(UsageError, match="did you mean 'eyeriss_v2'"):
        load_machine("eyeris_v2")


def test_unknown_technology_names_its_line(tmp_path: Path) -> None:
    text = (data_dir("arch_configs") / "eyeriss_v2.yaml").read_text().replace("cmos65_8b", "cmos65_8bit")
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InvalidFile, match=r"mine.yaml:\d+:\d+: technology: unknown technology .* mean 'cmos65_8b'"):
        load_machine(str(path))


def test_unknown_technology_of_an_override() -> None:
    with pytest.raises(InvalidFile, match=r"^--set technology=nothing: technology: unknown"):
        load_machine("eyeriss_v2", [("technology", "nothing")])


def test_a_path_to_a_technology_starts_at_the_architecture(tmp_path: Path) -> None:
    folder = data_dir("arch_configs")
    (tmp_path / "own.yaml").write_text((folder / "technologies" / "cmos65_8b.yaml").read_text())
    text = (folder / "eyeriss_v2.yaml").read_text().replace("technology: cmos65_8b", "technology: own.yaml")
    (tmp_path / "mine.yaml").write_text(text)
    assert load_machine(str(tmp_path / "mine.yaml"))[1].name == "cmos65_8b"
