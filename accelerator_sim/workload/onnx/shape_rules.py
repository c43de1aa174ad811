"""Shapes that onnx does not infer: onnxruntime's operators, the first operator sets, and unrolled loops.

A rule returns the shapes of a node's outputs by their place, and raises KeyError where that of an operand is not known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference

from accelerator_sim.workload.onnx import attention, blocked, fourier, packed, products, recurrent
from accelerator_sim.workload.onnx.convolutions import channels_first, channels_last, conv_operands, is_channels_last
from accelerator_sim.workload.onnx.graph import Graph, Shape, attribute
from accelerator_sim.workload.onnx.operators import (
    BLOCKED,
    CHANNELS_LAST,
    MACHINE_LEARNING,
    RUNTIME,
    STEPS,
    OperatorKey,
    names,
)

Shapes = Mapping[int, Shape]
ShapeRule = Callable[[Graph, onnx.NodeProto], Shapes]

_NEWEST = onnx.defs.onnx_opset_version()


def infer(
    graph: Graph,
    node: onnx.NodeProto,
    opset: int,
    operands: Sequence[tuple[str, Shape | None]] | None = None,
    floats: bool = False,
) -> dict[str, onnx.TypeProto]:
    """Return what onnx infers of the outputs of one node of the standard, with the constants that it reads.

    operands: other names and shapes of what it reads; floats: take all of it for floats, as the standard has them where
    onnxruntime has bytes.  Nothing for an operator that onnx does not know, or whose
    operands do not fit it: what is wrong is found where the shape is needed.
    """
    reads = operands if operands is not None else [(read, graph.shapes.get(read)) for read in node.input]
    types, data = {}, {}
    for read, shape in reads:
        if read:
            kind = onnx.TensorProto.FLOAT if floats else graph.types.get(read, onnx.TensorProto.FLOAT)
            types[read] = helper.make_tensor_type_proto(kind, shape)
            value = graph.value(read)
            if value is not None:
                data[read] = numpy_helper.from_array(np.ascontiguousarray(value), read)
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, "")
        imports = [helper.make_opsetid("", opset)]
        return dict(shape_inference.infer_node_outputs(schema, node, types, data, opset_imports=imports))
    except Exception:
        return {}


def as_standard(op: str, places: Sequence[int] = (0,), opset: int = _NEWEST, floats: bool = True) -> ShapeRule:
    """Return the rule of an operator that has the shape of one of the standard, on some of its operands."""

    def rule(graph: Graph, node: onnx.NodeProto) -> Shapes:
        reads = [graph.operand(node, at) for at in places]
        last = is_channels_last(node)
        shapes = [graph.shapes[read] if read else None for read in reads]
        if last and shapes[0] is not None:
            shapes[0] = channels_first(shapes[0])
        own = _alone(op, node, reads, opset)
        output_shapes = {}
        for at, out in enumerate(own.output):
            kind = infer(graph, own, opset, list(zip(reads, shapes, strict=True)), floats).get(out) if out else None
            shape = whole_shape(kind) if kind is not None else None
            if shape is not None:
                output_shapes[at] = channels_last(shape) if last else shape
        return output_shapes

    return rule


def _alone(op: str, node: onnx.NodeProto, reads: Sequence[str], opset: int) -> onnx.NodeProto:
    """A node of the standard with the attributes that it knows."""
    own = helper.make_node(op, list(reads), list(node.output)[:1])
    known = onnx.defs.get_schema(op, opset, "").attributes
    own.attribute.extend(each for each in node.attribute if each.name in known)
    return own


def whole_shape(kind: onnx.TypeProto) -> Shape | None:
    """Return the shape of a tensor type, None where it is not known whole."""
    if not kind.HasField("tensor_type") or not kind.tensor_type.HasField("shape"):
        return None
    dims = kind.tensor_type.shape.dim
    return tuple(int(dim.dim_value) for dim in dims) if all(dim.HasField("dim_value") for dim in dims) else None


# --- rules -----------------------------------------------------------------------------------------------------------
def _same(graph: Graph, node: onnx.NodeProto) -> Shapes:
    return dict.fromkeys((0, 3) if "Skip" in node.op_type else (0,), graph.shapes[node.input[0]])


def _broadcast(*places: int) -> ShapeRule:
    def rule(graph: Graph, node: onnx.NodeProto) -> Shapes:
        return {0: tuple(np.broadcast_shapes(*(graph.shapes[node.input[at]] for at in places)))}

    return rule


def _one(shape: Callable[[Graph, onnx.NodeProto], Shape]) -> ShapeRule:
    return lambda graph, node: {0: shape(graph, node)}


def _conv(graph: Graph, node: onnx.NodeProto) -> Shapes:
    return as_standard("Conv", (0, list(node.input).index(conv_operands(node)[1])))(graph, node)


def _blocked_conv(graph: Graph, node: onnx.NodeProto) -> Shapes:
    x, w = graph.shapes[node.input[0]], graph.shapes[node.input[1]]
    own = _alone("Conv", node, list(node.input[:2]), _NEWEST)
    groups = max(int(attribute(node, "group", 1)), 1)
    operands = [(node.input[0], (x[0], w[1] * groups, *x[2:])), (node.input[1], w)]
    kind = infer(graph, own, _NEWEST, operands, floats=True).get(node.output[0])
    shape = whole_shape(kind) if kind is not None else None
    return {} if shape is None else {0: (shape[0], blocked.filters_of(graph, node), *shape[2:])}


def _same_operator(graph: Graph, node: onnx.NodeProto) -> Shapes:
    return as_standard(node.op_type, range(len(node.input)), floats=False)(graph, node)


def _concatenated(graph: Graph, node: onnx.NodeProto) -> Shapes:
    """QLinearConcat: every third operand, after the scale and zero point of the output."""
    shapes = [graph.shapes[read] for read in node.input[2::3]]
    axis = int(attribute(node, "axis", 0)) % len(shapes[0])
    return {0: (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])}


def _with_axis(graph: Graph, node: onnx.NodeProto) -> Shapes:
    x, axis = graph.shapes[node.input[0]], graph.value(node.input[1])
    if axis is None:
        return {}
    at = int(axis.reshape(-1)[0])
    at = at + len(x) + 1 if at < 0 else at
    return {0: (*x[:at], 1, *x[at:])}


def _halved(graph: Graph, node: onnx.NodeProto) -> Shapes:
    x = graph.shapes[node.input[0]]
    return {0: (*x[:-1], x[-1] // 2)}


def _gated(graph: Graph, node: onnx.NodeProto) -> Shapes:
    """SwiGLU: of two halves, or of one tensor that holds both."""
    return _same(graph, node) if graph.operand(node, 1) else _halved(graph, node)


def _of_states(graph: Graph, node: onnx.NodeProto) -> Shapes:
    """GemmaRotaryEmbedding: queries and keys."""
    return {0: graph.shapes[node.input[1]], 1: graph.shapes[node.input[3]]}


def _embedded(graph: Graph, node: onnx.NodeProto) -> Shapes:
    ids, words = graph.shapes[node.input[0]], graph.shapes[node.input[2]]
    return {0: (*ids, words[-1]), 1: ids[:1], 2: (*ids, words[-1])}


def _gathered(graph: Graph, node: onnx.NodeProto) -> Shapes:
    """GatherBlockQuantized: the words of the last axis may lie packed in bytes."""
    data, indices = graph.shapes[node.input[0]], graph.shapes[node.input[1]]
    axis, bits = int(attribute(node, "gather_axis", 0)) % len(data), int(attribute(node, "bits", 4))
    packed_words = graph.types.get(node.input[0]) == onnx.TensorProto.UINT8
    whole = (*data[:-1], data[-1] * (8 // max(bits, 1) if packed_words else 1))
    return {0: (*whole[:axis], *indices, *whole[axis + 1 :])}


def _taken(graph: Graph, node: onnx.NodeProto) -> Shapes:
    x, axis = graph.shapes[node.input[0]], int(attribute(node, "axis", 0))
    return {0: (*x[:axis], *x[axis + 1 :])}


def _stacked(graph: Graph, node: onnx.NodeProto) -> Shapes:
    x, axis = graph.shapes[node.input[0]], int(attribute(node, "axis", 0))
    return {0: (*x[:axis], int(attribute(node, "steps", len(node.input))), *x[axis:])}


_SAME = names("""
    Gelu FastGelu QuickGelu BiasGelu BiasAdd BiasDropout BitmaskBiasDropout BitmaskDropout BiasSoftmax ScaledSiLU
    SkipLayerNormalization SkipSimplifiedLayerNormalization SimplifiedLayerNormalization SkipGroupNorm GroupNorm
    QOrderedLayerNormalization QOrderedGelu QLinearLeakyRelu QLinearSigmoid QLinearSoftmax RotaryEmbedding
    QuantizeLinear DequantizeLinear QuantizeBFP DequantizeBFP QuantizeWithOrder DequantizeWithOrder ComplexMul
    ComplexMulConj GatedRMSNorm BranchwiseRMSNorm GatedAdd MoE QMoE NGramRepeatBlock MRotaryEmbedding
    LinearAttentionGate
