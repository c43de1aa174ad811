"""Files that are no networks: a message that names the file and what is wrong, never anything else."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.onnx.reader import read_onnx
from tests.workload.onnx.conftest import LIGHT, Build, model_of, random
from tests.workload.onnx.test_reader import messages

CONV = helper.make_node("Conv", ["x", "w"], ["y"], name="conv")


def test_no_file_an_empty_one_a_folder_and_text(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(model_of([CONV], {"x": [1, 4, 3, 3]}, ["y"]).SerializeToString())
    assert messages(tmp_path / "nett.onnx") == "no such file; did you mean 'net.onnx'?"
    (tmp_path / "empty.onnx").write_bytes(b"")
    assert messages(tmp_path / "empty.onnx") == "is not an ONNX model, or is cut short: it is empty"
    (tmp_path / "folder.onnx").mkdir()
    assert messages(tmp_path / "folder.onnx").startswith("is a folder")
    (tmp_path / "text.onnx").write_text("name: net\nlayers: []\n")
    assert messages(tmp_path / "text.onnx").startswith("is not an ONNX model")


def test_a_truncated_file(tmp_path: Path) -> None:
    data = (LIGHT / "light_resnet50.onnx").read_bytes()
    for share in (0.3, 0.7, 0.999):
        (tmp_path / "cut.onnx").write_bytes(data[: int(len(data) * share)])
        assert messages(tmp_path / "cut.onnx").startswith(
            "is not an ONNX model, or is cut short: it ends in the middle"
        )


def test_a_cycle_and_an_unknown_tensor(written: Build) -> None:
    nodes = [helper.make_node("Add", ["x", "b"], ["a"], name="one"), helper.make_node("Relu", ["a"], ["b"], name="two")]
    assert messages(written(nodes, {"x": [3]}, ["b"])) == "one: a cycle: 2 nodes wait for one another, one, two"
    nodes = [helper.make_node("Relu", ["nothing"], ["y"], name="relu")]
    assert messages(written(nodes, {"x": [3]}, ["y"])) == "relu: reads 'nothing', which nothing writes"
    nodes = [helper.make_node("Relu", ["x"], ["y"], name="a"), helper.make_node("Tanh", ["x"], ["y"], name="b")]
    assert messages(written(nodes, {"x": [3]}, ["y"])) == "b: 'y' is written twice"


def test_operator_sets(written: Build) -> None:
    newest = onnx.defs.onnx_opset_version()
    path = written([CONV], {"x": [1, 4, 3, 3]}, ["y"], {"w": random(4, 4, 1, 1)}, opset=newest + 1)
    assert f"operator set {newest + 1} is newer than the installed onnx" in messages(path)
    path = written([CONV], {"x": [1, 4, 3, 3]}, ["y"], {"w": random(4, 4, 1, 1)}, opset=0)
    assert f"operator set 0 does not exist; 1 to {newest} are read" in messages(path)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([1, 4, 0, 3], "conv: sizes must be at least 1: input [1, 4, 0, 3], weights [4, 4, 1, 1], 1 groups"),
        ([-1, 4, 3, 3], "unbound dimensions: x.0 (x[0]); bind them, as --bind x.0=1"),
    ],
)
def test_zero_and_negative_dimensions(written: Build, shape: list[int], message: str) -> None:
    path = written([CONV], {"x": shape}, ["y"], {"w": random(4, 4, 1, 1)})
    assert messages(path) == message


@pytest.mark.parametrize(
    ("node", "inputs", "weights", "message"),
    [
        (CONV, [1, 3, 5, 5], (4, 4, 1, 1), "conv: 3 channels, filters of 4 and 4 filters do not fit 1 groups"),
        (CONV, [1, 4], (4, 4), "conv: an input of 2 dimensions and weights of 2; 3 to 5 of both are read"),
        (
            CONV, [1, 4, 2, 2], (4, 4, 3, 3),
            "conv: the filter spans 3 in filter rows, more than H with padding, which is 2",
        ),
        (
            helper.make_node("Conv", ["x", "w"], ["y"], name="conv", pads=[0, -1, 0, 0]), [1, 4, 5, 5], (4, 4, 1, 1),
            "conv: pads is [0, -1, 0, 0]; 4 numbers of at least 0 are required",
        ),
        (
            helper.make_node("Conv", ["x", "w"], ["y"], name="conv", strides=[1, 0]), [1, 4, 5, 5], (4, 4, 1, 1),
            "conv: strides is [1, 0]; 2 numbers of at least 1 are required",
        ),
        (
            helper.make_node("Conv", ["x", "w"], ["y"], name="conv", auto_pad="SAME"), [1, 4, 5, 5], (4, 4, 1, 1),
            "conv: auto_pad is 'SAME'; allowed: NOTSET, SAME_UPPER, SAME_LOWER, VALID",
        ),
        (
            helper.make_node("Gemm", ["x", "w"], ["y"], name="fc"), [2, 3], (4, 5),
            "fc: the inner sizes 3 and 4 differ",
        ),
        (
            helper.make_node("MatMul", ["x", "w"], ["y"], name="mm"), [2, 3], (4, 5),
            "mm: operands of [2, 3] and [4, 5] do not fit: 3 columns, 4 rows",
        ),
        (
            helper.make_node("MatMul", ["x", "w"], ["y"], name="mm"), [2, 2, 3], (3, 3, 5),
            "mm: operands of [2, 2, 3] and [3, 3, 5] cannot be broadcast",
        ),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit(
    written: Build, node: onnx.NodeProto, inputs: list[int], weights: tuple[int, ...], message: str
) -> None:
    assert messages(written([node], {"x": inputs}, ["y"], {"w": random(*weights)})) == message


def test_a_network_without_anything(written: Build) -> None:
    path = written([helper.make_node("Identity", ["x"], ["y"])], {"x": [3]}, ["y"])
    assert messages(path) == "no node computes or moves anything"


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A file with some bytes changed, cut out, doubled, or its end missing."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 8))):
        at = int(rng.integers(0, max(len(out), 1)))
        length = int(rng.integers(1, 12))
        match int(rng.integers(0, 5)):
            case 0 | 1:
                out[at : at + 1] = bytes([int(rng.integers(0, 256))])
            case 2:
                del out[at : at + length]
            case 3:
                out[at:at] = out[at : at + length]
            case 4:
                del out[max(at, len(out) // 2) :]
    return bytes(out)


@pytest.mark.parametrize("number", [150, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore")  # of numpy, for what a mutated constant computes
def test_mutated_files_are_read_or_refused(tmp_path: Path, number: int) -> None:
    """No other exception, no hang; and if the operators and shapes are untouched, the MACs are, too."""
    originals = [(LIGHT / f"light_{name}.onnx").read_bytes() for name in ("bvlc_alexnet", "squeezenet", "shufflenet")]
    rng = np.random.default_rng(7)
    read = refused = 0
    for at in range(number):
        path = tmp_path / f"{at}.onnx"
        path.write_bytes(mutated(originals[at % len(originals)], rng))
        with contextlib.suppress(InvalidFile):
            refused += 1
            network = read_onnx(path, Choices({}))
            assert isinstance(network, Network)
            refused, read = refused - 1, read + 1
        path.unlink()
    assert read
    assert refused
