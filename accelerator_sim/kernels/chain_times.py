"""The times of passes by recurrences over the windows of their chains, without the words that streams carry.

The event engine follows every word.  Here a window of a PE is one number: the cycles for which its iacts keep the
multipliers.  For window w and the PE at link u of a chain, of F flits of psums that each take s cycles, FIFOs of D
flits, and a pipeline of `FRONT` stages before the multipliers:

    address_u(w) = max(address_u(w-1), T_u(w-2) - 1) + visits_u(w)                before the first window: loaded_u - 1
    ready_u(w)   = max(T_u(w-1) + work_u(w), address_u(w) + 1,
                       max(address_u(w-1), T_u(w-2) - 1) + 1 + FRONT + work_u(w) if there is work)
    B_u(w)       = max(ready_u(w), B_{u-1}(w) + 1)                                the first flit is moved
    T_u(w)       = max(B_u + s F, T_{u-1}(w) + 1, B_{u+i} + s (F - i D) + i while F - i D >= 1)

A bank that is read and written in turn moves a flit in every second cycle (k = s or the turn of its lane, made even):
the last PE then has T >= B + k (F - 1) + s, the one i links before it T >= B_last + k (F - 1 - i D) + i + s, and the
first one T >= B + 1 + k (F - 1 - D) + turn + s.  A pass takes the largest T of all chains.

A psum that takes `LATER` cycles more from PE to PE, or moves `START` cycles after its window at the earliest, adds
those to the lines for B and T.  In lock-step all PEs of a chain are ready with the last of them, and the address stage
begins no earlier than `START_LATENCY` cycles after the last psum of the window before is in the bank.

Each line is one that the event engine keeps, or a weaker one, and all are monotone: the times are lower bounds of its
own (tests compare them on random mappings).  Where PEs move psums beside MACs, only the multipliers are counted:
T(w) = T(w-1) + work.  Eight chains of one form are worked on at once (`kernels.blocks`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import cdiv
from accelerator_sim.kernels.program import flits_of_tile, load_places
from accelerator_sim.kernels.references import refer
from accelerator_sim.kernels.vectors import WIDTH, gather, larger, largest, load, spread, store, where_positive


class WindowWork(NamedTuple):
    """What the windows of a layer ask of the PEs, for one way to cut its filters and channels; int64."""

    cycles: Any
    """[G, R, channel blocks, filter blocks + 1, N x P x Q], flat: cycles for which the iacts of a window keep the
    multipliers; in the last block, the iacts that are visited."""
    steps: Any
    """[5]: from one element of each dimension to the next; 0 where all are the same, of which one is kept."""
    visits: Any
    """Where the last block begins."""
    slots: Any
    """[G, R, channel blocks, filter blocks]: words of weights that a PE holds; one G and R where all have the same."""
    channel_block: Any
    filter_block: Any
    """[C] and [M]: the block of an element."""


class ChainRoom(NamedTuple):
    """Room for the links of a block of chains, int64 [places x WIDTH]."""

    work: Any
    visits: Any
    """Where the windows of its PEs begin in `WindowWork.cycles`."""
    moved: Any
    before: Any
    address: Any
    begun: Any
    """T of the last window and of the one before, its last address, and B of the window."""
    local_rows: Any
    """Parts of output rows inside a cluster, an int64."""


@kernel(spliced=True)
def find_link(d, plan, work, room, seat, x):
    """Find where the windows of the PE at a place begin, whose chain sits somewhere; and when it has its weights."""
    place, steps = plan.place, work.steps
    row = (d[at.G] + place[at.X_G0, x]) * steps[0] + (d[at.R] + place[at.X_R0, x]) * steps[1]
    row += work.channel_block[d[at.C] + place[at.X_C0, x]] * steps[2]
    room.work[seat] = row + work.filter_block[d[at.M] + place[at.X_M0, x]] * steps[3]
    room.visits[seat] = row + work.visits
    loaded = place[at.X_LOADED, x] if d[at.LOAD] and not d[at.BEFORE] else 0
    room.moved[seat] = room.before[seat] = loaded
    room.address[seat] = loaded - 1


@kernel(helper=True, reference_counts=False)
def find_links(e, d, plan, work, block, room):
    """Find where the windows of a block of chains begin; returns how many links its chains have."""
    chain, place, links = plan.chain, plan.place, 0
    for i in range(WIDTH):
        h = plan.blocks.chain_number[block * WIDTH + i]
        first, links = chain[at.H_FIRST, h], chain[at.H_FIRST, h + 1] - chain[at.H_FIRST, h]
        for u in range(links):
            x = plan.link[first + u]
            find_link(d, plan, work, room, u * WIDTH + i, x)
            row = (d[at.N] + place[at.X_N0, x]) * e[at.ROWS_OUT] + d[at.P] + place[at.X_P0, x]
            position = (row * e[at.COLS_OUT] + d[at.Q] + place[at.X_Q0, x]) * work.steps[4]
            room.work[u * WIDTH + i] += position
            room.visits[u * WIDTH + i] += position
    return links


@kernel(spliced=True)
def work_window(e, windows, room, links, position, first):
    """The PEs of chains work on a window: find when the first flit of each is moved; first: whether it is the first."""
    front, one, end = spread(e[at.FRONT] + 1), spread(1), spread(-1)
    starts = end
    if e[at.LOCK_STEP]:
        for u in range(links):
            starts = larger(starts, load(room.moved, u))
        late = -1 if first else e[at.PSUM_LATER] + 1 - e[at.SERVICE]
        starts = starts + spread(late + e[at.START_LATENCY] - 1)
    for u in range(links):
        x, moved = gather(windows, room.work, u, position), load(room.moved, u)
        began = larger(larger(load(room.address, u), load(room.before, u) - one), starts)
        address = began + gather(windows, room.visits, u, position)
        ready = larger(moved + x, address + one)
        ready = where_positive(x, larger(ready, began + front + x), ready)
        end = larger(end, ready)
        store(room.address, u, address)
        store(room.before, u, moved)
        store(room.begun, u, ready)
    last = spread(-1)
    for u in range(links):
        ready = end if e[at.LOCK_STEP] else load(room.begun, u)
        last = larger(ready + spread(e[at.PSUM_START]), last + spread(1 + e[at.PSUM_LATER]))
        store(room.begun, u, last)


@kernel(spliced=True)
def only_work(windows, room, links, position):
    """The multipliers of the PEs of chains work on a window."""
    for u in range(links):
        store(room.moved, u, load(room.moved, u) + gather(windows, room.work, u, position))


@kernel(spliced=True)
def move_psums(e, room, links, flits, turns):
    """The psums of a window climb chains: find when their PEs have moved their last flit.

    turns: whether the bank is read and written in turn.
    """
    service, depth, before = e[at.SERVICE], e[at.PSUM_FIFO], spread(-1)
    turn = max(service, e[at.PSUM_TURN])
    turn += turn % 2 if turns else 0
    end = load(room.begun, links - 1)
    for u in range(links):
        begun = load(room.begun, u)
        time, i = larger(begun + spread(service * flits), before + spread(1 + e[at.PSUM_LATER])), 1
        while u + i < links and flits - i * depth >= 1:
            time = larger(time, load(room.begun, u + i) + spread(service * (flits - i * depth) + i))
            i += 1
        above = links - 1 - u
        if flits - above * depth >= 1:
            time = larger(time, end + spread(turn * (flits - 1 - above * depth) + above + service))
        if turns and u == 0 and flits > depth:
            time = larger(time, begun + spread(1 + turn * (flits - 1 - depth) + e[at.PSUM_TURN] + service))
        store(room.moved, u, time)
        before = time


@kernel(helper=True, reference_counts=False)
def time_block(e, d, plan, work, block, room):
    """Run the windows of a block of chains; returns when all are done, and how many links they have."""
    chain, h, step = plan.chain, plan.blocks.chain_number[block * WIDTH], work.steps[4]
    links = find_links(e, d, plan, work, block, room)
    flits, beside = cdiv(chain[at.H_M, h], e[at.PSUM_FLIT]), e[at.OVERLAP] != 0
    turns = d[at.TIME_SHARED] == at.ALTERNATE
    for n in range(chain[at.H_N, h]):
        for j in range(chain[at.H_J, h]):
            row = (n * e[at.ROWS_OUT] + j * room.local_rows) * e[at.COLS_OUT]
            for q in range(chain[at.H_Q, h]):
                if beside:
                    only_work(work.cycles, room, links, (row + q) * step)
                else:
                    first = n + j + q == 0
                    work_window(e, work.cycles, room, links, (row + q) * step, first)
                    move_psums(e, room, links, flits, turns)
    end = load(room.moved, 0)
    for u in range(1, links):
        end = larger(end, load(room.moved, u))
    return largest(end), links


@kernel(helper=True)
def load_tiles(e, d, plan, work):
    """Find when each place has its weights; returns when all have them."""
    tile, fill = plan.tile, 0
    for w in range(plan.counts[at.COUNT_TILES]):
        channel, filters = d[at.C] + tile[at.W_C0, w], d[at.M] + tile[at.W_M0, w]
        group = min(d[at.G] + tile[at.W_G0, w], work.slots.shape[0] - 1)
        row = min(d[at.R] + tile[at.W_R0, w], work.slots.shape[1] - 1)
        slots = work.slots[group, row, work.channel_block[channel], work.filter_block[filters]]
        tile[at.W_FLITS, w] = flits_of_tile(e, tile[at.W_M, w], tile[at.W_C, w] * d[at.SIZE + at.S], slots)
    load_places(e, plan)
    for u in range(plan.place.shape[1]):
        if plan.place[at.X_ACTIVE, u] and d[at.LOAD]:
            fill = max(fill, plan.place[at.X_LOADED, u])
    return fill


@kernel()
def time_chains(e, passes, plan_of_all, of_windows, of_links, out):
    """Find the cycles of passes of one plan, at least.

    e: integers of the layer; passes: int64 [passes, PASS], see `kernels.engine_arrays`; plan_of_all: their plan, whose
    weights are found for each pass; of_windows: a `WindowWork`; of_links: a `ChainRoom`; out: int64 [3, passes]
    output: cycles, those until all PEs have their weights, and the most links of a chain.
    """
    plan, work, room = refer(plan_of_all), refer(of_windows), refer(of_links)
    for i in range(passes.shape[0]):
        d = passes[i]
        out[1, i] = load_tiles(e, d, plan, work)
        for block in range(plan.counts[at.COUNT_CHAIN_BLOCKS]):
            end, links = time_block(e, d, plan, work, block, room)
            out[0, i], out[2, i] = max(out[0, i], end), max(out[2, i], links)
