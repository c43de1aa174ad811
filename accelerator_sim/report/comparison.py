"""A comparison as tables for a terminal, as JSON, and as rows; every energy and ratio with its four conditions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from textwrap import wrap
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from accelerator_sim.footprint.account import Range, Sending, Use, Year, sending, year
from accelerator_sim.report.columns import EXTRA, Column, fitted, table
from accelerator_sim.report.json import encode
from accelerator_sim.report.numbers import printable, si
from accelerator_sim.report.tables import paint
from accelerator_sim.study.compare import CHIP_BOUNDARIES
from accelerator_sim.study.comparison import Comparison, Entry, Ratio, ratio
from accelerator_sim.study.tabular import rows_text

DATA_CENTRE = "data_centre_gpu"


@dataclass(frozen=True)
class Wanted:
    """What is shown besides the comparison: every boundary, a year's footprint, sending the input away."""

    all_boundaries: bool = False
    use: Use | None = None
    links: tuple[str, ...] = ()
    input_bytes: int | None = None
    """Size of the input when it is sent; None: its words at one byte each."""


def title(entry: Entry) -> str:
    """Return the name of a machine, its process, and a star where the evidence is weak."""
    return f"{entry.name}{'*' if entry.weak else ''}" + (f"→{entry.node_nm:g}nm" if entry.projection else "")


def years(comparison: Comparison, use: Use) -> list[tuple[Entry, Year]]:
    """Return a year of each machine whose energy is known."""
    return [
        (entry, year(entry.energy_j, use, entry.kind == DATA_CENTRE))
        for entry in comparison.entries
        if entry.energy_j is not None
    ]


def sendings(comparison: Comparison, wanted: Wanted) -> list[Sending]:
    """Return what sending the input over each link takes, to the first data-centre machine that is compared."""
    size = comparison.input_words if wanted.input_bytes is None else wanted.input_bytes
    cloud = next((entry.energy_j for entry in comparison.entries if entry.kind == DATA_CENTRE), None)
    return [sending(name, size, cloud) for name in wanted.links]


# --- terminal --------------------------------------------------------------------------------------------------------
def render(comparison: Comparison, wanted: Wanted, width: int = 80, color: bool = False) -> str:
    """Return tables in lines of at most `width` characters."""
    some = comparison.layers < comparison.workload_layers
    part = f" ({comparison.layers} of {comparison.workload_layers} layers)" if some else ""
    head = f"{printable(comparison.workload)}{part}: {comparison.macs:,} MACs, batch {comparison.batch}, per inference"
    parts: list[RenderableType] = [Text(head), Text()]
    styles = ["dim" if entry.projection else "" for entry in comparison.entries]
    parts.append(table(fitted(_entry_columns(comparison), comparison.entries, width), styles))
    parts += [Text(), *(Text(line) for line in _notes(comparison, width))]
    parts += _breakdown(comparison, width)
    if wanted.all_boundaries:
        heading = f"Energy of the baseline over the accelerator's, batch {comparison.batch}, all there are data for"
        parts += [Text(), *_heading(heading, width), table(fitted(_MATRIX, matrix_rows(comparison), width))]
    if wanted.use is not None:
        parts += _year_lines(comparison, wanted.use, width)
    if wanted.links:
        parts += _sending_lines(comparison, wanted, width)
    return paint(parts, width, color)


def _heading(text: str, width: int) -> list[Text]:
    return [Text(line, style="bold") for line in wrap(text, max(width, 40))]


def times(value: float | None) -> str:
    """Return a ratio, as "12.3x"."""
    if value is None:
        return "-"
    return f"{value:.0f}x" if value >= 99.5 else f"{value:.1f}x" if value >= 9.95 else f"{value:.2f}x"


def _entry_columns(comparison: Comparison) -> list[Column[Entry]]:
    reference = comparison.reference

    def measured(entry: Entry) -> str:
        return "-" if entry.measured is None else si(entry.measured.energy_j, "J")

    return [
        Column("machine", title, 0, left=True),
        Column("batch", lambda e: str(e.conditions.batch), 3),
        Column("bits", lambda e: e.conditions.precision, 3),
        Column("boundary", lambda e: e.conditions.boundary, 3),
        Column("stack", lambda e: e.conditions.stack, 3, left=True),
        Column("energy", lambda e: si(e.energy_j, "J"), 1),
        Column("ratio", lambda e: times(ratio(e.energy_j, reference.energy_j)), 2),
        Column("latency", lambda e: si(e.latency_s, "s"), 4),
        Column("measured", measured, EXTRA),
        Column("ratio of time", lambda e: times(ratio(e.latency_s, reference.latency_s)), EXTRA),
        Column("inf/J", lambda e: si(e.inferences_per_j), EXTRA),
        Column("inf/s", lambda e: si(e.inferences_per_s), EXTRA),
        Column("EDP", lambda e: si(e.edp_js, "Js"), EXTRA),
        Column("node", lambda e: f"{e.node_nm:g} nm", EXTRA),
    ]


