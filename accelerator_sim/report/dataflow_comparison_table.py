"""Dataflows side by side, for a terminal and as rows or JSON."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from accelerator_sim.comparison.dataflow_comparison import DataflowComparison, FlowResult, storage
from accelerator_sim.files.text import printable
from accelerator_sim.report.columns import EXTRA, Column, fitted, table
from accelerator_sim.report.json import encode
from accelerator_sim.report.numbers import percent, si
from accelerator_sim.report.tables import paint
from accelerator_sim.results.tabular import rows_text
from accelerator_sim.technology.energy_unit import EnergyUnit

_LEVELS = {
    "alu": "mac",
    "RF": "spad",
    "array": "noc",
    "GLB": "glb",
    "DRAM": "dram",
    "clock": "clock",
    "leak": "leakage",
}
"""Levels as ISCA 2016 calls them, and the components of the account."""

_SHOWN = {EnergyUnit.JOULE: 1e-12, EnergyUnit.MAC: 1.0}
"""What energies per MAC are shown in: picojoules, or multiples of one MAC."""

Ratios = tuple[str, list[float | None]]


def render(comparison: DataflowComparison, width: int = 80, color: bool = False) -> str:
    """Return a comparison in lines of at most `width` characters."""
    results = comparison.results
    parts: list[RenderableType] = [Text(line, overflow="fold") for line in _head(comparison)]
    unit = {EnergyUnit.JOULE: "in pJ", EnergyUnit.MAC: "in multiples of one MAC"}[comparison.energy_unit]
    parts += [Text(), Text(f"Energy of one MAC by level, {unit}", style="bold")]
    parts.append(table(fitted(_by_level(comparison), results, width)))
    parts += [Text(), Text("By data type, and what else it takes", style="bold")]
    parts.append(table(fitted(_by_tensor(comparison), results, width)))
    layers = comparison.layer_ratios()
    if len(layers) > 1 and len(results) > 1:
        parts += [Text(), Text(f"Energy of each layer over that of {comparison.first.flow.name}", style="bold")]
        parts.append(table(fitted(_by_layer(comparison), layers, width)))
    for result in results:
        if result.failed:
            parts += [
                Text(),
                Text(f"{result.flow.name} cannot run {len(result.failed)} of {len(result.layers)} layers;"),
            ]
            parts.append(Text("its figures and its ratio are of the layers that it runs.", overflow="fold"))
    return paint(parts, width, color)


def _head(comparison: DataflowComparison) -> list[str]:
    machine, layers = comparison.architecture, len(comparison.first.layers)
    lines = [
        f"{printable(comparison.workload)} on {printable(machine.name)}, batch {comparison.batch},"
        f" {layers} layer(s), dense, for least {comparison.objective}; cycles are estimates"
    ]
    if comparison.equal_area:
        lines.append(f"Same storage area for all: that of {printable(machine.name)}")
    return lines


def _per_mac(energy: float, row: FlowResult) -> str:
    """An energy of all layers of a row, per MAC: in picojoules, or in multiples of one MAC."""
    if not row.macs:
        return "-"
    return f"{energy / row.macs / _SHOWN[row.energy_unit]:.3f}"


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x"


def _by_level(comparison: DataflowComparison) -> list[Column[FlowResult]]:
    def share(part: str, rank: int, heading: str) -> Column[FlowResult]:
        def cell(row: FlowResult) -> str:
            return _per_mac(row.energy.as_dict()[part], row)

        return Column(heading, cell, rank)

    used = [
        (heading, part)
        for heading, part in _LEVELS.items()
        if any(result.energy.as_dict()[part] for result in comparison.results)
    ]
    return [
        Column("dataflow", lambda row: row.flow.name, 0, left=True),
        Column("total", lambda row: _per_mac(row.energy.total, row), 1),
        Column("ratio", lambda row: _times(comparison.energy_ratio(row)), 2),
        *(share(part, rank, heading) for rank, (heading, part) in enumerate(used, 3)),
    ]


def _by_tensor(comparison: DataflowComparison) -> list[Column[FlowResult]]:
    def moved(tensor: str, rank: int) -> Column[FlowResult]:
        def cell(row: FlowResult) -> str:
            return _per_mac(row.by_tensor[tensor], row)

        return Column(tensor, cell, rank)

    def per_mac(row: FlowResult) -> str:
        return f"{row.dram_words / row.macs:.4f}" if row.macs else "-"

    def size(name: str) -> Column[FlowResult]:
        heading = {"spad_bytes_per_pe": "RF", "glb_bytes": "GLB"}[name]
        return Column(heading, lambda row: si(int(storage(row, comparison.equal_area)[name]), "B"), EXTRA)

    return [
        Column("dataflow", lambda row: row.flow.name, 0, left=True),
        *(moved(tensor, rank) for rank, tensor in enumerate(("iact", "weight", "psum"), 1)),
        Column("DRAM/MAC", per_mac, 4),
        Column("util %", lambda row: "-" if row.utilization is None else percent(row.utilization), 5),
        Column("cycles", lambda row: si(row.cycles), 6),
        Column("EDP", lambda row: _times(comparison.edp_ratio(row)), 7),
        size("spad_bytes_per_pe"),
        size("glb_bytes"),
    ]


def _by_layer(comparison: DataflowComparison) -> list[Column[Ratios]]:
    columns: list[Column[Ratios]] = [Column("layer", lambda row: row[0], 0, left=True)]
    for i, result in enumerate(comparison.results):
        columns.append(Column(result.flow.name, lambda row, i=i: _times(row[1][i]), i + 1))  # type: ignore[misc]
    return columns


def dumps_json(comparison: DataflowComparison) -> str:
    """Return the text of a comparison."""
    return encode(comparison.to_dict())


def dumps_rows(comparison: DataflowComparison, delimiter: str) -> str:
    """Return a header and one row per dataflow."""
    return rows_text(comparison.rows(), delimiter)