""")
_MATMUL = names("""
    FusedMatMul FusedMatMulActivation TransposeMatMul MatMulIntegerToFloat DynamicQuantizeMatMul MatMulInteger16
    GemmFastGelu
""")
_PACKED = names("""
    MatMulNBits MatMulBnb4 MatMulBlockQuantizedFp4Weight MatMulBlockQuantizedFp8Weight MatMulFpQ4 MatMulNBitsMlp
    MatMulNBitsQkv
""")
_ATTENTION = names("""
    Attention QAttention DecoderMaskedSelfAttention PackedAttention PackedMultiHeadAttention MultiHeadAttention
    DecoderMaskedMultiHeadAttention GroupQueryAttention
""")

_RUNTIME: dict[str, ShapeRule] = {
    **dict.fromkeys(_SAME, _same),
    **dict.fromkeys(_MATMUL, _one(products.matmul_shape)),
    **dict.fromkeys(_PACKED, packed.packed_shape),
    **dict.fromkeys(_ATTENTION, attention.attention_shape),
    **dict.fromkeys(("FusedGemm", "QGemm", "GemmFloat8"), _one(products.gemm_shape)),
    **dict.fromkeys(("FusedConv", "QLinearConv", "NhwcConv", "NhwcFusedConv"), _conv),
    **dict.fromkeys(("Pad", "Trilu", "GridSample", "GatherND", "Unique", "Range"), _same_operator),
    **dict.fromkeys(("QLinearAdd", "QLinearMul"), _broadcast(0, 3)),
    "MulInteger": _broadcast(0, 2),
    "QLinearWhere": _broadcast(0, 1, 4),
    "QLinearConcat": _concatenated,
    "QLinearAveragePool": as_standard("AveragePool"),
    "QLinearGlobalAveragePool": as_standard("GlobalAveragePool"),
    "QLinearReduceMean": as_standard("ReduceMean", opset=13),
    "ReduceSumInteger": as_standard("ReduceSum", opset=11),
    **dict.fromkeys(("NhwcMaxPool", "MaxpoolWithMask"), as_standard("MaxPool")),
    "ExpandDims": _with_axis,
    "BiasSplitGelu": _halved,
    "SwiGLU": _gated,
    "GemmaRotaryEmbedding": _of_states,
    **dict.fromkeys(("EmbedLayerNormalization", "QEmbedLayerNormalization"), _embedded),
    "GatherBlockQuantized": _gathered,
    "DynamicQuantizeLSTM": recurrent.quantised_lstm_shape,
    "LinearAttention": recurrent.linear_attention_shape,
    "CausalConvWithState": recurrent.causal_convolution_shape,
    "Rfft": _one(fourier.rfft_shape),
}
_BLOCKED: dict[str, ShapeRule] = {
    "Conv": _blocked_conv,
    "ReorderInput": _one(blocked.reorder_input_shape),
    "ReorderOutput": _one(blocked.reorder_output_shape),
    "Upsample": _one(blocked.upsample_shape),
    **dict.fromkeys(("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"), _same_operator),
}
_CHANNELS_LAST: dict[str, ShapeRule] = {
    **dict.fromkeys(("Conv", "QLinearConv"), _conv),
    **dict.fromkeys(
        (
            "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "LpPool", "DepthToSpace",
            "SpaceToDepth", "BatchNormalization", "InstanceNormalization", "LRN",
        ),
        lambda graph, node: as_standard(node.op_type)(graph, node),
    ),
    "ConvTranspose": as_standard("ConvTranspose", (0, 1)),
    "QLinearConvTranspose": as_standard("ConvTranspose", (0, 3)),
    "QLinearAveragePool": as_standard("AveragePool"),
}  # fmt: skip

RULES: dict[OperatorKey, ShapeRule] = {
    **{(RUNTIME, op): rule for op, rule in _RUNTIME.items()},
    **{(BLOCKED, op): rule for op, rule in _BLOCKED.items()},
    **{(CHANNELS_LAST, op): rule for op, rule in _CHANNELS_LAST.items()},
    **dict.fromkeys(
        ((MACHINE_LEARNING, "LinearClassifier"), (MACHINE_LEARNING, "LinearRegressor")), products.linear_shape
    ),
    (STEPS, "Take"): _taken,
    (STEPS, "Stack"): _stacked,
}


# --- the first operator sets -----------------------------------------------------------------------------------------
_FIRST_SAME = names("""
    Mul Max Log Min Cast PRelu Ceil Clip Neg Abs Sub Floor Sigmoid Add InstanceNormalization Dropout Exp LeakyRelu
    BatchNormalization Mean Div Reciprocal Relu Elu Selu HardSigmoid Sqrt Sum Tanh Affine ImageScaler ParametricSoftplus
    ScaledTanh ThresholdedRelu
