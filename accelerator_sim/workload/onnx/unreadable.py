"""What is wrong with an ONNX file, as an error that names the place in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from accelerator_sim.files.errors import InvalidFile, Problem

LONGEST = 200
"""Characters of a foreign message that are shown: onnx prints whole graphs into some of its own."""

Answer = TypeVar("Answer")


class Unreadable(ValueError):
    """Something in the graph that cannot be understood: the name of its node or tensor, and what is wrong."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(message)
        self.where = where


class OpenShape(Unreadable):
    """A shape that is not known; cause: the number of the node that left it open, if there is one."""

    def __init__(self, where: str, message: str, cause: int | None) -> None:
        super().__init__(where, message)
        self.cause = cause


def problem(path: Path, where: str, message: str) -> InvalidFile:
    """Return the error of one thing that is wrong in a file."""
    return InvalidFile([Problem(str(path), None, None, where, message)])


def one_line(error: BaseException) -> str:
    """Return the message of a foreign exception in one line, cut to a length that a terminal shows."""
    return " ".join(str(error).split())[:LONGEST] or type(error).__name__


DAMAGE = (TypeError, IndexError, KeyError, AttributeError, ArithmeticError, ValueError)
"""Exceptions of code for one node at an attribute of another type, or an operand that is not there."""


def unfit(where: str, op: str, error: BaseException) -> Unreadable:
    """Return the error of a node that the code for its operator failed on; one with more detail is kept as it is."""
    if isinstance(error, Unreadable):
        return error
    return Unreadable(where, f"{op} has attributes or operands that do not fit it: {one_line(error)}")


def guarded(where: str, action: Callable[[], Answer]) -> Answer:
    """Return what foreign code returns.  Raises Unreadable, naming the place, for whatever that raises.

    onnx and protobuf raise several kinds of exceptions, of which not all are public.
    """
    try:
        return action()
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(where, one_line(error)) from None
