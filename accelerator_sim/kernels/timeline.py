"""The passes of a layer in their order, and how they follow one another: off-chip transfers, GLB fills, barriers.

The system-level control starts a pass when the array is free, its iacts are in the GLB and its weights can arrive in
time; what the architecture file overlaps is requested ahead.
"""

from __future__ import annotations

import numpy as np

from accelerator_sim.kernels import machine as at
from accelerator_sim.kernels.compile import kernel

# Flags of a layer (array `o`).
(
    O_M2, O_FILTERS_FIRST, O_KEEP_IACT, O_RELOAD, O_READ_FIRST, O_PSUM_RESTS, O_CONFIG, O_LATENCY, O_DUPLEX,
    O_HIDE_WEIGHT, O_PREFETCH, O_HIDE_IACT, O_HIDE_OACT, O_SINGLE_PORT, O_WEIGHT_KEPT, O_CHANNELS, O_BURST,
    O_FILL_EARLY, ORDER,
) = range(19)  # fmt: skip

# Numbers of a layer (array `x`).
X_IACT_BYTES, X_WEIGHT_BYTES, X_OACT_BYTES, X_BYTES_PER_CYCLE, X_FILL_RATE, X_TAPS, NUMBERS = range(7)

NO_TRANSFER = -1
"""Cycles of a pass that asks for nothing; a transfer over an unlimited channel takes 0, but has its latency."""

FIRST, LAST = 1, 2
"""Bits of the role of a pass: no psums enter; psums leave finished."""


@kernel(helper=True)
def digits_of(number, o, tiles, at_tile):
    """Which tile of each dimension pass `number` works on; returns the filter tile of the GLB and the position tile."""
    accumulations = tiles[at.C] * tiles[at.R]
    positions = tiles[at.N] * tiles[at.P] * tiles[at.Q]
    of_group = positions * accumulations * tiles[at.M]
    at_tile[at.G] = number // of_group
    rest = number % of_group
    m2 = o[O_M2]
    if o[O_FILTERS_FIRST]:
        f = rest // (positions * accumulations * m2)
        rest -= f * positions * accumulations * m2
        filters = min(m2, tiles[at.M] - f * m2)
        p = rest // (accumulations * filters)
        rest -= p * accumulations * filters
    else:
        p = rest // (accumulations * tiles[at.M])
        rest -= p * accumulations * tiles[at.M]
        f = rest // (accumulations * m2)
        rest -= f * accumulations * m2
        filters = min(m2, tiles[at.M] - f * m2)
    a = rest // filters
    at_tile[at.M] = f * m2 + rest % filters
    at_tile[at.C] = a // tiles[at.R]
    at_tile[at.R] = a % tiles[at.R]
    at_tile[at.Q] = p % tiles[at.Q]
    at_tile[at.P] = p // tiles[at.Q] % tiles[at.P]
    at_tile[at.N] = p // (tiles[at.Q] * tiles[at.P])
    return f, p


@kernel(helper=True)
def transfer_cycles(size, o, x):
    """Cycles of the channel for so many bytes, in whole bursts; NO_TRANSFER for none."""
    if size <= 0.0:
        return NO_TRANSFER
    if np.isinf(x[X_BYTES_PER_CYCLE]):
        return 0
    bursts = np.ceil(size / o[O_BURST] - 1e-9)
    return int(np.ceil(bursts * o[O_BURST] / x[X_BYTES_PER_CYCLE] - 1e-9))


