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
from accelerator_sim.kernels.event_leap import COLUMNS, IMAGES, ROWS, Window, begin_level, leap


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
def wait(spent, u, begin, end, weights, pushed, written):
    """Say where the cycles between two issues of a PE went: what the iact that ended the wait was waiting for.

    weights: when the PE had its weights; pushed, written: when the iact reached its FIFO and its SPad.
    """
    to = min(max(weights, begin), end)
    spent[at.NO_WEIGHT, u] += to - begin
    begin = to
    to = min(max(pushed + 1, begin), end)
    spent[at.NO_IACT, u] += to - begin
    begin = to
    to = min(max(written + 1, begin), end)
    spent[at.SPAD_FILL, u] += to - begin
    spent[at.PIPELINE, u] += end - to


@kernel(spliced=True)
def take(u, first, stop, flit_first, flit_stop, depth, room, t, pushed, written, freed, popped):
    """Move words of the flit at the head of a PE's FIFO into its SPad, and the flit out once all are moved."""
    last = t[at.T_FILLED, u]
    push = t[at.T_PUSHED, u]
    slot = t[at.T_NEXT_SLOT, u]
    least = max(push + 1, t[at.T_LEFT_BEFORE, u])
    if first == flit_first:
        last += 1
    if last < least:
        last = least
    base = u * room
    for _ in range(first, stop):
        free = freed[base + slot] + 1
        if last < free:
            last = free
        written[base + slot] = last
        pushed[base + slot] = push
        slot += 1
        if slot == room:
            slot = 0
    t[at.T_FILLED, u] = last
    t[at.T_NEXT_SLOT, u] = slot
    if stop == flit_stop:
        slot = t[at.T_FLIT, u]
        popped[u * depth + slot] = last
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
def start_places(e, d, plan, room, finish):
    """Set every place to the start of the pass; returns when all weights have come."""
    place, t = plan.place, room.t
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
def start_lanes(e, plan, room, begin):
    """Set lanes, streams and chains to the start of the pass, in which iacts may be sent from `begin` on."""
    counts = plan.counts
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
def flit_leaves(e, s, lane, j, plan, room):
    """When a lane sends the next flit of a stream: once it is free, and every PE that takes part has room."""
    time, depth = room.lane_last[lane] + e[at.IACT_TURN], e[at.IACT_FIFO]
    for i in range(plan.target_first[s], plan.target_first[s + 1]):
        u = plan.target[i]
        if j < plan.place[at.X_J, u]:
            free = room.popped[u * depth + room.t[at.T_FLIT, u]] + 1
            if time < free:
                time = free
    return time


@kernel(spliced=True)
def send_window(e, s, lane, window, plan, program, room, out, spans):
    """A lane sends what a stream's window needs; PEs take it."""
    t, popped, depth, words = room.t, room.popped, e[at.IACT_FIFO], e[at.SPAD_WORDS]
    place, stream, target, targets = plan.place, plan.stream, plan.target, plan.target_first
    record, flits = stream[at.S_WINDOWS, s] + room.stream_at[0, s], stream[at.S_FLITS, s]
    wanted, flit_end, j = program.need[record], program.flit_end, window.j
    sent, taken = room.stream_at[1, s], room.stream_at[2, s]
    if sent > 0 and taken < flit_end[flits + sent - 1]:
        stop, first = flit_end[flits + sent - 1], flit_end[flits + sent - 2] if sent > 1 else 0
        to = min(wanted, stop)
        if to > taken:
            for i in range(targets[s], targets[s + 1]):
                u = target[i]
                if j < place[at.X_J, u]:
                    take(u, taken, to, first, stop, depth, words, t, room.pushed, room.written, room.freed, popped)
            taken = to
    most = room.marks[at.M_IACT_FIFO]
    while sent < program.last_flit[record]:
        stop = flit_end[flits + sent]
        to = min(wanted, stop)
        time = flit_leaves(e, s, lane, j, plan, room)
        room.lane_last[lane] = time
        if spans.shape[0] > 0:
            note(spans, out, place.shape[1] + lane, at.SENT, time, time + e[at.IACT_TURN])
        room.lane_reads[lane] += 1
        for i in range(targets[s], targets[s + 1]):
            u = target[i]
            if j < place[at.X_J, u]:
                push = time + place[at.X_HOP, u]
                t[at.T_PUSHED, u] = push
                if most < depth:
                    most = filled_to(popped, u, depth, t[at.T_FLIT, u], push, most)
                take(u, taken, to, taken, stop, depth, words, t, room.pushed, room.written, room.freed, popped)
        sent += 1
        taken = to
    room.marks[at.M_IACT_FIFO] = most
    room.stream_at[1, s] = sent
    room.stream_at[2, s] = taken


