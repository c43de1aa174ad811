"""Recurrent networks, step by step, and operators that keep a state over a sequence."""

from __future__ import annotations

import math

import onnx

from accelerator_sim.workload.onnx.graph import Graph, Shape, attribute
from accelerator_sim.workload.onnx.piece import Layout, Piece, WeightSource, layer_of, product
from accelerator_sim.workload.onnx.unreadable import Unreadable

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1, "DynamicQuantizeLSTM": 4}
"""Matrices of a recurrent network, by operator."""


def recurrent(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return LSTM, GRU or RNN: the products with all inputs at once, then one with the state for each step."""
    x, w, r = (graph.shape(read, name) for read in node.input[:3])
    if len(x) != 3 or len(w) != 3 or len(r) != 3:
        raise Unreadable(name, f"input, W and R have {len(x)}, {len(w)} and {len(r)} dimensions; 3 are required")
    turned = node.op_type == "DynamicQuantizeLSTM"  # whose weights lie with the gates last
    if turned:
        w, r = (w[0], w[2], w[1]), (r[0], r[2], r[1])
    batch_first = bool(attribute(node, "layout", 0))
    steps, batch = (x[1], x[0]) if batch_first else (x[0], x[1])
    gates, hidden = GATES[node.op_type], r[2]
    if w[1] != gates * hidden or w[2] != x[2] or r[1] != gates * hidden:
        raise Unreadable(name, f"W {list(w)} and R {list(r)} do not fit {gates} gates of {hidden} and inputs of {x[2]}")
    if 0 in (steps, batch):
        return []
    if steps > MOST_STEPS:
        raise Unreadable(name, f"{steps} steps; up to {MOST_STEPS} are read, each a layer")
    out = next((each for each in node.output if each), "")
    layout: Layout = "filters last" if turned else "filters first"
    pieces = []
    for direction in range(w[0]):
        mark = f".{('forward', 'backward')[direction]}" if w[0] > 1 else ""
        weights, state = (
            WeightSource(node.input[at], layout, direction) if graph.is_constant(node.input[at]) else None
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


MOST_STEPS = 20_000
"""Steps of a recurrence that become layers: a network has at most 100,000 layers, and real sequences some hundred."""


def quantised_lstm_shape(graph: Graph, node: onnx.NodeProto) -> dict[int, Shape]:
    """Return the shapes of what DynamicQuantizeLSTM writes.  Raises KeyError where that of an operand is not known."""
    x, r = graph.shapes[node.input[0]], graph.shapes[node.input[2]]
    return {0: (x[0], r[0], x[1], r[1]), 1: (r[0], x[1], r[1]), 2: (r[0], x[1], r[1])}


def linear_attention(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return LinearAttention: of every token, its key times its value into the state, and its query times the state.

    The delta rules read the state by the key before that.  The element-wise decay of the state is not a product.
    """
    query, _, value = (graph.shape(read, name) for read in node.input[:3])
    heads, kv_heads = (int(attribute(node, which, 0)) for which in ("q_num_heads", "kv_num_heads"))
    if heads < 1 or kv_heads < 1 or len(query) != 3 or len(value) != 3:
        raise Unreadable(name, "q_num_heads and kv_num_heads are required, and inputs of three dimensions")
    rule = attribute(node, "update_rule", "gated_delta")
    if rule not in ("linear", "gated", "delta", "gated_delta"):
        raise Unreadable(name, f"update_rule is {rule!r}; allowed: linear, gated, delta, gated_delta")
    batch, steps, size, value_size = query[0], query[1], query[2] // heads, value[2] // kv_heads
    states, readers = batch * steps * kv_heads, max(heads // kv_heads, 1)
    if not states:
        return []
    out, (q, k, v) = node.output[0], node.input[:3]
    pieces = []
    if "delta" in rule:
        layer = layer_of(f"{name}.recall", "matmul", G=states, W=1, C=size, M=value_size)
        pieces.append(Piece(layer, (k,), out))
    update = layer_of(f"{name}.update", "matmul", G=states, W=size, C=1, M=value_size)
    read = layer_of(f"{name}.read", "matmul", G=states, W=readers, C=size, M=value_size)
    return [*pieces, Piece(update, (k, v), out), Piece(read, (q,), out)]


def linear_attention_shape(graph: Graph, node: onnx.NodeProto) -> dict[int, Shape]:
    """Return the shapes of what LinearAttention writes.  Raises KeyError where that of an operand is not known."""
    query, value = graph.shapes[node.input[0]], graph.shapes[node.input[2]]
    heads, kv_heads = (max(int(attribute(node, which, 1)), 1) for which in ("q_num_heads", "kv_num_heads"))
    size, value_size = query[2] // heads, value[2] // kv_heads
    state: Shape = (query[0], kv_heads, size, value_size)
    window = int(attribute(node, "state_window", 0))
    return {0: (*query[:2], max(heads, kv_heads) * value_size), 1: (window, *state) if window else state}


def causal_convolution(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return CausalConvWithState: each channel alone, over what came before it along the last axis."""
    x, w = graph.shape(node.input[0], name), graph.shape(node.input[1], name)
    if attribute(node, "input_channels", 0) or attribute(node, "state_update_capacity", 0):
        raise Unreadable(name, "a slice of the channels, or a capture of states, is not read")
    if attribute(node, "channels_last", 0):
        x = (x[0], math.prod(x[2:]), x[1])
    taps = w[2:]
    if len(x) != len(w) or not 1 <= len(taps) <= 2 or x[1] != w[0] or w[1] != 1:
        raise Unreadable(
            name, f"an input of {list(x)} and weights of {list(w)} are not those of channels by themselves"
        )
    if 0 in x:
        return []
    rows, columns = (1, x[2]) if len(taps) == 1 else (x[2], x[3])
    r, s = (1, taps[0]) if len(taps) == 1 else taps
    apart = int(attribute(node, "dilation", 1))
    padding = ((r - 1) // 2, r - 1 - (r - 1) // 2, (s - 1) * apart, 0)
    layer = layer_of(
        name, "conv", N=x[0], G=x[1], M=1, C=1, H=rows, W=columns, R=r, S=s, padding=padding, dilation=(1, apart)
    )
    source = WeightSource(node.input[1]) if graph.is_constant(node.input[1]) else None
    return [Piece(layer, (node.input[0],), node.output[0], source)]


def causal_convolution_shape(graph: Graph, node: onnx.NodeProto) -> dict[int, Shape]:
    """Return the shapes of what CausalConvWithState writes.  Raises KeyError where an operand's is not known."""
    x, w = graph.shapes[node.input[0]], graph.shapes[node.input[1]]
    kept = (w[-1] - 1) * int(attribute(node, "dilation", 1))
    past = graph.operand(node, 3)
    if past:
        return {0: x, 1: graph.shapes[past]}
    return {0: x, 1: (x[0], kept, *x[2:]) if attribute(node, "channels_last", 0) else (*x[:-1], kept)}
