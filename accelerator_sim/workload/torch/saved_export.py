"""Files of torch.export.save (.pt2): what they hold, numbers for the sizes that they leave open, and their weights."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from accelerator_sim.files.errors import did_you_mean
from accelerator_sim.workload.onnx.unreadable import Unreadable, problem
from accelerator_sim.workload.torch.call import is_tensor
from accelerator_sim.workload.torch.exporting import functional, quiet, reason
from accelerator_sim.workload.torch.translation import TranslatedGraph, translate

BoundSizes = tuple[tuple[str, int], ...]
"""Numbers for open sizes, by name."""


def load_program(path: Path) -> ExportedProgram:
    """Return the program that a file holds, without views that are written to.

    Raises InvalidFile for a file that torch.export.load does not read.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise problem(path, "", f"cannot be read: {error.strerror or error}") from None
    return _loaded(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)
def _loaded(path: Path, modified: int, size: int) -> ExportedProgram:
    try:
        with quiet():
            program = torch.export.load(path)
    except Exception as error:  # those of torch, of its formats and of pickle are of any type
        message = f"is not a file of torch.export.save, or is one of another version of PyTorch: {reason(error)}"
        raise problem(path, "", message) from None
    return functional(program)


def translated_export(path: Path, bind: Mapping[str, int], holds: bool) -> TranslatedGraph:
    """Return the graph of a file, which is translated once in a process.

    bind: numbers for open sizes; holds: whether the values of weights are written too.  Raises InvalidFile for a file
    that cannot be read, and Unreadable for what is in it.
    """
    program = load_program(path)
    return _translated(_Same(program), path.stem, tuple(bind.items()), holds)


def weights_file_of_export(path: Path) -> Path:
    """Return the ONNX file that stands for a file of torch.export.save; weights are named by its constants.

    Raises InvalidFile where it cannot be read.
    """
    program = load_program(path)
    open_ones = _open_sizes(program)
    return _translated(_Same(program), path.stem, tuple((name, at[1]) for name, at in open_ones.items()), True).file


class _Same:
    """A program as a key: itself, and no other."""

    def __init__(self, program: ExportedProgram) -> None:
        self.program = program

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.program is self.program

    def __hash__(self) -> int:
        return id(self.program)


@lru_cache(maxsize=4)
def _translated(program: _Same, name: str, bind: BoundSizes, holds: bool) -> TranslatedGraph:
    return translate(program.program, name, holds, sizes_of(program.program, dict(bind)))


def sizes_of(program: ExportedProgram, bind: Mapping[str, int]) -> Callable[[Any], Any]:
    """Return what makes a whole number of a size, which may be a symbol or an expression over symbols.

    bind: numbers by symbol, or by INPUT.AXIS.  Raises Unreadable for symbols without a number, all of them with an
    example that can be pasted into a shell, for a name that no size has, and for a number that the export does not
    take.
    """
    sizes = _open_sizes(program)
    known = [name for symbol, (axes, _) in sizes.items() for name in (symbol, *axes)]
    for name in bind:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise Unreadable("", f"no dimension {name!r} to bind{did_you_mean(name, known)}; symbols: {listed}")
    numbers = {}
    for symbol, (axes, _) in sizes.items():
        given = next((bind[name] for name in (symbol, *axes) if name in bind), None)
        if given is not None:
            numbers[symbol] = _allowed(program, symbol, given)
    missing = {symbol: axes for symbol, (axes, _) in sizes.items() if symbol not in numbers}
    if missing:
        listed = "; ".join(f"{symbol} ({', '.join(axes)})" for symbol, axes in missing.items())
        example = " ".join(f"--bind {shlex.quote(f'{axes[0]}=1')}" for axes in missing.values())
        raise Unreadable("", f"unbound dimensions: {listed}; bind them, as {example}")

    def number(size: Any) -> Any:
        if not isinstance(size, torch.SymInt | torch.SymFloat | torch.SymBool):
            return size
        value = size.node.expr.subs({each: numbers.get(str(each), each) for each in size.node.expr.free_symbols})
        if value.free_symbols:
            raise Unreadable("", f"the size {size} depends on values of tensors")
        return int(value) if isinstance(size, torch.SymInt) else value

    return number


def _open_sizes(program: ExportedProgram) -> dict[str, tuple[list[str], int]]:
    """Symbols of the inputs: the dimensions that have them, as INPUT.AXIS, and the size in the traced example."""
    inputs = set(program.graph_signature.user_inputs)
    sizes: dict[str, tuple[list[str], int]] = {}
    for node in program.graph.nodes:
        if node.op != "placeholder" or node.name not in inputs or not is_tensor(node):
            continue
        for axis, size in enumerate(node.meta["val"].shape):
            if isinstance(size, torch.SymInt) and size.node.expr.is_symbol:
                hint = size.node.hint
                sizes.setdefault(str(size), ([], int(hint) if hint is not None else 2))[0].append(f"{node.name}.{axis}")
    return sizes


def _allowed(program: ExportedProgram, symbol: str, number: int) -> int:
    """A number for a symbol.  Raises Unreadable for one outside the range that was exported."""
    for each, span in program.range_constraints.items():
        if str(each) == symbol and not span.lower <= number <= span.upper:
            raise Unreadable("", f"{symbol} is {number}; the export takes {span.lower} to {span.upper}")
    return number