class Words(NamedTuple):
    """The words of a window, int64."""

    first: Any
    stop: Any
    """Places of its words in the program of the stream."""
    offset: Any
    """Place in the row of its first iact."""
    dropped: Any
    """Places in the row before this one are in no later window."""


@kernel(spliced=True)
def words_of(e, s, q, stream, stream_at, program):
    """The words of a stream's next window, the column q of its row."""
    record, word0, channels = stream[at.S_WINDOWS, s] + stream_at[0, s], stream[at.S_WORDS, s], stream[at.S_C, s]
    step = min(e[at.COL_STRIDE], e[at.EXTENT])
    kept = e[at.EXTENT] if q == stream[at.S_Q, s] - 1 else step
    offset = q * step * channels
    return Words(word0 + program.low[record], word0 + program.need[record], offset, offset + kept * channels)


@kernel(spliced=True)
def let_go(pos, dropped, first, stop, freed, base, slot, words, time):
    """Let go of the words from `first` to before `stop`, whose slots end before `slot`, that are dropped."""
    for k in range(stop - 1, first - 1, -1):
        slot = slot - 1 if slot > 0 else words - 1
        if pos[k] < dropped:
            freed[base + slot] = time


@kernel(spliced=True)
def note_wait(u, working, begin, end, weights, pushed, written, out, spans):
    """Record what a PE did up to an issue that came late (see `wait`)."""
    note(spans, out, u, at.BUSY, working, begin)
    known = min(max(weights, begin), end)
    note(spans, out, u, at.NO_WEIGHT, begin, known)
    seen = min(max(pushed + 1, begin, known), end)
    note(spans, out, u, at.NO_IACT, known, seen)
    there = min(max(written + 1, seen), end)
    note(spans, out, u, at.SPAD_FILL, seen, there)
    note(spans, out, u, at.PIPELINE, there, end)


