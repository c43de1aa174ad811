"""Densities of activations: a traced graph is run once, and its tensors are counted as they are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from accelerator_sim.workload.onnx.graph import Graph, attribute
from accelerator_sim.workload.torch.translation import TranslatedGraph


class Runner:
    """Runs the graph of a program; of its tensors, those that layers read are kept."""

    def __init__(self, program: ExportedProgram, translated: TranslatedGraph, graph: Graph) -> None:
        self.program, self.translated, self.graph = program, translated, graph

    def knows(self, tensor: str) -> bool:
        """Whether a tensor is computed in the traced graph, or a view of one that is."""
        return self._path(tensor) is not None

    def run(self, tensors: Sequence[str], feeds: Mapping[str, torch.Tensor]) -> list[NDArray[Any]]:
        """Return the values of tensors, which it knows, for the inputs that are given by name."""
        paths = [self._path(tensor) for tensor in tensors]
        wanted = {path[0] for path in paths if path is not None}
        watch = _Watch(self.program, wanted)
        with torch.no_grad():
            watch.run(*self._placeholders(feeds))
        return [_viewed(watch.seen[path[0]], path[1], self.graph) for path in paths if path is not None]

    def _path(self, tensor: str) -> tuple[fx.Node, list[onnx.NodeProto]] | None:
        """The node that computes a tensor, and the views that a rule put behind it."""
        views: list[onnx.NodeProto] = []
        while tensor not in self.translated.nodes:
            at = self.graph.producers.get(tensor)
            if at is None or self.graph.nodes[at].op_type not in ("Transpose", "Reshape"):
                return None
            views.insert(0, self.graph.nodes[at])
            tensor = self.graph.nodes[at].input[0]
        return self.translated.nodes[tensor], views

    def _placeholders(self, feeds: Mapping[str, torch.Tensor]) -> list[Any]:
        program, values = self.program, []
        for spec in program.graph_signature.input_specs:
            if spec.kind is InputKind.TOKEN:
                values.append(torch.zeros(0))
            elif spec.kind is InputKind.USER_INPUT:
                values.append(feeds.get(spec.arg.name, getattr(spec.arg, "value", None)))
            else:
                held = program.state_dict if spec.target in program.state_dict else program.constants
                values.append(held[str(spec.target)])
        return values


class _Watch(fx.Interpreter):  # type: ignore[misc]
    def __init__(self, program: ExportedProgram, wanted: set[fx.Node]) -> None:
        super().__init__(program.graph_module)
        self.wanted = wanted
        self.seen: dict[fx.Node, NDArray[Any]] = {}

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if n in self.wanted:
            plain = value.detach().to("cpu")
            wide = plain.to(torch.float32) if plain.dtype == torch.bfloat16 else plain
            self.seen[n] = wide.numpy()
        return value


def _viewed(value: NDArray[Any], views: Sequence[onnx.NodeProto], graph: Graph) -> NDArray[Any]:
    for node in views:
        if node.op_type == "Transpose":
            value = np.transpose(value, attribute(node, "perm", None))
        else:
            value = value.reshape(graph.shapes[node.output[0]])
    return value
