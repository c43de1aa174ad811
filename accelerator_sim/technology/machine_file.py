"""An architecture together with the technology table that it names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import read_architecture
from accelerator_sim.files.data import looks_like_path, resolve
from accelerator_sim.files.errors import InvalidFile, Problem, UsageError
from accelerator_sim.files.kinds import FileKind, instead_of
from accelerator_sim.files.paths import exists
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
    return MachineFile(path).machine(overrides)


class MachineFile:
    """An architecture file, of which many machines are made: it is read once, and so is each technology table."""

    def __init__(self, path: Path) -> None:
        """Read an architecture file.  Raises InvalidFile."""
        with instead_of(path, FileKind.ARCHITECTURE, "an architecture is required"):
            self._document = load_document(path)
        self._path = path
        self._tables: dict[str, Technology] = {}

    def machine(self, overrides: Sequence[tuple[str, str]] = ()) -> tuple[Architecture, Technology]:
        """Return the machine with some values replaced, and its technology table.  Raises InvalidFile."""
        architecture = read_architecture(self._path, overrides, self._document)
        name = architecture.technology
        if name not in self._tables:
            try:
                self._tables[name] = load_technology(_table(self._path, name))
            except UsageError as error:
                raise InvalidFile([_problem(self._path, overrides, str(error))]) from None
        return architecture, self._tables[name]


def technology_file(path: Path, overrides: Sequence[tuple[str, str]] = ()) -> tuple[str, Path]:
    """Return the technology table of an architecture file: as it is named there, and its file.

    Raises UsageError and InvalidFile as `read_machine` does.
    """
    name = read_architecture(path, overrides).technology
    return name, resolve("arch_configs", _table(path, name), "technology", "technologies")


def _table(path: Path, name: str) -> str:
    """Return the name of a table; for a file that lies beside the architecture's, its path."""
    beside = path.parent / name
    return str(beside) if looks_like_path(name) and exists(beside) else name


def _problem(path: Path, overrides: Sequence[tuple[str, str]], message: str) -> Problem:
    for key, value in reversed(overrides):
        if key == "technology":
            return Problem(f"--set {key}={value}", None, None, key, message)
    line, column = load_document(path).position(("technology",))
    return Problem(str(path), line, column, "technology", message)
