"""The passes of a layer in their order, and how they follow one another: off-chip transfers, GLB fills, barriers.

The system-level control starts a pass when the array is free, its iacts are in the GLB and its weights can arrive in
time; what the architecture file overlaps is requested ahead.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.references import refer
from accelerator_sim.kernels.rounding import WORD_SLIP

# Flags of a layer (array `o`).
(
    O_M2, O_FILTERS_FIRST, O_KEEP_IACT, O_RELOAD, O_READ_FIRST, O_PSUM_RESTS, O_CONFIG, O_LATENCY, O_DUPLEX,
    O_HIDE_WEIGHT, O_PREFETCH, O_HIDE_IACT, O_HIDE_OACT, O_SINGLE_PORT, O_WEIGHT_KEPT, O_CHANNELS, O_BURST,
    O_FILL_EARLY, O_CONFIG_PASS, ORDER,
) = range(20)  # fmt: skip

# Numbers of a layer (array `x`).
X_IACT_BYTES, X_WEIGHT_BYTES, X_OACT_BYTES, X_BYTES_PER_CYCLE, X_FILL_RATE, NUMBERS = range(6)

NO_TRANSFER = -1
"""Cycles of a pass that asks for nothing; a transfer over an unlimited channel takes 0, but has its latency."""

FIRST, LAST = 1, 2
"""Bits of the role of a pass: no psums enter; psums leave finished."""


FILTER_TILE, POSITION_TILE, DIGITS = at.DIMENSIONS, at.DIMENSIONS + 1, at.DIMENSIONS + 2
"""Where a pass stands (array of `DIGITS`): tile of each dimension, filter tile of the GLB, position tile."""


class Tiles(NamedTuple):
    """The tiles of a layer, and what their types differ in; int64."""

    counts: Any
    """[DIMENSIONS]"""
    types: Any
    """[DIMENSIONS, most tiles]: type of each tile."""
    radix: Any
    """[DIMENSIONS]: number of types."""
    length: Any
    share: Any
    """[DIMENSIONS, most types]: elements of a tile, and of its first cluster."""
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


@kernel(spliced=True)
def advance(dimensions, tiles, here):
    """Go to the next tile of the first dimension that has one, and the first of those before; whether one has."""
    for dimension in dimensions:
        here[dimension] += 1
        if here[dimension] < tiles[dimension]:
            return True
        here[dimension] = 0
    return False


@kernel(spliced=True)
def next_positions(tiles, here):
    """Go to the next tile of positions, or the first one; returns whether there is a next one."""
    some = advance((at.Q, at.P, at.N), tiles, here)
    here[POSITION_TILE] = here[POSITION_TILE] + 1 if some else 0
    return some


@kernel(spliced=True)
def next_filters(o, tiles, here):
    """Go to the next filter tile, or the first one; returns whether there is a next one."""
    here[FILTER_TILE] += 1
    some = here[FILTER_TILE] * o[O_M2] < tiles[at.M]
    if not some:
        here[FILTER_TILE] = 0
    here[at.M] = here[FILTER_TILE] * o[O_M2]
    return some


@kernel(helper=True, reference_counts=False)
def next_pass(o, tiles, here):
    """Go to where the next pass stands."""
    here[at.M] += 1
    if here[at.M] < min((here[FILTER_TILE] + 1) * o[O_M2], tiles[at.M]):
        return
    here[at.M] = here[FILTER_TILE] * o[O_M2]
    if advance((at.S, at.R, at.C), tiles, here):
        return
    if o[O_FILTERS_FIRST]:
        if next_positions(tiles, here) or next_filters(o, tiles, here):
            return
    elif next_filters(o, tiles, here) or next_positions(tiles, here):
        return
    here[at.G] += 1


@kernel(helper=True, reference_counts=False)
def transfer_cycles(size, o, x):
    """Cycles of the channel for so many bytes, in whole bursts; NO_TRANSFER for none."""
    if size <= 0.0:
        return NO_TRANSFER
    if np.isinf(x[X_BYTES_PER_CYCLE]):
        return 0
    bursts = np.ceil(size / o[O_BURST] - WORD_SLIP)
    return int(np.ceil(bursts * o[O_BURST] / x[X_BYTES_PER_CYCLE] - WORD_SLIP))


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
    for dimension in (at.G, at.M, at.C, at.R, at.S):
        if here[dimension] != before[dimension]:
            return True
    moved = here[POSITION_TILE] != before[POSITION_TILE] or here[FILTER_TILE] != before[FILTER_TILE]
    return o[O_RELOAD] != 0 and moved


@kernel(helper=True, reference_counts=False)
def role_of(tiles, here):
    """FIRST and LAST: whether a pass is the first or the last that adds to its psums."""
    accumulation = (here[at.C] * tiles.counts[at.R] + here[at.R]) * tiles.counts[at.S] + here[at.S]
    last = tiles.counts[at.C] * tiles.counts[at.R] * tiles.counts[at.S] - 1
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
    return int(np.ceil(words / x[X_FILL_RATE] - WORD_SLIP))


@kernel(helper=True, reference_counts=False)
def weight_transfer(o, x, tiles, here):
    """Cycles of the channel for the weights of a pass."""
    size = length_of(tiles, here, at.G) * length_of(tiles, here, at.M)
    size *= length_of(tiles, here, at.C) * length_of(tiles, here, at.R) * length_of(tiles, here, at.S)
    if o[O_WEIGHT_KEPT] and here[POSITION_TILE] > 0:  # they are in the GLB since the first position tile
        size = 0
    return transfer_cycles(float(size) * x[X_WEIGHT_BYTES], o, x)


@kernel(helper=True, reference_counts=False)
def oact_transfer(o, x, tiles, here):
    """Cycles of the channel for the outputs of a pass."""
    images = length_of(tiles, here, at.G) * length_of(tiles, here, at.N)
    words = float(images * length_of(tiles, here, at.M)) * length_of(tiles, here, at.P) * length_of(tiles, here, at.Q)
    return transfer_cycles(words * x[X_OACT_BYTES], o, x)


@kernel()
def list_passes(o, x, of_types, listed):
    """Describe every pass of a layer.

    o, x: flags and numbers of the layer; of_types: see `Tiles`; listed: the outputs, see `PassList`.
    """
    tiles, passes = refer(of_types), refer(listed)
    here, before = np.zeros(DIGITS, np.int64), np.full(DIGITS, -1, np.int64)
    for i in range(passes.kind.size):
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
        next_pass(o, tiles.counts, here)


class PassSequence(NamedTuple):
    """The passes of a layer while they follow one another, int64 arrays."""

    o: Any
    """Flags of the layer."""
    passes: Any
    """See `PassList`."""
    cycles: Any
    fill: Any
    reads: Any
    """By kind of pass: its cycles, those of its weight fill, and the reads of its busiest iact bank."""
    starts: Any
    """By pass: when it starts."""
    waits: Any
    """[causes]: cycles in which all PEs wait, added to."""
    clock: Any
    """[CLOCK]"""


(
    C_NOW, C_READ, C_WRITE, C_FETCHED, C_FILLED, C_HELD, C_LOADED, C_BEGUN, C_READS, C_FOLLOWING, C_WRITTEN,
    CLOCK,
) = range(12)  # fmt: skip
"""Time (array `clock`): now; when the channel is free to read, and to write; when the next iacts have come from
off-chip and are in the GLB, when the next weights have come and are in the PEs; when the pass that last took new iacts
started, and reads of the busiest iact bank since then; the pass that takes the next ones; when the last oacts are
written."""


@kernel(spliced=True)
def request(run, way, time, cycles):
    """When a transfer that is asked for at some time is done; transfers of a way follow one another."""
    if cycles == NO_TRANSFER:
        return time
    queue = way if run.o[O_DUPLEX] else C_READ
    run.clock[queue] = max(run.clock[queue], time + run.o[O_LATENCY]) + cycles
    return run.clock[queue]


@kernel(spliced=True)
def request_weights(run, i, time):
    """Ask for the weights of a pass."""
    run.clock[C_HELD] = request(run, C_READ, time, run.passes.weight_cycles[i])
    if run.o[O_HIDE_WEIGHT]:
        run.clock[C_LOADED] = time + run.fill[run.passes.kind[i]]


@kernel(spliced=True)
def request_operands(run, i):
    """Ask for what a pass needs and was not asked for ahead."""
    passes, clock, o = run.passes, run.clock, run.o
    if passes.group[i]:
        if i == 0 or not o[O_HIDE_IACT]:
            clock[C_FETCHED] = request(run, C_READ, clock[C_NOW], passes.iact_cycles[i])
            clock[C_FILLED] = clock[C_NOW] + passes.fill_cycles[i]
        else:
            clock[C_FILLED] = clock[C_BEGUN] + clock[C_READS] + passes.fill_cycles[i]
    if passes.load[i] and (i == 0 or not (o[O_HIDE_WEIGHT] or o[O_PREFETCH])):
        request_weights(run, i, clock[C_NOW])


@kernel(spliced=True)
def start_of(run, i):
    """When a pass starts: its operands have come from off-chip, and are in the GLB, or in the PEs if sent ahead."""
    passes, clock, waits = run.passes, run.clock, run.waits
    begin = clock[C_NOW]
    if passes.group[i]:
        begin = max(begin, clock[C_FETCHED])
    if passes.load[i]:  # where the fill is known before, the last word from off-chip may come with the last flit
        early = max(0, min(run.fill[passes.kind[i]], passes.weight_cycles[i])) if run.o[O_FILL_EARLY] else 0
        begin = max(begin, clock[C_HELD] - early)
    waits[at.DRAM] += begin - clock[C_NOW]
    if passes.group[i] and clock[C_FILLED] > begin:
        waits[at.GLB_PORT] += clock[C_FILLED] - begin
        begin = clock[C_FILLED]
    if clock[C_LOADED] > begin:
        waits[at.NO_WEIGHT] += clock[C_LOADED] - begin
        begin = clock[C_LOADED]
    return begin


@kernel(spliced=True)
def request_ahead(run, i, start):
    """Ask for the operands of later passes when one starts."""
    passes, clock, o = run.passes, run.clock, run.o
    count = passes.kind.size
    if passes.group[i]:
        clock[C_BEGUN] = start
        clock[C_READS] = 0
        if o[O_HIDE_IACT]:
            following = max(clock[C_FOLLOWING], i + 1)
            while following < count and not passes.group[following]:
                following += 1
            clock[C_FOLLOWING] = following
            if following < count:
                clock[C_FETCHED] = request(run, C_READ, start, passes.iact_cycles[following])
    if (o[O_HIDE_WEIGHT] or o[O_PREFETCH]) and i + 1 < count and passes.load[i + 1]:
        request_weights(run, i + 1, start)


@kernel(spliced=True)
def write_oacts(run, i):
    """Ask for the oacts of a pass that ends now to be written, and wait for that where the next pass does."""
    clock, cycles = run.clock, run.passes.oact_cycles[i]
    if cycles == NO_TRANSFER:
        return
    done = request(run, C_WRITE, clock[C_NOW], cycles)
    if not run.o[O_HIDE_OACT]:
        run.waits[at.DRAM] += done - clock[C_NOW]
        clock[C_NOW] = done
    clock[C_WRITTEN] = max(clock[C_WRITTEN], done)


@kernel(reference_counts=False)
def follow(arrays):
    """Let the passes of a layer follow one another; returns the cycles of the layer.

    arrays: a `PassSequence`, of which `starts` and `waits` are filled; its clock is at 0.
    """
    run = refer(arrays)
    clock, kind = run.clock, run.passes.kind
    for k in (C_NOW, C_FETCHED, C_FILLED, C_HELD, C_LOADED):
        clock[k] = run.o[O_CONFIG]
    run.waits[at.CONFIGURATION] += clock[C_NOW]
    for i in range(kind.size):
        clock[C_NOW] += run.o[O_CONFIG_PASS]
        run.waits[at.CONFIGURATION] += run.o[O_CONFIG_PASS]
        request_operands(run, i)
        start = run.starts[i] = start_of(run, i)
        request_ahead(run, i, start)
        if run.o[O_SINGLE_PORT]:
            clock[C_READS] += run.reads[kind[i]]
        clock[C_NOW] = start + run.cycles[kind[i]]
        write_oacts(run, i)
    if clock[C_WRITTEN] > clock[C_NOW]:
        run.waits[at.DRAM] += clock[C_WRITTEN] - clock[C_NOW]
        clock[C_NOW] = clock[C_WRITTEN]
    return clock[C_NOW]
