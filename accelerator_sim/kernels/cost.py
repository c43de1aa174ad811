"""What a mapping costs: traffic, cycles and joules that follow from a tile of positions in its frame."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.goal import Cost, Transfers, all_cycles, channel_cycles, step_joules
from accelerator_sim.kernels.rounding import CYCLE_SLIP
from accelerator_sim.kernels.tile_tables import PositionTile


class Tile(NamedTuple):
    """A tile of positions: its rows of the tables, float64 [POSITION_COLUMNS] each."""

    images: Any
    rows: Any
    columns: Any


class Traffic(NamedTuple):
    """What a tile of positions makes of the layer's transfers, float64."""

    tiles: Any
    """Tiles of positions."""
    weight_rounds: Any
    """Times that each weight is sent to the PEs."""
    weight_fetches: Any
    """Times that each weight comes from off-chip."""
    units: Any
    """PEs that get each weight, over the rounds."""
    sources: Any
    """Ports that each weight passes, over the rounds."""
    hops: Any
    """Links between clusters that each weight passes, over the rounds."""
    iact_bits: Any
    weight_bits: Any
    """From off-chip."""


@kernel(spliced=True)
def traffic_of(frame, kept, tile):
    """The transfers that follow from a tile of positions."""
    packed, pair, routes = frame.packed, frame.pair, frame.routes
    images, rows, columns = tile.images, tile.rows, tile.columns
    tiles = images[PositionTile.TILES] * rows[PositionTile.TILES] * columns[PositionTile.TILES]
    if tiles == 1.0 or kept.once:
        rounds = 1.0
        units = images[PositionTile.TOP_UNITS] * rows[PositionTile.TOP_UNITS] * columns[PositionTile.TOP_UNITS]
        of_images, of_rows = images[PositionTile.TOP_CLUSTERS], rows[PositionTile.TOP_CLUSTERS]
        of_columns = columns[PositionTile.TOP_CLUSTERS]
        down_images, down_rows = images[PositionTile.TOP_CLUSTER_ROWS], rows[PositionTile.TOP_CLUSTER_ROWS]
        down_columns = columns[PositionTile.TOP_CLUSTER_ROWS]
    else:
        rounds = tiles
        units = images[PositionTile.UNITS] * rows[PositionTile.UNITS] * columns[PositionTile.UNITS]
        of_images, of_rows = images[PositionTile.CLUSTERS], rows[PositionTile.CLUSTERS]
        of_columns = columns[PositionTile.CLUSTERS]
        down_images, down_rows = images[PositionTile.CLUSTER_ROWS], rows[PositionTile.CLUSTER_ROWS]
        down_columns = columns[PositionTile.CLUSTER_ROWS]
    sources, hops = of_images * of_rows * of_columns, 0.0
    if routes.multicast:
        sources = down_images * down_rows * down_columns
        across_images = (of_images - down_images) * down_columns * routes.image_step
        across_columns = down_images * (of_columns - down_columns) * routes.column_step
        hops = down_rows * (across_images + across_columns)
        hops += down_images * down_columns * (of_rows - down_rows)
    fetches = 1.0 if kept.keep == at.KEEP_WEIGHT else rounds
    fetched = frame.spatial.planes * rows[PositionTile.FETCHED] * columns[PositionTile.FETCHED] * kept.rounds
    return Traffic(
        tiles=tiles,
        weight_rounds=rounds,
        weight_fetches=fetches,
        units=units,
        sources=sources,
        hops=hops,
        iact_bits=fetched * packed.dram_i[pair.c0],
        weight_bits=frame.spatial.weights * fetches * packed.dram_w[pair.m0],
    )


@kernel(spliced=True)
def exposed(frame, kept, traffic):
    """Requests to the off-chip channel whose latency the array waits for (`simulation.analytical`)."""
    n, pair, groups = frame.packed.n, frame.pair, frame.spatial.group_tiles
    reads = 1.0 if n[at.AHEAD] else groups * pair.filter_tiles * pair.accumulations * traffic.weight_fetches
    if not n[at.HIDE_IACT]:
        reads = max(reads, groups * traffic.tiles * kept.requests)
    return reads + (1.0 if n[at.HIDE_OACT] else groups * traffic.tiles * pair.filter_tiles)


@kernel(spliced=True)
def port_cycles(frame, tile):
    """Cycles of the first iact port."""
    columns = frame.pair.iact_cycles * tile.images[PositionTile.CLUSTER_STEPS] * tile.columns[PositionTile.PORT]
    return columns * tile.rows[PositionTile.PORT] * frame.routes.contention


