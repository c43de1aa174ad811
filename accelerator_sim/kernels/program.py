"""What the streams of a pass carry, and what each iact costs a PE: the data that a plan moves.

A stream sends the iacts of its windows in order: row by row, column by column, the channels of a column together.  A
window needs `extent` columns; the next one replaces the oldest `stride` of them.  Stored raw, every value is a word;
in CSC only non-zeros are, and each segment (the columns that a window adds) begins a new flit (JETCAS 2019 IV-A).
"""

from __future__ import annotations

import numpy as np

from accelerator_sim.kernels import machine as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import cdiv


@kernel(helper=True)
def columns_of_row(e, windows):
    """Columns that a row of so many windows needs."""
    if e[at.COL_STRIDE] >= e[at.EXTENT]:
        return windows * e[at.EXTENT]
    return (windows - 1) * e[at.COL_STRIDE] + e[at.EXTENT]


@kernel()
def size_streams(e, stream, streams, totals):
    """Find where the records of each stream begin; totals: int64 [3] output, windows, flits and words at the most."""
    windows = flits = words = 0
    for s in range(streams):
        stream[at.S_WINDOWS, s] = windows
        stream[at.S_FLITS, s] = flits
        stream[at.S_WORDS, s] = words
        rows = stream[at.S_N, s] * stream[at.S_J, s]
        of_row = columns_of_row(e, stream[at.S_Q, s]) * stream[at.S_C, s]
        windows += rows * stream[at.S_Q, s]
        words += rows * of_row
        flits += rows * (cdiv(of_row, e[at.IACT_FLIT]) + stream[at.S_Q, s] + e[at.EXTENT])
    totals[0] = windows
    totals[1] = flits
    totals[2] = words


