"""Views are read in place where the innermost words stay side by side, as numpy's strides say, and cost words else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import NodeProto, helper

from tests.workload.onnx.conftest import Build, model_of, random, read

Node = helper.make_node
SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


def side_by_side(view: NDArray[Any]) -> bool:
    """Whether the last dimension of more than one element has neighbours in memory."""
    strides = [stride for size, stride in zip(view.shape, view.strides, strict=True) if size > 1]
    return not strides or strides[-1] == view.itemsize


def costs(tmp_path: Any, node: NodeProto, shape: list[int], constants: dict[str, NDArray[Any]]) -> bool:
    """Whether a node of a graph, between an Exp and another, is a layer."""
    nodes = [Node("Exp", ["x"], ["a"], name="before"), node, Node("Exp", ["b"], ["y"], name="after")]
    path = tmp_path / "view.onnx"
    path.write_bytes(model_of(nodes, {"x": shape}, ["y"], constants).SerializeToString())
    return node.name in [layer.name for layer in read(path).layers]


@given(data=st.data())
def test_must_hold_transposes_cost_where_strides_say_so(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shape = data.draw(SHAPES)
    perm = data.draw(st.permutations(range(len(shape))))
    view = np.zeros(shape, np.float32).transpose(perm)
    node = Node("Transpose", ["a"], ["b"], name="view", perm=perm)
    assert costs(tmp_path_factory.mktemp("t"), node, shape, {}) is not side_by_side(view)


@given(data=st.data())
def test_must_hold_slices_cost_where_strides_say_so(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shape = data.draw(SHAPES)
    starts = [data.draw(st.integers(0, size - 1)) for size in shape]
    steps = [data.draw(st.integers(1, 2)) for _ in shape]
    view = np.zeros(shape, np.float32)[tuple(slice(a, None, step) for a, step in zip(starts, steps, strict=True))]
    constants = {"s": starts, "e": shape, "r": list(range(len(shape))), "t": steps}
    node = Node("Slice", ["a", "s", "e", "r", "t"], ["b"], name="view")
    held = {name: np.array(value, dtype=np.int64) for name, value in constants.items()}
    assert costs(tmp_path_factory.mktemp("t"), node, shape, held) is not side_by_side(view)


@given(data=st.data())
def test_must_hold_selections_cost_where_strides_say_so(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shape = data.draw(SHAPES)
    axis = data.draw(st.integers(0, len(shape) - 1))
    view = np.zeros(shape, np.float32)[(slice(None),) * axis + (0,)]
    node = Node("Gather", ["a", "i"], ["b"], name="view", axis=axis)
    assert costs(tmp_path_factory.mktemp("t"), node, shape, {"i": np.array(0)}) is not side_by_side(view)


def test_heads_of_one_product_cost_nothing(written: Build) -> None:
    """Queries, keys and values of two heads, as exporters write them, with the keys turned for the scores."""
    nodes = [
        Node("MatMul", ["x", "w"], ["a"], name="qkv"),
        Node("Split", ["a"], ["q", "k", "v"], name="split", axis=2, num_outputs=3),
        *(Node("Reshape", [t, "heads"], [f"{t}1"], name=f"{t}_view") for t in "qkv"),
        *(Node("Transpose", [f"{t}1"], [f"{t}2"], name=f"{t}_turn", perm=[0, 2, 1, 3]) for t in "qv"),
        Node("Transpose", ["k1"], ["k2"], name="k_turn", perm=[0, 2, 3, 1]),
        Node("MatMul", ["q2", "k2"], ["s"], name="scores"),
        Node("Softmax", ["s"], ["p"], name="softmax"),
        Node("MatMul", ["p", "v2"], ["c"], name="context"),
        Node("Transpose", ["c"], ["c1"], name="c_turn", perm=[0, 2, 1, 3]),
        Node("Reshape", ["c1", "rows"], ["c2"], name="c_view"),
        Node("MatMul", ["c2", "o"], ["y"], name="out"),
    ]
    found = read(written(nodes, {"x": [1, 5, 8]}, ["y"], {
        "w": random(8, 24), "o": random(8, 8), "heads": np.array([1, 5, 2, 4]), "rows": np.array([1, 5, 8]),
    }, opset=18))  # fmt: skip
    assert [layer.name for layer in found.layers] == ["qkv", "scores", "softmax", "context", "out"]
    assert [layer.reads for layer in found.layers] == [(), ("qkv",), ("scores",), ("softmax", "qkv"), ("context",)]
    assert found.macs == 5 * 8 * 24 + 2 * 2 * 5 * 5 * 4 + 5 * 8 * 8
    assert "Read in place, by strides, and not listed: 1 Split, 4 Transpose." in found.notes


def test_what_turns_the_innermost_words_is_moved_and_named(written: Build) -> None:
    nodes = [
        Node("Conv", ["x", "w"], ["a"], name="conv"),
        Node("Transpose", ["a"], ["b"], name="last", perm=[0, 2, 3, 1]),
        Node("Softmax", ["b"], ["y"], name="softmax"),
    ]
    found = read(written(nodes, {"x": [1, 4, 6, 6]}, ["y"], {"w": random(8, 4, 1, 1)}))
    assert [layer.name for layer in found.layers] == ["conv", "last", "softmax"]
    assert (found.layers[1].iact_words, found.layers[1].oact_words) == (288, 288)
    assert "Moved, for their innermost dimension is turned: last." in found.notes


def test_a_matrix_that_is_turned_for_more_than_products_is_moved(written: Build) -> None:
    turn = Node("Transpose", ["x"], ["t"], name="turn", perm=[0, 2, 1])
    product = Node("MatMul", ["x", "t"], ["y"], name="product")
    named = [layer.name for layer in read(written([turn, product], {"x": [2, 5, 8]}, ["y"])).layers]
    assert named == ["product"]
    for more, outputs in (([Node("Exp", ["t"], ["z"], name="exp")], ["y", "z"]), ([], ["y", "t"])):
        layers = read(written([turn, product, *more], {"x": [2, 5, 8]}, outputs)).layers
        assert "turn" in [layer.name for layer in layers]


def test_indices_of_the_input_and_tables_are_looked_up(written: Build) -> None:
    nodes = [
        Node("Gather", ["table", "x"], ["a"], name="words"),
        Node("Exp", ["a"], ["b"], name="exp"),
        Node("Cast", ["b"], ["i"], name="cast", to=7),
        Node("Gather", ["b", "i"], ["y"], name="chosen", axis=0),
    ]
    found = read(written(nodes, {"x": [3]}, ["y"], {"table": random(9, 4)}, kind=7))
    assert [layer.name for layer in found.layers] == ["words", "exp", "chosen"]


@pytest.mark.parametrize(
    ("indices", "moved"), [([0, 2, 4], False), ([4, 3, 2], False), ([1], False), ([0, 1, 3], True)]
)
def test_rows_are_read_in_place_in_even_steps(tmp_path: Path, indices: list[int], moved: bool) -> None:
    node = Node("Gather", ["a", "i"], ["b"], name="view", axis=0)
    assert costs(tmp_path, node, [6, 4], {"i": np.array(indices)}) is moved


def test_nothing_is_fused_through_a_part(written: Build) -> None:
    nodes = [
        Node("MatMul", ["x", "w"], ["a"], name="product"),
        Node("Split", ["a"], ["b", "c"], name="split", axis=1, num_outputs=2),
        Node("Relu", ["b"], ["d"], name="relu"),
        Node("Mul", ["c", "d"], ["y"], name="gate"),
    ]
    found = read(written(nodes, {"x": [3, 4]}, ["y"], {"w": random(4, 8)}, opset=18))
    assert [layer.name for layer in found.layers] == ["product", "relu", "gate"]
