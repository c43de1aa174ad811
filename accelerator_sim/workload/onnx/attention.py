"""Attention as layers: the scores of queries with keys, a softmax, and their product with the values.

A mask takes nothing away: machines of this kind compute all scores.  Heads of queries that share keys are rows of one
product.  onnxruntime's Attention and its kin also hold the projection of their input to queries, keys and values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from accelerator_sim.workload.onnx.graph import Graph, Shape, attribute
from accelerator_sim.workload.onnx.piece import Piece, WeightSource, layer_of, product
from accelerator_sim.workload.onnx.unreadable import Unreadable


@dataclass(frozen=True)
class _Heads:
    """The sizes of an attention."""

    batch: int
    heads: int
    kv_heads: int
    rows: int
    """Queries of a sequence."""
    length: int
    """Keys that each of them meets, those of the past included."""
    size: int
    value_size: int


def attention(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return Attention of the standard, and FlexAttention: three tensors, of heads or with heads in their last axis."""
    query, key, value = (graph.shape(graph.operand(node, at), name) for at in range(3))
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
    if graph.operand(node, 4):
        length += graph.shape(node.input[4], name)[2]
    reads = (node.input[0], node.input[1], node.input[2])
    return _attend(name, _Heads(batch, heads, kv_heads, rows, length, size, value_size), reads, node.output[0])


