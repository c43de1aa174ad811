"""Batches that are turned, reshaped and joined with constants on their way, and operators that mix them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from accelerator_sim.workload.onnx.batch_places import Place, batch_places
from accelerator_sim.workload.onnx.loading import load_graph
from tests.workload.onnx.conftest import model_of, random, read

Node = helper.make_node
MATMUL = Node("MatMul", ["x", "w"], ["a"], name="fc")
CONV = Node("Conv", ["x", "w"], ["a"], name="conv", pads=[1, 1, 1, 1])
W86 = {"w": random(8, 6)}
W4333 = {"w": random(4, 3, 3, 3)}
CONV_MACS = 4 * 27 * 64


def written(folder: Path, model: onnx.ModelProto) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def heads_by_time(n: int, four: bool) -> onnx.ModelProto:
    """PyTorch's MultiheadAttention: 12 tokens by time, heads joined with the batch; in four dimensions, or in three."""
    nodes = [
        Node("Transpose", ["x"], ["xt"], perm=[1, 0, 2]),
        Node("MatMul", ["xt", "w"], ["p"], name="qkv"),
        Node("Reshape", ["p", "s3"], ["p4"]),
        Node("Transpose", ["p4"], ["p5"], perm=[2, 0, 1, 3]),
    ]
    for at, t in enumerate("qkv"):
        nodes += [
            Node("Gather", ["p5", f"i{at}"], [t], axis=0),
            Node("Reshape", [t, "joined"], [f"{t}1"]),
            Node("Transpose", [f"{t}1"], [f"{t}2"], perm=[1, 0, 2]),
            Node("Reshape", [f"{t}2", "heads"], [f"{t}3"]),
        ]
    last, size = (3, 4) if four else (2, 3)
    turned = [*range(size - 2), last, last - 1]
    nodes += [
        Node("Transpose", ["k3"], ["kt"], perm=turned),
        Node("MatMul", ["q3", "kt"], ["scores"], name="scores"),
        Node("Softmax", ["scores"], ["soft"], axis=-1),
        Node("MatMul", ["soft", "v3"], ["y"], name="context"),
    ]
    constants = {
        "w": random(32, 96),
        "s3": np.array([12, n, 3, 32]),
        "joined": np.array([12, n * 8, 4]),
        "heads": np.array([n, 8, 12, 4] if four else [n * 8, 12, 4]),
        **{f"i{at}": np.array(at) for at in range(3)},
    }
    return model_of(nodes, {"x": [n, 12, 32]}, ["y"], constants)


@pytest.mark.parametrize("four", [True, False])
@pytest.mark.parametrize("n", [1, 3, 4])
def test_heads_joined_with_the_batch(tmp_path: Path, n: int, four: bool) -> None:
    network = read(written(tmp_path, heads_by_time(n, four)))
    assert (network.macs, network.batch) == (n * (12 * 32 * 96 + 2 * 8 * 12 * 12 * 4), n)


def test_places(tmp_path: Path) -> None:
    graph = load_graph(written(tmp_path, heads_by_time(4, True)), {})
    places = batch_places(graph, {"x": 0}, 4)
    assert places is not None
    assert (places["xt"], places["p5"], places["q1"], places["q2"]) == (Place(1), Place(2), Place(1), Place(0))
    assert places["y"] == Place(0)


