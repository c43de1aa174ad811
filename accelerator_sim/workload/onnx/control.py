"""If, Loop and Scan whose course the file fixes: replaced by the nodes that run.

A branch is taken where its condition is constant; a loop is unrolled where its number of rounds is, by its limit or by
a condition that its body computes from constants.  What is left stays as it is; `assembly.py` refuses it if it
multiplies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from accelerator_sim.workload.onnx.constants import evaluate, held
from accelerator_sim.workload.onnx.graph import Graph, attribute
from accelerator_sim.workload.onnx.makers import products_inside
from accelerator_sim.workload.onnx.operators import STEPS
from accelerator_sim.workload.onnx.order import subgraphs
from accelerator_sim.workload.onnx.unreadable import DAMAGE, Unreadable, unfit

MOST_NODES = 20_000
"""Nodes that an unrolled loop may become: onnx infers the shapes of so many in about a second."""
MOST_CARRIED = 256
"""Rounds up to which a loop without products is unrolled: more are one node, counted by the words that it moves."""
_NO_LIMIT = np.iinfo(np.int64).max
"""Rounds of a loop that only its condition ends, as exporters write them where they have to write a number."""
LAST_SCAN_OF_BATCHES = 8
"""The last operator set whose Scan has a dimension of batches and lengths of sequences."""


@dataclass
class _Written:
    """Nodes in place of one, and the constants that come with them."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)


def write_out(graph: Graph) -> bool:
    """Write out all control flow of a graph that is decided, into its model.  Return whether there was any.

    Raises Unreadable for a loop that becomes more nodes than are read.
    """
    replaced = False
    nodes: list[onnx.NodeProto] = []
    for at, node in enumerate(graph.nodes):
        try:
            written = _written(graph, node, graph.names[at])
        except DAMAGE as error:
            raise unfit(graph.names[at], node.op_type, error) from None
        if written is None:
            nodes.append(node)
            continue
        replaced = True
        nodes += written.nodes
        graph.model.graph.initializer.extend(written.constants)
        if len(nodes) > MOST_NODES + len(graph.nodes):
            raise _too_many(graph.names[at], len(nodes))
    if replaced:
        del graph.model.graph.node[:]
        graph.model.graph.node.extend(nodes)
    return replaced


def _written(graph: Graph, node: onnx.NodeProto, name: str) -> _Written | None:
    if node.domain or any(graph.is_constant(out) for out in node.output if out):
        return None
    if node.op_type == "If" and node.input:
        condition = graph.value(node.input[0])
        if condition is None or condition.size != 1:
            return None
        branch = attribute(node, "then_branch" if bool(condition.reshape(-1)[0]) else "else_branch", None)
        return _branch(node, branch, name) if isinstance(branch, onnx.GraphProto) else None
    body = attribute(node, "body", None)
    if not isinstance(body, onnx.GraphProto):
        return None
    if node.op_type == "Loop":
        return _loop(graph, node, body, name)
    if node.op_type == "Scan" and graph.opset > LAST_SCAN_OF_BATCHES:
        return _scan(graph, node, body, name)
    return None


def _branch(node: onnx.NodeProto, branch: onnx.GraphProto, name: str) -> _Written:
    written = _Written()
    results = _copy(branch, {}, name, "", written)
    for out, result in zip(node.output, results, strict=False):
        if out:
            written.nodes.append(helper.make_node("Identity", [result], [out], name=f"{name}.{out}"))
    return written


