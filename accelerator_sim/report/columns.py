"""Which columns of a table fit a terminal: the less important ones give way, names stay readable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from accelerator_sim.files.text import printable
from accelerator_sim.report.numbers import shortened

TableRow = TypeVar("TableRow")

LEAST_NAME = 16
"""Characters of a name that are kept before another column gives way."""
WHOLE_NAME = 40
"""Characters of a name that are kept before a column gives way that is an extra."""
EXTRA = 20
"""Importance from which a column is an extra."""


@dataclass(frozen=True)
class Column(Generic[TableRow]):
    """One column: its heading, what it shows of a row, and its importance (1 stays the longest)."""

    heading: str
    cell: Callable[[TableRow], str]
    importance: int
    left: bool = False


def fitted(
    columns: Sequence[Column[TableRow]], rows: Sequence[TableRow], width: int
) -> list[tuple[Column[TableRow], list[str]]]:
    """Return the columns that fit `width`, with their cells.  The first is a name and shrinks before others give way.

    Columns are taken by importance until one does not fit.
    """
    cells = {c.heading: [printable(c.cell(row)) for row in rows] for c in columns}
    widths = {heading: max(len(heading), *map(len, texts), 1) for heading, texts in cells.items()}
    name = columns[0].heading
    used, kept = 0, {name}
    for column in sorted(columns[1:], key=lambda c: c.importance):
        least = min(widths[name], WHOLE_NAME if column.importance >= EXTRA else LEAST_NAME)
        if least + used + 2 + widths[column.heading] > width:
            break
        used += 2 + widths[column.heading]
        kept.add(column.heading)
    room = min(widths[name], max(width - used, 8))
    cells[name] = [shortened(text, room) for text in cells[name]]
    return [(column, cells[column.heading]) for column in columns if column.heading in kept]


def table(columns: Sequence[tuple[Column[TableRow], list[str]]], styles: Sequence[str] = ()) -> Table:
    """Return a rich table of cells as they are: no markup, no wrapping.  `styles` are those of the rows."""
    out = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for column, _ in columns:
        justify = "left" if column.left else "right"
        out.add_column(Text(column.heading), justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for index, row in enumerate(zip(*(texts for _, texts in columns), strict=True)):
        out.add_row(*map(Text, row), style=styles[index] if styles else None)
    return out
