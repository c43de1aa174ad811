"""The lanes that send weights and iacts, as they act in one cycle, and whose turn it is on these and on psum lanes."""

from __future__ import annotations

from accelerator_sim.kernels import cycle_state as cs
from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.new_columns import new_columns

OF_STREAM = at.S_N, at.S_J, at.S_Q
OF_CHAIN = at.H_N, at.H_J, at.H_Q
"""Rows of a plan that say how many images, strips and columns of windows a stream or chain has."""


@kernel(spliced=True)
def next_turn(turn, members, limits, rows, counts):
    """Advance a lane to the next of its members that has the current window.

    turn: of the lane (`T_...`); limits: how many images, strips and columns a member has, in the rows that are named;
    counts: of the plan.
    """
    while True:
        turn[cs.T_MEMBER] += 1
        if turn[cs.T_MEMBER] >= members.size:
            turn[cs.T_MEMBER] = 0
            turn[cs.T_Q] += 1
            if turn[cs.T_Q] == counts[at.WINDOWS_Q]:
                turn[cs.T_Q] = 0
                turn[cs.T_J] += 1
                if turn[cs.T_J] == counts[at.WINDOWS_J]:
                    turn[cs.T_J] = 0
                    turn[cs.T_N] += 1
                    if turn[cs.T_N] == counts[at.WINDOWS_N]:
                        turn[cs.T_SERVES] = -1
                        return
        m = members[turn[cs.T_MEMBER]]
        if (
            turn[cs.T_N] < limits[rows[0], m]
            and turn[cs.T_J] < limits[rows[1], m]
            and turn[cs.T_Q] < limits[rows[2], m]
        ):
            turn[cs.T_SERVES] = m
            return


@kernel(helper=True, reference_counts=False)
def next_chain(run, way, i):
    """A psum lane goes on to the next chain of one of its ways."""
    turns, plan = run.turns, run.plan
    members = turns.members[turns.first[i] : turns.first[i + 1]]
    next_turn(turns.psums[way, i], members, plan.chain, OF_CHAIN, plan.counts)


@kernel(spliced=True)
def find_tree(run, i):
    """Find the PEs that take part in the strip that a lane sends, and the mesh links of their tree.

    It leads down to the last row, then along.  Trees of a torus have as many links (`kernels.ring`).
    """
    plan, turn = run.plan, run.turns.iacts
    place, s = plan.place, turn[i, cs.T_SERVES]
    source = plan.stream[at.S_SOURCE, s]
    last = place[at.X_CLUSTER_ROW, source]
    takers = links = far = 0
    row = -1
    for k in range(plan.target_first[s], plan.target_first[s + 1]):
        u = plan.target[k]
        if turn[i, cs.T_J] >= place[at.X_J, u]:
            continue
        takers += 1
        if place[at.X_CLUSTER_ROW, u] != row:
            links += far
            row, far = place[at.X_CLUSTER_ROW, u], 0
        far = max(far, place[at.X_CLUSTER_COLUMN, u] - place[at.X_CLUSTER_COLUMN, source])
        last = max(last, row)
    turn[i, cs.T_TAKERS] = takers
    turn[i, cs.T_LINKS] = links + far + last - place[at.X_CLUSTER_ROW, source]


@kernel(helper=True, reference_counts=False)
def next_stream(run, i):
    """A lane of iacts goes on to its next stream."""
    turn, plan = run.turns.iacts[i], run.plan
    members = plan.lane_stream[plan.lane_first[i] : plan.lane_first[i + 1]]
    next_turn(turn, members, plan.stream, OF_STREAM, plan.counts)
    s = turn[cs.T_SERVES]
    if s >= 0:
        turn[cs.T_FLITS] = run.program.last_flit[plan.stream[at.S_WINDOWS, s] + run.turns.stream_at[0, s]]
        find_tree(run, i)


@kernel(spliced=True)
def start_iact_lanes(run):
    """Set the lanes of iacts to the start of the pass."""
    for s in range(run.plan.counts[at.COUNT_STREAMS]):
        run.turns.stream_at[0, s] = run.turns.stream_at[1, s] = 0
    for i in range(run.plan.counts[at.COUNT_LANES]):
        for k in range(cs.IACT_TURN):
            run.turns.iacts[i, k] = 0
        run.turns.iacts[i, cs.T_MEMBER] = -1
        next_stream(run, i)