def _loop(graph: Graph, node: onnx.NodeProto, body: onnx.GraphProto, name: str) -> _Written | None:
    """A Loop with a known number of rounds."""
    limit, start = graph.operand(node, 0), graph.operand(node, 1)
    rounds = graph.value(limit) if limit else np.array(_NO_LIMIT)
    first = graph.value(start) if start else np.array(True)
    if rounds is None or rounds.size != 1 or first is None or first.size != 1 or len(body.input) < 2:
        return None
    count = max(int(rounds.reshape(-1)[0]), 0) if bool(first.reshape(-1)[0]) else 0
    carried = list(node.input[2:])
    if not _stays_true(graph, body):
        stops = _stops_after(graph, body, carried, count)
        if stops is None:
            return None
        count = stops
    if not _is_worth_it(node, body, count, name):
        return None
    if (
        len(body.input) != 2 + len(carried)
        or len(body.output) < 1 + len(carried)
        or len(node.output) > len(body.output) - 1
    ):
        raise Unreadable(
            name, f"a body of {len(body.input)} inputs and {len(body.output)} outputs does not fit the Loop"
        )
    written = _Written()
    stacked: list[list[str]] = [[] for _ in body.output[1 + len(carried) :]]
    condition = _constant(written, f"{name}/condition", np.array(True))
    for step in range(count):
        number = _constant(written, f"{name}/{step}", np.array(step, dtype=np.int64))
        given = dict(zip((value.name for value in body.input), (number, condition, *carried), strict=True))
        results = _copy(body, given, name, f".{step}", written)
        carried = results[1 : 1 + len(carried)]
        for each, result in zip(stacked, results[1 + len(carried) :], strict=True):
            each.append(result)
    return _finish(node, name, carried, stacked, [0] * len(stacked), written) if count or not stacked else None


def _stops_after(graph: Graph, body: onnx.GraphProto, carried: Sequence[str], most: int) -> int | None:
    """Rounds until the condition that a body computes from constants is false; None where it depends on more."""
    start = [graph.value(name) if name in graph.shapes else None for name in carried]
    held_here = {tensor.name: held(tensor) for tensor in body.initializer}
    inside = {out for node in body.node for out in node.output} | {value.name for value in body.input} | set(held_here)
    outside = {read for node in body.node for read in node.input if read and read not in inside}
    constants = held_here | {name: graph.value(name) for name in outside if graph.is_constant(name)}
    for step in range(min(most, MOST_CARRIED)):
        given = (np.array(step, dtype=np.int64), np.array(True), *start)
        values = constants | dict(zip((value.name for value in body.input), given, strict=False))
        for node in body.node:
            reads = {read: values.get(read) for read in node.input if read}
            known = {read: value for read, value in reads.items() if value is not None}
            if len(known) == len(reads) and not any(True for _ in subgraphs(node)):
                values |= {out: evaluate(node, known, graph.model.opset_import, out) for out in node.output if out}
        goes_on = values.get(body.output[0].name)
        if goes_on is None or goes_on.size != 1:
            return None
        if not bool(goes_on.reshape(-1)[0]):
            return step + 1
        start = [values.get(out.name) for out in body.output[1 : 1 + len(carried)]]
    return most if most <= MOST_CARRIED else None


def _scan(graph: Graph, node: onnx.NodeProto, body: onnx.GraphProto, name: str) -> _Written | None:
    """A Scan over sequences of a known length."""
    over = int(attribute(node, "num_scan_inputs", 0))
    states = len(node.input) - over
    if over < 1 or states < 0 or len(body.input) != len(node.input) or len(body.output) < states:
        raise Unreadable(
            name, f"{over} scanned of {len(node.input)} inputs, a body of {len(body.input)}; they do not fit"
        )
    scanned = list(node.input[states:])
    if any(read not in graph.shapes for read in scanned):
        return None
    outs = len(body.output) - states
    axes, directions = (
        list(attribute(node, f"scan_input_{part}", [])) or [0] * over for part in ("axes", "directions")
    )
    out_axes, out_directions = (
        list(attribute(node, f"scan_output_{part}", [])) or [0] * outs for part in ("axes", "directions")
    )
    axes = [int(axis) % max(len(graph.shapes[read]), 1) for axis, read in zip(axes, scanned, strict=True)]
    lengths = {graph.shapes[read][axis] for axis, read in zip(axes, scanned, strict=True)}
    if len(lengths) != 1:
        raise Unreadable(name, f"scans sequences of {sorted(lengths)} steps, which must be equally long")
    count = lengths.pop()
    if not count or not _is_worth_it(node, body, count, name):
        return None
    written = _Written()
    carried, stacked = list(node.input[:states]), [[] for _ in range(outs)]  # type: tuple[list[str], list[list[str]]]
    for step in range(count):
        taken = []
        for read, axis, backward in zip(scanned, axes, directions, strict=True):
            out = f"{name}/{read}/{step}"
            index = count - 1 - step if backward else step
            written.nodes.append(helper.make_node("Take", [read], [out], domain=STEPS, axis=axis, step=index, name=out))
            taken.append(out)
        given = dict(zip((value.name for value in body.input), (*carried, *taken), strict=True))
        results = _copy(body, given, name, f".{step}", written)
        carried = results[:states]
        for each, result in zip(stacked, results[states:], strict=True):
            each.append(result)
    turned = [each[::-1] if way else each for each, way in zip(stacked, out_directions, strict=True)]
    return _finish(node, name, carried, turned, out_axes, written)


