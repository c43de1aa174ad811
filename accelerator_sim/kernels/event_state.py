"""The state of the machine while the event engine runs a pass, and what it is at the start.

PEs and chains of psums are worked on in blocks of eight (`kernels.blocks`): a time is a vector of eight, in a row of a
flat array (`kernels.vectors`); `kernels.engine_arrays` names the rows of a block (`B_...`) and of a link (`L_...`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.blocks import place_of_link
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.vectors import WIDTH, spread, store


class Room(NamedTuple):
    """Room for the times that are still needed, int64 arrays."""

    blocks: Any
    """[blocks of PEs, BLOCK_ROWS, WIDTH], flat"""
    links: Any
    """[links of blocks of chains, LINK_ROWS, WIDTH], flat"""
    costs: Any
    """[blocks of PEs, places of a window, WIDTH], flat: the slots that an iact takes (`Program.cost`)."""
    pointer: Any
    """[POINTERS, blocks of PEs]"""
    chain_slot: Any
    """Next entry of the psum FIFOs of each block of chains."""
    lane_last: Any
    """When each iact lane has sent its last flit."""
    lane_reads: Any
    """Flits that it has sent."""
    lane_in: Any
    lane_out: Any
    """When each psum lane has moved its last flit to and from the PEs; in bursts, `lane_in` tells when its port is free
    for the next window."""
    stream_at: Any
    """[3, streams]: next window, flits sent, words taken."""
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


@kernel(spliced=True)
def row_of(run, block, row):
    """Row of the state in which a row of a block of PEs is."""
    return block * run.e[at.BLOCK_ROWS] + row


@kernel(spliced=True)
def first_rows(run, block):
    """The first rows of a block's rings: of issues, FIFO entries, SPad words let go, words that came, words written."""
    issued = row_of(run, block, at.B_RINGS)
    popped = issued + run.e[at.FRONT]
    freed = popped + run.e[at.IACT_FIFO]
    return issued, popped, freed, freed + run.e[at.SPAD_WORDS], freed + 2 * run.e[at.SPAD_WORDS]


@kernel(spliced=True)
def link_row(run, link, row):
    """Row of the state in which a row of a link is."""
    return link * run.e[at.LINK_ROWS] + row


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
def fill_time(run):
    """When all weights have come that are sent within the pass."""
    place, fill = run.plan.place, 0
    if run.d[at.LOAD]:
        for u in range(place.shape[1]):
            if place[at.X_ACTIVE, u]:
                fill = max(fill, place[at.X_LOADED, u])
    return fill


@kernel(helper=True, reference_counts=False)
def start_blocks(run):
    """Set the blocks of PEs to the start of the pass."""
    plan, room = run.plan, run.room
    state, blocks = room.blocks, plan.blocks
    waits = run.d[at.LOAD] and not run.d[at.BEFORE]
    for block in range(plan.counts[at.COUNT_PE_BLOCKS]):
        for row in range(at.B_RINGS):
            store(state, row_of(run, block, row), spread(0))
        _, _, _, pushed, _ = first_rows(run, block)
        for row in range(row_of(run, block, at.B_RINGS), pushed):
            store(state, row, spread(-1))
        for row in (at.B_FILLED, at.B_DONE, at.B_RESTED):
            store(state, row_of(run, block, row), spread(-1))
        for i in range(WIDTH):
            u = blocks.pe_place[block * WIDTH + i]
            loaded = plan.place[at.X_LOADED, u] if waits else 0
            state[row_of(run, block, at.B_WEIGHTS) * WIDTH + i] = loaded
            state[row_of(run, block, at.B_ADDRESS) * WIDTH + i] = loaded - 1
            state[row_of(run, block, at.B_HOP) * WIDTH + i] = plan.place[at.X_HOP, u]
            state[row_of(run, block, at.B_LEFT_OVER) * WIDTH + i] = at.NEVER if i >= blocks.pe_count[block] else 0
        for k in range(at.POINTERS):
            room.pointer[k, block] = 0


@kernel(helper=True, reference_counts=False)
def start_costs(run):
    """Lay out what an iact costs the PEs of each block."""
    plan, cost, costs = run.plan, run.program.cost, run.room.costs
    for s in range(plan.counts[at.COUNT_STREAMS]):
        for block in range(plan.blocks.pe_first[s], plan.blocks.pe_first[s + 1]):
            row = block * cost.shape[1]
            for i in range(WIDTH):
                w = plan.place[at.X_TILE, plan.blocks.pe_place[block * WIDTH + i]]
                for k in range(run.d[at.EXTENT] * plan.stream[at.S_C, s]):
                    costs[(row + k) * WIDTH + i] = cost[w, k]


@kernel(helper=True, reference_counts=False)
def start_chains(run):
    """Set the blocks of chains, and the lanes of psums, to the start of the pass."""
    e, plan, room, blocks = run.e, run.plan, run.room, run.plan.blocks
    for i in range(room.lane_in.size):
        room.lane_in[i] = e[at.PSUM_READS_FROM] - e[at.PSUM_TURN]
        room.lane_out[i] = -e[at.PSUM_TURN]
    for x in range(plan.counts[at.COUNT_CHAIN_BLOCKS]):
        room.chain_slot[x] = 0
        for link in range(blocks.chain_first[x], blocks.chain_first[x + 1]):
            for row in range(at.L_POPPED):
                store(room.links, link_row(run, link, row), spread(0))
            for row in range(at.L_POPPED, e[at.LINK_ROWS]):
                store(room.links, link_row(run, link, row), spread(-1))
            for i in range(WIDTH):
                u = place_of_link(e, blocks, link, i)
                back = plan.chain[at.H_BACK, blocks.chain_number[x * WIDTH + i]]
                hop = plan.place[at.X_CHAIN_HOP, u] * e[at.HOP_CYCLES] + e[at.PSUM_LATER]
                room.links[link_row(run, link, at.L_HOP) * WIDTH + i] = hop
                room.links[link_row(run, link, at.L_BACK) * WIDTH + i] = back


@kernel(helper=True, reference_counts=False)
def start_lanes(run, begin):
    """Set iact lanes and streams to the start of the pass, in which iacts may be sent from `begin` on."""
    e, counts, room = run.e, run.plan.counts, run.room
    for i in range(counts[at.COUNT_LANES]):
        room.lane_last[i] = begin - e[at.IACT_TURN]
        room.lane_reads[i] = 0
    for s in range(counts[at.COUNT_STREAMS]):
        for row in range(3):
            room.stream_at[row, s] = 0
    for mark in range(at.MARKS):
        room.marks[mark] = 0
