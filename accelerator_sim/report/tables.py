"""A result as tables for a terminal."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.text import Text

from accelerator_sim.architecture.architecture import TENSORS
from accelerator_sim.files.text import printable
from accelerator_sim.report.area_text import area_text
from accelerator_sim.report.columns import EXTRA, Column, fitted, table
from accelerator_sim.report.names import LEVEL_NAMES, partial
from accelerator_sim.report.numbers import format_energy, percent, si
from accelerator_sim.results.layer_result import NEAR, LayerResult
from accelerator_sim.results.layer_work import work_of
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.status import Status
from accelerator_sim.simulation.outcome import LEVELS, Access, Level, NocUse
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network

_TENSORS: tuple[str, ...] = TENSORS
LEAST_SOURCE = 24
"""Characters of a source below which it is left out."""
_STYLES = {Status.OK: "", Status.TRAFFIC_ONLY: "dim", Status.FAILED: "red", Status.INTERRUPTED: "red"}


def render(result: NetworkResult, width: int = 80, color: bool = False) -> str:
    """Return the layers and the totals of a result, in lines of at most `width` characters.

    color: use terminal styles (NO_COLOR overrides it).
    """
    parts: list[RenderableType] = [Text(line) for line in _head(result)]
    layers = fitted(layer_columns(result), result.layers, width)
    parts += [Text(), table(layers, [_STYLES[layer.status] for layer in result.layers]), Text()]
    parts += [Text(line) for line in _totals(result)]
    accesses = fitted(_ACCESS_COLUMNS, _ordered(result.accesses), width)
    noc = fitted(_NOC_COLUMNS, sorted(result.noc, key=lambda use: (_TENSORS.index(use.tensor), use.word_bits)), width)
    parts += [Text(), Text(f"Accesses{partial(result)}", style="bold"), table(accesses)]
    if result.noc:
        parts += [Text(), Text(f"Networks on chip{partial(result)}", style="bold"), table(noc)]
    parts += [
        Text(),
        Text(f"Energy by component{partial(result)}", style="bold"),
        *(Text(line) for line in _components(result)),
    ]
    return paint(parts, width, color)


def render_network(network: Network, width: int = 80, color: bool = False) -> str:
    """Return the layers of a network as a table, and its source."""
    parts: list[RenderableType] = [Text(f"{network.name}: {printable(network.source)}", overflow="fold")]
    if network.notes:
        parts.append(Text(printable(network.notes), overflow="fold"))
    styles = ["" if layer.is_mac else "dim" for layer in network.layers]
    parts += [Text(), table(fitted(_NETWORK_COLUMNS, network.layers, width), styles), Text()]
    effectual = sum(layer.effectual_macs for layer in network.layers)
    of = "" if network.batch == 1 else f" of {network.batch} inferences ({network.macs_text})"
    counts = f"{network.macs:,} MACs ({effectual:,} effectual), {network.weight_words:,} weights"
    parts.append(Text(f"{len(network.layers)} layers{of}, {counts}"))
    return paint(parts, width, color)


def render_networks(networks: Sequence[Network], width: int = 80, color: bool = False) -> str:
    """Return one line for each network, with as much of its source as there is room for."""
    columns = fitted(_NETWORKS_COLUMNS, networks, width)
    used = sum(max(map(len, (column.heading, *cells))) + 2 for column, cells in columns)
    if networks and width - used >= LEAST_SOURCE:
        sources = [printable(network.source) for network in networks]
        shown = [
            text if len(text) <= width - used else text[: width - used - 1].rstrip(" ,;:") + "…" for text in sources
        ]
        columns.append((Column("source", lambda network: network.source, EXTRA, left=True), shown))
    return paint([table(columns)], width, color)


def paint(parts: Sequence[RenderableType], width: int, color: bool) -> str:
    """Return renderables as text, with terminal styles only if `color` is true and NO_COLOR is not set.

    Control characters of texts (of a name in a file, say) are made visible.
    """
    styled = color and not os.environ.get("NO_COLOR")
    out = io.StringIO()
    console = Console(
        file=out,
        width=max(width, 40),
        force_terminal=styled,
        no_color=not styled,
        color_system="standard" if styled else None,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    for part in parts:
        if isinstance(part, Text) and not part.plain.isprintable():
            part.plain = printable(part.plain, kept="\n")
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


# --- layers ----------------------------------------------------------------------------------------------------------
def layer_columns(result: NetworkResult) -> list[Column[LayerResult]]:
    """Columns of a table of layers, those of a narrow terminal and those that only wide ones have room for."""

    def words(level: Level) -> Column[LayerResult]:
        def cell(row: LayerResult) -> str:
            records = [a for a in row.outcome.counts.accesses if a.level == level] if row.outcome else []
            return si(sum(a.reads + a.writes for a in records)) if records else "-"

        return Column(f"{LEVEL_NAMES[level]} words", cell, EXTRA)

    def component(part: str, importance: int) -> Column[LayerResult]:
        def cell(row: LayerResult) -> str:
            return format_energy(row.energy.as_dict()[part], row.energy.unit) if row.energy else "-"

        return Column(f"{part} energy", cell, importance)

    def share(row: LayerResult) -> str:
        if row.outcome is None or not row.layer.is_mac:
            return "-"
        return percent(work_of(row.outcome).utilization(result.architecture))

    def latency(row: LayerResult) -> str:
        return si(row.outcome.timing.cycles / result.architecture.clock, "s") if row.outcome else "-"

    def bound(row: LayerResult) -> str:
        if row.outcome is None:
            return "FAILED"
        return row.outcome.timing.bound_by.label if row.outcome.timing.cycles else "-"

    return [
        Column("layer", lambda row: row.layer.name, 0, left=True),
        Column("op", lambda row: row.layer.op, 9, left=True),
        Column("MACs", lambda row: si(row.layer.macs) if row.layer.is_mac else "-", 3),
        Column("cycles", lambda row: si(row.outcome.timing.cycles) if row.outcome else "-", 6),
        Column("latency", latency, 1),
        Column("util %", share, 4),
        Column("bound by", bound, 5, left=True),
        Column("PEs", lambda row: str(row.outcome.counts.active_pes) if row.outcome and row.layer.is_mac else "-", 8),
        Column("chip energy", lambda row: format_energy(row.energy.chip, row.energy.unit) if row.energy else "-", 2),
        Column("DRAM bytes", lambda row: si(row.dram_bytes, "B") if row.outcome else "-", 7),
        words("glb"),
        words("noc"),
        words("spad"),
        *(component(part, EXTRA + 1) for part in ("mac", "spad", "noc", "glb", "clock", "leakage", "dram")),
    ]


def _size(letter: str) -> Column[Layer]:
    return Column(letter, lambda layer: str(getattr(layer, letter)) if layer.is_mac else "-", 3)


_NETWORK_COLUMNS: list[Column[Layer]] = [
    Column("layer", lambda layer: layer.name, 0, left=True),
    Column("op", lambda layer: layer.op, 2, left=True),
    *map(_size, "NGMCHWRSPQ"),
    Column("stride", lambda layer: "x".join(map(str, layer.stride)) if layer.is_mac else "-", 4),
    Column("padding", lambda layer: ",".join(map(str, layer.padding)) if layer.is_mac else "-", 5),
    Column("iact dens", lambda layer: f"{layer.density.iact:.2f}" if layer.is_mac else "-", 6),
    Column("weight dens", lambda layer: f"{layer.density.weight:.2f}" if layer.is_mac else "-", 6),
    Column("MACs", lambda layer: si(layer.macs) if layer.is_mac else "-", 1),
]

_NETWORKS_COLUMNS: list[Column[Network]] = [
    Column("name", lambda network: network.name, 0, left=True),
    Column("family", lambda network: network.family or "-", 3, left=True),
    Column("layers", lambda network: f"{len(network.layers):,}", 4),
    Column("MACs", lambda network: si(network.macs // network.batch), 1),
    Column("weights", lambda network: si(network.weight_words), 2),
]


# --- totals ----------------------------------------------------------------------------------------------------------
def _head(result: NetworkResult) -> list[str]:
    architecture = result.architecture
    part = f" ({len(result.layers)} of {result.workload_layers} layers)" if _selected(result) else ""
    return [
        f"{printable(result.workload)}{part} on {printable(architecture.name)}: {architecture.pes} PEs,"
        f" {architecture.macs_per_cycle} MACs/cycle, {si(architecture.clock, 'Hz')}, {printable(result.technology)}",
        f"{result.fidelity}{' (estimate)' * result.estimate}, batch {result.batch}, mapped for {result.objective}",
    ]


def _selected(result: NetworkResult) -> bool:
    return len(result.layers) < result.workload_layers


def _totals(result: NetworkResult) -> list[str]:
    t = result.totals
    ran = f"{t.layers - t.failed} of {t.layers} layers ran" if t.failed else f"{t.layers} layers"
    estimate = " (estimate)" if result.estimate else ""
    rows = [
        ("layers", f"{ran}, {t.mac_layers} with MACs"),
        ("MACs", f"{t.macs:,}, {t.effectual_macs:,} effectual; utilization {percent(t.utilization)}%"),
        ("cycles", f"{t.cycles:,}{estimate} = {si(t.latency_s, 's')}" + _rate(t.inferences_per_s, "inferences/s")),
        ("chip energy", format_energy(t.energy.chip, t.energy.unit) + _rate(t.inferences_per_j, "inferences/J")
         + _rate(t.gops_per_w, "GOPS/W")),
        ("DRAM", f"{si(t.dram_bytes, 'B')}, {format_energy(t.energy.dram, t.energy.unit)}, not in the chip's energy"),
        ("area", f"{area_text(result.area, result.node_nm)} (estimate)"),
    ]  # fmt: skip
    if result.gap is not None:
        rows.append(("mappings", _search(result, result.gap)))
    lines = [f"{label:<12} {text}{partial(result) if label != 'area' else ''}" for label, text in rows]
    if result.verified is not None:
        lines.append(f"outputs verified: {result.verified:,} values equal the reference")
    return lines


def _search(result: NetworkResult, gap: float) -> str:
    """Return how far the other mappings of the searches are ruled out."""
    known = [layer for layer in result.layers if layer.gap is not None]
    reached = sum(layer.bound_reached is True for layer in known)
    if reached == len(known):
        return f"bound reached: no other of the best can be {100 * NEAR:.1f}% better, in {reached} layers"
    return f"bound reached in {reached} of {len(known)} layers; over all, it lies {100 * gap:.1f}% below"


def _rate(value: float | None, unit: str) -> str:
    return "" if value is None else f", {value:,.1f} {unit}" if value >= 10 else f", {value:.3g} {unit}"


def _components(result: NetworkResult) -> list[str]:
    chip, unit = result.energy.chip, result.energy.unit
    lines = []
    for part, energy in result.energy.as_dict().items():
        share = "" if part == "dram" or not chip else f"{percent(energy / chip):>6} % of the chip"
        name = "off-chip DRAM" if part == "dram" else LEVEL_NAMES.get(part, part)  # type: ignore[call-overload]
        lines.append((part == "dram", f"{name:<13} {format_energy(energy, unit):>10} {share}"))
    return [line for _, line in sorted(lines, key=lambda item: item[0])]


def _ordered(accesses: Sequence[Access]) -> list[Access]:
    return sorted(accesses, key=lambda a: (LEVELS.index(a.level), _TENSORS.index(a.tensor), a.word_bits))


_ACCESS_COLUMNS: list[Column[Access]] = [
    Column("level", lambda a: LEVEL_NAMES[a.level], 0, left=True),
    Column("tensor", lambda a: a.tensor, 1, left=True),
    Column("bits", lambda a: str(a.word_bits), 2),
    Column("reads", lambda a: si(a.reads), 3),
    Column("writes", lambda a: si(a.writes), 4),
    Column("bytes", lambda a: si(a.bits // 8, "B"), 5),
]

_NOC_COLUMNS: list[Column[NocUse]] = [
    Column("tensor", lambda use: use.tensor, 0, left=True),
    Column("bits", lambda use: str(use.word_bits), 2),
    Column("sent", lambda use: si(use.words), 1),
    Column("delivered", lambda use: si(use.delivered), 3),
    Column("word hops", lambda use: si(use.word_hops), 4),
    Column("PE to PE", lambda use: si(use.local_hops), 5),
    Column("links", lambda use: str(use.links_used), 6),
    Column("modes", lambda use: use.mode, 7, left=True),
]
