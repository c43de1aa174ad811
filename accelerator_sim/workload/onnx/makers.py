"""The operators that are made of multiply-accumulates, and what makes layers of each.

A new one is a row here, one in `shape_rules.py` where onnx does not infer its shape, and its function.
"""

from __future__ import annotations

from collections.abc import Iterable

import onnx

from accelerator_sim.workload.onnx import (
    attention,
    blocked,
    convolutions,
    experts,
    fourier,
    packed,
    products,
    recurrent,
)
from accelerator_sim.workload.onnx.einsum import einsum
from accelerator_sim.workload.onnx.graph import Graph
from accelerator_sim.workload.onnx.operators import (
    BLOCKED,
    CHANNELS_LAST,
    FREE,
    MACHINE_LEARNING,
    OPS,
    PREVIEW,
    RUNTIME,
    UNCOUNTED,
    OperatorKey,
    operator_key,
)
from accelerator_sim.workload.onnx.order import nodes_at_any_depth, subgraphs
from accelerator_sim.workload.onnx.piece import Maker

_BY_DOMAIN: dict[str, dict[str, Maker]] = {
    "": {
        **dict.fromkeys(("Conv", "ConvInteger", "QLinearConv"), convolutions.conv),
        "ConvTranspose": convolutions.conv_transpose,
        "DeformConv": convolutions.deformable,
        "Gemm": products.gemm,
        **dict.fromkeys(("MatMul", "MatMulInteger", "QLinearMatMul"), products.matmul),
        "AffineGrid": products.affine_grid,
        "Einsum": einsum,
        "Attention": attention.attention,
        **dict.fromkeys(("LSTM", "GRU", "RNN"), recurrent.recurrent),
        "LinearAttention": recurrent.linear_attention,
        "CausalConvWithState": recurrent.causal_convolution,
        "DFT": fourier.dft,
        "STFT": fourier.stft,
    },
    PREVIEW: {"FlexAttention": attention.attention},
    MACHINE_LEARNING: dict.fromkeys(("LinearClassifier", "LinearRegressor"), products.linear),
    RUNTIME: {
        **dict.fromkeys(("FusedConv", "QLinearConv", "NhwcConv", "NhwcFusedConv"), convolutions.conv),
        **dict.fromkeys(("FusedGemm", "QGemm", "GemmFloat8"), products.gemm),
        **dict.fromkeys(
            (
                "FusedMatMul", "FusedMatMulActivation", "TransposeMatMul", "MatMulIntegerToFloat",
                "DynamicQuantizeMatMul", "MatMulInteger16", "GemmFastGelu",
            ),
            products.matmul,
        ),
        **dict.fromkeys(("MatMulNBits", "MatMulBnb4"), packed.n_bits),
        **dict.fromkeys(("MatMulBlockQuantizedFp4Weight", "MatMulBlockQuantizedFp8Weight"), packed.by_blocks),
        "MatMulFpQ4": packed.four_bit_blob,
        "MatMulNBitsMlp": packed.gated,
        "MatMulNBitsQkv": packed.projections,
        **dict.fromkeys(("Attention", "QAttention", "DecoderMaskedSelfAttention"), attention.projected),
        "PackedAttention": attention.packed_projected,
        "PackedMultiHeadAttention": attention.packed_heads,
        **dict.fromkeys(("MultiHeadAttention", "DecoderMaskedMultiHeadAttention"), attention.multi_head),
        "GroupQueryAttention": attention.grouped,
        "DynamicQuantizeLSTM": recurrent.recurrent,
        "LinearAttention": recurrent.linear_attention,
        "CausalConvWithState": recurrent.causal_convolution,
        **dict.fromkeys(("MoE", "QMoE"), experts.experts),
        "Rfft": fourier.rfft,
    },
    BLOCKED: {"Conv": blocked.blocked_conv},
    CHANNELS_LAST: {
        **dict.fromkeys(("Conv", "QLinearConv"), convolutions.conv),
        **dict.fromkeys(("ConvTranspose", "QLinearConvTranspose"), convolutions.conv_transpose),
    },
}  # fmt: skip

MAKERS: dict[OperatorKey, Maker] = {
    (domain, op): maker for domain, ops in _BY_DOMAIN.items() for op, maker in ops.items()
}


WITH_WEIGHTS: dict[OperatorKey, int] = {(RUNTIME, "GatedAdd"): 3, (RUNTIME, "MoEGroupRouter"): 2}
"""Operators that multiply, uncounted, where they have an optional weight: its place among the operands."""


def maker_of(node: onnx.NodeProto) -> Maker | None:
    """Return what makes layers of a node, None where it does not multiply or is not known.

    onnxruntime's own operators are also found without their domain, where the standard has none of that name.
    """
    key = operator_key(node)
    return MAKERS.get(key) or (MAKERS.get((RUNTIME, key[1])) if key[0] == "" and not is_known(key) else None)


def is_known(key: OperatorKey) -> bool:
    """Whether it is known what an operator does."""
    return key in MAKERS or key in OPS or key in FREE or key in UNCOUNTED


def products_inside(node: onnx.NodeProto) -> list[str]:
    """Return the operators in the subgraphs of a node, at any depth, that multiply or that nobody knows."""
    return _multiplying(nodes_at_any_depth(subgraphs(node)))


def _multiplying(nodes: Iterable[onnx.NodeProto]) -> list[str]:
    operators: dict[str, None] = {}
    for node in nodes:
        key = operator_key(node)
        if maker_of(node) is not None or key in UNCOUNTED or (not is_known(key) and len(node.input) > 1):
            operators[node.op_type] = None
    return list(operators)


def may_multiply(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether an operator that nobody counts may be made of multiply-accumulates.

    It may if it has a weight of two dimensions or more, or two operands of as many; one whose shape is not known counts
    as such.
    """
    key = operator_key(node)
    if key in UNCOUNTED or (key in WITH_WEIGHTS and graph.operand(node, WITH_WEIGHTS[key])):
        return True
    if is_known(key) or maker_of(node) is not None:
        return False
    ranks = {read: graph.rank(read) for read in node.input if read}
    wide = [read for read, rank in ranks.items() if rank is None or rank >= WIDE]
    return len(wide) > 1 or any(graph.is_constant(read) for read in wide)


WIDE = 2
"""Dimensions of an operand from which an unknown operator may multiply it by a matrix."""
