"""The tile lengths of one spatial configuration, with all that follows from each of them alone."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import (
    cdiv,
    cut_channels,
    cut_columns,
    cut_filters,
    cut_images,
    cut_rows,
    tile_blocks,
    tile_strips,
)
from accelerator_sim.kernels.windows import (
    columns_in_passes,
    columns_of,
    fetched,
    rows_of,
    streamed_in_passes,
    touched,
)


class WeightTile(IntEnum):
    """Columns of the tables of filter tiles (a row for each M0) and of channel tiles (a row for each C0)."""

    TILES = 0
    LENGTH = 1
    STEPS = 2
    """Filters or channels of the busiest PE, summed over the tiles (as all that follow)."""
    UNITS = 3
    CLUSTERS = 4
    CLUSTER_ROWS = 5
    CLUSTER_STEPS = 6
    """Filters or channels of the first cluster (of the first PE, where each has links of its own)."""
    ROW_STEPS = 7
    """Filters of the first PE row (likewise)."""
    TOP_UNITS = 8
    """Parts that the largest tile uses."""
    CYCLES = 9
    """Cycles for which an iact keeps the multipliers of the busiest PE."""
    ALL_SLOTS = 10
    """Issue slots of all PEs for an iact."""
    VARIANCE = 11
    """Variance of those of `CYCLES`."""
    UNPAIRED = 12
    """Chances that a column of weights holds one word at most."""
    SERVICE = 13
    """Cycles in which the busiest PE moves the psums of a window, in whole flits."""
    NO_BETTER = 14
    """Whether the next larger M0 or C0 bounds all costs from below as low as this one does (`survey`)."""


class PositionTile(IntEnum):
    """Columns of the tables of tiles of images, output rows and output columns (a row for each tile length).

    Images need no inputs of their own, so that those columns are of rows and columns only.
    """

    TILES = 0
    UNITS = 1
    CLUSTERS = 2
    CLUSTER_ROWS = 3
    CLUSTER_STEPS = 4
    """Images of the first cluster (of the first PE, where each has links of its own)."""
    TOP_UNITS = 5
    TOP_CLUSTERS = 6
    TOP_CLUSTER_ROWS = 7
    """Parts, clusters and cluster rows that the largest tile uses."""
    LENGTH = 8
    """The tile length of a PE."""
    KEPT = 9
    """Images, rows or columns of psums that a GLB column (the GLB, on a flat array) keeps of a tile."""
    SENT = 10
    """Inputs that leave the GLB, over all clusters."""
    GIVEN = 11
    """Columns that reach PEs; of rows, PEs of the first cluster in use."""
    PORT = 12
    """Inputs through the port of the first cluster (of the first PE, where each has links of its own)."""
    FETCHED = 13
    """Inputs from off-chip."""
    HELD = 14
    """Images, or inputs, of a tile that the GLB of a cluster (the GLB, on a flat array) holds."""
    FILLED = 15
    """Inputs that enter the GLB, over all clusters."""
    FILL_PORT = 16
    """Inputs that enter the banks of the first cluster."""
    FIRST = 17
    """Rows of the first windows of the first cluster."""


WEIGHT_COLUMNS, POSITION_COLUMNS = len(WeightTile), len(PositionTile)


class Tables(NamedTuple):
    """Tables of one spatial configuration, float64."""

    filters: Any
    channels: Any
    """[most M0 or C0 + 1, WEIGHT_COLUMNS]"""
    images: Any
    rows: Any
    columns: Any
    """[most tile lengths, POSITION_COLUMNS]"""


@kernel(helper=True, reference_counts=False)
def first_port_steps(n, total):
    """Elements of the first cluster, or of the first PE where each has links of its own."""
    return total.steps if n[at.PRIVATE] else total.cluster_steps


@kernel(helper=True, reference_counts=False)
def next_length(size, parts, x):
    """The longest tile shorter than x: the shortest one that needs no more tiles than x - 1 does."""
    return cdiv(size, parts * cdiv(size, parts * (x - 1)))


@kernel(helper=True, reference_counts=False)
def choices(size, parts, limit):
    """Number of tile lengths up to a limit: for each number of tiles the shortest that needs no more."""
    count = 0
    x = cdiv(size, parts)
    while True:
        if x <= limit:
            count += 1
        if x == 1:
            return count
        x = next_length(size, parts, x)


@kernel(spliced=True)
def filter_row(packed, cut, m0, row):
    """Fill the table row of one M0."""
    n, slots, cycles = packed.n, packed.slots, packed.cycles
    tiled = tile_blocks(n[at.M], m0, cut)
    total, full = tiled.total, tiled.tiles - 1
    row[WeightTile.TILES] = tiled.tiles
    row[WeightTile.LENGTH] = tiled.length
    row[WeightTile.STEPS] = total.steps
    row[WeightTile.UNITS] = total.units
    row[WeightTile.CLUSTERS] = total.clusters
    row[WeightTile.CLUSTER_ROWS] = total.rows
    row[WeightTile.CLUSTER_STEPS] = total.cluster_steps
    row[WeightTile.ROW_STEPS] = total.steps if n[at.PRIVATE] else total.row_steps
    row[WeightTile.TOP_UNITS] = tiled.top.units
    parts = cut.clusters * cut.local
    steps = total.steps - full * m0  # of the last tile: a full one has M0 in each of its parts
    used = total.units - full * parts
    end = n[at.M] - full * tiled.length - (used - 1) * steps  # filters of its last part
    row[WeightTile.CYCLES] = full * cycles[m0] + cycles[steps]
    row[WeightTile.VARIANCE] = full * packed.variances[m0] + packed.variances[steps]
    row[WeightTile.UNPAIRED] = full * packed.unpaired[m0] + packed.unpaired[steps]
    row[WeightTile.SERVICE] = full * packed.services[m0] + packed.services[steps]
    row[WeightTile.ALL_SLOTS] = full * parts * slots[m0] + (used - 1) * slots[steps] + slots[end]


@kernel(spliced=True)
def channel_row(n, cut, c0, row):
    """Fill the table row of one C0."""
    tiled = tile_blocks(n[at.C], c0, cut)
    total = tiled.total
    row[WeightTile.TILES] = tiled.tiles
    row[WeightTile.LENGTH] = tiled.length
    row[WeightTile.STEPS] = total.steps
    row[WeightTile.UNITS] = total.units
    row[WeightTile.CLUSTERS] = total.clusters
    row[WeightTile.CLUSTER_STEPS] = first_port_steps(n, total)
    row[WeightTile.TOP_UNITS] = tiled.top.units


@kernel(helper=True, reference_counts=False)
def fill_weight_tables(packed, s, tables):
    """Fill the tables by M0 and C0 of one configuration; returns the largest of each that it has use for."""
    n = packed.n
    filters, channels = cut_filters(s), cut_channels(s)
    top_m = min(n[at.MAX_M0], cdiv(n[at.M], filters.clusters * filters.local))
    top_c = min(n[at.MAX_C0], cdiv(n[at.C], channels.clusters * channels.local))
    for m0 in range(1, top_m + 1):
        filter_row(packed, filters, m0, tables.filters[m0])
    for c0 in range(1, top_c + 1):
        channel_row(n, channels, c0, tables.channels[c0])
    return top_m, top_c


@kernel(helper=True, reference_counts=False)
def note_tiles(n, tiled, row):
    """Write what both kinds of deal say into a table row."""
    total, top = tiled.total, tiled.top
    row[PositionTile.TILES] = tiled.tiles
    row[PositionTile.UNITS] = total.units
    row[PositionTile.CLUSTERS] = total.clusters
    row[PositionTile.CLUSTER_ROWS] = total.rows
    row[PositionTile.CLUSTER_STEPS] = first_port_steps(n, total)
    row[PositionTile.TOP_UNITS] = top.units
    row[PositionTile.TOP_CLUSTERS] = top.clusters
    row[PositionTile.TOP_CLUSTER_ROWS] = top.rows


@kernel(helper=True, reference_counts=False)
def note_kept(n, tiled, size, length, local, row):
    """Write the tile length and its psums into a table row; returns the positions of a tile that a GLB has."""
    row[PositionTile.LENGTH] = length
    row[PositionTile.KEPT] = min(size, tiled.length) if n[at.FLAT] else length
    return min(size, tiled.length if n[at.FLAT] else local * length)


@kernel(helper=True, reference_counts=False)
def image_table(n, cut, table):
    """List the tile lengths of N for one configuration, longest first; returns how many."""
    count = 0
    size, parts = n[at.N], cut.clusters * cut.local
    x = cdiv(size, parts)
    while True:
        tiled = tile_blocks(size, x, cut)
        note_tiles(n, tiled, table[count])
        table[count, PositionTile.HELD] = note_kept(n, tiled, size, x, cut.local, table[count])
        count += 1
        if x == 1:
            return count
        x = next_length(size, parts, x)


@kernel(helper=True, reference_counts=False)
def column_table(n, cut, table):
    """List the tile lengths of Q for one configuration, longest first; returns how many."""
    count = 0
    size, parts, window = n[at.Q], cut.clusters * cut.local, columns_of(n)
    x = cdiv(size, parts)
    while True:
        tiled = tile_blocks(size, x, cut)
        total, row = tiled.total, table[count]
        note_tiles(n, tiled, row)
        held = note_kept(n, tiled, size, x, cut.local, row)
        row[PositionTile.HELD] = touched(window, held, tiled.top.clusters if n[at.FLAT] else 1)
        row[PositionTile.SENT] = row[PositionTile.GIVEN] = columns_in_passes(n, size, total.units)
        row[PositionTile.FILLED] = touched(window, size, total.clusters)
        runs = tiled.tiles if n[at.PRIVATE] else total.first_units
        row[PositionTile.PORT] = columns_in_passes(n, first_port_steps(n, total), runs)
        row[PositionTile.FILL_PORT] = touched(window, total.cluster_steps, tiled.tiles)
        if n[at.PADDING_STORED]:
            row[PositionTile.FETCHED] = touched(window, size, tiled.tiles)
        else:
            row[PositionTile.FETCHED] = fetched(window, size, tiled.length)
        count += 1
        if x == 1 or n[at.WHOLE_Q]:
            return count
        x = next_length(size, parts, x)


@kernel(helper=True, reference_counts=False)
def row_table(n, cut, taps, table):
    """List the tile lengths of P, at most `LIMIT_P0`, for one configuration, longest first; returns how many.

    taps: filter rows that lie on the array at once.
    """
    count = 0
    size, parts, window = n[at.P], cut.clusters * cut.local, rows_of(n)
    x = cdiv(size, parts)
    while True:
        tiled = tile_strips(size, x, cut)
        total, tiles, row = tiled.total, tiled.tiles, table[count]
        note_tiles(n, tiled, row)
        held = note_kept(n, tiled, size, x, cut.local, row)
        row[PositionTile.HELD] = touched(window, held, tiled.top.clusters if n[at.FLAT] else 1)
        row[PositionTile.SENT] = streamed_in_passes(window, size, total.strips, taps)
        row[PositionTile.GIVEN] = total.first_units
        row[PositionTile.FILLED] = touched(window, size, total.clusters)
        if n[at.PRIVATE]:
            passes = cdiv(n[at.R], taps)
            row[PositionTile.PORT], row[PositionTile.FIRST] = total.steps * passes, tiles * passes
        else:
            row[PositionTile.PORT] = streamed_in_passes(window, total.cluster_steps, total.steps, taps)
            row[PositionTile.FIRST] = streamed_in_passes(window, total.first_units, tiles, taps)
        row[PositionTile.FILL_PORT] = touched(window, total.cluster_steps, tiles)
        if n[at.PADDING_STORED]:
            row[PositionTile.FETCHED] = touched(window, size, tiles)
        else:
            row[PositionTile.FETCHED] = fetched(window, size, tiled.length)
        if x <= n[at.LIMIT_P0]:
            count += 1
        if x == 1:
            return count
        x = next_length(size, parts, x)


@kernel(helper=True, reference_counts=False)
def fill_position_tables(n, s, tables):
    """Fill the tables of tiles of positions of one configuration; returns the lengths of N, of P and of Q."""
    images = image_table(n, cut_images(s), tables.images)
    rows = row_table(n, cut_rows(s), s[at.YR], tables.rows)
    return images, rows, column_table(n, cut_columns(s), tables.columns)
