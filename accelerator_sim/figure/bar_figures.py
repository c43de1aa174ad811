"""Figures of bars: energy and cycles of each layer by their parts, and the waterfall of the bounds of Eyexam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from accelerator_sim.comparison.machine_comparison import Comparison
from accelerator_sim.eyexam.bounds import STEPS
from accelerator_sim.eyexam.explanation import Explanation
from accelerator_sim.figure.canvas import (
    BLUE,
    CAUSE_COLORS,
    COMPONENT_COLORS,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    RED,
    SKY,
    Axes,
    Drawing,
    engineering,
    new_figure,
    whole_bars,
)
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.text import printable
from accelerator_sim.report.compared import title
from accelerator_sim.report.cycles import by_cause
from accelerator_sim.report.names import CAUSE_ORDER, COMPONENT_NAMES, partial
from accelerator_sim.report.numbers import format_energy, format_joules, percent, shortened, si
from accelerator_sim.results.network_result import NetworkResult

BarPart = TypeVar("BarPart", bound=str)
NAME_WIDTH = 32
"""Characters of a layer's name beside its bar."""
_STEP_COLORS = (DARK, DARK, SKY, BLUE, PINK, ORANGE, RED)


def energy(result: NetworkResult) -> Drawing:
    """Return the energy of each layer by component; that of the off-chip DRAM, which is not the chip's, comes last."""
    ran = [(layer.layer.name, energy.as_dict()) for layer, _, energy in result.finished]
    names = {part: name for part, name in COMPONENT_NAMES.items() if any(parts[part] for _, parts in ran)}
    figure = new_figure(7.5, whole_bars(len(ran)))
    axes = figure.add_subplot()
    _stack(axes, ran, names, COMPONENT_COLORS)
    engineering(axes.xaxis, result.energy_unit.value)
    axes.set_xlabel(f"energy of {_inferences(result)}")
    axes.set_title(
        f"{_on(result)}: chip {format_energy(result.energy.chip, result.energy_unit)}, with off-chip DRAM"
        f" {format_energy(result.energy.total, result.energy_unit)}{partial(result)}",
        loc="left",
    )
    return figure


def energy_of_machines(comparison: Comparison) -> Drawing:
    """Return the energy of an inference on each machine: the chip, and the off-chip DRAM where it counts."""
    known = [entry for entry in comparison.entries if entry.energy_j is not None]
    figure = new_figure(7.5, whole_bars(len(known)))
    axes = figure.add_subplot()
    for at, entry in enumerate(known):
        axes.barh(at, entry.energy_j, color=GREEN if entry.kind == "accelerator" else RED)
        axes.text(entry.energy_j, at, f" {format_joules(entry.energy_j)}", va="center")
    _name_bars(axes, [printable(title(entry)) for entry in known], x=0.15)
    engineering(axes.xaxis, "J")
    axes.set_xlabel("energy of an inference")
    axes.set_title(f"{printable(comparison.workload)}, batch {comparison.batch}", loc="left")
    return figure


def stalls(result: NetworkResult) -> Drawing:
    """Return where the cycles of each layer went, by cause, as parts of its time."""
    ran = []
    for layer, outcome, _ in result.finished:
        spent = by_cause(outcome.timing, result.architecture)
        cycles = max(outcome.timing.cycles, 1)
        ran.append((layer.layer.name, {cause: 100.0 * spent.get(cause, 0.0) / cycles for cause in CAUSE_ORDER}))
    names = {cause: cause.label for cause in CAUSE_ORDER if any(parts[cause] for _, parts in ran)}
    figure = new_figure(7.5, whole_bars(len(ran)))
    axes = figure.add_subplot()
    _stack(axes, ran, names, CAUSE_COLORS)
    axes.set_xlim(0, 100)
    axes.set_xlabel("cycles of the PEs, %")
    axes.set_title(
        f"Where the cycles went: {_on(result)}, {result.totals.cycles:,} cycles{partial(result)}", loc="left"
    )
    return figure


def waterfall(explanation: Explanation) -> Drawing:
    """Return the cycles from the peak of the machine to what the network takes, with what each step of Eyexam adds.

    Raises UsageError where no layer has bounds.
    """
    run = explanation.run
    if not explanation.explained:
        raise UsageError(f"no layer of {run.workload} has bounds to draw")
    steps = [("peak of the PEs", explanation.peak_cycles, GREEN)]
    steps += [
        (f"{number} {name}", lost, _STEP_COLORS[number - 1])
        for number, (name, lost) in enumerate(zip(STEPS, explanation.lost, strict=True), start=1)
    ]
    if explanation.other_cycles > 0:
        steps.append(("layers without MACs", explanation.other_cycles, GREY))
    figure = new_figure(7.5, whole_bars(len(steps) + 1))
    axes = figure.add_subplot()
    before, total = 0.0, run.totals.cycles
    for at, (_, cycles, color) in enumerate(steps):
        axes.barh(at, cycles, left=before, color=color)
        shown = si(round(cycles)) if at == 0 else f"+{percent(cycles / total)}%"
        axes.text(before + cycles, at, f" {shown}", va="center")
        before += cycles
    axes.barh(len(steps), total, color=GREEN)
    axes.text(total, len(steps), f" {si(total)}", va="center")
    _name_bars(axes, [*(name for name, _, _ in steps), "the network"], x=0.12)
    engineering(axes.xaxis, "")
    axes.set_xlabel("cycles; each step of Eyexam adds a constraint")
    axes.set_title(f"From the peak to the actual cycles: {_on(run)}{partial(run)}", loc="left")
    return figure


def _stack(
    axes: Axes,
    bars: Sequence[tuple[str, Mapping[BarPart, float]]],
    names: Mapping[BarPart, str],
    colors: Mapping[BarPart, str],
) -> None:
    """Draw stacked horizontal bars, the first at the top, with a legend of their parts."""
    left = [0.0] * len(bars)
    for part, name in names.items():
        lengths = [parts[part] for _, parts in bars]
        hatch = "///" if part == "dram" else None
        axes.barh(range(len(bars)), lengths, left=left, color=colors[part], label=name, hatch=hatch, height=0.75)
        left = [done + length for done, length in zip(left, lengths, strict=True)]
    _name_bars(axes, [shortened(printable(name), NAME_WIDTH) for name, _ in bars], y=0.01)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _name_bars(axes: Axes, names: Sequence[str], **margins: float) -> None:
    """Name horizontal bars, the first at the top, with room around them as parts of the axes."""
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.margins(**margins)


def _on(result: NetworkResult) -> str:
    return printable(f"{result.workload} on {result.architecture.name}")


def _inferences(result: NetworkResult) -> str:
    return "an inference" if result.batch == 1 else f"{result.batch} inferences"