def _finish(
    node: onnx.NodeProto,
    name: str,
    carried: Sequence[str],
    stacked: Sequence[Sequence[str]],
    axes: Sequence[int],
    written: _Written,
) -> _Written:
    """Connect the last round with the outputs of the node."""
    for out, result in zip(node.output, carried, strict=False):
        if out:
            written.nodes.append(helper.make_node("Identity", [result], [out], name=f"{name}.{out}"))
    for out, results, axis in zip(node.output[len(carried) :], stacked, axes, strict=False):
        if out:
            stack = helper.make_node("Stack", list(results), [out], domain=STEPS, axis=int(axis), name=f"{name}.{out}")
            written.nodes.append(stack)
    return written


def _is_worth_it(node: onnx.NodeProto, body: onnx.GraphProto, count: int, name: str) -> bool:
    """Whether to unroll a loop.  Raises Unreadable for one that multiplies and becomes too many nodes."""
    nodes = count * (len(body.node) + len(node.input))
    if not products_inside(node):
        return count <= MOST_CARRIED and nodes <= MOST_NODES
    if nodes > MOST_NODES:
        raise _too_many(name, nodes)
    return True


def _too_many(name: str, nodes: int) -> Unreadable:
    return Unreadable(name, f"a loop that becomes {nodes:,} nodes; up to {MOST_NODES:,} are read")


def _stays_true(graph: Graph, body: onnx.GraphProto) -> bool:
    """Whether the condition that a body writes is the one that it gets, or constant and true."""
    name = body.output[0].name
    producers = {out: node for node in body.node for out in node.output}
    for _ in body.node:  # at most so often, for a damaged body may go round in circles
        if name in producers and producers[name].op_type == "Identity":
            name = producers[name].input[0]
    if name == body.input[1].name:
        return True
    held = next((tensor for tensor in body.initializer if tensor.name == name), None)
    if name in producers and producers[name].op_type == "Constant":
        value = attribute(producers[name], "value", None)
        held = value if isinstance(value, onnx.TensorProto) else None
    condition = (
        numpy_helper.to_array(held) if held is not None else graph.value(name) if name not in producers else None
    )
    return condition is not None and condition.size == 1 and bool(condition.reshape(-1)[0])


def _constant(written: _Written, name: str, value: NDArray[Any]) -> str:
    written.constants.append(numpy_helper.from_array(value, name))
    return name


def _copy(graph: onnx.GraphProto, given: Mapping[str, str], name: str, mark: str, written: _Written) -> list[str]:
    """Add a copy of a graph with names of its own.  Return the names of its outputs.

    given: what its inputs are outside; mark: distinguishes this copy of a node from others.
    """
    names = dict(given)
    for tensor in graph.initializer:
        names[tensor.name] = f"{name}/{tensor.name}{mark}"
        own = onnx.TensorProto()
        own.CopyFrom(tensor)
        own.name = names[tensor.name]
        written.constants.append(own)
    for node in graph.node:
        names |= {out: f"{name}/{out}{mark}" for out in node.output if out}
    for at, node in enumerate(graph.node):
        own_node = onnx.NodeProto()
        own_node.CopyFrom(node)
        own_node.name = f"{node.name or f'{name}.{node.op_type}_{at}'}{mark}"
        _rename(own_node, names)
        written.nodes.append(own_node)
    return [names.get(value.name, value.name) for value in graph.output]


def _rename(node: onnx.NodeProto, names: Mapping[str, str]) -> None:
    """Put new names into a node and into what its subgraphs read of the graphs around them."""
    for field_ in (node.input, node.output):
        renamed = [names.get(each, each) for each in field_]
        del field_[:]
        field_.extend(renamed)
    for graph in subgraphs(node):
        own = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
        own |= {out for inner in graph.node for out in inner.output}
        outer = {old: new for old, new in names.items() if old not in own}
        for inner in graph.node:
            _rename(inner, outer)
        for value in graph.output:
            value.name = outer.get(value.name, value.name)
