"""From an ONNX file to a graph with the shape of every tensor.

Shapes come from onnx's inference over the whole graph, with symbols bound; shapes that it leaves open are inferred node
by node (`shapes.py`).  Loops and branches whose course the file fixes are replaced by the nodes that run
(`control.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx
from onnx import helper, shape_inference

from accelerator_sim.workload.onnx.binding import bind_dimensions
from accelerator_sim.workload.onnx.control import write_out
from accelerator_sim.workload.onnx.graph import Graph
from accelerator_sim.workload.onnx.labels import node_names
from accelerator_sim.workload.onnx.makers import maker_of
from accelerator_sim.workload.onnx.model_file import opset_of, read_model
from accelerator_sim.workload.onnx.operators import STANDARD
from accelerator_sim.workload.onnx.order import nodes_at_any_depth, ordered
from accelerator_sim.workload.onnx.shapes import complete, note_type
from accelerator_sim.workload.onnx.tensors import check_tensor, dense
from accelerator_sim.workload.onnx.unreadable import Unreadable, guarded, problem
from accelerator_sim.workload.onnx.wire import Payload

DEEPEST = 64
"""Deepest nesting of loops and branches that are replaced."""


def load_graph(path: Path, bind: Mapping[str, int], weights: bool = True) -> Graph:
    """Read an ONNX file and infer all shapes, with symbolic dimensions bound to numbers.

    weights: whether the values of constants are also required.  Raises InvalidFile for a file that is not an ONNX
    model, is cut short, comes from a newer onnx, or has a cycle, a bad dimension or an unbound one; all unbound symbols
    are listed.
    """
    model, payloads = read_model(path)
    try:
        _prepare(model)
        stored = frozenset(tensor.name for tensor in model.graph.initializer)
        inputs = tuple(value.name for value in model.graph.input if value.name not in stored)
        bind_dimensions(model.graph, inputs, bind)
        for tensor in model.graph.initializer if weights else ():
            check_tensor(tensor, payloads.get(tensor.name), path)
        for _ in range(DEEPEST):
            graph = graph_of(model, path, payloads, inputs, stored)
            if not write_out(graph):
                return graph
            model = graph.model
        raise Unreadable("", f"more than {DEEPEST} loops and branches in one another")
    except Unreadable as error:
        raise problem(path, error.where, str(error)) from None


def _prepare(model: onnx.ModelProto) -> None:
    """Make sparse constants dense, and check that no two constants have the same name.  Raises Unreadable."""
    for sparse in model.graph.sparse_initializer:
        model.graph.initializer.append(dense(sparse))
    del model.graph.sparse_initializer[:]
    seen: set[str] = set()
    for tensor in model.graph.initializer:
        if tensor.name in seen:
            raise Unreadable(tensor.name, "two constants have this name")
        seen.add(tensor.name)
        if any(dim < 0 for dim in tensor.dims):
            raise Unreadable(tensor.name, f"a constant with a negative dimension: {list(tensor.dims)}")


def _import_domains(model: onnx.ModelProto) -> None:
    """Name a version for every domain of a node: onnx infers nothing in a model where one is missing."""
    known = {entry.domain for entry in model.opset_import}
    used = dict.fromkeys(node.domain for node in nodes_at_any_depth([model.graph]) if node.domain not in STANDARD)
    model.opset_import.extend(helper.make_opsetid(domain, 1) for domain in used if domain not in known)


def graph_of(
    model: onnx.ModelProto, path: Path, payloads: dict[str, Payload], inputs: tuple[str, ...], stored: frozenset[str]
) -> Graph:
    """Return the graph of a model whose dimensions are bound, with all shapes that can be found.

    inputs: those without values of their own; stored: constants that the file holds.  Raises Unreadable for a graph
    that cannot run.
    """
    nodes = ordered(model.graph)
    initializers = {tensor.name: tensor for tensor in model.graph.initializer}
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _import_domains(model)
    inferred = guarded(
        "shape inference", lambda: shape_inference.infer_shapes(model, strict_mode=False, data_prop=True)
    )
    nodes = list(inferred.graph.node)
    graph = Graph(
        file=path,
        model=inferred,
        nodes=nodes,
        names=node_names(nodes, [maker_of(node) is not None for node in nodes]),
        initializers=initializers,
        stored=stored,
        payloads=payloads,
        shapes={},
        types={},
        ranks={},
        producers={out: at for at, node in enumerate(nodes) for out in node.output if out},
        consumers={},
        inputs=inputs,
        outputs=tuple(value.name for value in inferred.graph.output),
        opset=opset_of(model),
    )
    for at, node in enumerate(nodes):
        for read in dict.fromkeys(node.input):
            if read:
                graph.consumers.setdefault(read, []).append(at)
    for tensor in initializers.values():
        graph.shapes[tensor.name], graph.types[tensor.name] = tuple(tensor.dims), tensor.data_type
    for value in (*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output):
        note_type(graph, value.name, value.type)
    for at in range(len(nodes)):
        complete(graph, at)
    return graph
