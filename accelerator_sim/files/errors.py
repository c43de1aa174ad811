"""Every error that a user can cause, with the exit code that it ends the program with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class AcceleratorSimError(Exception):
    """Base of all errors that the user can correct; shown as a message, never as a traceback."""

    exit_code = 1


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in one place of a file.

    `line` and `column` count from 1 and are None where no place is known; `path` is the dotted YAML path or "".
    """

    file: str
    line: int | None
    column: int | None
    path: str
    message: str

    def __str__(self) -> str:
        position = ":".join(
            str(part) for part in (self.file, self.line, self.column) if part is not None and part != ""
        )
        return ": ".join(part for part in (position, self.path, self.message) if part)

    @property
    def order(self) -> tuple[str, bool, int, int, str]:
        """Sorting key: by file, then by line, problems without a line last."""
        return self.file, self.line is None, self.line or 0, self.column or 0, self.path


class InvalidFile(AcceleratorSimError):
    """A file cannot be used; `problems` holds everything that is wrong with it."""

    exit_code = 3

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UsageError(AcceleratorSimError):
    """The command line (or the call) asks for something that does not exist."""

    exit_code = 2


class CheckFailed(AcceleratorSimError):
    """A result breaks a law, or misses a figure that it is compared with."""

    exit_code = 4


class NothingRan(AcceleratorSimError):
    """No layer of a network has a result."""

    exit_code = 5


class AcceleratorSimWarning(UserWarning):
    """Something that a reader of a result has to know: it is partial, or was made in another way than asked for."""


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice most like `word`, difference of case first, or None when none is alike."""
    known = list(choices)
    for choice in known:
        if choice.casefold() == word.casefold():
            return choice
    matches = difflib.get_close_matches(word, known, n=1)
    return matches[0] if matches else None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the choice most like `word`, or "" when none is alike."""
    match = nearest(word, choices)
    return f"; did you mean {match!r}?" if match is not None else ""