_Cells = dict[str, Ratio]
"""Ratios over one accelerator by its boundary."""


def matrix_rows(comparison: Comparison) -> list[_Cells]:
    """Return the matrix by baseline, its boundary and stack, and accelerator, one cell a boundary of that."""
    rows: dict[tuple[Any, ...], _Cells] = {}
    for each in comparison.matrix:
        board, chip = each.baseline, each.accelerator
        key = board.name, board.conditions, chip.name, chip.node_nm
        rows.setdefault(key, {})[chip.conditions.boundary] = each
    return list(rows.values())


def _one(cells: _Cells) -> Ratio:
    return next(iter(cells.values()))


_MATRIX: list[Column[_Cells]] = [
    Column("baseline", lambda cells: title(_one(cells).baseline), 0, left=True),
    Column("batch", lambda cells: str(_one(cells).baseline.conditions.batch), 5),
    Column("bits", lambda cells: _one(cells).baseline.conditions.precision, 2),
    Column("boundary", lambda cells: _one(cells).baseline.conditions.boundary, 2),
    Column("stack", lambda cells: _one(cells).baseline.conditions.stack, 2, left=True),
    Column("over", lambda cells: title(_one(cells).accelerator), 2, left=True),
    *(Column(b.removeprefix("chip") or b, lambda cells, b=b: times(cells[b].energy), 1) for b in CHIP_BOUNDARIES),  # type: ignore[misc]
    Column("time", lambda cells: times(_one(cells).latency), 4),
]


def _notes(comparison: Comparison, width: int) -> list[str]:
    """What a reader of the ratios has to know."""
    entries = comparison.entries
    first = comparison.reference
    notes = [
        f"ratio: energy over that of {title(first)}, {first.conditions.boundary}, {first.conditions.precision}, batch"
        f" {first.conditions.batch}, {first.conditions.stack}"
    ]
    for entry in entries:
        if entry.measured is not None:
            notes.append(f"measured: {_beside(entry)}")
    boards = dict.fromkeys(f"{entry.name}: {entry.note}" for entry in entries if entry.kind != "accelerator")
    if boards:
        notes.append("board is what was measured, net is above idle - " + "; ".join(boards))
    if any(entry.projection for entry in entries):
        notes.append(
            "→ N nm: a projection, on-chip energy scaled by Stillmaker and Baas (2017), same clock, DRAM unchanged"
        )
    if any(entry.weak for entry in entries):
        notes.append("* weak: constants not fitted to measurements of this device or stack")
    notes += [f"{entry.name}: {entry.note}" for entry in entries if entry.kind == "accelerator" and entry.note]
    notes += comparison.notes
    return [line for note in notes for line in wrap(note, max(width, 40), subsequent_indent="  ")]


def _beside(entry: Entry) -> str:
    """A measurement and how far the model is from it."""
    measured = entry.measured
    assert measured is not None
    parts = []
    for modelled, value, unit in (
        (entry.energy_j, measured.energy_j, "J"),
        (entry.latency_s, measured.latency_s, "s"),
    ):
        if value is not None and modelled is not None:
            parts.append(f"{si(value, unit)} (the model: {modelled / value - 1.0:+.1%})")
    return f"{entry.name} {', '.join(parts)}"


@dataclass(frozen=True)
class _Share:
    part: str
    cells: tuple[str, ...]


def _breakdown(comparison: Comparison, width: int) -> list[RenderableType]:
    """Energy by component, one table for accelerators and one for baselines."""
    out: list[RenderableType] = []
    for heading, chosen in (
        (
            "Energy by component",
            [e for e in comparison.entries if e.kind == "accelerator" and e.parts and not e.projection],
        ),
        ("Energy of the boards by cause", [e for e in comparison.entries if e.kind != "accelerator"]),
    ):
        if not chosen:
            continue
        parts = list(chosen[0].parts)
        rows = [_Share(part, tuple(si(entry.parts[part], "J") for entry in chosen)) for part in parts]
        columns = [Column[_Share]("", lambda row: row.part, 0, left=True)]
        columns += [
            Column[_Share](title(entry), lambda row, i=i: row.cells[i], i + 1)  # type: ignore[misc]
            for i, entry in enumerate(chosen)
        ]
        shown = fitted(columns, rows, width)
        left = len(columns) - len(shown)
        more = f" ({left} more in a wider terminal)" if left else ""
        out += [Text(), *_heading(heading + more, width), table(shown)]
    return out


