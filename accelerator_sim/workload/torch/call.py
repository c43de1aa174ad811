"""One call of an operator in a traced graph: its arguments by name, and the nodes that stand for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import fx

from accelerator_sim.workload.onnx.graph import Shape
from accelerator_sim.workload.onnx.unreadable import Unreadable
from accelerator_sim.workload.torch.graph_writer import GraphWriter

ATEN = "aten:"
"""Domain of the operators of PyTorch that ONNX has no equal of, as `Call.emit` takes it."""


@dataclass
class Call:
    """A call, and what is known of the tensors around it."""

    node: fx.Node
    writer: GraphWriter
    scope: str
    """Path of the module that calls."""
    name_of: Callable[[fx.Node], str]
    """The tensor of the new graph that holds what a node computes."""
    value_of: Callable[[fx.Node], torch.Tensor | None]
    """The values of a constant; None for what depends on the input."""
    number: Callable[[Any], Any]
    """A size as a whole number, where it is a symbol."""
    _written: int = field(default=0, init=False)

    @property
    def operator(self) -> str:
        """The name of the operator, as "aten::add"."""
        return operator_name(self.node.target)

    def get(self, argument: str, default: Any = None) -> Any:
        """Return an argument by its name in the schema; sizes as whole numbers, tensors as nodes."""
        schema = self.node.target._schema
        for at, each in enumerate(schema.arguments):
            if each.name == argument:
                value: Any = each.default_value if each.has_default_value() else default
                if at < len(self.node.args):
                    value = self.node.args[at]
                elif argument in self.node.kwargs:
                    value = self.node.kwargs[argument]
                return default if value is None else self._plain(value)
        return default

    def _plain(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [self._plain(each) for each in value]
        if isinstance(value, fx.Node) and not is_tensor(value):
            return self.number(value.meta.get("val"))
        return self.number(value) if isinstance(value, torch.SymInt) else value

    def arguments(self) -> list[fx.Node]:
        """Return all tensors that it reads, in the order of its arguments."""
        return [each for each in self.node.all_input_nodes if is_tensor(each)]

    @property
    def first(self) -> fx.Node:
        """Its first tensor."""
        return self.arguments()[0]

    def read(self, value: Any) -> str:
        """Return the name of a tensor; "" for one that is left out."""
        return self.name_of(value) if isinstance(value, fx.Node) else ""

    def tensor(self, argument: str) -> str:
        """Return the name of the tensor that an argument is; "" where it is left out."""
        return self.read(self.get(argument))

    def operand(self, argument: str) -> str:
        """Return the name of an argument that is a tensor, or a number, which becomes a constant."""
        value = self.get(argument)
        return self.read(value) if isinstance(value, fx.Node) else self.scalar(value)

    def shape(self, argument: str) -> Shape:
        """Return the shape of the tensor that an argument is."""
        return self.shape_of(self.get(argument))

    def shape_of(self, node: fx.Node) -> Shape:
        """Return the shape of what a node computes."""
        return tuple(self.number(size) for size in node.meta["val"].shape)

    def outputs(self) -> list[Any]:
        """Return the tensors that it computes, without their values; None for one that is left out."""
        value = self.node.meta.get("val")
        return list(value) if isinstance(value, list | tuple) else [value]

    def out_shape(self, at: int = 0) -> Shape:
        """Return the shape of one of the tensors that it computes."""
        return tuple(self.number(size) for size in self.outputs()[at].shape)

    def axis(self, argument: str = "dim", default: int = 0) -> int:
        """Return a dimension of the first tensor, counted from the front."""
        return int(self.get(argument, default)) % max(len(self.shape_of(self.first)), 1)

    def fail(self, message: str) -> Unreadable:
        """Return the error of arguments that are not read."""
        return Unreadable(self.scope or self.node.name, f"{self.operator}: {message}")

    # --- what is written ---------------------------------------------------------------------------------------------
    def emit(self, op: str, *reads: str, **attributes: Any) -> str:
        """Add a node with one output.  Return its name.

        op: an operator of the standard, or one of a domain, which stands before it with a colon.
        """
        return self.emit_many(op, reads, 1, **attributes)[0]

    def emit_many(self, op: str, reads: Sequence[str], outputs: int, **attributes: Any) -> list[str]:
        """Add a node with several outputs.  Return their names."""
        names = [self._new() for _ in range(outputs)]
        given = {key: value for key, value in attributes.items() if value is not None}
        self.writer.node(op, reads, names, (self.scope, self.node.name), given)
        return names

    def _new(self) -> str:
        self._written += 1
        return self.node.name if self._written == 1 else f"{self.node.name}/{self._written}"

    def turned(self, matrix: str) -> str:
        """Return a matrix of weights with its rows as columns; those of a layer that is called again are the same."""
        known = self.writer.turned
        if matrix not in known:
            name = self.emit("Transpose", matrix, perm=[1, 0])
            if not self.writer.is_constant(matrix):
                return name
            known[matrix] = name
        return known[matrix]

    def ints(self, values: Sequence[int]) -> str:
        """Add a constant of whole numbers."""
        return self.writer.constant(f"{self.node.name}/sizes", np.array(values, dtype=np.int64))

    def scalar(self, value: Any) -> str:
        """Add a constant of one number, of the type of the tensors that the call reads."""
        kinds = [each.meta["val"].dtype for each in self.arguments()] or [torch.float32]
        kind = next((each for each in kinds if each.is_floating_point), kinds[0])
        kind = torch.float32 if isinstance(value, float) and not kind.is_floating_point else kind
        return self.writer.constant(f"{self.node.name}/value", torch.tensor(value, dtype=kind))

    def index(self, value: int) -> str:
        """Add a constant of one whole number without dimensions."""
        return self.writer.constant(f"{self.node.name}/index", np.array(value, dtype=np.int64))

    def filled(self, shape: Sequence[int], value: float) -> str:
        """Add a constant of equal numbers."""
        return self.writer.constant(f"{self.node.name}/filled", np.full(shape, value, dtype=np.float32))

    def reshaped(self, read: str, shape: Sequence[int]) -> str:
        """Add another view of the words of a tensor."""
        return self.emit("Reshape", read, self.ints(shape))


AtenRule = Callable[[Call], str | list[str]]
"""Writes the nodes of a call; returns the tensors that hold its results."""


def operator_name(target: Any) -> str:
    """Return the name of an operator without its overload, as "aten::add"."""
    return str(target._schema.name) if isinstance(target, torch._ops.OpOverload) else str(target)


def is_tensor(node: fx.Node) -> bool:
    """Whether a node computes a tensor, or several things of which one is."""
    value = node.meta.get("val")
    given = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(each, torch.Tensor) for each in given)
