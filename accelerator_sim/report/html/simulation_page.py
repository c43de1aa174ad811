"""The page of one simulated network."""

from __future__ import annotations

from collections.abc import Iterator

from accelerator_sim.eyexam.explanation import Explanation
from accelerator_sim.report import verdicts
from accelerator_sim.report.html import charts, eyexam_section, page
from accelerator_sim.report.html.page import Card, Cell, Notice, PageColumn, number
from accelerator_sim.report.html.panels import panels
from accelerator_sim.report.names import COMPONENT_NAMES, partial
from accelerator_sim.report.numbers import format_energy, percent, si
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.layer_work import work_of
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.provenance import Provenance
from accelerator_sim.results.status import Status
from accelerator_sim.technology.energy_unit import EnergyUnit


def dumps(result: NetworkResult, provenance: Provenance, explanation: Explanation | None = None) -> str:
    """Return the page of a result: one HTML file that loads nothing, the same bytes for the same input.

    explanation: what bounds its layers (None: an estimate has no actual performance to bound).
    """
    cycles = [layer.outcome.timing.cycles if layer.outcome else -1 for layer in result.layers]
    return page.render(
        "simulation.html.j2",
        result=result,
        verdict=verdicts.of_run(result),
        setup=_setup(result),
        notices=list(_notices(result)),
        cards=list(_cards(result)),
        components=_components(result),
        charts=[charts.latency(result), charts.energies(result), charts.stalls(result)],
        roofline=charts.roofline(result),
        panels=panels(result, explanation),
        eyexam=eyexam_section.whole(explanation) if explanation else None,
        chosen=cycles.index(max(cycles)) if cycles else 0,
        columns=_COLUMNS,
        rows=[_row(index, layer, result) for index, layer in enumerate(result.layers)],
        ops=sorted({layer.layer.op for layer in result.layers}),
        statuses=sorted({layer.status for layer in result.layers}),
        provenance=provenance,
        settings=_settings(result, provenance),
        assumptions=list(result.assumptions),
    )


def _setup(result: NetworkResult) -> str:
    architecture = result.architecture
    return (
        f"{architecture.pes:,} PEs, {architecture.macs_per_cycle:,} MACs/cycle, {si(architecture.clock, 'Hz')},"
        f" {result.technology}; {result.fidelity} engine, batch {result.batch}, mapped for {result.objective};"
        f" {si(result.totals.macs)} MACs, {si(result.totals.effectual_macs)} effectual"
    )


# --- what stands first -----------------------------------------------------------------------------------------------
def _notices(result: NetworkResult) -> Iterator[Notice]:
    if result.interrupted:
        yield Notice("error", "The run was interrupted. What was finished is complete; the totals lack the rest.")
    broken = [layer for layer in result.layers if layer.law_broken]
    if broken:
        text = f"{len(broken)} of {len(result.layers)} layers failed a check of the simulator itself."
        yield Notice("error", text, tuple(f"{layer.layer.name}: {layer.error}" for layer in broken))
    failed = [layer for layer in result.failed if not layer.law_broken and layer.status is not Status.INTERRUPTED]
    if failed:
        text = f"{len(failed)} of {len(result.layers)} layers failed; the totals lack them."
        yield Notice("error", text, tuple(f"{layer.layer.name}: {layer.error}" for layer in failed))
    differing = [layer for layer in result.layers if layer.verdict is not None and not layer.verdict.equal]
    if differing:
        text = f"The outputs of {len(differing)} layers differ from the reference."
        yield Notice("error", text, tuple(layer.layer.name for layer in differing))
    yield from (Notice("note", note) for note in result.notes)


def _cards(result: NetworkResult) -> Iterator[Card]:
    t = result.totals
    ran = f"{t.layers - t.failed} of {t.layers} layers" if t.failed else f"{t.layers} layers"
    part, estimate = partial(result), ", an estimate" if result.estimate else ""
    yield Card("Latency", si(t.latency_s, "s"), f"{t.cycles:,} cycles, {ran}{estimate}{part}")
    yield Card("Inferences per second", _rate(t.inferences_per_s), f"batch {result.batch}{estimate}{part}")
    yield Card("Chip energy", format_energy(t.energy.chip, t.energy.unit), f"without the DRAM{part}")
    yield Card("DRAM energy", format_energy(t.energy.dram, t.energy.unit), f"off-chip, not in the chip's{part}")
    if t.energy.unit is EnergyUnit.JOULE:
        yield Card("Inferences per joule", _rate(t.inferences_per_j), f"of the chip alone{part}")
        yield Card("GOPS/W", _rate(t.gops_per_w), f"two operations per MAC, zeros included{part}")
    yield Card("Utilization", percent(t.utilization) + "%", f"issued MACs, of the peak{part}")
    yield Card("DRAM traffic", si(t.dram_bytes, "B"), f"read and written{part}")