@kernel(spliced=True)
def end_window(e, u, free, latest, address, room, spent):
    """The window of a PE is over; returns when: its MACs are done at `free`, the last of them issued at `latest`."""
    t, overlap = room.t, e[at.OVERLAP]
    done = max(free, t[at.T_FILLED, u] + 1, address + 1, t[at.T_LEFT, u] + overlap)
    if latest >= 0:
        flushed = max(free, latest + e[at.TAIL])
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
def work(e, u, words, plan, program, room, spent, out, spans):
    """A PE visits the words of a window in order and multiplies those that are not zero."""
    t, pos, cost, freed, written, pushed = room.t, program.pos, program.cost, room.freed, room.written, room.pushed
    size, front, traces = e[at.SPAD_WORDS], e[at.FRONT], spans.shape[0] > 0
    address = max(t[at.T_ADDRESS, u], t[at.T_LEFT_BEFORE, u] - 1)
    free = t[at.T_FREE, u]
    if e[at.OVERLAP] and free < t[at.T_SERVED_BEFORE, u]:
        spent[at.PSUM_BLOCKED, u] += t[at.T_SERVED_BEFORE, u] - free
        free = t[at.T_SERVED_BEFORE, u]
    visit, slot, w, base = t[at.T_VISIT, u], t[at.T_OLDEST, u], plan.place[at.X_TILE, u], u * size
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
        address = max(address + 1, written[here] + 1)
        entered = room.issued[u * front + visit]
        if address < entered:
            address = entered
        seen = address
        if slots > 0:
            issue = max(address + front, free)
            if issue > free:
                wait(spent, u, free, issue, t[at.T_WEIGHTS, u], pushed[here], written[here])
                if traces:
                    note_wait(u, working, free, issue, t[at.T_WEIGHTS, u], pushed[here], written[here], out, spans)
                working = issue
            room.issued[u * front + visit] = issue
            visit += 1
            if visit == front:
                visit = 0
            free = issue + slots
            busy += slots
            latest = seen = issue
        let_go(pos, words.dropped, passed, k + 1, freed, base, slot, size, seen)
        passed = k + 1
    spent[at.BUSY, u] += busy
    if traces:
        note(spans, out, u, at.BUSY, working, free)
    done = end_window(e, u, free, latest, address, room, spent)
    let_go(pos, words.dropped, passed, words.stop, freed, base, slot, size, done)
    t[at.T_OLDEST, u] = kept
    t[at.T_VISIT, u] = visit


@kernel(spliced=True)
def read_flit(e, d, h, lane, slot, plan, room):
    """The GLB sends the next flit of psums to the first PE of a chain; returns when it arrives."""
    u, depth = plan.link[plan.chain[at.H_FIRST, h]], e[at.PSUM_FIFO]
    read = max(room.lane_in[lane] + e[at.PSUM_TURN], room.psum_popped[u * depth + slot] + 1)
    if d[at.TIME_SHARED]:
        read += read & 1
    room.lane_in[lane] = read
    arrived = read + e[at.PSUM_TURN]
    if room.marks[at.M_PSUM_FIFO] < depth:
        most = filled_to(room.psum_popped, u, depth, slot, arrived - 1, room.marks[at.M_PSUM_FIFO])
        room.marks[at.M_PSUM_FIFO] = most
    return arrived


@kernel(spliced=True)
def leave_chain(e, d, h, lane, move, plan, room):
    """The last PE of a chain hands a flit to the GLB; returns when, at `move` at the earliest."""
    move = max(move, room.lane_out[lane] + e[at.PSUM_TURN])
    back = plan.chain[at.H_BACK, h]
    if d[at.TIME_SHARED]:
        move += (move + back) & 1  # written in an odd cycle
    room.lane_out[lane] = move
    room.marks[at.M_DRAINED] = max(room.marks[at.M_DRAINED], move + 2 + back)
    return move


@kernel(spliced=True)
def climb_flit(e, d, h, slot, plan, room, spent):
    """A flit of psums climbs a chain, from PE to PE."""
    t, link, depth, psum_popped = room.t, plan.link, e[at.PSUM_FIFO], room.psum_popped
    lane, first, stop = plan.chain[at.H_LANE, h], plan.chain[at.H_FIRST, h], plan.chain[at.H_FIRST, h + 1]
    arrived = read_flit(e, d, h, lane, slot, plan, room) if d[at.PSUM_IN] else -1
    for i in range(first, stop):
        u, last = link[i], i + 1 == stop
        begin = t[at.T_MOVED, u]
        move = max(begin, arrived)
        if not e[at.OVERLAP] and move > begin:
            spent[at.GLB_PORT if i == first else at.NO_PSUM, u] += move - begin
        begin = move
        if last:
            move = leave_chain(e, d, h, lane, move, plan, room)
        else:
            move = max(move, psum_popped[link[i + 1] * depth + slot] + 1)
        if not e[at.OVERLAP]:
            spent[at.GLB_PORT if last else at.PSUM_BLOCKED, u] += move - begin
            spent[at.MOVING, u] += e[at.SERVICE]
        psum_popped[u * depth + slot] = move
        t[at.T_MOVED, u] = move + e[at.SERVICE]
        if not last:
            arrived = move + 1 + plan.place[at.X_CHAIN_HOP, link[i + 1]]
            if room.marks[at.M_PSUM_FIFO] < depth:
                most = filled_to(psum_popped, link[i + 1], depth, slot, arrived - 1, room.marks[at.M_PSUM_FIFO])
                room.marks[at.M_PSUM_FIFO] = most


