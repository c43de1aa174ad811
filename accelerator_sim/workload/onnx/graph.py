"""An ONNX graph with the shape of every tensor: bound symbols, onnx's shape inference, and folded constants.

Shapes that inference leaves open depend on values that the graph computes from constants (Shape, Gather, Concat, Slice,
Cast chains).  Those are evaluated one node at a time by onnx's reference evaluator, only where a shape or an attribute
needs them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper, shape_inference
from onnx.inliner import inline_local_functions
from onnx.reference import ReferenceEvaluator

from accelerator_sim.files.errors import InvalidFile, Problem, did_you_mean
from accelerator_sim.workload.onnx.wire import Malformed, Payload, read_stripped

OLDEST = 7
"""The first operator set that is read."""
MOST_VALUES = 1 << 16
"""Elements of a constant up to which its values are computed."""
_RANDOM = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
_STANDARD = ("", "ai.onnx")

Shape = tuple[int, ...]


class Unreadable(ValueError):
    """Something in the graph that cannot be understood: the name of its node or tensor, and what is wrong."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(message)
        self.where = where


@dataclass
class Graph:
    """Nodes in the order in which they can run, and what is known of their tensors."""

    file: Path
    model: onnx.ModelProto
    nodes: list[onnx.NodeProto]
    names: list[str]
    """A unique name of each node."""
    initializers: dict[str, onnx.TensorProto]
    payloads: dict[str, Payload]
    shapes: dict[str, Shape]
    types: dict[str, int]
    """Element type of a tensor, as of onnx.TensorProto, where it is known."""
    producers: dict[str, int]
    consumers: dict[str, list[int]]
    inputs: tuple[str, ...]
    """The inputs of the network: those of the graph that have no values of their own."""
    outputs: tuple[str, ...]
    opset: int
    _values: dict[str, NDArray[Any] | None] = field(default_factory=dict)
    _constness: dict[str, bool] = field(default_factory=dict)

    def shape(self, name: str, node: str) -> Shape:
        """Return the shape of a tensor.  Raises Unreadable, naming the node that needs it, where it is not known."""
        if name not in self.shapes:
            raise Unreadable(node, f"the shape of {name!r} is not known; add it to the file's value_info")
        return self.shapes[name]

    def is_constant(self, name: str) -> bool:
        """Whether a tensor is the same for every input of the network."""
        if name not in self._constness:
            at = self.producers.get(name)
            if at is None:
                self._constness[name] = name in self.initializers
            else:
                node = self.nodes[at]
                self._constness[name] = _tells_a_shape(self, node) or (
                    node.op_type not in _RANDOM
                    and not any(a.HasField("g") for a in node.attribute)
                    and all(self.is_constant(i) for i in node.input if i)
                )
        return self._constness[name]

    def value(self, name: str) -> NDArray[Any] | None:
        """Return the values of a small constant, None where it is large, not constant, or cannot be computed."""
        if name not in self._values:
            self._values[name] = None  # a cycle would come back here
            self._values[name] = self._evaluate(name)
        return self._values[name]

    def _evaluate(self, name: str) -> NDArray[Any] | None:
        if name in self.initializers:
            tensor = self.initializers[name]
            here = tensor.data_location != onnx.TensorProto.EXTERNAL
            return numpy_helper.to_array(tensor) if here and math.prod(tensor.dims) <= MOST_VALUES else None
        at = self.producers.get(name)
        if at is None:
            return None
        node = self.nodes[at]
        if _tells_a_shape(self, node):
            shape = self.shapes[node.input[0]]
            if node.op_type == "Size":
                return np.array(math.prod(shape), dtype=np.int64)
            return np.array(shape[attribute(node, "start", 0) : attribute(node, "end", None)], dtype=np.int64)
        if node.op_type in _RANDOM or any(a.HasField("g") for a in node.attribute):
            return None
        if name in self.shapes and math.prod(self.shapes[name]) > MOST_VALUES:
            return None
        feeds: dict[str, NDArray[Any]] = {}
        for read in filter(None, node.input):
            operand = self.value(read)
            if operand is None:
                return None
            feeds[read] = operand
        return self._run(node, feeds, name)

    def _run(self, node: onnx.NodeProto, feeds: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any] | None:
        """Evaluate one node."""
        inputs = [
            helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for key, value in feeds.items()
        ]
        outputs = [helper.make_empty_tensor_value_info(out) for out in node.output if out]
        alone = helper.make_model(
            helper.make_graph([node], "one", inputs, outputs), opset_imports=list(self.model.opset_import)
        )
        try:
            results: Any = ReferenceEvaluator(alone).run([name], dict(feeds))
        except Exception:  # an operator without a reference, or values that it does not take: then it is not known
            return None
        value = np.asarray(results[0])
        return value if value.size <= MOST_VALUES else None


