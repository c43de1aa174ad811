"""An architecture together with the technology table that it names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from accelerator_sim.architecture.load import read_architecture
from accelerator_sim.architecture.model import Architecture
from accelerator_sim.files.data import looks_like_path, resolve
from accelerator_sim.files.errors import InvalidFile, Problem, UsageError
from accelerator_sim.files.yaml_tree import load_document
from accelerator_sim.technology.technology import Technology, load_technology


def load_machine(name_or_path: str, overrides: Sequence[tuple[str, str]] = ()) -> tuple[Architecture, Technology]:
    """Load an architecture, by name or from a file, and its technology table.

    A relative path to the table is taken from the folder of the architecture file, or else from the current one.
    Raises UsageError for an unknown architecture and InvalidFile, with every error, for a bad file or override.
    """
    return read_machine(resolve("arch_configs", name_or_path, "architecture"), overrides)


def read_machine(path: Path, overrides: Sequence[tuple[str, str]] = ()) -> tuple[Architecture, Technology]:
    """Read an architecture file, and load the technology table that it names.  Raises InvalidFile."""
    architecture = read_architecture(path, overrides)
    beside = path.parent / architecture.technology
    found = str(beside) if looks_like_path(architecture.technology) and beside.exists() else architecture.technology
    try:
        return architecture, load_technology(found)
    except UsageError as error:
        raise InvalidFile([_problem(path, overrides, str(error))]) from None


def _problem(path: Path, overrides: Sequence[tuple[str, str]], message: str) -> Problem:
    for key, value in reversed(overrides):
        if key == "technology":
            return Problem(f"--set {key}={value}", None, None, key, message)
    line, column = load_document(path).position(("technology",))
    return Problem(str(path), line, column, "technology", message)
