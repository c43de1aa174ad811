"""Built-in files and what a name stands for."""

from pathlib import Path

import pytest

from accelerator_sim.files import data
from accelerator_sim.files.errors import UsageError


def test_folders() -> None:
    assert data.data_dir("workloads").is_dir()
    assert data.data_dir("arch_configs").is_dir()


def test_unknown_folder() -> None:
    with pytest.raises(FileNotFoundError, match="no folder 'nothing'"):
        data.data_dir("nothing")


def test_a_wheel_keeps_its_data_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "accelerator_sim"
    (package / "_data" / "workloads").mkdir(parents=True)
    (package / "files").mkdir()
    monkeypatch.setattr(data, "__file__", str(package / "files" / "data.py"))
    assert data.data_dir("workloads") == package / "_data" / "workloads"


def test_builtin_names() -> None:
    names = data.builtin_names("workloads")
    assert "mobilenet_v1_0.5_128" in names
    assert names == sorted(names)
    assert data.builtin_names("workloads", "nothing_here") == []


def test_a_name_with_dots_is_a_name() -> None:
    assert data.resolve("workloads", "mobilenet_v1_0.5_128", "workload").name == "mobilenet_v1_0.5_128.yaml"


@pytest.mark.parametrize("text", ["x.yaml", "x.yml", "a/b", "./x", "net.onnx", "net.csv"])
def test_paths(text: str) -> None:
    assert data.resolve("workloads", text, "workload") == Path(text)


def test_an_existing_file_without_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").write_text("")
    monkeypatch.chdir(tmp_path)
    assert data.resolve("workloads", "mine", "workload") == Path("mine")


def test_unknown_name() -> None:
    with pytest.raises(UsageError) as caught:
        data.resolve("workloads", "alexnt", "workload")
    assert str(caught.value) == (
        "unknown workload 'alexnt': neither a built-in name nor a file; did you mean 'alexnet'?"
        " (`accelerator-sim list workloads` shows the built-in names)"
    )


@pytest.mark.parametrize("text", ["q\0", "q" * 5000, ""])
def test_names_that_no_file_can_have(text: str) -> None:
    with pytest.raises(UsageError, match="accelerator-sim list technologies"):
        data.resolve("arch_configs", text, "technology", "technology")