BATCHES: list[tuple[str, list[onnx.NodeProto], dict[str, list[int]], dict[str, Any], int, int]] = [
    ("sizes of Resize", [CONV, Node("Resize", ["a", "", "", "s"], ["b"]), Node("Conv", ["b", "v"], ["y"], name="two")],
     {"x": [4, 3, 8, 8]}, {**W4333, "s": np.array([4, 4, 16, 16]), "v": random(2, 4, 1, 1)},
     4 * (CONV_MACS + 2 * 4 * 256), 17),
    ("Reshape of the first sets", [CONV, Node("Reshape", ["a"], ["b"], shape=[4, 256]),
     Node("Gemm", ["b", "v", "c"], ["y"], name="fc", broadcast=1)],
     {"x": [4, 3, 8, 8]}, {**W4333, "v": random(256, 5), "c": random(5)}, 4 * (CONV_MACS + 256 * 5), 1),
    ("a token before all", [Node("Concat", ["c", "x"], ["t"], axis=1), Node("MatMul", ["t", "w"], ["y"], name="fc")],
     {"x": [4, 9, 8]}, {"c": random(4, 1, 8), **W86}, 4 * 10 * 48, 17),
    ("places of tokens", [Node("Gather", ["table", "ids"], ["p"]), Node("Add", ["x", "p"], ["u"]),
     Node("MatMul", ["u", "w"], ["y"], name="fc")],
     {"x": [4, 5, 8]}, {"table": random(9, 8), "ids": np.zeros((4, 5), np.int64), **W86}, 4 * 5 * 48, 17),
    ("a mask", [Node("Transpose", ["x"], ["t"], perm=[0, 2, 1]), Node("MatMul", ["x", "t"], ["s"], name="scores"),
     Node("Where", ["m", "s", "low"], ["y"])],
     {"x": [4, 5, 8]}, {"m": np.ones((4, 5, 5), bool), "low": np.array(-1e9, np.float32)}, 4 * 5 * 5 * 8, 17),
]  # fmt: skip


@pytest.mark.parametrize("case", BATCHES, ids=[case[0] for case in BATCHES])
def test_constants_that_have_the_batch_or_write_it_out(tmp_path: Path, case: tuple[Any, ...]) -> None:
    _, nodes, inputs, constants, macs, opset = case
    network = read(written(tmp_path, model_of(nodes, inputs, ["y"], constants, opset=opset, ir=3 if opset == 1 else 9)))
    assert (network.macs, network.batch) == (macs, 4)


MIXED = [
    ("Softmax", [MATMUL, Node("Softmax", ["a"], ["y"], axis=0)], {}, 17),
    ("Softmax of the first sets", [MATMUL, Node("Softmax", ["a"], ["y"], axis=0)], {}, 11),
    ("CumSum", [MATMUL, Node("CumSum", ["a", "z"], ["y"])], {"z": np.array(0)}, 17),
    ("LayerNormalization", [MATMUL, Node("LayerNormalization", ["a", "s"], ["y"], axis=0)], {"s": random(4, 6)}, 17),
    ("TopK", [MATMUL, Node("TopK", ["a", "k"], ["y", "at"], axis=0)], {"k": np.array([4])}, 17),
    ("a turned Softmax", [MATMUL, Node("Transpose", ["a"], ["t"]), Node("Softmax", ["t"], ["y"])], {}, 17),
]


@pytest.mark.parametrize("case", MIXED, ids=[case[0] for case in MIXED])
def test_a_batch_that_an_operator_mixes_is_one_inference(tmp_path: Path, case: tuple[Any, ...]) -> None:
    _, nodes, more, opset = case
    network = read(written(tmp_path, model_of(nodes, {"x": [4, 8]}, ["y"], {**W86, **more}, opset=opset)))
    assert (network.macs, network.batch) == (4 * 48, 1)


def test_statistics_of_a_batch_are_of_one_inference(tmp_path: Path) -> None:
    norm = Node("BatchNormalization", ["a", "s", "s", "s", "s"], ["y", "mean", "var"], training_mode=1)
    network = read(written(tmp_path, model_of([CONV, norm], {"x": [4, 3, 8, 8]}, ["y"], {**W4333, "s": random(4)})))
    assert (network.macs, network.batch) == (4 * CONV_MACS, 1)


def test_what_does_not_mix_stays_a_batch(tmp_path: Path) -> None:
    for node, opset in ((Node("Softmax", ["a"], ["y"]), 17), (Node("Softmax", ["a"], ["y"]), 11)):
        assert read(written(tmp_path, model_of([MATMUL, node], {"x": [4, 8]}, ["y"], W86, opset=opset))).batch == 4
