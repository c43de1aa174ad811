"""What a spatial configuration fixes, and what the choice of M0 and C0 adds to it, whatever the tiles of positions.

The bounds of `survey` and the costs of `search` both start from here.  The closed forms are those of
`simulation.schedule` and `simulation.analytical`, regrouped by what they depend on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import (
    cdiv,
    cut_columns,
    cut_groups,
    cut_images,
    cut_rows,
    deal_blocks,
    deal_strips,
    tile_blocks,
)
from accelerator_sim.kernels.goal import channel_cycles
from accelerator_sim.kernels.imbalance import Peers, PeWork, Zeros, fullest_row, lost_cycles
from accelerator_sim.kernels.tile_tables import WeightTile, first_port_steps
from accelerator_sim.kernels.windows import columns_in_passes, rows_of, streamed_in_passes


class Spatial(NamedTuple):
    """What one spatial configuration fixes, float64 unless it says otherwise."""

    outputs: Any
    weights: Any
    planes: Any
    """Channels of all groups and images."""
    macs: Any
    """Of the layer, like those before."""
    output_bits: Any
    output_cycles: Any
    """Bits of the outputs off-chip, and cycles of the channel for them."""
    idle_joules: Any
    active_joules: Any
    """Joules of a cycle in which no PE is active, and those that each active one adds."""
    windows: Any
    """Output positions of the busiest PE, over the images and all tiles of groups and positions."""
    row_passes: Any
    """Accumulation passes over R."""
    tap_passes: Any
    """Accumulation passes over R and S."""
    group_tiles: Any
    group_row: Any
    group_cluster: Any
    """Groups of the first PE row and of the first cluster (of the first PE, where each has links of its own)."""
    groups_at_once: Any
    taps_at_once: Any
    """Groups and filter rows that lie on the array at once, int64."""
    port_inputs: Any
    """Inputs of one channel through the first port, if one tile holds all positions: the fewest."""
    sent_inputs: Any
    """Inputs of one channel that leave the GLB, likewise."""
    columns: Any
    """Input columns that reach PEs, likewise."""
    units: Any
    """PEs that share the positions, likewise."""
    position_parts: Any
    """Parts into which positions are cut, int64."""


class Pair(NamedTuple):
    """What one spatial configuration, M0 and C0 fix, float64 unless it says otherwise."""

    m0: Any
    c0: Any
    """int64"""
    accumulations: Any
    """Passes that add up to one psum."""
    filter_tiles: Any
    """Passes over the filters."""
    resting: Any
    """Whether psums rest in the GLB, bool."""
    pe_cycles: Any
    """Cycles of the busiest PE."""
    stage_cycles: Any
    """Cycles in which its pipeline is filled, per tile of positions."""
    psum_cycles: Any
    """Cycles of the busiest psum port or bank."""
    weight_cycles: Any
    """Cycles of the first weight port (of the bus, per PE that takes its words) each time that weights are sent."""
    iact_cycles: Any
    """Cycles of the first iact port, per input of one channel that passes it."""
    service_cycles: Any
    """Those of them in which it moves psums."""
    iacts: Any
    sent_iacts: Any
    """Stored iacts of the layer, and words that are sent for them, per input of one channel."""
    stored_weights: Any
    """Stored weights of the layer."""
    joules: Any
    """All but what iacts, the sending of weights, the off-chip channel and time take."""
    give_iact_joules: Any
    """Joules of iacts that reach PEs, per input column."""
    active: Any
    """Active PEs, per PE that shares the positions."""


@kernel(spliced=True)
def parts_of(cut):
    """Parts of a dimension."""
    return cut.clusters * cut.local


@kernel(helper=True, reference_counts=False)
def configure(packed, s):
    """What the spatial configuration `s` fixes."""
    n, f = packed.n, packed.f
    groups = tile_blocks(n[at.G], 1, cut_groups(s))
    # One tile of all positions needs the fewest words and units: the lower bounds take it.
    images, rows = deal_blocks(n[at.N], cut_images(s)), deal_strips(n[at.P], cut_rows(s))
    columns, taps = deal_blocks(n[at.Q], cut_columns(s)), s[at.YR]
    private, row_passes = n[at.PRIVATE], cdiv(n[at.R], taps)
    given = columns_in_passes(n, n[at.Q], columns.units)
    if private:
        port_rows = rows.steps * row_passes
        group_row = group_cluster = groups.tiles
    else:
        group_row, group_cluster = groups.total.row_steps, groups.total.cluster_steps
        port_rows = streamed_in_passes(rows_of(n), rows.cluster_steps, rows.steps, taps)
    port_columns = columns_in_passes(n, first_port_steps(n, columns), 1)
    outputs = float(n[at.G] * n[at.N] * n[at.M] * n[at.P] * n[at.Q])
    output_bits = outputs * f[at.OACT_BITS]
    return Spatial(
        outputs=outputs,
        weights=float(n[at.G] * n[at.M] * n[at.C] * n[at.R] * n[at.S]),
        planes=float(n[at.G] * n[at.N] * n[at.C]),
        macs=outputs * n[at.C] * n[at.R] * n[at.S],
        output_bits=output_bits,
        output_cycles=channel_cycles(packed, output_bits),
        idle_joules=n[at.PES] * f[at.PE_IDLE_J] + f[at.CYCLE_J],
        active_joules=f[at.PE_ACTIVE_J] - f[at.PE_IDLE_J],
        windows=float(groups.tiles * images.steps * rows.steps * columns.steps),
        row_passes=float(row_passes),
        tap_passes=float(row_passes * n[at.TAP_TILES]),
        group_tiles=float(groups.tiles),
        group_row=float(group_row),
        group_cluster=float(group_cluster),
        groups_at_once=groups.top.units,
        taps_at_once=min(n[at.R], taps),
        port_inputs=float(first_port_steps(n, images) * port_rows * port_columns),
        sent_inputs=float(streamed_in_passes(rows_of(n), n[at.P], rows.strips, taps)) * given,
        columns=float(given),
        units=float(images.units * rows.units * columns.units),
        position_parts=parts_of(cut_images(s)) * parts_of(cut_rows(s)) * parts_of(cut_columns(s)),
    )


@kernel(helper=True, reference_counts=False)
def compute_cycles(packed, spatial, channels, cycles):
    """Cycles in which the busiest PE issues, for so many channels and cycles for an iact."""
    n, f = packed.n, packed.f
    return spatial.windows * channels * spatial.row_passes * n[at.S] * f[at.IACT_DENSITY] * cycles


@kernel(helper=True, reference_counts=False)
def service_cycles(packed, spatial, accumulations, filters):
    """Cycles in which the busiest PE moves psums, for so many passes and filters."""
    return spatial.windows * accumulations * filters * packed.f[at.SERVICE]


@kernel(helper=True, reference_counts=False)
def passes_in_turn(n, accumulations):
    """Passes of those that add up to one psum in which a GLB bank is read and written in turn."""
    if n[at.FLAT] or n[at.PSUM_PORTS] > 1:
        return 0.0
    return max(0.0, accumulations - (0.0 if n[at.READ_FIRST] else 1.0) - (1.0 if n[at.PSUM_FINAL] else 0.0))


@kernel(helper=True, reference_counts=False)
def peers_of(packed, spatial, links, filter_parts):
    """The PEs and chains that wait for one another; links: PEs of a chain; filter_parts: parts of the filters."""
    largest = packed.largest
    return Peers(
        links=largest[0, links],
        others=largest[0, links - 1],
        others_variance=largest[1, links - 1],
        filter_chains=largest[0, filter_parts],
        position_chains=largest[0, spatial.position_parts] / np.sqrt(spatial.windows),
        group_chains=largest[0, spatial.groups_at_once],
        root=np.sqrt(float(links)),
    )


@kernel(helper=True, reference_counts=False)
def work_of(packed, m, c):
    """The work of a PE in a window."""
    n, tiles = packed.n, m[WeightTile.TILES]
    service = m[WeightTile.SERVICE] / tiles
    return PeWork(
        slots=m[WeightTile.CYCLES] / tiles,
        variance=m[WeightTile.VARIANCE] / tiles,
        filters=m[WeightTile.STEPS] / tiles / n[at.SIMD],
        unpaired=m[WeightTile.UNPAIRED] / tiles,
        channels=c[WeightTile.STEPS] / c[WeightTile.TILES],
        taps=float(n[at.TAPS]),
        service=service,
        turns=max(service, service * packed.f[at.TURN] - 1.0),
        front=float(max(1, n[at.STAGES] - 1)),
    )


@kernel(spliced=True)
def zeros_of(f):
    """The zeros of a layer."""
    return Zeros(f[at.IACT_DENSITY], f[at.IACT_SPREAD], f[at.WEIGHT_SPREAD])


@kernel(helper=True, reference_counts=False)
def imbalance_cycles(packed, spatial, m, c, links):
    """Cycles that the windows lose (`kernels.imbalance`); links: PEs of a chain."""
    n, f = packed.n, packed.f
    tiles, passes = m[WeightTile.TILES], c[WeightTile.TILES] * spatial.tap_passes
    zeros, work = zeros_of(f), work_of(packed, m, c)
    lost = lost_cycles(zeros, work, peers_of(packed, spatial, links, int(m[WeightTile.TOP_UNITS])))
    shared = passes_in_turn(n, passes)
    whole = tiles * ((passes - shared) * lost.plain + shared * lost.shared)
    return spatial.windows * (whole - passes * m[WeightTile.STEPS] * f[at.SERVICE])


@kernel(helper=True, reference_counts=False)
def psum_port_cycles(packed, spatial, m, accumulations, resting):
    """Cycles of the busiest psum port, or of the psum banks of the first PE column.

    m: the row of M0; resting: whether psums rest in the GLB.  On one bus, a flit is of one chain, however few psums it
    has.
    """
    n, f = packed.n, packed.f
    again = accumulations - (0 if n[at.READ_FIRST] else 1)
    if n[at.ONE_SOURCE]:
        words = max(spatial.outputs * accumulations, spatial.outputs * again) / f[at.RATE_PSUM]
        chains = spatial.outputs / n[at.M] * m[WeightTile.UNITS] * accumulations
        return max(words, chains * (m[WeightTile.SERVICE] / m[WeightTile.TILES]) / f[at.PSUM_FLIT_RATE])
    column = spatial.windows * m[WeightTile.STEPS]
    busy = max(column * accumulations, column * again) / f[at.RATE_PSUM]
    if resting and not n[at.FLAT]:
        reads = column * again + (0.0 if n[at.PSUM_FINAL] else column)
        writes = column * (accumulations - n[at.PSUM_FINAL])
        words = reads + writes if n[at.PSUM_PORTS] == 1 else max(reads, writes)
        busy = max(busy, words / f[at.BANK_PSUM])
    return busy


@kernel(helper=True, reference_counts=False)
def weight_port_cycles(packed, spatial, m, c, pairs):
    """Cycles of the first weight port (of the bus) for all weights once; pairs: words stored per weight."""
    n, f = packed.n, packed.f
    if n[at.ONE_SOURCE]:
        return spatial.weights * pairs / f[at.RATE_WEIGHT]
    filters, channels = spatial.group_row * m[WeightTile.ROW_STEPS], c[WeightTile.STEPS]
    weights = filters * channels * spatial.row_passes * n[at.S]
    links = int(c[WeightTile.TOP_UNITS]) * spatial.taps_at_once
    pes = m[WeightTile.ROW_STEPS] / m[WeightTile.STEPS]
    more = fullest_row(zeros_of(f), work_of(packed, m, c), pes, packed.largest[0, links])
    return weights * (pairs + more) / f[at.RATE_WEIGHT]


@kernel(helper=True, reference_counts=False)
def pair_joules(packed, spatial, m, c, accumulations, resting):
    """Joules that neither the tiles of positions nor time change: SPads, psums on the array and in the GLB."""
    n, f, outputs = packed.n, packed.f, spatial.outputs
    entering = outputs * (accumulations - (0 if n[at.READ_FIRST] else 1))
    chain = outputs * c[WeightTile.UNITS] * n[at.R] * n[at.TAP_TILES]
    clusters = c[WeightTile.CLUSTERS] * spatial.tap_passes
    joules = f[at.FIXED_J] + f[at.EXECUTED] * (1.0 - chain / spatial.macs) * f[at.SPAD_PSUM_J]
    joules += entering * f[at.ENTER_PSUM_J] + outputs * accumulations * f[at.GIVE_PSUM_J]
    if not n[at.READ_PER_MAC]:
        iacts = spatial.macs / n[at.M] * f[at.IACT_DENSITY] * m[WeightTile.UNITS]
        joules += iacts * f[at.SPAD_IACT_READ_J]
    joules += f[at.SPAD_WEIGHT_SHARE] * m[WeightTile.ALL_SLOTS] * f[at.SPAD_WEIGHT_READ_J]
    if resting:
        reads = entering + (0.0 if n[at.PSUM_FINAL] else outputs)
        writes = outputs * (accumulations - n[at.PSUM_FINAL])
        joules += reads * f[at.GLB_PSUM_READ_J] + writes * f[at.GLB_PSUM_WRITE_J]
    inside, between = chain - outputs * clusters, outputs * (clusters - accumulations)
    return joules + (inside * f[at.LOCAL_HOP_J] + between * f[at.HOP_PSUM_J])


@kernel(spliced=True)
def pair_of(packed, spatial, tables, m0, c0):
    """What M0 and C0 fix in a spatial configuration."""
    n, f = packed.n, packed.f
    m, c = tables.filters[m0], tables.channels[c0]
    accumulations, filter_tiles = c[WeightTile.TILES] * spatial.tap_passes, m[WeightTile.TILES]
    resting = not (accumulations == 1 and n[at.PSUM_FINAL])
    compute = compute_cycles(packed, spatial, c[WeightTile.STEPS], m[WeightTile.CYCLES])
    service = service_cycles(packed, spatial, accumulations, m[WeightTile.STEPS])
    links = int(c[WeightTile.TOP_UNITS]) * spatial.taps_at_once
    compute += spatial.windows * accumulations * m[WeightTile.TILES] * f[at.RESTART]
    if not n[at.HIDE_SERVICE]:
        control = f[at.CONTROL] + f[at.CONTROL_LINK] * links
        service += spatial.windows * accumulations * m[WeightTile.TILES] * control
    passes = spatial.group_tiles * accumulations * filter_tiles
    pe_cycles = max(compute, service) if n[at.HIDE_SERVICE] else compute + service
    stages = passes * (n[at.STAGES] - n[at.REFILLED])
    if not (n[at.HIDE_SERVICE] or n[at.EVEN]):
        pe_cycles += imbalance_cycles(packed, spatial, m, c, links)
        stages += passes * 2.0 * (links - 1)
    iact_words = filter_tiles * spatial.group_cluster * c[WeightTile.CLUSTER_STEPS] * packed.sent_i[c0]
    given = spatial.planes * n[at.P] * n[at.R] * m[WeightTile.UNITS] * packed.sent_i[c0]
    dropped = spatial.planes * n[at.P] * n[at.R] * m[WeightTile.UNITS] * packed.filler_i[c0]
    return Pair(
        m0=m0,
        c0=c0,
        accumulations=accumulations,
        filter_tiles=filter_tiles,
        resting=resting,
        pe_cycles=pe_cycles,
        stage_cycles=stages,
        psum_cycles=psum_port_cycles(packed, spatial, m, accumulations, resting),
        weight_cycles=weight_port_cycles(packed, spatial, m, c, packed.port_w[m0]),
        iact_cycles=iact_words / f[at.RATE_IACT],
        service_cycles=service,
        iacts=spatial.planes * packed.pairs_i[c0],
        sent_iacts=spatial.planes * packed.sent_i[c0],
        stored_weights=spatial.weights * packed.pairs_w[m0],
        joules=pair_joules(packed, spatial, m, c, accumulations, resting),
        give_iact_joules=given * f[at.GIVE_IACT_J] - dropped * f[at.WRITE_IACT_J],
        active=spatial.groups_at_once * m[WeightTile.TOP_UNITS] * c[WeightTile.TOP_UNITS] * spatial.taps_at_once,
    )
