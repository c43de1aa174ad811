"""The texts about a comparison, in the terminal and on the page alike: names, ratios, notes, footprints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accelerator_sim.comparison.machine_comparison import Comparison, MachineEntry, Ratio, ratio
from accelerator_sim.footprint.bill import Range, Sending, Use, Year, sending, year
from accelerator_sim.report.names import COMPONENT_NAMES, DEVICE_PART_NAMES
from accelerator_sim.report.numbers import format_joules, si

DATA_CENTRE = "data_centre_gpu"

YEAR_COLUMNS = ("machine", "boundary", "energy", "CO2e", "cost", "15 Wh battery")
BATTERY_J = 15.0 * 3600.0
"""Joules of a phone's battery (3,900 mAh at 3.85 V), as a unit that people know."""
SENDING_COLUMNS = ("link", "radio here", "network", "cloud", "in all", "over here")


@dataclass(frozen=True)
class Wanted:
    """What is shown besides the comparison: every boundary, a year's footprint, sending the input away."""

    all_boundaries: bool = False
    use: Use | None = None
    links: tuple[str, ...] = ()
    input_bytes: int | None = None
    """Size of the input when it is sent; None: its words at one byte each."""


def title(entry: MachineEntry) -> str:
    """Return the name of a machine, its process, and a star where the evidence is weak."""
    return f"{entry.name}{'*' if entry.weak else ''}" + (f"→{entry.node_nm:g}nm" if entry.projection else "")


def conditions(entry: MachineEntry) -> str:
    """Return the four conditions of an entry."""
    of = entry.conditions
    return f"{of.boundary}, {of.precision}, batch {of.batch}, {of.stack}"


def times(value: float | None) -> str:
    """Return a ratio, as "12.3x"."""
    if value is None:
        return "-"
    if value < 0.0995:
        return f"{value:.2g}x"
    return f"{value:.0f}x" if value >= 99.5 else f"{value:.1f}x" if value >= 9.95 else f"{value:.2f}x"


def size_of(comparison: Comparison) -> str:
    """Return how much is computed, and that some layers are left out where they are."""
    some = comparison.layers < comparison.workload_layers
    part = f"{comparison.layers} of {comparison.workload_layers} layers, " if some else ""
    return f"{part}{comparison.macs:,} MACs per inference, batch {comparison.batch}"


def notes(comparison: Comparison) -> Iterator[str]:
    """What a reader of the ratios has to know."""
    entries = comparison.entries
    yield f"ratio: energy over that of {title(entries[0])}, {conditions(entries[0])}"
    for entry in entries:
        if entry.measured is not None:
            yield f"measured: {_beside(entry)}"
    boards = dict.fromkeys(f"{entry.name}: {entry.note}" for entry in entries if entry.kind != "accelerator")
    if boards:
        yield f"board is what was measured, net is above idle - {'; '.join(boards)}"
    if any(entry.projection for entry in entries):
        yield "→ N nm: a projection, on-chip energy scaled by Stillmaker and Baas (2017), same clock, DRAM unchanged"
    if any(entry.weak for entry in entries):
        yield "* weak: constants not fitted to measurements of this device or stack"
    yield from (f"{entry.name}: {entry.note}" for entry in entries if entry.kind == "accelerator" and entry.note)
    yield from comparison.notes


def _beside(entry: MachineEntry) -> str:
    """A measurement and the error of the model."""
    measured = entry.measured
    assert measured is not None
    parts = []
    for modelled, value, unit in (
        (entry.energy_j, measured.energy_j, "J"),
        (entry.latency_s, measured.latency_s, "s"),
    ):
        if value is not None and modelled is not None:
            parts.append(f"{si(value, unit)} (the model: {modelled / value - 1.0:+.1%})")
    return f"{entry.name} {', '.join(parts)}"