def _year_lines(comparison: Comparison, use: Use, width: int) -> list[RenderableType]:
    heading = (
        f"A year of {use.inferences_per_day:,.0f} inferences a day on {use.devices:,} device(s), grid {use.grid}"
        " (data centres with their PUE; nothing counted between inferences)"
    )
    columns: list[Column[tuple[Entry, Year]]] = [
        Column("machine", lambda row: title(row[0]), 0, left=True),
        Column("boundary", lambda row: row[0].conditions.boundary, 2),
        Column("energy", lambda row: _range(row[1].energy_kwh, "Wh", 1000.0), 1),
        Column("CO2e", lambda row: _range(row[1].co2e_kg, "g", 1000.0), 1),
        Column("cost", lambda row: _dollars(row[1].cost_usd), 1),
    ]
    return [Text(), *_heading(heading, width), table(fitted(columns, years(comparison, use), width))]


def _range(value: Range | None, unit: str, factor: float = 1.0) -> str:
    if value is None:
        return "-"
    low, high = si(value.low * factor, unit), si(value.high * factor, unit)
    return low if low == high else f"{low} to {high}"


def _dollars(value: Range | None) -> str:
    if value is None:
        return "-"
    low, high = (f"${v:,.2f}" if v >= 0.01 else f"${v:.1e}" for v in (value.low, value.high))
    return low if low == high else f"{low} to {high}"


def _sending_lines(comparison: Comparison, wanted: Wanted, width: int) -> list[RenderableType]:
    rows = sendings(comparison, wanted)
    local = comparison.reference
    size = si(rows[0].input_bytes, "B")
    assumed = "" if wanted.input_bytes is not None else ", one byte a word and not compressed"
    heading = f"Sending the input away ({size}{assumed}) instead of inferring here"
    columns: list[Column[Sending]] = [
        Column("link", lambda row: row.link, 0, left=True),
        Column("radio here", lambda row: _range(row.radio_j, "J"), 2),
        Column("network", lambda row: _range(row.network_j, "J"), 2),
        Column("cloud", lambda row: _range(row.cloud_j, "J"), 3),
        Column("in all", lambda row: _range(row.total_j, "J"), 1),
        Column("over here", lambda row: _over(row, local), 1),
    ]
    lines: list[RenderableType] = [Text(), *_heading(heading, width), table(fitted(columns, rows, width))]
    clouds = [entry for entry in comparison.entries if entry.kind == DATA_CENTRE]
    cloud = (
        f"the cloud is {title(clouds[0])}, {clouds[0].conditions.boundary}, with PUE"
        if clouds
        else "no data-centre machine is compared, so inferring there is left out"
    )
    text = (
        f"here: {title(local)}, {local.conditions.boundary}, {si(local.energy_j, 'J')}; {cloud}; - : no figure at hand;"
        " the network's energy is an operator's average, not what one byte more takes"
    )
    return lines + [Text(line) for line in wrap(text, max(width, 40), subsequent_indent="  ")]


def _over(row: Sending, local: Entry) -> str:
    low, high = ratio(row.total_j.low, local.energy_j), ratio(row.total_j.high, local.energy_j)
    return times(low) if times(low) == times(high) else f"{times(low)} to {times(high)}"


# --- plain data ------------------------------------------------------------------------------------------------------
def as_dict(comparison: Comparison, wanted: Wanted) -> dict[str, Any]:
    """Return a comparison as plain data, with what else is wanted."""
    data = comparison.to_dict()
    if wanted.all_boundaries:
        data["matrix"] = [each.to_dict() for each in comparison.matrix]
    if wanted.use is not None:
        of_years = [{"machine": e.name, **asdict(e.conditions), **asdict(y)} for e, y in years(comparison, wanted.use)]
        data["footprint"] = {"use": asdict(wanted.use), "years": of_years}
    if wanted.links:
        rows = [{**asdict(row), "total_j": asdict(row.total_j)} for row in sendings(comparison, wanted)]
        data["sending"] = {"here": data["reference"], "links": rows}
    return data


def dumps_json(comparison: Comparison, wanted: Wanted) -> str:
    """Return the text of a comparison."""
    return encode(as_dict(comparison, wanted))


def dumps_rows(comparison: Comparison, wanted: Wanted, delimiter: str) -> str:
    """Return a header and one row a machine; with every boundary, one row a cell of the matrix instead."""
    if wanted.all_boundaries:
        return rows_text([each.to_dict() for each in comparison.matrix], delimiter)
    rows = comparison.rows()
    for row, entry in zip(rows, comparison.entries, strict=True):
        if wanted.use is not None and entry.energy_j is not None:
            row |= _flat(year(entry.energy_j, wanted.use, entry.kind == DATA_CENTRE))
    return rows_text(rows, delimiter)


def _flat(of: Year) -> dict[str, float | None]:
    ends = ("low", "high")
    return {f"{name}_{end}": None if r is None else getattr(r, end) for name, r in vars(of).items() for end in ends}
