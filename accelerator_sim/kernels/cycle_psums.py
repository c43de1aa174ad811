"""Psums as they move in one cycle: from the GLB into a chain, up from PE to PE, and out of the array."""

from __future__ import annotations

from accelerator_sim.kernels import cycle_state as cs
from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.cycle_lanes import next_chain


@kernel(spliced=True)
def psum_address(run, u, turn, m):
    """Where the m-th psum of a lane's window lies in [G, N, M, P, Q], and how far from it that of the next filter.

    turn: of the lane (`T_...`).
    """
    e, d, place = run.e, run.d, run.plan.place
    g = d[at.G] + place[at.X_G0, u]
    image = d[at.N] + place[at.X_N0, u] + turn[cs.T_N]
    filters = d[at.M] + place[at.X_M0, u] + m
    p = d[at.P] + place[at.X_P0, u] + turn[cs.T_J] * run.rows_apart
    column = d[at.Q] + place[at.X_Q0, u] + turn[cs.T_Q]
    apart = e[at.ROWS_OUT] * e[at.COLS_OUT]
    first = ((g * e[at.IMAGES] + image) * e[at.FILTERS] + filters) * apart
    return first + p * e[at.COLS_OUT] + column, apart


@kernel(spliced=True)
def has_entry(run, u, now):
    """Whether the psum FIFO of a PE had a free entry at the start of this cycle."""
    own = run.state.place
    return own[u, cs.Y_PSUM_FLITS] + (own[u, cs.Y_PSUM_TAKEN] == now) < run.e[at.PSUM_FIFO]


@kernel(spliced=True)
def entry_for(run, u):
    """The entry of a PE's psum FIFO for the next flit."""
    own = run.state.place
    return cs.wrapped(own[u, cs.Y_PSUM_HEAD] + own[u, cs.Y_PSUM_FLITS], run.e[at.PSUM_FIFO])


@kernel(helper=True, reference_counts=False)
def read_psums(run, i, now):
    """A psum lane reads the next flit if the bank does not write, and the first PE of the chain has room."""
    e, own, turn = run.e, run.state.place, run.turns.psums[cs.INTO, i]
    h = turn[cs.T_SERVES]
    if h < 0:
        return
    u = run.plan.link[run.plan.chain[at.H_FIRST, h]]
    if turn[cs.T_WRITES] or turn[cs.T_LAST] + e[at.PSUM_TURN] > now or not has_entry(run, u, now):
        return
    entry, m0 = entry_for(run, u), turn[cs.T_FLIT] * e[at.PSUM_FLIT]
    m = min(e[at.PSUM_FLIT], run.plan.chain[at.H_M, h] - m0)
    run.state.psum_time[u, entry] = now + e[at.PSUM_TURN] - 1
    own[u, cs.Y_PSUM_FLITS] += 1
    run.seen[cs.N_PSUM_READ] += m
    if cs.carries(run):
        address, apart = psum_address(run, u, turn, m0)
        for k in range(m):
            run.state.psum_word[u, entry, k] = run.values.psums[address + k * apart]
    turn[cs.T_LAST] = now
    turn[cs.T_FLIT] += 1
    if turn[cs.T_FLIT] * e[at.PSUM_FLIT] >= run.plan.chain[at.H_M, h]:
        turn[cs.T_FLIT] = 0
        turn[cs.T_WRITES] = run.d[at.TIME_SHARED] == at.BURST
        next_chain(run, cs.INTO, i)


@kernel(spliced=True)
def lane_is_taken(run, h, now):
    """Whether the lane out of the array serves another chain than this one, or is busy."""
    turn, back = run.turns.psums[cs.OUT_OF, run.plan.chain[at.H_LANE, h]], run.plan.chain[at.H_BACK, h]
    if turn[cs.T_SERVES] != h or turn[cs.T_LAST] + run.e[at.PSUM_TURN] > now:
        return True
    return run.d[at.TIME_SHARED] == at.ALTERNATE and (now + back) & 1 != 0


@kernel(spliced=True)
def waits_for(run, me, comes, now):
    """For what a PE waits that has psums to move (a cause), or -1."""
    own, above = me.own, run.turns.above[me.u]
    if comes and (own[cs.Y_PSUM_FLITS] == 0 or run.state.psum_time[me.u, own[cs.Y_PSUM_HEAD]] >= now):
        return at.NO_PSUM if run.turns.below[me.u] >= 0 else at.GLB_PORT
    if above >= 0:
        return -1 if has_entry(run, above, now) else at.PSUM_BLOCKED
    return at.GLB_PORT if lane_is_taken(run, run.plan.place[at.X_CHAIN, me.u], now) else -1


@kernel(spliced=True)
def take_psums(run, me, m0, m, comes, now):
    """A PE takes the flit from below, if one comes, and adds its own results to it."""
    own, state, values = me.own, run.state, run.values
    own[cs.Y_PSUM_TAKEN] = now
    if not comes:
        return
    entry, mine = own[cs.Y_PSUM_HEAD], own[cs.Y_SERVED] & 1
    own[cs.Y_PSUM_HEAD] = cs.wrapped(entry + 1, run.e[at.PSUM_FIFO])
    own[cs.Y_PSUM_FLITS] -= 1
    if cs.carries(run):
        for k in range(m):
            run.state.acc[me.u, mine, m0 + k] += state.psum_word[me.u, entry, k]
            if run.state.acc[me.u, mine, m0 + k] >= values.limit or run.state.acc[me.u, mine, m0 + k] < -values.limit:
                run.seen[cs.N_OVERFLOWS] += 1