@kernel(spliced=True)
def climb(e, d, h, plan, room, spent, out, spans):
    """The psums of a window climb a chain."""
    t, link, overlap = room.t, plan.link, e[at.OVERLAP]
    first, stop = plan.chain[at.H_FIRST, h], plan.chain[at.H_FIRST, h + 1]
    for i in range(first, stop):
        u = link[i]
        t[at.T_MOVED, u] = max(t[at.T_READY, u], t[at.T_SERVED, u]) if overlap else t[at.T_READY, u]
    slot = room.chain_flits[h]
    for _ in range(cdiv(plan.chain[at.H_M, h], e[at.PSUM_FLIT])):
        climb_flit(e, d, h, slot, plan, room, spent)
        slot += 1
        if slot == e[at.PSUM_FIFO]:
            slot = 0
    room.chain_flits[h] = slot
    for i in range(first, stop):
        u = link[i]
        if overlap:
            t[at.T_SERVED_BEFORE, u] = t[at.T_SERVED, u]
            t[at.T_SERVED, u] = t[at.T_MOVED, u]
        else:
            if spans.shape[0] > 0:
                note(spans, out, u, at.MOVING, t[at.T_READY, u], t[at.T_MOVED, u])
            t[at.T_FREE, u] = t[at.T_MOVED, u]
            t[at.T_LEFT, u] = t[at.T_MOVED, u]


@kernel(spliced=True)
def run_window(e, d, part, window, plan, program, room, spent, out, spans):
    """A part of the machine runs a window: streams send what it needs, PEs work on it, psums climb their chains."""
    stream, chain, first, member = plan.stream, plan.chain, plan.part_first, plan.part_member
    for x in range(first[at.P_LANES, part], first[at.P_LANES, part + 1]):
        lane = member[at.P_LANES, x]
        for turn in range(plan.lane_first[lane], plan.lane_first[lane + 1]):
            s = plan.lane_stream[turn]
            if window.n < stream[at.S_N, s] and window.j < stream[at.S_J, s] and window.q < stream[at.S_Q, s]:
                send_window(e, s, lane, window, plan, program, room, out, spans)
    for x in range(first[at.P_STREAMS, part], first[at.P_STREAMS, part + 1]):
        s = member[at.P_STREAMS, x]
        if window.n >= stream[at.S_N, s] or window.j >= stream[at.S_J, s] or window.q >= stream[at.S_Q, s]:
            continue
        words = words_of(e, s, window.q, stream, room.stream_at, program)
        room.stream_at[0, s] += 1
        for i in range(plan.target_first[s], plan.target_first[s + 1]):
            u = plan.target[i]
            if window.j < plan.place[at.X_J, u]:
                work(e, u, words, plan, program, room, spent, out, spans)
    for x in range(first[at.P_CHAINS, part], first[at.P_CHAINS, part + 1]):
        h = member[at.P_CHAINS, x]
        if window.n < chain[at.H_N, h] and window.j < chain[at.H_J, h] and window.q < chain[at.H_Q, h]:
            climb(e, d, h, plan, room, spent, out, spans)


@kernel(spliced=True)
def windows_of(part, plan):
    """The most images, rows and columns of windows of a part."""
    n = j = q = 0
    for x in range(plan.part_first[at.P_STREAMS, part], plan.part_first[at.P_STREAMS, part + 1]):
        s = plan.part_member[at.P_STREAMS, x]
        n, j = max(n, plan.stream[at.S_N, s]), max(j, plan.stream[at.S_J, s])
        q = max(q, plan.stream[at.S_Q, s])
    return Window(n, j, q)


