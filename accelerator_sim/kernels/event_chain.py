"""Blocks of chains: the psums of a window climb from PE to PE, and to the GLB."""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.blocks import is_left_over, place_of_link
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import cdiv
from accelerator_sim.kernels.event_pe import filled_to
from accelerator_sim.kernels.event_state import link_row, note
from accelerator_sim.kernels.vectors import (
    WIDTH,
    gather,
    larger,
    largest,
    load,
    number_in,
    parity,
    scatter,
    spread,
    store,
)


class PsumLanes(NamedTuple):
    """When the lanes of a block of chains have moved their last flit, vectors."""

    read: Any
    """To the first PE of each chain; where a bank works in bursts, after a window: when it was last written."""
    written: Any
    """From the last one."""


@kernel(spliced=True)
def of_pes(run, link, row):
    """A row of the state of the PEs of a link, vector."""
    return gather(run.room.blocks, run.plan.blocks.link_state, link, row * WIDTH)


@kernel(spliced=True)
def set_pes(run, link, row, times):
    """Set a row of the state of the PEs of a link."""
    scatter(run.room.blocks, run.plan.blocks.link_state, link, row * WIDTH, times)


@kernel(spliced=True)
def charge(run, link, row, cycles):
    """Add cycles to a cause of the PEs of a link."""
    row = link_row(run, link, row)
    store(run.room.links, row, load(run.room.links, row) + cycles)


@kernel(spliced=True)
def mark_psums(run, link, slot, arrived):
    """Note how full the psum FIFOs of a link are when a flit arrives."""
    depth, most = run.e[at.PSUM_FIFO], run.room.marks[at.M_PSUM_FIFO]
    if most < depth:
        popped = link_row(run, link, at.L_POPPED)
        run.room.marks[at.M_PSUM_FIFO] = filled_to(run.room.links, popped, depth, slot, arrived - spread(1), most)


@kernel(spliced=True)
def read_flit(run, link, slot, lanes):
    """The GLB sends the next flit of psums to the first PEs of chains; returns when."""
    popped = load(run.room.links, link_row(run, link, at.L_POPPED) + slot)
    read = larger(lanes.read + spread(run.e[at.PSUM_TURN]), popped + spread(1))
    if run.d[at.TIME_SHARED] == at.ALTERNATE:
        read = read + parity(read)
    return read


@kernel(spliced=True)
def leave_chain(run, link, move, lanes):
    """The last PEs of chains hand a flit to the GLB; returns when, at `move` at the earliest."""
    move = larger(move, lanes.written + spread(run.e[at.PSUM_TURN]))
    if run.d[at.TIME_SHARED] == at.ALTERNATE:
        move = move + parity(move + load(run.room.links, link_row(run, link, at.L_BACK)))  # written in an odd cycle
    return move


@kernel(spliced=True)
def climb_flit(run, first, stop, slot, lanes):
    """A flit of psums climbs the links of a block of chains, from PE to PE."""
    e, links = run.e, run.room.links
    arrived, read, written = spread(-1), lanes.read, lanes.written
    if run.d[at.PSUM_IN]:
        read = read_flit(run, first, slot, lanes)
        arrived = read + spread(e[at.PSUM_TURN])
        mark_psums(run, first, slot, arrived)
    for link in range(first, stop):
        last = link + 1 == stop
        begin = load(links, link_row(run, link, at.L_MOVED))
        known = larger(begin, arrived)
        if last:
            move = leave_chain(run, link, known, lanes)
            written = move
        else:
            move = larger(known, load(links, link_row(run, link + 1, at.L_POPPED) + slot) + spread(1))
        if not e[at.OVERLAP]:
            charge(run, link, at.L_GLB_PORT if link == first else at.L_NO_PSUM, known - begin)
            charge(run, link, at.L_GLB_PORT if last else at.L_BLOCKED, move - known)
            charge(run, link, at.L_MOVING, spread(e[at.SERVICE]))
            if run.spans.shape[0] > 0:
                note_flit(run, link, (link == first, last), (begin, known, move))
        store(links, link_row(run, link, at.L_POPPED) + slot, move)
        store(links, link_row(run, link, at.L_MOVED), move + spread(e[at.SERVICE]))
        if not last:
            arrived = move + spread(1) + load(links, link_row(run, link + 1, at.L_HOP))
            mark_psums(run, link + 1, slot, arrived)
    return PsumLanes(read, written)