@kernel()
def list_passes(
    o, x, tiles, types, radix, length, share, row_fetched, column_fetched, row_filled, column_filled,
    kind, group, load, iact_cycles, fill_cycles, weight_cycles, oact_cycles,
):  # fmt: skip
    """Describe every pass of a layer.

    tiles: int64 [7]; types: int64 [7, most tiles], the type of each tile; radix: int64 [7], number of types; length,
    share: int64 [7, most types], elements of a tile, and of its first cluster; row_fetched ... column_filled: int64 by
    type of P or Q, inputs fetched from off-chip and kept by the first cluster.  Outputs, int64 by pass: kind, the
    number of its combination of types and role; group, whether new iacts are needed; load, whether weights are sent;
    cycles of the channel for the iacts, weights and oacts of it (NO_TRANSFER: none), and of the GLB banks for its
    iacts.
    """
    here = np.zeros(at.DIMENSIONS, np.int64)
    before = np.full(at.DIMENSIONS, -1, np.int64)
    f0 = p0 = -1
    accumulations = tiles[at.C] * tiles[at.R]
    for i in range(kind.size):
        f, p = digits_of(i, o, tiles, here)
        g = here[at.G]
        moved = g != before[at.G] or p != p0
        if o[O_KEEP_IACT]:
            group[i] = moved
        else:
            group[i] = moved or f != f0 or here[at.C] != before[at.C]
        changed = g != before[at.G]
        for dim in (at.M, at.C, at.R):
            changed = changed or here[dim] != before[dim]
        load[i] = changed or (o[O_RELOAD] and (moved or f != f0))
        a = here[at.C] * tiles[at.R] + here[at.R]
        role = (FIRST if a == 0 else 0) + (LAST if a == accumulations - 1 else 0)
        number = 0
        size = 1
        for dim in range(at.DIMENSIONS):
            number = number * radix[dim] + types[dim, here[dim]]
        kind[i] = (number * 4 + role) * 2 + load[i]

        tg, tn, tm = types[at.G, here[at.G]], types[at.N, here[at.N]], types[at.M, here[at.M]]
        tc, tp = types[at.C, here[at.C]], types[at.P, here[at.P]]
        tq, tr = types[at.Q, here[at.Q]], types[at.R, here[at.R]]
        images = length[at.G, tg] * length[at.N, tn]
        fill_cycles[i] = 0
        iact_cycles[i] = weight_cycles[i] = oact_cycles[i] = NO_TRANSFER
        if group[i]:
            channels = o[O_CHANNELS] if o[O_KEEP_IACT] else length[at.C, tc]
            words = float(images * channels) * row_fetched[tp] * column_fetched[tq]
            iact_cycles[i] = transfer_cycles(words * x[X_IACT_BYTES], o, x)
            if x[X_FILL_RATE] > 0.0:
                channels = share[at.C, tc]
                if o[O_KEEP_IACT]:
                    channels = 0
                    for c in range(tiles[at.C]):
                        channels += share[at.C, types[at.C, c]]
                words = float(share[at.G, tg] * share[at.N, tn] * channels) * row_filled[tp] * column_filled[tq]
                fill_cycles[i] = int(np.ceil(words / x[X_FILL_RATE] - 1e-9))
        if load[i]:
            size = length[at.G, tg] * length[at.M, tm] * length[at.C, tc] * length[at.R, tr]
            if o[O_WEIGHT_KEPT]:  # they stay in the GLB: fetched at the first position tile only
                size = size if p == 0 else 0
            weight_cycles[i] = transfer_cycles(float(size) * x[X_TAPS] * x[X_WEIGHT_BYTES], o, x)
        if role & LAST:
            words = float(images * length[at.M, tm]) * length[at.P, tp] * length[at.Q, tq]
            oact_cycles[i] = transfer_cycles(words * x[X_OACT_BYTES], o, x)
        for dim in range(at.DIMENSIONS):
            before[dim] = here[dim]
        f0, p0 = f, p


@kernel(helper=True)
def request(channel, way, at_time, cycles, o):
    """When a transfer that is asked for at some time is done; transfers of a way follow one another."""
    if cycles == NO_TRANSFER:
        return at_time
    if not o[O_DUPLEX]:
        way = 0
    channel[way] = max(channel[way], at_time + o[O_LATENCY]) + cycles
    return channel[way]


@kernel()
def follow(
    o, kind, group, load, iact_cycles, fill_cycles, weight_cycles, oact_cycles, pass_cycles, pass_fill, pass_reads,
    starts, waits,
):  # fmt: skip
    """Let the passes of a layer follow one another; returns the cycles of the layer.

    pass_cycles, pass_fill, pass_reads: int64 by kind of pass, its cycles, those of its weight fill, and the reads of
    its busiest iact bank.  Outputs: starts, int64 by pass; waits, int64 [causes], cycles in which all PEs wait.
    """
    channel = np.zeros(2, np.int64)
    now = o[O_CONFIG]
    waits[at.CONFIGURATION] += now
    written = start = begun = reads = 0
    fetched = filled = held = loaded = now
    following = 0
    passes = kind.size
    ahead = o[O_HIDE_WEIGHT] or o[O_PREFETCH]
    for i in range(passes):
        k = kind[i]
        if group[i]:
            if i == 0 or not o[O_HIDE_IACT]:
                fetched = request(channel, 0, now, iact_cycles[i], o)
                filled = now + fill_cycles[i]
            else:
                filled = begun + reads + fill_cycles[i]
        if load[i] and (i == 0 or not ahead):
            held = request(channel, 0, now, weight_cycles[i], o)
            if o[O_HIDE_WEIGHT]:
                loaded = now + pass_fill[k]
        begin = now
        if group[i]:
            begin = max(begin, fetched)
        if load[i]:  # where the fill is known before, the last word from off-chip may come with the last flit
            begin = max(begin, held - (max(0, min(pass_fill[k], weight_cycles[i])) if o[O_FILL_EARLY] else 0))
        waits[at.DRAM] += begin - now
        if group[i] and filled > begin:
            waits[at.GLB_PORT] += filled - begin
            begin = filled
        if loaded > begin:
            waits[at.NO_WEIGHT] += loaded - begin
            begin = loaded
        start = begin
        starts[i] = start
        if group[i]:
            begun = start
            reads = 0
            if o[O_HIDE_IACT]:
                following = max(following, i + 1)
                while following < passes and not group[following]:
                    following += 1
                if following < passes:
                    fetched = request(channel, 0, start, iact_cycles[following], o)
        if ahead and i + 1 < passes and load[i + 1]:
            held = request(channel, 0, start, weight_cycles[i + 1], o)
            if o[O_HIDE_WEIGHT]:
                loaded = start + pass_fill[kind[i + 1]]
        reads += pass_reads[k] if o[O_SINGLE_PORT] else 0
        now = start + pass_cycles[k]
        if oact_cycles[i] != NO_TRANSFER:
            done = request(channel, 1, now, oact_cycles[i], o)
            if not o[O_HIDE_OACT]:
                waits[at.DRAM] += done - now
                now = done
            written = max(written, done)
    if written > now:
        waits[at.DRAM] += written - now
        now = written
    return now
