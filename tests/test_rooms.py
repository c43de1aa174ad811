"""Imports go one way: the table of rooms in `docs/architecture.md` is their order, and no two modules need each other.

All imports count, those inside functions and those for types only too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLE = (ROOT / "docs" / "architecture.md").read_text().split("## Rooms")[1].split("\n## ")[0]
ROOMS = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", TABLE, re.MULTILINE)
PACKAGE = "accelerator_sim"
ENTRANCES = {PACKAGE, f"{PACKAGE}.__main__"}
"""They show what is in the package, and are in no room."""


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): ast.parse(path.read_text()) for path in (ROOT / PACKAGE).rglob("*.py")}


def imported(node: ast.AST) -> list[str]:
    """The modules that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    assert node.level == 0, ast.unparse(node)
    parts = (f"{node.module}.{alias.name}" for alias in node.names)
    return [part if part in MODULES else str(node.module) for part in parts]


def inside_functions(tree: ast.AST) -> Iterator[str]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (name for node in ast.walk(function) for name in imported(node))


GRAPH = nx.DiGraph(
    (module, name)
    for module, tree in MODULES.items()
    if module not in ENTRANCES
    for node in ast.walk(tree)
    for name in imported(node)
)

NEEDED = nx.DiGraph((module, name) for module, tree in MODULES.items() for node in tree.body for name in imported(node))
"""What a module needs to be imported at all."""


def room(module: str) -> str:
    return module.split(".")[1]


def test_every_room_has_its_place() -> None:
    assert len(ROOMS) == len(set(ROOMS))
    assert {room(module) for module in MODULES if module not in ENTRANCES} == set(ROOMS)


def test_no_room_imports_one_above_it() -> None:
    inner = [(a, b) for a, b in GRAPH.edges if b in MODULES]
    assert len(inner) > len(MODULES)
    assert [(a, b) for a, b in inner if b in ENTRANCES or ROOMS.index(room(a)) < ROOMS.index(room(b))] == []


def test_no_circle() -> None:
    assert [sorted(part) for part in nx.strongly_connected_components(GRAPH) if len(part) > 1] == []


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m not in ENTRANCES and room(m) != "cli"))
def test_imports_inside_functions_are_of_other_packages(module: str) -> None:
    """Of our own modules only those that need the package onnx, which may not be installed."""
    own = {name for name in inside_functions(MODULES[module]) if name.split(".")[0] == PACKAGE}
    assert {name for name in own if "onnx" not in nx.descendants(NEEDED, name)} == set()