@kernel(spliced=True)
def hand_up(run, me, m0, m, now):
    """A PE hands psums to the next one of its chain."""
    own, state, above = me.own, run.state, run.turns.above[me.u]
    entry, hop = entry_for(run, above), run.plan.place[at.X_CHAIN_HOP, above]
    state.psum_time[above, entry] = now + hop * run.e[at.HOP_CYCLES] + run.e[at.PSUM_LATER]
    state.place[above, cs.Y_PSUM_FLITS] += 1
    run.seen[cs.N_PSUM_HOPS if hop else cs.N_PSUM_LOCAL] += m
    if cs.carries(run):
        for k in range(m):
            state.psum_word[above, entry, k] = run.state.acc[me.u, own[cs.Y_SERVED] & 1, m0 + k]


@kernel(spliced=True)
def write_burst(run, lane, flits, comes):
    """The bank of a lane writes the flits of a window, the last of which comes in a given cycle; returns when that is.

    All were read before.  Flits that came earlier have waited for that, and follow one another.
    """
    into = run.turns.psums[cs.INTO, lane]
    into[cs.T_LAST] = max(comes, into[cs.T_LAST] + flits)
    into[cs.T_WRITES] = 0
    return into[cs.T_LAST]


@kernel(spliced=True)
def note_rest(run, h, time):
    """Note for the PEs of a chain when the last psum of a window is in the bank."""
    for k in range(run.plan.chain[at.H_FIRST, h], run.plan.chain[at.H_FIRST, h + 1]):
        own = run.state.place[run.plan.link[k]]
        own[cs.Y_RESTS] += 1
        own[cs.Y_RESTED_AT] = time


@kernel(helper=True, reference_counts=False)
def hand_out(run, me, m0, m, now):
    """The last PE of a chain hands psums to its lane; returns the cycle after they have left the array."""
    h = run.plan.place[at.X_CHAIN, me.u]
    lane = run.plan.chain[at.H_LANE, h]
    turn = run.turns.psums[cs.OUT_OF, lane]
    run.seen[cs.N_PSUM_OUT] += m
    if cs.carries(run):
        address, apart = psum_address(run, me.u, turn, m0)
        for k in range(m):
            run.values.psums[address + k * apart] = run.state.acc[me.u, me.own[cs.Y_SERVED] & 1, m0 + k]
    rests = now + 1 + run.plan.chain[at.H_BACK, h]
    turn[cs.T_LAST] = now
    turn[cs.T_FLIT] += 1
    if turn[cs.T_FLIT] * run.e[at.PSUM_FLIT] >= run.plan.chain[at.H_M, h]:
        if run.d[at.TIME_SHARED] == at.BURST:
            rests = write_burst(run, lane, turn[cs.T_FLIT], rests)
        turn[cs.T_FLIT] = 0
        next_chain(run, cs.OUT_OF, lane)
        if run.e[at.LOCK_STEP]:
            note_rest(run, h, rests)
    return rests + 1


@kernel(spliced=True)
def move_psums(run, me, now):
    """A PE adds its results to the flit from below and hands it on; returns the cycle after it left the array, or 0."""
    e, own = run.e, me.own
    if own[cs.Y_SERVED] == own[cs.Y_COMPLETED] or own[cs.Y_MOVE_AFTER] > now:
        return 0
    if e[at.PSUM_START] and own[cs.Y_DONE_AT + (own[cs.Y_SERVED] & 1)] + e[at.PSUM_START] > now:
        if not e[at.OVERLAP]:
            run.spent[at.MOVING, me.u] += 1
        return 0
    m0 = own[cs.Y_FLIT] * e[at.PSUM_FLIT]
    m = min(e[at.PSUM_FLIT], own[cs.Y_M] - m0)
    if m <= 0:
        return 0
    comes = run.turns.below[me.u] >= 0 or run.d[at.PSUM_IN] != 0
    cause = waits_for(run, me, comes, now)
    if cause >= 0:
        if not e[at.OVERLAP]:
            run.spent[cause, me.u] += 1
        return 0
    take_psums(run, me, m0, m, comes, now)
    own[cs.Y_MOVE_AFTER] = now + e[at.SERVICE]
    own[cs.Y_FLIT] += 1
    if not e[at.OVERLAP]:
        run.spent[at.MOVING, me.u] += e[at.SERVICE]
    if run.turns.above[me.u] >= 0:
        hand_up(run, me, m0, m, now)
        return 0
    return hand_out(run, me, m0, m, now)


@kernel(helper=True, reference_counts=False)
def mark_psum_fifos(run, working, now):
    """Note the most flits in a psum FIFO at the end of a cycle."""
    own, out = run.state.place, run.out
    for k in range(working):
        u = run.turns.active[k]
        if own[u, cs.Y_PSUM_FLITS] > out[at.OUT_PSUM_FIFO]:
            here = 0
            for i in range(own[u, cs.Y_PSUM_FLITS]):
                here += run.state.psum_time[u, cs.wrapped(own[u, cs.Y_PSUM_HEAD] + i, run.e[at.PSUM_FIFO])] <= now
            out[at.OUT_PSUM_FIFO] = max(out[at.OUT_PSUM_FIFO], here)
