"""One pass, clock by clock: the definition of the machine (docs/engines.md).

In every cycle each lane, each PE and each psum lane looks at what happened before this cycle and acts.  Whether a part
may act is decided by times that others wrote down before `now`, so that the order of visiting (`Turns.visited`) cannot
matter.  Operand values, where they are given, travel with the words: over a lane into FIFO and SPad to the MAC, and as
psums from the GLB up the chain and back.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels import cycle_pe as pe
from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.channel import tick
from accelerator_sim.kernels.compile import kernel


class Turns(NamedTuple):
    """Whose turn it is on every lane, int64 arrays; lanes of iacts, of psums (`first` on), PEs, and weights."""

    visited: Any
    """Order in which PEs, iact lanes and psum lanes are visited: their numbers, as many as the most of any kind."""
    active: Any
    """PEs that work in the pass."""
    lanes: Any
    """[2, as `visited`]: lanes of iacts and of psums, in the order in which they are visited."""
    stream_at: Any
    """[2, streams]: next window, flits sent."""
    turn: Any
    """[4, lanes]: image, strip and column of the window, and the member whose turn it is."""
    serves: Any
    takers: Any
    links: Any
    reads: Any
    free: Any
    """By iact lane: the stream that it serves, PEs and links of its tree, flits sent, when it may send the next."""
    first: Any
    members: Any
    turn_in: Any
    turn_out: Any
    chain_in: Any
    chain_out: Any
    flit_in: Any
    flit_out: Any
    last_in: Any
    last_out: Any
    """By psum lane: its chains; which one comes in and goes out, and which flit of it; when the last one did."""
    above: Any
    below: Any
    left: Any
    used: Any
    """By tile of weights, flits left; by weight lane, when it sent last."""


@kernel(spliced=True)
def next_turn(turn, i, first, members, limits, row_n, row_j, row_q, counts):
    """Advance lane i to the next of its members that has the current window; rows of `turn`: n, j, q, member.

    limits: in the rows that are named, how many of each a member has.  Returns the member, or -1 when all windows are
    over.
    """
    while True:
        turn[3, i] += 1
        if first[i] + turn[3, i] >= first[i + 1]:
            turn[3, i] = 0
            turn[2, i] += 1
            if turn[2, i] == counts[at.WINDOWS_Q]:
                turn[2, i] = 0
                turn[1, i] += 1
                if turn[1, i] == counts[at.WINDOWS_J]:
                    turn[1, i] = 0
                    turn[0, i] += 1
                    if turn[0, i] == counts[at.WINDOWS_N]:
                        return -1
        m = members[first[i] + turn[3, i]]
        if turn[0, i] < limits[row_n, m] and turn[1, i] < limits[row_j, m] and turn[2, i] < limits[row_q, m]:
            return m


@kernel(spliced=True)
def next_stream(turn, i, plan):
    """The next stream of a lane."""
    return next_turn(turn, i, plan.lane_first, plan.lane_stream, plan.stream, at.S_N, at.S_J, at.S_Q, plan.counts)


@kernel(spliced=True)
def next_chain(turn, i, first, members, plan):
    """The next chain of a psum lane."""
    return next_turn(turn, i, first, members, plan.chain, at.H_N, at.H_J, at.H_Q, plan.counts)


@kernel(spliced=True)
def tree(plan, s, j):
    """PEs that take part in strip j of a stream, and the mesh links of its tree: down to the last row, then along.

    Trees of a torus have as many (`kernels.ring`).
    """
    place, source = plan.place, plan.stream[at.S_SOURCE, s]
    last = place[at.X_CLUSTER_ROW, source]
    takers = links = far = 0
    row = -1
    for i in range(plan.target_first[s], plan.target_first[s + 1]):
        u = plan.target[i]
        if j >= place[at.X_J, u]:
            continue
        takers += 1
        if place[at.X_CLUSTER_ROW, u] != row:
            links += far
            row, far = place[at.X_CLUSTER_ROW, u], 0
        far = max(far, place[at.X_CLUSTER_COLUMN, u] - place[at.X_CLUSTER_COLUMN, source])
        last = max(last, row)
    return takers, links + far + last - place[at.X_CLUSTER_ROW, source]


@kernel(spliced=True)
def send_flit(e, s, j, now, takers, links, plan, program, state, stream_at, seen):
    """A lane sends the next flit of a stream if every PE that takes part has room; returns flits sent, 0 or 1."""
    y, depth = state.y, e[at.IACT_FIFO]
    for k in range(plan.target_first[s], plan.target_first[s + 1]):
        u = plan.target[k]
        if j < plan.place[at.X_J, u]:
            f = y[pe.Y_ARRIVED, u]
            if f - y[pe.Y_TAKEN, u] >= depth or state.popped[u * depth + f % depth] >= now:
                return 0
    flit = stream_at[1, s]
    f = plan.stream[at.S_FLITS, s] + flit
    for k in range(plan.target_first[s], plan.target_first[s + 1]):
        u = plan.target[k]
        if j < plan.place[at.X_J, u]:
            slot = u * depth + y[pe.Y_ARRIVED, u] % depth
            state.arrived[slot] = now + plan.place[at.X_HOP, u]
            state.flit[slot] = flit
            y[pe.Y_ARRIVED, u] += 1
    words = program.flit_end[f] - (program.flit_end[f - 1] if flit > 0 else 0)
    seen[pe.N_IACT_SENT] += words
    seen[pe.N_IACT_DELIVERED] += words * takers
    seen[pe.N_IACT_HOPS] += words * links
    stream_at[1, s] += 1
    return 1


@kernel(spliced=True)
def psum_address(e, d, u, n, j, q, m, plan, rows_apart):
    """Where the m-th psum of a window lies in [G, N, M, P, Q], and how far apart those of neighbouring filters are."""
    place = plan.place
    g = d[at.G] + place[at.X_G0, u]
    image = d[at.N] + place[at.X_N0, u] + n
    filters = d[at.M] + place[at.X_M0, u] + m
    p = d[at.P] + place[at.X_P0, u] + j * rows_apart
    column = d[at.Q] + place[at.X_Q0, u] + q
    apart = e[at.ROWS_OUT] * e[at.COLS_OUT]
    first = ((g * e[at.IMAGES] + image) * e[at.FILTERS] + filters) * apart
    return first + p * e[at.COLS_OUT] + column, apart


@kernel(spliced=True)
def move_psums(
    e, d, u, now, plan, values, carries, rows_apart, above, below, chain_out, last_out, flit_out, turn_out, first,
    members, state, spent, seen,
):  # fmt: skip
    """A PE adds its results to the flit from below and hands it on; returns the cycle after it has left the array."""
    y, place, chain = state.y, plan.place, plan.chain
    served = y[pe.Y_SERVED, u]
    mine = served & 1
    m0 = y[pe.Y_FLIT, u] * e[at.PSUM_FLIT]
    if served >= y[pe.Y_WINDOWS, u] or y[pe.Y_COMPLETE_AT + mine, u] > now or m0 >= place[at.X_M, u]:
        return 0
    if y[pe.Y_MOVE_AFTER, u] > now:
        return 0
    depth = e[at.PSUM_FIFO]
    f = y[pe.Y_PSUM_TAKEN, u]
    slot = u * depth + f % depth
    comes = below[u] >= 0 or d[at.PSUM_IN]
    if comes and (f >= y[pe.Y_PSUM_ARRIVED, u] or state.psum_time[slot] >= now):
        if not e[at.OVERLAP]:
            spent[at.NO_PSUM if below[u] >= 0 else at.GLB_PORT, u] += 1
        return 0
    up, h = above[u], place[at.X_CHAIN, u]
    lane = chain[at.H_LANE, h]
    if up >= 0:
        g = y[pe.Y_PSUM_ARRIVED, up]
        blocked = g - y[pe.Y_PSUM_TAKEN, up] >= depth or state.psum_popped[up * depth + g % depth] >= now
    else:
        blocked = chain_out[lane] != h or last_out[lane] + e[at.PSUM_TURN] > now
        blocked = blocked or (d[at.TIME_SHARED] and (now + chain[at.H_BACK, h]) & 1)
    if blocked:
        if not e[at.OVERLAP]:
            spent[at.PSUM_BLOCKED if up >= 0 else at.GLB_PORT, u] += 1
        return 0
    m = min(e[at.PSUM_FLIT], place[at.X_M, u] - m0)
    y[pe.Y_MOVE_AFTER, u] = now + e[at.SERVICE]
    y[pe.Y_FLIT, u] += 1
    if not e[at.OVERLAP]:
        spent[at.MOVING, u] += e[at.SERVICE]
    state.psum_popped[slot] = now
    y[pe.Y_PSUM_TAKEN, u] += 1
    if carries and comes:
        for k in range(m):
            state.acc[u, mine, m0 + k] += state.psum_word[slot, k]
            if state.acc[u, mine, m0 + k] >= values.limit or state.acc[u, mine, m0 + k] < -values.limit:
                seen[pe.N_OVERFLOWS] += 1
    if up >= 0:
        to = up * depth + y[pe.Y_PSUM_ARRIVED, up] % depth
        state.psum_time[to] = now + place[at.X_CHAIN_HOP, up]
        y[pe.Y_PSUM_ARRIVED, up] += 1
        seen[pe.N_PSUM_HOPS if place[at.X_CHAIN_HOP, up] else pe.N_PSUM_LOCAL] += m
        if carries:
            for k in range(m):
                state.psum_word[to, k] = state.acc[u, mine, m0 + k]
        return 0
    seen[pe.N_PSUM_OUT] += m
    if carries:
        address, apart = psum_address(
            e, d, u, turn_out[0, lane], turn_out[1, lane], turn_out[2, lane], m0, plan, rows_apart
        )
        for k in range(m):
            values.psums[address + k * apart] = state.acc[u, mine, m0 + k]
    last_out[lane] = now
    flit_out[lane] += 1
    if flit_out[lane] * e[at.PSUM_FLIT] >= chain[at.H_M, h]:
        flit_out[lane] = 0
        chain_out[lane] = next_chain(turn_out, lane, first, members, plan)
    return now + 2 + chain[at.H_BACK, h]


@kernel(spliced=True)
def read_psums(e, d, i, h, now, plan, values, carries, rows_apart, flit_in, turn_in, last_in, state, seen):
    """A psum lane reads the next flit from the GLB if the first PE of its chain has room."""
    y, depth = state.y, e[at.PSUM_FIFO]
    u = plan.link[plan.chain[at.H_FIRST, h]]
    f = y[pe.Y_PSUM_ARRIVED, u]
    slot = u * depth + f % depth
    if last_in[i] + e[at.PSUM_TURN] > now or f - y[pe.Y_PSUM_TAKEN, u] >= depth or state.psum_popped[slot] >= now:
        return
    last_in[i] = now
    state.psum_time[slot] = now + e[at.PSUM_TURN] - 1
    y[pe.Y_PSUM_ARRIVED, u] += 1
    m0 = flit_in[i] * e[at.PSUM_FLIT]
    m = min(e[at.PSUM_FLIT], plan.chain[at.H_M, h] - m0)
    seen[pe.N_PSUM_READ] += m
    if carries:
        address, apart = psum_address(e, d, u, turn_in[0, i], turn_in[1, i], turn_in[2, i], m0, plan, rows_apart)
        for k in range(m):
            state.psum_word[slot, k] = values.psums[address + k * apart]
    flit_in[i] += 1


@kernel(spliced=True)
def start(e, d, plan, program, state, finish, turns):
    """Set every place to the start of the pass; returns how many work."""
    y, place, active = state.y, plan.place, turns.active
    working = 0
    for u in turns.visited:
        if u >= place.shape[1]:
            continue
        for row in range(pe.STATE):
            y[row, u] = 0
        finish[u] = 0
        if not place[at.X_ACTIVE, u]:
            continue
        active[working] = u
        working += 1
        s = place[at.X_STREAM, u]
        y[pe.Y_WINDOWS, u] = place[at.X_N, u] * place[at.X_J, u] * place[at.X_Q, u]
        y[pe.Y_WEIGHTS, u] = pe.NEVER if d[at.LOAD] and not d[at.BEFORE] else 0
        y[pe.Y_WRITTEN, u] = y[pe.Y_SEEN, u] = y[pe.Y_LATEST, u] = -1
        for k in range(2):
            y[pe.Y_FILLED_AT + k, u] = y[pe.Y_COMPLETE_AT + k, u] = pe.NEVER
            for m in range(place[at.X_M, u]):
                state.acc[u, k, m] = 0
        pe.may_fill(u, s, place[at.X_J, u], plan, program, state)
        record = pe.record_of(plan.stream, s, place[at.X_J, u], 0)
        y[pe.Y_RECORD, u] = record
        first = program.low[record]
        y[pe.Y_VISIT, u] = y[pe.Y_PASSED, u] = first
        for k in range(u * e[at.SPAD_WORDS], (u + 1) * e[at.SPAD_WORDS]):
            state.freed[k] = -1
        for k in range(u * e[at.IACT_FIFO], (u + 1) * e[at.IACT_FIFO]):
            state.popped[k] = -1
        for k in range(u * e[at.PSUM_FIFO], (u + 1) * e[at.PSUM_FIFO]):
            state.psum_popped[k] = -1
    return working


@kernel(spliced=True)
def order_lanes(visited, lanes, psum_lanes, ordered):
    """List the lanes of iacts (row 0) and of psums (row 1) in the order of visiting."""
    iacts = psums = 0
    for i in visited:
        if i < lanes:
            ordered[0, iacts] = i
            iacts += 1
        if i < psum_lanes:
            ordered[1, psums] = i
            psums += 1


@kernel(spliced=True)
def weight_hops(e, plan, u):
    """Mesh links between a PE's cluster and the router that sends its weights, or further cycles on a narrow link."""
    return plan.place[at.X_WEIGHT_HOP, u] if e[at.MULTICAST] else e[at.WEIGHT_TURN] - 1