def breakdowns(comparison: Comparison) -> Iterator[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """Energy by component of accelerators, in their own process, and of baselines: heading, columns and rows."""
    names = COMPONENT_NAMES | DEVICE_PART_NAMES
    known = [entry for entry in comparison.entries if entry.parts and not entry.projection]
    for heading, chosen in (
        ("Energy by component", [entry for entry in known if entry.kind == "accelerator"]),
        ("Energy of the boards by cause", [entry for entry in known if entry.kind != "accelerator"]),
    ):
        if chosen:
            parts = list(chosen[0].parts)
            rows = [(names[part], *(format_joules(entry.parts[part]) for entry in chosen)) for part in parts]
            yield heading, ("component", *map(title, chosen)), rows


# --- every boundary --------------------------------------------------------------------------------------------------
Cells = dict[str, Ratio]
"""Ratios over one accelerator by its boundary."""


def matrix_rows(comparison: Comparison) -> list[Cells]:
    """Return the matrix by baseline, its boundary and stack, and accelerator, one cell per boundary.

    The largest ratio comes first.
    """
    rows: dict[tuple[Any, ...], Cells] = {}
    for each in comparison.matrix:
        board, chip = each.baseline, each.accelerator
        key = board.name, board.conditions, chip.name, chip.node_nm
        rows.setdefault(key, {})[chip.conditions.boundary] = each
    return sorted(rows.values(), key=lambda cells: -max((each.energy or 0.0) for each in cells.values()))


# --- footprint -------------------------------------------------------------------------------------------------------
def years(comparison: Comparison, use: Use) -> list[tuple[MachineEntry, Year]]:
    """Return a year of each machine whose energy is known."""
    return [
        (entry, year(entry.energy_j, use, entry.kind == DATA_CENTRE))
        for entry in comparison.entries
        if entry.energy_j is not None
    ]


def year_heading(use: Use) -> str:
    """Return what the rows of `year_rows` are of."""
    return (
        f"A year of {use.inferences_per_day:,.0f} inferences a day on {use.devices:,} device(s), grid {use.grid}"
        " (data centres with their PUE; nothing counted between inferences)"
    )


def year_rows(comparison: Comparison, use: Use) -> list[tuple[str, ...]]:
    """Return `YEAR_COLUMNS` of each machine."""
    return [
        (title(entry), entry.conditions.boundary, _range(of.energy_kwh, "Wh", 1e3), _range(of.co2e_kg, "g", 1e3),
         _dollars(of.cost_usd), _battery(entry, use))
        for entry, of in years(comparison, use)
    ]  # fmt: skip


def _battery(entry: MachineEntry, use: Use) -> str:
    """The part of a phone's battery that a device takes in a day; nothing of machines in a data centre."""
    if entry.energy_j is None or entry.kind == DATA_CENTRE:
        return "-"
    return f"{100.0 * entry.energy_j * use.inferences_per_day / BATTERY_J:.2g}% a day"


def sendings(comparison: Comparison, wanted: Wanted) -> list[Sending]:
    """Return what sending the input over each link takes, to the first data-centre machine that is compared."""
    size = comparison.input_words if wanted.input_bytes is None else wanted.input_bytes
    cloud = next((entry.energy_j for entry in comparison.entries if entry.kind == DATA_CENTRE), None)
    return [sending(name, size, cloud) for name in wanted.links]


def sending_heading(comparison: Comparison, wanted: Wanted) -> str:
    """Return what the rows of `sending_rows` are of."""
    size = si(sendings(comparison, wanted)[0].input_bytes, "B")
    assumed = "" if wanted.input_bytes is not None else ", one byte per word and not compressed"
    return f"Sending the input away ({size}{assumed}) instead of inferring here"


def sending_rows(comparison: Comparison, wanted: Wanted) -> list[tuple[str, ...]]:
    """Return `SENDING_COLUMNS` of each link."""
    return [
        (of.link, _range(of.radio_j, "J"), _range(of.network_j, "J"), _range(of.cloud_j, "J"), _range(of.total_j, "J"),
         _over(of, comparison.reference))
        for of in sendings(comparison, wanted)
    ]  # fmt: skip


def sending_note(comparison: Comparison) -> str:
    """Return what is here, what is there, and what is left out."""
    local = comparison.reference
    clouds = [entry for entry in comparison.entries if entry.kind == DATA_CENTRE]
    cloud = (
        f"the cloud is {title(clouds[0])}, {clouds[0].conditions.boundary}, with PUE"
        if clouds
        else "no data-centre machine is compared, so inferring there is left out"
    )
    return (
        f"here: {title(local)}, {local.conditions.boundary}, {format_joules(local.energy_j)}; {cloud};"
        " - : no figure at hand; the network's energy is an operator's average, not what one byte more takes"
    )


def _range(value: Range | None, unit: str, factor: float = 1.0) -> str:
    return "-" if value is None else _from_to(si(value.low * factor, unit), si(value.high * factor, unit))


def _dollars(value: Range | None) -> str:
    if value is None:
        return "-"
    low, high = (f"${v:,.2f}" if v >= 0.01 else f"${v:.1e}" for v in (value.low, value.high))
    return _from_to(low, high)


def _over(row: Sending, local: MachineEntry) -> str:
    return _from_to(times(ratio(row.total_j.low, local.energy_j)), times(ratio(row.total_j.high, local.energy_j)))


def _from_to(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"
