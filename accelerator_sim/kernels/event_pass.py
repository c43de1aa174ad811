"""One pass by exact recurrences: the earliest time of every transfer and every pipeline step.

Nothing in the machine decides at run time - routes, the order in which a source serves its streams, the order in which
a bank serves its columns are fixed - so each event has one earliest time, the largest of a few others: that of its
predecessor in the same place, of its input, and of the room that it needs (max-plus recurrences).  The windows of a
pass are worked off in order; `docs/model.md` lists the rules, which `cycle` steps through clock by clock.

Times count cycles from the start of the pass; an event at time t happens in cycle t and is seen by others from t + 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import cdiv
from accelerator_sim.kernels.event_leap import (
    COLUMNS,
    IMAGES,
    ROWS,
    WindowAt,
    begin_level,
    chain_has,
    leap,
    stream_has,
)


class Room(NamedTuple):
    """Room for the times that are still needed, int64 arrays."""

    t: Any
    """[STATE, places]"""
    pushed: Any
    written: Any
    freed: Any
    """By word of each SPad: when it came to the FIFO, was written, and was let go."""
    popped: Any
    """By entry of each iact FIFO: when the last flit in it left."""
    issued: Any
    """By visit in each pipeline: when it issued."""
    psum_popped: Any
    lane_last: Any
    lane_reads: Any
    lane_in: Any
    lane_out: Any
    stream_at: Any
    """[3, streams]: next window, flits sent, words taken."""
    chain_flits: Any
    marks: Any
    """[MARKS]"""


class PassRun(NamedTuple):
    """A pass while it is run."""

    e: Any
    d: Any
    """Integers of the layer and of the pass (`kernels.engine_arrays`)."""
    plan: Any
    program: Any
    room: Any
    book: Any
    """Room for the states of windows that repeat, of no size where every window is to be run."""
    spent: Any
    """int64 [causes, places]: PE-cycles, added to."""
    out: Any
    """int64 [OUT]"""
    spans: Any
    """int64 [most, 4]: what happened when (see `note`), of no size where nobody asks."""


class Arrival(NamedTuple):
    """When what an issue needs came to a PE: its weights, and its iact to the FIFO and to the SPad; int64."""

    weights: Any
    pushed: Any
    written: Any


class WindowWords(NamedTuple):
    """The words of a window, int64."""

    first: Any
    stop: Any
    """Places of its words in the program of the stream."""
    offset: Any
    """Place in the row of its first iact."""
    dropped: Any
    """Places in the row before this one are in no later window."""


@kernel(spliced=True)
def note(spans, out, u, activity, begin, end):
    """Record a span: a place (or, behind the places, a lane), its activity (a cause, or SENT), from when to when."""
    if begin < end:
        k = out[at.OUT_SPANS]
        if k < spans.shape[0]:
            spans[k, 0] = u
            spans[k, 1] = activity
            spans[k, 2] = begin
            spans[k, 3] = end
        out[at.OUT_SPANS] += 1


@kernel(spliced=True)
def wait(spent, u, begin, end, arrival):
    """Add where the cycles between two issues of a PE went: what the iact that ended the wait was waiting for."""
    to = min(max(arrival.weights, begin), end)
    spent[at.NO_WEIGHT, u] += to - begin
    begin = to
    to = min(max(arrival.pushed + 1, begin), end)
    spent[at.NO_IACT, u] += to - begin
    begin = to
    to = min(max(arrival.written + 1, begin), end)
    spent[at.SPAD_FILL, u] += to - begin
    spent[at.PIPELINE, u] += end - to


@kernel(spliced=True)
def note_wait(run, u, working, begin, end, arrival):
    """Record what a PE did up to an issue that came late (see `wait`)."""
    spans, out = run.spans, run.out
    note(spans, out, u, at.BUSY, working, begin)
    known = min(max(arrival.weights, begin), end)
    note(spans, out, u, at.NO_WEIGHT, begin, known)
    seen = min(max(arrival.pushed + 1, known), end)
    note(spans, out, u, at.NO_IACT, known, seen)
    there = min(max(arrival.written + 1, seen), end)
    note(spans, out, u, at.SPAD_FILL, seen, there)
    note(spans, out, u, at.PIPELINE, there, end)


@kernel(spliced=True)
def take(run, u, words, begins, ends):
    """Move words of the flit at the head of a PE's FIFO into its SPad, and the flit out once all are moved.

    begins, ends: whether the first and the last word of the flit are among them.
    """
    room, t, size = run.room, run.room.t, run.e[at.SPAD_WORDS]
    last, push, slot = t[at.T_FILLED, u], t[at.T_PUSHED, u], t[at.T_NEXT_SLOT, u]
    least = max(push + 1, t[at.T_LEFT_BEFORE, u])
    if begins:
        last += 1
    if last < least:
        last = least
    base = u * size
    for _ in range(words):
        free = room.freed[base + slot] + 1
        if last < free:
            last = free
        room.written[base + slot] = last
        room.pushed[base + slot] = push
        slot += 1
        if slot == size:
            slot = 0
    t[at.T_FILLED, u] = last
    t[at.T_NEXT_SLOT, u] = slot
    if ends:
        slot, depth = t[at.T_FLIT, u], run.e[at.IACT_FIFO]
        room.popped[u * depth + slot] = last
        t[at.T_FLIT, u] = slot + 1 if slot + 1 < depth else 0


@kernel(spliced=True)
def filled_to(popped, u, depth, slot, arrival, most):
    """Most entries that a FIFO has held, with one that arrives now in `slot`: those that have not left by then."""
    most = max(most, 1)
    while most < depth:
        back = slot - most
        if popped[u * depth + (back if back >= 0 else back + depth)] <= arrival:
            break
        most += 1
    return most


@kernel(spliced=True)
def start_places(run, finish):
    """Set every place to the start of the pass; returns when all weights have come."""
    e, d, place, room, t = run.e, run.d, run.plan.place, run.room, run.room.t
    fill = 0
    for u in range(place.shape[1]):
        for row in range(at.STATE):
            t[row, u] = 0
        finish[u] = 0
        if place[at.X_ACTIVE, u] == 0:
            continue
        if d[at.LOAD]:
            fill = max(fill, place[at.X_LOADED, u])
            if not d[at.BEFORE]:
                t[at.T_WEIGHTS, u] = place[at.X_LOADED, u]
        t[at.T_FILLED, u] = -1
        t[at.T_ADDRESS, u] = t[at.T_WEIGHTS, u] - 1
        for k in range(u * e[at.SPAD_WORDS], (u + 1) * e[at.SPAD_WORDS]):
            room.freed[k] = -1
        for k in range(u * e[at.IACT_FIFO], (u + 1) * e[at.IACT_FIFO]):
            room.popped[k] = -1
        for k in range(u * e[at.FRONT], (u + 1) * e[at.FRONT]):
            room.issued[k] = -1
        for k in range(u * e[at.PSUM_FIFO], (u + 1) * e[at.PSUM_FIFO]):
            room.psum_popped[k] = -1
    return fill


@kernel(spliced=True)
def start_lanes(run, begin):
    """Set lanes, streams and chains to the start of the pass, in which iacts may be sent from `begin` on."""
    e, counts, room = run.e, run.plan.counts, run.room
    for i in range(counts[at.COUNT_LANES]):
        room.lane_last[i] = begin - e[at.IACT_TURN]
        room.lane_reads[i] = 0
    for s in range(counts[at.COUNT_STREAMS]):
        for row in range(3):
            room.stream_at[row, s] = 0
    for i in range(room.lane_in.size):
        room.lane_in[i] = -e[at.PSUM_TURN]
        room.lane_out[i] = -e[at.PSUM_TURN]
    for h in range(counts[at.COUNT_CHAINS]):
        room.chain_flits[h] = 0
    for mark in range(at.MARKS):
        room.marks[mark] = 0


@kernel(spliced=True)
def flit_leaves(run, s, lane, j):
    """When a lane sends the next flit of a stream: once it is free, and every PE that takes part has room."""
    plan, room, depth = run.plan, run.room, run.e[at.IACT_FIFO]
    time = room.lane_last[lane] + run.e[at.IACT_TURN]
    for i in range(plan.target_first[s], plan.target_first[s + 1]):
        u = plan.target[i]
        if j < plan.place[at.X_J, u]:
            free = room.popped[u * depth + room.t[at.T_FLIT, u]] + 1
            if time < free:
                time = free
    return time


@kernel(spliced=True)
def send_flit(run, s, lane, j, words, ends):
    """A lane sends a flit of a stream, of which PEs take so many words at once; ends: all of them."""
    plan, room, t, depth = run.plan, run.room, run.room.t, run.e[at.IACT_FIFO]
    time, most = flit_leaves(run, s, lane, j), room.marks[at.M_IACT_FIFO]
    room.lane_last[lane] = time
    room.lane_reads[lane] += 1
    if run.spans.shape[0] > 0:
        note(run.spans, run.out, plan.place.shape[1] + lane, at.SENT, time, time + run.e[at.IACT_TURN])
    for i in range(plan.target_first[s], plan.target_first[s + 1]):
        u = plan.target[i]
        if j < plan.place[at.X_J, u]:
            push = time + plan.place[at.X_HOP, u]
            t[at.T_PUSHED, u] = push
            if most < depth:
                most = filled_to(room.popped, u, depth, t[at.T_FLIT, u], push, most)
            take(run, u, words, True, ends)
    room.marks[at.M_IACT_FIFO] = most


@kernel(spliced=True)
def send_window(run, s, lane, window):
    """A lane sends what a stream's window needs; PEs take it."""
    plan, room, stream, flit_end = run.plan, run.room, run.plan.stream, run.program.flit_end
    record, flits = stream[at.S_WINDOWS, s] + room.stream_at[0, s], stream[at.S_FLITS, s]
    wanted, sent, taken = run.program.need[record], room.stream_at[1, s], room.stream_at[2, s]
    if sent > 0 and taken < flit_end[flits + sent - 1]:
        stop, first = flit_end[flits + sent - 1], flit_end[flits + sent - 2] if sent > 1 else 0
        to = min(wanted, stop)
        if to > taken:
            for i in range(plan.target_first[s], plan.target_first[s + 1]):
                u = plan.target[i]
                if window.j < plan.place[at.X_J, u]:
                    take(run, u, to - taken, taken == first, to == stop)
            taken = to
    while sent < run.program.last_flit[record]:
        stop = flit_end[flits + sent]
        to = min(wanted, stop)
        send_flit(run, s, lane, window.j, to - taken, to == stop)
        sent += 1
        taken = to
    room.stream_at[1, s] = sent
    room.stream_at[2, s] = taken


