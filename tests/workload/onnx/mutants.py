"""ONNX files with fields that do not fit: sizes, types, names, attributes, operators and their places."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.mutants import mutate_bytes

DATA = Path(__file__).parent / "data"
SEEDS = [
    *sorted((DATA / "trials").glob("c[1-689]*.onnx")),
    *(
        DATA / "onnxruntime" / f"{name}.onnx"
        for name in ("cnn_all", "block_bert", "qdq_all", "lstm_dyn_all", "mlp_all")
    ),
]
"""Files that are mutated: a node of almost every kind, control flow, quantised and blocked networks."""
LARGEST_SEED = 60_000
"""Bytes of a file that is mutated: larger ones are almost all weights, which a change hardly ever breaks."""

SIZES = (-1, 0, 1, 2, 3, 7, 1 << 16, 1 << 31, 1 << 40, 1 << 62, (1 << 63) - 1, -(1 << 63))
OPERATORS = (
    "Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM", "Attention", "Einsum", "Loop", "If", "Scan", "Tile", "Expand",
    "Range", "ConstantOfShape", "Pad", "Resize", "OneHot", "Reshape", "Concat", "Split", "DFT", "STFT", "DeformConv",
    "MoE", "QMoE", "GroupQueryAttention", "MatMulNBits", "FusedMatMul", "QAttention", "DynamicQuantizeLSTM",
    "NoSuchOperator",
)  # fmt: skip
DOMAINS = (
    "",
    "ai.onnx",
    "ai.onnx.ml",
    "com.microsoft",
    "com.microsoft.nchwc",
    "com.ms.internal.nhwc",
    "vendor.x",
    "\u202e",
)

Item = TypeVar("Item")
Change = Callable[[onnx.ModelProto, np.random.Generator], None]


def mutate_model(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a file that is damaged, either byte by byte or in the fields of its model."""
    if rng.random() < 0.4:
        return mutate_bytes(data, rng)
    model = onnx.load_model_from_string(data)
    for _ in range(int(rng.integers(1, 5))):
        # A change that does not find what it changes, or that protobuf refuses, changes nothing.
        with contextlib.suppress(IndexError, ValueError, TypeError, KeyError, OverflowError):
            _pick(CHANGES, rng)(model, rng)
    return model.SerializeToString()


def _pick(items: Sequence[Item], rng: np.random.Generator) -> Item:
    return items[int(rng.integers(0, len(items)))]


def _node(model: onnx.ModelProto, rng: np.random.Generator) -> onnx.NodeProto:
    node = _pick(model.graph.node, rng)
    while node.attribute and rng.random() < 0.5:  # go into a subgraph, where there is one
        graphs = [each.g for each in node.attribute if each.HasField("g") and each.g.node]
        if not graphs:
            break
        node = _pick(_pick(graphs, rng).node, rng)
    return node


