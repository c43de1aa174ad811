"""Constants are computed where they are small, and never where a few bytes ask for petabytes."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from onnx import helper

from accelerator_sim.workload.onnx.constants import size_of_result
from accelerator_sim.workload.onnx.loading import load_graph
from tests.workload.onnx.conftest import Build, random, read
from tests.workload.onnx.test_reader import messages

LARGE = np.int64(1) << 40


@pytest.mark.parametrize(
    ("op", "operands", "size"),
    [
        ("ConstantOfShape", [np.array([LARGE, LARGE])], float(LARGE) ** 2),
        ("Tile", [np.ones(3), np.array([LARGE])], 3.0 * float(LARGE)),
        ("Expand", [np.ones((1, 3)), np.array([LARGE, 3])], 3 * float(LARGE)),
        ("Range", [np.array(0), np.array(LARGE), np.array(1)], float(LARGE)),
        ("Range", [np.array(5), np.array(0), np.array(1)], 0.0),
        ("OneHot", [np.ones(3), np.array(LARGE), np.ones(2)], 3 * float(LARGE)),
        ("Pad", [np.ones(3), np.array([LARGE, 0])], 3 + 2.0 * float(LARGE)),
        ("Mul", [np.ones((3, 1)), np.ones((1, 4))], 12.0),
        ("Concat", [np.ones(3), np.ones(4)], 7.0),
        ("MatMul", [np.ones((3, 3)), np.ones((3, 3))], math.inf),  # weights are never computed
        ("Range", [np.array(0), np.array(5), np.array(0)], math.inf),
    ],
)
def test_sizes_are_known_before(op: str, operands: list[Any], size: float) -> None:
    reads = [f"x{at}" for at in range(len(operands))]
    node = helper.make_node(op, reads, ["y"])
    assert size_of_result(node, dict(zip(reads, operands, strict=True))) == size


@pytest.mark.parametrize(
    ("op", "constants"),
    [
        ("ConstantOfShape", {"a": np.array([LARGE, 2])}),
        ("Tile", {"a": np.ones(3, np.float32), "b": np.array([LARGE])}),
        ("Expand", {"a": np.ones(1, np.float32), "b": np.array([LARGE])}),
        ("Range", {"a": np.array(0), "b": np.array(LARGE), "c": np.array(1)}),
    ],
)
def test_petabytes_are_not_computed(written: Build, op: str, constants: dict[str, Any]) -> None:
    """The shape of a large constant, which is never made: it must not even be asked for its values."""
    nodes = [
        helper.make_node(op, list(constants), ["big"], name="big"),
        helper.make_node("ReduceMax", ["big"], ["most"], keepdims=0),
        helper.make_node("Add", ["x", "most"], ["y"], name="add"),
    ]
    start = time.monotonic()
    path = written(nodes, {"x": [1, 4]}, ["y"], constants, opset=13)
    assert load_graph(path, {}).value("most") is None
    assert [layer.name for layer in read(path).layers] == ["add"]
    assert time.monotonic() - start < 10.0  # milliseconds, unless it is computed


def test_a_chain_of_constants_longer_than_the_stack(written: Build) -> None:
    nodes = [helper.make_node("Identity", [f"t{at}"], [f"t{at + 1}"]) for at in range(1200)]
    nodes.append(helper.make_node("Reshape", ["x", "t1200"], ["r"]))
    nodes.append(helper.make_node("MatMul", ["r", "w"], ["y"], name="mm"))
    path = written(nodes, {"x": [1, 12]}, ["y"], {"t0": np.array([3, 4]), "w": random(4, 5)})
    assert read(path).macs == 60


def test_values_that_meet_on_two_ways(written: Build) -> None:
    """A constant that is read twice, first where its other reader is still waiting for it."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Div", ["s", "two"], ["half"]),
        helper.make_node("Mul", ["half", "two"], ["whole"]),
        helper.make_node("Reshape", ["x", "whole"], ["r"]),
        helper.make_node("MatMul", ["r", "w"], ["y"], name="mm"),
    ]
    path = written(nodes, {"x": [2, 4]}, ["y"], {"two": np.array([2, 2]), "w": random(4, 5)})
    assert read(path).macs == 40


def test_a_file_with_too_much_besides_its_weights(written: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accelerator_sim.workload.onnx.model_file.LARGEST_MODEL", 100)
    path = written([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": [1, 4]}, ["y"], {"w": random(4, 60)})
    assert messages(path) == "is not an ONNX model, or is cut short: it holds more than 100 bytes besides its weights"
