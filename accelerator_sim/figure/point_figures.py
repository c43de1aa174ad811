"""Figures of points: the roofline of a network, and the points of a sweep in two results, in all axes, or along one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from accelerator_sim.figure.canvas import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    RED,
    Axes,
    Drawing,
    engineering,
    logarithmic,
    new_figure,
)
from accelerator_sim.files.errors import UsageError, did_you_mean
from accelerator_sim.files.text import printable
from accelerator_sim.report.html.charts import KINDS, NAMED_POINTS, bandwidth, kind_of
from accelerator_sim.report.names import partial
from accelerator_sim.report.numbers import si
from accelerator_sim.report.pareto_text import unit_of
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.tabular import Row
from accelerator_sim.sweeps.axes import path_of
from accelerator_sim.sweeps.opened import Sweep
from accelerator_sim.sweeps.records import Goal, flat, front_of

_KIND_MARKS = {
    "conv": ("o", BLUE), "grouped": ("s", ORANGE), "fc": ("D", GREEN), "gemm": ("^", PINK), "matmul": ("v", RED),
}  # fmt: skip
_FAR = 30.0
"""Ratio of largest to least value from which an axis is logarithmic."""


def roofline(result: NetworkResult) -> Drawing:
    """Return issued MACs per second over issued MACs per DRAM byte of each layer, under the limits of the machine.

    Raises UsageError where no layer has both.
    """
    architecture = result.architecture
    points = [
        (
            layer,
            outcome.counts.macs_issued / layer.dram_bytes,
            outcome.counts.macs_issued * architecture.clock / outcome.timing.cycles,
            outcome.timing.cycles,
        )
        for layer, outcome, _ in result.finished
        if outcome.counts.macs_issued and outcome.timing.cycles and layer.dram_bytes
    ]
    if not points:
        raise UsageError(f"no layer of {result.workload} has both MACs and off-chip traffic to draw")
    figure = new_figure(6.5, 4.6)
    axes = figure.add_subplot()
    slowest = max(cycles for *_, cycles in points)
    for kind, (mark, color) in _KIND_MARKS.items():
        some = [point for point in points if kind_of(point[0]) == kind]
        sizes = [15.0 + 90.0 * cycles / slowest for *_, cycles in some]
        if some:
            axes.scatter(
                [x for _, x, _, _ in some], [y for _, _, y, _ in some], s=sizes, marker=mark, color=color,
                edgecolors="white", linewidths=0.5, label=KINDS[kind], zorder=3,
            )  # fmt: skip
    _name_points(axes, sorted(points, key=lambda point: -point[3])[:NAMED_POINTS])
    peak, most = architecture.macs_per_cycle * architecture.clock, bandwidth(result)
    left, right = min(x for _, x, _, _ in points) / 3.0, max(x for _, x, _, _ in points) * 3.0
    ridge = peak / most if math.isfinite(most) else left
    axes.plot([max(ridge, left), max(right, 3 * ridge)], [peak, peak], color=DARK, linewidth=1)
    axes.annotate(
        f"peak {si(peak, 'MAC/s')}", (max(right, 3 * ridge), peak), (0, 4), textcoords="offset points", ha="right"
    )
    if math.isfinite(most):
        axes.plot([min(left, ridge / 3), ridge], [min(left, ridge / 3) * most, peak], color=DARK, linewidth=1)
        axes.annotate(
            f"DRAM {si(most, 'B/s')}", (ridge, peak), (-4, -2), textcoords="offset points", ha="right", va="bottom"
        )
    logarithmic(axes.xaxis, "")
    logarithmic(axes.yaxis, "MAC/s")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("issued MACs per DRAM byte")
    axes.grid(color="#ececea", zorder=0)
    axes.legend(loc="lower right", frameon=False)
    name = printable(f"{result.workload} on {architecture.name}")
    axes.set_title(f"Roofline of {name}{partial(result)}; larger marks take longer", loc="left")
    return figure


def _name_points(axes: Axes, points: Sequence[tuple[Any, float, float, int]]) -> None:
    """Name points where no name stands near."""
    placed: list[tuple[float, float]] = []
    for layer, x, y, _ in points:
        here = math.log10(x), math.log10(y)
        if all(abs(here[0] - a) > 0.35 or abs(here[1] - b) > 0.09 for a, b in placed):
            axes.annotate(printable(layer.layer.name), (x, y), (5, 4), textcoords="offset points", fontsize=8)
            placed.append(here)


def pareto(sweep: Sweep, x: str = "", y: str = "", color: str = "") -> Drawing:
    """Return all points of a sweep in two results, with the front of the two.

    x, y: results, the first two objectives of the sweep for none; color: an axis or a result that colours the points,
    none for "".

    Raises UsageError for unknown names, and where no point has both results.
    """
    names = [goal.field for goal in sweep.goals()] + ["energy_total_j", "cycles"]
    first = x or names[0]
    across, up = sweep.goals(first, y or next(name for name in names if name != first))
    points = _with(sweep, [across, up])
    figure = new_figure(6.5, 4.6)
    axes = figure.add_subplot()
    best = front_of(points, [across, up])
    xs, ys = ([row[goal.field] for row in points] for goal in (across, up))
    if color:
        _colored(figure, axes, points, xs, ys, color)
    else:
        axes.scatter(xs, ys, s=12, color=GREY, alpha=0.6, label=f"{len(points):,} points", zorder=2)
    style = {"color": RED, "linewidth": 1.2, "marker": "o", "markersize": 4, "zorder": 3}
    axes.plot(*_stairs(best, across, up), color=RED, linewidth=1.2, zorder=3)
    ends = [[row[goal.field] for row in best] for goal in (across, up)]
    axes.plot(*ends, **(style | {"linewidth": 0}), label=f"{len(best)} that no other beats")
    for axis, goal, values in ((axes.xaxis, across, xs), (axes.yaxis, up, ys)):
        _scaled(axis, goal.field, values)
    axes.set_xlabel(str(across))
    axes.set_ylabel(str(up))
    axes.grid(color="#ececea", zorder=0)
    axes.legend(frameon=False)
    axes.set_title(_title(sweep), loc="left")
    return figure


def _stairs(best: Sequence[Row], across: Goal, up: Goal) -> tuple[list[float], list[float]]:
    """The edge of what the front beats: right-angled from each of its points to the next."""
    xs: list[float] = []
    ys: list[float] = []
    for row in best:
        if xs:
            xs.append(row[across.field])
            ys.append(ys[-1])
        xs.append(row[across.field])
        ys.append(row[up.field])
    return xs, ys


def parallel(sweep: Sweep, color: str = "") -> Drawing:
    """Return parallel coordinates: each axis of a sweep and its objectives side by side, a line for each point.

    color: the result that colours the lines, the first objective for "".  Raises UsageError as `pareto`.
    """
    goals = sweep.goals()
    shade = sweep.goals(color)[0] if color else goals[0]
    points = sorted(_with(sweep, list(dict.fromkeys([*goals, shade]))), key=shade.cost, reverse=True)  # type: ignore[arg-type]
    rows = [flat(row) for row in points]
    fields = [name for name in _axes_of(sweep, points) if len({row[name] for row in rows}) > 1]
    fields += [goal.field for goal in dict.fromkeys([*goals, shade])]
    figure = new_figure(max(5.0, 1.35 * len(fields)), 4.2)
    axes = figure.add_subplot()
    places = [_places([row[name] for row in rows]) for name in fields]
    ranks = {cost: rank for rank, cost in enumerate(sorted({shade.cost(row) for row in points}))}  # type: ignore[type-var]
    shades = _shades()
    for at, row in enumerate(points):
        part = ranks[shade.cost(row)] / max(len(ranks) - 1, 1)
        axes.plot(range(len(fields)), [place[at] for place, _ in places], color=shades(part), linewidth=0.8, alpha=0.7)
    for at, (name, (_, ticks)) in enumerate(zip(fields, places, strict=True)):
        axes.axvline(at, color=GREY, linewidth=0.8)
        for place, value in ticks:
            axes.annotate(
                _shown(name, value), (at, place), (3, 0), textcoords="offset points", fontsize=7, va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8}, zorder=4,
            )  # fmt: skip
    labels = [path_of(name) if name in points[0]["axes"] else name for name in fields]
    axes.set_xticks(range(len(fields)), labels, rotation=25, ha="right")
    axes.set_xlim(-0.1, len(fields) - 0.5)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_title(f"{_title(sweep)}: dark lines have the best {shade.field}", loc="left")
    return figure


def trend(sweep: Sweep, x: str = "", y: str = "") -> Drawing:
    """Return the best of a result at each value of one axis of a sweep, over all its other axes, network by network.

    x: an axis, the first one for ""; y: a result, the first objective for "".  Raises UsageError as `pareto`.
    """
    goal = sweep.goals(y)[0] if y else sweep.goals()[0]
    rows = [row for row in sweep.last_rows() if goal.cost(row) is not None]
    if not rows:
        raise UsageError(f"{sweep.store}: no result has {goal.field}")
    name = _axis_named(sweep, rows, x)
    figure = new_figure(6.5, 4.2)
    axes = figure.add_subplot()
    chosen = [flat(row)[name] for row in rows]
    values = list(dict.fromkeys(sorted(chosen, key=_order)))
    numbers = all(isinstance(value, int | float) and math.isfinite(value) for value in values)
    for workload in dict.fromkeys(row["workload"] for row in rows):
        best = []
        for value in values:
            here = [row for row, at in zip(rows, chosen, strict=True) if row["workload"] == workload and at == value]
            best.append(min(here, key=goal.cost)[goal.field] if here else math.nan)  # type: ignore[arg-type]
        axes.plot(values if numbers else range(len(values)), best, marker="o", markersize=4, label=printable(workload))
    if not numbers:
        axes.set_xticks(range(len(values)), [str(value) for value in values])
    else:
        _scaled(axes.xaxis, name, values)
    _scaled(axes.yaxis, goal.field, [row[goal.field] for row in rows])
    axes.set_xlabel(path_of(name))
    axes.set_ylabel(str(goal))
    axes.grid(color="#ececea", zorder=0)
    axes.legend(frameon=False)
    others = len(_axes_of(sweep, rows)) - 1
    axes.set_title(_title(sweep) + (f": the best over {others} other axes" if others else ""), loc="left")
    return figure


def _order(value: object) -> tuple[int, float, str]:
    return (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, str(value))


def _with(sweep: Sweep, goals: Sequence[Goal]) -> list[Row]:
    """The points that have all results."""
    points = [row for row in sweep.points() if all(goal.cost(row) is not None for goal in goals)]
    if not points:
        raise UsageError(f"{sweep.store}: no point has {' and '.join(goal.field for goal in goals)}")
    return points


def _axes_of(sweep: Sweep, rows: Sequence[Row]) -> list[str]:
    """Columns of the axes, of linked ones the first."""
    second = {column for group in sweep.about.linked for column in group[1:]}
    return [name for name in dict.fromkeys(name for row in rows for name in row["axes"]) if name not in second]


def _axis_named(sweep: Sweep, rows: Sequence[Row], asked: str) -> str:
    known: dict[str, str] = {path_of(name): name for row in rows for name in row["axes"]}
    if not asked:
        return next(iter(_axes_of(sweep, rows)))
    if asked not in (*known, *known.values()):
        raise UsageError(f"no axis {asked!r}{did_you_mean(asked, known)}; axes: {', '.join(known)}")
    return known.get(asked, asked)


def _colored(
    figure: Drawing, axes: Axes, points: Sequence[Row], xs: Sequence[float], ys: Sequence[float], color: str
) -> None:
    """Points coloured by an axis or a result: by a scale where it has many values, by a legend where it has few."""
    rows = [flat(row) for row in points]
    known = {path_of(name): name for row in points for name in row["axes"]} | {name: name for name in rows[0]}
    if color not in known:
        raise UsageError(f"no axis or result {color!r}{did_you_mean(color, known)}")
    values = [row.get(known[color]) for row in rows]
    different = sorted(set(values), key=_order)
    if len(different) > 8 and all(isinstance(value, int | float) for value in different):
        drawn = axes.scatter(xs, ys, s=14, c=values, cmap="viridis", zorder=2)
        figure.colorbar(drawn, ax=axes, label=color)
        return
    shades = _shades()
    for at, value in enumerate(different):
        some = [i for i, each in enumerate(values) if each == value]
        shade = shades(1.0 - at / max(len(different) - 1, 1))
        label = f"{color} {_shown(known[color], value)}"
        axes.scatter([xs[i] for i in some], [ys[i] for i in some], s=14, color=shade, label=label, zorder=2)


def _shades() -> Any:
    """Colours from dark, for 0, to light, for 1."""
    import matplotlib

    scale = matplotlib.colormaps["viridis"]
    return lambda part: scale(0.92 * part)


def _places(values: Sequence[Any]) -> tuple[list[float], list[tuple[float, Any]]]:
    """Where values lie on an axis from 0 to 1, and some of them as ticks: all of few, the ends of many."""
    different = sorted(set(values), key=_order)
    steps = len(different) <= 8 or not all(
        isinstance(value, int | float) and math.isfinite(value) for value in different
    )
    if steps:
        place = {value: at / max(len(different) - 1, 1) for at, value in enumerate(different)}
        shown = different if len(different) <= 8 else [different[0], different[-1]]
        return [place[value] for value in values], [(place[value], value) for value in shown]
    low, high = float(different[0]), float(different[-1])
    far = low > 0 and high / low > _FAR
    line = [(math.log(float(v) / low) / math.log(high / low) if far else (v - low) / (high - low)) for v in values]
    return line, [(0.0, low), (1.0, high)]


def _shown(name: str, value: Any) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return printable(str(value))
    ends = (("_bytes_per_s", "B/s"), ("_bytes", "B"), ("_bits", "bit"), ("_hz", "Hz"), ("_m", "m"))
    unit = unit_of(name) or next((unit for end, unit in ends if name.endswith(end)), "")
    return si(int(value) if float(value).is_integer() and abs(value) < 1e15 else value, unit)


def _scaled(axis: Any, name: str, values: Sequence[Any]) -> None:
    """Give an axis the unit of its values, and a logarithmic scale where they are far apart."""
    unit = _shown(name, 1.5).partition(" ")[2]
    if min(values) > 0 and max(values) / min(values) > _FAR:
        logarithmic(axis, unit)
    else:
        engineering(axis, unit)


def _title(sweep: Sweep) -> str:
    return printable(sweep.store.stem)
