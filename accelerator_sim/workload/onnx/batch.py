"""The batch that the tensors of a file have: how many inferences its layers are of.

The first dimension of the inputs (of a recurrence by steps, the second) counts inferences if all work is in proportion
to it.  That is tried out: the same graph with one instead of N must have the same layers, each with one N-th of the
work.  A sequence in the first dimension does not pass, for attention is not in proportion to its length, nor does a
weight.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import onnx
from onnx import numpy_helper

from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.onnx.assembly import Assembly
from accelerator_sim.workload.onnx.constants import held
from accelerator_sim.workload.onnx.graph import Graph, attribute
from accelerator_sim.workload.onnx.loading import graph_of
from accelerator_sim.workload.onnx.operators import STEPS
from accelerator_sim.workload.onnx.piece import Piece
from accelerator_sim.workload.onnx.recurrent import GATES
from accelerator_sim.workload.onnx.unreadable import Unreadable

_WRITTEN_OUT = ("Reshape", "Expand")
"""Operators to which exporters give a shape with the batch written into its first place."""


def divided(graph: Graph, pieces: list[Piece]) -> tuple[list[Piece], int]:
    """Return the layers of a graph as a batch of inferences, and how many those are.

    The layers are those of one inference, times the batch, so that a file with a batch and one without it are the same
    network.  Where the first dimension is not a batch, they are what they were, and one inference.
    """
    batch = _size(graph)
    if batch < 2 or not pieces:
        return pieces, 1
    try:
        alone = Assembly(_with_one(graph, batch))
        alone.add_all()
        found = [_times(piece, one, batch) for piece, one in zip(pieces, alone.pieces, strict=True)]
    except (Unreadable, ValueError, KeyError, IndexError):
        return pieces, 1  # the graph holds for this first dimension only
    return (found, batch) if all(found) else (pieces, 1)  # type: ignore[return-value]


def _size(graph: Graph) -> int:
    """The size of the batch that all inputs have, but those that are broadcast; 1 for none."""
    sizes = {graph.shapes[name][axis] for name in graph.inputs if (axis := _axis(graph, name)) is not None}
    return sizes.pop() if len(sizes) == 1 else 1


def _axis(graph: Graph, name: str) -> int | None:
    """The dimension of an input that may be a batch, None where there is none.

    It is the first, and the second where the first is the steps of a recurrence.  A scalar has none, an empty tensor
    says nothing, and a single one is broadcast.
    """
    shape = graph.shapes.get(name, ())
    axis = 1 if any(_steps_first(graph.nodes[at]) for at in graph.consumers.get(name, [])) else 0
    return axis if len(shape) > axis and math.prod(shape) > 0 and shape[axis] > 1 else None


def _steps_first(node: onnx.NodeProto) -> bool:
    """Whether a node reads its inputs step by step along the first dimension, the batch in the second."""
    if node.domain == STEPS:
        return bool(node.op_type == "Take" and attribute(node, "axis", 0) == 0)
    return node.op_type in GATES and not attribute(node, "layout", 0)


def _with_one(graph: Graph, batch: int) -> Graph:
    """The graph with one instead of the batch in its inputs, and in shapes that constants write out."""
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    main = model.graph
    for value in main.input:
        axis = _axis(graph, value.name) if value.name in graph.inputs else None
        if axis is not None:
            value.type.tensor_type.shape.dim[axis].dim_value = 1
    del main.value_info[:]
    for value in main.output:
        value.type.tensor_type.ClearField("shape")
    for node in main.node:
        if node.op_type in _WRITTEN_OUT and not node.domain and len(node.input) > 1:
            _divide(main, node, graph, batch)
    return graph_of(model, graph.file, graph.payloads, graph.inputs, graph.stored)


def _divide(main: onnx.GraphProto, node: onnx.NodeProto, graph: Graph, batch: int) -> None:
    """Give a node its own shape, with one N-th of the first size, where a constant holds it."""
    tensor = graph.initializers.get(node.input[1])
    at = graph.producers.get(node.input[1])
    if tensor is not None:
        sizes = held(tensor)
    elif at is not None and graph.nodes[at].op_type == "Constant":
        sizes = graph.value(node.input[1])
    else:
        return
    if sizes is None or sizes.ndim != 1 or not sizes.size or int(sizes[0]) < batch or int(sizes[0]) % batch:
        return
    own = np.array(sizes, dtype=np.int64)
    own[0] //= batch
    name = f"{node.input[1]}/{node.output[0]}/one"
    main.initializer.append(numpy_helper.from_array(own, name))
    node.input[1] = name


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
