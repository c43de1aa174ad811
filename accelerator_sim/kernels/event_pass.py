"""One pass by exact recurrences: the earliest time of every transfer and every pipeline step.

Nothing in the machine decides at run time - routes, the order in which a source serves its streams, the order in which
a bank serves its columns are fixed - so each event has one earliest time, the largest of a few others: that of its
predecessor in the same place, of its input, and of the room that it needs (max-plus recurrences).  The windows of a
pass are worked off in order; `docs/model.md` lists the rules, which `cycle` steps through clock by clock.

Times count cycles from the start of the pass; an event at time t happens in cycle t and is seen by others from t + 1.
"""

from __future__ import annotations

import numpy as np

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.blocks import is_left_over, place_of_link
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.event_chain import climb
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
from accelerator_sim.kernels.event_lock_step import end_together, start_together
from accelerator_sim.kernels.event_pe import WindowWords, receive, room_from, take, work
from accelerator_sim.kernels.event_state import (
    fill_time,
    link_row,
    note,
    row_of,
    start_blocks,
    start_chains,
    start_costs,
    start_lanes,
)
from accelerator_sim.kernels.new_columns import new_columns
from accelerator_sim.kernels.references import refer
from accelerator_sim.kernels.vectors import WIDTH, larger, largest, spread


@kernel(spliced=True)
def send_flit(run, s, lane, j, words, ends):
    """A lane sends a flit of a stream, of which PEs take so many words at once; ends: all of them.

    It leaves once the lane is free, and every PE that takes part has room.
    """
    blocks, room = run.plan.blocks, run.room
    first, stop = blocks.pe_first[s], blocks.pe_first[s + 1]
    leaves = spread(room.lane_last[lane] + run.e[at.IACT_TURN])
    for block in range(first, stop):
        if j < blocks.pe_rows[block]:
            leaves = larger(leaves, room_from(run, block))
    time, most = largest(leaves), room.marks[at.M_IACT_FIFO]
    room.lane_last[lane] = time
    room.lane_reads[lane] += 1
    if run.spans.shape[0] > 0:
        note(run.spans, run.out, run.plan.place.shape[1] + lane, at.SENT, time, time + run.e[at.IACT_TURN])
    for block in range(first, stop):
        if j < blocks.pe_rows[block]:
            most = receive(run, block, time, most)
            take(run, block, words, True, ends)
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
            for block in range(plan.blocks.pe_first[s], plan.blocks.pe_first[s + 1]):
                if window.j < plan.blocks.pe_rows[block]:
                    take(run, block, to - taken, taken == first, to == stop)
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
    stream, program = run.plan.stream, run.program
    record, word0, channels = (
        stream[at.S_WINDOWS, s] + run.room.stream_at[0, s],
        stream[at.S_WORDS, s],
        stream[at.S_C, s],
    )
    step = new_columns(run.e, run.d[at.EXTENT])
    kept = run.d[at.EXTENT] if q == stream[at.S_Q, s] - 1 else step
    offset = q * step * channels
    return WindowWords(word0 + program.low[record], word0 + program.need[record], offset, offset + kept * channels)


@kernel(spliced=True)
def run_window(run, part, window):
    """A part of the machine runs a window: streams send what it needs, PEs work on it, psums climb their chains."""
    plan, first, member = run.plan, run.plan.part_first, run.plan.part_member
    for x in range(first[at.P_LANES, part], first[at.P_LANES, part + 1]):
        lane = member[at.P_LANES, x]
        for turn in range(plan.lane_first[lane], plan.lane_first[lane + 1]):
            if stream_has(plan.stream, plan.lane_stream[turn], window):
                send_window(run, plan.lane_stream[turn], lane, window)
    if run.e[at.LOCK_STEP]:
        start_together(run, part, window)
    for x in range(first[at.P_STREAMS, part], first[at.P_STREAMS, part + 1]):
        s = member[at.P_STREAMS, x]
        if not stream_has(plan.stream, s, window):
            continue
        words = words_of(run, s, window.q)
        run.room.stream_at[0, s] += 1
        for block in range(plan.blocks.pe_first[s], plan.blocks.pe_first[s + 1]):
            if window.j < plan.blocks.pe_rows[block]:
                work(run, block, words)
    if run.e[at.LOCK_STEP]:
        end_together(run, part, window)
    for x in range(plan.blocks.chain_part[part], plan.blocks.chain_part[part + 1]):
        if chain_has(plan.chain, plan.blocks.chain_number[x * WIDTH], window):
            climb(run, x)


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
def account_pes(run, finish):
    """Find when each PE is done, and add up what became of its cycles by then; returns when all are."""
    state, spent, blocks, end = run.room.blocks, run.spent, run.plan.blocks, 0
    for block in range(run.plan.counts[at.COUNT_PE_BLOCKS]):
        for i in range(blocks.pe_count[block]):
            u = blocks.pe_place[block * WIDTH + i]
            for cause in range(at.SPENT):
                spent[cause, u] += state[row_of(run, block, at.B_SPENT + cause) * WIDTH + i]
            free = finish[u] = state[row_of(run, block, at.B_FREE) * WIDTH + i]
            if run.e[at.OVERLAP]:
                finish[u] = max(state[row_of(run, block, at.B_SERVED) * WIDTH + i], free)
                spent[at.MOVING, u] += finish[u] - free
            end = max(end, finish[u])
    return end


