"""The passes of a layer in their order, and how they follow one another: off-chip transfers, GLB fills, barriers.

The system-level control starts a pass when the array is free, its iacts are in the GLB and its weights can arrive in
time; what the architecture file overlaps is requested ahead.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerator_sim.kernels import engine_arrays as at
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


FILTER_TILE, POSITION_TILE, DIGITS = at.DIMENSIONS, at.DIMENSIONS + 1, at.DIMENSIONS + 2
"""Where a pass stands (array of `DIGITS`): tile of each dimension, filter tile of the GLB, position tile."""


class Tiles(NamedTuple):
    """The tiles of a layer, and what their types differ in; int64."""

    counts: Any
    """[7]"""
    types: Any
    """[7, most tiles]: type of each tile."""
    radix: Any
    """[7]: number of types."""
    length: Any
    share: Any
    """[7, most types]: elements of a tile, and of its first cluster."""
    row_fetched: Any
    column_fetched: Any
    """By type of P or Q: inputs fetched from off-chip."""
    row_filled: Any
    column_filled: Any
    """By type of P or Q: inputs kept by the first cluster."""


class PassList(NamedTuple):
    """What each pass of a layer needs, int64 by pass."""

    kind: Any
    """Number of its combination of types, role and load."""
    group: Any
    """Whether new iacts are needed."""
    load: Any
    """Whether weights are sent."""
    iact_cycles: Any
    """Of the off-chip channel (NO_TRANSFER: none), as those of weights and oacts."""
    fill_cycles: Any
    """Of the GLB banks, for its iacts."""
    weight_cycles: Any
    oact_cycles: Any


@kernel(helper=True, reference_counts=False)
def find_digits(number, o, tiles, here):
    """Find where pass `number` stands."""
    accumulations = tiles[at.C] * tiles[at.R]
    positions = tiles[at.N] * tiles[at.P] * tiles[at.Q]
    of_group = positions * accumulations * tiles[at.M]
    here[at.G] = number // of_group
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
    here[at.M] = f * m2 + rest % filters
    here[at.C] = a // tiles[at.R]
    here[at.R] = a % tiles[at.R]
    here[at.Q] = p % tiles[at.Q]
    here[at.P] = p // tiles[at.Q] % tiles[at.P]
    here[at.N] = p // (tiles[at.Q] * tiles[at.P])
    here[FILTER_TILE] = f
    here[POSITION_TILE] = p


@kernel(helper=True, reference_counts=False)
def transfer_cycles(size, o, x):
    """Cycles of the channel for so many bytes, in whole bursts; NO_TRANSFER for none."""
    if size <= 0.0:
        return NO_TRANSFER
    if np.isinf(x[X_BYTES_PER_CYCLE]):
        return 0
    bursts = np.ceil(size / o[O_BURST] - 1e-9)
    return int(np.ceil(bursts * o[O_BURST] / x[X_BYTES_PER_CYCLE] - 1e-9))


@kernel(helper=True, reference_counts=False)
def needs_iacts(o, here, before):
    """Whether a pass needs other iacts than the one before."""
    if here[at.G] != before[at.G] or here[POSITION_TILE] != before[POSITION_TILE]:
        return True
    if o[O_KEEP_IACT]:
        return False
    return here[FILTER_TILE] != before[FILTER_TILE] or here[at.C] != before[at.C]


@kernel(helper=True, reference_counts=False)
def needs_weights(o, here, before):
    """Whether weights are sent for a pass."""
    for dimension in (at.G, at.M, at.C, at.R):
        if here[dimension] != before[dimension]:
            return True
    moved = here[POSITION_TILE] != before[POSITION_TILE] or here[FILTER_TILE] != before[FILTER_TILE]
    return o[O_RELOAD] != 0 and moved


@kernel(helper=True, reference_counts=False)
def role_of(tiles, here):
    """FIRST and LAST: whether a pass is the first or the last that adds to its psums."""
    accumulation = here[at.C] * tiles.counts[at.R] + here[at.R]
    last = tiles.counts[at.C] * tiles.counts[at.R] - 1
    return (FIRST if accumulation == 0 else 0) + (LAST if accumulation == last else 0)


@kernel(helper=True, reference_counts=False)
def type_of(tiles, here, dimension):
    """Type of the tile of a dimension that a pass works on."""
    return tiles.types[dimension, here[dimension]]


@kernel(helper=True, reference_counts=False)
def length_of(tiles, here, dimension):
    """Elements of the tile of a dimension that a pass works on."""
    return tiles.length[dimension, type_of(tiles, here, dimension)]


@kernel(helper=True, reference_counts=False)
def kind_of(tiles, here, role, load):
    """Number of a combination of types, role and load."""
    number = 0
    for dimension in range(at.DIMENSIONS):
        number = number * tiles.radix[dimension] + type_of(tiles, here, dimension)
    return (number * 4 + role) * 2 + load


@kernel(helper=True, reference_counts=False)
def iact_transfer(o, x, tiles, here):
    """Cycles of the channel for the iacts of a pass."""
    images = length_of(tiles, here, at.G) * length_of(tiles, here, at.N)
    channels = o[O_CHANNELS] if o[O_KEEP_IACT] else length_of(tiles, here, at.C)
    rows = tiles.row_fetched[type_of(tiles, here, at.P)]
    words = float(images * channels) * rows * tiles.column_fetched[type_of(tiles, here, at.Q)]
    return transfer_cycles(words * x[X_IACT_BYTES], o, x)


@kernel(helper=True, reference_counts=False)
def iact_fill(o, x, tiles, here):
    """Cycles of the GLB banks for the iacts of a pass."""
    if x[X_FILL_RATE] <= 0.0:
        return 0
    share = tiles.share
    channels = share[at.C, type_of(tiles, here, at.C)]
    if o[O_KEEP_IACT]:
        channels = 0
        for c in range(tiles.counts[at.C]):
            channels += share[at.C, tiles.types[at.C, c]]
    images = share[at.G, type_of(tiles, here, at.G)] * share[at.N, type_of(tiles, here, at.N)]
    rows = tiles.row_filled[type_of(tiles, here, at.P)]
    words = float(images * channels) * rows * tiles.column_filled[type_of(tiles, here, at.Q)]
    return int(np.ceil(words / x[X_FILL_RATE] - 1e-9))


@kernel(helper=True, reference_counts=False)
def weight_transfer(o, x, tiles, here):
    """Cycles of the channel for the weights of a pass."""
    size = length_of(tiles, here, at.G) * length_of(tiles, here, at.M)
    size *= length_of(tiles, here, at.C) * length_of(tiles, here, at.R)
    if o[O_WEIGHT_KEPT] and here[POSITION_TILE] > 0:  # they are in the GLB since the first position tile
        size = 0
    return transfer_cycles(float(size) * x[X_TAPS] * x[X_WEIGHT_BYTES], o, x)


@kernel(helper=True, reference_counts=False)
def oact_transfer(o, x, tiles, here):
    """Cycles of the channel for the outputs of a pass."""
    images = length_of(tiles, here, at.G) * length_of(tiles, here, at.N)
    words = float(images * length_of(tiles, here, at.M)) * length_of(tiles, here, at.P) * length_of(tiles, here, at.Q)
    return transfer_cycles(words * x[X_OACT_BYTES], o, x)


@kernel()
def list_passes(o, x, tiles, passes):
    """Describe every pass of a layer.

    o, x: flags and numbers of the layer; tiles: see `Tiles`; passes: the outputs, see `PassList`.
    """
    here, before = np.zeros(DIGITS, np.int64), np.full(DIGITS, -1, np.int64)
    for i in range(passes.kind.size):
        find_digits(i, o, tiles.counts, here)
        role = role_of(tiles, here)
        group, load = needs_iacts(o, here, before), needs_weights(o, here, before)
        passes.group[i], passes.load[i] = group, load
        passes.kind[i] = kind_of(tiles, here, role, passes.load[i])
        passes.iact_cycles[i] = iact_transfer(o, x, tiles, here) if group else NO_TRANSFER
        passes.fill_cycles[i] = iact_fill(o, x, tiles, here) if group else 0
        passes.weight_cycles[i] = weight_transfer(o, x, tiles, here) if load else NO_TRANSFER
        passes.oact_cycles[i] = oact_transfer(o, x, tiles, here) if role & LAST else NO_TRANSFER
        for k in range(DIGITS):
            before[k] = here[k]


@kernel(helper=True, reference_counts=False)
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
