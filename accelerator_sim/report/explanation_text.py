"""An explanation as text: one screen for a layer, a summary by cause for a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from rich.console import RenderableType
from rich.text import Text

from accelerator_sim.eyexam.bounds import STEPS, Examination, Roof
from accelerator_sim.eyexam.explanation import Explanation
from accelerator_sim.eyexam.findings import Binding, LayerExplanation, MeasuredChange
from accelerator_sim.eyexam.reuse import Reuse
from accelerator_sim.files.text import printable
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.report.columns import Column, fitted, table
from accelerator_sim.report.cycles import by_cause
from accelerator_sim.report.names import COMPONENT_NAMES, partial
from accelerator_sim.report.numbers import format_energy, percent, shortened, si
from accelerator_sim.report.tables import paint

BAR = 20
"""Characters of the longest bar of a waterfall."""
MOST_NAMES, LONGEST_NAME = 4, 20
"""Layers that are named for a step or a cause, and characters of their names."""
OTHERS = 55
"""Characters of a line that the other columns of a table with names take."""
FEW = 0.005
"""Share of the cycles below which a stall is not listed."""


def render(explanation: Explanation, layer: str | None, width: int = 80, color: bool = False) -> str:
    """Return the explanation of one layer by name as text; for None, or where it did not run, of all that ran."""
    explained = next((each for each in explanation.explained if each.result.layer.name == layer), None)
    if explained is None:
        return paint(list(_network(explanation, width)), width, color)
    return paint(list(_layer(explained, explanation, width)), width, color)


def cause_text(step: int, cause: Binding) -> str:
    """Return a step of Eyexam and what binds there: "6 bandwidth: weight port"."""
    return f"{step} {STEPS[step - 1]}" + (f": {cause.label}" if cause else "")


# --- a layer ---------------------------------------------------------------------------------------------------------
def _layer(each: LayerExplanation, explanation: Explanation, width: int) -> Iterator[RenderableType]:
    layer, outcome, bounds = each.result.layer, each.result.outcome, each.bounds
    assert outcome is not None
    machine = explanation.run.architecture
    shape = " ".join(f"{letter}{getattr(layer, letter)}" for letter in "NGMCPQRS")
    yield from _wrapped(
        f"{printable(layer.name)} ({layer.op}) on {printable(machine.name)} ({machine.pes:,} PEs,"
        f" {machine.macs_per_cycle:,} MACs/cycle): {shape}, {layer.macs:,} MACs, {outcome.counts.effectual_macs:,}"
        f" effectual, batch {explanation.run.batch}",
        width,
    )
    time = si(outcome.timing.cycles / machine.clock, "s")
    yield from _wrapped(
        f"{outcome.timing.cycles:,} cycles = {time}; most are lost at step {cause_text(*each.cause)}", width
    )
    yield Text()
    yield table(fitted(_WATERFALL, list(_rows(bounds)), width))
    yield from _wrapped(
        f"Of the peak, {percent(bounds.active * bounds.used)}% = {percent(bounds.active)}% (active PEs, steps 1-5)"
        f" x {percent(bounds.used)}% (of their time, steps 6-7)",
        width,
    )
    others = ", ".join(f"{flow.dataflow} {rate(flow.on_lanes)}" for flow in each.dataflows)
    yield from _wrapped(f"Lanes in use at step 3, by dataflow: {others}", width)
    yield Text()
    yield Text("Cycles by what the PEs do (event engine)", style="bold")
    yield from _wrapped(_stalls(each, explanation), width, "  ")
    yield from _wrapped(_zeros(each), width, "  ")
    yield Text()
    yield Text("Roofline of step 6: MACs per word x words per cycle to the active PEs", style="bold")
    yield table(fitted(_roof_columns(bounds), bounds.roofs, width))
    yield Text()
    yield Text("Moves of a word at each level (least: DRAM 1, GLB 0, sent 1, to PEs 1)", style="bold")
    yield table(fitted(_REUSE, each.reuse, width))
    yield Text()
    yield from _wrapped(_energy(each), width)
    yield from _changes(explanation, width)


def _wrapped(text: str, width: int, indent: str = "") -> Iterator[Text]:
    for line in wrap(text, max(width, 40), initial_indent=indent, subsequent_indent=indent or "  "):
        yield Text(line)


Step = tuple[str, float, float, float, float, str]
"""A line of the waterfall: name, nominal and effectual MACs per cycle, cycles, cycles lost, bar."""


def _rows(bounds: Examination) -> Iterator[Step]:
    most = max(bounds.lost)
    for number, name in enumerate(STEPS, start=1):
        if number == 3:
            peak = bounds.peak_cycles
            yield "  (peak)", bounds.macs / peak, bounds.effectual_macs / peak, peak, 0.0, ""
        lost = bounds.lost[number - 1]
        bar = "#" * round(BAR * lost / most) if most else ""
        rates = bounds.rate(number), bounds.rate(number, effectual=True)
        yield f"{number} {name}", *rates, bounds.cycles[number - 1], lost, bar


def rate(value: float) -> str:
    """Return a number of MACs or words per cycle: three significant digits, or whole above a thousand."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