@kernel(spliced=True)
def account_links(run):
    """Add up what the PEs of chains waited for."""
    links, blocks = run.room.links, run.plan.blocks
    for link in range(blocks.chain_first[run.plan.counts[at.COUNT_CHAIN_BLOCKS]]):
        for i in range(WIDTH):
            if is_left_over(blocks, link, i):
                break
            u = place_of_link(run.e, blocks, link, i)
            for row, cause in (
                (at.L_GLB_PORT, at.GLB_PORT),
                (at.L_NO_PSUM, at.NO_PSUM),
                (at.L_BLOCKED, at.PSUM_BLOCKED),
                (at.L_MOVING, at.MOVING),
            ):
                run.spent[cause, u] += links[link_row(run, link, row) * WIDTH + i]


@kernel(helper=True, reference_counts=False)
def end_pass(run, finish):
    """Find when each PE is done, and the pass; PEs wait for the last one.  Returns what `run_pass` does."""
    place, spent, out, marks = run.plan.place, run.spent, run.out, run.room.marks
    for u in range(place.shape[1]):
        finish[u] = 0
    end = account_pes(run, finish)
    account_links(run)
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


@kernel(helper=True, reference_counts=False)
def start_pass(run):
    """Set the machine to the start of the pass."""
    fill = fill_time(run)
    run.out[at.OUT_FILL] = fill
    start_lanes(run, run.e[at.IACT_START] + (fill if run.d[at.AFTER_LOAD] and not run.d[at.BEFORE] else 0))
    start_blocks(run)
    start_costs(run)
    start_chains(run)


@kernel(reference_counts=False)
def run_pass(arrays, finish):
    """Find the cycles of one pass, and where those of each PE went.

    arrays: a `PassRun`: what is read, and what is filled (`spent`, `out`, `spans`); finish: int64 [places] output, when
    each PE is done.  Returns the flits that the busiest iact lane has sent.
    """
    run = refer(arrays)
    marks, book, none = run.room.marks, run.book, np.int64(0)
    start_pass(run)
    for part in range(run.plan.counts[at.COUNT_PARTS]):
        stop, n = windows_of(part, run.plan), none
        marks[at.M_DRAINED] = 0
        looks = begin_level(IMAGES, stop.n, book)
        while n < stop.n:
            if looks:
                n += leap(run, part, np.int64(IMAGES), WindowAt(n, none, none))
            looks_at_rows = begin_level(ROWS, stop.j, book)
            j = none if n < stop.n else stop.j
            while j < stop.j:
                if looks_at_rows:
                    j += leap(run, part, np.int64(ROWS), WindowAt(n, j, none))
                looks_at_columns = begin_level(COLUMNS, stop.q, book)
                q = none if j < stop.j else stop.q
                while q < stop.q:
                    if looks_at_columns:
                        q += leap(run, part, np.int64(COLUMNS), WindowAt(n, j, q))
                    run_window(run, part, WindowAt(n, j, q))
                    q += 1
                j += 1
            n += 1
        marks[at.M_DRAINED_ALL] = max(marks[at.M_DRAINED_ALL], marks[at.M_DRAINED])
    return end_pass(run, finish)
