"""What a result says, in one sentence that holds its conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accelerator_sim.comparison.machine_comparison import Comparison, MachineEntry
from accelerator_sim.report.compared import title
from accelerator_sim.report.cycles import by_cause
from accelerator_sim.report.names import COMPONENT_NAMES, partial
from accelerator_sim.report.numbers import format_energy, percent, si
from accelerator_sim.report.pareto_text import shown
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.tabular import Row
from accelerator_sim.sweeps.records import Goal
from accelerator_sim.technology.energy_unit import EnergyUnit

SAME = 1.005
"""Ratio up to which two values are called the same."""


def of_run(result: NetworkResult) -> str:
    """Return time, energy and energy-delay product of a network, their conditions, and what takes most of both."""
    totals, energy = result.totals, result.energy
    if not totals.cycles:
        return f"No layer of {result.workload} ran on {result.architecture.name}."
    each = "an inference" if result.batch == 1 else f"a batch of {result.batch}"
    unit = "J s" if energy.unit is EnergyUnit.JOULE else "MAC s"
    product = si(energy.total * totals.latency_s, unit)
    rate = "" if totals.inferences_per_s is None else f" ({si(totals.inferences_per_s)} inferences/s)"
    whole = (
        f"{result.workload} on {result.architecture.name} takes {si(totals.latency_s, 's')}{rate} and"
        f" {format_energy(energy.total, energy.unit)} with its off-chip DRAM for {each}, an energy-delay product of"
        f" {product}{partial(result)}: batch {result.batch}, {si(result.architecture.clock, 'Hz')}, mapped for"
        f" {result.objective}{', an estimate' if result.estimate else ''}."
    )
    return f"{whole} {_most(result)}"


def _most(result: NetworkResult) -> str:
    """What takes most of the energy and of the time of the PEs."""
    parts = result.energy.as_dict()
    largest = max(parts, key=lambda part: parts[part])
    spent: dict[str, float] = {}
    for _, outcome, _ in result.finished:
        for cause, cycles in by_cause(outcome.timing, result.architecture).items():
            spent[cause.label] = spent.get(cause.label, 0.0) + cycles
    most = max(spent, key=lambda cause: spent[cause])
    return (
        f"Most of the energy goes to {COMPONENT_NAMES[largest]} ({percent(parts[largest] / result.energy.total)}%),"
        f" most of the time to {most} ({percent(spent[most] / sum(spent.values()))}%)."
    )


def of_comparison(comparison: Comparison) -> str:
    """Return how the first machine compares with every other one in energy and time, each with its conditions."""
    first = comparison.reference
    if first.energy_j is None:
        return f"{title(first)} did not run all layers of {comparison.workload}; nothing is compared."
    others = [entry for entry in comparison.entries[1:] if entry.name != first.name and not entry.projection]
    told = [sentence for entry in others if (sentence := _beside(first, entry))]
    mine = f"{title(first)} ({_conditions(first)}) takes {format_energy(first.energy_j, EnergyUnit.JOULE)}"
    mine += "" if first.latency_s is None else f" and {si(first.latency_s, 's')}"
    whole = f"For {comparison.workload} at batch {first.conditions.batch}, {mine}"
    return f"{whole}: {'; '.join(told)}." if told else f"{whole}."


def _conditions(entry: MachineEntry) -> str:
    return f"{entry.conditions.boundary}, {entry.conditions.precision}"


def _beside(first: MachineEntry, other: MachineEntry) -> str:
    """How the first machine compares with another; "" where nothing is known of that."""
    if first.energy_j is None or not other.energy_j:
        return ""
    energy = factor(first.energy_j, other.energy_j, "less energy than", "more energy than", "the energy of")
    times = ""
    if first.latency_s and other.latency_s:
        times = f", {factor(first.latency_s, other.latency_s, 'faster', 'slower', 'as fast')}"
    return f"{energy} {title(other)} ({_conditions(other)}){times}"


def factor(mine: float, theirs: float, less: str, more: str, same: str) -> str:
    """Return a ratio in words, such as "5.5 times less energy than".

    mine, theirs: positive; less, more, same: the words for a smaller, a larger and an equal value.
    """
    ratio = max(mine, theirs) / min(mine, theirs)
    if ratio < SAME:
        return same
    digits = f"{ratio:.3g}" if ratio < 1000 else f"{ratio:,.0f}"
    return f"{digits} times {less if mine < theirs else more}"


def of_sweep(points: int, front: Sequence[Row], goals: Sequence[Goal], axes: Mapping[int, Mapping[str, str]]) -> str:
    """Return how many points are on the front, and the best point by each of the first two goals.

    points: their number; front: those that none beats, ordered by the first goal; axes: by point, readable values of
    its axes.
    """
    if not front:
        return f"None of {points:,} points has a result."
    named = " and ".join(goal.field for goal in goals)
    parts = []
    for goal in goals[:2]:
        best = min(front, key=lambda row: (goal.cost(row), row["point"]))
        where = ", ".join(f"{name} {value}" for name, value in axes.get(best["point"], {}).items())
        parts.append(f"the {'most' if goal.most else 'least'} {goal.field} is {shown(best, goal.field)}, at {where}")
    beaten = f"Of {points:,} points, {len(front):,} are beaten by none in {named}"
    return f"{beaten}: {'; '.join(parts)}."