@kernel(spliced=True)
def start_psum_lanes(run):
    """Set the lanes of psums to the start of the pass; returns how many there are."""
    chain, chains, turns = run.plan.chain, run.plan.counts[at.COUNT_CHAINS], run.turns
    lanes = 0
    for h in range(chains):
        lanes = max(lanes, chain[at.H_LANE, h] + 1)
    turns.first[0] = 0
    for i in range(lanes):
        turns.first[i + 1] = turns.first[i]
        for h in range(chains):
            if chain[at.H_LANE, h] == i:
                turns.members[turns.first[i + 1]] = h
                turns.first[i + 1] += 1
        for way in range(2):
            for k in range(cs.PSUM_TURN):
                turns.psums[way, i, k] = 0
            turns.psums[way, i, cs.T_MEMBER] = turns.psums[way, i, cs.T_SERVES] = -1
            turns.psums[way, i, cs.T_LAST] = -run.e[at.PSUM_TURN]
            if way == cs.INTO:
                turns.psums[way, i, cs.T_LAST] += run.e[at.PSUM_READS_FROM]
            if turns.first[i] < turns.first[i + 1] and (way == cs.OUT_OF or run.d[at.PSUM_IN]):
                next_chain(run, way, i)
    for u in range(turns.above.size):
        turns.above[u] = turns.below[u] = -1
    for h in range(chains):
        for k in range(chain[at.H_FIRST, h], chain[at.H_FIRST, h + 1] - 1):
            turns.above[run.plan.link[k]] = run.plan.link[k + 1]
            turns.below[run.plan.link[k + 1]] = run.plan.link[k]
    return lanes


@kernel(spliced=True)
def start_weight_lanes(run):
    """Set the lanes of weights to the start of the pass."""
    for w in range(run.plan.counts[at.COUNT_TILES]):
        run.turns.left[w] = run.plan.tile[at.W_FLITS, w] if run.d[at.LOAD] else 0
        run.turns.used[run.plan.tile[at.W_LANE, w]] = -run.e[at.WEIGHT_TURN]


@kernel(helper=True, reference_counts=False)
def start_lanes(run):
    """Set all lanes to the start of the pass, and list them in the order of visiting; returns how many are of psums."""
    start_iact_lanes(run)
    start_weight_lanes(run)
    psum_lanes = start_psum_lanes(run)
    iacts = psums = 0
    for i in run.turns.visited:
        if i < run.plan.counts[at.COUNT_LANES]:
            run.turns.lanes[0, iacts] = i
            iacts += 1
        if i < psum_lanes:
            run.turns.lanes[1, psums] = i
            psums += 1
    return psum_lanes


@kernel(helper=True, reference_counts=False)
def send_weights(run, working, now):
    """Every weight lane that is free sends a flit of the first tile left; PEs whose tile was sent note when it comes.

    Returns whether PEs are still without weights.
    """
    own, plan, turns, loading = run.state.place, run.plan, run.turns, False
    for k in range(working):
        u = turns.active[k]
        if own[u, cs.Y_WEIGHTS] == at.NEVER:
            if turns.left[own[u, cs.Y_TILE]] == 0:
                # Mesh links to the router of the PE's cluster, or the further cycles of a flit on a narrow link.
                late = plan.place[at.X_WEIGHT_HOP, u] if run.e[at.MULTICAST] else run.e[at.WEIGHT_TURN] - 1
                own[u, cs.Y_WEIGHTS] = now + late
            else:
                loading = True
    for w in range(plan.counts[at.COUNT_TILES]):
        lane = plan.tile[at.W_LANE, w]
        if turns.left[w] > 0 and turns.used[lane] + run.e[at.WEIGHT_TURN] <= now:
            turns.used[lane] = now
            turns.left[w] -= 1
    return loading


@kernel(spliced=True)
def has_room(run, s, j):
    """Whether every PE that takes part in strip j of a stream has room for a flit (PEs take theirs after lanes)."""
    plan, own, depth = run.plan, run.state.place, run.e[at.IACT_FIFO]
    for k in range(plan.target_first[s], plan.target_first[s + 1]):
        u = plan.target[k]
        if own[u, cs.Y_FIFO_FLITS] >= depth and j < own[u, cs.Y_ROWS]:
            return False
    return True


