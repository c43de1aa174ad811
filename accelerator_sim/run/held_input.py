"""A transposed layer whose phases share their input: it is brought to the GLB once, and all phases read it there.

A layer whose input does not fit is run in bands of input rows.  One mapping serves all phases, so that each cluster
finds the rows and columns of its outputs in its own banks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.kernels.causes import Cause
from accelerator_sim.kernels.rounding import whole_cycles, whole_words
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.dealing import Deal
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.mapping import Mapping, Stationary, ceil_div
from accelerator_sim.mapping.search import Found, Unmappable
from accelerator_sim.simulation.counts import counts_of_traffic
from accelerator_sim.simulation.outcome import Access, Bound, Outcome, Resource, Timing
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.phases import PhaseLayer, held_phases

BANDS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Numbers of bands of input rows that are tried."""

MOST = 3
"""Mappings that are offered, of those that fit."""

Bands = tuple[tuple[PhaseLayer, ...], ...]
"""The phases of a layer by bands of its input rows."""


def held_mappings(
    layer: Layer,
    architecture: Architecture,
    constraints: Constraints,
    find: Callable[[Layer, Constraints], list[Found]],
) -> Iterator[tuple[Bands, Mapping]]:
    """Find mappings under which the phases of a layer share their input, for the fewest bands in which it fits.

    find: the best mappings of a phase under constraints.  Yields nothing where phases share no input, or no band fits.
    """
    if constraints.stationary is not None and Stationary.IACT not in constraints.stationary:
        return
    for count in (count for count in BANDS if count <= layer.H):
        bands = held_phases(layer, count)
        if not bands:
            return
        leading = max((phase for band in bands for phase in band), key=lambda phase: phase.macs)
        try:
            found = find(replace(leading, held=None), constraints)
        except Unmappable:
            return
        fitting = [mapping for each in found if _fits(bands, architecture, mapping := _in_one_tile(each))]
        if fitting:
            yield from ((bands, mapping) for mapping in list(dict.fromkeys(fitting))[:MOST])
            return


def _in_one_tile(found: Found) -> Mapping:
    """A mapping with all positions in one tile, whose iacts stay."""
    mapping, sizes = found.mapping, found.problem.loops.sizes
    n, p, q = (ceil_div(sizes[dimension], mapping.parts(dimension)) for dimension in "NPQ")
    return replace(mapping, N0=n, P0=p, Q0=q, stationary=Stationary.IACT)


def _fits(bands: Bands, architecture: Architecture, mapping: Mapping) -> bool:
    """Whether a mapping is legal for all phases, and deals rows and columns to clusters in the same blocks."""
    for band in bands:
        schedules = [Schedule.of_layer(phase, architecture, mapping) for phase in band]
        blocks = {(_block(s.deals.P), _block(s.deals.Q)) for s in schedules}
        if len(blocks) > 1 or any(broken_limits(schedule) for schedule in schedules):
            return False
    return True


def _block(deal: Deal) -> int:
    """Outputs of a cluster, where several share them."""
    return deal.top.cluster_steps if deal.top.clusters > 1 else 0


def fetched_input(band: tuple[PhaseLayer, ...], architecture: Architecture, mapping: Mapping) -> Outcome:
    """What it takes to bring the input of a band to the GLB before its phases run.

    Stored words are those expected from the density of the iacts.  No PE works meanwhile: the cycles are those of the
    off-chip channel, or of the banks of the first cluster where they take longer.
    """
    schedule = max((Schedule.of_layer(phase, architecture, mapping) for phase in band), key=lambda s: s.iact_tile)
    problem, loops, deals, dram = schedule.problem, schedule.loops, schedule.deals, architecture.dram
    assert loops.held is not None
    rows, columns = loops.held
    planes = loops.G * loops.N * loops.C
    if dram.padding == "stored":
        inputs = planes * rows.touched(rows.outputs, 1) * columns.touched(columns.outputs, 1)
    else:
        inputs = planes * rows.fetched(rows.outputs) * columns.fetched(columns.outputs)
    bits = inputs * problem.iact_dram_bits(mapping.C0, schedule.taps)
    copies = planes * rows.touched(rows.outputs, deals.P.clusters) * columns.touched(columns.outputs, deals.Q.clusters)
    filled, moved = whole_words(copies * schedule.iact_pairs), math.ceil(bits / 8.0)
    channel = whole_cycles(moved / (dram.bandwidth / architecture.clock)) + architecture.latency_cycles
    banks = 0
    if not (architecture.flat or architecture.overlap.glb_fill):
        rate = mapping.array_parts("M") * problem.bank_words_per_cycle("iact")
        banks = whole_cycles(schedule.iact_cluster_tile * schedule.iact_pairs / rate)
    cycles = max(channel, banks)
    word = problem.iact_bits
    fetched, kept = Access("dram", "iact", whole_words(bits / word), 0, word), Access("glb", "iact", 0, filled, word)
    counts = counts_of_traffic(architecture.pes, (fetched, kept), {"iact": moved, "weight": 0, "psum": 0})
    cause, resource = (Cause.DRAM, Resource.DRAM) if channel >= banks else (Cause.GLB_PORT, Resource.IACT_BANK)
    return Outcome(
        counts,
        Timing(cycles, Bound(cause.value), {cause: cycles} if cycles else {}, resource_cycles={resource: cycles}),
    )
