"""The charts of a simulated network, layer by layer."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from accelerator_sim.report.cycles import by_cause
from accelerator_sim.report.html.bars import Bar, Segment, stacked_bars
from accelerator_sim.report.html.scatter import Limit, ScatterPoint, mark, scatter_loglog
from accelerator_sim.report.names import CAUSE_ORDER, COMPONENT_NAMES
from accelerator_sim.report.numbers import format_energy, percent, si
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.layer_work import work_of
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.technology.energy_unit import EnergyUnit

NAMED_POINTS = 8
"""Layers that the roofline names where there is room: those that take the longest."""


@dataclass(frozen=True)
class Chart:
    """A chart, what its colours stand for (kind and name), the caption below it, and whether bars fill 100 percent."""

    title: str
    drawing: Markup
    legend: tuple[tuple[str, str], ...] = ()
    caption: str = ""
    shares: bool = False
    """Whether absolute values and shares can be shown in turn."""
    as_shares: bool = False
    marks: tuple[tuple[str, str, str], ...] = ()
    """A legend of marks: kind, path of the mark, name."""


def latency(result: NetworkResult) -> Chart:
    """Return the time of each layer."""
    clock, total = result.architecture.clock, max(result.totals.cycles, 1)
    bars = []
    for index, layer in enumerate(result.layers):
        if layer.outcome is None:
            bars.append(_failed(index, layer))
            continue
        cycles = layer.outcome.timing.cycles
        share = percent(cycles / total)
        tip = f"{layer.layer.name}\n{si(cycles / clock, 's')}, {cycles:,} cycles\n{share}% of the network"
        bars.append(_bar(index, layer, (Segment("time", cycles / clock),), si(cycles / clock, "s"), tip))
    drawing = stacked_bars(f"Latency of each layer of {result.workload}", bars, lambda value: si(value, "s"))
    return Chart("Latency", drawing, caption=f"{si(result.totals.latency_s, 's')} in all.")


def energies(result: NetworkResult) -> Chart:
    """Return the energy of each layer by component; the DRAM comes last, since it is not the chip's."""

    def text(value: float) -> str:
        return format_energy(value, result.energy.unit)

    bars = []
    for index, layer in enumerate(result.layers):
        if layer.energy is None:
            bars.append(_failed(index, layer))
            continue
        parts = layer.energy.as_dict()
        lines = [f"{name} {text(parts[part])}" for part, name in COMPONENT_NAMES.items() if parts[part]]
        head = f"{layer.layer.name}\nchip {text(layer.energy.chip)}, with DRAM {text(layer.energy.total)}"
        segments = tuple(Segment(part, parts[part]) for part in COMPONENT_NAMES)
        bars.append(_bar(index, layer, segments, text(layer.energy.total), "\n".join([head, *lines])))
    total = result.energy.as_dict()
    unit = "Multiples of one MAC, not joules. " if result.energy.unit is EnergyUnit.MAC else ""
    return Chart(
        "Energy",
        stacked_bars(f"Energy of each layer of {result.workload} by component", bars, text),
        tuple((part, name) for part, name in COMPONENT_NAMES.items() if total[part]),
        f"{unit}Chip {text(result.energy.chip)}; DRAM {text(result.energy.dram)}, which is not the chip's.",
        shares=True,
    )


def stalls(result: NetworkResult) -> Chart:
    """Return where the cycles of each layer went, by cause, and its utilization."""
    bars, causes = [], set()
    for index, layer in enumerate(result.layers):
        outcome = layer.outcome
        if outcome is None:
            bars.append(_failed(index, layer))
            continue
        spent = by_cause(outcome.timing, result.architecture)
        causes |= set(spent)
        used = percent(work_of(outcome).utilization(result.architecture)) + "%"
        large = [
            (name, cycles / outcome.timing.cycles)
            for name, cycles in spent.items()
            if cycles >= 0.01 * outcome.timing.cycles
        ]
        lines = [f"{name.label} {percent(share)}%" for name, share in sorted(large, key=lambda part: -part[1])]
        segments = tuple(Segment(name, cycles) for name, cycles in spent.items())
        tip = "\n".join([f"{layer.layer.name}\nutilization {used}", *lines])
        bars.append(_bar(index, layer, segments, used if layer.layer.is_mac else "-", tip))
    cycle_kind = (
        "cycles of the array; an estimate has no PE by PE times, so the rest of the time counts as work"
        if result.estimate
        else "PE-cycles over the number of PEs"
    )
    return Chart(
        "Where the cycles went, and utilization",
        stacked_bars(f"Cycles of each layer of {result.workload} by cause", bars, si),
        tuple((name, name.label) for name in CAUSE_ORDER if name in causes),
        f"In {cycle_kind}. At the right: MACs issued, of the peak.",
        shares=True,
        as_shares=True,
    )


def stalls_of_runs(runs: Sequence[NetworkResult]) -> Chart | None:
    """Return where the cycles of a network went on each of several machines; None where all are estimates."""
    bars, causes = [], set()
    for run in runs:
        if run.estimate:
            continue
        total: dict[str, float] = defaultdict(float)
        for _, outcome, _ in run.finished:
            for name, cycles in by_cause(outcome.timing, run.architecture).items():
                total[name] += cycles
        causes |= set(total)
        parts = {name: total[name] for name in CAUSE_ORDER if total[name] > 0}
        lines = [f"{name.label} {percent(cycles / run.totals.cycles)}%" for name, cycles in parts.items()]
        segments = tuple(Segment(name, cycles) for name, cycles in parts.items())
        tip = "\n".join([f"{run.architecture.name}, {run.totals.cycles:,} cycles", *lines])
        bars.append(Bar(run.architecture.name, segments, si(run.totals.cycles), tip))
    if not bars:
        return None
    return Chart(
        "Where the cycles went",
        stacked_bars(f"Cycles of {runs[0].workload} on each machine, by cause", bars, si),
        tuple((name, name.label) for name in CAUSE_ORDER if name in causes),
        "PE-cycles over the number of PEs. At the right: cycles.",
        shares=True,
        as_shares=True,
    )