@kernel(spliced=True)
def send_weights(e, now, plan, left, used):
    """Every weight lane that is free sends a flit of the first tile that has any left."""
    for w in range(plan.counts[at.COUNT_TILES]):
        lane = plan.tile[at.W_LANE, w]
        if left[w] > 0 and used[lane] + e[at.WEIGHT_TURN] <= now:
            used[lane] = now
            left[w] -= 1


@kernel(reference_counts=False)
def step_pass(e, d, plan, program, values, rows_apart, state, turns, channel, spent, finish, seen, out):
    """Step one pass to its end.

    rows_apart: output rows between the strips of a PE.  Outputs: the same as `event.run_pass`, and `seen`, int64
    [COUNTED], what was counted on the way.  Returns the flits that the busiest iact lane has sent.
    """
    y, counts, chain = state.y, plan.counts, plan.chain
    places, lanes, tiles = plan.place.shape[1], counts[at.COUNT_LANES], counts[at.COUNT_TILES]
    carries = values.psums.size > 0
    active, left, used, above, below = turns.active, turns.left, turns.used, turns.above, turns.below
    stream_at, turn, serves, takers, links, reads, free = (
        turns.stream_at, turns.turn, turns.serves, turns.takers, turns.links, turns.reads, turns.free,
    )  # fmt: skip
    first, members, turn_in, turn_out = turns.first, turns.members, turns.turn_in, turns.turn_out
    chain_in, chain_out, flit_in, flit_out, last_in, last_out = (
        turns.chain_in, turns.chain_out, turns.flit_in, turns.flit_out, turns.last_in, turns.last_out,
    )  # fmt: skip
    working = start(e, d, plan, program, state, finish, turns)

    # Whose turn it is on the lanes of iacts and psums.
    for s in range(counts[at.COUNT_STREAMS]):
        stream_at[0, s] = stream_at[1, s] = 0
    for i in range(lanes):
        turn[0, i] = turn[1, i] = turn[2, i] = reads[i] = free[i] = 0
        turn[3, i] = -1
        serves[i] = next_stream(turn, i, plan)
        takers[i], links[i] = tree(plan, serves[i], turn[1, i])
    psum_lanes = 0
    for h in range(counts[at.COUNT_CHAINS]):
        psum_lanes = max(psum_lanes, chain[at.H_LANE, h] + 1)
    first[0] = 0
    for i in range(psum_lanes):
        first[i + 1] = first[i]
        for h in range(counts[at.COUNT_CHAINS]):
            if chain[at.H_LANE, h] == i:
                members[first[i + 1]] = h
                first[i + 1] += 1
    for i in range(psum_lanes):
        for row in range(3):
            turn_in[row, i] = turn_out[row, i] = 0
        turn_in[3, i] = turn_out[3, i] = chain_in[i] = chain_out[i] = -1
        last_in[i] = last_out[i] = -e[at.PSUM_TURN]
        flit_in[i] = flit_out[i] = 0
        if first[i] < first[i + 1]:
            chain_in[i] = next_chain(turn_in, i, first, members, plan) if d[at.PSUM_IN] else -1
            chain_out[i] = next_chain(turn_out, i, first, members, plan)
    for u in range(places):
        above[u] = below[u] = -1
    for h in range(counts[at.COUNT_CHAINS]):
        for i in range(chain[at.H_FIRST, h], chain[at.H_FIRST, h + 1] - 1):
            above[plan.link[i]] = plan.link[i + 1]
            below[plan.link[i + 1]] = plan.link[i]
    order_lanes(turns.visited, lanes, psum_lanes, turns.lanes)
    for w in range(tiles):
        left[w] = plan.tile[at.W_FLITS, w] if d[at.LOAD] else 0
        used[plan.tile[at.W_LANE, w]] = -e[at.WEIGHT_TURN]

    now = fill = drained = most = psum_most = 0
    loading = d[at.LOAD] and not d[at.BEFORE]
    for k in range(working if d[at.LOAD] else 0):
        fill = max(fill, plan.place[at.X_LOADED, active[k]])
    begin = fill if d[at.AFTER_LOAD] and loading else 0
    busy = working
    while True:
        for k in range(working):
            u = active[k]
            if not finish[u] and pe.leave_window(e, u, now, plan, program, state, spent, finish, carries):
                busy -= 1
        if busy == 0 and (e[at.HIDE_DRAIN] or now >= drained):
            break
        tick(channel)
        if loading:
            loading = False
            for k in range(working):
                u = active[k]
                if y[pe.Y_WEIGHTS, u] == pe.NEVER:
                    if left[plan.place[at.X_TILE, u]] == 0:
                        y[pe.Y_WEIGHTS, u] = now + weight_hops(e, plan, u)
                    else:
                        loading = True
            send_weights(e, now, plan, left, used)
        for k in range(lanes):
            i = turns.lanes[0, k]
            s = serves[i]
            if s < 0 or now < begin:
                continue
            if free[i] > now:
                continue
            if stream_at[1, s] < program.last_flit[plan.stream[at.S_WINDOWS, s] + stream_at[0, s]]:
                sent = send_flit(e, s, turn[1, i], now, takers[i], links[i], plan, program, state, stream_at, seen)
                reads[i] += sent
                free[i] = now + sent * e[at.IACT_TURN]
            while s >= 0 and stream_at[1, s] == program.last_flit[plan.stream[at.S_WINDOWS, s] + stream_at[0, s]]:
                segments = 1
                if turn[2, i] == 0:
                    segments = -(-e[at.EXTENT] // min(e[at.COL_STRIDE], e[at.EXTENT]))
                seen[pe.N_SEGMENTS_SENT] += segments
                seen[pe.N_SEGMENTS_DELIVERED] += segments * takers[i]
                seen[pe.N_SEGMENTS_HOPS] += segments * links[i]
                stream_at[0, s] += 1
                s = next_stream(turn, i, plan)
                serves[i] = s
                if s >= 0:
                    takers[i], links[i] = tree(plan, s, turn[1, i])
        if not (d[at.TIME_SHARED] and now & 1):
            for k in range(psum_lanes):
                i = turns.lanes[1, k]
                h = chain_in[i]
                if h < 0:
                    continue
                read_psums(e, d, i, h, now, plan, values, carries, rows_apart, flit_in, turn_in, last_in, state, seen)
                if flit_in[i] * e[at.PSUM_FLIT] >= chain[at.H_M, h]:
                    flit_in[i] = 0
                    chain_in[i] = next_chain(turn_in, i, first, members, plan)
        for k in range(working):
            u = active[k]
            if finish[u]:
                continue
            s, own_rows = plan.place[at.X_STREAM, u], plan.place[at.X_J, u]
            pe.next_window(e, u, now, s, own_rows, plan, program, state)
            pe.complete_window(e, u, now, s, own_rows, plan, program, state, spent)
            pe.issue_visit(e, d, u, now, s, own_rows, plan, program, values, carries, state, spent, seen)
            pe.visit_iact(e, u, now, s, own_rows, plan, program, state, spent, seen)
            pe.write_spad(e, u, now, s, own_rows, plan, program, carries, state)
            gone = move_psums(
                e, d, u, now, plan, values, carries, rows_apart, above, below, chain_out, last_out, flit_out, turn_out,
                first, members, state, spent, seen,
            )  # fmt: skip
            drained = max(drained, gone)
        for k in range(working):
            u = active[k]
            if most < e[at.IACT_FIFO]:
                here = 0
                for f in range(y[pe.Y_TAKEN, u], y[pe.Y_ARRIVED, u]):
                    here += state.arrived[u * e[at.IACT_FIFO] + f % e[at.IACT_FIFO]] <= now
                most = max(most, here)
            if psum_most < e[at.PSUM_FIFO] and (below[u] >= 0 or d[at.PSUM_IN]):
                here = 0
                for f in range(y[pe.Y_PSUM_TAKEN, u], y[pe.Y_PSUM_ARRIVED, u]):
                    here += state.psum_time[u * e[at.PSUM_FIFO] + f % e[at.PSUM_FIFO]] <= now
                psum_most = max(psum_most, here)
        now += 1
    end = now
    for u in range(places):
        if plan.place[at.X_ACTIVE, u]:
            spent[at.IMBALANCE, u] += end - finish[u]
        else:
            spent[at.UNUSED, u] += end
    out[at.OUT_PASS] = end
    out[at.OUT_FILL] = fill
    out[at.OUT_IACT_FIFO] = max(out[at.OUT_IACT_FIFO], most)
    out[at.OUT_PSUM_FIFO] = max(out[at.OUT_PSUM_FIFO], psum_most)
    busiest = 0
    for i in range(lanes):
        busiest = max(busiest, reads[i])
    return busiest
