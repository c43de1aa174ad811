"""The page of a sweep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from accelerator_sim.files.text import printable
from accelerator_sim.files.units import DIMENSIONS, split_quantity
from accelerator_sim.report import verdicts
from accelerator_sim.report.html import page
from accelerator_sim.report.html.charts import Chart
from accelerator_sim.report.html.page import Card, Cell, Notice, PageColumn
from accelerator_sim.report.html.parallel import Upright, parallel, upright
from accelerator_sim.report.html.plane import KINDS, Axis, axis_of, data, plane
from accelerator_sim.report.html.scatter import mark
from accelerator_sim.report.pareto_text import shown
from accelerator_sim.results.provenance import Provenance
from accelerator_sim.results.tabular import Row
from accelerator_sim.sweeps.axes import readable
from accelerator_sim.sweeps.database import FIGURES, MACS
from accelerator_sim.sweeps.records import MORE, Goal, best, by_point, front_of, last_stage
from accelerator_sim.sweeps.spec import SweepMode, SweepPlan
from accelerator_sim.sweeps.sweep_run import Failure, Summary

_FIGURES = (*FIGURES, *MACS)
MOST = 2000
"""Points that are drawn and listed, and failed ones that are listed."""
KEY = 12
"""Characters of a key that are shown; `simulate --from` takes its beginning."""


def dumps(
    sweep: SweepPlan, summary: Summary, rows: Sequence[Row], goals: Sequence[Goal], provenance: Provenance
) -> str:
    """Return the page of a sweep: one HTML file that loads nothing, the same bytes for the same input.

    rows: all results of the sweep in its store; goals: the objectives, the first two of which are the axes at first.
    """
    rows = [row | {"axes": readable(row["axes"])} for row in rows]
    points = by_point(last_stage(rows))
    failed = [row for row in rows if row["status"] == "failed"]
    front = front_of(points, goals)
    fields = _varied(points, goals)
    drawn = _drawn(points, front, goals, fields)
    at_front = {row["point"] for row in front}
    table = _Table(drawn, fields, at_front)
    axes = [axis_of(field, [row.get(field) for row in drawn], _most(field, goals)) for field in fields]
    chosen = _chosen(axes, goals)
    marked = _front(drawn, chosen) if chosen else []
    return page.render(
        "sweep.html.j2",
        name=_name(sweep),
        verdict=verdicts.of_sweep(len(points), front, goals, {row["point"]: row["axes"] for row in front}),
        setup=_setup(sweep),
        notices=list(_notices(summary, points, drawn, failed)),
        cards=list(_cards(summary, rows, points, failed, front, goals)),
        chart=_chart(drawn, table, chosen, marked) if chosen else None,
        caption=_caption(drawn, chosen, marked) if chosen else "",
        axes=axes,
        chosen=[axis.field for axis in chosen],
        colors=[(column, table.columns[column].heading) for column in (*table.varied, *map(table.column, fields))],
        parallel=_parallel(table, axes, goals, {at for at, row in enumerate(drawn) if row["point"] in at_front}),
        causes=[(failure.error, f"{failure.results:,}", _first(failure)) for failure in summary.failed],
        data=data(axes, [table.column(field) for field in fields], table.varied) if chosen else None,
        columns=table.columns,
        rows=table.rows,
        same=list(_same(points, fields)),
        failed_columns=_failed_columns(failed),
        failed=[_failed_row(row) for row in failed[:MOST]],
        key=next((row["key"][:KEY] for row in front), None),
        provenance=provenance,
        settings=list(_settings(sweep, goals)),
        assumptions=list(_assumptions(sweep, goals)),
    )


def _name(sweep: SweepPlan) -> str:
    return sweep.spec.architecture.removesuffix(".yaml")


def _setup(sweep: SweepPlan) -> str:
    spec = sweep.spec
    count = len(sweep.axes)
    networks = ", ".join(spec.workloads) or "networks by the axis workload"
    passes = " then ".join(stage.fidelity for stage in sweep.stages)
    how = "all combinations" if spec.mode is SweepMode.GRID else f"{spec.samples} points, {spec.mode}"
    return f"{networks}; {count} {'axis' if count == 1 else 'axes'}, {how}; {passes}"


def _notices(summary: Summary, points: Sequence[Row], drawn: Sequence[Row], failed: Sequence[Row]) -> Iterator[Notice]:
    if summary.interrupted:
        yield Notice("error", "The sweep was interrupted; this page has what was finished until then.")
    if failed:
        has = "1 result" if len(failed) == 1 else f"{len(failed):,} results"
        listed = "they are" if len(failed) <= MOST else f"the first {MOST:,} are"
        yield Notice("error", f"{has} failed; {listed} listed below with their errors.")
    if len(drawn) < len(points):
        text = (
            f"{len(drawn):,} of {len(points):,} points are drawn and listed: the front of the objectives and of other"
            " pairs of results first, the rest spread evenly by the number of the point. The cards count all."
        )
        yield Notice("note", text)


def _cards(
    summary: Summary,
    rows: Sequence[Row],
    points: Sequence[Row],
    failed: Sequence[Row],
    front: Sequence[Row],
    goals: Sequence[Goal],
) -> Iterator[Card]:
    yield Card(
        "points", f"{summary.points:,}", f"{summary.excluded:,} more break a constraint" * bool(summary.excluded)
    )
    stages = len({row["stage"] for row in rows})
    yield Card("results", f"{len(rows):,}", f"of {stages} stages" if stages > 1 else "")
    yield Card("failed", f"{len(failed):,}")
    yield Card("on the front", f"{len(front):,}", "beaten by none in " + ", ".join(map(str, goals)))
    for goal in goals:
        best_rows = best(points, goal, 1)
        text = shown(best_rows[0], goal.field) if best_rows else "-"
        yield Card(f"{'most' if goal.most else 'least'} {goal.field}", text, _where(best_rows[0]) if best_rows else "")


def _where(row: Row) -> str:
    """A point and the values of its axes on one line."""
    axes = _values_of(row)
    return printable(f"point {row['point']}" + (f": {axes}" if axes else ""))


def _values_of(row: Row) -> str:
    return ", ".join(f"{name} {value}" for name, value in row["axes"].items())


# --- what is shown ---------------------------------------------------------------------------------------------------
def _varied(points: Sequence[Row], goals: Sequence[Goal]) -> list[str]:
    """The results that differ between points, after the objectives, which are kept in any case."""
    asked = list(dict.fromkeys(goal.field for goal in goals))
    values = {field: {row.get(field) for row in points} - {None} for field in _FIGURES}
    return [field for field in asked if values[field]] + [
        field for field in _FIGURES if len(values[field]) > 1 and field not in asked
    ]


def _same(points: Sequence[Row], fields: Sequence[str]) -> Iterator[tuple[str, str]]:
    for field in _FIGURES:
        row = next((row for row in points if row.get(field) is not None), None)
        if field not in fields and row is not None:
            yield field, shown(row, field)


def _drawn(points: Sequence[Row], front: Sequence[Row], goals: Sequence[Goal], fields: Sequence[str]) -> list[Row]:
    """At most MOST points by their order: whole fronts of the first two objectives, then other fronts, then the rest.

    What does not fit is taken evenly by its order.
    """
    if len(points) <= MOST:
        return list(points)
    index_of = {row["point"]: at for at, row in enumerate(points)}
    first = front_of(points, goals[:2]) + [row for goal in goals for row in best(points, goal, 1)]
    kept: set[int] = set()
    groups: list[tuple[Iterable[int], int]] = [
        ((index_of[row["point"]] for row in first), 1),
        ((index_of[row["point"]] for row in front), 1),
        (_fronts(points, {field: _most(field, goals) for field in fields}), 2),
        ((at for at, row in enumerate(points) if row["status"] != "failed"), 1),
        (range(len(points)), 1),
    ]
    for group, share in groups:
        fresh = sorted(set(group) - kept)
        room = (MOST - len(kept)) // share  # half of it at most for fronts that are not asked for yet
        kept.update(fresh if len(fresh) <= room else (fresh[k * len(fresh) // room] for k in range(room)))
    return [points[at] for at in sorted(kept)]


def _most(field: str, goals: Sequence[Goal]) -> bool:
    """Whether more of a result is better: as in the objectives, else as is usual."""
    return next((goal.most for goal in goals if goal.field == field), field in MORE)


def _fronts(points: Sequence[Row], most: Mapping[str, bool]) -> set[int]:
    """The places of the points that are on the front of any two results; `most`: those of which more is better."""
    fields = list(most)
    whole = np.array([at for at, row in enumerate(points) if all(row.get(field) is not None for field in fields)], int)
    if not len(whole):
        return set()
    costs = {f: np.array([points[at][f] for at in whole], float) * (-1.0 if most[f] else 1.0) for f in fields}
    out: set[int] = set()
    for nth, across in enumerate(fields):
        order = np.argsort(costs[across], kind="stable")
        starts = np.flatnonzero(np.diff(costs[across][order], prepend=-np.inf))
        for up in fields[nth + 1 :]:
            least = np.minimum.reduceat(costs[up][order], starts)
            before = np.minimum.accumulate(np.concatenate([[np.inf], least[:-1]]))
            steps = np.flatnonzero(least < before)
            ends = np.append(starts, len(order))
            for step in steps:
                group = order[ends[step] : ends[step + 1]]
                out |= set(whole[group[costs[up][group] == least[step]]].tolist())
    return out


class _Table:
    """The table of all points that are shown: axes as far as they vary, results, the key."""

    def __init__(self, rows: Sequence[Row], fields: Sequence[str], front: set[int]) -> None:
        names = list(dict.fromkeys(name for row in rows for name in row["axes"]))
        axes = {name: _axis_cells([row["axes"].get(name, "-") for row in rows]) for name in names}
        networks = len({row["workload"] for row in rows}) > 1 and "workload" not in axes
        self.columns = [PageColumn("point"), PageColumn("standing", numeric=False)]
        self.columns += [
            PageColumn(printable(name), numeric=all(isinstance(cell.value, float) for cell in cells))
            for name, cells in axes.items()
        ]
        self.columns += [PageColumn(field) for field in fields]
        self.columns += [PageColumn("workload", numeric=False)] * networks + [PageColumn("key", numeric=False)]
        self.varied = range(2, 2 + len(axes))
        self._fields = list(fields)
        self.rows = [
            [
                Cell(str(row["point"]), row["point"]),
                Cell(standing, standing),
                *(cells[at] for cells in axes.values()),
                *(Cell(shown(row, field), -1 if row.get(field) is None else row[field]) for field in fields),
                *[Cell(row["workload"], row["workload"])] * networks,
                Cell(_keys(row), row["key"]),
            ]
            for at, row in enumerate(rows)
            for standing in [
                "front" if row["point"] in front else "failed" if row["status"] == "failed" else "beaten",
            ]
        ]

    def column(self, field: str) -> int:
        """Return the place of the column of a result."""
        return 2 + len(self.varied) + self._fields.index(field)

    def tip(self, at: int, fields: Sequence[str]) -> str:
        """Return the text of a point's tooltip, same as in the script."""
        cells = self.rows[at]
        wanted = [*self.varied, *map(self.column, fields)]
        lines = [f"{self.columns[column].heading}: {cells[column].text}" for column in wanted]
        return "\n".join([f"point {cells[0].text}", *lines, f"key: {cells[-1].text}"])