@kernel(spliced=True)
def words_of(run, s, q):
    """The words of a stream's next window, the column q of its row."""
    e, stream, program = run.e, run.plan.stream, run.program
    record, word0, channels = (
        stream[at.S_WINDOWS, s] + run.room.stream_at[0, s],
        stream[at.S_WORDS, s],
        stream[at.S_C, s],
    )
    step = min(e[at.COL_STRIDE], e[at.EXTENT])
    kept = e[at.EXTENT] if q == stream[at.S_Q, s] - 1 else step
    offset = q * step * channels
    return WindowWords(word0 + program.low[record], word0 + program.need[record], offset, offset + kept * channels)


@kernel(spliced=True)
def let_go(run, u, words, slot, time):
    """Let go of those of some words that are dropped; their slots end before `slot`."""
    pos, freed, size = run.program.pos, run.room.freed, run.e[at.SPAD_WORDS]
    for k in range(words.stop - 1, words.first - 1, -1):
        slot = slot - 1 if slot > 0 else size - 1
        if pos[k] < words.dropped:
            freed[u * size + slot] = time


@kernel(spliced=True)
def end_window(run, u, free, latest, address):
    """The window of a PE is over; returns when: its MACs are done at `free`, the last of them issued at `latest`."""
    t, spent, overlap = run.room.t, run.spent, run.e[at.OVERLAP]
    done = max(free, t[at.T_FILLED, u] + 1, address + 1, t[at.T_LEFT, u] + overlap)
    if latest >= 0:
        flushed = max(free, latest + run.e[at.TAIL])
        spent[at.PIPELINE, u] += flushed - free
        free = flushed
        done = max(done, flushed)
    spent[at.NO_IACT, u] += done - free
    t[at.T_ADDRESS, u] = max(address, t[at.T_FILLED, u])
    t[at.T_FREE, u] = done
    t[at.T_READY, u] = done
    t[at.T_LEFT_BEFORE, u] = t[at.T_LEFT, u]
    t[at.T_LEFT, u] = done
    return done


