"""A comparison of networks on chip as a table, rows or JSON."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from accelerator_sim.architecture.architecture import TENSORS
from accelerator_sim.comparison.noc_comparison import NOTHING, NetworkComparison, NetworkCost, NetworkRun
from accelerator_sim.files.text import printable
from accelerator_sim.report.columns import EXTRA, Column, fitted, table
from accelerator_sim.report.json import encode
from accelerator_sim.report.numbers import format_joules, percent, si
from accelerator_sim.report.tables import paint
from accelerator_sim.results.tabular import rows_text
from accelerator_sim.simulation.outcome import Resource

NOTES = (
    "words, links: of iacts, weights, psums.  Links are as wide as those of the mesh; others count in proportion.",
    "NoC energy: by wires, for all networks alike.  Ratios are over {reference}.",
    "docs/networks.md says how networks of equal link count are made.",
)


def dumps_json(comparison: NetworkComparison) -> str:
    """Return JSON in the schema "accelerator-sim/networks/1"."""
    return encode(comparison.to_dict())


def dumps_rows(comparison: NetworkComparison, delimiter: str) -> str:
    """Return delimited text, one row per network, and one per network and layer if there are several."""
    return rows_text(comparison.rows(), delimiter, comparison.columns)


@dataclass(frozen=True)
class _Line:
    """A line of a table of costs: a network's costs and the reference's."""

    network: str
    cost: NetworkCost
    base: NetworkCost


def render(comparison: NetworkComparison, width: int = 80, color: bool = False) -> str:
    """Return what the networks are and what they cost, in lines of at most `width` characters."""
    name, runs, base = comparison.workload, comparison.runs, comparison.reference
    head = f"{printable(name)} on {printable(comparison.architecture.name)} with other networks on chip"
    how = f"batch {comparison.batch}, mappings for {comparison.objective}, {comparison.fidelity} engine"
    parts: list[RenderableType] = [Text(head, style="bold"), Text(how), Text()]
    parts += [table(fitted(_size_columns(comparison), runs, width)), Text()]
    total = [_Line(run.name, run.total, base.total) for run in runs]
    parts.append(table(fitted(_cost_columns(False), total, width)))
    if len(base.layers) > 1:
        lines = [
            _Line(run.name, run.layers[i], layer)
            for i, layer in enumerate(base.layers)
            if layer.bound_by != NOTHING
            for run in runs
        ]
        parts += [Text(), table(fitted(_cost_columns(True), lines, width))]
    parts.append(Text())
    if comparison.left_out:
        parts.append(Text(f"left out, as they failed on a network: {printable(', '.join(comparison.left_out))}"))
    parts += [Text(note.format(reference=base.name)) for note in NOTES]
    return paint(parts, width, color)


def _size_columns(comparison: NetworkComparison) -> list[Column[NetworkRun]]:
    def words(run: NetworkRun) -> str:
        return ", ".join(f"{run.words_per_cycle[tensor]:.4g}" for tensor in TENSORS)

    def links(run: NetworkRun) -> str:
        return ", ".join(f"{comparison.links(run, tensor):.0f}" for tensor in TENSORS)

    return [
        Column("network", lambda run: run.name, 0, left=True),
        Column("words per cycle", words, 1),
        Column("links", links, 1),
        Column("wire, bit m", lambda run: f"{run.bit_mm / 1e3:.3g}", 2),
        Column("ratio", lambda run: f"{run.bit_mm / comparison.reference.bit_mm:.2f}", 2),
    ]


def _bound(cost: NetworkCost) -> str:
    return NOTHING if cost.bound_by == NOTHING else Resource(cost.bound_by).label


def _ratio(value: float, base: float) -> str:
    return f"{value / base:.2f}" if base else "-"


def _cost_columns(by_layer: bool) -> list[Column[_Line]]:
    columns: list[Column[_Line]] = [
        Column("network", lambda line: line.network, 0, left=True),
        Column("cycles", lambda line: si(line.cost.cycles), 1),
        Column("ratio", lambda line: _ratio(line.cost.cycles, line.base.cycles), 1),
        Column("util %", lambda line: percent(line.cost.utilization), 4),
        Column("bound by", lambda line: _bound(line.cost), 5, left=True),
        Column("NoC", lambda line: format_joules(line.cost.noc_j), 3),
        Column("ratio ", lambda line: _ratio(line.cost.noc_j, line.base.noc_j), 3),
        Column("chip", lambda line: format_joules(line.cost.chip_j), 2),
        Column("ratio  ", lambda line: _ratio(line.cost.chip_j, line.base.chip_j), 2),
        Column("GLB", lambda line: format_joules(line.cost.glb_j), EXTRA),
        Column("ratio   ", lambda line: _ratio(line.cost.glb_j, line.base.glb_j), EXTRA),
    ]
    if by_layer:
        columns.insert(0, Column("layer", lambda line: line.cost.layer, 0, left=True))
        columns[1] = Column("network", lambda line: line.network, 1, left=True)
    return columns