""")
"""Operators that have the shape of their first operand: the first sets broadcast only the second."""


def first_sets(graph: Graph, node: onnx.NodeProto) -> Shapes:
    """Return the shapes of what a node of operator sets 1 to 6 writes, where onnx has no rule for it."""
    op = node.op_type
    if op in _FIRST_SAME:
        return {0: graph.shapes[node.input[0]]}
    return _FIRST[op](graph, node) if op in _FIRST else {}


def _first_concat(graph: Graph, node: onnx.NodeProto) -> Shapes:
    shapes = [graph.shapes[read] for read in node.input]
    axis = int(attribute(node, "axis", 1)) % len(shapes[0])
    return {0: (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])}


def _first_split(graph: Graph, node: onnx.NodeProto) -> Shapes:
    x, given = graph.shapes[node.input[0]], attribute(node, "split", None)
    axis = int(attribute(node, "axis", 0)) % len(x)
    held = graph.value(node.input[1]) if len(node.input) > 1 else None
    parts: list[Any] = list(given if given is not None else held if held is not None else [])
    parts = parts or [x[axis] // len(node.output)] * len(node.output)
    return {at: (*x[:axis], int(part), *x[axis + 1 :]) for at, part in enumerate(parts)}


def _first_reshape(graph: Graph, node: onnx.NodeProto) -> Shapes:
    x, wanted = graph.shapes[node.input[0]], [int(size) for size in attribute(node, "shape", [])]
    sizes = [x[at] if size == 0 else size for at, size in enumerate(wanted)]
    known = math.prod(size for size in sizes if size != -1)
    return {0: tuple(math.prod(x) // known if size == -1 else size for size in sizes)} if known > 0 else {}


def _first_pad(graph: Graph, node: onnx.NodeProto) -> Shapes:
    x, pads = graph.shapes[node.input[0]], [int(pad) for pad in attribute(node, "paddings", [])]
    return {0: tuple(size + pads[at] + pads[at + len(x)] for at, size in enumerate(x))}


def _first_upsample(graph: Graph, node: onnx.NodeProto) -> Shapes:
    x = graph.shapes[node.input[0]]
    height, width = (float(attribute(node, f"{which}_scale", 1.0)) for which in ("height", "width"))
    return {0: (*x[:2], math.floor(x[2] * height), math.floor(x[3] * width))}


def _first_gru(graph: Graph, node: onnx.NodeProto) -> Shapes:
    x, r = graph.shapes[node.input[0]], graph.shapes[node.input[2]]
    return {0: (x[0], r[0], x[1], r[2]), 1: (r[0], x[1], r[2])}


_FIRST: dict[str, ShapeRule] = {
    "Concat": _first_concat,
    "Split": _first_split,
    "Reshape": _first_reshape,
    "Pad": _first_pad,
    "Upsample": _first_upsample,
    "GRU": _first_gru,
    "Gemm": _one(products.gemm_shape),
    "LpPool": as_standard("MaxPool"),
    "GlobalLpPool": as_standard("GlobalLpPool"),
}