def _rate(value: float | None) -> str:
    if value is None:
        return "-"
    if value >= 1e5:
        return si(value)
    return f"{value:,.1f}" if value >= 10 else f"{value:.3g}"


def _components(result: NetworkResult) -> list[tuple[str, str, str, str, float]]:
    """Kind, name, energy, share of the chip's energy (empty for the DRAM), and share of all energy in percent."""
    chip, total = result.energy.chip, result.energy.total
    energies = result.energy.as_dict()
    return [
        (
            part,
            name,
            format_energy(energies[part], result.energy.unit),
            f"{percent(energies[part] / chip)}%" if chip and part != "dram" else "",
            100.0 * energies[part] / total if total else 0.0,
        )
        for part, name in COMPONENT_NAMES.items()
    ]


# --- the table -------------------------------------------------------------------------------------------------------
_COLUMNS = [
    PageColumn("#"),
    PageColumn("layer", numeric=False),
    PageColumn("op", numeric=False),
    PageColumn("status", numeric=False),
    PageColumn("MACs"),
    PageColumn("effectual"),
    PageColumn("cycles"),
    PageColumn("latency"),
    PageColumn("% of time"),
    PageColumn("util %"),
    PageColumn("bound by", numeric=False),
    PageColumn("PEs"),
    PageColumn("chip energy"),
    PageColumn("DRAM energy"),
    PageColumn("DRAM bytes"),
    PageColumn("MACs/byte"),
    PageColumn("mapping", numeric=False),
]


def _row(index: int, layer: LayerResult, result: NetworkResult) -> list[Cell]:
    """The cells of a layer; what a failed layer does not have sorts below everything."""
    shape, outcome = layer.layer, layer.outcome
    head = [
        Cell(str(index + 1), index + 1),
        Cell(shape.name, shape.name),
        Cell(shape.op, shape.op),
        Cell(layer.status.replace("_", " "), layer.status),
        number(shape.macs if shape.is_mac else None),
    ]
    if outcome is None or layer.energy is None:
        return [*head, *([number(None)] * 5), Cell("-", ""), *([number(None)] * 5), Cell("-", "")]
    used = work_of(outcome).utilization(result.architecture)
    seconds = outcome.timing.cycles / result.architecture.clock
    share = outcome.timing.cycles / result.totals.cycles if result.totals.cycles else 0.0
    bound = outcome.timing.bound_by.label if outcome.timing.cycles else "-"
    how = "-" if layer.mapping is None else "optimum" if layer.optimal_over else "given"
    per_byte = outcome.counts.macs / layer.dram_bytes if outcome.counts.macs and layer.dram_bytes else None
    return [
        *head,
        number(outcome.counts.effectual_macs if shape.is_mac else None),
        number(outcome.timing.cycles),
        number(seconds, "s"),
        Cell(percent(share), share),
        Cell(percent(used), used) if shape.is_mac else number(None),
        Cell(bound, bound),
        Cell(str(outcome.counts.active_pes), outcome.counts.active_pes) if shape.is_mac else number(None),
        Cell(format_energy(layer.energy.chip, layer.energy.unit), layer.energy.chip),
        Cell(format_energy(layer.energy.dram, layer.energy.unit), layer.energy.dram),
        number(layer.dram_bytes, "B"),
        number(per_byte),
        Cell(how, how),
    ]


# --- where it comes from ---------------------------------------------------------------------------------------------
def _settings(result: NetworkResult, provenance: Provenance) -> list[tuple[str, str]]:
    return [
        ("fidelity", result.fidelity),
        ("objective", result.objective),
        ("batch", str(result.batch)),
        ("seed", str(result.seed)),
        ("masks", result.masks),
    ]