@kernel(spliced=True)
def iact_cycles(frame, kept, tile):
    """Cycles of the first iact port, or of the iact banks of the first cluster."""
    n, pair, details = frame.packed.n, frame.pair, frame.details
    images, rows, columns = tile.images, tile.rows, tile.columns
    busy = port_cycles(frame, tile)
    if details.bank_cycles > 0.0 and not kept.bypass:
        words = details.bank_cycles * images[PositionTile.CLUSTER_STEPS]
        sent, stored = frame.packed.sent_i[pair.c0], frame.packed.pairs_i[pair.c0]
        reads = words * sent * columns[PositionTile.PORT] * pair.filter_tiles * rows[PositionTile.PORT]
        writes = words * stored * columns[PositionTile.FILL_PORT] * kept.rounds * rows[PositionTile.FILL_PORT]
        writes = 0.0 if n[at.HIDE_GLB] else writes
        busy = max(busy, reads + writes if n[at.IACT_PORTS] == 1 else max(reads, writes))
    return busy


@kernel(spliced=True)
def cycles_of(frame, kept, tile, traffic):
    """Cycles of the layer."""
    packed, pair, details, n = frame.packed, frame.pair, frame.details, frame.packed.n
    images, rows, columns = tile.images, tile.rows, tile.columns
    pe = pair.pe_cycles + pair.stage_cycles * traffic.tiles
    first = details.fill_cycles * rows[PositionTile.FIRST] * columns[PositionTile.TILES] * images[PositionTile.TILES]
    if n[at.SINGLE]:  # iacts come while psums move, not while PEs compute
        service = 0.0 if n[at.HIDE_SERVICE] else pair.service_cycles
        load = port_cycles(frame, tile) - (0.0 if n[at.HIDE_FILL] else first)  # the first ones are a serial fill
        pe += max(0.0, max(0.0, load) - service)
    if n[at.ONE_SOURCE]:
        drains = details.drain_cycles * images[PositionTile.TILES] * columns[PositionTile.TILES]
        pe += drains * rows[PositionTile.GIVEN]
        weight_fill = pair.weight_cycles * traffic.sources
    else:
        pe += details.drain_cycles * traffic.tiles
        weight_fill = pair.weight_cycles * traffic.weight_rounds
    busy = max(max(pe, pair.psum_cycles), iact_cycles(frame, kept, tile))
    read = channel_cycles(packed, traffic.iact_bits)
    hidden, shown = channel_cycles(packed, traffic.weight_bits), read
    if n[at.HIDE_IACT]:
        hidden, shown = hidden + read, 0.0
    passes = frame.spatial.group_tiles * pair.accumulations * pair.filter_tiles * traffic.tiles
    shown += n[at.CONFIG_PASS] * passes
    transfers = Transfers(hidden, shown, exposed(frame, kept, traffic))
    return np.ceil(all_cycles(packed, frame.spatial, busy, weight_fill, first, transfers) - CYCLE_SLIP)


@kernel(spliced=True)
def joules_of(frame, kept, tile, traffic):
    """Joules of the layer that do not grow with its cycles."""
    f, pair, details = frame.packed.f, frame.pair, frame.details
    rows, columns, private = tile.rows, tile.columns, frame.packed.n[at.PRIVATE]
    written = frame.spatial.output_bits
    joules = pair.joules + written * f[at.DRAM_WRITE_J] + pair.give_iact_joules * columns[PositionTile.GIVEN]
    joules += (traffic.iact_bits + traffic.weight_bits) * f[at.DRAM_READ_J]
    sent = pair.sent_iacts * rows[PositionTile.SENT] * columns[PositionTile.SENT]
    joules += sent * details.send_iact_joules
    if not kept.bypass:
        reads = details.read_columns * columns[PositionTile.GIVEN] if private else sent * pair.filter_tiles
        joules += reads * f[at.GLB_IACT_READ_J]
        filled = pair.iacts * rows[PositionTile.FILLED] * columns[PositionTile.FILLED]
        joules += filled * kept.rounds * f[at.GLB_IACT_WRITE_J]
    moved = traffic.units * details.give_weight_joules + traffic.hops * details.hop_weight_joules
    joules += moved + traffic.weight_rounds * details.send_weight_joules
    if kept.stored:
        reads = traffic.units if private else traffic.weight_rounds
        joules += reads * details.read_weight_joules + traffic.weight_fetches * details.write_weight_joules
    return joules


@kernel(spliced=True)
def cost_of(frame, kept, tile):
    """What the mapping with this tile of positions costs."""
    traffic = traffic_of(frame, kept, tile)
    cycles = cycles_of(frame, kept, tile, traffic)
    active = frame.pair.active * tile.images[PositionTile.TOP_UNITS]
    active *= tile.rows[PositionTile.TOP_UNITS] * tile.columns[PositionTile.TOP_UNITS]
    joules = joules_of(frame, kept, tile, traffic) + cycles * step_joules(frame.spatial, active)
    return Cost(cycles, joules, traffic.iact_bits + traffic.weight_bits + frame.spatial.output_bits)
