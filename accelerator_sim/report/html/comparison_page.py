"""The page of a network on several machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from accelerator_sim.comparison.machine_comparison import Comparison, MachineEntry, ratio
from accelerator_sim.eyexam.explanation import Explanation
from accelerator_sim.files.vocabulary import ChipBoundary
from accelerator_sim.report import compared, verdicts
from accelerator_sim.report.compared import Cells, Wanted, conditions, times, title
from accelerator_sim.report.html import charts, page, scatter
from accelerator_sim.report.html.bars import Bar, Segment, stacked_bars
from accelerator_sim.report.html.charts import Chart
from accelerator_sim.report.html.eyexam_section import whole
from accelerator_sim.report.html.page import Card, Cell, Notice, PageColumn, number
from accelerator_sim.report.html.scatter import ScatterPoint, scatter_loglog
from accelerator_sim.report.names import COMPONENT_NAMES, DEVICE_PART_NAMES
from accelerator_sim.report.numbers import format_joules, si
from accelerator_sim.results.provenance import Provenance


@dataclass(frozen=True)
class Small:
    """A small table: what stands above and below it; `words` of its columns are not numbers."""

    caption: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ""
    words: int = 1


_KINDS = {"accelerator": "accelerator", "projection": "accelerator, projected to another process", "board": "baseline"}


def dumps(
    comparison: Comparison, wanted: Wanted, provenance: Provenance, explanations: Sequence[Explanation] = ()
) -> str:
    """Return the page of a comparison: one HTML file that loads nothing, the same bytes for the same input.

    explanations: what bounds the layers on each accelerator (none of estimates).
    """
    known = [entry for entry in comparison.entries if entry.energy_j is not None and entry.latency_s is not None]
    return page.render(
        "comparison.html.j2",
        comparison=comparison,
        verdict=verdicts.of_comparison(comparison),
        setup=f"{compared.size_of(comparison)}; energies are of one inference",
        notices=list(_notices(comparison)),
        cards=list(_cards(comparison)),
        charts=[_energies(comparison, known), _latencies(comparison, known)],
        stalls=charts.stalls_of_runs(comparison.runs),
        waterfalls=[waterfall.chart for waterfall in map(whole, explanations) if waterfall is not None],
        plane=_plane(comparison, known),
        columns=_COLUMNS,
        rows=[_row(entry, comparison.reference) for entry in comparison.entries],
        kinds=list(dict.fromkeys(entry.kind for entry in comparison.entries)),
        ratio_columns=_RATIO_COLUMNS,
        ratios=[_ratio_row(cells) for cells in compared.matrix_rows(comparison)],
        notes=list(compared.notes(comparison)),
        breakdowns=[Small(*parts) for parts in compared.breakdowns(comparison)],
        year=_year(comparison, wanted),
        sending=_sending(comparison, wanted),
        provenance=provenance,
        settings=list(_settings(comparison)),
        assumptions=list(_assumptions(comparison)),
    )


def _notices(comparison: Comparison) -> Iterator[Notice]:
    broken = [entry for entry in comparison.entries if entry.energy_j is None and not entry.projection]
    if broken:
        cases = tuple(f"{entry.name}: {entry.note}" for entry in broken)
        yield Notice("error", "Some machines did not run all layers, so they have no energy and no ratio.", cases)
    if comparison.notes:
        yield Notice("note", "Not every machine could be shown everywhere.", comparison.notes)


def _cards(comparison: Comparison) -> Iterator[Card]:
    reference = comparison.reference
    yield Card(title(reference), format_joules(reference.energy_j), conditions(reference))
    for entry in comparison.entries[1:]:
        if entry.projection:
            continue
        by = times(ratio(entry.energy_j, reference.energy_j))
        measured = entry.measured
        beside = f"; measured {format_joules(measured.energy_j)}" if measured and measured.energy_j else ""
        energy = f"the energy of {title(reference)}: {format_joules(entry.energy_j)}{beside}"
        yield Card(title(entry), by, f"{energy}; {conditions(entry)}")


# --- charts ----------------------------------------------------------------------------------------------------------
def _energies(comparison: Comparison, known: Sequence[MachineEntry]) -> Chart:
    names = COMPONENT_NAMES | DEVICE_PART_NAMES
    bars = []
    for entry in known:
        counted = entry.counted
        lines = [f"{names[part]} {format_joules(joules)}" for part, joules in counted.items() if joules]
        over = times(ratio(entry.energy_j, comparison.reference.energy_j))
        head = f"{title(entry)}: {format_joules(entry.energy_j)}, {over}\n{conditions(entry)}"
        segments = tuple(Segment(part, counted[part]) for part in names if part in counted)
        bars.append(Bar(title(entry), segments, format_joules(entry.energy_j), "\n".join([head, *lines])))
    used = {part for entry in known for part, joules in entry.counted.items() if joules}
    return Chart(
        "Energy of one inference",
        stacked_bars(f"Energy of one inference of {comparison.workload}", bars, format_joules),
        tuple((part, name) for part, name in names.items() if part in used),
        f"Inside the boundary of each machine. Ratios are over {title(comparison.reference)}.",
        shares=True,
    )


def _latencies(comparison: Comparison, known: Sequence[MachineEntry]) -> Chart:
    bars = []
    for entry in known:
        seconds = si(entry.latency_s, "s")
        over = times(ratio(entry.latency_s, comparison.reference.latency_s))
        tip = f"{title(entry)}: {seconds}, {over}\n{si(entry.inferences_per_s)} inferences/s\n{conditions(entry)}"
        bars.append(Bar(title(entry), (Segment("time", entry.latency_s or 0.0),), seconds, tip))
    return Chart(
        "Latency",
        stacked_bars(f"Latency of {comparison.workload}", bars, lambda value: si(value, "s")),
        caption=f"Of a batch of {comparison.batch}, from input to output.",
    )


def _plane(comparison: Comparison, known: Sequence[MachineEntry]) -> Chart | None:
    """Return energy over latency; None where nothing ran."""
    points = [
        ScatterPoint(
            entry.latency_s or 0.0,
            entry.energy_j or 0.0,
            _kind(entry),
            "\n".join(
                (
                    title(entry),
                    f"{si(entry.latency_s, 's')}, {format_joules(entry.energy_j)}, EDP {si(entry.edp_js, 'Js')}",
                    conditions(entry),
                )
            ),
            title(entry),
            radius=6.0,
        )
        for entry in known
        if entry.latency_s and entry.energy_j
    ]
    if not points:
        return None
    kinds = [kind for kind in _KINDS if any(point.kind == kind for point in points)]
    axes = "latency of the batch, s", "energy of one inference, J"
    return Chart(
        "Energy and latency",
        scatter_loglog(f"Energy over latency of {comparison.workload}", points, list(_KINDS), (), axes),
        caption="Down and left is better.",
        marks=tuple((kind, scatter.mark(kind, list(_KINDS)), _KINDS[kind]) for kind in kinds),
    )


def _kind(entry: MachineEntry) -> str:
    if entry.kind != "accelerator":
        return "board"
    return "projection" if entry.projection else "accelerator"


# --- tables ----------------------------------------------------------------------------------------------------------
_COLUMNS = [
    PageColumn("machine", numeric=False),
    PageColumn("kind", numeric=False),
    PageColumn("process"),
    PageColumn("batch"),
    PageColumn("format", numeric=False),
    PageColumn("boundary", numeric=False),
    PageColumn("software", numeric=False),
    PageColumn("energy"),
    PageColumn("ratio"),
    PageColumn("measured"),
    PageColumn("latency"),
    PageColumn("ratio of time"),
    PageColumn("inferences/s"),
    PageColumn("inferences/J"),
    PageColumn("EDP"),
]


def _row(entry: MachineEntry, reference: MachineEntry) -> list[Cell]:
    of, measured = entry.conditions, entry.measured
    words = (title(entry), entry.kind.replace("_", " "))
    over, slower = ratio(entry.energy_j, reference.energy_j), ratio(entry.latency_s, reference.latency_s)
    return [
        *(Cell(word, word) for word in words),
        Cell("-", -1) if entry.node_nm is None else Cell(f"{entry.node_nm:g} nm", entry.node_nm),
        Cell(str(of.batch), of.batch),
        *(Cell(word, word) for word in (of.precision, of.boundary, of.stack)),
        number(entry.energy_j, "J"),
        Cell(times(over), -1 if over is None else over),
        number(measured.energy_j if measured else None, "J"),
        number(entry.latency_s, "s"),
        Cell(times(slower), -1 if slower is None else slower),
        number(entry.inferences_per_s),
        number(entry.inferences_per_j),
        number(entry.edp_js, "Js"),
    ]


_RATIO_COLUMNS = [
    PageColumn("baseline", numeric=False),
    PageColumn("batch"),
    PageColumn("format", numeric=False),
    PageColumn("boundary", numeric=False),
    PageColumn("software", numeric=False),
    PageColumn("over", numeric=False),
    PageColumn("its format", numeric=False),
    PageColumn("its chip"),
    PageColumn("its chip+dram"),
    PageColumn("time"),
]


def _ratio_row(cells: Cells) -> list[Cell]:
    first = next(iter(cells.values()))
    board, chip = first.baseline, first.accelerator
    of = board.conditions
    ratios = [cells[boundary].energy for boundary in ChipBoundary] + [first.latency]
    return [
        Cell(title(board), board.name),
        Cell(str(of.batch), of.batch),
        *(Cell(word, word) for word in (of.precision, of.boundary, of.stack)),
        Cell(title(chip), title(chip)),
        Cell(chip.conditions.precision, chip.conditions.precision),
        *(Cell(times(value), -1 if value is None else value) for value in ratios),
    ]


def _year(comparison: Comparison, wanted: Wanted) -> Small | None:
    if wanted.use is None:
        return None
    rows = compared.year_rows(comparison, wanted.use)
    return Small(compared.year_heading(wanted.use), compared.YEAR_COLUMNS, rows, words=2)


def _sending(comparison: Comparison, wanted: Wanted) -> Small | None:
    if not wanted.links:
        return None
    heading, rows = compared.sending_heading(comparison, wanted), compared.sending_rows(comparison, wanted)
    return Small(heading, compared.SENDING_COLUMNS, rows, compared.sending_note(comparison))


# --- where it comes from ---------------------------------------------------------------------------------------------
def _settings(comparison: Comparison) -> Iterator[tuple[str, str]]:
    yield "batch", str(comparison.batch)
    for run in comparison.runs[:1]:
        yield from (("fidelity", run.fidelity), ("objective", run.objective), ("seed", str(run.seed)))


def _assumptions(comparison: Comparison) -> Iterator[str]:
    yield "A baseline computes all MACs, zeros included; an accelerator gains what its architecture gains from zeros."
    if comparison.baselines:
        yield "Baselines are modelled: a roofline for time, static power and energies per operation and byte."
    for measured in comparison.measured:
        yield f"{measured.name}: measured, not modelled; energy is of {measured.boundary}; {measured.source}."
    for result in comparison.baselines:
        device = result.device
        yield f"{device.name}: power is of {device.boundary}; {device.source}."
        yield f"{device.name}, stack {result.stack}: {device.family.stacks[result.stack].source}."
