"""What the streams of a pass carry, and what each iact costs a PE: the data that a plan moves.

A stream sends the iacts of its windows in order: row by row, column by column, the channels of a column together.  A
window needs `extent` columns; the next one replaces the oldest `stride` of them.  Stored raw, every value is a word;
in CSC only non-zeros are, and each segment (the columns that a window adds) begins a new flit (JETCAS 2019 IV-A).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.csc_columns import stored_entries
from accelerator_sim.kernels.deal import cdiv
from accelerator_sim.kernels.new_columns import address_words, new_columns
from accelerator_sim.kernels.references import refer


class Iacts(NamedTuple):
    """The iacts of a layer."""

    mask: Any
    """uint8 [G, N, H, W, C], flat, read where they are in CSC."""
    data: Any
    """int32 of the same order, or of no size where values do not matter."""


class Line(NamedTuple):
    """One input row that a stream sends, int64."""

    first: Any
    """Place of its first value (column 0 of the layer) in `Iacts`."""
    column: Any
    """Column of the layer that the first window begins at; before the layer: negative."""
    inside: Any
    """Whether the row is one of the layer, bool; padding else."""
    channels: Any
    windows: Any
    extent: Any
    """Columns of a window."""


class Cursor(NamedTuple):
    """How far a stream is written down: its next window, flit and word, int64."""

    window: Any
    flit: Any
    word: Any


@kernel(helper=True, reference_counts=False)
def columns_of_row(e, extent, windows):
    """Columns that a row of so many windows needs, of so many columns each."""
    return (windows - 1) * new_columns(e, extent) + extent


@kernel(reference_counts=False)
def size_streams(e, d, stream, streams, totals):
    """Find where the records of each stream begin; totals: int64 [3] output, most windows, flits and words."""
    windows = flits = words = 0
    for s in range(streams):
        stream[at.S_WINDOWS, s] = windows
        stream[at.S_FLITS, s] = flits
        stream[at.S_WORDS, s] = words
        rows = stream[at.S_N, s] * stream[at.S_J, s]
        of_row = columns_of_row(e, d[at.EXTENT], stream[at.S_Q, s]) * stream[at.S_C, s]
        windows += rows * stream[at.S_Q, s]
        words += rows * of_row
        segments = stream[at.S_Q, s] + d[at.EXTENT]
        of_row += segments * address_words(e, d[at.EXTENT], stream[at.S_C, s])
        flits += rows * (cdiv(of_row, e[at.IACT_FLIT]) + segments)
    totals[0] = windows
    totals[1] = flits
    totals[2] = words


@kernel(spliced=True)
def line_of(e, d, stream, s, image, p):
    """The input row of a stream that goes with an image of its own and an output row of the layer."""
    tap = d[at.R] + stream[at.S_R0, s]
    h = p * e[at.ROW_STRIDE] + tap * e[at.ROW_DILATION] - e[at.ROW_BEFORE]
    of_layer = (d[at.G] + stream[at.S_G0, s]) * e[at.IMAGES] + d[at.N] + stream[at.S_N0, s] + image
    first = (of_layer * e[at.ROW_SIZE] + h) * e[at.COL_SIZE] * e[at.CHANNELS] + d[at.C] + stream[at.S_C0, s]
    column = (d[at.Q] + stream[at.S_Q0, s]) * e[at.COL_STRIDE] - d[at.COL_BEFORE]
    return Line(first, column, 0 <= h < e[at.ROW_SIZE], stream[at.S_C, s], stream[at.S_Q, s], d[at.EXTENT])


@kernel(spliced=True)
def write_segment(e, line, iacts, program, columns, word):
    """Write down the words of some columns of a row, from the first to before the second; returns the next word."""
    width, layer_channels, csc, carries = e[at.COL_SIZE], e[at.CHANNELS], e[at.CSC_IACT], iacts.data.size > 0
    extent = line.extent
    gap = e[at.COL_STRIDE] - new_columns(
        e, extent
    )  # windows apart leave columns out, those that are reloaded repeat some
    for x in range(columns[0], columns[1]):
        w = line.column + x
        if gap != 0:
            w += gap * (x // extent)
        real = line.inside and 0 <= w < width
        at_word = line.first + w * layer_channels
        for i in range(line.channels):
            if csc and (not real or iacts.mask[at_word + i] == 0):
                continue
            program.pos[word] = x * line.channels + i
            if carries:
                program.val[word] = iacts.data[at_word + i] if real else 0
            word += 1
    return word


@kernel(spliced=True)
def close_flits(e, program, flit, sent, until, end):
    """Close flits until `until` words of a stream are sent, of which the last one may end at `end` words.

    Returns the next flit, and the words in flits that are closed.
    """
    while sent < until:
        sent = min(sent + e[at.IACT_FLIT], end)
        program.flit_end[flit] = sent
        flit += 1
    return flit, sent


@kernel(spliced=True)
def close_segment(e, program, flit, sent, stored, beside):
    """Close the flits of a segment in CSC, which follows `sent` words of the stream; returns the next flit.

    stored: its iacts; beside: its words of addresses, which come before those, and its fillers, which come after them.
    """
    words = stored + beside[0] + beside[1]
    for i in range(max(1, cdiv(words, e[at.IACT_FLIT]))):  # one without words takes an empty flit
        program.flit_end[flit] = sent + max(0, min(stored, (i + 1) * e[at.IACT_FLIT] - beside[0]))
        flit += 1
    return flit


@kernel(spliced=True)
def write_row(e, line, iacts, program, begin, cursor):
    """Write down an input row of a stream that begins at one cursor, from another one on; returns the next one."""
    extent, step, csc = line.extent, new_columns(e, line.extent), e[at.CSC_IACT]
    flit, word, oldest = cursor.flit, cursor.word, cursor.word
    sent = word - begin.word
    row_end = sent + columns_of_row(e, extent, line.windows) * line.channels
    for q in range(line.windows):
        column, stop = 0 if q == 0 else extent + (q - 1) * step, extent + q * step
        program.more[cursor.window + q] = 0
        while column < stop:
            before, until = word, min(column + step, stop)
            word = write_segment(e, line, iacts, program, (column, until), word)
            if csc:
                stored, places = word - before, (until - column) * line.channels
                addresses = address_words(e, until - column, line.channels)
                fillers = places - stored if e[at.FILLER] else 0
                flit = close_segment(e, program, flit, before - begin.word, stored, (addresses, fillers))
                program.more[cursor.window + q] += addresses + fillers
            column += step
        if not csc:
            flit, sent = close_flits(e, program, flit, sent, word - begin.word, row_end)
        while oldest < word and program.pos[oldest] < q * step * line.channels:
            oldest += 1
        program.need[cursor.window + q] = word - begin.word
        program.low[cursor.window + q] = oldest - begin.word
        program.last_flit[cursor.window + q] = flit - begin.flit
    return Cursor(cursor.window + line.windows, flit, word)


@kernel(reference_counts=False)
def fill_streams(e, d, local_rows, plan, iacts, program):
    """Write down what every stream sends.

    local_rows: parts of output rows inside a cluster.  The program is filled, by window of each stream: `need` words of
    the stream when it is complete, `low` its oldest word, `more` its words of addresses and fillers, `last_flit` flits
    sent by then; by flit: `flit_end`, words
    sent with it; by word: `pos`, its place in the row (column x channels + channel), and `val`, its value.
    """
    plan, iacts, program = refer(plan), refer(iacts), refer(program)
    stream = plan.stream
    for s in range(plan.counts[at.COUNT_STREAMS]):
        begin = Cursor(stream[at.S_WINDOWS, s], stream[at.S_FLITS, s], stream[at.S_WORDS, s])
        cursor = begin
        for image in range(stream[at.S_N, s]):
            for j in range(stream[at.S_J, s]):
                line = line_of(e, d, stream, s, image, d[at.P] + stream[at.S_P0, s] + j * local_rows)
                cursor = write_row(e, line, iacts, program, begin, cursor)


@kernel(spliced=True)
def weights_before(e, d, tile, w, s, channel):
    """Place in the mask of weights of the first one of a column: tap `s` of the pass and a channel of the tile `w`."""
    row = (d[at.G] + tile[at.W_G0, w]) * e[at.ROW_TAPS] + d[at.R] + tile[at.W_R0, w]
    column = (row * e[at.TAPS] + d[at.S] + s) * e[at.CHANNELS] + d[at.C] + tile[at.W_C0, w] + channel
    return column * e[at.FILTERS] + d[at.M] + tile[at.W_M0, w]


@kernel(spliced=True)
def weigh_tile(e, d, tile, w, mask, cost):
    """Find the issue slots of the iacts that meet a tile of weights; returns their sum."""
    filters, channels, slots = tile[at.W_M, w], tile[at.W_C, w], 0
    for x in range(d[at.EXTENT]):
        on_tap = x % e[at.COL_DILATION] == 0
        for i in range(channels):
            if not on_tap:
                cost[w, x * channels + i] = at.GAP
                continue
            entries = filters
            if e[at.CSC_WEIGHT]:
                first = weights_before(e, d, tile, w, x // e[at.COL_DILATION], i)
                entries = stored_entries(mask, first, first + filters, e[at.COUNT_REACH])
            cost[w, x * channels + i] = cdiv(entries, e[at.SIMD])
            slots += cdiv(entries, e[at.SIMD])
    return slots


@kernel(helper=True, reference_counts=False)
def flits_of_tile(e, filters, columns, slots):
    """Flits of a tile of weights, of so many filters and columns (channels of a tap), which take so many slots."""
    if e[at.CSC_WEIGHT]:
        addresses = cdiv(columns * e[at.ADDRESS_BITS], e[at.WEIGHT_FLIT_BITS])
        if e[at.ADDRESS_RATE]:
            addresses = cdiv(columns + e[at.MORE_ADDRESSES], e[at.ADDRESS_RATE])
        flits = cdiv(slots * e[at.SIMD], e[at.WEIGHT_FLIT]) + addresses
    else:
        flits = cdiv(filters * columns, e[at.WEIGHT_FLIT])
    return max(1, flits)  # a tile without non-zeros takes an empty one


@kernel(helper=True)
def load_places(e, plan):
    """Find when each place has its weights: tiles of a lane follow one another."""
    tile, place, tiles = plan.tile, plan.place, plan.counts[at.COUNT_TILES]
    lanes = 0
    for w in range(tiles):
        lanes = max(lanes, tile[at.W_LANE, w] + 1)
    sent = np.zeros(lanes, np.int64)
    for w in range(tiles):
        sent[tile[at.W_LANE, w]] += tile[at.W_FLITS, w]
        tile[at.W_SENT, w] = sent[tile[at.W_LANE, w]]
    for u in range(place.shape[1]):
        if place[at.X_ACTIVE, u]:
            sent = tile[at.W_SENT, place[at.X_TILE, u]] * e[at.WEIGHT_TURN]
            place[at.X_LOADED, u] = sent + (place[at.X_WEIGHT_HOP, u] if e[at.MULTICAST] else 0)


@kernel()
def weigh(e, d, plan, mask, cost):
    """Find what an iact at each place of a window costs in issue slots, and the flits that carry each tile of weights.

    The plan gets the flits of its tiles, and when each place has its weights (`X_LOADED`).  mask: uint8 [G, R, S, C,
    M], read where weights are in CSC; cost: int64 [tiles, places of a window] output, slots (0: an empty column) or
    GAP.  A column of M0 weights is stored in words of one weight a multiplier; a run of zeros beyond the reach of a
    count costs an entry, and an odd end is padded (JETCAS 2019 IV-A, IV-B).
    """
    plan = refer(plan)
    tile = plan.tile
    for w in range(plan.counts[at.COUNT_TILES]):
        slots = weigh_tile(e, d, tile, w, mask, cost)
        columns = tile[at.W_C, w] * d[at.SIZE + at.S]
        tile[at.W_FLITS, w] = flits_of_tile(e, tile[at.W_M, w], columns, slots)
    load_places(e, plan)
