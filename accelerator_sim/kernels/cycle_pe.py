"""The stages of one PE, as they act in one cycle (docs/engines.md).

Each stage is a function of the state of the PE (column `u` of `y`) and of the times that its neighbours wrote down in
earlier cycles.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.waiting import Arrival, waits_of

NEVER = 1 << 60

# --- state of a place (rows of `y`) ----------------------------------------------------------------------------------
(
    Y_WINDOWS, Y_WEIGHTS, Y_BASE, Y_FREE, Y_LATEST, Y_MAC, Y_SERVED,
    Y_ARRIVED, Y_TAKEN, Y_WORD, Y_WRITTEN, Y_FILLING, Y_NEXT_SLOT,
    Y_VISITING, Y_VISIT, Y_SEEN, Y_PASSED, Y_QUEUED, Y_ISSUED,
    Y_PSUM_ARRIVED, Y_PSUM_TAKEN, Y_FLIT, Y_MOVE_AFTER,
    Y_RECORD, Y_MOST_WORDS, Y_MOST_FLITS,
    Y_FILLED_AT, Y_TAIL_AT, Y_SLOT_AT, Y_COMPLETE_AT, Y_END_AT,
    STATE,
) = (*range(26), 26, 28, 30, 33, 35, 37)  # fmt: skip
"""Rows named `_AT` are pairs, for even and odd windows; `Y_SLOT_AT` are three: visits may be two windows ahead.
`Y_RECORD` is that of the window that is visited; words and flits up to `Y_MOST_...` may be written."""

# --- one visit between address stage and MAC (last axis of `queue`) --------------------------------------------------
V_SLOTS, V_ENTERED, V_WINDOW, V_WORD, V_PASSED, V_PUSHED, V_WRITTEN, V_VALUE, VISIT = range(9)

# --- what a pass counts (array `seen`) -------------------------------------------------------------------------------
(
    N_IACT_SENT, N_IACT_DELIVERED, N_IACT_HOPS, N_SEGMENTS_SENT, N_SEGMENTS_DELIVERED, N_SEGMENTS_HOPS,
    N_VISITS, N_VISIT_MACS, N_EFFECTUAL, N_ISSUED, N_GATED, N_WEIGHT_READS,
    N_PSUM_READ, N_PSUM_OUT, N_PSUM_LOCAL, N_PSUM_HOPS, N_OVERFLOWS,
    COUNTED,
) = range(18)  # fmt: skip


class State(NamedTuple):
    """The state of all parts while a pass is stepped."""

    y: Any
    """int64 [STATE, places]"""
    pushed: Any
    written: Any
    freed: Any
    word: Any
    """int64 by word of each SPad: when it came to the FIFO, was written, was let go (NEVER: not yet); its value."""
    popped: Any
    arrived: Any
    flit: Any
    """int64 by entry of each iact FIFO: when the last flit in it left, when this one arrived, and which it is."""
    queue: Any
    """int64 [places, FRONT, VISIT]"""
    acc: Any
    """int64 [places, 2, M0]: psums of even and odd windows."""
    psum_time: Any
    psum_popped: Any
    psum_word: Any
    """int64 by entry of each psum FIFO (and psum of its flit): when it arrived, when the last one left, its values."""


class Values(NamedTuple):
    """Operand values, of no size where they do not matter."""

    weights: Any
    """int32 [G, R, S, C, M], flat"""
    psums: Any
    """int64 [G, N, M, P, Q], flat: the sums that the GLB holds"""
    limit: Any
    """Magnitude that a psum may reach."""
    gates: Any
    """Whether a zero iact gates the MAC."""


@kernel(spliced=True)
def record_of(stream, s, own_rows, i):
    """Record of the i-th window of a PE that takes part in `own_rows` strips of its stream."""
    of_image = own_rows * stream[at.S_Q, s]
    n = i // of_image
    return stream[at.S_WINDOWS, s] + n * stream[at.S_J, s] * stream[at.S_Q, s] + i - n * of_image


@kernel(spliced=True)
def place_in_row(e, stream, s, record):
    """Place in its row of the first iact of a window, and of the first one that stays for the next (its end: none)."""
    step = min(e[at.COL_STRIDE], e[at.EXTENT]) * stream[at.S_C, s]
    q = (record - stream[at.S_WINDOWS, s]) % stream[at.S_Q, s]
    if q == stream[at.S_Q, s] - 1:
        return q * step, q * step + e[at.EXTENT] * stream[at.S_C, s]
    return q * step, (q + 1) * step


@kernel(spliced=True)
def slot_of(e, u, record, window, k, program, state):
    """Slot of the SPad that holds word k of the stream, a word of a window."""
    at_slot = state.y[Y_SLOT_AT + window % 3, u] + k - program.low[record]
    return u * e[at.SPAD_WORDS] + at_slot % e[at.SPAD_WORDS]


@kernel(spliced=True)
def let_go(e, u, s, record, window, first, stop, time, plan, program, state):
    """Let go of those words of a window, from `first` on and before `stop`, that no later window has."""
    _, stays = place_in_row(e, plan.stream, s, record)
    word0 = plan.stream[at.S_WORDS, s]
    for k in range(first, stop):
        if program.pos[word0 + k] < stays:
            state.freed[slot_of(e, u, record, window, k, program, state)] = time


@kernel(spliced=True)
def may_fill(u, s, own_rows, plan, program, state):
    """Words may be written for the window that the MACs work on and for the next one."""
    y = state.y
    record = record_of(plan.stream, s, own_rows, min(y[Y_MAC, u] + 1, y[Y_WINDOWS, u] - 1))
    y[Y_MOST_WORDS, u] = program.need[record]
    y[Y_MOST_FLITS, u] = program.last_flit[record]


@kernel(spliced=True)
def leave_window(e, u, now, plan, program, state, spent, finish, carries):
    """The psums of a window have been moved; returns whether the PE is done."""
    y = state.y
    m = plan.place[at.X_M, u]
    if y[Y_FLIT, u] == 0 or y[Y_MOVE_AFTER, u] > now or y[Y_FLIT, u] * e[at.PSUM_FLIT] < m:
        return False
    mine = y[Y_SERVED, u] & 1
    y[Y_FLIT, u] = 0
    y[Y_END_AT + mine, u] = now
    y[Y_COMPLETE_AT + mine, u] = NEVER
    y[Y_SERVED, u] += 1
    if carries:
        for k in range(m):
            state.acc[u, mine, k] = 0
    if not e[at.OVERLAP]:
        y[Y_MAC, u] += 1
        may_fill(u, plan.place[at.X_STREAM, u], plan.place[at.X_J, u], plan, program, state)
        y[Y_BASE, u] = now
        y[Y_FREE, u] = now
    if y[Y_SERVED, u] < y[Y_WINDOWS, u]:
        return False
    finish[u] = now
    spent[at.MOVING, u] += now - y[Y_BASE, u]
    return True


@kernel(spliced=True)
def next_window(e, u, now, s, own_rows, plan, program, state):
    """The address stage goes on when all that its window needs was written and visited before."""
    y, stream = state.y, plan.stream
    while y[Y_VISITING, u] < y[Y_WINDOWS, u] and y[Y_VISITING, u] <= y[Y_MAC, u] + 1:
        mine = y[Y_VISITING, u] & 1
        if y[Y_FILLED_AT + mine, u] >= now or now < y[Y_WEIGHTS, u] or y[Y_SEEN, u] >= now:
            return
        record = y[Y_RECORD, u]
        k = y[Y_VISIT, u]
        if k < program.need[record] and e[at.COL_DILATION] == 1:
            return
        offset, _ = place_in_row(e, stream, s, record)
        word0 = stream[at.S_WORDS, s]
        while (
            k < program.need[record]
            and program.cost[plan.place[at.X_TILE, u], program.pos[word0 + k] - offset] == at.GAP
        ):
            k += 1
        y[Y_VISIT, u] = k
        if k < program.need[record]:
            return
        y[Y_TAIL_AT + mine, u] = y[Y_PASSED, u]
        y[Y_VISITING, u] += 1
        if y[Y_VISITING, u] < y[Y_WINDOWS, u]:
            following = record_of(stream, s, own_rows, y[Y_VISITING, u])
            y[Y_RECORD, u] = following
            first = program.low[following]
            same_row = (record - stream[at.S_WINDOWS, s]) % stream[at.S_Q, s] < stream[at.S_Q, s] - 1
            gone = (first if same_row else program.need[record]) - program.low[record]
            window = y[Y_VISITING, u]
            y[Y_SLOT_AT + window % 3, u] = y[Y_SLOT_AT + (window - 1) % 3, u] + gone
            y[Y_VISIT, u] = first
            y[Y_PASSED, u] = first


@kernel(spliced=True)
def since(e, u, state, spent):
    """From when the MACs have been waiting, after the psums of the window two before, if they had to wait for those."""
    y = state.y
    before = y[Y_BASE, u]
    if e[at.OVERLAP] and y[Y_MAC, u] >= 2:
        moved = y[Y_END_AT + (y[Y_MAC, u] & 1), u]
        if before < moved:
            spent[at.PSUM_BLOCKED, u] += moved - before
            before = moved
    return before


@kernel(spliced=True)
def complete_window(e, u, now, s, own_rows, plan, program, state, spent):
    """The window that the MACs work on is complete."""
    y = state.y
    mac = y[Y_MAC, u]
    mine = mac & 1
    if mac >= y[Y_WINDOWS, u] or y[Y_VISITING, u] <= mac or y[Y_COMPLETE_AT + mine, u] != NEVER:
        return
    if e[at.OVERLAP] and mac >= 2 and y[Y_SERVED, u] < mac - 1:
        return
    if y[Y_QUEUED, u] > y[Y_ISSUED, u] and state.queue[u, y[Y_ISSUED, u] % e[at.FRONT], V_WINDOW] == mac:
        return
    if y[Y_FREE, u] > now or (y[Y_LATEST, u] >= 0 and y[Y_LATEST, u] + e[at.TAIL] > now):
        return
    before = since(e, u, state, spent)
    if y[Y_LATEST, u] >= 0:
        flushed = max(before, y[Y_LATEST, u] + e[at.TAIL])
        spent[at.PIPELINE, u] += flushed - before
        before = flushed
    spent[at.NO_IACT, u] += now - before
    y[Y_BASE, u] = now
    y[Y_FREE, u] = now
    y[Y_LATEST, u] = -1
    y[Y_COMPLETE_AT + mine, u] = now
    y[Y_FILLED_AT + mine, u] = NEVER
    record = record_of(plan.stream, s, own_rows, mac)
    let_go(e, u, s, record, mac, y[Y_TAIL_AT + mine, u], program.need[record], now, plan, program, state)
    if e[at.OVERLAP]:
        y[Y_MAC, u] += 1
        may_fill(u, s, own_rows, plan, program, state)


@kernel(spliced=True)
def multiply(e, d, u, s, w, place_of_iact, value, slots, plan, values, acc, mine, seen):
    """Multiply an iact with the weights of its column and add to the psums of the window."""
    stream, tile = plan.stream, plan.tile
    m = plan.place[at.X_M, u]
    c = stream[at.S_C, s]
    tap = place_of_iact // c // e[at.COL_DILATION]
    row = ((d[at.G] + tile[at.W_G0, w]) * e[at.ROW_TAPS] + d[at.R] + tile[at.W_R0, w]) * e[at.TAPS] + tap
    first = (row * e[at.CHANNELS] + d[at.C] + tile[at.W_C0, w] + place_of_iact % c) * e[at.FILTERS]
    first += d[at.M] + tile[at.W_M0, w]
    issued = 0
    for k in range(m):
        weight = values.weights[first + k]
        issued += weight != 0
        acc[u, mine, k] += value * weight
        if acc[u, mine, k] >= values.limit or acc[u, mine, k] < -values.limit:
            seen[N_OVERFLOWS] += 1
    if value != 0:
        seen[N_EFFECTUAL] += issued
    if not e[at.CSC_WEIGHT]:
        issued = m
    seen[N_ISSUED] += issued
    gated = values.gates and value == 0
    if gated:
        seen[N_GATED] += issued
    else:
        seen[N_WEIGHT_READS] += issued if e[at.SIMD] == 1 else slots


@kernel(spliced=True)
def issue_visit(e, d, u, now, s, own_rows, plan, program, values, carries, state, spent, seen):
    """The MACs take the visit at the head of the pipeline."""
    y = state.y
    if y[Y_QUEUED, u] == y[Y_ISSUED, u] or y[Y_FREE, u] > now:
        return
    mac = y[Y_MAC, u]
    mine = mac & 1
    queue, head = state.queue, y[Y_ISSUED, u] % e[at.FRONT]
    if (
        queue[u, head, V_WINDOW] != mac
        or queue[u, head, V_ENTERED] + e[at.FRONT] > now
        or y[Y_COMPLETE_AT + mine, u] != NEVER
    ):
        return
    if e[at.OVERLAP] and mac >= 2 and y[Y_SERVED, u] < mac - 1:
        return
    before = since(e, u, state, spent)
    if before < now:
        pushed, written = queue[u, head, V_PUSHED], queue[u, head, V_WRITTEN]
        waits = waits_of(before, now, Arrival(y[Y_WEIGHTS, u], pushed + 1, written + 1))
        spent[at.NO_WEIGHT, u] += waits.weights - before
        spent[at.NO_IACT, u] += waits.seen - waits.weights
        spent[at.SPAD_FILL, u] += waits.written - waits.seen
        spent[at.PIPELINE, u] += now - waits.written
    slots, k = queue[u, head, V_SLOTS], queue[u, head, V_WORD]
    spent[at.BUSY, u] += slots
    y[Y_LATEST, u] = now
    y[Y_FREE, u] = now + slots
    y[Y_BASE, u] = now + slots
    y[Y_ISSUED, u] += 1
    record = record_of(plan.stream, s, own_rows, mac)
    let_go(e, u, s, record, mac, queue[u, head, V_PASSED], k + 1, now, plan, program, state)
    if carries:
        offset, _ = place_in_row(e, plan.stream, s, record)
        w, at_row = plan.place[at.X_TILE, u], program.pos[plan.stream[at.S_WORDS, s] + k]
        multiply(e, d, u, s, w, at_row - offset, queue[u, head, V_VALUE], slots, plan, values, state.acc, mine, seen)


@kernel(spliced=True)
def visit_iact(e, u, now, s, own_rows, plan, program, state, spent, seen):
    """The address stage visits the next iact of its window; one that meets an empty column is dropped."""
    y = state.y
    visiting = y[Y_VISITING, u]
    if visiting >= y[Y_WINDOWS, u] or visiting > y[Y_MAC, u] + 1 or now < y[Y_WEIGHTS, u] or y[Y_SEEN, u] >= now:
        return
    if y[Y_VISIT, u] >= y[Y_WORD, u] or y[Y_QUEUED, u] - y[Y_ISSUED, u] >= e[at.FRONT]:
        return
    record = y[Y_RECORD, u]
    word0, w = plan.stream[at.S_WORDS, s], plan.place[at.X_TILE, u]
    stop = min(program.need[record], y[Y_WORD, u])
    k = y[Y_VISIT, u]
    if k >= stop:
        return
    offset, _ = place_in_row(e, plan.stream, s, record)
    while k < stop and program.cost[w, program.pos[word0 + k] - offset] == at.GAP:
        k += 1
    y[Y_VISIT, u] = k
    if k >= stop:
        return
    slot = slot_of(e, u, record, visiting, k, program, state)
    if state.written[slot] >= now:
        return
    slots = program.cost[w, program.pos[word0 + k] - offset]
    y[Y_SEEN, u] = now
    y[Y_VISIT, u] = k + 1
    seen[N_VISITS] += 1
    seen[N_VISIT_MACS] += plan.place[at.X_M, u]
    if slots > 0:
        queue, end = state.queue, y[Y_QUEUED, u] % e[at.FRONT]
        queue[u, end, V_SLOTS] = slots
        queue[u, end, V_ENTERED] = now
        queue[u, end, V_WINDOW] = visiting
        queue[u, end, V_WORD] = k
        queue[u, end, V_PASSED] = y[Y_PASSED, u]
        queue[u, end, V_PUSHED] = state.pushed[slot]
        queue[u, end, V_WRITTEN] = state.written[slot]
        queue[u, end, V_VALUE] = state.word[slot]
        y[Y_QUEUED, u] += 1
    else:
        let_go(e, u, s, record, visiting, y[Y_PASSED, u], k + 1, now, plan, program, state)
    y[Y_PASSED, u] = k + 1


@kernel(spliced=True)
def write_spad(e, u, now, s, own_rows, plan, program, carries, state):
    """Words of the flit at the head of the FIFO are written into the SPad, as many as there is room for."""
    y, stream = state.y, plan.stream
    if y[Y_TAKEN, u] == y[Y_ARRIVED, u]:
        return
    head = u * e[at.IACT_FIFO] + y[Y_TAKEN, u] % e[at.IACT_FIFO]
    if state.arrived[head] >= now:
        return
    words, flit = e[at.SPAD_WORDS], state.flit[head]
    f, word0 = stream[at.S_FLITS, s] + flit, stream[at.S_WORDS, s]
    begins = program.flit_end[f - 1] if flit > 0 else 0
    if y[Y_WORD, u] <= begins:
        if y[Y_WRITTEN, u] >= now:
            return
        y[Y_WORD, u] = begins  # past the words of strips in which this PE takes no part
    k = y[Y_WORD, u]
    stop = min(program.flit_end[f], y[Y_MOST_WORDS, u])
    if k == stop and stop < program.flit_end[f]:
        return
    while k < stop:
        slot = u * words + y[Y_NEXT_SLOT, u]
        if state.freed[slot] >= now:
            break
        state.written[slot] = now
        state.pushed[slot] = state.arrived[head]
        state.freed[slot] = NEVER
        if carries:
            state.word[slot] = program.val[word0 + k]
        y[Y_WRITTEN, u] = now
        y[Y_NEXT_SLOT, u] += 1
        if y[Y_NEXT_SLOT, u] == words:
            y[Y_NEXT_SLOT, u] = 0
        k += 1
    y[Y_WORD, u] = k
    taken = flit
    if k == program.flit_end[f] and flit < y[Y_MOST_FLITS, u]:
        state.popped[head] = now
        y[Y_TAKEN, u] += 1
        y[Y_WRITTEN, u] = now
        taken = flit + 1
    while y[Y_FILLING, u] < y[Y_WINDOWS, u] and y[Y_FILLING, u] <= y[Y_MAC, u] + 1:
        record = record_of(stream, s, own_rows, y[Y_FILLING, u])
        if k < program.need[record] or (e[at.CSC_IACT] and taken < program.last_flit[record]):
            return
        y[Y_FILLED_AT + (y[Y_FILLING, u] & 1), u] = now
        y[Y_FILLING, u] += 1