def _tells_a_shape(graph: Graph, node: onnx.NodeProto) -> bool:
    return node.op_type in ("Shape", "Size") and node.domain in _STANDARD and node.input[0] in graph.shapes


def attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """Return an attribute of a node as a Python value; bytes as text."""
    for each in node.attribute:
        if each.name == name:
            value = helper.get_attribute_value(each)
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return default


def load_graph(path: Path, bind: Mapping[str, int]) -> Graph:
    """Read an ONNX file and work out all shapes, with symbolic dimensions bound to numbers.

    Raises InvalidFile for a file that is no ONNX model, is cut short, comes from a newer onnx, has a cycle, a bad or an
    unbound dimension; all unbound symbols are listed.
    """
    model, payloads = _model(path)
    try:
        return _graph(path, model, payloads, bind)
    except Unreadable as error:
        raise problem(path, error.where, str(error)) from None


def problem(path: Path, where: str, message: str) -> InvalidFile:
    """Return the error of one thing that is wrong in a file."""
    return InvalidFile([Problem(str(path), None, None, where, message)])


def _model(path: Path) -> tuple[onnx.ModelProto, dict[str, Payload]]:
    try:
        text, payloads = read_stripped(path)
    except FileNotFoundError:
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise problem(path, "", f"no such file{did_you_mean(path.name, siblings)}") from None
    except IsADirectoryError:
        raise problem(path, "", "is a folder, not a file") from None
    except OSError as error:
        raise problem(path, "", f"cannot be read: {error.strerror or error}") from None
    except Malformed as error:
        raise problem(path, "", f"is not an ONNX model, or is cut short: it {error}") from None
    try:
        model = onnx.load_model_from_string(text)
    except Exception as error:  # google.protobuf's own, whose class is not public
        raise problem(path, "", f"is not an ONNX model: {_one_line(error)}") from None
    if not model.HasField("graph") or not model.graph.node:
        raise problem(path, "", "is not an ONNX model: it has no graph with nodes")
    return model, payloads


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _graph(path: Path, model: onnx.ModelProto, payloads: dict[str, Payload], bind: Mapping[str, int]) -> Graph:
    opset = _opset(model)
    if model.functions:
        model = _guarded("functions", lambda: inline_local_functions(model))
    graph = model.graph
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    for name, tensor in initializers.items():
        if any(dim < 0 for dim in tensor.dims):
            raise Unreadable(name, f"a constant with a negative dimension: {list(tensor.dims)}")
    inputs = tuple(value.name for value in graph.input if value.name not in initializers)
    _bind(graph, inputs, bind)
    nodes = _ordered(graph, initializers)
    del graph.node[:]
    graph.node.extend(nodes)
    inferred = _guarded(
        "shape inference", lambda: shape_inference.infer_shapes(model, strict_mode=False, data_prop=True)
    )
    nodes = list(inferred.graph.node)
    made = Graph(
        file=path,
        model=inferred,
        nodes=nodes,
        names=_names(nodes),
        initializers=initializers,
        payloads=payloads,
        shapes={},
        types={},
        producers={out: at for at, node in enumerate(nodes) for out in node.output if out},
        consumers={},
        inputs=inputs,
        outputs=tuple(value.name for value in graph.output),
        opset=opset,
    )
    for at, node in enumerate(nodes):
        for read in dict.fromkeys(node.input):
            if read:
                made.consumers.setdefault(read, []).append(at)
    for tensor in initializers.values():
        made.shapes[tensor.name], made.types[tensor.name] = tuple(tensor.dims), tensor.data_type
    for value in (*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output):
        _note(made, value.name, value.type)
    for at in range(len(nodes)):
        _complete(made, at)
    return made


