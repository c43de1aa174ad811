"""Densities from numbers, lists and tensor files; one test a message."""

from pathlib import Path

import numpy as np
import pytest

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.workload.layer import Density
from accelerator_sim.workload.network_file import read_network


def density(folder: Path, text: str) -> Density:
    path = folder / "net.yaml"
    path.write_text(
        "name: n\nsource: s\nlayers:\n"
        f"  - {{name: a, op: conv, C: 2, M: 3, H: 4, W: 4, kernel: 1, density: {{iact: {text}}}}}\n"
    )
    return read_network(path).layers[0].density


def message(folder: Path, text: str) -> str:
    with pytest.raises(InvalidFile) as caught:
        density(folder, text)
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == (4, "layers.0.density.iact")
    return problem.message


@pytest.fixture
def tensors(tmp_path: Path) -> Path:
    tensor = np.zeros((2, 4))
    tensor[0] = 1
    np.save(tmp_path / "x.npy", tensor)
    np.savez(tmp_path / "x.npz", a=tensor, b=np.ones(3))
    np.savez(tmp_path / "one.npz", a=tensor)
    np.save(tmp_path / "empty.npy", np.zeros(0))
    np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "bad.npy").write_text("not a tensor")
    (tmp_path / "bad.npz").write_bytes((tmp_path / "x.npz").read_bytes()[:50])
    return tmp_path


def test_number(tmp_path: Path) -> None:
    assert density(tmp_path, "0.25") == Density(iact=0.25, source="given without a source")


def test_list(tmp_path: Path) -> None:
    found = density(tmp_path, "[0.25, 0.75]")
    assert (found.iact, found.profile_iact) == (0.5, (0.25, 0.75))


@pytest.mark.parametrize(
    ("text", "value"), [("x.npy", 0.5), ("x.npz, key: a", 0.5), ("x.npz, key: b", 1.0), ("one.npz", 0.5)]
)
def test_tensor(tensors: Path, text: str, value: float) -> None:
    assert density(tensors, f"{{file: {text}}}").iact == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", "2 is not allowed; a density must be between 0 and 1"),
        (".nan", "nan is not allowed; a density must be between 0 and 1"),
        ("true", "a density must be a number between 0 and 1"),
        ("[0.5, x]", "channel 1: a density must be a number between 0 and 1"),
        ("[0.5, -1]", "channel 1: -1 is not allowed; a density must be between 0 and 1"),
        ("[]", "an empty list; give one density per channel"),
        ("{fiel: x.npy}", "unknown key 'fiel'; allowed: file, key; did you mean 'file'?"),
        ("{key: x}", "a tensor is given as {file: x.npy} or {file: x.npz, key: name}"),
        ("{file: xx.npy}", "no such tensor file 'xx.npy'; did you mean 'x.npy'?"),
        ("{file: x.npz}", "'x.npz' holds 2 tensors; give key: one of a, b"),
        ("{file: x.npz, key: c}", "'x.npz' has no tensor 'c'; it holds a, b"),
        ("{file: x.npy, key: c}", "'x.npy' holds one tensor without a name; leave out key"),
        ("{file: empty.npy}", "'empty.npy' holds no numbers"),
    ],
)
def test_messages(tensors: Path, text: str, expected: str) -> None:
    assert message(tensors, text) == expected


@pytest.mark.parametrize("name", ["bad.npy", "bad.npz", "pickled.npy"])
def test_unreadable_tensors(tensors: Path, name: str) -> None:
    assert message(tensors, f"{{file: {name}}}").startswith(f"'{name}' is not a readable .npy or .npz file: ")
