"""What is wrong with a YAML file that no fixed model describes, collected with its places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from accelerator_sim.files.errors import InvalidFile, Problem, did_you_mean
from accelerator_sim.files.messages import shown
from accelerator_sim.files.yaml_tree import Document, YamlPath, dotted


class Faults:
    """The problems of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = list(document.problems)

    def add(self, path: YamlPath, message: str) -> None:
        """Note what is wrong with the value at `path`."""
        line, column = self.document.position(path)
        self.problems.append(Problem(self.document.file, line, column, dotted(path), message))

    def check(self) -> None:
        """Raise InvalidFile with all that was noted, in the order of lines."""
        if self.problems:
            raise InvalidFile(sorted(dict.fromkeys(self.problems), key=lambda problem: problem.order))

    def fail(self, path: YamlPath, message: str) -> InvalidFile:
        """Return the error for something that leaves nothing more to check, with all that was noted before."""
        self.add(path, message)
        return InvalidFile(sorted(dict.fromkeys(self.problems), key=lambda problem: problem.order))

    def keys(self, value: Mapping[str, Any], path: YamlPath, allowed: Iterable[str]) -> None:
        """Note every key that is not allowed."""
        known = list(allowed)
        for key in value:
            if key not in known:
                hint = did_you_mean(key, known) or f"; allowed: {', '.join(known)}"
                self.add((*path, key), f"unknown key{hint}")

    def mapping(self, value: Any, path: YamlPath, requirement: str) -> dict[str, Any]:
        """Return a mapping.  Raises InvalidFile when the value is none."""
        if not isinstance(value, dict):
            raise self.fail(path, f"{shown(value)} given; a mapping is required: {requirement}")
        return value

    def items(self, value: Any, path: YamlPath, requirement: str) -> list[Any]:
        """Return a list that is not empty.  Raises InvalidFile when the value is none."""
        if not isinstance(value, list) or not value:
            given = "an empty list" if isinstance(value, list) else shown(value)
            raise self.fail(path, f"{given} given; a list is required: {requirement}")
        return value

    def text(self, value: Any, path: YamlPath, requirement: str) -> str:
        """Return text.  Raises InvalidFile when the value is none."""
        if not isinstance(value, str) or not value:
            raise self.fail(path, f"{shown(value)} given; {requirement} is required")
        return value

    def size(self, value: Any, path: YamlPath, most: int) -> int:
        """Return a whole number of at least 1; notes the fault and returns 1 for anything else."""
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
            return value
        self.add(path, f"{shown(value)} given; a whole number between 1 and {most} is required")
        return 1
