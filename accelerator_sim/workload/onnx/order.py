"""The nodes of a graph in an order in which they can run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import onnx

from accelerator_sim.workload.onnx.operators import STANDARD
from accelerator_sim.workload.onnx.unreadable import Unreadable


def ordered(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the nodes, each after those whose outputs it reads; the order of the file is kept where it is one.

    What a node's subgraphs read of the graph around them counts as read by the node.  Raises Unreadable for a cycle,
    for a tensor that is written twice, and for one that nothing writes.
    """
    nodes = list(graph.node)
    producer: dict[str, int] = {}
    for at, node in enumerate(nodes):
        if node.domain in STANDARD:
            node.domain = ""
        for out in node.output:
            if out and out in producer:
                raise Unreadable(node.name or node.op_type, f"{out!r} is written twice")
            producer[out] = at
    known = _given(graph)
    waiting: list[int] = []
    readers: dict[int, list[int]] = {}
    for at, node in enumerate(nodes):
        needed = set()
        for read in node.input:
            if read and read not in known:
                if read not in producer:
                    raise Unreadable(node.name or node.op_type, f"reads {read!r}, which nothing writes")
                needed.add(producer[read])
        needed |= {producer[read] for read in captured(node) if read in producer}
        waiting.append(len(needed))
        for each in needed:
            readers.setdefault(each, []).append(at)
    order = _sorted(waiting, readers)
    if len(order) < len(nodes):
        stuck = [nodes[at].name or nodes[at].op_type for at, count in enumerate(waiting) if count > 0]
        raise Unreadable(stuck[0], f"a cycle: {len(stuck)} nodes wait for one another, {', '.join(stuck[:5])}")
    return nodes if _in_order(nodes, producer) else [nodes[at] for at in order]


def captured(node: onnx.NodeProto) -> set[str]:
    """Return the tensors that the subgraphs of a node, at any depth, read of the graphs around them."""
    names: set[str] = set()
    for graph in subgraphs(node):
        own = _given(graph) | {out for inner in graph.node for out in inner.output}
        read = {name for inner in graph.node for name in (*inner.input, *captured(inner)) if name}
        names |= (read | {value.name for value in graph.output}) - own
    return names


def subgraphs(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """Return the graphs that a node holds as attributes."""
    return [graph for each in node.attribute for graph in ([each.g] if each.HasField("g") else []) + list(each.graphs)]


def nodes_at_any_depth(graphs: Iterable[onnx.GraphProto | onnx.FunctionProto]) -> list[onnx.NodeProto]:
    """Return the nodes of graphs (or of functions) and of the graphs that these hold."""
    nodes: list[onnx.NodeProto] = []
    for graph in graphs:
        for node in graph.node:
            nodes += [node, *nodes_at_any_depth(subgraphs(node))]
    return nodes


def _given(graph: onnx.GraphProto) -> set[str]:
    """Tensors that no node writes."""
    values = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    return values | {tensor.values.name for tensor in graph.sparse_initializer}


def _sorted(waiting: list[int], readers: Mapping[int, Sequence[int]]) -> list[int]:
    """Numbers of the nodes as they become ready; `waiting` is left with those that never do."""
    ready = [at for at, count in enumerate(waiting) if count == 0]
    order: list[int] = []
    while ready:
        at = ready.pop()
        order.append(at)
        for reader in readers.get(at, []):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                ready.append(reader)
    return order


def _in_order(nodes: Sequence[onnx.NodeProto], producer: Mapping[str, int]) -> bool:
    return all(
        producer.get(read, -1) < at for at, node in enumerate(nodes) for read in (*node.input, *captured(node)) if read
    )
