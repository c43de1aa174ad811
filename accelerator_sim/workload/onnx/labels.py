"""What layers and networks are called: as people call them, by the module that computes a node.

Newer exports of PyTorch keep the path of the module in the metadata of each node, older ones in its name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path

import onnx

SCOPES, _NAMESPACE = "pkg.torch.onnx.name_scopes", "namespace"
_UNNAMED = {"", "main", "main_graph", "graph", "torch_jit", "torch-jit-export", "model", "onnx_graph"}
"""Names of graphs that exporters give to every network."""
_LONGEST = 10_000
"""Characters of the metadata that are parsed: real paths have some hundred."""


def network_name(graph: onnx.GraphProto, file: Path) -> str:
    """Return the name of the graph, or of its file where the exporter calls all graphs alike."""
    name = graph.name.strip()
    return file.stem if name.lower() in _UNNAMED else str(graph.name)


def node_names(nodes: Sequence[onnx.NodeProto], multiply: Sequence[bool]) -> list[str]:
    """Return a unique name of each node: its module, its own name, or its operator and number.

    multiply: whether a node is made of multiply-accumulates; of the nodes of a module such a one has its plain name.
    Others of the same name get a number, as `#2`.
    """
    wanted = [module_of(node) or node.name or f"{node.op_type}_{at}" for at, node in enumerate(nodes)]
    taken: dict[str, int] = {}
    names = [""] * len(nodes)
    used: set[str] = set()
    for first in (True, False):
        for at, name in enumerate(wanted):
            if multiply[at] is not first:
                continue
            unique = name
            while unique in used:
                taken[name] = taken.get(name, 1) + 1
                unique = f"{name}#{taken[name]}"
            used.add(unique)
            names[at] = unique
    return names


def module_of(node: onnx.NodeProto) -> str:
    """Return the path of the innermost module that computes a node, "" where the file does not give it."""
    metadata = {entry.key: entry.value for entry in node.metadata_props}
    return _of_scopes(metadata.get(SCOPES, "")) or _of_namespace(metadata.get(_NAMESPACE, "")) or _of_name(node)


def _of_scopes(text: str) -> str:
    """The innermost module of "['', 'layer1', 'layer1.0', 'layer1.0.conv1', 'conv2d_3']"; the last is the operator."""
    if not text or len(text) > _LONGEST:
        return ""
    try:
        scopes = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return ""
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        return ""
    return str(scopes[-2]) if len(scopes) > 1 else ""


def _of_namespace(text: str) -> str:
    """The innermost module of ": torch.Model/layer1: torch.Sequential/layer1.0: .../conv2d: aten.conv2d.default"."""
    if not text or len(text) > _LONGEST:
        return ""
    parts = [part.partition(": ")[0].rstrip(":").strip() for part in text.split("/")]
    return parts[-2] if len(parts) > 1 else ""


def _of_name(node: onnx.NodeProto) -> str:
    """The module of "/layer1/layer1.0/conv1/Conv"; a part that begins with the one before it repeats that one.

    onnxruntime puts a word before such a name, or what it fused behind it ("fused /fc/MatMul/MatMulAddFusion/").
    """
    parts = node.name.removeprefix("fused ").split("/")
    while len(parts) > 2 and re.fullmatch(r"(Mat[Mm]ul\w*Fusion)?", parts[-1]):
        parts.pop()
    if len(parts) < 3 or parts[0] or not onnx.defs.has(parts[-1].partition("_")[0]):
        return ""
    path, before = "", ""
    for part in parts[1:-1]:
        if before and part.startswith(f"{before}."):
            path += part[len(before) :]
        else:
            path += f".{part}" if path else part
        before = part
    return path
