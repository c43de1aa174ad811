"""The bytes of the files that were read."""

import hashlib
import os
import shutil
from pathlib import Path

from accelerator_sim import __version__
from accelerator_sim.files.data import data_dir
from accelerator_sim.results.provenance import Provenance, machine_files, source_file, workload_files
from accelerator_sim.workload.network_loader import load_network


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_built_in_files() -> None:
    configs = data_dir("arch_configs")
    assert [(file.role, file.name, file.sha256) for file in machine_files("eyeriss_v2")] == [
        ("architecture", "eyeriss_v2", digest(configs / "eyeriss_v2.yaml")),
        ("technology", "cmos65_8b", digest(configs / "technologies" / "cmos65_8b.yaml")),
    ]
    network = load_network("alexnet")
    assert [file.name for file in workload_files("alexnet", network)] == ["alexnet"]


def test_the_files_of_the_networks_that_one_is_made_of() -> None:
    files = workload_files("gpt3_decode", load_network("gpt3_decode"))
    assert [(file.role, file.name) for file in files] == [
        ("workload", "gpt3_decode"), ("workload, part", "gpt3_block_decode.yaml"),
    ]  # fmt: skip
    assert files[1].sha256 == digest(data_dir("workloads") / "gpt3_block_decode.yaml")


def test_the_base_of_a_scaled_table() -> None:
    files = machine_files("eyeriss_v2", [("technology", "cmos28_8b")])
    assert [(file.role, file.name) for file in files[1:]] == [
        ("technology", "cmos28_8b"), ("technology, scaled from", "cmos65_8b"),
    ]  # fmt: skip


def test_a_table_beside_the_architecture(tmp_path: Path) -> None:
    configs = data_dir("arch_configs")
    text = (configs / "eyeriss_v2.yaml").read_text().replace("cmos65_8b", "mine.yaml")
    (tmp_path / "arch.yaml").write_text(text)
    shutil.copy(configs / "technologies" / "cmos65_8b.yaml", tmp_path / "mine.yaml")
    files = machine_files(str(tmp_path / "arch.yaml"))
    assert (files[1].name, files[1].sha256) == ("mine.yaml", digest(tmp_path / "mine.yaml"))


def test_a_pipe_has_no_hash(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert source_file("workload", "pipe", tmp_path / "pipe").sha256 is None


def test_command_and_versions() -> None:
    origin = Provenance(("accelerator-sim", "simulate", "a b"), (), ())
    assert origin.command_line == "accelerator-sim simulate 'a b'"
    assert dict(origin.versions)["accelerator-sim"] == __version__
    assert set(dict(origin.versions)) == {"accelerator-sim", "Python", "numpy", "numba"}