@kernel(spliced=True)
def work(run, u, words):
    """A PE visits the words of a window in order and multiplies those that are not zero."""
    t, pos, cost, issued, spent = run.room.t, run.program.pos, run.program.cost, run.room.issued, run.spent
    size, front, traces = run.e[at.SPAD_WORDS], run.e[at.FRONT], run.spans.shape[0] > 0
    address = max(t[at.T_ADDRESS, u], t[at.T_LEFT_BEFORE, u] - 1)
    free = t[at.T_FREE, u]
    if run.e[at.OVERLAP] and free < t[at.T_SERVED_BEFORE, u]:
        spent[at.PSUM_BLOCKED, u] += t[at.T_SERVED_BEFORE, u] - free
        free = t[at.T_SERVED_BEFORE, u]
    visit, slot, w, base = t[at.T_VISIT, u], t[at.T_OLDEST, u], run.plan.place[at.X_TILE, u], u * size
    latest, busy, working, kept = -1, 0, free, slot
    passed = words.first  # words from here on have not been let go
    for k in range(words.first, words.stop):
        here = base + slot
        slot += 1
        if slot == size:
            slot = 0
        if pos[k] < words.dropped:
            kept = slot
        slots = cost[w, pos[k] - words.offset]
        if slots == at.GAP:
            continue
        address = max(address + 1, run.room.written[here] + 1)
        entered = issued[u * front + visit]
        if address < entered:
            address = entered
        seen = address
        if slots > 0:
            seen = max(address + front, free)
            if seen > free:
                arrival = Arrival(t[at.T_WEIGHTS, u], run.room.pushed[here], run.room.written[here])
                wait(spent, u, free, seen, arrival)
                if traces:
                    note_wait(run, u, working, free, seen, arrival)
                working = seen
            issued[u * front + visit] = seen
            visit = visit + 1 if visit + 1 < front else 0
            free = seen + slots
            busy += slots
            latest = seen
        let_go(run, u, WindowWords(passed, k + 1, words.offset, words.dropped), slot, seen)
        passed = k + 1
    spent[at.BUSY, u] += busy
    if traces:
        note(run.spans, run.out, u, at.BUSY, working, free)
    done = end_window(run, u, free, latest, address)
    let_go(run, u, WindowWords(passed, words.stop, words.offset, words.dropped), slot, done)
    t[at.T_OLDEST, u] = kept
    t[at.T_VISIT, u] = visit