def _bar(index: int, layer: LayerResult, segments: tuple[Segment, ...], text: str, tip: str) -> Bar:
    return Bar(layer.layer.name, segments, text, tip, str(index))


def _failed(index: int, layer: LayerResult) -> Bar:
    return Bar(layer.layer.name, (), "failed", f"{layer.layer.name}\nfailed: {layer.error}", str(index))


# --- roofline --------------------------------------------------------------------------------------------------------
def kind_of(layer: LayerResult) -> str:
    """Return the kind of a layer as distinguished in the roofline: its operator, or that its groups are apart."""
    return "grouped" if layer.layer.op == "conv" and layer.layer.G > 1 else layer.layer.op


KINDS = {"conv": "conv", "grouped": "conv in groups", "fc": "fc", "gemm": "gemm", "matmul": "matmul"}


def roofline(result: NetworkResult) -> Chart | None:
    """Return MACs per second over MACs per DRAM byte; None where no layer with MACs ran."""
    architecture = result.architecture
    ran = [
        (index, layer, outcome)
        for index, layer in enumerate(result.layers)
        if (outcome := layer.outcome) is not None
        and outcome.counts.macs_issued
        and outcome.timing.cycles
        and layer.dram_bytes
    ]
    if not ran:
        return None
    slowest = max(outcome.timing.cycles for _, _, outcome in ran)
    named = sorted(range(len(ran)), key=lambda i: -ran[i][2].timing.cycles)[:NAMED_POINTS]
    points = []
    for number in [*named, *(i for i in range(len(ran)) if i not in named)]:
        index, layer, outcome = ran[number]
        rate = outcome.counts.macs_issued * architecture.clock / outcome.timing.cycles
        intensity = outcome.counts.macs_issued / layer.dram_bytes
        of_shape = outcome.counts.macs * architecture.clock / outcome.timing.cycles
        share = percent(rate / _peak(result))
        tip = (
            f"{layer.layer.name} ({KINDS[kind_of(layer)]})\n{si(rate, 'MAC/s')}, {share}% of the peak\n"
            f"{si(intensity)} MACs per DRAM byte\n{si(of_shape, 'MAC/s')}"
            f" counting all {si(outcome.counts.macs)} MACs of its shape"
        )
        label = layer.layer.name if number in named else ""
        radius = 3.5 + 5.0 * math.sqrt(outcome.timing.cycles / slowest)
        points.append(ScatterPoint(intensity, rate, kind_of(layer), tip, label, str(index), radius))
    kinds = [kind for kind in KINDS if any(point.kind == kind for point in points)]
    drawing = scatter_loglog(
        f"Roofline of {result.workload} on {architecture.name}",
        points,
        list(KINDS),
        _limits(points, result),
        ("issued MACs per DRAM byte", "issued MACs per second"),
    )
    return Chart(
        "What bounds each layer",
        drawing,
        caption=_roofline_caption(result),
        marks=tuple((kind, mark(kind, list(KINDS)), KINDS[kind]) for kind in kinds),
    )


def _peak(result: NetworkResult) -> float:
    return result.architecture.macs_per_cycle * result.architecture.clock


def bandwidth(result: NetworkResult) -> float:
    """Return the most bytes per second over the off-chip channel, both directions together."""
    dram = result.architecture.dram
    return dram.bandwidth * (2 if dram.duplex else 1)


def _limits(points: Sequence[ScatterPoint], result: NetworkResult) -> list[Limit]:
    peak, most = _peak(result), bandwidth(result)
    right = 1.5 * max(point.x for point in points)
    left = 0.01 * min(point.x for point in points)
    roof = f"peak {si(peak, 'MAC/s')}"
    if most == math.inf:
        return [Limit(roof, (left, peak), (right, peak))]
    ridge = peak / most
    return [
        Limit(roof, (ridge, peak), (max(right, 3 * ridge), peak)),
        Limit(f"DRAM {si(most, 'B/s')}", (1e-3 * min(left, ridge), 1e-3 * min(left, ridge) * most), (ridge, peak)),
    ]


_ISSUED = {
    "skip": "Counted are the MACs that take a slot of a PE: this machine skips zeros, so a sparse layer may do more"
    " MACs of its shape per second than the peak, which its tooltip says",
    "gate": "Counted are the MACs that take a slot of a PE: on this machine all of them, those on gated zeros included",
    "none": "Counted are the MACs that take a slot of a PE: on this machine all of them, zeros included",
}


def _roofline_caption(result: NetworkResult) -> str:
    dram = result.architecture.dram
    if dram.bandwidth == math.inf:
        slope = "The DRAM bandwidth of this machine is unlimited, so there is no slope: only the peak limits"
    elif dram.duplex:
        slope = "The slope is the DRAM bandwidth of reads and writes together, which go at the same time"
    else:
        slope = "The slope is the DRAM bandwidth"
    return f"{slope}. {_ISSUED[result.architecture.pe.zero_iact]}. The larger a mark, the longer the layer takes."
