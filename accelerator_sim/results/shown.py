"""How results look where people use Python: a line where one is printed, and a table where a notebook shows it.

What they look like is the business of rooms above this one: the Python interface says who draws them (`show_with`).
"""

from __future__ import annotations

from typing import Protocol


class Viewer(Protocol):
    """Draws results."""

    def line(self, result: object) -> str:
        """What a result is, in one line."""

    def html(self, result: object) -> str:
        """A result as HTML that stands by itself."""


_viewers: list[Viewer] = []


def show_with(viewer: Viewer) -> None:
    """Have results drawn by a viewer from now on."""
    _viewers[:] = [viewer]


class ShownInPython:
    """A result that is shown by its line, or as HTML in notebooks, instead of by all that it holds."""

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"<{name}: {_viewers[0].line(self)}>" if _viewers else f"<{name}>"

    def _repr_html_(self) -> str | None:
        """What notebooks show."""
        return str(_viewers[0].html(self)) if _viewers else None