@kernel()
def fill_streams(e, d, local_rows, stream, streams, mask, data, program):
    """Write down what every stream sends.

    mask: uint8 [G, N, H, W, C], read where iacts are in CSC; data: int32 of the same order, or of no size where values
    do not matter.  The program is filled, by window of each stream: `need` words of the stream when it is complete,
    `low` its oldest word, `last_flit` flits sent by then; by flit: `flit_end`, words sent with it; by word: `pos`, its
    place in the row (column x channels + channel), and `val`, its value.
    """
    need, low, last_flit, flit_end, pos, val = (
        program.need, program.low, program.last_flit, program.flit_end, program.pos, program.val,
    )  # fmt: skip
    csc = e[at.CSC_IACT]
    extent, taps_apart = e[at.EXTENT], e[at.COL_STRIDE] >= e[at.EXTENT]
    step = extent if taps_apart else e[at.COL_STRIDE]
    height, width, channels = e[at.ROW_SIZE], e[at.COL_SIZE], e[at.CHANNELS]
    carries = data.size > 0
    for s in range(streams):
        window, flit, word = stream[at.S_WINDOWS, s], stream[at.S_FLITS, s], stream[at.S_WORDS, s]
        word0, flit0 = word, flit
        c = stream[at.S_C, s]
        g = d[at.G] + stream[at.S_G0, s]
        first_channel = d[at.C] + stream[at.S_C0, s]
        for n in range(stream[at.S_N, s]):
            image = (g * e[at.IMAGES] + d[at.N] + stream[at.S_N0, s] + n) * height
            for j in range(stream[at.S_J, s]):
                p = d[at.P] + stream[at.S_P0, s] + j * local_rows
                tap = d[at.R] + stream[at.S_R0, s]
                h = p * e[at.ROW_STRIDE] + tap * e[at.ROW_DILATION] - e[at.ROW_BEFORE]
                inside = 0 <= h < height
                row_word = word
                oldest = word
                sent = word  # words in flits that are closed
                for q in range(stream[at.S_Q, s]):
                    column = 0
                    if q > 0:
                        column = q * step if taps_apart else extent + (q - 1) * step
                    stop = column + (extent if q == 0 else step)
                    while column < stop:
                        segment = min(column + step, stop)
                        segment_word = word
                        for x in range(column, segment):
                            w = (d[at.Q] + stream[at.S_Q0, s]) * e[at.COL_STRIDE] - e[at.COL_BEFORE] + x
                            if taps_apart:
                                w += (e[at.COL_STRIDE] - extent) * (x // extent)
                            real = inside and 0 <= w < width
                            at_word = ((image + h) * width + w) * channels + first_channel
                            for i in range(c):
                                if csc and (not real or mask[at_word + i] == 0):
                                    continue
                                pos[word] = x * c + i
                                if carries:
                                    val[word] = data[at_word + i] if real else 0
                                word += 1
                        column = segment
                        if csc:
                            sent = segment_word
                            while True:
                                sent = min(sent + e[at.IACT_FLIT], word)
                                flit_end[flit] = sent - word0
                                flit += 1
                                if sent == word:
                                    break
                    if not csc:
                        row_end = row_word + columns_of_row(e, stream[at.S_Q, s]) * c
                        while sent < word:
                            sent = min(sent + e[at.IACT_FLIT], row_end)
                            flit_end[flit] = sent - word0
                            flit += 1
                    while oldest < word and pos[oldest] < q * step * c:
                        oldest += 1
                    need[window] = word - word0
                    low[window] = oldest - word0
                    last_flit[window] = flit - flit0
                    window += 1


@kernel()
def weigh(e, d, plan, mask, cost):
    """Find what an iact at each place of a window costs in issue slots, and the flits that carry each tile of weights.

    The plan gets the flits of its tiles, and when each place has its weights (`X_LOADED`).  mask: uint8 [G, R, S, C,
    M], read where weights are in CSC; cost: int64 [tiles, places of a window] output, slots (0: an empty column) or
    GAP.  A column of M0 weights is stored in words of one weight a multiplier; a run of zeros beyond the reach of a
    count costs an entry, and an odd end is padded (JETCAS 2019 IV-A, IV-B).
    """
    tile, place, tiles = plan.tile, plan.place, plan.counts[at.COUNT_TILES]
    for w in range(tiles):
        m, c = tile[at.W_M, w], tile[at.W_C, w]
        slots = 0
        for x in range(e[at.EXTENT]):
            on_tap = x % e[at.COL_DILATION] == 0
            s = x // e[at.COL_DILATION]
            for i in range(c):
                if not on_tap:
                    cost[w, x * c + i] = at.GAP
                    continue
                entries = m
                if e[at.CSC_WEIGHT]:
                    row = ((d[at.G] + tile[at.W_G0, w]) * e[at.ROW_TAPS] + d[at.R] + tile[at.W_R0, w]) * e[at.TAPS] + s
                    first = (row * e[at.CHANNELS] + d[at.C] + tile[at.W_C0, w] + i) * e[at.FILTERS]
                    first += d[at.M] + tile[at.W_M0, w]
                    entries = 0
                    run = 0
                    for k in range(first, first + m):
                        if mask[k]:
                            entries += 1 + run // e[at.COUNT_REACH]
                            run = 0
                        else:
                            run += 1
                cost[w, x * c + i] = cdiv(entries, e[at.SIMD])
                slots += cdiv(entries, e[at.SIMD])
        if e[at.CSC_WEIGHT]:
            words = slots * e[at.SIMD]
            flits = cdiv(words, e[at.WEIGHT_FLIT]) + cdiv(e[at.TAPS] * c * e[at.ADDRESS_BITS], e[at.WEIGHT_FLIT_BITS])
        else:
            flits = cdiv(m * c * e[at.TAPS], e[at.WEIGHT_FLIT])
        tile[at.W_FLITS, w] = max(1, flits)  # a tile without non-zeros takes an empty one
    # Tiles of a lane follow one another.
    lanes = 0
    for w in range(tiles):
        lanes = max(lanes, tile[at.W_LANE, w] + 1)
    sent = np.zeros(lanes, np.int64)
    for w in range(tiles):
        sent[tile[at.W_LANE, w]] += tile[at.W_FLITS, w]
        tile[at.W_SENT, w] = sent[tile[at.W_LANE, w]]
    for u in range(place.shape[1]):
        if place[at.X_ACTIVE, u]:
            hops = place[at.X_CLUSTER_COLUMN, u] if e[at.MULTICAST] else 0
            place[at.X_LOADED, u] = tile[at.W_SENT, place[at.X_TILE, u]] * e[at.WEIGHT_TURN] + hops
