"""The tile lengths of one spatial configuration, with all that follows from each of them alone."""

from __future__ import annotations

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import cdiv, deal_blocks, deal_strips, fetched
from accelerator_sim.kernels.windows import columns_touched, rows_streamed, rows_touched

# Columns of the tables of tiles of images and columns (blocks) and of rows (strips).
(
    B_TILES, B_UNITS, B_CLUSTERS, B_ROWS, B_CLUSTER, B_TOP, B_TOP_CLUSTERS, B_TOP_ROWS, B_TILE, B_KEPT,
    B_SENT, B_GIVEN, B_PORT, B_FETCHED, B_HELD, B_FILLED, B_FILL_PORT, B_FIRST, B_SIZE,
) = range(19)  # fmt: skip


@kernel(helper=True)
def note_deal(n, t, d, size, x):
    """Write what both kinds of deal say into a row of a table."""
    t[B_TILES] = d[0]
    t[B_UNITS] = d[3]
    t[B_CLUSTERS] = d[4]
    t[B_ROWS] = d[5]
    t[B_CLUSTER] = d[2] if n[at.PRIVATE] else d[6]  # where every PE has links of its own, it is what a cluster is else
    t[B_TOP] = d[8]
    t[B_TOP_CLUSTERS] = d[9]
    t[B_TOP_ROWS] = d[10]
    t[B_TILE] = x
    t[B_KEPT] = min(size, d[1]) if n[at.FLAT] else x


@kernel(helper=True)
def next_length(size, parts, x):
    """The longest tile shorter than x: the shortest one that needs no more tiles than x - 1 does."""
    return cdiv(size, parts * cdiv(size, parts * (x - 1)))


@kernel(helper=True)
def block_table(n, size, clusters, local, columns, is_columns, table):
    """List the tile lengths of N or Q for one configuration, longest first; returns how many."""
    count = 0
    parts = clusters * local
    x = cdiv(size, parts)
    while True:
        d = deal_blocks(size, x, clusters, local, columns, 1)
        t = table[count]
        note_deal(n, t, d, size, x)
        held = min(size, d[1]) if n[at.FLAT] else min(local * x, size)
        t[B_HELD] = held
        if is_columns:
            t[B_SENT] = columns_touched(n, size, d[3])
            t[B_FILLED] = columns_touched(n, size, d[4])
            t[B_GIVEN] = columns_touched(n, size, d[3])
            first_units = (d[0] - 1) * min(d[8], local) + min(d[3] - (d[0] - 1) * d[8], local)
            t[B_PORT] = columns_touched(n, d[2], d[0]) if n[at.PRIVATE] else columns_touched(n, d[6], first_units)
            t[B_FILL_PORT] = columns_touched(n, d[6], d[0])
            t[B_HELD] = columns_touched(n, held, d[9] if n[at.FLAT] else 1)
            if n[at.PADDING_STORED]:
                t[B_FETCHED] = columns_touched(n, size, d[0])
            else:
                t[B_FETCHED] = fetched(
                    size, d[1], n[at.S], n[at.COL_STRIDE], n[at.COL_EXTENT], n[at.COL_BEFORE], n[at.COL_SIZE],
                    n[at.COL_INSIDE],
                )  # fmt: skip
        count += 1
        if x == 1 or (is_columns and n[at.WHOLE_Q]):
            return count
        x = next_length(size, parts, x)


@kernel(helper=True)
def strip_table(n, s, table):
    """List the tile lengths of P for one configuration, longest first; returns how many."""
    count = 0
    size = n[at.P]
    clusters = s[at.RP] * s[at.KP]
    local = s[at.YP] * s[at.XP]
    parts = clusters * local
    x = cdiv(size, parts)
    while True:
        d = deal_strips(size, x, clusters, local, s[at.KP])
        t = table[count]
        note_deal(n, t, d, size, x)
        held = min(size, d[1]) if n[at.FLAT] else min(local * x, size)
        t[B_SENT] = rows_streamed(n, size, d[7], s[at.YR])
        t[B_FILLED] = rows_touched(n, size, d[4])
        t[B_PORT] = rows_streamed(n, d[6], d[2], s[at.YR])
        t[B_FILL_PORT] = rows_touched(n, d[6], d[0])
        t[B_FIRST] = rows_streamed(n, d[11], d[0], s[at.YR])
        if n[at.PRIVATE]:
            t[B_PORT] = d[2] * cdiv(n[at.R], s[at.YR])
            t[B_FIRST] = d[0] * cdiv(n[at.R], s[at.YR])
        t[B_HELD] = rows_touched(n, held, d[9] if n[at.FLAT] else 1)
        t[B_GIVEN] = d[11]
        if n[at.PADDING_STORED]:
            t[B_FETCHED] = rows_touched(n, size, d[0])
        else:
            t[B_FETCHED] = fetched(
                size, d[1], n[at.R], n[at.ROW_STRIDE], n[at.ROW_EXTENT], n[at.ROW_BEFORE], n[at.ROW_SIZE],
                n[at.ROW_INSIDE],
            )  # fmt: skip
        if x <= n[at.LIMIT_P0]:
            count += 1
        if x == 1:
            return count
        x = next_length(size, parts, x)


@kernel(helper=True)
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
