"""If, Loop and Scan that the file decides are written out; others that multiply are refused, at any depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.workload.onnx.conftest import Build, random, read
from tests.workload.onnx.test_reader import messages

F = TensorProto.FLOAT


def value(name: str, *shape: int, kind: int = F) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def empty(name: str) -> onnx.ValueInfoProto:
    return helper.make_empty_tensor_value_info(name)


def product(out: str, weights: str = "w") -> onnx.GraphProto:
    return helper.make_graph([helper.make_node("MatMul", ["x", weights], [out], name="mm")], "g", [], [empty(out)])


def loop(condition: list[onnx.NodeProto], **more: Any) -> onnx.NodeProto:
    """A state times a matrix in each round, which is stacked."""
    body = helper.make_graph(
        [*condition, helper.make_node("MatMul", ["s", "w"], ["t"], name="mm")],
        "body",
        [value("i", kind=TensorProto.INT64), value("cin", kind=TensorProto.BOOL), value("s", 2, 4)],
        [empty("cout"), empty("t"), empty("t")],
    )
    return helper.make_node("Loop", ["m", "c", "x"], ["last", "all"], name="loop", body=body, **more)


KEEP = [helper.make_node("Identity", ["cin"], ["cout"])]
CONSTANTS = {"w": random(4, 4), "m": np.array(5), "c": np.array(True)}


def test_a_loop_of_a_known_number_of_rounds(written: Build) -> None:
    nodes = [loop(KEEP), helper.make_node("MatMul", ["all", "w"], ["y"], name="out")]
    network = read(written(nodes, {"x": [2, 4]}, ["y"], CONSTANTS))
    assert network.macs == 5 * 2 * 16 + 5 * 2 * 16
    assert [layer.name for layer in network.layers] == [*(f"mm.{step}" for step in range(5)), "out"]
    assert network.reused == {f"mm.{step}" for step in range(1, 5)} | {"out"}
    assert network.layers[3].reads == ("mm.2",)


@pytest.mark.parametrize(
    ("constants", "macs"), [({"c": np.array(False)}, 0), ({"m": np.array(0)}, 0), ({"m": np.array(1)}, 32)]
)
def test_loops_of_one_round_or_none(written: Build, constants: dict[str, Any], macs: int) -> None:
    nodes = [loop(KEEP), helper.make_node("MatMul", ["last", "w"], ["y"], name="out")]
    path = written(nodes, {"x": [2, 4]}, ["y"], CONSTANTS | constants)
    if macs:
        assert read(path).macs == macs + 32
    else:
        assert "Loop holds MatMul in a subgraph" in messages(path)  # nothing to stack: the shape of `all` has no rounds


def test_a_loop_that_may_stop_is_refused(written: Build) -> None:
    stop = [
        helper.make_node("ReduceSum", ["s"], ["sum"], keepdims=0),
        helper.make_node("Less", ["sum", "one"], ["cout"]),
    ]
    path = written([loop(stop)], {"x": [2, 4]}, ["last"], CONSTANTS | {"one": np.float32(1)})
    assert messages(path).startswith("loop: Loop holds MatMul in a subgraph, and what it does depends on the input")


def test_a_number_of_rounds_that_is_an_input_is_refused(written: Build) -> None:
    constants = {name: array for name, array in CONSTANTS.items() if name != "m"}
    path = written([loop(KEEP)], {"x": [2, 4], "m": []}, ["last"], constants)
    assert messages(path).startswith("loop: Loop holds MatMul in a subgraph")


def test_a_trillion_rounds_are_refused_at_once(written: Build) -> None:
    path = written([loop(KEEP)], {"x": [2, 4]}, ["last"], CONSTANTS | {"m": np.array(10**12)})
    assert messages(path) == "loop: a loop that becomes 5,000,000,000,000 nodes; up to 20,000 are read"


def test_a_branch_within_a_loop_within_a_branch(written: Build) -> None:
    inner = helper.make_node(
        "If", ["yes"], ["t"], name="inner", then_branch=product("a"), else_branch=product("b", "v")
    )
    inner.attribute[0].g.node[0].input[0] = inner.attribute[1].g.node[0].input[0] = "s"
    body = helper.make_graph(
        [*KEEP, inner], "body",
        [value("i", kind=TensorProto.INT64), value("cin", kind=TensorProto.BOOL), value("s", 2, 4)],
        [empty("cout"), empty("t")],
    )  # fmt: skip
    looped = helper.make_node("Loop", ["m", "", "x"], ["z"], name="loop", body=body)
    then = helper.make_graph([looped], "then", [], [empty("z")])
    other = helper.make_graph([helper.make_node("Identity", ["x"], ["o"])], "else", [], [empty("o")])
    outer = helper.make_node("If", ["yes"], ["y"], name="outer", then_branch=then, else_branch=other)
    constants = CONSTANTS | {"yes": np.array(True), "v": random(4, 9)}
    assert read(written([outer], {"x": [2, 4]}, ["y"], constants)).macs == 5 * 2 * 16


def test_products_are_found_at_any_depth(written: Build) -> None:
    graph = product("z0")
    for depth in range(1, 6):
        node = helper.make_node("If", ["c"], [f"z{depth}"], name=f"if{depth}", then_branch=graph, else_branch=graph)
        graph = helper.make_graph([node], "g", [], [empty(f"z{depth}")])
    path = written(list(graph.node), {"x": [2, 4], "c": []}, ["z5"], {"w": random(4, 4)})
    assert messages(path).startswith("if5: If holds MatMul in a subgraph, and what it does depends on the input")


def test_a_condition_that_shapes_decide(written: Build) -> None:
    nodes = [
        helper.make_node("Size", ["x"], ["n"]),
        helper.make_node("Greater", ["n", "m"], ["big"]),
        helper.make_node("If", ["big"], ["y"], name="if", then_branch=product("a"), else_branch=product("b", "v")),
    ]
    constants = {"w": random(4, 3), "v": random(4, 9), "m": np.array(10)}
    for rows, columns in ((2, 9), (3, 3)):
        assert read(written(nodes, {"x": [rows, 4]}, ["y"], constants)).macs == rows * 4 * columns


def test_a_scan_backwards_along_another_axis(written: Build) -> None:
    body = helper.make_graph(
        [helper.make_node("MatMul", ["h", "w"], ["hw"], name="state"), helper.make_node("Add", ["hw", "xt"], ["hn"])],
        "body", [value("h", 3, 4), value("xt", 3, 4)], [empty("hn"), empty("hn")],
    )  # fmt: skip
    scan = helper.make_node(
        "Scan", ["h0", "xs"], ["hl", "ys"], name="scan", body=body, num_scan_inputs=1, scan_input_axes=[1],
        scan_input_directions=[1], scan_output_axes=[2], scan_output_directions=[1],
    )  # fmt: skip
    nodes = [scan, helper.make_node("MatMul", ["ys", "v"], ["y"], name="out")]
    path = written(nodes, {"h0": [3, 4], "xs": [3, 6, 4]}, ["y"], {"w": random(4, 4), "v": random(6, 2)})
    assert read(path).macs == 6 * 3 * 16 + 3 * 4 * 6 * 2  # ys is 3 x 4 x 6: stacked along the last axis


def test_sequences_of_different_lengths(written: Build) -> None:
    body = helper.make_graph(
        [helper.make_node("MatMul", ["a", "b"], ["c"], name="mm")],
        "body",
        [value("a", 2, 3), value("b", 3, 2)],
        [empty("c")],
    )
    scan = helper.make_node("Scan", ["x", "z"], ["y"], name="scan", body=body, num_scan_inputs=2)
    path = written([scan], {"x": [4, 2, 3], "z": [5, 3, 2]}, ["y"])
    assert messages(path) == "scan: scans sequences of [4, 5] steps, which must be equally long"


def test_a_loop_without_products_that_is_long_is_one_node(written: Build) -> None:
    body = helper.make_graph(
        [*KEEP, helper.make_node("Relu", ["s"], ["t"])], "body",
        [value("i", kind=TensorProto.INT64), value("cin", kind=TensorProto.BOOL), value("s", 2, 4)],
        [empty("cout"), empty("t")],
    )  # fmt: skip
    node = helper.make_node("Loop", ["m", "c", "x"], ["y"], name="loop", body=body)
    network = read(written([node], {"x": [2, 4]}, ["y"], CONSTANTS | {"m": np.array(10**12)}))
    assert [(layer.name, layer.op) for layer in network.layers] == [("loop", "other")]


@pytest.mark.parametrize("limit", ["m", "most", ""])
def test_a_loop_that_a_condition_of_constants_ends(written: Build, limit: str) -> None:
    node = loop([helper.make_node("Less", ["i", "two"], ["cout"])])
    node.input[0] = limit
    more = {"two": np.array(2), "most": np.array(np.iinfo(np.int64).max)}
    assert read(written([node], {"x": [2, 4]}, ["all"], {**CONSTANTS, **more})).macs == 3 * 2 * 16


def test_a_loop_whose_condition_counts_in_what_it_carries(written: Build) -> None:
    """As `while n < 20: n = n * 3`: 1, 3, 9, 27."""
    body = helper.make_graph(
        [
            helper.make_node("Mul", ["n", "three"], ["o"]),
            helper.make_node("Less", ["o", "end"], ["cout"]),
            helper.make_node("MatMul", ["s", "w"], ["t"], name="mm"),
        ],
        "body",
        [value("i", kind=TensorProto.INT64), value("cin", kind=TensorProto.BOOL), value("n", kind=TensorProto.INT64),
         value("s", 2, 4)],
        [empty("cout"), empty("o"), empty("t")],
    )  # fmt: skip
    node = helper.make_node("Loop", ["", "c", "n0", "x"], ["n1", "last"], name="loop", body=body)
    more = {"n0": np.array(1), "three": np.array(3), "end": np.array(20)}
    assert read(written([node], {"x": [2, 4]}, ["last"], {**CONSTANTS, **more})).macs == 3 * 2 * 16


def test_a_loop_without_an_end_is_refused(written: Build) -> None:
    node = loop(KEEP)
    node.input[0] = ""
    assert "a loop that becomes " in messages(written([node], {"x": [2, 4]}, ["all"], CONSTANTS))
