"""Where the batch of the inputs lies in every tensor, as it is turned and reshaped on its way through a graph.

What is not followed has no place.  That is no loss: `batch.py` proves what it makes of the places.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx

from accelerator_sim.workload.onnx.graph import Graph, Shape, attribute
from accelerator_sim.workload.onnx.operators import STANDARD, names
from accelerator_sim.workload.onnx.recurrent import GATES
from accelerator_sim.workload.onnx.unreadable import DAMAGE

_RESHAPES = names("Reshape Flatten Squeeze Unsqueeze ExpandDims")
_ALONG_AN_AXIS = names("Softmax LogSoftmax Hardmax TopK ArgMax ArgMin LpNormalization")
"""Operators whose values along the attribute `axis`, the last by default, depend on one another."""
_FROM_AN_AXIS = names("LayerNormalization RMSNormalization SimplifiedLayerNormalization")
"""Operators whose values in the attribute `axis` and all dimensions behind it depend on one another."""
_RUNNING = names("CumSum CumProd")
"""Operators along the axis that their second operand names."""
_SOFTMAX_OF_ONE_AXIS = 13
"""The first operator set whose Softmax is over one axis; before, it is over all from that axis on, 1 by default."""


@dataclass(frozen=True)
class Place:
    """A dimension, and the number of blocks in it in each of which the batch runs once: 1 where it comes first."""

    axis: int
    blocks: int = 1


def batch_places(graph: Graph, starts: Mapping[str, int], batch: int) -> dict[str, Place] | None:
    """Return the place of the batch in the tensors that have it; None where an operator mixes its members.

    starts: the dimension of each input that has the batch; batch: its size.
    """
    places = {name: Place(axis) for name, axis in starts.items()}
    for node in graph.nodes:
        at = next((at for at, read in enumerate(node.input) if read in places), None)
        if at is None or node.input[at] not in graph.shapes:
            continue
        place, shape = places[node.input[at]], graph.shapes[node.input[at]]
        try:
            if _mixes(graph, node, place, len(shape)):
                return None
            for out, name in enumerate(node.output):
                out_place = _moved(graph, node, (at, out), place) if name in graph.shapes else None
                if out_place is not None and graph.shapes[name][out_place.axis] % (out_place.blocks * batch) == 0:
                    places[name] = out_place
        except DAMAGE:
            continue  # an attribute of another type than the operator has: the place is not known
    return places


def _mixes(graph: Graph, node: onnx.NodeProto, place: Place, rank: int) -> bool:
    """Whether the members of the batch are not computed apart."""
    op = node.op_type
    if op == "BatchNormalization":
        return bool(attribute(node, "training_mode", 0))
    if op in _RUNNING:
        axis = graph.value(graph.operand(node, 1))
        return axis is not None and axis.size == 1 and int(axis.reshape(-1)[0]) % rank == place.axis
    flat = op in ("Softmax", "LogSoftmax", "Hardmax") and graph.opset < _SOFTMAX_OF_ONE_AXIS
    if op in _FROM_AN_AXIS or flat:
        return bool(int(attribute(node, "axis", 1 if flat else -1)) % rank <= place.axis)
    if op in _ALONG_AN_AXIS:
        default = 0 if op.startswith("Arg") else -1
        return bool(int(attribute(node, "axis", default)) % rank == place.axis)
    return False


def _moved(graph: Graph, node: onnx.NodeProto, which: tuple[int, int], place: Place) -> Place | None:
    """The place in an output, by those of an input (which: the operand, and the output)."""
    shape, out = graph.shapes[node.input[which[0]]], graph.shapes[node.output[which[1]]]
    op = node.op_type
    if op == "Transpose":
        order = list(attribute(node, "perm", [])) or list(range(len(shape)))[::-1]
        return Place(order.index(place.axis), place.blocks)
    if op in _RESHAPES:
        return _reshaped(shape, out, place)
    if op in GATES and node.domain in STANDARD:  # [steps, directions, batch, hidden], and the last states
        return Place(0) if attribute(node, "layout", 0) else Place(2 if which[1] == 0 else 1)
    if op == "Gather":
        axis = int(attribute(node, "axis", 0)) % len(graph.shapes[node.input[0]])
        if which[0] == 1:
            return Place(axis + place.axis, place.blocks)
        if axis == place.axis:
            return None
        more = len(graph.shapes[node.input[1]]) - 1 if axis < place.axis else 0
        return Place(place.axis + more, place.blocks)
    if op.startswith(("Reduce", "Arg")) and len(out) < len(shape):
        gone = [axis % len(shape) for axis in _axes(graph, node)]
        return None if place.axis in gone else Place(place.axis - sum(axis < place.axis for axis in gone), place.blocks)
    axis = place.axis + len(out) - len(shape)  # dimensions are aligned from the right where operands are broadcast
    return Place(axis, place.blocks) if axis >= 0 and out[axis] == shape[place.axis] else None


def _axes(graph: Graph, node: onnx.NodeProto) -> Sequence[int]:
    value = graph.value(graph.operand(node, 1)) if graph.operand(node, 1) else None
    if value is not None:
        return [int(axis) for axis in value.reshape(-1)]
    given = attribute(node, "axes", None)
    return [int(axis) for axis in given] if given is not None else [int(attribute(node, "axis", 0))]


def _reshaped(shape: Shape, out: Shape, place: Place) -> Place | None:
    """The same place among the words of a tensor, in its new dimensions."""
    before = math.prod(shape[: place.axis]) * place.blocks
    passed = 1
    for axis, size in enumerate(out):
        if passed <= before < passed * size:
            return Place(axis, before // passed) if before % passed == 0 else None
        passed *= size
    return None