def _guarded(where: str, action: Any) -> Any:
    try:
        return action()
    except Exception as error:  # onnx raises several kinds, of which not all are public
        raise Unreadable(where, _one_line(error)) from None


def _opset(model: onnx.ModelProto) -> int:
    newest = onnx.defs.onnx_opset_version()
    versions = [entry.version for entry in model.opset_import if entry.domain in _STANDARD]
    opset = max(versions, default=0)
    if opset > newest:
        message = f"operator set {opset} is newer than the installed onnx {onnx.__version__} knows, {newest}"
        raise Unreadable("opset_import", f"{message}; update onnx")
    if opset < OLDEST:
        raise Unreadable("opset_import", f"operator set {opset} is not read; {OLDEST} to {newest} are")
    return int(opset)


# --- symbols ---------------------------------------------------------------------------------------------------------
def _bind(graph: onnx.GraphProto, inputs: Sequence[str], bind: Mapping[str, int]) -> None:
    """Put numbers for symbols, in the inputs and everywhere else."""
    known = _symbols(graph)
    used: set[str] = set()
    unbound: dict[str, list[str]] = {}
    for value in graph.input:
        if not value.type.HasField("tensor_type"):
            if value.name in inputs:
                raise Unreadable(value.name, "an input that is no tensor is not read")
            continue
        if value.name in inputs and not value.type.tensor_type.HasField("shape"):
            raise Unreadable(value.name, "the input has no shape")
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.HasField("dim_value"):
                if dim.dim_value < 0 or (dim.dim_value == 0 and value.name in inputs):
                    raise Unreadable(value.name, f"dimension {axis} is {dim.dim_value}; at least 1 is required")
                continue
            symbol = dim.dim_param or f"{value.name}.{axis}"
            if symbol in bind:
                used.add(symbol)
                dim.dim_value = bind[symbol]
            elif value.name in inputs:
                unbound.setdefault(symbol, []).append(f"{value.name}[{axis}]")
    if unbound:
        listed = "; ".join(f"{symbol} ({', '.join(places)})" for symbol, places in unbound.items())
        example = " ".join(f"--bind {symbol}=1" for symbol in unbound)
        raise Unreadable("", f"unbound dimensions: {listed}; bind them, as {example}")
    for name in bind:
        if name not in used and name not in known:
            raise Unreadable("", f"no dimension {name!r} to bind{did_you_mean(name, known)}; symbols: {_listed(known)}")
    for value in (*graph.value_info, *graph.output):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in bind:
                dim.dim_value = bind[dim.dim_param]


def _symbols(graph: onnx.GraphProto) -> list[str]:
    values = (*graph.input, *graph.value_info, *graph.output)
    return list(dict.fromkeys(d.dim_param for v in values for d in v.type.tensor_type.shape.dim if d.dim_param))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


