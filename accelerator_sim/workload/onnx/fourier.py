"""Fourier transforms as products with the matrix of the transform: DFT and STFT, and onnxruntime's Rfft.

The multiply-accumulates are those of that product, of real numbers: a complex value is two, and two complex ones make
four products.  A fast transform does less, of another kind; a note says so.
"""

from __future__ import annotations

import math

import onnx

from accelerator_sim.workload.onnx.graph import Graph, Shape, attribute
from accelerator_sim.workload.onnx.piece import Piece, product
from accelerator_sim.workload.onnx.unreadable import Unreadable


def dft(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return DFT: every line along its axis times a matrix."""
    x, y = graph.shape(node.input[0], name), graph.shape(node.output[0], name)
    axis = _axis(graph, node, name, len(x))
    if len(x) != len(y) or not 0 <= axis < len(x) - 1 or 0 in (*x, *y):
        raise Unreadable(name, f"an input of {list(x)}, an output of {list(y)} and axis {axis} do not fit")
    lines = math.prod(x[:-1]) // x[axis]
    return _product(node, name, lines, min(x[axis], _length(graph, node, x[axis])) * x[-1], y[axis] * y[-1])


def stft(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return STFT: every frame of every signal times a matrix."""
    x, y = graph.shape(node.input[0], name), graph.shape(node.output[0], name)
    window, length = graph.operand(node, 2), graph.operand(node, 3)
    frame = graph.shape(window, name)[0] if window else x[1]
    if length:
        value = graph.value(length)
        if value is None or value.size != 1:
            raise Unreadable(name, "the length of its frames is not constant")
        frame = int(value.reshape(-1)[0])
    if len(y) != 4 or 0 in y[:2] or frame < 1:
        raise Unreadable(name, f"an output of {list(y)} and frames of {frame} do not fit")
    parts = x[2] if len(x) > 2 else 1
    # Not by its shape: onnx 1.23 infers both sides where the attribute is left out, whose default is one.
    bins = frame // 2 + 1 if attribute(node, "onesided", 1) else frame
    return _product(node, name, y[0] * y[1], frame * parts, bins * 2)


def rfft(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return onnxruntime's Rfft along the last axis."""
    x = graph.shape(node.input[0], name)
    if attribute(node, "signal_ndim", 1) != 1 or not x or 0 in x:
        raise Unreadable(name, f"a transform of {attribute(node, 'signal_ndim', 1)} axes of {list(x)}; one is read")
    return _product(node, name, math.prod(x[:-1]), x[-1], (x[-1] // 2 + 1) * 2)


def rfft_shape(graph: Graph, node: onnx.NodeProto) -> Shape:
    """Return the shape of what Rfft writes.  Raises KeyError where that of its operand is not known."""
    x = graph.shapes[node.input[0]]
    return (*x[:-1], x[-1] // 2 + 1, 2)


def _axis(graph: Graph, node: onnx.NodeProto, name: str, rank: int) -> int:
    """The axis of the transform: an operand since operator set 20, an attribute before."""
    axis = int(attribute(node, "axis", 1 if graph.opset < 20 else -2))
    if graph.operand(node, 2):
        value = graph.value(node.input[2])
        if value is None or value.size != 1:
            raise Unreadable(name, "its axis is not constant")
        axis = int(value.reshape(-1)[0])
    return axis + rank if axis < 0 else axis


def _length(graph: Graph, node: onnx.NodeProto, default: int) -> int:
    value = graph.value(graph.operand(node, 1)) if graph.operand(node, 1) else None
    return int(value.reshape(-1)[0]) if value is not None and value.size == 1 else default


def _product(node: onnx.NodeProto, name: str, rows: int, inner: int, columns: int) -> list[Piece]:
    note = f"{name}: a Fourier transform, counted as the product with its matrix; a fast transform multiplies less"
    return [Piece(product(name, rows, inner, columns), (node.input[0],), node.output[0], note=note)]
