"""A stamp changes with each source that its kernels depend on, and with no other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from accelerator_sim.kernels import stamps

MODULES = sorted(path.stem for path in stamps.FOLDER.glob("*.py") if path.stem != "__init__")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the sources, which the stamps are made of."""
    for path in stamps.FOLDER.glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text())
    monkeypatch.setattr(stamps, "FOLDER", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    for remembered in (stamps.source_of, stamps.imported_by, stamps.package_stamp, stamps._digest):
        remembered.cache_clear()


def imported(module: str) -> set[str]:
    """A module and those that it imports, directly or not, by the syntax tree."""
    known, package = {module}, "accelerator_sim.kernels"
    for node in ast.walk(ast.parse(stamps.source_of(module))):
        if isinstance(node, ast.ImportFrom) and node.module == package:
            known |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith(f"{package}."):
            known.add(str(node.module).rpartition(".")[2])
    return known


def closure(module: str) -> set[str]:
    known: set[str] = set()
    while known != (grown := known | {module} | {name for each in known for name in imported(each)}):
        known = grown
    return known


@pytest.mark.parametrize("module", MODULES)
def test_what_a_module_imports(module: str) -> None:
    assert set(stamps.imported_by(module)) == closure(module)


@pytest.mark.parametrize("changed", MODULES)
def test_a_change_reaches_the_stamps_of_those_that_import_it(changed: str, folder: Path) -> None:
    before = {module: stamps.stamp_of(module) for module in MODULES}
    whole = stamps.package_stamp()
    with (folder / f"{changed}.py").open("a") as file:
        file.write("# changed\n")
    forget()
    assert stamps.package_stamp() != whole
    assert {m for m in MODULES if stamps.stamp_of(m) != before[m]} == {m for m in MODULES if changed in closure(m)}
