"""The batch that the tensors of a file have: how many inferences its layers are of.

The first dimension of the inputs (of a recurrence by steps, the second) counts inferences if no operator mixes them and
all work is in proportion to it.  That is tried out: the same graph with one instead of N must have the same layers,
each with one N-th of the work.  A sequence in the first dimension does not pass, for attention is not in proportion to
its length, nor does a weight.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.onnx.assembly import Assembly
from accelerator_sim.workload.onnx.batch_places import Place, batch_places
from accelerator_sim.workload.onnx.graph import Graph, attribute
from accelerator_sim.workload.onnx.loading import graph_of
from accelerator_sim.workload.onnx.operators import OPS, STANDARD, STEPS, names
from accelerator_sim.workload.onnx.piece import Piece
from accelerator_sim.workload.onnx.recurrent import GATES
from accelerator_sim.workload.onnx.unreadable import Unreadable

_SIZES_AT = {"Reshape": 1, "Expand": 1, "Resize": 3}
"""Operators to which exporters give a shape with the batch written into it, and the operand that it is."""
_TOGETHER = frozenset(op for (domain, op), kind in OPS.items() if not domain and kind in ("add", "mul")) | names(
    "Concat Where Equal Greater Less And Or Pow PRelu"
)
"""Operators that read constants which may also have the batch: masks, places of tokens, first states."""


def divided(graph: Graph, pieces: list[Piece]) -> tuple[list[Piece], int]:
    """Return the layers of a graph as a batch of inferences, and how many those are.

    The layers are those of one inference, times the batch, so that a file with a batch and one without it are the same
    network.  Where the first dimension is not a batch, they are what they were, and one inference.
    """
    batch = _size(graph)
    if batch < 2 or not pieces:
        return pieces, 1
    starts = {name: axis for name in graph.inputs if (axis := _axis(graph, name)) is not None}
    places = batch_places(graph, starts, batch)
    if places is None:
        return pieces, 1
    try:
        alone = Assembly(_with_one(graph, batch, starts, places))
        alone.add_all()
        batch_pieces = [_times(piece, one, batch) for piece, one in zip(pieces, alone.pieces, strict=True)]
    except (Unreadable, ValueError, KeyError, IndexError):
        return pieces, 1  # the graph is valid for this first dimension only
    return (batch_pieces, batch) if all(batch_pieces) else (pieces, 1)  # type: ignore[return-value]


def _size(graph: Graph) -> int:
    """The size of the batch that all inputs have, except those that are broadcast; 1 for none."""
    sizes = {graph.shapes[name][axis] for name in graph.inputs if (axis := _axis(graph, name)) is not None}
    return sizes.pop() if len(sizes) == 1 else 1


def _axis(graph: Graph, name: str) -> int | None:
    """The dimension of an input that may be a batch, None where there is none.

    It is the first, and the second where the first is the steps of a recurrence.  A scalar has none, an empty tensor
    is ignored, and a single one is broadcast.
    """
    shape = graph.shapes.get(name, ())
    axis = 1 if any(_steps_first(graph.nodes[at]) for at in graph.consumers.get(name, [])) else 0
    return axis if len(shape) > axis and math.prod(shape) > 0 and shape[axis] > 1 else None


def _steps_first(node: onnx.NodeProto) -> bool:
    """Whether a node reads its inputs step by step along the first dimension, the batch in the second."""
    if node.domain == STEPS:
        return bool(node.op_type == "Take" and attribute(node, "axis", 0) == 0)
    return node.op_type in GATES and not attribute(node, "layout", 0)


def _with_one(graph: Graph, batch: int, starts: Mapping[str, int], places: Mapping[str, Place]) -> Graph:
    """The graph with one instead of the batch in its inputs, and in constants that have it or write it out.

    starts: the dimension of each input that has the batch; places: where it lies in tensors.
    """
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    main = model.graph
    for value in main.input:
        if value.name in starts:
            value.type.tensor_type.shape.dim[starts[value.name]].dim_value = 1
    del main.value_info[:]
    for value in main.output:
        value.type.tensor_type.ClearField("shape")
    for node in main.node:
        if node.domain in STANDARD:
            if node.op_type in _SIZES_AT:
                _write_one(main, node, graph, batch, places)
            if node.op_type in _TOGETHER:
                _cut_constants(main, node, graph, batch, places)
    return graph_of(model, graph.file, graph.payloads, graph.inputs, graph.stored)


def _write_one(
    main: onnx.GraphProto, node: onnx.NodeProto, graph: Graph, batch: int, places: Mapping[str, Place]
) -> None:
    """Give a node its own sizes, with one N-th where the batch is, where a constant holds them."""
    at = _SIZES_AT[node.op_type]
    name = graph.operand(node, at)
    held_in = next((each for each in node.attribute if each.name == "shape"), None)
    sizes = graph.value(name) if name else np.array(held_in.ints) if held_in is not None else None
    if sizes is None or sizes.ndim != 1 or not sizes.size:
        return
    if graph.is_constant(node.input[0]) and node.op_type != "Expand":
        return  # what all inferences share
    place = places.get(node.output[0], Place(0))
    axis = place.axis - (len(graph.shapes.get(node.output[0], sizes)) - sizes.size)
    if not 0 <= axis < sizes.size or int(sizes[axis]) < batch or int(sizes[axis]) % batch:
        return
    own = np.array(sizes, dtype=np.int64)
    own[axis] //= batch
    if not name and held_in is not None:
        del held_in.ints[:]
        held_in.ints.extend(int(size) for size in own)
        return
    _replace(main, node, at, own)


def _cut_constants(
    main: onnx.GraphProto, node: onnx.NodeProto, graph: Graph, batch: int, places: Mapping[str, Place]
) -> None:
    """Take the part of the first inference of constants that a node reads together with the batch.

    Only their shape counts: an operator of this kind has no weights.
    """
    out = node.output[0]
    place = places.get(out)
    if place is None or out not in graph.shapes:
        return
    for at, name in enumerate(node.input):
        if not name or name in places or name not in graph.shapes or not graph.is_constant(name):
            continue
        shape = graph.shapes[name]
        axis = place.axis - (len(graph.shapes[out]) - len(shape))
        if axis >= 0 and shape[axis] == graph.shapes[out][axis + len(graph.shapes[out]) - len(shape)]:
            kind = helper.tensor_dtype_to_np_dtype(graph.types.get(name, onnx.TensorProto.FLOAT))
            _replace(main, node, at, np.zeros((*shape[:axis], shape[axis] // batch, *shape[axis + 1 :]), kind))


def _replace(main: onnx.GraphProto, node: onnx.NodeProto, at: int, value: NDArray[Any]) -> None:
    """Give a node a constant of its own as an operand."""
    name = f"{node.input[at]}/{node.output[0]}/one"
    main.initializer.append(numpy_helper.from_array(value, name))
    node.input[at] = name


def _times(piece: Piece, one: Piece, batch: int) -> Piece | None:
    """The piece with the layer of one inference, times the batch; None where that is not the same work."""
    layer, single = piece.layer, one.layer
    whole = single.with_batch(batch)
    if layer.name != single.name or layer.is_mac != single.is_mac:
        return None
    if layer.is_mac:
        same = _work(layer) == _work(whole)
    else:  # what is read may hold constants, and what all inferences share (an embedding of places) is there once
        shared = (layer.iact_words, layer.oact_words) == (single.iact_words, single.oact_words)
        same = shared or layer.oact_words == whole.oact_words
    return replace(piece, layer=whole) if same else None


def _work(layer: Layer) -> tuple[int, int, int]:
    """What two layers that do the same have in common."""
    return layer.macs, layer.iact_total_words, layer.oact_total_words
