"""Networks that onnxruntime has saved optimised: channels in blocks of 8 or 16 (the domain com.microsoft.nchwc).

Filters and channels are padded to whole blocks in such a file.  A layer gets those that the network had before: the
filters that the end of the blocks names, or those that are not all zero.
"""

from __future__ import annotations

import math

import numpy as np
import onnx

from accelerator_sim.workload.onnx.convolutions import conv_fields
from accelerator_sim.workload.onnx.graph import Graph, Shape, attribute
from accelerator_sim.workload.onnx.operators import BLOCKED, names
from accelerator_sim.workload.onnx.piece import Piece, WeightSource, layer_of
from accelerator_sim.workload.onnx.weights import plain_weights, reference_of

BLOCKS = (8, 16)
"""Channels of a block: by whether the machine that wrote the file had vectors of 256 or 512 bits."""
_KEEPS = names("""
    MaxPool AveragePool GlobalAveragePool GlobalMaxPool Upsample Add Sum Mul Sub Div Relu Sigmoid Tanh Clip LeakyRelu
    HardSigmoid HardSwish Gelu QuickGelu BatchNormalization
""")
"""Operators whose output has the channels of their input."""


def blocked_conv(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return a convolution over channels in blocks, with the channels and filters that the network had."""
    x, w = graph.shape(node.input[0], name), graph.shape(node.input[1], name)
    y = graph.shape(node.output[0], name)
    groups = max(int(attribute(node, "group", 1)), 1)
    if groups == y[1] and math.prod(w[1:]) == 1:
        # One factor per channel: what onnxruntime makes of a BatchNormalization that it cannot fold into weights.
        layer = layer_of(name, "norm", iact_words=math.prod(x), oact_words=math.prod(y))
        return [Piece(layer, (node.input[0],), node.output[0])]
    each = x[1] if groups == 1 else w[1]
    fields = conv_fields(node, name, (x[0], each * groups, *x[2:]), (y[1], each, *w[2:]))
    reads = (node.input[0], *(node.input[3:4] if len(node.input) > 3 and node.input[3] else ()))
    return [Piece(layer_of(name, "conv", **fields), reads, node.output[0])]


def filters_of(graph: Graph, node: onnx.NodeProto) -> int:
    """Return the filters of a convolution without those that fill its last block."""
    padded = graph.shapes[node.input[1]][0]
    if attribute(node, "group", 1) > 1:
        return padded  # onnxruntime blocks only groups that need no padding
    named = _named_behind(graph, node.output[0])
    if named is not None and padded - max(BLOCKS) < named <= padded:
        return named
    reference = reference_of(graph, WeightSource(node.input[1]))
    if reference is None:
        return padded
    values = np.asarray(plain_weights(graph.file, reference)).reshape(-1)
    counts = [padded]
    for block in BLOCKS:
        if padded % block == 0 and values.size:
            used = np.flatnonzero(np.any(values.reshape(padded // block, -1, block)[-1] != 0, axis=0))
            counts.append(padded - block + (int(used[-1]) + 1 if used.size else block))
    return min(counts)


def _named_behind(graph: Graph, tensor: str) -> int | None:
    """The channels that the node where the blocks end gives to a tensor."""
    waiting, seen = [tensor], {tensor}
    while waiting:
        current = waiting.pop()
        for at in graph.consumers.get(current, []):
            reader = graph.nodes[at]
            if reader.domain == BLOCKED and reader.op_type == "ReorderOutput":
                return int(attribute(reader, "channels", 0)) or None
            if reader.op_type in _KEEPS and reader.output[0] not in seen:
                seen.add(reader.output[0])
                waiting.append(reader.output[0])
    return None


def reorder_output_shape(graph: Graph, node: onnx.NodeProto) -> Shape:
    """Return the shape of what ReorderOutput writes.  Raises KeyError where that of its operand is not known."""
    x = graph.shapes[node.input[0]]
    channels = int(attribute(node, "channels", 0)) or x[1]
    return (x[0], *x[2:], channels) if attribute(node, "channels_last", 0) else (x[0], channels, *x[2:])


def reorder_input_shape(graph: Graph, node: onnx.NodeProto) -> Shape:
    """Return the shape of what ReorderInput writes, its channels as they were.  Raises KeyError where not known."""
    x = graph.shapes[node.input[0]]
    return (x[0], x[-1], *x[1:-1]) if attribute(node, "channels_last", 0) else x


def upsample_shape(graph: Graph, node: onnx.NodeProto) -> Shape:
    """Return the shape of what Upsample writes.  Raises KeyError where that of its operand is not known."""
    x = graph.shapes[node.input[0]]
    scales = [int(scale) for scale in attribute(node, "scales", [1] * len(x))]
    return tuple(size * scale for size, scale in zip(x, scales, strict=True))
