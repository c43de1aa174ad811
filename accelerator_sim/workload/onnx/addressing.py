"""Views that a machine reads in place: another order, or a part, of words that lie in memory.

Every tensor is read by addresses, as the tiles of a layer are: with any strides of its outer dimensions, as long as the
words of the innermost one lie side by side as they are read.  So queries, keys and values are parts of one product, and
heads are strides.  A matrix product reads either operand by rows or by columns, as it reads constant weights of either
order, so a matrix that is turned for products alone costs nothing either.  Where the innermost dimension is turned
otherwise, or single words of it are picked, words are moved.
"""

from __future__ import annotations

import math

import numpy as np
import onnx

from accelerator_sim.workload.onnx.graph import Graph, Shape, attribute
from accelerator_sim.workload.onnx.operators import FREE, STANDARD, names, operator_key

VIEWS = names("Transpose Slice Split Gather")
"""Operators that read a tensor in another order, or a part of it."""
_PRODUCTS = names("MatMul Gemm")
"""Operators of the standard whose first two operands are matrices."""


def read_in_place(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether what reads the outputs of a node can read its input instead, in memory as it is.

    False for a node that is no view, and where a size or an index that decides it is not known.
    """
    if node.op_type not in VIEWS or node.domain not in STANDARD:
        return False
    outputs = [out for out in node.output if out]
    if any(name not in graph.shapes for name in (node.input[0], *outputs)) or graph.is_constant(node.input[0]):
        return False  # of a constant table, rows are looked up
    if any(read and not graph.is_constant(read) for read in node.input[1:]):
        return False  # indices that depend on the input
    shape = graph.shapes[node.input[0]]
    inner = _innermost(shape)
    if inner is None or all(math.prod(graph.shapes[out]) == 1 for out in outputs):
        return True
    if node.op_type == "Transpose":
        order = [int(axis) for axis in attribute(node, "perm", [])] or list(range(len(shape)))[::-1]
        if [axis for axis in order if shape[axis] > 1][-1] == inner:
            return True
        return len(order) > 1 and order[-2] == len(order) - 1 and _for_products(graph, node)
    if node.op_type == "Gather":
        return int(attribute(node, "axis", 0)) % len(shape) != inner and _evenly(graph, node.input[1])
    return all(graph.shapes[out][inner] > 1 for out in outputs) and _steps(graph, node, inner) == 1


def _innermost(shape: Shape) -> int | None:
    """The last dimension of more than one element."""
    return next((axis for axis in reversed(range(len(shape))) if shape[axis] > 1), None)


def _evenly(graph: Graph, indices: str) -> bool:
    """Whether indices follow one another in even steps."""
    held = graph.value(indices)
    return held is not None and len(np.unique(np.diff(held.reshape(-1)))) < 2


def _steps(graph: Graph, node: onnx.NodeProto, inner: int) -> int | None:
    """The step of a part along a dimension; None where it is not known."""
    held = graph.operand(node, 4)
    if node.op_type == "Split" or not held:
        return 1
    steps, axes = graph.value(held), graph.operand(node, 3)
    rank = len(graph.shapes[node.input[0]])
    along = graph.value(axes) if axes else range(rank)
    if steps is None or along is None:
        return None
    by_axis = {int(axis) % rank: int(step) for axis, step in zip(along, steps, strict=False)}
    return by_axis.get(inner, 1)


def _for_products(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether matrix products alone read what a node writes, as one of their matrices."""
    out = node.output[0]
    readers = [graph.nodes[at] for at in graph.consumers.get(out, [])]
    return bool(readers) and out not in graph.outputs and all(_multiplies(graph, reader, out) for reader in readers)


def _multiplies(graph: Graph, node: onnx.NodeProto, matrix: str) -> bool:
    if node.op_type in _PRODUCTS and node.domain in STANDARD:
        return matrix in node.input[:2]
    view = operator_key(node) in FREE and node.output[0] in graph.shapes
    same = view and graph.shapes[node.output[0]][-2:] == graph.shapes[matrix][-2:]
    return same and _for_products(graph, node)  # the same matrices, in other dimensions
