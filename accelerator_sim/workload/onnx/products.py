"""Products of two matrices as layers: the families of Gemm and MatMul, of floats and quantised."""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx

from accelerator_sim.workload.onnx.graph import Graph, Shape, attribute
from accelerator_sim.workload.onnx.operators import names
from accelerator_sim.workload.onnx.piece import Layout, Piece, WeightSource, layer_of, product
from accelerator_sim.workload.onnx.unreadable import Unreadable

_FOURTH = names("QLinearMatMul QGemm")
"""Operators whose second matrix is their fourth operand, after the scale and the zero point of the first."""


def gemm(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return Gemm, of floats or quantised (QGemm, GemmFloat8), with or without an activation (FusedGemm)."""
    a, b = _operands(node)
    x, w = graph.shape(a, name), graph.shape(b, name)
    if len(x) != 2 or len(w) != 2:
        raise Unreadable(name, f"operands of {list(x)} and {list(w)}; two matrices are required")
    rows, inner = (x[1], x[0]) if attribute(node, "transA", 0) else (x[0], x[1])
    deep, columns = (w[1], w[0]) if attribute(node, "transB", 0) else (w[0], w[1])
    if inner != deep:
        raise Unreadable(name, f"the inner sizes {inner} and {deep} differ")
    turned = bool(attribute(node, "transB", 0))
    return batched(graph, node.output[0], name, (a, b), ((rows, inner), (inner, columns)), turned)


def gemm_shape(graph: Graph, node: onnx.NodeProto) -> Shape:
    """Return the shape of what Gemm writes.  Raises KeyError where that of an operand is not known."""
    a, b = _operands(node)
    x, w = graph.shapes[a], graph.shapes[b]
    return x[1 if attribute(node, "transA", 0) else 0], w[0 if attribute(node, "transB", 0) else 1]


def matmul(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return MatMul, of floats or integers, with broadcasting, and onnxruntime's with operands turned around."""
    a, b = _operands(node)
    graph.shape(a, name), graph.shape(b, name)
    x, w, turned = _turned(graph, node)
    if not x or not w:
        raise Unreadable(name, "an operand without dimensions")
    x, w = ((1, *x) if len(x) == 1 else x), ((*w, 1) if len(w) == 1 else w)
    if x[-1] != w[-2]:
        raise Unreadable(name, f"operands of {list(x)} and {list(w)} do not fit: {x[-1]} columns, {w[-2]} rows")
    return batched(graph, node.output[0], name, (a, b), (x, w), turned)


def matmul_shape(graph: Graph, node: onnx.NodeProto) -> Shape:
    """Return the shape of what MatMul writes.  Raises KeyError where that of an operand is not known."""
    x, w, _ = _turned(graph, node)
    front = _broadcast(x[:-2], w[:-2])
    return (*front, *x[-2:-1], *(w[-1:] if len(w) > 1 else ()))


def _broadcast(a: Shape, b: Shape) -> Shape:
    rank = max(len(a), len(b))
    pairs = zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)
    return tuple(there if here == 1 else here for here, there in pairs)


def _turned(graph: Graph, node: onnx.NodeProto) -> tuple[Shape, Shape, bool]:
    """Shapes of the operands as they are multiplied, and whether the second lies with its filters first."""
    a, b = _operands(node)
    x, w = graph.shapes[a], graph.shapes[b]
    if attribute(node, "transBatchA", 0) and len(x) > 2:
        x = (*x[1:-1], x[0], x[-1])
    if attribute(node, "transBatchB", 0) and len(w) > 2:
        w = (*w[1:-1], w[0], w[-1])
    if attribute(node, "transA", 0) and len(x) > 1:
        x = (*x[:-2], x[-1], x[-2])
    turned = bool(attribute(node, "transB", 0)) and len(w) > 1
    return x, (*w[:-2], w[-1], w[-2]) if turned else w, turned


def _operands(node: onnx.NodeProto) -> tuple[str, str]:
    """The tensors that are multiplied."""
    return node.input[0], node.input[3 if node.op_type in _FOURTH else 1]


def batched(
    graph: Graph,
    out: str,
    name: str,
    operands: tuple[str, str],
    shapes: tuple[Sequence[int], Sequence[int]],
    filters_first: bool = False,
) -> list[Piece]:
    """Return a product with dimensions in front: those of both are groups, those of one more rows or more columns.

    shapes: of both operands, rows x inner and inner x columns with the dimensions in front, as they are multiplied;
    filters_first: how the second lies in the file.  Nothing where an operand is empty: then nothing is computed.
    Raises Unreadable for shapes that cannot be broadcast.
    """
    a, b = operands
    x, w = shapes
    rank = max(len(x), len(w)) - 2
    front_x, front_w = ([1] * (rank - len(s) + 2) + list(s[:-2]) for s in (x, w))
    groups = rows = columns = 1
    for here, there in zip(front_x, front_w, strict=True):
        if here != there and 1 not in (here, there):
            raise Unreadable(name, f"operands of {list(x)} and {list(w)} cannot be broadcast")
        if here == there:
            groups *= here
        elif there == 1:
            rows *= here
        else:
            columns *= there
    rows, columns, inner = rows * x[-2], columns * w[-1], x[-1]
    if 0 in (groups, rows, columns, inner):
        return []
    if graph.is_constant(b):
        whole = groups == 1 and math.prod(front_w) == 1 and (not filters_first or len(w) == 2)
        layout: Layout = "filters first" if filters_first else "filters last"
        weights = WeightSource(b, layout) if whole else None
        return [Piece(product(name, rows, inner, columns, groups), (a,), out, weights)]
    if graph.is_constant(a):  # weights on the left: the product of the transposed
        return [Piece(product(name, columns, inner, rows, groups), (b,), out)]
    return [Piece(layer_of(name, "matmul", G=groups, W=rows, C=inner, M=columns), (a, b), out)]


def affine_grid(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return AffineGrid: every point of the grid, with a one behind its coordinates, times the matrix of its image."""
    images, axes, across = graph.shape(node.input[0], name)
    points = math.prod(graph.shape(node.output[0], name)[1:-1])
    if not images or not points:
        return []
    layer = layer_of(name, "matmul", G=images, W=points, C=across, M=axes)
    return [Piece(layer, (node.input[0],), node.output[0])]


def linear_shape(graph: Graph, node: onnx.NodeProto) -> dict[int, Shape]:
    """Return the shapes of what LinearClassifier and LinearRegressor write.  Raises KeyError where not known."""
    x, coefficients = graph.shapes[node.input[0]], len(attribute(node, "coefficients", []))
    scores = (*x[:-1], coefficients // x[-1])
    return {0: scores} if node.op_type == "LinearRegressor" else {0: x[:-1], 1: scores}


def linear(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return LinearClassifier or LinearRegressor: rows of features times the coefficients, an attribute."""
    x = graph.shape(node.input[0], name)
    features = x[-1] if x else 0
    rows = math.prod(x[:-1])
    coefficients = len(attribute(node, "coefficients", []))
    if not features or not rows or coefficients % features or not coefficients:
        raise Unreadable(name, f"{coefficients} coefficients for {features} features")
    return [Piece(product(name, rows, features, coefficients // features), (node.input[0],), node.output[0])]