@kernel(spliced=True)
def run_part(e, d, part, plan, program, room, book, spent, out, spans):
    """A part of the machine runs all its windows."""
    stop = windows_of(part, plan)
    room.marks[at.M_DRAINED] = 0
    looks = begin_level(IMAGES, stop.n, book)
    n = none = np.int64(0)
    while n < stop.n:
        if looks:
            n += leap(e, d, part, np.int64(IMAGES), Window(n, none, none), plan, program, room, spent, book)
        looks_at_rows = begin_level(ROWS, stop.j, book)
        j = 0 if n < stop.n else stop.j
        while j < stop.j:
            if looks_at_rows:
                j += leap(e, d, part, np.int64(ROWS), Window(n, j, none), plan, program, room, spent, book)
            looks_at_columns = begin_level(COLUMNS, stop.q, book)
            q = 0 if j < stop.j else stop.q
            while q < stop.q:
                if looks_at_columns:
                    q += leap(e, d, part, np.int64(COLUMNS), Window(n, j, q), plan, program, room, spent, book)
                run_window(e, d, part, Window(n, j, q), plan, program, room, spent, out, spans)
                q += 1
            j += 1
        n += 1
    room.marks[at.M_DRAINED_ALL] = max(room.marks[at.M_DRAINED_ALL], room.marks[at.M_DRAINED])


@kernel(spliced=True)
def end_pass(e, plan, room, spent, finish, out):
    """Find when each PE is done, and the pass; PEs wait for the last one."""
    place, t, overlap = plan.place, room.t, e[at.OVERLAP]
    places, end = place.shape[1], 0
    for u in range(places):
        if place[at.X_ACTIVE, u]:
            finish[u] = t[at.T_FREE, u]
            if overlap:
                finish[u] = max(t[at.T_SERVED, u], finish[u])
                spent[at.MOVING, u] += finish[u] - t[at.T_FREE, u]
            end = max(end, finish[u])
    if not e[at.HIDE_DRAIN]:
        end = max(end, room.marks[at.M_DRAINED_ALL])
    for u in range(places):
        if place[at.X_ACTIVE, u]:
            spent[at.IMBALANCE, u] += end - finish[u]
        else:
            spent[at.UNUSED, u] += end
    out[at.OUT_PASS] = end
    out[at.OUT_IACT_FIFO] = max(out[at.OUT_IACT_FIFO], room.marks[at.M_IACT_FIFO])
    out[at.OUT_PSUM_FIFO] = max(out[at.OUT_PSUM_FIFO], room.marks[at.M_PSUM_FIFO])
    busiest = 0
    for i in range(plan.counts[at.COUNT_LANES]):
        busiest = max(busiest, room.lane_reads[i])
    return busiest


@kernel(reference_counts=False)
def run_pass(e, d, plan, program, room, book, spent, finish, out, spans):
    """Find the cycles of one pass, and where those of each PE went.

    book: room for the states of windows that repeat, of no size where every window is to be run; spent, int64 [causes,
    places], added to; outputs: finish, int64 [places], when each PE is done; out, int64 [OUT]; spans, int64 [most, 4],
    what happened when (see `note`), of no size where nobody asks.  Returns the flits that the busiest iact lane has
    sent.
    """
    fill = start_places(e, d, plan, room, finish)
    out[at.OUT_FILL] = fill
    start_lanes(e, plan, room, fill if d[at.AFTER_LOAD] and not d[at.BEFORE] else 0)
    for part in range(plan.counts[at.COUNT_PARTS]):
        run_part(e, d, part, plan, program, room, book, spent, out, spans)
    return end_pass(e, plan, room, spent, finish, out)