@kernel(spliced=True)
def read_flit(run, h, slot):
    """The GLB sends the next flit of psums to the first PE of a chain; returns when it arrives."""
    room, u, depth = run.room, run.plan.link[run.plan.chain[at.H_FIRST, h]], run.e[at.PSUM_FIFO]
    lane = run.plan.chain[at.H_LANE, h]
    read = max(room.lane_in[lane] + run.e[at.PSUM_TURN], room.psum_popped[u * depth + slot] + 1)
    if run.d[at.TIME_SHARED]:
        read += read & 1
    room.lane_in[lane] = read
    arrived = read + run.e[at.PSUM_TURN]
    mark_psums(run, u, slot, arrived)
    return arrived


@kernel(spliced=True)
def mark_psums(run, u, slot, arrived):
    """Note how full the psum FIFO of a PE is when a flit arrives."""
    room, depth = run.room, run.e[at.PSUM_FIFO]
    most = room.marks[at.M_PSUM_FIFO]
    if most < depth:
        room.marks[at.M_PSUM_FIFO] = filled_to(room.psum_popped, u, depth, slot, arrived - 1, most)


@kernel(spliced=True)
def leave_chain(run, h, move):
    """The last PE of a chain hands a flit to the GLB; returns when, at `move` at the earliest."""
    room, lane, back = run.room, run.plan.chain[at.H_LANE, h], run.plan.chain[at.H_BACK, h]
    move = max(move, room.lane_out[lane] + run.e[at.PSUM_TURN])
    if run.d[at.TIME_SHARED]:
        move += (move + back) & 1  # written in an odd cycle
    room.lane_out[lane] = move
    room.marks[at.M_DRAINED] = max(room.marks[at.M_DRAINED], move + 2 + back)
    return move


