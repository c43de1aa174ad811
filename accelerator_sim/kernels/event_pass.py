"""One pass by exact recurrences: the earliest time of every transfer and every pipeline step.

Nothing in the machine decides at run time - routes, the order in which a source serves its streams, the order in which
a bank serves its columns are fixed - so each event has one earliest time, the largest of a few others: that of its
predecessor in the same place, of its input, and of the room that it needs (max-plus recurrences).  The windows of a
pass are worked off in order; `docs/model.md` lists the rules, which `cycle` steps through clock by clock.

Times count cycles from the start of the pass; an event at time t happens in cycle t and is seen by others from t + 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import cdiv


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


@kernel(spliced=True)
def note(spans, out, u, what, begin, end):
    """Record a span: a place (or, behind the places, a lane), what it did (a cause, or SENT), from when to when."""
    if begin < end:
        k = out[at.OUT_SPANS]
        if k < spans.shape[0]:
            spans[k, 0] = u
            spans[k, 1] = what
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


@kernel(reference_counts=False)
def run_pass(e, d, plan, program, room, spent, finish, out, spans):
    """Find the cycles of one pass, and where those of each PE went.

    Outputs: spent, int64 [causes, places], added to; finish, int64 [places], when each PE is done; out, int64 [OUT];
    spans, int64 [most, 4], what happened when (see `note`), of no size where nobody asks.
    Returns the flits that the busiest iact lane has sent.
    """
    place, stream, chain, counts, cost = plan.place, plan.stream, plan.chain, plan.counts, program.cost
    lane_first, target_first, target, link = plan.lane_first, plan.target_first, plan.target, plan.link
    need, low, flit_end, pos = program.need, program.low, program.flit_end, program.pos
    t, pushed, written, freed, popped = room.t, room.pushed, room.written, room.freed, room.popped
    issued, psum_popped, lane_last, lane_reads = room.issued, room.psum_popped, room.lane_last, room.lane_reads
    lane_in, lane_out, stream_at, chain_flits = room.lane_in, room.lane_out, room.stream_at, room.chain_flits
    places = place.shape[1]
    depth, words, front, tail = e[at.IACT_FIFO], e[at.SPAD_WORDS], e[at.FRONT], e[at.TAIL]
    psum_depth, service, overlap, shared = e[at.PSUM_FIFO], e[at.SERVICE], e[at.OVERLAP], d[at.TIME_SHARED]
    step = min(e[at.COL_STRIDE], e[at.EXTENT])
    iact_turn, psum_turn = e[at.IACT_TURN], e[at.PSUM_TURN]
    fill = 0
    for u in range(places):
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
        for k in range(u * words, (u + 1) * words):
            freed[k] = -1
        for k in range(u * depth, (u + 1) * depth):
            popped[k] = -1
        for k in range(u * front, (u + 1) * front):
            issued[k] = -1
        for k in range(u * psum_depth, (u + 1) * psum_depth):
            psum_popped[k] = -1
    begin = fill if d[at.AFTER_LOAD] and not d[at.BEFORE] else 0
    for i in range(counts[at.COUNT_LANES]):
        lane_last[i] = begin - iact_turn
        lane_reads[i] = 0
    for s in range(counts[at.COUNT_STREAMS]):
        stream_at[0, s] = 0  # window
        stream_at[1, s] = 0  # flits sent
        stream_at[2, s] = 0  # words taken
    for i in range(lane_in.size):
        lane_in[i] = -psum_turn
        lane_out[i] = -psum_turn
    for h in range(counts[at.COUNT_CHAINS]):
        chain_flits[h] = 0
    most = psum_most = drained = 0
    traces = spans.shape[0] > 0

    for n in range(counts[at.WINDOWS_N]):
        for j in range(counts[at.WINDOWS_J]):
            for q in range(counts[at.WINDOWS_Q]):
                # Streams send what their window needs; PEs take it.
                for lane in range(counts[at.COUNT_LANES]):
                    for turn in range(lane_first[lane], lane_first[lane + 1]):
                        s = plan.lane_stream[turn]
                        if n >= stream[at.S_N, s] or j >= stream[at.S_J, s] or q >= stream[at.S_Q, s]:
                            continue
                        record = stream[at.S_WINDOWS, s] + stream_at[0, s]
                        flits = stream[at.S_FLITS, s]
                        wanted = need[record]
                        sent, taken = stream_at[1, s], stream_at[2, s]
                        if sent > 0 and taken < flit_end[flits + sent - 1]:
                            stop = flit_end[flits + sent - 1]
                            first = flit_end[flits + sent - 2] if sent > 1 else 0
                            to = min(wanted, stop)
                            if to > taken:
                                for i in range(target_first[s], target_first[s + 1]):
                                    u = target[i]
                                    if j < place[at.X_J, u]:
                                        take(u, taken, to, first, stop, depth, words, t, pushed, written, freed, popped)
                                taken = to
                        while sent < program.last_flit[record]:
                            stop = flit_end[flits + sent]
                            to = min(wanted, stop)
                            at_time = lane_last[lane] + iact_turn
                            for i in range(target_first[s], target_first[s + 1]):
                                u = target[i]
                                if j < place[at.X_J, u]:
                                    free = popped[u * depth + t[at.T_FLIT, u]] + 1
                                    if at_time < free:
                                        at_time = free
                            lane_last[lane] = at_time
                            if traces:
                                note(spans, out, places + stream[at.S_LANE, s], at.SENT, at_time, at_time + iact_turn)
                            lane_reads[lane] += 1
                            for i in range(target_first[s], target_first[s + 1]):
                                u = target[i]
                                if j < place[at.X_J, u]:
                                    push = at_time + place[at.X_HOP, u]
                                    t[at.T_PUSHED, u] = push
                                    if most < depth:
                                        most = filled_to(popped, u, depth, t[at.T_FLIT, u], push, most)
                                    take(u, taken, to, taken, stop, depth, words, t, pushed, written, freed, popped)
                            sent += 1
                            taken = to
                        stream_at[1, s] = sent
                        stream_at[2, s] = taken
                # PEs work on the window.
                for s in range(counts[at.COUNT_STREAMS]):
                    if n >= stream[at.S_N, s] or j >= stream[at.S_J, s] or q >= stream[at.S_Q, s]:
                        continue
                    record = stream[at.S_WINDOWS, s] + stream_at[0, s]
                    word0 = stream[at.S_WORDS, s]
                    first_word, stop_word = word0 + low[record], word0 + need[record]
                    offset = q * step * stream[at.S_C, s]
                    dropped = offset + step * stream[at.S_C, s]  # places before this are in no later window
                    if q == stream[at.S_Q, s] - 1:
                        dropped = offset + e[at.EXTENT] * stream[at.S_C, s]
                    stream_at[0, s] += 1
                    for i in range(target_first[s], target_first[s + 1]):
                        u = target[i]
                        if j >= place[at.X_J, u]:
                            continue
                        weights = t[at.T_WEIGHTS, u]
                        address = max(t[at.T_ADDRESS, u], t[at.T_LEFT_BEFORE, u] - 1)
                        free = t[at.T_FREE, u]
                        if overlap and free < t[at.T_SERVED_BEFORE, u]:
                            spent[at.PSUM_BLOCKED, u] += t[at.T_SERVED_BEFORE, u] - free
                            free = t[at.T_SERVED_BEFORE, u]
                        visit = t[at.T_VISIT, u]
                        latest = -1
                        busy = 0
                        working = free
                        slot = t[at.T_OLDEST, u]
                        base = u * words
                        kept = slot
                        w = place[at.X_TILE, u]
                        passed = first_word  # words from here on have not been let go
                        for k in range(first_word, stop_word):
                            slots = cost[w, pos[k] - offset]
                            if slots != at.GAP:
                                address = max(address + 1, written[base + slot] + 1)
                                entered = issued[u * front + visit]
                                if address < entered:
                                    address = entered
                                seen = address
                                if slots > 0:
                                    issue = max(address + front, free)
                                    if issue > free:
                                        wait(spent, u, free, issue, weights, pushed[base + slot], written[base + slot])
                                        if traces:
                                            note(spans, out, u, at.BUSY, working, free)
                                            arrived = max(pushed[base + slot] + 1, free)
                                            known = min(max(weights, free), issue)
                                            note(spans, out, u, at.NO_WEIGHT, free, known)
                                            seen = min(max(arrived, known), issue)
                                            note(spans, out, u, at.NO_IACT, known, seen)
                                            there = min(max(written[base + slot] + 1, seen), issue)
                                            note(spans, out, u, at.SPAD_FILL, seen, there)
                                            note(spans, out, u, at.PIPELINE, there, issue)
                                        working = issue
                                    issued[u * front + visit] = issue
                                    visit += 1
                                    if visit == front:
                                        visit = 0
                                    free = issue + slots
                                    busy += slots
                                    latest = issue
                                    seen = issue
                                back = slot
                                for x in range(k, passed - 1, -1):
                                    if pos[x] < dropped:
                                        freed[base + back] = seen
                                    back = back - 1 if back > 0 else words - 1
                                passed = k + 1
                            slot += 1
                            if slot == words:
                                slot = 0
                            if pos[k] < dropped:
                                kept = slot
                        spent[at.BUSY, u] += busy
                        if traces:
                            note(spans, out, u, at.BUSY, working, free)
                        done = max(free, t[at.T_FILLED, u] + 1, address + 1, t[at.T_LEFT, u] + overlap)
                        if latest >= 0:
                            flushed = max(free, latest + tail)
                            spent[at.PIPELINE, u] += flushed - free
                            free = flushed
                            done = max(done, flushed)
                        spent[at.NO_IACT, u] += done - free
                        back = slot - 1 if slot > 0 else words - 1
                        for x in range(stop_word - 1, passed - 1, -1):
                            if pos[x] < dropped:
                                freed[base + back] = done
                            back = back - 1 if back > 0 else words - 1
                        t[at.T_OLDEST, u] = kept
                        t[at.T_ADDRESS, u] = max(address, t[at.T_FILLED, u])
                        t[at.T_VISIT, u] = visit
                        t[at.T_FREE, u] = done
                        t[at.T_READY, u] = done
                        t[at.T_LEFT_BEFORE, u] = t[at.T_LEFT, u]
                        t[at.T_LEFT, u] = done
                # Psums climb their chains.
                for h in range(counts[at.COUNT_CHAINS]):
                    if n >= chain[at.H_N, h] or j >= chain[at.H_J, h] or q >= chain[at.H_Q, h]:
                        continue
                    lane = chain[at.H_LANE, h]
                    first, stop = chain[at.H_FIRST, h], chain[at.H_FIRST, h + 1]
                    flits = cdiv(chain[at.H_M, h], e[at.PSUM_FLIT])
                    slot = chain_flits[h]
                    for i in range(first, stop):
                        u = link[i]
                        t[at.T_MOVED, u] = max(t[at.T_READY, u], t[at.T_SERVED, u]) if overlap else t[at.T_READY, u]
                    for _ in range(flits):
                        arrived = -1
                        if d[at.PSUM_IN]:
                            u = link[first]
                            read = max(lane_in[lane] + psum_turn, psum_popped[u * psum_depth + slot] + 1)
                            if shared:
                                read += read & 1
                            lane_in[lane] = read
                            arrived = read + psum_turn
                            if psum_most < psum_depth:
                                psum_most = filled_to(psum_popped, u, psum_depth, slot, arrived - 1, psum_most)
                        for i in range(first, stop):
                            u = link[i]
                            begin = t[at.T_MOVED, u]
                            move = max(begin, arrived)
                            outside = i == first
                            if not overlap and move > begin:
                                spent[at.GLB_PORT if outside else at.NO_PSUM, u] += move - begin
                            begin = move
                            if i + 1 < stop:
                                after = link[i + 1]
                                move = max(move, psum_popped[after * psum_depth + slot] + 1)
                                outside = False
                            else:
                                move = max(move, lane_out[lane] + psum_turn)
                                if shared:
                                    move += (move + chain[at.H_BACK, h]) & 1  # written in an odd cycle
                                lane_out[lane] = move
                                drained = max(drained, move + 2 + chain[at.H_BACK, h])
                                outside = True
                            if not overlap:
                                spent[at.GLB_PORT if outside else at.PSUM_BLOCKED, u] += move - begin
                                spent[at.MOVING, u] += service
                            psum_popped[u * psum_depth + slot] = move
                            t[at.T_MOVED, u] = move + service
                            if i + 1 < stop:
                                arrived = move + 1 + place[at.X_CHAIN_HOP, after]
                                if psum_most < psum_depth:
                                    psum_most = filled_to(psum_popped, after, psum_depth, slot, arrived - 1, psum_most)
                        slot += 1
                        if slot == psum_depth:
                            slot = 0
                    chain_flits[h] = slot
                    for i in range(first, stop):
                        u = link[i]
                        if overlap:
                            t[at.T_SERVED_BEFORE, u] = t[at.T_SERVED, u]
                            t[at.T_SERVED, u] = t[at.T_MOVED, u]
                        else:
                            if traces:
                                note(spans, out, u, at.MOVING, t[at.T_READY, u], t[at.T_MOVED, u])
                            t[at.T_FREE, u] = t[at.T_MOVED, u]
                            t[at.T_LEFT, u] = t[at.T_MOVED, u]

    end = 0
    for u in range(places):
        if place[at.X_ACTIVE, u]:
            finish[u] = t[at.T_FREE, u]
            if overlap:
                finish[u] = max(t[at.T_SERVED, u], finish[u])
                spent[at.MOVING, u] += finish[u] - t[at.T_FREE, u]
            end = max(end, finish[u])
    if not e[at.HIDE_DRAIN]:
        end = max(end, drained)
    for u in range(places):
        if place[at.X_ACTIVE, u]:
            spent[at.IMBALANCE, u] += end - finish[u]
        else:
            spent[at.UNUSED, u] += end
    out[at.OUT_PASS] = end
    out[at.OUT_FILL] = fill
    out[at.OUT_IACT_FIFO] = max(out[at.OUT_IACT_FIFO], most)
    out[at.OUT_PSUM_FIFO] = max(out[at.OUT_PSUM_FIFO], psum_most)
    busiest = 0
    for i in range(counts[at.COUNT_LANES]):
        busiest = max(busiest, lane_reads[i])
    return busiest
