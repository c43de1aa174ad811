"""How results look where people use Python: a line where one is printed, a table in notebooks, pages and figures.

What they look like is the business of rooms above this one: the Python interface says who draws them (`show_with`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol


class Viewer(Protocol):
    """Draws results."""

    def line(self, result: object) -> str:
        """What a result is, in one line."""

    def html(self, result: object) -> str:
        """A result as HTML that stands by itself."""

    def page(self, result: object) -> str:
        """The page of a result."""

    def figure(self, result: object, kind: str, choices: dict[str, Any]) -> Any:
        """A figure of a result."""

    def trace(self, result: object, cycles: tuple[int, int], clusters: tuple[int, ...]) -> bytes:
        """The trace of a result."""


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


class Drawn(ShownInPython):
    """A result that has a page and figures."""

    def report(self, path: str | Path) -> Path:
        """Write the page of the result: one HTML file that loads nothing.  Returns its path.

        path: the file to write.  Raises OSError where it cannot be written.
        """
        file = Path(path)
        file.write_text(viewer().page(self), encoding="utf-8")
        return file

    def figure(self, kind: str, **choices: Any) -> Any:
        """Return a figure of the result, a `matplotlib.figure.Figure`, which notebooks show.

        kind: see `accelerator-sim figure --help` for those of each result; choices: what a kind can be asked, as
        `layer="CONV1"`.

        Raises UsageError for a kind that the result has not, with those that it has, and where matplotlib is not
        installed.
        """
        return viewer().figure(self, kind, choices)


def viewer() -> Viewer:
    """Return what draws results: the Python interface sets it when it is loaded."""
    return _viewers[0]
