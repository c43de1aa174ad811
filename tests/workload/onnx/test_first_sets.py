"""Operator sets 1 to 6, and files without the standard domain."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from accelerator_sim.workload.onnx.loading import load_graph
from tests.workload.onnx.conftest import Build, random, read

ONE = np.ones(4, np.float32)


def network(opset: int) -> list[onnx.NodeProto]:
    """A small network in the forms of the first operator sets."""
    batch = ["c", "one", "one", "one", "one"]
    return [
        helper.make_node("Pad", ["x"], ["p"], **{"paddings" if opset < 2 else "pads": [0, 0, 1, 1, 0, 0, 1, 1]}),
        helper.make_node("Conv", ["p", "w"], ["c"], name="conv"),
        helper.make_node("BatchNormalization", batch, ["n"], name="bn", is_test=1),
        helper.make_node("Add", ["n", "one"], ["a"], name="add", broadcast=1, axis=1),
        helper.make_node("Relu", ["a"], ["r"], name="relu"),
        helper.make_node("Concat", ["r", "r"], ["cat"], name="cat", axis=1),
        helper.make_node("MaxPool", ["cat"], ["m"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Dropout", ["m"], ["d"], ratio=0.5, is_test=1),
        *([helper.make_node("Reshape", ["d"], ["f"], shape=[0, -1])] if opset < 5
          else [helper.make_node("Reshape", ["d", "shape"], ["f"])]),
        helper.make_node("Gemm", ["f", "v", "b"], ["y"], name="fc", broadcast=1, transB=1),
    ]  # fmt: skip


@pytest.mark.parametrize("opset", range(1, 7))
def test_a_network_of_the_first_sets(written: Build, opset: int) -> None:
    constants = {"w": random(4, 3, 3, 3), "one": ONE, "v": random(5, 72), "b": random(5)}
    if opset >= 5:
        constants["shape"] = np.array([0, -1])
    found = read(written(network(opset), {"x": [1, 3, 6, 6]}, ["y"], constants, opset=opset, ir=3))
    assert found.macs == 4 * 27 * 36 + 72 * 5
    assert found.layers[0].padding == (1, 1, 1, 1)
    assert "UNKNOWN" not in found.notes


@pytest.mark.parametrize(
    ("op", "attributes", "inputs", "shapes"),
    [
        ("Upsample", {"height_scale": 2.0, "width_scale": 3.0}, [[1, 2, 4, 5]], [(1, 2, 8, 15)]),
        ("Split", {"axis": 1, "split": [2, 1]}, [[2, 3]], [(2, 2), (2, 1)]),
        ("Split", {"axis": 1}, [[2, 4]], [(2, 2), (2, 2)]),
        ("Concat", {}, [[2, 3], [2, 4]], [(2, 7)]),
        ("Mul", {"broadcast": 1}, [[2, 3], [3]], [(2, 3)]),
        ("Cast", {"to": "FLOAT16"}, [[2, 3]], [(2, 3)]),
        ("Reshape", {"shape": [0, 2, -1]}, [[3, 8]], [(3, 2, 4)]),
        ("LpPool", {"kernel_shape": [2, 2], "strides": [2, 2], "p": 2.0}, [[1, 2, 6, 6]], [(1, 2, 3, 3)]),
        ("InstanceNormalization", {}, [[1, 2, 6, 6], [2], [2]], [(1, 2, 6, 6)]),
        ("GRU", {"hidden_size": 4}, [[3, 1, 5], [1, 12, 5], [1, 12, 4]], [(3, 1, 1, 4), (1, 1, 4)]),
        ("ImageScaler", {"scale": 2.0, "bias": [0.0, 1.0]}, [[1, 2, 6, 6]], [(1, 2, 6, 6)]),
    ],
)
def test_shapes_of_the_first_set(
    written: Build, op: str, attributes: dict[str, Any], inputs: list[list[int]], shapes: list[tuple[int, ...]]
) -> None:
    reads, outs = [f"x{at}" for at in range(len(inputs))], [f"y{at}" for at in range(len(shapes))]
    node = helper.make_node(op, reads, outs, name="node", **attributes)
    path = written([node], dict(zip(reads, inputs, strict=True)), outs, opset=1, ir=3)
    found = load_graph(path, {}).shapes
    assert [found.get(out) for out in outs] == shapes


@pytest.mark.parametrize("domains", [[], ["com.microsoft"]])
def test_files_without_the_standard_domain(written: Build, domains: list[str]) -> None:
    path = written([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": [1, 4]}, ["y"], {"w": random(4, 6)})
    model = onnx.load(path)
    del model.opset_import[:]
    model.opset_import.extend(helper.make_opsetid(domain, 1) for domain in domains)
    path.write_bytes(model.SerializeToString())
    assert read(path).macs == 24
    assert f"ONNX operator set {max(row[2] for row in helper.VERSION_TABLE if row[1] == 9)}" in read(path).source


def test_a_file_from_before_operator_sets(written: Build) -> None:
    path = written([helper.make_node("Mul", ["x", "w"], ["y"], broadcast=1)], {"x": [1, 4]}, ["y"], {"w": random(4)})
    model = onnx.load(path)
    del model.opset_import[:]
    model.ir_version = 2
    path.write_bytes(model.SerializeToString())
    assert "ONNX operator set 1" in read(path).source


def test_the_standard_domain_by_its_name(written: Build) -> None:
    node = helper.make_node("MatMul", ["x", "w"], ["y"], domain="ai.onnx")
    path = written([node], {"x": [1, 4]}, ["y"], {"w": random(4, 6)})
    model = onnx.load(path)
    model.opset_import[0].domain = "ai.onnx"
    path.write_bytes(model.SerializeToString())
    assert read(path).macs == 24
