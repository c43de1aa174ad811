"""The skeleton that all pages share: one template environment, style and script inlined, everything escaped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from accelerator_sim.files.text import printable
from accelerator_sim.report.numbers import si
from accelerator_sim.version import __version__


@dataclass(frozen=True)
class Notice:
    """Something that a reader must know first: how grave (`error` or `note`), what, and the single cases."""

    grade: str
    text: str
    cases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Card:
    """A headline number, its name, and a line about it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, and the exact value that it is sorted by (a number, or the text itself)."""

    text: str
    value: float | str


def number(value: float | None, unit: str = "") -> Cell:
    """Return the cell of a number that is not negative; what is not known is "-" and sorts below all."""
    return Cell(si(value, unit), -1 if value is None else value)


@dataclass(frozen=True)
class PageColumn:
    """A column of a table; numbers stand at the right and are sorted from the largest at first."""

    heading: str
    numeric: bool = True


def render(template: str, **context: object) -> str:
    """Return a page: the same text for the same template and context.

    template: the name of a file in `templates` that extends `base.html.j2`.
    """
    text = _environment().get_template(template).render(version=__version__, **context)
    return text if text.endswith("\n") else text + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("accelerator_sim.report.html", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = printable
    folder = files("accelerator_sim.report.html")
    environment.globals["style"] = Markup(folder.joinpath("style.css").read_text(encoding="utf-8"))
    environment.globals["script"] = Markup(folder.joinpath("script.js").read_text(encoding="utf-8"))
    return environment
