"""The shapes that onnx's inference over the whole graph left open, found node by node."""

from __future__ import annotations

import onnx
from onnx import helper

from accelerator_sim.workload.onnx.graph import Graph, Shape
from accelerator_sim.workload.onnx.makers import is_known, may_multiply
from accelerator_sim.workload.onnx.operators import OPS, RUNTIME, operator_key
from accelerator_sim.workload.onnx.order import subgraphs
from accelerator_sim.workload.onnx.shape_rules import RULES, Shapes, first_sets, infer, whole_shape
from accelerator_sim.workload.onnx.unreadable import DAMAGE, Unreadable

_ELEMENT_BY_ELEMENT = ("activation", "norm", "softmax", "add", "mul")
FIRST_MODERN = 7
"""The first operator set in which all operators broadcast and infer as they do today."""


def note_type(graph: Graph, name: str, kind: onnx.TypeProto) -> None:
    """Keep what is known of a tensor's shape and type.  Raises Unreadable for a negative dimension."""
    if not kind.HasField("tensor_type"):
        return
    if kind.tensor_type.elem_type:
        graph.types.setdefault(name, kind.tensor_type.elem_type)
    if not kind.tensor_type.HasField("shape"):
        return
    graph.ranks.setdefault(name, len(kind.tensor_type.shape.dim))
    shape = whole_shape(kind)
    if shape is not None and name not in graph.shapes:
        _keep(graph, name, shape)


def complete(graph: Graph, at: int) -> None:
    """Find the shapes of a node's outputs that are open: by its values, by a rule, or by inference with constants.

    An operator that nobody knows is taken to keep the shape of its first operand, unless it may multiply.
    """
    node = graph.nodes[at]
    if not _open(graph, node):
        return
    for out in _open(graph, node):
        value = graph.value(out) if graph.is_constant(out) else None
        if value is not None:
            graph.shapes[out] = value.shape
            graph.types.setdefault(out, helper.np_dtype_to_tensor_dtype(value.dtype))
    if node.domain == "":
        for name, kind in infer(graph, node, graph.opset).items():
            if name in node.output:
                note_type(graph, name, kind)
    if _open(graph, node):
        _by_rule(graph, node)
    for out in node.output:
        if out and node.input and node.input[0] in graph.types:
            graph.types.setdefault(out, graph.types[node.input[0]])


def _open(graph: Graph, node: onnx.NodeProto) -> list[str]:
    return [out for out in node.output if out and out not in graph.shapes]


def _by_rule(graph: Graph, node: onnx.NodeProto) -> None:
    shapes: Shapes = {}
    key = operator_key(node)
    rule = RULES.get(key) or (RULES.get((RUNTIME, key[1])) if key[0] == "" and not _is_standard(node) else None)
    try:
        if rule is not None:
            shapes = rule(graph, node)
        elif node.domain == "" and graph.opset < FIRST_MODERN:
            shapes = first_sets(graph, node)
        if not shapes and rule is None and _keeps_its_shape(graph, node):
            shapes = {0: graph.shapes[node.input[0]]}
    except DAMAGE:
        return  # an operand's shape is open, or a damaged node has none: found out where the shape is needed
    for number, shape in shapes.items():
        out = node.output[number] if number < len(node.output) else ""
        if out and out not in graph.shapes:
            _keep(graph, out, shape)


def _keeps_its_shape(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether a node without a rule is taken to keep the shape of its first operand.

    It is if its operator works element by element, or if nobody knows it and it cannot multiply.
    """
    key = operator_key(node)
    if is_known(key):
        return OPS.get(key) in _ELEMENT_BY_ELEMENT and not _is_standard(node)
    return not _is_standard(node) and not subgraphs(node) and not may_multiply(graph, node)


def _is_standard(node: onnx.NodeProto) -> bool:
    return node.domain == "" and bool(onnx.defs.has(node.op_type))


def _keep(graph: Graph, name: str, shape: Shape) -> None:
    if any(size < 0 for size in shape):
        raise Unreadable(name, f"a negative dimension: {list(shape)}")
    graph.shapes[name] = tuple(int(size) for size in shape)