@kernel(spliced=True)
def climb_flit(run, h, slot):
    """A flit of psums climbs a chain, from PE to PE."""
    e, plan, t, spent = run.e, run.plan, run.room.t, run.spent
    link, depth, psum_popped = plan.link, e[at.PSUM_FIFO], run.room.psum_popped
    first, stop = plan.chain[at.H_FIRST, h], plan.chain[at.H_FIRST, h + 1]
    arrived = read_flit(run, h, slot) if run.d[at.PSUM_IN] else -1
    for i in range(first, stop):
        u, last = link[i], i + 1 == stop
        begin = t[at.T_MOVED, u]
        move = max(begin, arrived)
        if not e[at.OVERLAP] and move > begin:
            spent[at.GLB_PORT if i == first else at.NO_PSUM, u] += move - begin
        begin = move
        if last:
            move = leave_chain(run, h, move)
        else:
            move = max(move, psum_popped[link[i + 1] * depth + slot] + 1)
        if not e[at.OVERLAP]:
            spent[at.GLB_PORT if last else at.PSUM_BLOCKED, u] += move - begin
            spent[at.MOVING, u] += e[at.SERVICE]
        psum_popped[u * depth + slot] = move
        t[at.T_MOVED, u] = move + e[at.SERVICE]
        if not last:
            arrived = move + 1 + plan.place[at.X_CHAIN_HOP, link[i + 1]]
            mark_psums(run, link[i + 1], slot, arrived)


@kernel(spliced=True)
def climb(run, h):
    """The psums of a window climb a chain."""
    e, room, t, link, chain = run.e, run.room, run.room.t, run.plan.link, run.plan.chain
    first, stop = chain[at.H_FIRST, h], chain[at.H_FIRST, h + 1]
    for i in range(first, stop):
        u = link[i]
        t[at.T_MOVED, u] = max(t[at.T_READY, u], t[at.T_SERVED, u]) if e[at.OVERLAP] else t[at.T_READY, u]
    slot = room.chain_flits[h]
    for _ in range(cdiv(chain[at.H_M, h], e[at.PSUM_FLIT])):
        climb_flit(run, h, slot)
        slot += 1
        if slot == e[at.PSUM_FIFO]:
            slot = 0
    room.chain_flits[h] = slot
    for i in range(first, stop):
        u = link[i]
        if e[at.OVERLAP]:
            t[at.T_SERVED_BEFORE, u] = t[at.T_SERVED, u]
            t[at.T_SERVED, u] = t[at.T_MOVED, u]
        else:
            if run.spans.shape[0] > 0:
                note(run.spans, run.out, u, at.MOVING, t[at.T_READY, u], t[at.T_MOVED, u])
            t[at.T_FREE, u] = t[at.T_MOVED, u]
            t[at.T_LEFT, u] = t[at.T_MOVED, u]


@kernel(spliced=True)
def run_window(run, part, window):
    """A part of the machine runs a window: streams send what it needs, PEs work on it, psums climb their chains."""
    plan, first, member = run.plan, run.plan.part_first, run.plan.part_member
    for x in range(first[at.P_LANES, part], first[at.P_LANES, part + 1]):
        lane = member[at.P_LANES, x]
        for turn in range(plan.lane_first[lane], plan.lane_first[lane + 1]):
            if stream_has(plan.stream, plan.lane_stream[turn], window):
                send_window(run, plan.lane_stream[turn], lane, window)
    for x in range(first[at.P_STREAMS, part], first[at.P_STREAMS, part + 1]):
        s = member[at.P_STREAMS, x]
        if not stream_has(plan.stream, s, window):
            continue
        words = words_of(run, s, window.q)
        run.room.stream_at[0, s] += 1
        for i in range(plan.target_first[s], plan.target_first[s + 1]):
            u = plan.target[i]
            if window.j < plan.place[at.X_J, u]:
                work(run, u, words)
    for x in range(first[at.P_CHAINS, part], first[at.P_CHAINS, part + 1]):
        h = member[at.P_CHAINS, x]
        if chain_has(plan.chain, h, window):
            climb(run, h)


