"""Blocks of PEs take the iacts that are sent to them, and multiply those that are not zero."""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.event_state import first_rows, note, row_of
from accelerator_sim.kernels.vectors import (
    WIDTH,
    any_larger,
    larger,
    load,
    number_in,
    spread,
    store,
    where_positive,
)
from accelerator_sim.kernels.waiting import Arrival, waits_of


class WindowWords(NamedTuple):
    """The words of a window, int64."""

    first: Any
    stop: Any
    """Places of its words in the program of the stream."""
    offset: Any
    """Place in the row of its first iact."""
    dropped: Any
    """Places in the row before this one are in no later window."""


class Issued(NamedTuple):
    """How far the MACs of a window are, vectors."""

    free: Any
    """When the multipliers are free."""
    latest: Any
    """When the last iact issued, -1 for none."""
    address: Any
    """When the last address was read."""


@kernel(spliced=True)
def spend(run, block, cause, cycles):
    """Add cycles of the PEs of a block to a cause."""
    row = row_of(run, block, at.B_SPENT + cause)
    store(run.room.blocks, row, load(run.room.blocks, row) + cycles)


@kernel(spliced=True)
def wait(run, block, begin, end, arrival):
    """Add where the cycles between two issues went."""
    waits = waits_of(begin, end, arrival)
    spend(run, block, at.NO_WEIGHT, waits.weights - begin)
    spend(run, block, at.NO_IACT, waits.seen - waits.weights)
    spend(run, block, at.SPAD_FILL, waits.written - waits.seen)
    spend(run, block, at.PIPELINE, end - waits.written)


@kernel(helper=True, reference_counts=False)
def note_waits(run, block, working, begin, end, arrival):
    """Record what the PEs of a block did up to an issue that came late (see `wait`); returns since when they work."""
    spans, out, blocks, waits = run.spans, run.out, run.plan.blocks, waits_of(begin, end, arrival)
    for i in range(blocks.pe_count[block]):
        u, since = blocks.pe_place[block * WIDTH + i], number_in(begin, i)
        if since < number_in(end, i):
            note(spans, out, u, at.BUSY, number_in(working, i), since)
        for cause, upto in (
            (at.NO_WEIGHT, waits.weights),
            (at.NO_IACT, waits.seen),
            (at.SPAD_FILL, waits.written),
            (at.PIPELINE, end),
        ):
            note(spans, out, u, cause, since, number_in(upto, i))
            since = number_in(upto, i)
    return where_positive(end - begin, end, working)


@kernel(helper=True, reference_counts=False)
def note_held(run, block, working, done, free):
    """Record what the PEs of a block did up to where an iact let go of the multipliers, which were done before."""
    spans, out, blocks = run.spans, run.out, run.plan.blocks
    for i in range(blocks.pe_count[block]):
        u = blocks.pe_place[block * WIDTH + i]
        if number_in(done, i) < number_in(free, i):
            note(spans, out, u, at.BUSY, number_in(working, i), number_in(done, i))
            note(spans, out, u, at.PIPELINE, number_in(done, i), number_in(free, i))
    return where_positive(free - done, free, working)


@kernel(helper=True, reference_counts=False)
def note_spans(run, block, activity, begin, end):
    """Record what the PEs of a block did from when to when."""
    blocks = run.plan.blocks
    for i in range(blocks.pe_count[block]):
        u = blocks.pe_place[block * WIDTH + i]
        note(run.spans, run.out, u, activity, number_in(begin, i), number_in(end, i))


