"""What a node of a graph becomes: a layer, and the tensors that it reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import onnx

from accelerator_sim.workload.layer import MOST_WEIGHT_BITS, Layer
from accelerator_sim.workload.onnx.graph import Graph
from accelerator_sim.workload.onnx.tensors import bits_of
from accelerator_sim.workload.onnx.unreadable import Unreadable

Layout = Literal["filters first", "filters last", "transposed"]
"""How weights lie: [G M, C, taps], [C, M] (with anything before), or [G C, M, taps] (ConvTranspose)."""


@dataclass(frozen=True)
class WeightSource:
    """The constant that holds the weights of a layer; part: its index along the first axis, if it is one of many."""

    tensor: str
    layout: Layout = "filters first"
    part: int | None = None
    groups: int = 1
    """Groups of channels that filters are apart for; only a transposed convolution lies by them."""


@dataclass(frozen=True)
class Piece:
    """A layer of a node.  Its density and what it reads by name are found when the whole graph is known."""

    layer: Layer
    reads: tuple[str, ...]
    """Tensors of activations, the iacts first."""
    writes: str
    """The tensor that its node writes."""
    weights: WeightSource | None = None
    note: str = ""


Maker = Callable[[Graph, onnx.NodeProto, str], list[Piece]]


def layer_of(name: str, op: str, **fields: Any) -> Layer:
    """Return a layer.  Raises Unreadable, naming the node, for sizes that do not fit."""
    try:
        return Layer(name, op, **fields)
    except ValueError as error:
        raise Unreadable(name, str(error)) from None


def product(name: str, rows: int, channels: int, filters: int, groups: int = 1) -> Layer:
    """Return the product of activations, `rows` x `channels`, with weights: one row is a fully connected layer."""
    if rows == 1 and groups == 1:
        return layer_of(name, "fc", C=channels, M=filters)
    return layer_of(name, "gemm", G=groups, W=rows, C=channels, M=filters)


def stored_bits(graph: Graph, tensors: Sequence[str], values: int) -> float | None:
    """Return the bits that a file keeps per weight, in tensors that hold `values` weights with their scales.

    None where a shape or a type is not known.
    """
    total = 0
    for name in filter(None, tensors):
        if name not in graph.shapes or name not in graph.types:
            return None
        total += math.prod(graph.shapes[name]) * bits_of(graph.types[name])
    return min(total / values, MOST_WEIGHT_BITS) if values and total else None


def with_stored_bits(piece: Piece, bits: float | None) -> Piece:
    """Return a piece whose weights take so many bits off-chip."""
    return replace(piece, layer=replace(piece.layer, weight_bits=bits))