# --- order and names -------------------------------------------------------------------------------------------------
def _ordered(graph: onnx.GraphProto, initializers: Mapping[str, Any]) -> list[onnx.NodeProto]:
    """The nodes, each after those whose outputs it reads.  Raises Unreadable for a cycle and for an unknown input."""
    nodes = list(graph.node)
    producer: dict[str, int] = {}
    for at, node in enumerate(nodes):
        for out in node.output:
            if out and out in producer:
                raise Unreadable(node.name or node.op_type, f"{out!r} is written twice")
            producer[out] = at
    known = (
        {value.name for value in graph.input} | set(initializers) | {t.values.name for t in graph.sparse_initializer}
    )
    waiting = []
    readers: dict[int, list[int]] = {}
    for at, node in enumerate(nodes):
        needed = set()
        for read in node.input:
            if not read or read in known:
                continue
            if read not in producer:
                raise Unreadable(node.name or node.op_type, f"reads {read!r}, which nothing writes")
            needed.add(producer[read])
        waiting.append(len(needed))
        for each in needed:
            readers.setdefault(each, []).append(at)
    ready = [at for at, count in enumerate(waiting) if count == 0]
    order: list[int] = []
    while ready:
        at = ready.pop()
        order.append(at)
        for reader in readers.get(at, []):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                ready.append(reader)
    if len(order) < len(nodes):
        stuck = [nodes[at].name or nodes[at].op_type for at, count in enumerate(waiting) if count > 0]
        raise Unreadable(stuck[0], f"a cycle: {len(stuck)} nodes wait for one another, {', '.join(stuck[:5])}")
    return nodes if _in_order(nodes, known) else [nodes[at] for at in order]


def _in_order(nodes: Sequence[onnx.NodeProto], known: set[str]) -> bool:
    """Whether the nodes stand in an order in which they can run: then it is kept."""
    seen = set(known)
    for node in nodes:
        if any(read and read not in seen for read in node.input):
            return False
        seen.update(node.output)
    return True


def _names(nodes: Sequence[onnx.NodeProto]) -> list[str]:
    """A name of each node: its own, or its operator and number; made unique."""
    taken: dict[str, int] = {}
    out = []
    for at, node in enumerate(nodes):
        name = node.name or f"{node.op_type}_{at}"
        count = taken.get(name, 0)
        taken[name] = count + 1
        out.append(f"{name}#{count + 1}" if count else name)
    return out


# --- shapes ----------------------------------------------------------------------------------------------------------
def _note(graph: Graph, name: str, kind: onnx.TypeProto) -> None:
    """Keep the shape and the type of a tensor, where they are complete."""
    if not kind.HasField("tensor_type"):
        return
    if kind.tensor_type.elem_type:
        graph.types.setdefault(name, kind.tensor_type.elem_type)
    if not kind.tensor_type.HasField("shape"):
        return
    dims = kind.tensor_type.shape.dim
    if all(dim.HasField("dim_value") for dim in dims) and name not in graph.shapes:
        shape = tuple(int(dim.dim_value) for dim in dims)
        if any(size < 0 for size in shape):
            raise Unreadable(name, f"a negative dimension: {list(shape)}")
        graph.shapes[name] = shape


def _complete(graph: Graph, at: int) -> None:
    """Find the shapes of a node's outputs that inference left open: by its values, or by inference with constants."""
    node = graph.nodes[at]
    if all(not out or out in graph.shapes for out in node.output):
        return
    for out in node.output:
        if out and out not in graph.shapes and graph.is_constant(out):
            value = graph.value(out)
            if value is not None:
                graph.shapes[out] = value.shape
                graph.types.setdefault(out, helper.np_dtype_to_tensor_dtype(value.dtype))
    if all(not out or out in graph.shapes for out in node.output) or node.domain not in _STANDARD:
        return
    types, data = {}, {}
    for read in node.input:
        if read in graph.shapes:
            types[read] = helper.make_tensor_type_proto(graph.types.get(read, 1), graph.shapes[read])
        elif read:
            types[read] = helper.make_tensor_type_proto(graph.types.get(read, 1), None)
        value = graph.value(read) if read else None
        if value is not None:
            data[read] = numpy_helper.from_array(np.ascontiguousarray(value), read)
    try:
        schema = onnx.defs.get_schema(node.op_type, graph.opset, "")
        found = shape_inference.infer_node_outputs(
            schema, node, types, data, opset_imports=list(graph.model.opset_import)
        )
    except Exception:  # an unknown operator, or one that does not fit its inputs: its shape stays unknown
        return
    for name, kind in found.items():
        _note(graph, name, kind)
