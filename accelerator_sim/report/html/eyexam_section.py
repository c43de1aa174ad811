"""The bounds of Eyexam on a page: the waterfall of a network, and the steps of one layer."""

from __future__ import annotations

from dataclasses import dataclass

from accelerator_sim.eyexam.bounds import STEPS, Examination
from accelerator_sim.eyexam.explanation import Explanation
from accelerator_sim.report.explanation_text import cause_rows, change_rows, rate
from accelerator_sim.report.html.bars import Bar, Segment, stacked_bars
from accelerator_sim.report.html.charts import Chart
from accelerator_sim.report.html.svg import short
from accelerator_sim.report.numbers import percent, si


@dataclass(frozen=True)
class StepRow:
    """A line of the table of one layer: what is printed, and where its bar lies, in percent of the actual cycles."""

    cells: tuple[str, str, str, str]
    kind: str
    left: str
    width: str


@dataclass(frozen=True)
class BoundsOfNetwork:
    """The part of a page about the bounds of a network: the waterfall, and layers grouped by cause."""

    chart: Chart
    causes: tuple[tuple[str, ...], ...]
    changes: tuple[tuple[str, ...], ...] = ()
    """Changes of the machine that were simulated, the most helpful first."""


def whole(explanation: Explanation) -> BoundsOfNetwork | None:
    """Return the bounds of a network; None where no layer has any."""
    if not explanation.explained:
        return None
    return BoundsOfNetwork(_waterfall(explanation), tuple(cause_rows(explanation)), tuple(change_rows(explanation)))


def _waterfall(explanation: Explanation) -> Chart:
    """Cycles from the peak of the machine to what the network takes, with what each step of Eyexam adds."""
    run = explanation.run
    peak, others, total = explanation.peak_cycles, explanation.other_cycles, run.totals.cycles
    bars = [Bar("peak of the PEs", (Segment("busy", peak),), si(round(peak)), f"all lanes busy: {peak:,.0f} cycles")]
    before, parts = peak, [Segment("busy", peak)]
    named = [(f"step{number}", f"{number} {name}", lost) for number, (name, lost) in _numbered(explanation)]
    if others > 0:
        named.append(("dram", "layers without MACs", others))
    for kind, name, lost in named:
        tip = f"{name}\n{lost:,.0f} cycles, {percent(lost / total)}% of the network"
        bars.append(Bar(name, (Segment("gap", before), Segment(kind, lost)), f"+{percent(lost / total)}%", tip))
        parts.append(Segment(kind, lost))
        before += lost
    bars.append(Bar("the network", tuple(parts), si(total), f"{total:,} cycles"))
    title = f"From the peak to the actual cycles of {run.workload} on {run.architecture.name}"
    return Chart(
        f"From the peak to the actual cycles on {run.architecture.name}, by the steps of Eyexam",
        stacked_bars(title, bars, si),
        caption=(
            "Each step adds a constraint: 1 the layer, 2 the dataflow, 3 the number of PEs, 4 the shape of the array,"
            " 5 storage, 6 average bandwidth, 7 what really happens. A bar is what it adds to the cycles."
        ),
    )


def _numbered(explanation: Explanation) -> enumerate[tuple[str, float]]:
    return enumerate(zip(STEPS, explanation.lost, strict=True), start=1)


def steps_of(bounds: Examination) -> tuple[StepRow, ...]:
    """Return the lines of the table of one layer: the peak, then each step."""
    actual = max(bounds.cycles[-1], bounds.peak_cycles)
    rows, before = [], bounds.peak_cycles
    share = 100.0 / actual
    peak = (f"peak of {bounds.pes} PEs", rate(bounds.macs / before), f"{before:,.0f}", "")
    rows.append(StepRow(peak, "busy", "0", short(before * share)))
    for number, name in enumerate(STEPS, start=1):
        lost = bounds.lost[number - 1]
        cells = (
            f"{number} {name}",
            rate(bounds.rate(number)),
            f"{bounds.cycles[number - 1]:,.0f}",
            f"{lost:,.0f}" if lost >= 0.5 else "",
        )
        rows.append(StepRow(cells, f"step{number}", short(before * share), short(lost * share) if lost >= 0.5 else ""))
        before += lost
    return tuple(rows)
