"""Mixtures of experts (onnxruntime's MoE and QMoE): every token goes through the K experts that its router picks.

Which experts those are is known when the network runs.  Tokens are taken to be spread over the experts as evenly as
their number allows, which decides how many weights are fetched; the multiply-accumulates are the same for every
routing.
"""

from __future__ import annotations

import math

import onnx

from accelerator_sim.workload.onnx.graph import Graph, attribute
from accelerator_sim.workload.onnx.piece import Piece, layer_of, stored_bits, with_stored_bits
from accelerator_sim.workload.onnx.unreadable import Unreadable


def experts(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return the products of a mixture of experts: the first layer, the third where it has one, and the second."""
    x = graph.shape(node.input[0], name)
    quantised = node.op_type == "QMoE"
    firsts = {"fc1": 2, "fc3": 8 if quantised else 6, "fc2": 5 if quantised else 4}
    tokens, picked = math.prod(x[:-1]), int(attribute(node, "k", 1))
    if not tokens:
        return []
    pieces: list[Piece] = []
    for part, at in firsts.items():
        tensor = graph.operand(node, at)
        if tensor:
            pieces += _layer(graph, node, f"{name}.{part}", (tensor, x[-1] if part != "fc2" else 0), tokens * picked)
    count = graph.shape(node.input[2], name)[0]
    if not 1 <= picked <= count:
        raise Unreadable(name, f"k is {picked}; 1 to {count}, the number of experts, is allowed")
    note = (
        f"{name}: each token goes through {picked} of {count} experts; the {tokens} tokens are taken to be spread"
        f" evenly over them (the multiply-accumulates are the same for every routing)"
    )
    first, *rest = pieces
    return [Piece(first.layer, first.reads, first.writes, first.weights, note), *rest]


def _layer(graph: Graph, node: onnx.NodeProto, name: str, weights: tuple[str, int], uses: int) -> list[Piece]:
    """One layer of all experts.

    weights: the tensor [experts, columns, inner], packed or not, and the inner size where it is known (0: unpacked, or
    by the width of what the first layer writes); uses: tokens times experts that each goes through.
    """
    tensor, known = weights
    shape = graph.shape(tensor, name)
    if len(shape) != 3:
        raise Unreadable(name, f"weights of {list(shape)}; [experts, columns, rows] are required")
    count, columns = shape[0], shape[1]
    bits = _bits(node, name) if node.op_type == "QMoE" else 0
    inner = known or (shape[2] * 8 // bits if bits else shape[2])
    if not count or not columns or not inner:
        raise Unreadable(name, f"weights of {list(shape)} hold nothing")
    reads = (node.input[0],) if known else ()
    each, more = divmod(uses, count)
    parts = [(more, each + 1, ""), (count - more, each, ".rest" if more else "")] if each else [(uses, 1, "")]
    scales = graph.operand(node, list(node.input).index(tensor) + 1) if bits else ""
    stored = stored_bits(graph, [tensor, scales], count * columns * inner) if bits else None
    pieces = []
    for groups, rows, mark in parts:
        if groups:
            layer = layer_of(f"{name}{mark}", "gemm", G=groups, W=rows, C=inner, M=columns)
            pieces.append(with_stored_bits(Piece(layer, reads, node.output[0]), stored))
    return pieces


def _bits(node: onnx.NodeProto, name: str) -> int:
    part = name.rpartition(".")[2]
    bits = int(attribute(node, f"{part}_expert_weight_bits", 0)) or int(attribute(node, "expert_weight_bits", 4))
    kind = str(attribute(node, "quant_type", "int"))
    if kind.startswith("fp8"):
        return 8
    if "fp4" in kind:
        return 4
    if bits not in (2, 3, 4, 8):
        raise Unreadable(name, f"weights of {bits} bits; 2, 3, 4 and 8 are read")
    return bits
