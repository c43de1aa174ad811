"""The part of a page about one layer; layers that differ only in their names share a panel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from accelerator_sim.architecture.architecture import TENSORS
from accelerator_sim.eyexam.explanation import Explanation
from accelerator_sim.mapping.picture import array_picture, loop_nest
from accelerator_sim.noc.modes import links_used
from accelerator_sim.report.cycles import by_cause
from accelerator_sim.report.html.eyexam_section import StepRow, steps_of
from accelerator_sim.report.html.heat import heat_grid, mesh
from accelerator_sim.report.html.steps import steps
from accelerator_sim.report.names import COMPONENT_NAMES, LEVEL_NAMES
from accelerator_sim.report.numbers import format_energy, percent, si
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.layer_work import work_of
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.simulation.links import link_words
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.simulation.schedule import Schedule

MOST_PES = 4096
"""PEs up to which their busy cycles are drawn one by one; above, a cell is a cluster."""
PICTURE_WIDTH = 190
LEAST_STALL = 0.0005
"""Share of the cycles from which a stall is listed."""

PanelRow = tuple[str, ...]


@dataclass(frozen=True)
class NocPanel:
    """The mesh links of one data type: a drawing and its caption."""

    tensor: str
    drawing: Markup
    caption: str


@dataclass(frozen=True)
class Panel:
    """One panel: the indices and names of its layers, and what is shown of them; what does not exist is empty."""

    members: tuple[tuple[int, str], ...]
    title: str
    shape: str
    error: str
    facts: tuple[tuple[str, str], ...] = ()
    nest: str = ""
    picture: str = ""
    networks: tuple[NocPanel, ...] = ()
    no_links: str = ""
    over_time: Markup | None = None
    busy: Markup | None = None
    busy_caption: str = ""
    steps: tuple[StepRow, ...] = ()
    stalls: tuple[PanelRow, ...] = ()
    resources: tuple[PanelRow, ...] = ()
    accesses: tuple[PanelRow, ...] = ()
    traffic: tuple[PanelRow, ...] = ()
    energies: tuple[PanelRow, ...] = ()


def panels(result: NetworkResult, explanation: Explanation | None = None) -> list[Panel]:
    """Return the panels of all layers, in the order of the first layer of each, with their bounds if they have any."""
    schedules = result.schedules()
    explanations = (
        {}
        if explanation is None
        else dict(zip((run.layer.name for run in explanation.run.layers), explanation.layers, strict=True))
    )
    groups: list[list[int]] = []
    heads: dict[object, list[list[int]]] = {}
    for index, layer in enumerate(result.layers):
        alike = heads.setdefault((layer.layer.unnamed, layer.mapping), [])
        for group in alike:
            if _same(result.layers[group[0]], layer):
                group.append(index)
                break
        else:
            alike.append([index])
            groups.append(alike[-1])
    out = []
    for group in groups:
        first = result.layers[group[0]]
        schedule = schedules.get(first.leading.layer.name)
        members = tuple((index, result.layers[index].layer.name) for index in group)
        panel = _panel(first, members, schedule, result)
        explained = explanations.get(first.leading.layer.name)
        out.append(replace(panel, steps=steps_of(explained.bounds)) if explained else panel)
    return out


def _same(one: LayerResult, other: LayerResult) -> bool:
    return (one.status, one.outcome, one.energy, one.optimal_over) == (
        other.status, other.outcome, other.energy, other.optimal_over,
    ) and one.status.ran  # fmt: skip


def _panel(
    layer: LayerResult, members: tuple[tuple[int, str], ...], schedule: Schedule | None, result: NetworkResult
) -> Panel:
    outcome = layer.outcome
    head = Panel(members, ", ".join(name for _, name in members), shape_of(layer), layer.error or "")
    if outcome is None or layer.energy is None:
        return head
    energies, unit = layer.energy.as_dict(), layer.energy.unit
    head = replace(
        head,
        facts=tuple(_facts(layer, outcome, result)),
        resources=tuple(
            (name.label, f"{cycles:,}")
            for name, cycles in sorted(outcome.timing.resource_cycles.items(), key=lambda item: -item[1])
        ),
        stalls=tuple(_stalls(outcome, result)),
        accesses=tuple(_accesses(outcome)),
        energies=tuple(
            (name, format_energy(energies[part], unit), percent(energies[part] / layer.energy.total) + "%")
            for part, name in COMPONENT_NAMES.items()
            if energies[part]
        ),
    )
    if schedule is None:
        return head
    drawing, caption = _busy(outcome, result)
    networks = tuple(_networks(schedule, result))
    return replace(
        head,
        nest=loop_nest(schedule),
        picture=array_picture(schedule, PICTURE_WIDTH),
        networks=networks,
        no_links=_no_links(networks, result),
        traffic=tuple(
            (use.tensor, use.mode.replace("_", " "), si(use.words), si(use.delivered), si(use.word_hops))
            for use in outcome.counts.noc
        ),
        over_time=_over_time(outcome),
        busy=drawing,
        busy_caption=caption,
    )


def shape_of(layer: LayerResult) -> str:
    """Return the shape of a layer in the letters of the papers, or the words that it moves."""
    shape = layer.layer
    if not shape.is_mac:
        return f"{shape.op}, reads {shape.iact_words:,} words, writes {shape.oact_words:,}"
    letters = " ".join(f"{letter}{getattr(shape, letter)}" for letter in "NGMCHWPQRS")
    more = f", stride {'x'.join(map(str, shape.stride))}" if shape.stride != (1, 1) else ""
    more += f", dilation {'x'.join(map(str, shape.dilation))}" if shape.dilation != (1, 1) else ""
    more += ", transposed" if shape.transposed else ""
    more += f", padding {','.join(map(str, shape.padding))}" if any(shape.padding) else ""
    return f"{shape.op}, {letters}{more}"


def chosen_by(layer: LayerResult, result: NetworkResult) -> str:
    """Return how the mapping of a layer was chosen; empty for layers without one."""
    if layer.mapping is None:
        return ""
    if layer.optimal_over is None:
        return "given"
    return f"least {result.objective} of {layer.optimal_over:,}"


def _facts(layer: LayerResult, outcome: Outcome, result: NetworkResult) -> Iterator[tuple[str, str]]:
    yield "cycles", f"{outcome.timing.cycles:,} = {si(outcome.timing.cycles / result.architecture.clock, 's')}"
    if layer.layer.is_mac:
        yield "bound by", outcome.timing.bound_by.label
        used = work_of(outcome).utilization(result.architecture)
        counts = outcome.counts
        yield "utilization", f"{percent(used)}% of the peak, {counts.active_pes} of {result.architecture.pes} PEs"
        yield "MACs", f"{counts.macs:,}, {counts.effectual_macs:,} effectual, {counts.macs_issued:,} issued"
        density = layer.layer.density
        yield "density", f"iact {density.iact:.3g}, weight {density.weight:.3g}"
    if layer.phases:
        shown = f"; mapping and bounds are those of {layer.leading.layer.name}" if len(layer.phases) > 1 else ""
        yield "dense phases", f"{len(layer.phases)} of their own shape{shown}"
    yield "mapping", chosen_by(layer, result) or "none; only data move"
    moved = ", ".join(f"{name} {si(count, 'B')}" for name, count in outcome.counts.dram_bytes.items() if count)
    yield "DRAM traffic", f"{si(layer.dram_bytes, 'B')} ({moved})" if moved else "none"
    if outcome.timing.fifo_marks:
        marks = ", ".join(f"{name} {most}" for name, most in outcome.timing.fifo_marks.items())
        yield "fullest FIFO", f"{marks} entries"
    if layer.verdict is not None:
        verdict = layer.verdict
        same = "all equal to the reference" if verdict.equal else f"{verdict.different:,} differ from the reference"
        over = f", {verdict.overflows:,} psum overflows" if verdict.overflows else ""
        yield "outputs", f"{verdict.outputs:,}, {same}{over}"


def _stalls(outcome: Outcome, result: NetworkResult) -> Iterator[PanelRow]:
    for name, cycles in sorted(by_cause(outcome.timing, result.architecture).items(), key=lambda item: -item[1]):
        if cycles < LEAST_STALL * outcome.timing.cycles:
            break
        yield name.label, si(round(cycles)), percent(cycles / outcome.timing.cycles) + "%"


def _accesses(outcome: Outcome) -> Iterator[PanelRow]:
    for access in outcome.counts.accesses:
        if access.bits:
            name = LEVEL_NAMES[access.level]
            yield name, access.tensor, si(access.reads), si(access.writes), si(access.bits // 8, "B")


def _no_links(networks: Sequence[NocPanel], result: NetworkResult) -> str:
    """Why there are no links to show, or for which data types."""
    name = result.architecture.name
    if result.architecture.flat:
        return f"{name} has no mesh: its networks are flat ({result.architecture.noc.iact.kind.replace('_', ' ')})."
    if result.architecture.cluster_array.count == 1:
        return f"{name} has no mesh links: it has one cluster."
    idle = [tensor for tensor in TENSORS if tensor not in [network.tensor for network in networks]]
    return f"No words of {' and '.join(idle)} cross a mesh link." if idle else ""


def _networks(schedule: Schedule, result: NetworkResult) -> Iterator[NocPanel]:
    array = result.architecture.cluster_array
    for tensor in TENSORS:
        if result.architecture.flat or not links_used(schedule.mapping, tensor):
            continue  # walking the links of large arrays takes long
        words = link_words(schedule, tensor)
        if not words:
            continue
        (start, end), most = max(words.items(), key=lambda item: item[1])
        caption = f"busiest of {len(words)} links: {start} to {end}, {si(most)} words; {si(sum(words.values()))} in all"
        yield NocPanel(tensor, mesh(f"Words of {tensor} over each link", (array.rows, array.columns), words), caption)


def _over_time(outcome: Outcome) -> Markup | None:
    if not outcome.timing.utilization_over_time:
        return None
    ends = "start", f"{outcome.timing.cycles:,} cycles"
    return steps("Share of PEs that multiply, over the time of the layer", outcome.timing.utilization_over_time, ends)


def _busy(outcome: Outcome, result: NetworkResult) -> tuple[Markup | None, str]:
    """Busy cycles of every PE (of every cluster, where there are many PEs), as they lie on the chip."""
    if not outcome.timing.pe_busy:
        return None, ""
    clusters, pes = result.architecture.cluster_array, result.architecture.pe_cluster
    block_name, block = "PE", (pes.rows, pes.columns)
    if len(outcome.timing.pe_busy) > MOST_PES:
        block_name, block = "cluster", (1, 1)
        sums = [
            sum(outcome.timing.pe_busy[i : i + pes.count]) / pes.count
            for i in range(0, result.architecture.pes, pes.count)
        ]
        grid = [sums[r * clusters.columns : (r + 1) * clusters.columns] for r in range(clusters.rows)]
    else:
        grid = [
            [
                float(outcome.timing.pe_busy[(i * clusters.columns + j) * pes.count + y * pes.columns + x])
                for j in range(clusters.columns)
                for x in range(pes.columns)
            ]
            for i in range(clusters.rows)
            for y in range(pes.rows)
        ]
    flat = [value for row in grid for value in row]
    least, most = (percent(value / outcome.timing.cycles) for value in (min(flat), max(flat)))
    caption = f"each {block_name} multiplies in {least}% to {most}% of the cycles; the darkest is the busiest"
    return heat_grid(f"Busy cycles of each {block_name}", grid, block), caption