def _keys(row: Row) -> str:
    return " ".join(key[:KEY] for key in row["key"].split(","))


def _axis_cells(texts: Sequence[str]) -> list[Cell]:
    """The cells of an axis, to be sorted as numbers if all of its values are quantities of one kind."""
    known = {text: _quantity(text) for text in texts}
    units = {quantity[1] for quantity in known.values() if quantity is not None}
    if None in known.values() or len(units) > 1:
        return [Cell(text, text) for text in texts]
    return [Cell(text, quantity[0]) for text in texts if (quantity := known[text]) is not None]


def _quantity(text: str) -> tuple[float, str] | None:
    """A number in base units and its kind, "" without a unit; None for anything else."""
    quantity = split_quantity(text)
    if quantity is None:
        return None
    number, unit = quantity
    if not unit:
        return float(number), ""
    return next(((float(number * each.units[unit]), each.name) for each in DIMENSIONS if unit in each.units), None)


# --- the plane -------------------------------------------------------------------------------------------------------
def _chosen(axes: Sequence[Axis], goals: Sequence[Goal]) -> list[Axis]:
    """The two axes at first: of the first two objectives, else of the next results; none where there is no result."""
    by_field = {axis.field: axis for axis in axes}
    wanted = [goal.field for goal in goals] + ["energy_total_j", "latency_s", *by_field]
    available = [by_field[field] for field in dict.fromkeys(wanted) if field in by_field]
    return (available * 2)[:2]