_WATERFALL: tuple[Column[Step], ...] = (
    Column("Eyexam", lambda row: row[0], 0, left=True),
    Column("MACs/cycle", lambda row: rate(row[1]), 1),
    Column("effectual", lambda row: rate(row[2]), 5),
    Column("cycles", lambda row: f"{row[3]:,.0f}", 2),
    Column("lost", lambda row: f"{row[4]:,.0f}" if row[4] >= 0.5 else "", 3),
    Column("", lambda row: row[5], 6, left=True),
)


def _stalls(each: LayerExplanation, explanation: Explanation) -> str:
    outcome = each.result.outcome
    assert outcome is not None
    spent = sorted(by_cause(outcome.timing, explanation.run.architecture).items(), key=lambda item: -item[1])
    shown = [(name, cycles) for name, cycles in spent if cycles >= FEW * outcome.timing.cycles]
    return ", ".join(
        f"{name.label} {cycles:,.0f} ({percent(cycles / outcome.timing.cycles)}%)" for name, cycles in shown
    )


def _zeros(each: LayerExplanation) -> str:
    lost = each.losses
    parts = (
        (f"{lost.csc:,.0f} on zeros that are stored", lost.csc),
        (f"{lost.pairing:,.0f} on half-filled slots (odd columns)", lost.pairing),
    )
    shown = [text for text, cycles in parts if cycles >= 0.5]
    return f"of multiplying: {', '.join(shown)}" if shown else ""


def _roof_columns(bounds: Examination) -> tuple[Column[Roof], ...]:
    binding = bounds.roofs[0].busy

    def slack(roof: Roof) -> str:
        return "binds" if roof is bounds.roofs[0] else f"{100.0 * (1.0 - roof.busy / binding):.0f}%"

    return (
        Column("resource", lambda roof: roof.resource.label, 0, left=True),
        Column("MACs/word", lambda roof: rate(roof.intensity(bounds.macs)) if roof.words else "", 2),
        Column("words/cycle", lambda roof: rate(roof.bandwidth) if roof.words else "", 3),
        Column("MACs/cycle", lambda roof: rate(bounds.macs / roof.busy), 1),
        Column("slack", slack, 4),
    )


def _times(value: float) -> str:
    return f"{value:,.2f}" if value < 99.995 else f"{value:,.0f}"


_REUSE: tuple[Column[Reuse], ...] = (
    Column("tensor", lambda row: row.tensor, 0, left=True),
    Column("words", lambda row: si(row.words), 1),
    Column("DRAM", lambda row: _times(row.dram), 2),
    Column("GLB", lambda row: _times(row.glb), 3),
    Column("sent", lambda row: _times(row.sent), 4),
    Column("to PEs", lambda row: _times(row.delivered), 5),
    Column("MACs", lambda row: _times(row.macs), 6),
    Column("MACs/delivery", lambda row: _times(row.macs_per_delivery) if row.tensor != "psum" else "", 7),
)


def _energy(each: LayerExplanation) -> str:
    assert each.result.energy is not None
    energy = each.result.energy
    parts = sorted(energy.as_dict().items(), key=lambda item: -item[1])
    shares = ", ".join(f"{COMPONENT_NAMES[name]} {percent(part / energy.total)}%" for name, part in parts if part)
    return f"Energy {format_energy(energy.total, energy.unit)}: {shares}"


# --- changes ---------------------------------------------------------------------------------------------------------
def _changes(explanation: Explanation, width: int) -> Iterator[RenderableType]:
    if not explanation.measured:
        return
    best, now = explanation.best(), explanation.now
    small = explanation.best_small
    shown = [*best, *([small] if small is not None and small not in best else [])]
    count = len(explanation.measured)
    out = f", {explanation.ruled_out} ruled out by their bounds" if explanation.ruled_out else ""
    yield Text()
    yield Text(f"What would help most ({count} single changes re-simulated{out})", style="bold")
    if not shown:
        yield Text(f"  none of them lowers {_OBJECTIVES[Objective(explanation.run.objective)]}")
        return
    yield table(fitted(_change_columns(now), shown, width))
    for each in shown:
        note = f" ({each.change.note})" if each.change.note else ""
        yield from _wrapped(f"{each.change.name}: {_options(each)}{note}", width, "  ")


def _options(each: MeasuredChange) -> str:
    return " ".join(f"--set {path}={_quoted(value)}" for path, value in each.change.settings)


def change_rows(explanation: Explanation) -> list[tuple[str, ...]]:
    """Return name and options of each measured change, with its cycles, energy and area beside the machine as it is."""
    name, *figures = _change_columns(explanation.now)
    return [
        (name.cell(each), _options(each), *(column.cell(each) for column in figures)) for each in explanation.measured
    ]