@kernel(spliced=True)
def take(run, block, words, begins, ends):
    """Move words of the flit at the head of the FIFOs into the SPads, and the flit out once all are moved.

    begins, ends: whether the first and the last word of the flit are among them.
    """
    state, pointer, size = run.room.blocks, run.room.pointer, run.e[at.SPAD_WORDS]
    _, popped, freed, pushed, written = first_rows(run, block)
    last, push = load(state, row_of(run, block, at.B_FILLED)), load(state, row_of(run, block, at.B_PUSHED))
    if begins:
        last = last + spread(1)
    last = larger(last, larger(push + spread(1), load(state, row_of(run, block, at.B_LEFT_BEFORE))))
    if run.e[at.SINGLE_BUFFER]:
        last = larger(last, load(state, row_of(run, block, at.B_DONE)) + spread(1))
    slot = pointer[at.K_NEXT_SLOT, block]
    for _ in range(words):
        last = larger(last, load(state, freed + slot) + spread(1))
        store(state, written + slot, last)
        store(state, pushed + slot, push)
        slot += 1
        if slot == size:
            slot = 0
    store(state, row_of(run, block, at.B_FILLED), last)
    pointer[at.K_NEXT_SLOT, block] = slot
    if ends:
        slot = pointer[at.K_FLIT, block]
        store(state, popped + slot, last)
        pointer[at.K_FLIT, block] = slot + 1 if slot + 1 < run.e[at.IACT_FIFO] else 0


@kernel(spliced=True)
def filled_to(state, ring, depth, slot, arrival, most):
    """Most entries that FIFOs have held, with one that arrives now in `slot`: those that have not left by then.

    ring: first row of the times when the last flit in each entry left.
    """
    most = max(most, 1)
    while most < depth:
        back = slot - most
        if not any_larger(load(state, ring + (back if back >= 0 else back + depth)), arrival):
            break
        most += 1
    return most


@kernel(spliced=True)
def receive(run, block, time, most):
    """A flit that is sent at some time comes to the FIFOs of a block; returns the most entries that one has held."""
    state, depth, slot = run.room.blocks, run.e[at.IACT_FIFO], run.room.pointer[at.K_FLIT, block]
    push = spread(time) + load(state, row_of(run, block, at.B_HOP))
    store(state, row_of(run, block, at.B_PUSHED), push)
    if most < depth:
        counted = push + load(state, row_of(run, block, at.B_LEFT_OVER))
        _, popped, _, _, _ = first_rows(run, block)
        most = filled_to(state, popped, depth, slot, counted, most)
    return most


@kernel(spliced=True)
def room_from(run, block):
    """From when on there is room for a flit in the FIFOs of a block, vector."""
    _, popped, _, _, _ = first_rows(run, block)
    left = load(run.room.blocks, popped + run.room.pointer[at.K_FLIT, block])
    if run.e[at.SINGLE_BUFFER]:  # the window before is complete
        left = larger(left, load(run.room.blocks, row_of(run, block, at.B_DONE)))
    return left + spread(1) - load(run.room.blocks, row_of(run, block, at.B_LEFT_OVER))


@kernel(spliced=True)
def let_go(run, block, words, slot, time):
    """Let go of those of some words that are dropped; their slots end before `slot`."""
    pos, size = run.program.pos, run.e[at.SPAD_WORDS]
    _, _, freed, _, _ = first_rows(run, block)
    for k in range(words.stop - 1, words.first - 1, -1):
        slot = slot - 1 if slot > 0 else size - 1
        if pos[k] < words.dropped:
            store(run.room.blocks, freed + slot, time)


@kernel(spliced=True)
def begin_window(run, block):
    """When the PEs of a block may begin with a window."""
    state = run.room.blocks
    address = larger(
        load(state, row_of(run, block, at.B_ADDRESS)), load(state, row_of(run, block, at.B_LEFT_BEFORE)) - spread(1)
    )
    if run.e[at.LOCK_STEP]:
        address = larger(address, load(state, row_of(run, block, at.B_START)) - spread(1))
    free = load(state, row_of(run, block, at.B_FREE))
    if run.e[at.OVERLAP]:
        served = larger(free, load(state, row_of(run, block, at.B_SERVED_BEFORE)))
        spend(run, block, at.PSUM_BLOCKED, served - free)
        if run.spans.shape[0] > 0:
            note_spans(run, block, at.PSUM_BLOCKED, free, served)
        free = served
    return Issued(free, spread(-1), address)


