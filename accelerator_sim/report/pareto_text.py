"""The front of a sweep in a terminal: a plot of all points in two results, and a table of those that none beats."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from accelerator_sim.files.text import printable
from accelerator_sim.report.columns import Column, fitted, table
from accelerator_sim.report.numbers import si
from accelerator_sim.report.tables import paint
from accelerator_sim.results.tabular import Row
from accelerator_sim.sweeps.axes import path_of, readable
from accelerator_sim.sweeps.database import MACS
from accelerator_sim.sweeps.records import Goal, front_of
from accelerator_sim.technology.energy_unit import EnergyUnit

ROWS = 16
WIDEST = 100
UNITS = {"_js": "Js", "_j": "J", "edp_macs_s": "MAC s", "_s": "s", "_bytes": "B"}

Linked = Sequence[Sequence[str]]
"""Columns of axes that go together, group by group."""


def unit_of(field: str) -> str:
    """Return the unit in which a result is shown."""
    if "_per_" in field:
        return ""
    if field in MACS and not field.endswith("_s"):
        return EnergyUnit.MAC
    return next((unit for end, unit in UNITS.items() if field.endswith(end)), "")


def shown(row: Row, field: str) -> str:
    """Return a result with its unit, for people."""
    value = row.get(field)
    if value is not None and field.endswith(("_mm2", "_kgates")):
        return f"{value:.3g} {field.rpartition('_')[2]}"
    return si(int(value) if isinstance(value, float) and value.is_integer() else value, unit_of(field))


def render_front(
    rows: Sequence[Row], goals: Sequence[Goal], width: int = 80, color: bool = False, linked: Linked = ()
) -> str:
    """Return the plot of the first two goals and the table of the front; one goal is a table alone.

    Rows off the front need their goals only, and energies in MACs, where there are any.
    """
    best = front_of(rows, goals)
    if not best:
        return "no results with " + " and ".join(goal.field for goal in goals) + _hint(rows) + "\n"
    parts: list[RenderableType] = []
    if len(goals) > 1:
        parts += [Text(line) for line in _plot(rows, best, goals[0], goals[1], min(width, WIDEST))]
        parts.append(Text())
    goal_names = ", ".join(map(str, goals))
    parts.append(Text(f"{len(best)} of {len(rows)} points are beaten by none in {goal_names}", style="bold"))
    parts += [Text(), *_records(best, goals, width, linked)]
    return paint(parts, width, color)


def _hint(rows: Sequence[Row]) -> str:
    """What to ask for instead, where results have energies in MACs."""
    in_macs = any(row.get(MACS[0]) is not None for row in rows)
    return f"; results of a normalised technology have {', '.join(MACS)}" if in_macs else ""


def render_records(
    rows: Sequence[Row], goals: Sequence[Goal], width: int = 80, color: bool = False, linked: Linked = ()
) -> str:
    """Return a table of records, as they are ordered.  linked: columns of axes that go together."""
    return paint(_records(rows, goals, width, linked), width, color)


def _records(rows: Sequence[Row], goals: Sequence[Goal], width: int, linked: Linked) -> list[RenderableType]:
    """A table, and under it axes that do not fit into it, and the values that all rows have in common."""
    shown_rows = [row | {"axes": readable(row["axes"])} for row in rows]
    names = list(dict.fromkeys(name for row in shown_rows for name in row["axes"]))
    varied = [name for name in names if _varies(shown_rows, name)]
    followers = {path_of(name): path_of(group[0]) for group in linked for name in group[1:]}
    leaders = [name for name in varied if followers.get(name) not in varied]
    made = fitted(columns(shown_rows, [goal.field for goal in goals], leaders), shown_rows, width)
    whole = {*leaders, goals[0].field} <= {column.heading for column, _ in made}
    if not whole:  # the axes of each row under the table instead
        made = fitted(columns(shown_rows, [goal.field for goal in goals], []), shown_rows, width)
    out: list[RenderableType] = [table(made)]
    if not whole:
        out.append(Text())
        for row in shown_rows:
            values = ", ".join(f"{name} {row['axes'].get(name, '-')}" for name in leaders)
            out.append(Text(printable(f"point {row['point']}: {values}")))
    groups = {name: [other for other in varied if followers.get(other) == name] for name in leaders}
    for name, others in groups.items():
        if others:
            out += [Text(), Text(printable(f"{name} goes with {', '.join(_same_or_not(shown_rows, name, others))}"))]
    common = [
        f"{name} {value}" for name, value in (shown_rows[0]["axes"] if rows else {}).items() if name not in varied
    ]
    if common:
        out += [Text(), Text(printable(f"all: {', '.join(common)}"))]
    return out


def _same_or_not(rows: Sequence[Row], name: str, others: Sequence[str]) -> Iterator[str]:
    """Linked axes; those that have other values, with their values."""
    for other in others:
        pairs = dict.fromkeys((row["axes"].get(name), row["axes"].get(other)) for row in rows)
        same = all(one == two for one, two in pairs)
        yield other if same else f"{other} ({', '.join(f'{one}: {two}' for one, two in pairs)})"


def _varies(rows: Sequence[Row], name: str) -> bool:
    return len({row["axes"].get(name) for row in rows}) > 1


_USUAL = ("latency_s", "energy_total_j", "edp_js", "inferences_per_s", "inferences_per_j", "pes", "utilization")


def columns(rows: Sequence[Row], first: Sequence[str], varied: Sequence[str]) -> list[Column[Row]]:
    """Return the columns of records: what was varied, which stays the longest, then results, those asked for first."""
    usual = [field for field in (*_USUAL, *MACS) if any(row.get(field) is not None for row in rows)]
    fields = [*first, *(field for field in usual if field not in first)]
    out: list[Column[Row]] = [Column("point", lambda row: f"{row['point']}", 1, left=True)]
    out += [
        Column(name, lambda row, n=name: row["axes"].get(n, "-"), 2)  # type: ignore[misc]
        for name in varied
    ]
    out += [Column(field, lambda row, f=field: shown(row, f), 3 + at) for at, field in enumerate(first)]  # type: ignore[misc]
    if len({row["workload"] for row in rows}) > 1 and "workload" not in varied:
        out.append(Column("workload", lambda row: row["workload"], 2, left=True))
    out.append(Column("key", lambda row: row["key"][:10], 3 + len(first), left=True))
    out += [
        Column(field, lambda row, f=field: shown(row, f), 30 + at)  # type: ignore[misc]
        for at, field in enumerate(fields[len(first) :])
    ]
    return out


def _plot(rows: Sequence[Row], best: Sequence[Row], across: Goal, up: Goal, width: int) -> list[str]:
    """Points in the plane of two results: `o` those that none beats, `.` the others; logarithmic where it is wide."""
    points = [(float(r[across.field]), float(r[up.field])) for r in rows if _has(r, across) and _has(r, up)]
    kept = {(float(row[across.field]), float(row[up.field])) for row in best}
    x, y = Scale([p[0] for p in points]), Scale([p[1] for p in points])
    labels = [shown({up.field: y.at(step / (ROWS - 1))}, up.field) for step in range(ROWS)]
    margin = max(map(len, labels)) + 1
    wide = max(width - margin - 1, 20)
    grid = [[" "] * wide for _ in range(ROWS)]
    for point in sorted(points, key=lambda point: point in kept):
        column, line = round(x(point[0]) * (wide - 1)), round(y(point[1]) * (ROWS - 1))
        grid[line][column] = "o" if point in kept else "." if grid[line][column] != "o" else "o"
    out = [up.field]
    for step in reversed(range(ROWS)):
        label = labels[step] if step % 5 == 0 else ""
        out.append(f"{label:>{margin - 1}} |{''.join(grid[step]).rstrip()}")
    out.append(" " * margin + "+" + "-" * (wide - 1))
    low, high = shown({across.field: x.at(0.0)}, across.field), shown({across.field: x.at(1.0)}, across.field)
    middle = across.field + (" (logarithmic)" if x.logarithmic else "")
    out.append(" " * margin + low + middle.center(wide - len(low) - len(high)) + high)
    return out


def _has(row: Row, goal: Goal) -> bool:
    return row.get(goal.field) is not None


class Scale:
    """Values to fractions from 0 to 1; logarithmic where they are wide."""

    def __init__(self, values: Sequence[float]) -> None:
        self._low, self._high = min(values), max(values)
        self.logarithmic = self._low > 0 and self._high / self._low > 20

    def __call__(self, value: float) -> float:
        if self._low == self._high:
            return 0.5
        if self.logarithmic:
            return math.log(value / self._low, self._high / self._low)
        return (value - self._low) / (self._high - self._low)

    def at(self, fraction: float) -> float:
        """Return the value at a fraction (0 to 1) of the scale."""
        if self.logarithmic:
            return float(self._low * (self._high / self._low) ** fraction)
        return self._low + (self._high - self._low) * fraction