def _chart(drawn: Sequence[Row], table: _Table, chosen: Sequence[Axis], front: Sequence[int]) -> Chart:
    across, up = chosen
    fields = list(dict.fromkeys((across.field, up.field)))
    tips = [table.tip(at, fields) for at in range(len(drawn))]
    names = {"front": "beaten by no other point in both results", "beaten": "beaten"}
    return Chart(
        "Two results of every point",
        plane(across, up, front, tips),
        marks=tuple((kind, mark(kind, KINDS), name) for kind, name in names.items()),
    )


def _front(drawn: Sequence[Row], chosen: Sequence[Axis]) -> list[int]:
    """The places of the points that none beats in the chosen results."""
    index_of = {row["point"]: at for at, row in enumerate(drawn)}
    return [index_of[row["point"]] for row in front_of(drawn, [Goal(axis.field, axis.most) for axis in chosen])]


def _caption(drawn: Sequence[Row], chosen: Sequence[Axis], front: Sequence[int]) -> str:
    """How large the front is; the script writes the same for other axes."""
    have = sum(all(row.get(axis.field) is not None for axis in chosen) for row in drawn)
    goals = " and ".join(f"{'most' if axis.most else 'least'} {axis.field}" for axis in chosen)
    return f"Of {have} points, {len(front)} are beaten by none in {goals}."