@kernel(spliced=True)
def end_window(run, block, issued):
    """The window of the PEs of a block is over; returns when."""
    state = run.room.blocks
    left, filled = row_of(run, block, at.B_LEFT), load(state, row_of(run, block, at.B_FILLED))
    tail = larger(issued.free, issued.latest + spread(run.e[at.TAIL]))
    flushed = where_positive(issued.latest + spread(1), tail, issued.free)
    done = larger(larger(flushed, filled + spread(1)), issued.address + spread(1))
    done = larger(done, load(state, left) + spread(run.e[at.OVERLAP]))
    spend(run, block, at.PIPELINE, flushed - issued.free)
    spend(run, block, at.NO_IACT, done - flushed)
    if run.spans.shape[0] > 0:
        note_spans(run, block, at.PIPELINE, issued.free, flushed)
        note_spans(run, block, at.NO_IACT, flushed, done)
    store(state, row_of(run, block, at.B_ADDRESS), larger(issued.address, filled))
    store(state, row_of(run, block, at.B_FREE), done)
    store(state, row_of(run, block, at.B_DONE), done)
    store(state, row_of(run, block, at.B_LEFT_BEFORE), load(state, left))
    store(state, left, done)
    return done


@kernel(spliced=True)
def enter(run, block, seen, slots):
    """The PEs whose multipliers an iact takes have issued it: their next visits wait for those behind it."""
    state, front = run.room.blocks, run.e[at.FRONT]
    issued, _, _, _, _ = first_rows(run, block)
    for k in range(issued, issued + front - 1):
        store(state, k, where_positive(slots, load(state, k + 1), load(state, k)))
    last = issued + front - 1
    store(state, last, where_positive(slots, seen, load(state, last)))


@kernel(spliced=True)
def work(run, block, words):
    """The PEs of a block visit the words of a window in order and multiply those that are not zero."""
    state, pos, costs = run.room.blocks, run.program.pos, run.room.costs
    size, front, traces = run.e[at.SPAD_WORDS], spread(run.e[at.FRONT]), run.spans.shape[0] > 0
    least = spread(run.e[at.HOLD])
    issued, _, _, pushed, written = first_rows(run, block)
    begun = begin_window(run, block)
    free, latest, address = begun.free, begun.latest, begun.address
    weights = load(state, row_of(run, block, at.B_WEIGHTS))
    slot = oldest = run.room.pointer[at.K_OLDEST, block]
    working, busy, kept = free, spread(0), spread(0)
    cost_row = block * run.program.cost.shape[1] - words.offset
    passed = words.first  # words from here on have not been let go
    for k in range(words.first, words.stop):
        here = slot
        slot += 1
        if slot == size:
            slot = 0
        if pos[k] < words.dropped:
            oldest = slot
        slots = load(costs, cost_row + pos[k])
        if number_in(slots, 0) == at.GAP:
            continue
        there = load(state, written + here)
        address = larger(larger(address, there) + spread(1), load(state, issued))
        held = larger(slots, least)
        seen = where_positive(held, larger(address + front, free), address)
        end = where_positive(held, seen, free)
        arrival = Arrival(weights, load(state, pushed + here) + spread(1), there + spread(1))
        wait(run, block, free, end, arrival)
        if traces:
            working = note_waits(run, block, working, free, end, arrival)
        enter(run, block, seen, held)
        latest = where_positive(held, seen, latest)
        free = end + held
        busy = busy + slots
        kept = kept + held - slots
        if traces and run.e[at.HOLD] > 0:
            working = note_held(run, block, working, end + slots, free)
        let_go(run, block, WindowWords(passed, k + 1, words.offset, words.dropped), slot, seen)
        passed = k + 1
    spend(run, block, at.BUSY, busy)
    spend(run, block, at.PIPELINE, kept)
    if traces:
        note_spans(run, block, at.BUSY, working, free)
    done = end_window(run, block, Issued(free, latest, address))
    let_go(run, block, WindowWords(passed, words.stop, words.offset, words.dropped), slot, done)
    run.room.pointer[at.K_OLDEST, block] = oldest
