"""Nodes without multiply-accumulates: which cost nothing, which are fused, and what the others move."""

from __future__ import annotations

import math
from typing import Literal

import onnx

from accelerator_sim.workload.onnx.graph import Graph
from accelerator_sim.workload.onnx.operators import FREE, OPS, RUNTIME, STANDARD, names, operator_key
from accelerator_sim.workload.onnx.piece import Piece, layer_of

FUSED = names("Relu LeakyRelu PRelu ThresholdedRelu Clip BatchNormalization")
"""Nodes that are computed on the way out of the layer before them, if nothing else reads what that writes."""

FUSED_WITH_CONSTANT = names("Add Sub Mul Div")
"""Nodes that are also fused where one operand is a constant of one value or one per channel: biases and scales."""

_READS_WHAT_IT_WRITES = names("Gather GatherElements GatherND Slice Split Compress")

Treatment = Literal["free", "fused", "traffic"]


def treatment(graph: Graph, at: int, hosts: set[str]) -> Treatment:
    """Return what becomes of a node; hosts: tensors that a layer writes, which others may be fused into."""
    node = graph.nodes[at]
    outputs = [out for out in node.output if out]
    if operator_key(node) in FREE or (outputs and all(graph.is_constant(out) for out in outputs)):
        return "free"
    if _fuses(graph, node) and node.input[_main(graph, node)] in hosts:
        read = node.input[_main(graph, node)]
        if len(graph.consumers[read]) == 1 and read not in graph.outputs:
            return "fused"
    return "traffic"


def main_input(graph: Graph, node: onnx.NodeProto) -> str:
    """The tensor that a node that is free or fused passes on; "" for none."""
    return node.input[_main(graph, node)] if node.input else ""


def _main(graph: Graph, node: onnx.NodeProto) -> int:
    """Place of the first operand that is not constant."""
    return next((at for at, read in enumerate(node.input) if read and not graph.is_constant(read)), 0)


def _fuses(graph: Graph, node: onnx.NodeProto) -> bool:
    if not node.input or node.domain not in STANDARD:
        return False
    if node.op_type in FUSED:
        return True
    if node.op_type not in FUSED_WITH_CONSTANT or len(node.input) != 2:
        return False
    constants = [read for read in node.input if graph.is_constant(read)]
    if len(constants) != 1:
        return False
    shape = graph.shapes.get(constants[0])
    return shape is not None and sum(size > 1 for size in shape) <= 1


def moved(graph: Graph, at: int, name: str, uncounted: str = "") -> Piece | None:
    """Return the traffic of a node: the words of the tensors that it reads and writes.  None if it moves nothing.

    uncounted: the name of an operator that may multiply, whose layer therefore fails.
    """
    node = graph.nodes[at]
    written = sum(_words(graph, out, name) for out in dict.fromkeys(node.output) if out)
    reads = [read for read in dict.fromkeys(node.input) if read]
    if node.op_type in _READS_WHAT_IT_WRITES and node.domain in (*STANDARD, RUNTIME):
        read_words = written
    else:
        read_words = sum(_words(graph, read, name) for read in reads)
    if not read_words and not written:
        if not uncounted:
            return None
        read_words = 1  # a layer moves something; this one is there to fail
    op = OPS.get(operator_key(node), "other")
    layer = layer_of(name, op, iact_words=read_words, oact_words=written, uncounted=uncounted)
    activations = tuple(read for read in reads if not graph.is_constant(read))
    return Piece(layer, activations, next((out for out in node.output if out), ""))


def _words(graph: Graph, tensor: str, name: str) -> int:
    """Elements of a tensor; none where an unknown operator leaves its shape open, which a note reports."""
    return math.prod(graph.shapes[tensor]) if tensor in graph.shapes else 0
