"""A comparison as tables for a terminal, as JSON, and as rows; every energy and ratio with its four conditions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from accelerator_sim.comparison.machine_comparison import Comparison, MachineEntry, Ratio, ratio
from accelerator_sim.files.text import printable
from accelerator_sim.files.vocabulary import ChipBoundary
from accelerator_sim.footprint.bill import Year
from accelerator_sim.report import compared
from accelerator_sim.report.columns import EXTRA, Column, fitted, table
from accelerator_sim.report.compared import Cells, Wanted, times, title
from accelerator_sim.report.json import encode
from accelerator_sim.report.numbers import format_joules, si
from accelerator_sim.report.tables import paint
from accelerator_sim.results.tabular import rows_text


def render(comparison: Comparison, wanted: Wanted, width: int = 80, color: bool = False) -> str:
    """Return tables in lines of at most `width` characters."""
    head = f"{printable(comparison.workload)}: {compared.size_of(comparison)}; energies are of one inference"
    parts: list[RenderableType] = [*_lines([head], width), Text()]
    styles = ["dim" if entry.projection else "" for entry in comparison.entries]
    parts.append(table(fitted(entry_columns(comparison), comparison.entries, width), styles))
    parts += [Text(), *_lines(compared.notes(comparison), width)]
    parts += _breakdown(comparison, width)
    if wanted.all_boundaries:
        heading = f"Energy of the baseline over the accelerator's, batch {comparison.batch}, all there are data for"
        parts += [Text(), *_heading(heading, width), table(fitted(_MATRIX, compared.matrix_rows(comparison), width))]
    if wanted.use is not None:
        heading, rows = compared.year_heading(wanted.use), compared.year_rows(comparison, wanted.use)
        parts += [Text(), *_heading(heading, width), _plain(compared.YEAR_COLUMNS, rows, (0, 2, 1, 1, 1), width)]
    if wanted.links:
        heading, rows = compared.sending_heading(comparison, wanted), compared.sending_rows(comparison, wanted)
        parts += [Text(), *_heading(heading, width), _plain(compared.SENDING_COLUMNS, rows, (0, 2, 2, 3, 1, 1), width)]
        parts += _lines([compared.sending_note(comparison)], width)
    return paint(parts, width, color)


def _heading(text: str, width: int) -> list[Text]:
    return [Text(line, style="bold") for line in wrap(text, max(width, 40))]


def _lines(texts: Iterable[str], width: int) -> list[Text]:
    return [Text(line) for text in texts for line in wrap(text, max(width, 40), subsequent_indent="  ")]


def _plain(
    headings: Sequence[str], rows: Sequence[tuple[str, ...]], importance: Sequence[int], width: int
) -> RenderableType:
    return table(fitted(_columns(headings, importance), rows, width))


def _columns(headings: Sequence[str], importance: Sequence[int]) -> list[Column[tuple[str, ...]]]:
    """Columns of texts, the first of which is a name."""
    return [
        Column(heading, lambda row, i=i: row[i], rank, left=i == 0)  # type: ignore[misc]
        for i, (heading, rank) in enumerate(zip(headings, importance, strict=True))
    ]


def entry_columns(comparison: Comparison) -> list[Column[MachineEntry]]:
    """Columns of a table of machines, those of a narrow terminal and those that only wide ones have room for."""
    reference = comparison.reference

    def measured(entry: MachineEntry) -> str:
        return "-" if entry.measured is None else format_joules(entry.measured.energy_j)

    return [
        Column("machine", title, 0, left=True),
        Column("batch", lambda e: str(e.conditions.batch), 3),
        Column("bits", lambda e: e.conditions.precision, 3),
        Column("boundary", lambda e: e.conditions.boundary, 3),
        Column("stack", lambda e: e.conditions.stack, 3, left=True),
        Column("energy", lambda e: format_joules(e.energy_j), 1),
        Column("ratio", lambda e: times(ratio(e.energy_j, reference.energy_j)), 2),
        Column("latency", lambda e: si(e.latency_s, "s"), 4),
        Column("measured", measured, EXTRA),
        Column("ratio of time", lambda e: times(ratio(e.latency_s, reference.latency_s)), EXTRA),
        Column("inf/J", lambda e: si(e.inferences_per_j), EXTRA),
        Column("inf/s", lambda e: si(e.inferences_per_s), EXTRA),
        Column("EDP", lambda e: si(e.edp_js, "Js"), EXTRA),
        Column("node", lambda e: "-" if e.node_nm is None else f"{e.node_nm:g} nm", EXTRA),
    ]


def _one(cells: Cells) -> Ratio:
    return next(iter(cells.values()))


_MATRIX: list[Column[Cells]] = [
    Column("baseline", lambda cells: title(_one(cells).baseline), 0, left=True),
    Column("batch", lambda cells: str(_one(cells).baseline.conditions.batch), 5),
    Column("bits", lambda cells: _one(cells).baseline.conditions.precision, 2),
    Column("boundary", lambda cells: _one(cells).baseline.conditions.boundary, 2),
    Column("stack", lambda cells: _one(cells).baseline.conditions.stack, 2, left=True),
    Column("over", lambda cells: title(_one(cells).accelerator), 2, left=True),
    *(Column(b.removeprefix("chip") or b, lambda cells, b=b: times(cells[b].energy), 1) for b in ChipBoundary),  # type: ignore[misc]
    Column("time", lambda cells: times(_one(cells).latency), 4),
]


def _breakdown(comparison: Comparison, width: int) -> list[RenderableType]:
    """Energy by component, as many machines as fit."""
    out: list[RenderableType] = []
    for heading, headings, rows in compared.breakdowns(comparison):
        columns = _columns(headings, range(len(headings)))
        shown = fitted(columns, rows, width)
        left = len(columns) - len(shown)
        more = f" ({left} more in a wider terminal)" if left else ""
        out += [Text(), *_heading(heading + more, width), table(shown)]
    return out


# --- plain data ------------------------------------------------------------------------------------------------------
def as_dict(comparison: Comparison, wanted: Wanted) -> dict[str, Any]:
    """Return a comparison as plain data, with the additions that are wanted."""
    data = comparison.to_dict()
    if wanted.all_boundaries:
        data["matrix"] = [each.to_dict() for each in comparison.matrix]
    if wanted.use is not None:
        years = compared.years(comparison, wanted.use)
        of_years = [{"machine": entry.name, **asdict(entry.conditions), **asdict(year)} for entry, year in years]
        data["footprint"] = {"use": asdict(wanted.use), "years": of_years}
    if wanted.links:
        rows = [{**asdict(row), "total_j": asdict(row.total_j)} for row in compared.sendings(comparison, wanted)]
        data["sending"] = {"here": data["reference"], "links": rows}
    return data


def dumps_json(comparison: Comparison, wanted: Wanted) -> str:
    """Return the text of a comparison."""
    return encode(as_dict(comparison, wanted))


def dumps_rows(comparison: Comparison, wanted: Wanted, delimiter: str) -> str:
    """Return a header and one row per machine; with every boundary, one row per cell of the matrix instead."""
    if wanted.all_boundaries:
        return rows_text([each.to_dict() for each in comparison.matrix], delimiter)
    rows = comparison.rows()
    if wanted.use is not None:
        years = {id(entry): of for entry, of in compared.years(comparison, wanted.use)}
        for row, entry in zip(rows, comparison.entries, strict=True):
            row |= _flat(years[id(entry)]) if id(entry) in years else {}
    return rows_text(rows, delimiter)


def _flat(of: Year) -> dict[str, float | None]:
    ends = ("low", "high")
    return {f"{name}_{end}": None if r is None else getattr(r, end) for name, r in vars(of).items() for end in ends}