def _dimension(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    value = _pick([*model.graph.input, *model.graph.output, *model.graph.value_info], rng)
    dim = _pick(value.type.tensor_type.shape.dim, rng)
    if rng.random() < 0.2:
        dim.dim_param = _pick(("N", "?", "", "N + 1", "N//0", "(" * 500, "x" * 100_000), rng)
    else:
        dim.dim_value = _pick(SIZES, rng)


def _constant_dims(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    tensor = _pick(model.graph.initializer, rng)
    if rng.random() < 0.3:
        tensor.dims.append(_pick(SIZES, rng))
    elif rng.random() < 0.3:
        del tensor.dims[-1]
    else:
        tensor.dims[int(rng.integers(0, len(tensor.dims)))] = _pick(SIZES, rng)
    if rng.random() < 0.3:
        tensor.ClearField("raw_data")  # a claim of petabytes without a byte


def _constant_values(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    tensor = _pick(model.graph.initializer, rng)
    choice = rng.random()
    if choice < 0.3:
        tensor.raw_data = tensor.raw_data[: int(rng.integers(0, len(tensor.raw_data) + 1))]
    elif choice < 0.5:
        tensor.data_type = int(rng.integers(-1, 30))
    elif choice < 0.7:
        tensor.raw_data = rng.integers(0, 256, len(tensor.raw_data), dtype=np.uint8).tobytes()
    else:
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", _pick(("w.bin", "/etc/passwd", "../x", "\0", "a" * 5000, ""), rng)),
                           ("offset", _pick(("0", "-1", "1e9", "9" * 30), rng))):  # fmt: skip
            tensor.external_data.add(key=key, value=value)


def _small_values(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """Shapes, axes, repetitions and numbers of rounds lie in small constants of whole numbers."""
    whole = [tensor for tensor in model.graph.initializer if tensor.data_type == TensorProto.INT64]
    tensor = _pick(whole, rng)
    values = onnx.numpy_helper.to_array(tensor).copy().reshape(-1)
    values[int(rng.integers(0, values.size))] = _pick(SIZES, rng)
    tensor.CopyFrom(onnx.numpy_helper.from_array(values.reshape(tuple(tensor.dims)), tensor.name))


def _attribute(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    node = _node(model, rng)
    known = [each.name for each in node.attribute]
    name = _pick(
        (*known, "axis", "kernel_shape", "group", "perm", "num_heads", "equation", "pads", "body", "strides"), rng
    )
    values: tuple[object, ...] = (
        *SIZES, 1e300, float("nan"), "text", "...ij,jk", b"\xff\xfe", [1, 2], [-1], [0, 0, 0, 0], [1 << 62] * 3, [2.5],
        ["a"], helper.make_graph([], "empty", [], []),
    )  # fmt: skip
    kept = [each for each in node.attribute if each.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)
    if rng.random() < 0.85:
        node.attribute.append(helper.make_attribute(name, _pick(values, rng)))


def _operator(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    node = _node(model, rng)
    if rng.random() < 0.7:
        node.op_type = _pick(OPERATORS, rng)
    if rng.random() < 0.5:
        node.domain = _pick(DOMAINS, rng)


def _operands(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    node = _node(model, rng)
    names = [name for each in model.graph.node for name in (*each.input, *each.output)]
    field = node.input if rng.random() < 0.7 else node.output
    choice = rng.random()
    if choice < 0.3:
        del field[-1]
    elif choice < 0.6:
        field[int(rng.integers(0, len(field)))] = _pick((*names, "", "nothing"), rng)
    else:
        field.append(_pick((*names, ""), rng))


def _nodes(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    at = int(rng.integers(0, len(model.graph.node)))
    node = onnx.NodeProto()
    node.CopyFrom(model.graph.node[at])
    if rng.random() < 0.5:
        del model.graph.node[at]
    if rng.random() < 0.7:
        model.graph.node.append(node)


def _operator_sets(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    if rng.random() < 0.3:
        del model.opset_import[:]
    else:
        model.opset_import.append(helper.make_opsetid(_pick(DOMAINS, rng), _pick((*range(-1, 32), 1 << 40), rng)))
    if rng.random() < 0.3:
        model.ir_version = _pick((0, 1, 3, 8, 1 << 40), rng)


def _metadata(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    text = _pick(
        ("['', 'a', 'b']", "[" * 3000, "['a'", "{1: 2}", "['\\x1b[31m', 'x']", ": a/b: c/d: e", "/" * 2000, ""), rng
    )
    key = _pick(("pkg.torch.onnx.name_scopes", "namespace"), rng)
    _node(model, rng).metadata_props.add(key=key, value=text)


def _deep(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """Branches in branches, few or as many as protobuf takes."""
    inner = helper.make_graph(list(model.graph.node[:1]), "g", [], list(model.graph.output))
    other = helper.make_graph([], "other", [], [helper.make_empty_tensor_value_info("c")])
    for _ in range(_pick((1, 2, 5, 20, 28), rng)):
        node = helper.make_node("If", ["c"], ["deep"], then_branch=inner, else_branch=other)
        inner = helper.make_graph([node], "g", [], [helper.make_empty_tensor_value_info("deep")])
    model.graph.node.append(inner.node[0])
    if rng.random() < 0.7:
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(True), "c"))


def _functions(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """A function that calls itself, or stands for an operator that is there."""
    op = _pick((*(node.op_type for node in model.graph.node), "F"), rng)
    body = [helper.make_node(_pick(OPERATORS, rng) if rng.random() < 0.5 else op, ["a"], ["b"], domain="mine")]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    model.functions.append(helper.make_function("mine", op, ["a"], ["b"], body, opsets))
    model.opset_import.append(helper.make_opsetid("mine", 1))
    _node(model, rng).domain = "mine"


CHANGES: tuple[Change, ...] = (
    _dimension, _constant_dims, _constant_values, _small_values, _small_values, _attribute, _attribute, _operator,
    _operands, _nodes, _operator_sets, _metadata, _deep, _functions,
)  # fmt: skip
