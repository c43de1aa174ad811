"""An ONNX graph: its nodes in an order in which they can run, and what is known of their tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from accelerator_sim.workload.onnx.constants import MOST_VALUES, evaluate, held
from accelerator_sim.workload.onnx.operators import STANDARD, named
from accelerator_sim.workload.onnx.order import captured
from accelerator_sim.workload.onnx.unreadable import OpenShape, Unreadable
from accelerator_sim.workload.onnx.wire import Payload

_RANDOM = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}

Shape = tuple[int, ...]


@dataclass
class Graph:
    """Nodes in the order in which they can run, and what is known of their tensors."""

    file: Path
    model: onnx.ModelProto
    nodes: list[onnx.NodeProto]
    names: list[str]
    """A unique name of each node."""
    initializers: dict[str, onnx.TensorProto]
    stored: frozenset[str]
    """Initialisers that the file holds under their names, so that their values can be read again later."""
    payloads: dict[str, Payload]
    shapes: dict[str, Shape]
    types: dict[str, int]
    """Element type of a tensor, one of onnx.TensorProto, where it is known."""
    ranks: dict[str, int]
    """Dimensions of a tensor whose shape is not known whole."""
    producers: dict[str, int]
    consumers: dict[str, list[int]]
    inputs: tuple[str, ...]
    """The inputs of the network: those of the graph that have no values of their own."""
    outputs: tuple[str, ...]
    opset: int
    _values: dict[str, NDArray[Any] | None] = field(default_factory=dict)
    _constness: dict[str, bool] = field(default_factory=dict)

    def shape(self, name: str, node: str) -> Shape:
        """Return the shape of a tensor.

        Raises OpenShape where it is not known, naming the node that needs it and the operator that left it open.
        """
        if name in self.shapes:
            return self.shapes[name]
        if not name:
            raise Unreadable(node, "an operand that it needs is left out")
        at = self._culprit(name)
        if at is None:
            raise OpenShape(node, f"the shape of {name!r} is not known; add it to the file's value_info", None)
        cause = self.nodes[at]
        out = next((each for each in cause.output if each and each not in self.shapes), name)
        reason = f"operator {named(cause)} of node {self.names[at]!r} leaves the shape of its output {out!r} open"
        raise OpenShape(node, f"the shape of {name!r} is not known: {reason}; add that to the file's value_info", at)

    def _culprit(self, name: str) -> int | None:
        """The first node, going back from a tensor without a shape, all of whose operands have one."""
        at = self.producers.get(name)
        seen: set[int] = set()
        while at is not None and at not in seen:
            seen.add(at)
            open_ones = [read for read in self.nodes[at].input if read and read not in self.shapes]
            before = next((self.producers[read] for read in open_ones if read in self.producers), None)
            if before is None:
                break
            at = before
        return at

    def is_constant(self, name: str) -> bool:
        """Whether a tensor is the same for every input of the network."""
        if name not in self._constness:
            self._find_constness(name)
        return self._constness[name]

    def _find_constness(self, name: str) -> None:
        """Walk back without recursion: a chain of nodes may be longer than Python's stack is deep."""
        waiting = [name]
        while waiting:
            current = waiting[-1]
            at = self.producers.get(current)
            if at is None:
                self._constness[current] = current in self.initializers
            elif self._tells_a_shape(self.nodes[at]):
                self._constness[current] = True
            elif self.nodes[at].op_type in _RANDOM or self._reads_around(self.nodes[at]):
                self._constness[current] = False
            else:
                reads = [read for read in self.nodes[at].input if read]
                missing = [read for read in reads if read not in self._constness]
                if missing:
                    self._constness[current] = False  # a cycle would come back here
                    waiting += missing
                    continue
                self._constness[current] = all(self._constness[read] for read in reads)
            waiting.pop()

    def value(self, name: str) -> NDArray[Any] | None:
        """Return the values of a small constant, None where it is large, not constant, or cannot be computed."""
        waiting = [name]
        while waiting:
            current = waiting[-1]
            if current in self._values:
                waiting.pop()
                continue
            missing = [read for read in self._operands(current) if read not in self._values]
            if missing:
                waiting += missing
                continue
            self._values[current] = self._evaluate(current)
        return self._values[name]

    def _operands(self, name: str) -> list[str]:
        """What has to be computed before a tensor, if it is computed at all."""
        at = self.producers.get(name)
        if name in self.initializers or at is None or not self.is_constant(name):
            return []
        node = self.nodes[at]
        return [] if self._tells_a_shape(node) or self._is_large(name) else [read for read in node.input if read]

    def _evaluate(self, name: str) -> NDArray[Any] | None:
        if name in self.initializers:
            return held(self.initializers[name])
        at = self.producers.get(name)
        if at is None or not self.is_constant(name) or self._is_large(name):
            return None
        node = self.nodes[at]
        if self._tells_a_shape(node):
            shape = self.shapes[node.input[0]]
            if node.op_type == "Size":
                return np.array(min(math.prod(shape), np.iinfo(np.int64).max), dtype=np.int64)
            return np.array(shape[attribute(node, "start", 0) : attribute(node, "end", None)], dtype=np.int64)
        feeds = {read: self._values.get(read) for read in node.input if read}
        known = {read: value for read, value in feeds.items() if value is not None}
        return evaluate(node, known, self.model.opset_import, name) if len(known) == len(feeds) else None

    def _is_large(self, name: str) -> bool:
        return name in self.shapes and math.prod(self.shapes[name]) > MOST_VALUES

    def _tells_a_shape(self, node: onnx.NodeProto) -> bool:
        known = bool(node.input) and node.input[0] in self.shapes
        return known and node.op_type in ("Shape", "Size") and node.domain in STANDARD

    def _reads_around(self, node: onnx.NodeProto) -> bool:
        """Whether the subgraphs of a node read tensors that depend on the input."""
        return any(
            not self.is_constant(read) for read in captured(node) if read in self.producers or read in self.inputs
        )

    def rank(self, name: str) -> int | None:
        """Return the number of dimensions of a tensor, None where it is not known."""
        return len(self.shapes[name]) if name in self.shapes else self.ranks.get(name)

    def operand(self, node: onnx.NodeProto, at: int) -> str:
        """Return the name of an operand, "" where it is left out."""
        return str(node.input[at]) if at < len(node.input) else ""

    def is_empty(self, name: str) -> bool:
        """Whether a tensor has no elements."""
        return 0 in self.shapes.get(name, ())


def attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """Return an attribute of a node as a Python value; bytes as text."""
    for each in node.attribute:
        if each.name == name:
            value = helper.get_attribute_value(each)
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return default