@kernel(spliced=True)
def windows_of(part, plan):
    """The most images, rows and columns of windows of a part."""
    n = j = q = 0
    for x in range(plan.part_first[at.P_STREAMS, part], plan.part_first[at.P_STREAMS, part + 1]):
        s = plan.part_member[at.P_STREAMS, x]
        n, j = max(n, plan.stream[at.S_N, s]), max(j, plan.stream[at.S_J, s])
        q = max(q, plan.stream[at.S_Q, s])
    return WindowAt(n, j, q)


@kernel(spliced=True)
def run_part(run, part):
    """A part of the machine runs all its windows."""
    stop, marks, book = windows_of(part, run.plan), run.room.marks, run.book
    marks[at.M_DRAINED] = 0
    looks = begin_level(IMAGES, stop.n, book)
    n = none = np.int64(0)
    while n < stop.n:
        if looks:
            n += leap(run, part, np.int64(IMAGES), WindowAt(n, none, none))
        looks_at_rows = begin_level(ROWS, stop.j, book)
        j = 0 if n < stop.n else stop.j
        while j < stop.j:
            if looks_at_rows:
                j += leap(run, part, np.int64(ROWS), WindowAt(n, j, none))
            looks_at_columns = begin_level(COLUMNS, stop.q, book)
            q = 0 if j < stop.j else stop.q
            while q < stop.q:
                if looks_at_columns:
                    q += leap(run, part, np.int64(COLUMNS), WindowAt(n, j, q))
                run_window(run, part, WindowAt(n, j, q))
                q += 1
            j += 1
        n += 1
    marks[at.M_DRAINED_ALL] = max(marks[at.M_DRAINED_ALL], marks[at.M_DRAINED])


@kernel(spliced=True)
def end_pass(run, finish):
    """Find when each PE is done, and the pass; PEs wait for the last one.  Returns what `run_pass` does."""
    place, t, spent, out, marks = run.plan.place, run.room.t, run.spent, run.out, run.room.marks
    end = 0
    for u in range(place.shape[1]):
        if place[at.X_ACTIVE, u]:
            finish[u] = t[at.T_FREE, u]
            if run.e[at.OVERLAP]:
                finish[u] = max(t[at.T_SERVED, u], finish[u])
                spent[at.MOVING, u] += finish[u] - t[at.T_FREE, u]
            end = max(end, finish[u])
    if not run.e[at.HIDE_DRAIN]:
        end = max(end, marks[at.M_DRAINED_ALL])
    for u in range(place.shape[1]):
        if place[at.X_ACTIVE, u]:
            spent[at.IMBALANCE, u] += end - finish[u]
        else:
            spent[at.UNUSED, u] += end
    out[at.OUT_PASS] = end
    out[at.OUT_IACT_FIFO] = max(out[at.OUT_IACT_FIFO], marks[at.M_IACT_FIFO])
    out[at.OUT_PSUM_FIFO] = max(out[at.OUT_PSUM_FIFO], marks[at.M_PSUM_FIFO])
    busiest = 0
    for i in range(run.plan.counts[at.COUNT_LANES]):
        busiest = max(busiest, run.room.lane_reads[i])
    return busiest


@kernel(reference_counts=False)
def run_pass(run, finish):
    """Find the cycles of one pass, and where those of each PE went.

    run: what is read, and what is filled (`spent`, `out`, `spans`); finish: int64 [places] output, when each PE is
    done.  Returns the flits that the busiest iact lane has sent.
    """
    fill = start_places(run, finish)
    run.out[at.OUT_FILL] = fill
    start_lanes(run, fill if run.d[at.AFTER_LOAD] and not run.d[at.BEFORE] else 0)
    for part in range(run.plan.counts[at.COUNT_PARTS]):
        run_part(run, part)
    return end_pass(run, finish)
