"""A traced graph of PyTorch as the nodes that the ONNX reader knows.

What does not depend on the input is computed here, with the real parameters: masks, places of tokens, weights that are
normalised or masked in each call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import getitem
from pathlib import Path
from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.utils import _pytree as pytree

from accelerator_sim.workload.onnx.unreadable import Unreadable, one_line
from accelerator_sim.workload.torch.aten_rules import FILLS, RULES_OF_ATEN
from accelerator_sim.workload.torch.call import Call, is_tensor, operator_name
from accelerator_sim.workload.torch.graph_writer import GraphWriter

HeldIn = str | list[str]
"""The tensor that holds what a node computes, or those that do."""


@dataclass(frozen=True)
class TranslatedGraph:
    """The file of a graph, and where its tensors are in the traced one."""

    file: Path
    inputs: tuple[str, ...]
    nodes: Mapping[str, fx.Node]
    """The node of the traced graph that computes a tensor, by the tensor's name."""


def translate(program: ExportedProgram, name: str, holds: bool, number: Callable[[Any], Any]) -> TranslatedGraph:
    """Write the graph of a functional program into a file.

    name: that of the network; holds: whether the values of weights are written too; number: a size as a whole number.
    Raises Unreadable, naming the module, for what cannot be understood.
    """
    walk = _TracedWalk(program, GraphWriter(name, holds, (node.name for node in program.graph.nodes)), number)
    for node in program.graph.nodes:
        walk.take(node)
    if not walk.writer.nodes:
        raise Unreadable("", "no node computes or moves anything")
    file = walk.writer.write(name, walk.inputs, list(dict.fromkeys(walk.outputs)))
    nodes: dict[str, fx.Node] = {}
    for node, names in walk.names.items():
        if isinstance(names, str):
            nodes.setdefault(names, node)
    return TranslatedGraph(file, tuple(walk.inputs), nodes)


class _TracedWalk:
    """The nodes of a program one after another, and what is known of each."""

    def __init__(self, program: ExportedProgram, writer: GraphWriter, number: Callable[[Any], Any]) -> None:
        self.program, self.writer, self.number = program, writer, number
        self.specs = {spec.arg.name: spec for spec in program.graph_signature.input_specs}
        self.names: dict[fx.Node, HeldIn] = {}
        self.held: dict[fx.Node, Any] = {}
        """What nodes compute that do not depend on the input."""
        self.inputs: list[str] = []
        self.outputs: list[str] = []

    def take(self, node: fx.Node) -> None:
        """Take in a node.  Raises Unreadable, naming its module, where it cannot be understood."""
        if node.op == "placeholder":
            self._place(node)
        elif node.op == "get_attr":
            self.held[node] = getattr(self.program.graph_module, str(node.target))
        elif node.op == "output":
            flat = [each for each in pytree.tree_leaves(node.args) if isinstance(each, fx.Node) and each in self.names]
            self.outputs = [name for each in flat for name in [self.names[each]] if isinstance(name, str) and name]
        elif node.target is getitem:
            self._pick(node)
        elif is_tensor(node):
            self._call(node)

    def _place(self, node: fx.Node) -> None:
        """A parameter, a buffer, a constant or an input."""
        spec = self.specs[node.name]
        if spec.kind in (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR):
            held = self.program.state_dict if spec.target in self.program.state_dict else self.program.constants
            self.held[node] = held[spec.target]
        elif spec.kind is InputKind.USER_INPUT and is_tensor(node):
            self.names[node] = node.name
            self.inputs.append(node.name)
            self._note(node.name, node.meta["val"])

    def _pick(self, node: fx.Node) -> None:
        """One of several results of a call."""
        whole, at = node.args
        assert isinstance(whole, fx.Node)
        if whole in self.held:
            self.held[node] = self.held[whole][at]
        else:
            self.names[node] = self.names[whole][at]

    def _call(self, node: fx.Node) -> None:
        scope = module_path(node)
        if operator_name(node.target) == "with_effects" and not node.args[1]._schema.returns:
            self.held[node] = [None] * len(node.meta["val"])  # a check of the input, between tokens of its order
            return
        if not isinstance(node.target, torch._ops.OpOverload):
            raise Unreadable(
                scope or node.name,
                f"what {operator_name(node.target)} does depends on the input; export the network with its control flow"
                " unrolled",
            )
        if self._is_constant(node):
            value = self._computed(node)
            if value is not None:
                self.held[node] = value
                return
        call = Call(node, self.writer, scope, self._name_of, self.held.get, self.number)
        rule = RULES_OF_ATEN.get(call.operator, _unknown)
        try:
            names = rule(call)
        except (TypeError, KeyError, IndexError, ValueError, AttributeError) as error:
            if isinstance(error, Unreadable):
                raise
            raise call.fail(f"has arguments that do not fit it: {one_line(error)}") from error
        self.names[node] = names
        for name, value in zip([names] if isinstance(names, str) else names, call.outputs(), strict=False):
            if name and value is not None:
                self._note(name, value)

    def _is_constant(self, node: fx.Node) -> bool:
        """Whether what a node computes is the same for every input."""
        target = node.target
        assert isinstance(target, torch._ops.OpOverload)
        if torch.Tag.nondeterministic_seeded in target.tags:
            return False
        return operator_name(target) in FILLS or all(
            each in self.held for each in node.all_input_nodes if is_tensor(each)
        )

    def _computed(self, node: fx.Node) -> Any:
        """What a node computes, by its operator; None where that does not run here."""
        args, kwargs = pytree.tree_map(self._actual, (node.args, dict(node.kwargs)))
        try:
            with torch.no_grad():
                return node.target(*args, **kwargs)
        except Exception:  # an operator of a device that is not here: its nodes are written instead
            return None

    def _actual(self, value: Any) -> Any:
        if not isinstance(value, fx.Node):
            return self.number(value) if isinstance(value, torch.SymInt) else value
        if value in self.held:
            return self.held[value]
        known = value.meta["val"]
        if isinstance(known, torch.Tensor):  # only its shape is read
            return torch.zeros([self.number(size) for size in known.shape], dtype=known.dtype)
        return self.number(known)

    def _name_of(self, node: fx.Node) -> str:
        if node not in self.names:
            spec = self.specs.get(node.name)
            name = spec.target if spec is not None and spec.target else node.name
            self.names[node] = self.writer.constant(name, self.held[node])
        name = self.names[node]
        if not isinstance(name, str) or not name:
            raise Unreadable(
                module_path(node) or node.name, f"a result of {operator_name(node.target)} that is not read"
            )
        return name

    def _note(self, name: str, value: torch.Tensor) -> None:
        self.writer.shape(name, [self.number(size) for size in value.shape], value.dtype)


def _unknown(call: Call) -> list[str] | str:
    """An operator without a rule, as one of a domain of its own: the reader decides what becomes of it."""
    domain, _, op = call.operator.partition("::")
    count = len(call.outputs())
    names = call.emit_many(f"{domain}:{op}", [call.read(each) for each in call.arguments()], count)
    return names if isinstance(call.node.meta["val"], list | tuple) else names[0]


def module_path(node: fx.Node) -> str:
    """Return the path of the innermost module that computes a node, "" for the outermost."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    return str(stack[-1][0]).split("@")[0] if stack else ""
