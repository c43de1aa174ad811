"""Densities from numbers, lists and tensor files; one test a message."""

import re
from pathlib import Path

import numpy as np
import pytest

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.workload.layer import Density
from accelerator_sim.workload.network_file import read_network
from accelerator_sim.workload.tensor_values import read_tensor, tensor_of_shape


def density(folder: Path, text: str) -> Density:
    path = folder / "net.yaml"
    path.write_text(
        "name: n\nsource: s\nlayers:\n"
        f"  - {{name: a, op: conv, C: 2, M: 2, H: 2, W: 2, kernel: [1, 2], density: {{iact: {text}}}}}\n"
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
    image = tensor.reshape(1, 2, 2, 2)
    np.save(tmp_path / "image.npy", np.asfortranarray(image))
    np.savez(tmp_path / "images.npz", a=image, b=np.ones((2, 2, 2)))
    np.savez_compressed(tmp_path / "one.npz", a=image)
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
    ("text", "value", "key"),
    [("image.npy", 0.5, ""), ("images.npz, key: a", 0.5, "a"), ("images.npz, key: b", 1.0, "b"), ("one.npz", 0.5, "a")],
)
def test_tensor(tensors: Path, text: str, value: float, key: str) -> None:
    found = density(tensors, f"{{file: {text}}}")
    file = str(tensors / text.partition(",")[0])
    assert (found.iact, found.profile_iact, found.tensor_iact, found.tensor_weight) == (value, (), (file, key), None)


def test_tensor_of_weights(tensors: Path) -> None:
    np.save(tensors / "w.npy", np.array([[[[0, 1]], [[1, 1]]], [[[0, 0]], [[0, 1]]]]))
    found = density(tensors, "1, weight: {file: w.npy}")
    assert (found.weight, found.tensor_iact, found.tensor_weight) == (0.5, None, (str(tensors / "w.npy"), ""))


def test_a_tensor_of_another_layer_is_refused_by_its_header(tensors: Path) -> None:
    (tensors / "x.npy").write_bytes((tensors / "x.npy").read_bytes() + b"more")
    with pytest.raises(InvalidFile, match=r"layers.0: 'x.npy' holds a tensor of 2 x 4; the iacts of layer a are 1 x 2"):
        density(tensors, "{file: x.npy}")


def test_read_tensor(tensors: Path) -> None:
    tensor, key = read_tensor(tensors / "x.npz", "b", "x.npz")
    assert (tensor.tolist(), key) == ([1, 1, 1], "b")


@pytest.mark.parametrize(("shape", "axis", "block"), [((2, 4), 0, 2), ((2, 1, 4), 0, 1), ((1, 2, 4), 0, 1)])
def test_tensor_of_shape(tensors: Path, shape: tuple[int, ...], axis: int, block: int) -> None:
    found = tensor_of_shape((str(tensors / "x.npy"), ""), shape, axis, block, "the iacts")
    assert np.array_equal(found, np.repeat([[1], [0]], 4, axis=1).reshape(shape))


@pytest.mark.parametrize(
    ("shape", "axis", "expected"),
    [((5, 4), 0, [1, 0, 1, 0, 1]), ((2, 6), 1, [1, 0]), ((3, 2, 1, 4), 0, [1, 0, 1, 0, 1, 0])],
)
def test_tensor_that_repeats(tensors: Path, shape: tuple[int, ...], axis: int, expected: list[int]) -> None:
    found = tensor_of_shape((str(tensors / "x.npz"), "a"), shape, axis, 1, "the iacts")
    assert np.array_equal(found, np.repeat(expected, shape[-1]).reshape(shape))


@pytest.mark.parametrize(
    ("shape", "axis", "block"),
    [((4, 2), 0, 1), ((1, 4), 0, 1), ((3, 4), 0, 3), ((2, 2, 2), 1, 1), ((8,), 0, 1), ((64, 64), 0, 1)],
)
def test_tensor_of_another_shape(tensors: Path, shape: tuple[int, ...], axis: int, block: int) -> None:
    file = str(tensors / "x.npy")
    wanted = " x ".join(map(str, shape))
    message = f"{file!r} holds a tensor of 2 x 4; the iacts are {wanted} (a 1 may be left out)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        tensor_of_shape((file, ""), shape, axis, block, "the iacts")


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
        ("{file: pickled.npy}", "'pickled.npy' holds no numbers"),
    ],
)
def test_messages(tensors: Path, text: str, expected: str) -> None:
    assert message(tensors, text) == expected


@pytest.mark.parametrize("name", ["bad.npy", "bad.npz"])
def test_unreadable_tensors(tensors: Path, name: str) -> None:
    assert message(tensors, f"{{file: {name}}}").startswith(f"'{name}' is not a readable .npy or .npz file: ")