_OBJECTIVES = {
    Objective.LATENCY: "the cycles",
    Objective.ENERGY: "the energy",
    Objective.EDP: "energy times delay",
    Objective.DRAM: "the off-chip traffic",
}


def _quoted(value: str) -> str:
    return f"'{value}'" if " " in value else value


def _change_columns(now: MeasuredChange) -> tuple[Column[MeasuredChange], ...]:
    def change(after: float, before: float) -> str:
        return f"{100.0 * (after / before - 1.0):+.1f}%" if before else "-"

    return (
        Column("change", lambda m: m.change.name, 0, left=True),
        Column("cycles", lambda m: change(m.cycles, now.cycles), 1),
        Column("energy", lambda m: change(m.energy.total, now.energy.total), 2),
        Column("area", lambda m: change(m.area, 1.0), 3),
    )


# --- a network -------------------------------------------------------------------------------------------------------
def _network(explanation: Explanation, width: int) -> Iterator[RenderableType]:
    run, explained = explanation.run, explanation.explained
    totals = run.totals
    yield from _wrapped(
        f"{printable(run.workload)} on {printable(run.architecture.name)}: {totals.macs:,} MACs,"
        f" {totals.effectual_macs:,} effectual, {totals.cycles:,} cycles = {si(totals.latency_s, 's')}"
        f"{partial(run)}",
        width,
    )
    if not explained:
        yield Text("No layer with multiply-accumulates ran.")
        return
    peak, others = explanation.peak_cycles, explanation.other_cycles
    moved = f"; layers without MACs take {others:,.0f}" if others > 0 else ""
    yield from _wrapped(
        f"All lanes busy, its work would take {peak:,.0f} cycles; {sum(explanation.lost):,.0f} are lost{moved}"
        f"{partial(run)}",
        width,
    )
    yield Text()
    yield table(fitted(_LOST, list(_lost(explanation, width - OTHERS)), width))
    yield Text()
    yield Text("Layers by where they lose most", style="bold")
    yield table(fitted(_CAUSES, list(cause_rows(explanation, width - OTHERS)), width))
    yield Text()
    yield table(fitted(_LAYERS, explained, width))
    yield from _changes(explanation, width)


Lost = tuple[str, float, float, str]
"""Cycles lost for a reason: the reason, cycles, share of the network's cycles, the layers that lose most."""


def _names(layers: Sequence[LayerExplanation], room: int) -> str:
    """Name the first layers in at most `room` characters, and count the others."""
    names = [shortened(each.result.layer.name, LONGEST_NAME) for each in layers]
    for count in range(min(len(names), MOST_NAMES), 0, -1):
        left = len(names) - count
        text = ", ".join(names[:count]) + (f", {left} more" if left else "")
        if len(text) <= room or count == 1:
            return text
    return ""


def _lost(explanation: Explanation, room: int) -> Iterator[Lost]:
    cycles = explanation.run.totals.cycles
    for index, (name, lost) in enumerate(zip(STEPS, explanation.lost, strict=True)):
        worst = sorted(explanation.explained, key=lambda each: -each.bounds.lost[index])
        named = [each for each in worst if each.bounds.lost[index] >= 0.5]
        yield f"{index + 1} {name}", lost, lost / cycles, _names(named, room)


_LOST: tuple[Column[Lost], ...] = (
    Column("lost at step", lambda row: row[0], 0, left=True),
    Column("cycles", lambda row: f"{row[1]:,.0f}", 1),
    Column("share", lambda row: f"{percent(row[2])}%", 2),
    Column("most in", lambda row: row[3], 3, left=True),
)

CauseRow = tuple[str, str, str, str, str]


def cause_rows(explanation: Explanation, room: int = 80) -> Iterator[CauseRow]:
    """Yield, for each cause, its name, how many layers it binds, the cycles they lose, their share, and the worst.

    room: characters of the last column.
    """
    cycles = explanation.run.totals.cycles
    for cause in explanation.by_cause():
        share = f"{percent(cause.lost / cycles)}%"
        names = _names(cause.layers, room)
        yield cause_text(cause.step, cause.name), str(len(cause.layers)), f"{cause.lost:,.0f}", share, names


_CAUSES: tuple[Column[CauseRow], ...] = (
    Column("cause", lambda row: row[0], 0, left=True),
    Column("layers", lambda row: row[1], 1),
    Column("lost", lambda row: row[2], 2),
    Column("share", lambda row: row[3], 3),
    Column("", lambda row: row[4], 4, left=True),
)

_LAYERS: tuple[Column[LayerExplanation], ...] = (
    Column("layer", lambda each: each.result.layer.name, 0, left=True),
    Column("cycles", lambda each: f"{each.bounds.cycles[6]:,.0f}", 1),
    Column("lost", lambda each: f"{each.bounds.lost_in_all:,.0f}", 2),
    Column("active", lambda each: f"{percent(each.bounds.active)}%", 4),
    Column("used", lambda each: f"{percent(each.bounds.used)}%", 5),
    Column("most at step", lambda each: cause_text(*each.cause), 3, left=True),
)
