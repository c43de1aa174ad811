"""Conv, ConvTranspose and their quantised, fused, channels-last and deformable forms as layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx

from accelerator_sim.workload.onnx.graph import Graph, Shape, attribute
from accelerator_sim.workload.onnx.operators import CHANNELS_LAST, names
from accelerator_sim.workload.onnx.piece import Piece, WeightSource, layer_of
from accelerator_sim.workload.onnx.unreadable import Unreadable

_FOURTH = names("QLinearConv QLinearConvTranspose")
"""Operators whose weights are their fourth operand, after the scale and the zero point of the first."""
Pads = list[tuple[int, int]]
"""Zeros before and after, by spatial axis."""


def conv(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return a convolution of one to three dimensions; one axis is a row, and a Pad before it is folded in."""
    read, weights = conv_operands(node)
    pad = folded_pad(graph, node)
    if pad is not None:
        read = pad[0]
    x, w = graph.shape(read, name), graph.shape(weights, name)
    fields = conv_fields(node, name, channels_first(x) if is_channels_last(node) else x, w, pad[1] if pad else None)
    source = WeightSource(weights) if graph.is_constant(weights) else None
    return [Piece(layer_of(name, "conv", **fields), _activations(graph, read, weights), node.output[0], source)]


def deformable(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return DeformConv: the convolution of the samples; how they are interpolated is not counted."""
    pieces = conv(graph, node, name)
    note = f"{name}: a deformable convolution, without the interpolation of its samples"
    offsets = node.input[2:3]
    return [replace(piece, reads=(*piece.reads, *offsets), note=note) for piece in pieces]


def conv_fields(node: onnx.NodeProto, name: str, x: Shape, w: Shape, around: Pads | None = None) -> dict[str, Any]:
    """Return the fields of the layer of a convolution.

    x, w: shapes of input and weights, channels first; around: zeros of a Pad before it.  Raises Unreadable for shapes
    and attributes that do not fit.
    """
    sizes, kernel, groups = _checked(name, x, w, node)
    if x[1] != w[1] * groups or w[0] % groups:
        raise Unreadable(name, f"{x[1]} channels, filters of {w[1]} and {w[0]} filters do not fit {groups} groups")
    stride = _attribute(node, name, "strides", len(kernel), 1)
    dilation = _attribute(node, name, "dilations", len(kernel), 1)
    pads = _pads(node, name, sizes, kernel, stride, dilation)
    if around is not None:
        pads = [(a + c, b + d) for (a, b), (c, d) in zip(pads, around, strict=True)]
    window = _window(sizes, kernel, stride, dilation, pads)
    return {"N": x[0], "G": groups, "M": w[0] // groups, "C": w[1], **window}


def is_channels_last(node: onnx.NodeProto) -> bool:
    """Whether the channels of a node's activations come last."""
    return node.domain == CHANNELS_LAST or node.op_type.startswith("Nhwc") or bool(attribute(node, "channels_last", 0))


def channels_first(shape: Shape) -> Shape:
    """Return a shape whose channels come last with them in the second place."""
    return (*shape[:1], *shape[-1:], *shape[1:-1])


def channels_last(shape: Shape) -> Shape:
    """Return a shape whose channels come second with them in the last place."""
    return (*shape[:1], *shape[2:], *shape[1:2])


def conv_transpose(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return a transposed convolution; its MACs are one for each input and tap, filter and channel."""
    read, weights = conv_operands(node)
    x, w = graph.shape(read, name), graph.shape(weights, name)
    last = is_channels_last(node)
    if last:
        x = channels_first(x)
    sizes, kernel, groups = _checked(name, x, w, node)
    if x[1] != w[0] or w[0] % groups:
        raise Unreadable(name, f"{x[1]} channels and filters of {w[0]} do not fit {groups} groups")
    stride = _attribute(node, name, "strides", len(kernel), 1)
    dilation = _attribute(node, name, "dilations", len(kernel), 1)
    y = graph.shape(node.output[0], name)
    outputs = (channels_first(y) if last else y)[2:]
    if len(outputs) != len(kernel):
        raise Unreadable(name, f"an output of {list(y)} for an input of {list(x)}")
    if min(outputs) < 1:
        raise Unreadable(name, f"an output of {list(outputs)}")
    full = [(n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(sizes, stride, kernel, dilation, strict=True)]
    cut, more = _cut_off(node, name, full, outputs)
    fields = _window(sizes, kernel, stride, dilation, cut, more)
    layer = layer_of(name, "conv", N=x[0], G=groups, M=w[1], C=w[0] // groups, transposed=True, **fields)
    source = WeightSource(weights, "transposed", groups=groups) if graph.is_constant(weights) else None
    return [Piece(layer, _activations(graph, read, weights), node.output[0], source)]


def folded_pad(graph: Graph, node: onnx.NodeProto) -> tuple[str, Pads] | None:
    """Return the input and the zeros of a Pad before a convolution, None where there is none that can be folded in."""
    read, weights = conv_operands(node)
    at = graph.producers.get(read)
    pad = graph.nodes[at] if at is not None else None
    if (
        pad is None
        or pad.op_type != "Pad"
        or pad.domain
        or is_channels_last(node)
        or len(graph.consumers[read]) > 1
        or read in graph.outputs
    ):
        return None
    if attribute(pad, "mode", "constant") != "constant" or attribute(pad, "value", 0.0) != 0.0:
        return None
    if len(pad.input) > 2 and pad.input[2]:
        filler = graph.value(pad.input[2])
        if filler is None or np.any(filler):
            return None
    rank = len(graph.shapes.get(pad.input[0], ()))
    if rank != len(graph.shapes.get(weights, ())) or rank < 3:
        return None
    held = attribute(pad, "pads", attribute(pad, "paddings", None))
    given: Any = held if held is not None else graph.value(pad.input[1]) if len(pad.input) > 1 else None
    if given is None:
        return None
    axes = graph.value(pad.input[3]) if len(pad.input) > 3 and pad.input[3] else np.arange(rank)
    if axes is None or len(given) != 2 * len(axes):
        return None
    pads = [(0, 0)] * rank
    for index, axis in enumerate(int(axis) % rank for axis in axes):
        pads[axis] = (int(given[index]), int(given[index + len(axes)]))
    if pads[0] != (0, 0) or pads[1] != (0, 0) or any(min(pair) < 0 for pair in pads):
        return None
    return pad.input[0], pads[2:]


def conv_operands(node: onnx.NodeProto) -> tuple[str, str]:
    """Return the tensors of iacts and of weights."""
    return node.input[0], node.input[3 if node.op_type in _FOURTH else 1]


def _activations(graph: Graph, read: str, weights: str) -> tuple[str, ...]:
    return (read,) if graph.is_constant(weights) else (read, weights)


def _checked(name: str, x: Sequence[int], w: Sequence[int], node: onnx.NodeProto) -> tuple[list[int], list[int], int]:
    """Spatial sizes, filter taps, and groups."""
    if not 3 <= len(x) <= 5 or len(w) != len(x):
        raise Unreadable(name, f"an input of {len(x)} dimensions and weights of {len(w)}; 3 to 5 of both are read")
    kernel = attribute(node, "kernel_shape", list(w[2:]))
    if list(kernel) != list(w[2:]):
        raise Unreadable(name, f"kernel_shape is {list(kernel)}, but the weights have {list(w[2:])}")
    groups = int(attribute(node, "group", 1))
    if groups < 1 or min(*x, *w) < 1:
        raise Unreadable(name, f"sizes must be at least 1: input {list(x)}, weights {list(w)}, {groups} groups")
    return list(x[2:]), list(w[2:]), groups


def _attribute(node: onnx.NodeProto, name: str, attribute_name: str, count: int, default: int) -> list[int]:
    values = [int(value) for value in attribute(node, attribute_name, [default] * count)]
    if len(values) != count or min(values) < 1:
        raise Unreadable(name, f"{attribute_name} is {values}; {count} numbers of at least 1 are required")
    return values


def _pads(
    node: onnx.NodeProto,
    name: str,
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> Pads:
    auto = attribute(node, "auto_pad", "NOTSET")
    count = len(kernel)
    if auto == "VALID":
        return [(0, 0)] * count
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        pads = []
        for size, taps, step, apart in zip(sizes, kernel, stride, dilation, strict=True):
            total = max((-(-size // step) - 1) * step + (taps - 1) * apart + 1 - size, 0)
            less, more = total // 2, total - total // 2
            pads.append((less, more) if auto == "SAME_UPPER" else (more, less))
        return pads
    if auto not in ("NOTSET", ""):
        raise Unreadable(name, f"auto_pad is {auto!r}; allowed: NOTSET, SAME_UPPER, SAME_LOWER, VALID")
    values = [int(value) for value in attribute(node, "pads", [0] * 2 * count)]
    if len(values) != 2 * count or min(values) < 0:
        raise Unreadable(name, f"pads is {values}; {2 * count} numbers of at least 0 are required")
    return list(zip(values[:count], values[count:], strict=True))


def _cut_off(node: onnx.NodeProto, name: str, full: Sequence[int], outputs: Sequence[int]) -> tuple[Pads, list[int]]:
    """Outputs that a transposed convolution cuts off on both sides, and those that it has behind the last ones.

    full: outputs that its inputs are spread over; outputs: those that the graph has, which decide what lies behind.
    """
    auto = attribute(node, "auto_pad", "NOTSET")
    held = attribute(node, "pads", None)
    cut, more = [], []
    added = [int(value) for value in attribute(node, "output_padding", [0] * len(full))]
    for axis, (spread, extra) in enumerate(zip(full, added, strict=True)):
        total = spread + extra - outputs[axis]  # begin and end together
        if held is not None and attribute(node, "output_shape", None) is None and auto == "NOTSET":
            begin = int(held[axis])
        else:
            begin = total // 2 if auto == "SAME_UPPER" else total - total // 2
        if begin < 0:
            raise Unreadable(name, f"an output of {list(outputs)} begins before the first input is spread")
        end = total - begin
        cut.append((begin, max(end, 0)))
        more.append(extra - min(end, 0))
    return cut, more


def _window(
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    pads: Pads,
    more: Sequence[int] = (),
) -> dict[str, Any]:
    """Fields of a layer for one to three spatial axes; more: outputs behind the last ones of a transposed one."""
    if len(sizes) == 1:
        fields = _plane((1, sizes[0]), (1, kernel[0]), (1, stride[0]), (1, dilation[0]), [(0, 0), pads[0]])
        return fields | ({"output_padding": (0, more[0])} if more else {})
    fields = _plane(sizes[-2:], kernel[-2:], stride[-2:], dilation[-2:], pads[-2:])
    if more:
        fields["output_padding"] = (more[-2], more[-1])
    if len(sizes) == 2:
        return fields
    depth, taps, padding = sizes[0], kernel[0], pads[0]
    if dilation[0] > 1 and more:  # layers have none in depth: as many output planes and taps, so as many MACs
        more = [more[0] + (taps - 1) * (dilation[0] - 1), *more[1:]]
    elif dilation[0] > 1:
        planes = (depth + sum(padding) - dilation[0] * (taps - 1) - 1) // stride[0] + 1
        depth, padding = (planes - 1) * stride[0] + taps, (0, 0)
    fields |= {"D": depth, "T": taps, "stride_d": stride[0], "padding_d": padding}
    return fields | ({"output_padding_d": more[0]} if more else {})


def _plane(
    sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], pads: Pads
) -> dict[str, Any]:
    return {
        "H": sizes[0], "W": sizes[1], "R": kernel[0], "S": kernel[1], "stride": (stride[0], stride[1]),
        "dilation": (dilation[0], dilation[1]), "padding": (*pads[0], *pads[1]),
    }  # fmt: skip