@kernel(spliced=True)
def may_send(run, i, s):
    """With a single buffer: whether every PE that takes part has completed the window before the one that is sent."""
    plan, own, turn = run.plan, run.state.place, run.turns.iacts[i]
    if not run.e[at.SINGLE_BUFFER]:
        return True
    for k in range(plan.target_first[s], plan.target_first[s + 1]):
        u = plan.target[k]
        before = (turn[cs.T_N] * own[u, cs.Y_ROWS] + turn[cs.T_J]) * plan.stream[at.S_Q, s] + turn[cs.T_Q]
        if turn[cs.T_J] < own[u, cs.Y_ROWS] and own[u, cs.Y_COMPLETED] < before:
            return False
    return True


@kernel(helper=True, reference_counts=False)
def send_flit(run, i, s, now):
    """A lane sends the next flit of a stream to every PE that takes part."""
    plan, own, fifo, turn, depth = run.plan, run.state.place, run.state.fifo, run.turns.iacts, run.e[at.IACT_FIFO]
    flit = run.turns.stream_at[1, s]
    for k in range(plan.target_first[s], plan.target_first[s + 1]):
        u = plan.target[k]
        if turn[i, cs.T_J] < own[u, cs.Y_ROWS]:
            entry = cs.wrapped(own[u, cs.Y_FIFO_HEAD] + own[u, cs.Y_FIFO_FLITS], depth)
            fifo[u, entry, cs.F_ARRIVES] = now + plan.place[at.X_HOP, u]
            fifo[u, entry, cs.F_FLIT] = flit
            own[u, cs.Y_FIFO_FLITS] += 1
    f = plan.stream[at.S_FLITS, s] + flit
    words = run.program.flit_end[f] - (run.program.flit_end[f - 1] if flit > 0 else 0)
    run.seen[cs.N_IACT_SENT] += words
    run.seen[cs.N_IACT_DELIVERED] += words * turn[i, cs.T_TAKERS]
    run.seen[cs.N_IACT_HOPS] += words * turn[i, cs.T_LINKS]
    run.turns.stream_at[1, s] += 1
    turn[i, cs.T_READS] += 1
    turn[i, cs.T_FREE] = now + run.e[at.IACT_TURN]


@kernel(helper=True, reference_counts=False)
def end_window(run, i, s):
    """A lane has sent what a window needs, and goes on to the next one."""
    turn, segments = run.turns.iacts, 1
    if turn[i, cs.T_Q] == 0:
        segments = -(-run.d[at.EXTENT] // new_columns(run.e, run.d[at.EXTENT]))
    run.seen[cs.N_SEGMENTS_SENT] += segments
    run.seen[cs.N_SEGMENTS_DELIVERED] += segments * turn[i, cs.T_TAKERS]
    run.seen[cs.N_SEGMENTS_HOPS] += segments * turn[i, cs.T_LINKS]
    more = run.program.more[run.plan.stream[at.S_WINDOWS, s] + run.turns.stream_at[0, s]]
    run.seen[cs.N_IACT_SENT] += more
    run.seen[cs.N_IACT_DELIVERED] += more * turn[i, cs.T_TAKERS]
    run.seen[cs.N_IACT_HOPS] += more * turn[i, cs.T_LINKS]
    run.turns.stream_at[0, s] += 1
    next_stream(run, i)


@kernel(spliced=True)
def send_iacts(run, i, now):
    """A lane of iacts sends the next flit of its window, if every PE that takes part has room."""
    turn, sent = run.turns.iacts, run.turns.stream_at
    s = turn[i, cs.T_SERVES]
    if s < 0 or turn[i, cs.T_FREE] > now:
        return
    if sent[1, s] < turn[i, cs.T_FLITS]:
        if not may_send(run, i, s) or not has_room(run, s, turn[i, cs.T_J]):
            return
        send_flit(run, i, s, now)
    while s >= 0 and sent[1, s] == turn[i, cs.T_FLITS]:
        end_window(run, i, s)
        s = turn[i, cs.T_SERVES]