def _parallel(table: _Table, axes: Sequence[Axis], goals: Sequence[Goal], front: set[int]) -> Chart | None:
    """The axes that vary and the objectives, side by side; None where nothing varies."""
    wanted = {goal.field for goal in goals}
    uprights = []
    for column in table.varied:
        cells = [row[column] for row in table.rows]
        if len({cell.value for cell in cells}) > 1:
            texts = [cell.text for cell in cells]
            uprights.append(upright(table.columns[column].heading, [cell.value for cell in cells], texts))
    if not uprights:
        return None
    uprights += [Upright(axis.field, axis.places, axis.ticks) for axis in axes if axis.field in wanted]
    marks = (("front", "beaten by none in all objectives"), ("beaten", "beaten"))
    return Chart(
        "Axes and objectives side by side",
        parallel(uprights, front),
        marks,
        "A line is a point. Values that are set are spaced evenly; of many points not all are drawn.",
    )


# --- failed points ---------------------------------------------------------------------------------------------------
def _failed_columns(failed: Sequence[Row]) -> list[PageColumn]:
    return [
        PageColumn("point"),
        PageColumn("stage"),
        *(PageColumn(n, numeric=False) for n in ("workload", "axes", "error")),
    ]


def _first(failure: Failure) -> str:
    return f"point {failure.point}, {failure.workload}"


def _failed_row(row: Row) -> list[Cell]:
    words = (row["workload"], _values_of(row), str(row["error"]))
    return [
        Cell(str(row["point"]), row["point"]),
        Cell(str(row["stage"] + 1), row["stage"] + 1),
        *(Cell(word, word) for word in words),
    ]


# --- where it comes from ---------------------------------------------------------------------------------------------
def _settings(sweep: SweepPlan, goals: Sequence[Goal]) -> Iterator[tuple[str, str]]:
    spec = sweep.spec
    yield "mode", spec.mode
    if spec.samples is not None:
        yield "samples", str(spec.samples)
    yield "seed", str(spec.seed)
    for at, stage in enumerate(sweep.stages):
        name = "fidelity" if len(sweep.stages) == 1 else f"stage {at + 1}"
        yield name, stage.fidelity + (f", the best {stage.best} by {stage.by}" if stage.best else "")
    yield "mappings for", spec.objective
    yield "batch", str(spec.batch)
    yield "objectives", ", ".join(map(str, goals))
    for axis in sweep.axes:
        for at, name in enumerate(axis.names):
            yield printable(f"axis {name}"), _values([value[at] for value in axis.values])
    yield from (("constraint", text) for text in spec.constraints)
    yield from (("linked", ", ".join(names)) for names in spec.linked)


def _values(values: Sequence[str], most: int = 12) -> str:
    """The values of an axis; of many the first ones and the last."""
    if len(values) <= most:
        return ", ".join(values)
    return f"{', '.join(values[: most - 2])}, ..., {values[-1]} ({len(values)} values)"


def _assumptions(sweep: SweepPlan, goals: Sequence[Goal]) -> Iterator[str]:
    yield "A point is on the front if no other is at least as good in all objectives and better in one."
    if len(sweep.spec.workloads) > 1:
        yield "Networks of a point run one after the other: times and energies are added up."
    if len(sweep.stages) > 1:
        yield "Points are those of the last stage that has results; the stages before chose them."
    yield "Each point has the mappings that are the best on its own machine of all that were searched."