@kernel(helper=True, reference_counts=False)
def note_flit(run, link, ends, times):
    """Record what the PEs of a link do for a flit of psums: wait for it, wait until it can leave, move it.

    ends: whether the link is the first and the last of its chains; times: when they wait, have it, and hand it on.
    """
    blocks, service = run.plan.blocks, run.e[at.SERVICE]
    first, last = ends
    begin, known, move = times
    for i in range(WIDTH):
        if not is_left_over(blocks, link, i):
            u = place_of_link(run.e, blocks, link, i)
            a, b, c = number_in(begin, i), number_in(known, i), number_in(move, i)
            note(run.spans, run.out, u, at.GLB_PORT if first else at.NO_PSUM, a, b)
            note(run.spans, run.out, u, at.GLB_PORT if last else at.PSUM_BLOCKED, b, c)
            note(run.spans, run.out, u, at.MOVING, c, c + service)


@kernel(spliced=True)
def begin_climb(run, link):
    """When the PEs of a link may begin to move the psums of a window."""
    moved = of_pes(run, link, at.B_FREE) + spread(run.e[at.PSUM_START])
    if run.e[at.OVERLAP]:
        moved = larger(moved, of_pes(run, link, at.B_SERVED))
    elif run.e[at.PSUM_START] > 0:
        charge(run, link, at.L_MOVING, spread(run.e[at.PSUM_START]))
        if run.spans.shape[0] > 0:
            note_start(run, link)
    store(run.room.links, link_row(run, link, at.L_MOVED), moved)


@kernel(helper=True, reference_counts=False)
def note_start(run, link):
    """Record that the PEs of a link begin to move psums."""
    blocks, state = run.plan.blocks, run.room.blocks
    for i in range(WIDTH):
        if not is_left_over(blocks, link, i):
            u = place_of_link(run.e, blocks, link, i)
            begin = state[blocks.link_state[link * WIDTH + i] + at.B_FREE * WIDTH]
            note(run.spans, run.out, u, at.MOVING, begin, begin + run.e[at.PSUM_START])


@kernel(spliced=True)
def end_climb(run, link, rested):
    """The PEs of a link have moved the psums of a window; rested: when the last ones are in the banks."""
    moved = load(run.room.links, link_row(run, link, at.L_MOVED))
    if run.e[at.OVERLAP]:
        set_pes(run, link, at.B_SERVED_BEFORE, of_pes(run, link, at.B_SERVED))
        set_pes(run, link, at.B_SERVED, moved)
    else:
        set_pes(run, link, at.B_FREE, moved)
        set_pes(run, link, at.B_LEFT, moved)
        if run.e[at.LOCK_STEP]:
            set_pes(run, link, at.B_RESTED, rested)


@kernel(spliced=True)
def write_psums(run, first, flits, lanes):
    """The flits of a window are written into the banks; returns when the last one is.

    In a burst each follows the one before, the first one the last read: the last flit to come, or to be written after
    all reads, is late.
    """
    written = lanes.written + spread(1) + load(run.room.links, link_row(run, first, at.L_BACK))
    if run.d[at.TIME_SHARED] == at.BURST:
        written = larger(written, lanes.read + spread(flits))
    return written


@kernel(spliced=True)
def climb(run, x):
    """The psums of a window climb a block of chains."""
    e, room, blocks = run.e, run.room, run.plan.blocks
    first, stop = blocks.chain_first[x], blocks.chain_first[x + 1]
    for link in range(first, stop):
        begin_climb(run, link)
    lanes = PsumLanes(gather(room.lane_in, blocks.chain_lane, x, 0), gather(room.lane_out, blocks.chain_lane, x, 0))
    slot, flits = room.chain_slot[x], cdiv(run.plan.chain[at.H_M, blocks.chain_number[x * WIDTH]], e[at.PSUM_FLIT])
    for _ in range(flits):
        lanes = climb_flit(run, first, stop, slot, lanes)
        slot += 1
        if slot == e[at.PSUM_FIFO]:
            slot = 0
    room.chain_slot[x] = slot
    rested = write_psums(run, first, flits, lanes)
    scatter(room.lane_in, blocks.chain_lane, x, 0, rested if run.d[at.TIME_SHARED] == at.BURST else lanes.read)
    scatter(room.lane_out, blocks.chain_lane, x, 0, lanes.written)
    room.marks[at.M_DRAINED] = max(room.marks[at.M_DRAINED], largest(rested) + 1)
    for link in range(first, stop):
        end_climb(run, link, rested)
