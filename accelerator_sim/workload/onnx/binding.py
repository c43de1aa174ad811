"""Numbers for the dimensions that a file leaves open (`--bind`).

A dimension is called by its symbol, or INPUT.AXIS where it has none: one that is left out, is negative, or is called
"?" as some exporters call every dimension that they do not know.  A symbol may be an expression over others, as
exporters of dynamic shapes write it ("past_len + 1"); it follows from those, where they are bound.
"""

from __future__ import annotations

import ast
import operator
import shlex
from collections.abc import Callable, Mapping, Sequence

import onnx

from accelerator_sim.files.errors import did_you_mean
from accelerator_sim.workload.layer import LARGEST_COUNT
from accelerator_sim.workload.onnx.unreadable import Unreadable

_NAMELESS = ("", "?")
_LONGEST_EXPRESSION = 200
"""Characters of a symbol that are read as an expression; exporters write some tens."""
_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def bind_dimensions(graph: onnx.GraphProto, inputs: Sequence[str], bind: Mapping[str, int]) -> None:
    """Replace symbols by numbers, in the inputs and everywhere else.

    inputs: those of the network.  Raises Unreadable for dimensions that stay open, all of them with an example that can
    be pasted into a shell, and for a name that no dimension has.
    """
    known = _symbols(graph)
    used: set[str] = set()
    unbound: dict[str, list[str]] = {}
    for value in graph.input:
        if not value.type.HasField("tensor_type"):
            if value.name in inputs:
                raise Unreadable(value.name, "an input that is not a tensor is not read")
            continue
        if value.name in inputs and not value.type.tensor_type.HasField("shape"):
            raise Unreadable(value.name, "the input has no shape")
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.HasField("dim_value") and dim.dim_value >= 0:
                continue
            axis_name = f"{value.name}.{axis}"
            symbol = axis_name if _is_nameless(dim) else dim.dim_param
            if axis_name == symbol and axis_name not in known:
                known.append(axis_name)
            number = _number(axis_name, symbol, bind, used)
            if number is not None:
                dim.dim_value = number
            elif value.name in inputs:
                unbound.setdefault(symbol, []).append(f"{value.name}[{axis}]")
    for name in bind:
        if name not in used and name not in known:
            listed = ", ".join(known) or "none"
            raise Unreadable("", f"no dimension {name!r} to bind{did_you_mean(name, known)}; symbols: {listed}")
    if unbound:
        listed = "; ".join(f"{symbol} ({', '.join(axes)})" for symbol, axes in unbound.items())
        example = " ".join(f"--bind {shlex.quote(f'{symbol}=1')}" for symbol in unbound)
        raise Unreadable("", f"unbound dimensions: {listed}; bind them, as {example}")
    for value in (*graph.value_info, *graph.output):
        _bind_inner(value, bind)


def _bind_inner(value: onnx.ValueInfoProto, bind: Mapping[str, int]) -> None:
    """Put numbers into the shape of a tensor that is computed, and clear dimensions without a name."""
    for dim in value.type.tensor_type.shape.dim if value.type.HasField("tensor_type") else ():
        if dim.HasField("dim_value") and dim.dim_value >= 0:
            continue
        if _is_nameless(dim):
            dim.Clear()  # two of them are not equal, as shape inference would take them to be
            continue
        number = _number("", dim.dim_param, bind, set())
        if number is not None:
            dim.dim_value = number


def _is_nameless(dim: onnx.TensorShapeProto.Dimension) -> bool:
    return dim.HasField("dim_value") or dim.dim_param.strip() in _NAMELESS


def _number(axis_name: str, symbol: str, bind: Mapping[str, int], used: set[str]) -> int | None:
    """The number of a dimension: bound by the name of its axis or by its symbol, or following from others."""
    for name in (axis_name, symbol):
        if name in bind:
            used.add(name)
            return bind[name]
    return _follows(symbol, bind, used)


def _follows(symbol: str, bind: Mapping[str, int], used: set[str]) -> int | None:
    """The value of a symbol that is an expression over bound ones; None where it is not such an expression."""
    if len(symbol) > _LONGEST_EXPRESSION or symbol.isidentifier():
        return None
    try:
        tree = ast.parse(symbol, mode="eval").body
        read: set[str] = set()
        value = _computed(tree, bind, read)
    except (SyntaxError, ValueError, KeyError, ZeroDivisionError, RecursionError, MemoryError):
        return None
    if not read or not 0 <= value <= LARGEST_COUNT:
        return None
    used |= read
    return value


def _computed(tree: ast.expr, bind: Mapping[str, int], read: set[str]) -> int:
    if isinstance(tree, ast.BinOp) and type(tree.op) in _OPERATORS:
        value = _OPERATORS[type(tree.op)](_computed(tree.left, bind, read), _computed(tree.right, bind, read))
        if abs(value) > LARGEST_COUNT:
            raise ValueError("more than is counted")
        return value
    if isinstance(tree, ast.Name):
        read.add(tree.id)
        return bind[tree.id]
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int) and not isinstance(tree.value, bool):
        return tree.value
    raise ValueError("not an expression of whole numbers")


def _symbols(graph: onnx.GraphProto) -> list[str]:
    """Names that can be bound: symbols, and the names in those that are expressions."""
    names: dict[str, None] = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        for dim in value.type.tensor_type.shape.dim if value.type.HasField("tensor_type") else ():
            if dim.HasField("dim_value") or _is_nameless(dim):
                continue
            names[dim.dim_param] = None
            for word in "".join(c if c.isalnum() or c == "_" else " " for c in dim.dim_param).split():
                if word.isidentifier():
                    names.setdefault(word)
    return list(names)