def projected(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return onnxruntime's Attention, QAttention and DecoderMaskedSelfAttention: a projection, then an attention."""
    x, w = graph.shape(node.input[0], name), graph.shape(node.input[1], name)
    if len(x) != 3 or len(w) != 2:
        raise Unreadable(name, f"an input of {list(x)} and weights of {list(w)}; 3 and 2 dimensions are required")
    heads, (hidden, _, values) = _num_heads(node, name), _hidden_sizes(node, w[1], name)
    past = graph.operand(node, 8 if node.op_type == "QAttention" else 4)
    length = x[1] + (graph.shape(past, name)[3] if past else 0)
    if past and attribute(node, "past_present_share_buffer", 0):
        length = _known(graph, graph.operand(node, 6), graph.shape(past, name)[3] - x[1]) + x[1]
    sizes = _Heads(x[0], heads, heads, x[1], length, hidden // heads, values // heads)
    return [_projection(graph, node, name, x, w), *_attend(name, sizes, (), node.output[0])]


def packed_projected(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return PackedAttention: a projection of tokens without padding, then an attention of each sequence."""
    x, w = graph.shape(node.input[0], name), graph.shape(node.input[1], name)
    heads, (hidden, _, values) = _num_heads(node, name), _hidden_sizes(node, w[1], name)
    sizes = (hidden // heads, values // heads)
    rows = _packed(graph, node, name, (heads, *sizes), (3, 4), ())
    return [_projection(graph, node, name, x, w), *rows]


def packed_heads(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return PackedMultiHeadAttention: an attention of each sequence of tokens without padding."""
    query, heads = graph.shape(node.input[0], name), _num_heads(node, name)
    key, value = graph.operand(node, 1), graph.operand(node, 2)
    if len(query) == 4 or not key:
        size = value_size = query[-1] if len(query) == 4 else query[1] // (3 * heads)
    else:
        size, value_size = query[1] // heads, graph.shape(value, name)[1] // heads
    reads = tuple(filter(None, (node.input[0], key, value)))
    return _packed(graph, node, name, (heads, size, value_size), (4, 5), reads)


def multi_head(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return MultiHeadAttention or DecoderMaskedMultiHeadAttention: queries, keys and values apart or packed."""
    masked = node.op_type == "DecoderMaskedMultiHeadAttention"
    past, past_length = graph.operand(node, 5 if masked else 6), graph.operand(node, 7 if masked else 8)
    sizes = _multi_head_sizes(graph, node, name)
    if past:
        before = graph.shape(past, name)[2]
        shared = bool(past_length) or bool(attribute(node, "past_present_share_buffer", 0))
        more = _known(graph, past_length, before - sizes.length) if shared else before
        sizes = _Heads(**{**sizes.__dict__, "length": sizes.length + more})
    reads = tuple(filter(None, (node.input[0], graph.operand(node, 1), graph.operand(node, 2))))
    return _attend(name, sizes, reads, node.output[0])


def _multi_head_sizes(graph: Graph, node: onnx.NodeProto, name: str) -> _Heads:
    query, heads = graph.shape(node.input[0], name), _num_heads(node, name)
    key, value = graph.operand(node, 1), graph.operand(node, 2)
    batch, rows = query[0], query[1]
    if len(query) == 5:  # queries, keys and values in one tensor
        return _Heads(batch, heads, heads, rows, rows, query[4], query[4])
    if not key:  # the same, with the heads in the last axis
        return _Heads(batch, heads, heads, rows, rows, query[2] // (3 * heads), query[2] // (3 * heads))
    size, k = query[2] // heads, graph.shape(key, name)
    if len(k) == 5:  # keys and values in one tensor
        return _Heads(batch, heads, heads, rows, k[1], size, k[4])
    if not value:
        raise Unreadable(name, "keys without values")
    v = graph.shape(value, name)
    if len(k) == 4:
        return _Heads(batch, heads, heads, rows, k[2], size, v[3])
    return _Heads(batch, heads, heads, rows, k[1], size, v[2] // heads)


def grouped(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return GroupQueryAttention: heads of queries share keys, whose past may lie in one buffer."""
    query = graph.shape(node.input[0], name)
    heads, kv_heads = _num_heads(node, name), int(attribute(node, "kv_num_heads", 0))
    if len(query) != 3 or kv_heads < 1:
        raise Unreadable(
            name, f"a query of {list(query)} and {kv_heads} heads of keys; 3 dimensions and a head are required"
        )
    key = graph.operand(node, 1)
    size = query[2] // heads if key else query[2] // (heads + 2 * kv_heads)
    new = graph.shape(key, name)[1] if key else query[1]
    past = graph.operand(node, 3)
    before = graph.shape(past, name)[2] if past else 0
    present = graph.shapes.get(node.output[1]) if len(node.output) > 1 and node.output[1] else None
    length = present[2] if present is not None and len(present) == 4 else before + new
    length = _known(graph, graph.operand(node, 6), length)
    reads = tuple(filter(None, (node.input[0], key, graph.operand(node, 2))))
    sizes = _Heads(query[0], heads, kv_heads, query[1], length, size, size)
    return _attend(name, sizes, reads, node.output[0])


def _known(graph: Graph, tensor: str, default: int) -> int:
    """The value of a scalar, where the file holds it: a length that a buffer is filled up to."""
    value = graph.value(tensor) if tensor else None
    return int(value.reshape(-1)[0]) if value is not None and value.size == 1 else max(default, 0)


def _num_heads(node: onnx.NodeProto, name: str) -> int:
    heads = int(attribute(node, "num_heads", 0))
    if heads < 1:
        raise Unreadable(name, f"num_heads is {heads}; at least 1 is required")
    return heads


def _hidden_sizes(node: onnx.NodeProto, columns: int, name: str) -> tuple[int, int, int]:
    """Sizes of queries, keys and values, of all heads."""
    given = [int(size) for size in attribute(node, "qkv_hidden_sizes", [])] or [columns // 3] * 3
    if len(given) != 3 or sum(given) != columns or given[0] != given[1]:
        raise Unreadable(name, f"qkv_hidden_sizes {given} do not fit weights of {columns} columns")
    return given[0], given[1], given[2]


def _projection(graph: Graph, node: onnx.NodeProto, name: str, x: Shape, w: Shape) -> Piece:
    if x[-1] != w[0]:
        raise Unreadable(name, f"rows of {list(x)} and weights of {list(w)} do not fit")
    layer = product(f"{name}.qkv", math.prod(x[:-1]), w[0], w[1])
    source = WeightSource(node.input[1], "filters last") if graph.is_constant(node.input[1]) else None
    return Piece(layer, (node.input[0],), node.output[0], source)


def _packed(
    graph: Graph,
    node: onnx.NodeProto,
    name: str,
    of_head: tuple[int, int, int],
    places: tuple[int, int],
    reads: tuple[str, ...],
) -> list[Piece]:
    """An attention within sequences of packed tokens.

    of_head: heads, and sizes of a key and of a value; places: of the offsets of tokens and of the sums of lengths.
    Where the lengths are not in the file, sequences are taken to be equally long.
    """
    heads, size, value_size = of_head
    tokens = graph.shape(node.input[0], name)[0]
    out, sums = node.output[0], graph.value(graph.operand(node, places[1]))
    if sums is not None and sums.size > 1:
        lengths = np.diff(sums.reshape(-1).astype(np.int64))
        pieces = []
        for number, length in enumerate(int(each) for each in lengths):
            if length > 0:
                called = name if len(lengths) == 1 else f"{name}.{number}"
                sizes = _Heads(1, heads, heads, length, length, size, value_size)
                pieces += _attend(called, sizes, reads, out)
        return pieces
    batch, longest = graph.shape(graph.operand(node, places[0]), name)
    if not batch or not tokens:
        return []
    each = min(-(-tokens // batch), longest)
    note = (
        "" if each * batch == tokens == batch * longest else f"{name}: its sequences are taken to be {each} tokens long"
    )
    return _attend(name, _Heads(batch, heads, heads, each, each, size, value_size), reads, out, note)


def _attend(name: str, sizes: _Heads, reads: tuple[str, ...], out: str, note: str = "") -> list[Piece]:
    """The products of an attention and its softmax; nothing where there is no query or no key."""
    of = sizes
    if of.kv_heads < 1 or of.heads % of.kv_heads:
        raise Unreadable(name, f"{of.heads} heads of queries do not share {of.kv_heads} heads of keys evenly")
    if 0 in (of.batch, of.rows, of.length):
        return []
    groups, rows_each = of.batch * of.kv_heads, of.rows * (of.heads // of.kv_heads)
    scores = layer_of(f"{name}.scores", "matmul", G=groups, W=rows_each, C=of.size, M=of.length)
    words = of.batch * of.heads * of.rows * of.length
    softmax = layer_of(f"{name}.softmax", "softmax", iact_words=words, oact_words=words)
    context = layer_of(f"{name}.context", "matmul", G=groups, W=rows_each, C=of.length, M=of.value_size)
    return [
        Piece(scores, reads[:2], out, note=note),
        Piece(softmax, (), out),
        Piece(context, reads[2:3], out),
    ]


def attention_shape(graph: Graph, node: onnx.NodeProto) -> dict[int, Shape]:
    """Return the shapes of what onnxruntime's attentions write, by output.

    Raises KeyError where that of an operand is not known.
    """
    x, heads = graph.shapes[node.input[0]], max(int(attribute(node, "num_heads", 1)), 1)
    if node.op_type in ("Attention", "QAttention", "DecoderMaskedSelfAttention", "PackedAttention"):
        values = _hidden_sizes(node, graph.shapes[node.input[1]][1], "")[2]
        shapes: dict[int, Shape] = {0: (*x[:-1], values)}
        past = graph.operand(node, 8 if node.op_type == "QAttention" else 4)
        if node.op_type != "PackedAttention":
            before: Any = graph.shapes[past] if past else (2, x[0], heads, 0, values // heads)
            shared = bool(attribute(node, "past_present_share_buffer", 0))
            shapes[1] = (*before[:3], before[3] + (0 if shared else x[1]), before[4])
        return shapes
    if node.op_type == "GroupQueryAttention":
        return _grouped_shape(graph, node, x, heads)
    sizes = (
        _multi_head_sizes(graph, node, "")
        if node.op_type != "PackedMultiHeadAttention"
        else _Heads(0, heads, heads, 0, 0, 0, _packed_value_size(graph, node, x, heads))
    )
    front = x[:2] if node.op_type != "PackedMultiHeadAttention" else x[:1]
    shapes = {0: (*front, heads * sizes.value_size)}
    if node.op_type != "PackedMultiHeadAttention":
        masked = node.op_type == "DecoderMaskedMultiHeadAttention"
        past, given = graph.operand(node, 5 if masked else 6), graph.operand(node, 7 if masked else 8)
        before = graph.shapes[past][2] if past else 0
        length = before if past and given else before + sizes.length
        shapes |= {1: (x[0], heads, length, sizes.size), 2: (x[0], heads, length, sizes.value_size)}
    return shapes


def _packed_value_size(graph: Graph, node: onnx.NodeProto, x: Shape, heads: int) -> int:
    value = graph.operand(node, 2)
    if value:
        return graph.shapes[value][1] // heads
    return x[-1] if len(x) == 4 else x[1] // (3 * heads)


def _grouped_shape(graph: Graph, node: onnx.NodeProto, x: Shape, heads: int) -> dict[int, Shape]:
    kv_heads, key, past = int(attribute(node, "kv_num_heads", 1)), graph.operand(node, 1), graph.operand(node, 3)
    size = x[2] // heads if key else x[2] // (heads + 2 * kv_heads)
    new = graph.shapes[key][1] if key else x[1]
    length = (graph.shapes[past][2] if past else 0) + new
    kept = (x[0], kv_heads, _known(graph, graph.operand(node, 6), length), size)
    return {0: (x[0], x[1], heads * size), 1: kept, 2: kept}
