"""Blocks of PEs, and of chains of psums, that the event engine works on at once, as vectors (`kernels.vectors`).

PEs of a block take the same iacts at the same windows; chains of a block are of one form, and none waits for another
one of them.  A seat is the place of a PE or chain in the blocks: eight seats a block.  Seats that are left over hold
the last one of their block once more; nothing waits for them, and nothing that they do counts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.parts import psum_lanes
from accelerator_sim.kernels.vectors import WIDTH


class Blocks(NamedTuple):
    """The blocks of a plan, int64 arrays; as many entries as there are places, unless they say otherwise."""

    pe_first: Any
    """First block of PEs of each stream, and one more."""
    pe_rows: Any
    """Output rows of the PEs of a block."""
    pe_count: Any
    """PEs of a block."""
    pe_place: Any
    """[places * WIDTH]: place of the PE in each seat."""
    seat: Any
    """Seat of the PE at each place."""
    chain_part: Any
    """First block of chains of each part, and one more."""
    chain_first: Any
    """First link of each block of chains, and one more: links are numbered over all blocks."""
    chain_number: Any
    """[places * WIDTH]: chain in each seat."""
    chain_lane: Any
    """[places * WIDTH]: lane of psums of the chain in each seat."""
    link_state: Any
    """[places * WIDTH]: by link of a block and seat of its chain, where the state of its PE begins (`seat_state`)."""


@kernel(spliced=True)
def fill_block(blocks, block, count):
    """Let the last PE of a block sit in the seats that are left over."""
    for i in range(count, WIDTH):
        blocks.pe_place[block * WIDTH + i] = blocks.pe_place[block * WIDTH + count - 1]
    blocks.pe_count[block] = count


@kernel(helper=True, reference_counts=False)
def seat_targets(plan, s, rows, block):
    """Seat those targets of a stream that have so many output rows; returns the next block."""
    blocks, count = plan.blocks, 0
    for i in range(plan.target_first[s], plan.target_first[s + 1]):
        u = plan.target[i]
        if plan.place[at.X_J, u] != rows:
            continue
        if count == WIDTH:
            fill_block(blocks, block, count)
            block += 1
            count = 0
        blocks.pe_rows[block] = rows
        blocks.pe_place[block * WIDTH + count] = u
        blocks.seat[u] = block * WIDTH + count
        count += 1
    if count > 0:
        fill_block(blocks, block, count)
        block += 1
    return block


@kernel(helper=True, reference_counts=False)
def seat_pes(plan):
    """Seat all PEs; returns the number of blocks.  PEs of a stream with fewer rows than others are in other blocks."""
    block = 0
    for s in range(plan.counts[at.COUNT_STREAMS]):
        plan.blocks.pe_first[s] = block
        rows = plan.stream[at.S_J, s]  # the most
        while rows > 0:
            block = seat_targets(plan, s, rows, block)
            fewer = 0
            for i in range(plan.target_first[s], plan.target_first[s + 1]):
                j = plan.place[at.X_J, plan.target[i]]
                if fewer < j < rows:
                    fewer = j
            rows = fewer
    plan.blocks.pe_first[plan.counts[at.COUNT_STREAMS]] = block
    return block


@kernel(spliced=True)
def is_same_form(chain, a, b):
    """Whether two chains have as many PEs, windows and psums."""
    if chain[at.H_FIRST, a + 1] - chain[at.H_FIRST, a] != chain[at.H_FIRST, b + 1] - chain[at.H_FIRST, b]:
        return False
    same_windows = chain[at.H_N, a] == chain[at.H_N, b] and chain[at.H_J, a] == chain[at.H_J, b]
    return same_windows and chain[at.H_Q, a] == chain[at.H_Q, b] and chain[at.H_M, a] == chain[at.H_M, b]


@kernel(spliced=True)
def block_for(plan, count, first, stop, h):
    """The block, from `first` to before `stop`, that has a seat for a chain; `stop` where none has."""
    for x in range(first, stop):
        if count[x] < WIDTH and is_same_form(plan.chain, plan.blocks.chain_number[x * WIDTH], h):
            return x
    return stop


@kernel(helper=True)
def turns_of(plan, part, turn, used):
    """Find which turn each chain of a part has on its lane of psums; returns the most turns.

    turn: by chain, output; used: by lane, turns that are taken, 0 before the part.
    """
    first, member, most = plan.part_first, plan.part_member, 0
    for k in range(first[at.P_CHAINS, part], first[at.P_CHAINS, part + 1]):
        h = member[at.P_CHAINS, k]
        lane = plan.chain[at.H_LANE, h]
        turn[h] = used[lane]
        used[lane] += 1
        most = max(most, used[lane])
    return most


@kernel(helper=True)
def in_turn(plan, part, turn, most):
    """Return the chains of a part, in the order of their turns."""
    begin, stop = plan.part_first[at.P_CHAINS, part], plan.part_first[at.P_CHAINS, part + 1]
    behind, chains = np.zeros(most + 1, np.int64), np.empty(stop - begin, np.int64)
    for k in range(begin, stop):
        behind[turn[plan.part_member[at.P_CHAINS, k]] + 1] += 1
    for i in range(most):
        behind[i + 1] += behind[i]
    for k in range(begin, stop):
        h = plan.part_member[at.P_CHAINS, k]
        chains[behind[turn[h]]] = h
        behind[turn[h]] += 1
    return chains


@kernel(helper=True)
def seat_chains(plan):
    """Seat all chains; returns the number of blocks.  Chains of a lane are in different blocks, in their order."""
    blocks, chain, block = plan.blocks, plan.chain, 0
    places = plan.place.shape[1]
    turn, used, count = np.zeros(places, np.int64), np.zeros(psum_lanes(plan), np.int64), np.zeros(places, np.int64)
    for part in range(plan.counts[at.COUNT_PARTS]):
        blocks.chain_part[part] = first = block
        chains, now = in_turn(plan, part, turn, turns_of(plan, part, turn, used)), 0
        for h in chains:
            if turn[h] != now:
                first, now = block, turn[h]
            x = block_for(plan, count, first, block, h)
            if x == block:
                block += 1
            blocks.chain_number[x * WIDTH + count[x]] = h
            count[x] += 1
    blocks.chain_part[plan.counts[at.COUNT_PARTS]] = block
    blocks.chain_first[0] = 0
    for x in range(block):
        for i in range(WIDTH):
            h = blocks.chain_number[x * WIDTH + min(i, count[x] - 1)]
            blocks.chain_number[x * WIDTH + i] = h
            blocks.chain_lane[x * WIDTH + i] = chain[at.H_LANE, h]
        blocks.chain_first[x + 1] = blocks.chain_first[x] + chain[at.H_FIRST, h + 1] - chain[at.H_FIRST, h]
    return block


@kernel(spliced=True)
def seat_state(e, seat):
    """Where the state of a PE begins, in which each block has BLOCK_ROWS rows."""
    return seat // WIDTH * e[at.BLOCK_ROWS] * WIDTH + seat % WIDTH


@kernel(spliced=True)
def seat_at(e, state):
    """The seat of the PE whose state begins somewhere."""
    return state // (e[at.BLOCK_ROWS] * WIDTH) * WIDTH + state % WIDTH


@kernel(spliced=True)
def place_of_link(e, blocks, link, i):
    """The place of the PE at a link, of the chain in seat `i` of its block."""
    return blocks.pe_place[seat_at(e, blocks.link_state[link * WIDTH + i])]


@kernel(spliced=True)
def is_left_over(blocks, link, i):
    """Whether seat `i` of the block of a link is left over: it holds the chain of the seat before it once more."""
    k = link * WIDTH + i
    return i > 0 and blocks.link_state[k] == blocks.link_state[k - 1]


@kernel(helper=True, reference_counts=False)
def seat_links(e, plan, chain_blocks):
    """Write down where the PEs of each chain sit."""
    blocks, chain = plan.blocks, plan.chain
    for x in range(chain_blocks):
        for k in range(blocks.chain_first[x], blocks.chain_first[x + 1]):
            for i in range(WIDTH):
                link = chain[at.H_FIRST, blocks.chain_number[x * WIDTH + i]] + k - blocks.chain_first[x]
                blocks.link_state[k * WIDTH + i] = seat_state(e, blocks.seat[plan.link[link]])


@kernel(helper=True)
def seat_all(e, plan):
    """Seat the PEs and the chains of a plan."""
    plan.counts[at.COUNT_PE_BLOCKS] = seat_pes(plan)
    plan.counts[at.COUNT_CHAIN_BLOCKS] = seat_chains(plan)
    seat_links(e, plan, plan.counts[at.COUNT_CHAIN_BLOCKS])
