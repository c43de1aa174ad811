"""Matrix products as layers: Gemm, MatMul, Einsum, attention, and recurrent networks step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx

from accelerator_sim.workload.onnx.graph import Graph, Unreadable, attribute
from accelerator_sim.workload.onnx.piece import Layout, Piece, WeightSource, layer_of, product

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
"""Matrices of a recurrent network, by operator."""


def gemm(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return Gemm, of floats or quantised (QGemm)."""
    a, b = node.input[0], node.input[3 if node.op_type == "QGemm" else 1]
    x, w = graph.shape(a, name), graph.shape(b, name)
    if len(x) != 2 or len(w) != 2:
        raise Unreadable(name, f"operands of {list(x)} and {list(w)}; two matrices are required")
    rows, inner = (x[1], x[0]) if attribute(node, "transA", 0) else (x[0], x[1])
    deep, columns = (w[1], w[0]) if attribute(node, "transB", 0) else (w[0], w[1])
    return _matrix(graph, node, name, (a, b), rows, (inner, deep), columns, bool(attribute(node, "transB", 0)))


def matmul(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return MatMul, of floats or integers, with broadcasting."""
    a, b = node.input[0], node.input[3 if node.op_type == "QLinearMatMul" else 1]
    x, w = list(graph.shape(a, name)), list(graph.shape(b, name))
    if not x or not w:
        raise Unreadable(name, "an operand without dimensions")
    if len(x) == 1:
        x = [1, *x]
    if len(w) == 1:
        w = [*w, 1]
    if x[-1] != w[-2]:
        raise Unreadable(name, f"operands of {x} and {w} do not fit: {x[-1]} columns, {w[-2]} rows")
    return _batched(graph, node, name, (a, b), x, w)


def _matrix(
    graph: Graph,
    node: onnx.NodeProto,
    name: str,
    operands: tuple[str, str],
    rows: int,
    inner: tuple[int, int],
    columns: int,
    filters_first: bool,
) -> list[Piece]:
    """A product of two matrices; the constant one is the weights."""
    a, b = operands
    if inner[0] != inner[1]:
        raise Unreadable(name, f"the inner sizes {inner[0]} and {inner[1]} differ")
    if graph.is_constant(b):
        layout: Layout = "filters first" if filters_first else "filters last"
        return [Piece(product(name, rows, inner[0], columns), (a,), node.output[0], WeightSource(b, layout))]
    if graph.is_constant(a):  # weights on the left: the product of the transposed
        return [Piece(product(name, columns, inner[0], rows), (b,), node.output[0])]
    layer = layer_of(name, "matmul", W=rows, C=inner[0], M=columns)
    return [Piece(layer, (a, b), node.output[0])]


def _batched(
    graph: Graph, node: onnx.NodeProto, name: str, operands: tuple[str, str], x: Sequence[int], w: Sequence[int]
) -> list[Piece]:
    """A product with dimensions in front: those of both are groups, those of one more rows or more columns."""
    a, b = operands
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
    if graph.is_constant(b):
        whole = groups == 1
        weights = WeightSource(b, "filters last") if whole and math.prod(front_w) == 1 else None
        return [Piece(product(name, rows, inner, columns, groups), (a,), node.output[0], weights)]
    if graph.is_constant(a):
        return [Piece(product(name, columns, inner, rows, groups), (b,), node.output[0])]
    layer = layer_of(name, "matmul", G=groups, W=rows, C=inner, M=columns)
    return [Piece(layer, (a, b), node.output[0])]


def einsum(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return an Einsum of two operands as a matrix product: none where it is no such product."""
    equation = str(attribute(node, "equation", "")).replace(" ", "")
    left, _, out = equation.partition("->")
    terms = left.split(",")
    if len(terms) != 2 or len(node.input) != 2 or "." in equation or "->" not in equation:
        return []
    shapes = [graph.shape(read, name) for read in node.input]
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        if len(term) != len(shape) or len(set(term)) != len(term):
            return []
        for letter, size in zip(term, shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise Unreadable(name, f"letter {letter!r} of {equation!r} is {sizes[letter]} and {size}")
    a, b, kept = set(terms[0]), set(terms[1]), set(out)
    if not kept <= a | b or (a - b) - kept or (b - a) - kept:
        return []  # a letter of one operand alone is summed: that is no product

    def count(letters: set[str]) -> int:
        return math.prod(sizes[letter] for letter in letters)

    groups, inner = count(a & b & kept), count((a & b) - kept)
    rows, columns = count(a - b), count(b - a)
    constant = [graph.is_constant(read) for read in node.input]
    if constant[1]:
        return [Piece(product(name, rows, inner, columns, groups), (node.input[0],), node.output[0])]
    if constant[0]:
        return [Piece(product(name, columns, inner, rows, groups), (node.input[1],), node.output[0])]
    layer = layer_of(name, "matmul", G=groups, W=rows, C=inner, M=columns)
    return [Piece(layer, tuple(node.input), node.output[0])]


def attention(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return the products of an Attention node (operator set 23), scores and context, and its softmax between them."""
    query, key, value = (graph.shape(read, name) for read in node.input[:3])
    if len(query) == 4:
        batch, heads, rows, size = query
        kv_heads, length, value_size = key[1], key[2], value[3]
    elif len(query) == 3:
        heads, kv_heads = (int(attribute(node, which, 0)) for which in ("q_num_heads", "kv_num_heads"))
        if heads < 1 or kv_heads < 1:
            raise Unreadable(name, "q_num_heads and kv_num_heads are required for inputs of three dimensions")
        batch, rows, length = query[0], query[1], key[1]
        size, value_size = query[2] // heads, value[2] // kv_heads
    else:
        raise Unreadable(name, f"a query of {len(query)} dimensions; 3 or 4 are required")
    if heads % kv_heads:
        raise Unreadable(name, f"{heads} heads of queries do not share {kv_heads} heads of keys evenly")
    if len(node.input) > 4 and node.input[4]:
        length += graph.shape(node.input[4], name)[2]
    groups, rows_each = batch * kv_heads, rows * (heads // kv_heads)
    scores = layer_of(f"{name}.scores", "matmul", G=groups, W=rows_each, C=size, M=length)
    words = batch * heads * rows * length
    softmax = layer_of(f"{name}.softmax", "softmax", iact_words=words, oact_words=words)
    context = layer_of(f"{name}.context", "matmul", G=groups, W=rows_each, C=length, M=value_size)
    out = node.output[0]
    return [
        Piece(scores, tuple(node.input[:2]), out),
        Piece(softmax, (), out),
        Piece(context, (node.input[2],), out),
    ]


def recurrent(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return LSTM, GRU or RNN: the products with all inputs at once, then one with the state for each step."""
    x, w, r = (graph.shape(read, name) for read in node.input[:3])
    if len(x) != 3 or len(w) != 3 or len(r) != 3:
        raise Unreadable(name, f"input, W and R have {len(x)}, {len(w)} and {len(r)} dimensions; 3 are required")
    batch_first = bool(attribute(node, "layout", 0))
    steps, batch = (x[1], x[0]) if batch_first else (x[0], x[1])
    gates, hidden = GATES[node.op_type], r[2]
    if w[1] != gates * hidden or w[2] != x[2] or r[1] != gates * hidden:
        raise Unreadable(name, f"W {list(w)} and R {list(r)} do not fit {gates} gates of {hidden} and inputs of {x[2]}")
    out = next((each for each in node.output if each), "")
    pieces = []
    for direction in range(w[0]):
        mark = f".{('forward', 'backward')[direction]}" if w[0] > 1 else ""
        weights, state = (
            WeightSource(node.input[at], "filters first", direction) if graph.is_constant(node.input[at]) else None
            for at in (1, 2)
        )
        inputs = product(f"{name}{mark}.inputs", steps * batch, x[2], gates * hidden)
        pieces.append(Piece(inputs, (node.input[0],), out, weights))
        for step in range(steps):
            layer = product(f"{name}{mark}.state.{step}", batch, hidden, gates * hidden)
            pieces.append(Piece(layer, (), out, state))
        words = steps * batch * gates * hidden
        update = layer_of(f"{name}{mark}.gates", "activation", iact_words=words, oact_words=steps * batch * hidden)
        pieces.append(Piece(update, (), out))
    return pieces
