"""A file whose tensors have a batch is as many inferences as the file without it, run with --batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from tests.workload.onnx.conftest import model_of, random, read


def layers(network: Network) -> list[tuple[Any, ...]]:
    def of(layer: Layer) -> tuple[Any, ...]:
        return (
            layer.name,
            layer.op,
            layer.N,
            layer.G,
            layer.M,
            layer.C,
            layer.H,
            layer.W,
            layer.iact_words,
            layer.oact_words,
        )

    return [of(layer) for layer in network.layers]


def convolutions(n: int) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"], name="pool"),
        helper.make_node("Reshape", ["c", "s"], ["d"]),
        helper.make_node("Gemm", ["d", "v"], ["y"], name="fc"),
    ]
    constants = {"w": random(4, 3, 3, 3), "v": random(4, 5), "s": np.array([n, 4])}  # the batch is written out
    return model_of(nodes, {"x": [n, 3, 6, 6]}, ["y"], constants)


def perceptron(n: int) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["a"], name="one"),
        helper.make_node("Tanh", ["a"], ["b"], name="tanh"),
        helper.make_node("MatMul", ["b", "v"], ["y"], name="two"),
    ]
    return model_of(nodes, {"x": [n, 8]}, ["y"], {"w": random(8, 6), "v": random(6, 3)})


def attention(n: int) -> onnx.ModelProto:
    """Heads as dimensions of their own, places added to the tokens, a mask for all."""
    nodes = [
        helper.make_node("Gather", ["table", "places"], ["p"], name="places"),
        helper.make_node("Add", ["x", "p"], ["e"], name="embed"),
        helper.make_node("MatMul", ["e", "w"], ["m"], name="qkv"),
        helper.make_node("Reshape", ["m", "s"], ["r"]),
        helper.make_node("Transpose", ["r"], ["q"], perm=[0, 2, 1, 3], name="turn"),
        helper.make_node("Transpose", ["r"], ["k"], perm=[0, 2, 3, 1], name="turn_k"),
        helper.make_node("MatMul", ["q", "k"], ["scores"], name="scores"),
        helper.make_node("Add", ["scores", "mask"], ["masked"], name="mask"),
        helper.make_node("Softmax", ["masked"], ["soft"], name="softmax"),
        helper.make_node("MatMul", ["soft", "q"], ["y"], name="context"),
    ]
    constants = {"w": random(8, 8), "s": np.array([n, 5, 2, 4]), "table": random(9, 8)}
    model = model_of(nodes, {"x": [n, 5, 8], "mask": [1, 1, 5, 5]}, ["y"], constants)
    model.graph.input.append(helper.make_tensor_value_info("places", onnx.TensorProto.INT64, [1, 5]))
    return model


def recurrence(n: int) -> onnx.ModelProto:
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y"], name="lstm", hidden_size=4)
    return model_of([node], {"x": [3, n, 5]}, ["y"], {"w": random(1, 16, 5), "r": random(1, 16, 4)})


FAMILIES = {f.__name__: f for f in (convolutions, perceptron, attention, recurrence)}


@settings(max_examples=30)
@given(st.sampled_from(sorted(FAMILIES)), st.integers(2, 40))
def test_must_hold_a_batch_in_the_file_and_on_the_command_line(
    tmp_path_factory: pytest.TempPathFactory, family: str, n: int
) -> None:
    folder = tmp_path_factory.mktemp("batch")
    for size in (1, n):
        (folder / f"{size}.onnx").write_bytes(FAMILIES[family](size).SerializeToString())
    one, many = read(folder / "1.onnx"), read(folder / f"{n}.onnx")
    assert (one.batch, many.batch) == (1, n)
    assert layers(many) == layers(one.with_batch(n))
    assert many.with_batch(2).batch == 2 * n


def test_a_symbol_that_is_bound_is_a_batch(tmp_path: Path) -> None:
    model = convolutions(1)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    model.graph.initializer[2].CopyFrom(onnx.numpy_helper.from_array(np.array([-1, 4]), "s"))
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    assert (read(tmp_path / "net.onnx", {"N": 1}).batch, read(tmp_path / "net.onnx", {"N": 6}).batch) == (1, 6)


def test_what_is_not_in_proportion_is_one_inference(tmp_path: Path) -> None:
    """A sequence in the first dimension, whose attention is not in proportion to it; a weight; two different sizes."""
    models = [
        model_of([helper.make_node("MatMul", ["x", "t"], ["y"]), helper.make_node("Transpose", ["x"], ["t"])],
                 {"x": [7, 4]}, ["y"]),
        model_of([helper.make_node("Gemm", ["x", "w"], ["y"], transA=1)], {"x": [7, 4]}, ["y"], {"w": random(7, 3)}),
        model_of([helper.make_node("MatMul", ["x", "z"], ["y"])], {"x": [7, 4], "z": [4, 5]}, ["y"]),
        model_of([helper.make_node("ReduceMean", ["x"], ["y"], axes=[0], keepdims=1)], {"x": [7, 4]}, ["y"]),
    ]  # fmt: skip
    for at, model in enumerate(models):
        (tmp_path / f"{at}.onnx").write_bytes(model.SerializeToString())
        assert read(tmp_path / f"{at}.onnx").batch == 1, at
