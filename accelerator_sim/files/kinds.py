"""What kind of file a YAML file is by its keys: one of ours, or one of another tool that is not read.

Used where a file turns out not to be what was asked for, so that the message says what it is instead of listing all its
keys as wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from accelerator_sim.files.errors import InvalidFile, Problem
from accelerator_sim.files.yaml_tree import parse_tree, read_text


class FileKind(StrEnum):
    """Our own files."""

    ARCHITECTURE = "architecture"
    TECHNOLOGY = "technology"
    NETWORK = "network"
    SOFTWARE = "software"
    SWEEP = "sweep"
    BASELINE = "baseline"
    MAPPING = "mapping"


TELLING: Mapping[FileKind, frozenset[str]] = MappingProxyType(
    {
        FileKind.ARCHITECTURE: frozenset(
            ("cluster_array", "pe_cluster", "pe", "configuration", "overlap", "precision"),
        ),
        FileKind.TECHNOLOGY: frozenset(("node", "voltage", "word_bits", "mac", "spad", "leakage", "scaled_from")),
        FileKind.NETWORK: frozenset(("layers", "density_source")),
        FileKind.SOFTWARE: frozenset(("stacks",)),
        FileKind.SWEEP: frozenset(
            ("architecture", "workloads", "mode", "samples", "axes", "linked", "constraints", "stages", "objectives")
        ),
        FileKind.BASELINE: frozenset(
            ("kind", "peak", "power", "software", "sources", "evidence", "networks", "boundary")
        ),
    }
)
"""Keys that only one kind of our files has."""

_USE = {
    FileKind.ARCHITECTURE: "give it as --arch",
    FileKind.TECHNOLOGY: "an architecture names it as `technology`",
    FileKind.NETWORK: "give it as WORKLOAD",
    FileKind.SOFTWARE: "a baseline names it as `software`",
    FileKind.SWEEP: "run it with `accelerator-sim sweep`",
    FileKind.BASELINE: "give it as --baseline",
    FileKind.MAPPING: "give it as --mapping",
}
_TIMELOOP = {
    "arch": "architecture", "architecture_constraints": "constraints file", "mapspace_constraints": "constraints file",
    "mapspace": "constraints file", "mapper": "mapper file", "sparse_optimizations": "sparse optimizations file",
    "globals": "specification", "ERT": "energy reference table", "ART": "area reference table",
}  # fmt: skip


def own_kind(tree: Mapping[str, Any]) -> FileKind | None:
    """Return which of our files has the most of these keys; None where none has any."""
    if "format" in tree or isinstance(tree.get("layers"), dict):
        return FileKind.MAPPING
    counts = {kind: len(words & tree.keys()) for kind, words in TELLING.items()}
    best = max(counts, key=lambda kind: counts[kind])
    return best if counts[best] else None


def foreign_kind(tree: Any) -> str | None:
    """Return the kind of file of another tool that a tree is, with its article; None for an unknown kind."""
    return _of_list(tree) if isinstance(tree, list) else _of_mapping(tree) if isinstance(tree, dict) else None


def _of_list(tree: list[Any]) -> str | None:
    entries = [entry for entry in tree if isinstance(entry, dict)]
    if any("equation" in entry or "operator_type" in entry for entry in entries):
        return "a ZigZag or Stream workload"
    if any({"spatial_mapping", "core_allocation", "intra_core_tiling"} & entry.keys() for entry in entries):
        return "a ZigZag or Stream mapping"
    return None


def _of_mapping(tree: dict[str, Any]) -> str | None:
    checks: list[tuple[Callable[[], bool], str]] = [
        (lambda: "problem" in tree, "a Timeloop problem"),
        (lambda: isinstance(tree.get("architecture"), dict), "a Timeloop architecture"),
        (lambda: isinstance(tree.get("constraints"), dict), "a Timeloop constraints file"),
        (lambda: bool({"components", "compound_components"} & tree.keys()), "an Accelergy components file"),
        (lambda: "mapping" in tree, "a Timeloop mapping"),
        (lambda: bool({"operational_array", "multipliers"} & tree.keys()), "a ZigZag accelerator"),
        (lambda: "memories" in tree, "a ZigZag accelerator"),
        (lambda: "cores" in tree, "a Stream accelerator"),
        (lambda: all(key.startswith("problem_") for key in tree), "the base of Timeloop problems, which include it"),
        (lambda: all(isinstance(value, dict) and "equation" in value for value in tree.values()), "a Stream workload"),
    ]
    kind = next((name for holds, name in checks if tree and holds()), None)
    word = next((key for key in tree if key in _TIMELOOP), None)
    return kind or (f"a Timeloop {_TIMELOOP[word]}" if word else None)


@contextmanager
def instead_of(path: Path, wanted: FileKind, requirement: str) -> Iterator[None]:
    """Report the kind of a file instead of all its errors, where that kind is not the one wanted.

    requirement: the end of the message, as "an architecture is required".
    """
    try:
        yield
    except InvalidFile:
        other = _other(path, wanted)
        if other is not None:
            raise InvalidFile([Problem(str(path), 1, 1, "", f"this is {other}; {requirement}")]) from None
        raise


def _other(path: Path, wanted: FileKind) -> str | None:
    try:
        tree = parse_tree(read_text(path), str(path)).raw
    except InvalidFile:
        return None
    telling = len(TELLING.get(wanted, frozenset()) & tree.keys()) if isinstance(tree, dict) else 0
    surely = telling > 1 or (wanted is FileKind.NETWORK and telling == 1 and isinstance(tree.get("layers"), list))
    foreign = None if surely else foreign_kind(tree)
    if foreign is not None:
        return foreign
    kind = own_kind(tree) if isinstance(tree, dict) else None
    if kind is None or kind is wanted or telling:
        return None
    article = "an" if kind[0] in "aeiou" else "a"
    return f"{article} {kind} file of this program ({_USE[kind]})"
