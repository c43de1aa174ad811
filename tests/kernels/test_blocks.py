"""Blocks seat every PE and every chain once, with others that they may be worked on with."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given, settings

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.blocks import seat_at, seat_state
from accelerator_sim.kernels.engine_arrays import Plan
from accelerator_sim.kernels.vectors import WIDTH
from accelerator_sim.simulation.machine import machine_of
from accelerator_sim.simulation.passes import passes_of, planner_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from accelerator_sim.workload.arrays import Ints
from accelerator_sim.workload.pattern import Pattern
from tests.oracles.strategies import Case, cases


def plan_of(case: Case) -> tuple[Ints, Plan]:
    """The integers of a layer and the plan of its first pass."""
    schedule = Schedule(case.problem, case.mapping)
    machine, stored = machine_of(schedule), stored_pattern(schedule, Pattern(None, None))
    passes = passes_of(machine, stored)
    plan, _ = planner_of(machine, stored).plan(passes.describe(int(passes.kind[0])))
    return machine.e, plan


@settings(max_examples=60)
@given(cases(most_macs=60_000, largest=24, images=9))
def test_pes_are_seated_by_stream_and_rows(case: Case) -> None:
    _, plan = plan_of(case)
    blocks, seated = plan.blocks, []
    for s in range(plan.counts[at.COUNT_STREAMS]):
        for block in range(blocks.pe_first[s], blocks.pe_first[s + 1]):
            pes = blocks.pe_place[block * WIDTH :][: blocks.pe_count[block]]
            assert (blocks.seat[pes] == block * WIDTH + np.arange(len(pes))).all()
            assert (plan.place[at.X_STREAM, pes] == s).all()
            assert (plan.place[at.X_J, pes] == blocks.pe_rows[block]).all()
            seated += pes.tolist()
        full = [blocks.pe_count[b] for b in range(blocks.pe_first[s], blocks.pe_first[s + 1])].count(WIDTH)
        parts = len({int(j) for j in plan.place[at.X_J, plan.place[at.X_STREAM] == s]})
        assert blocks.pe_first[s + 1] - blocks.pe_first[s] <= full + parts
    assert sorted(seated) == np.flatnonzero(plan.place[at.X_ACTIVE]).tolist()


@settings(max_examples=60)
@given(cases(most_macs=60_000, largest=24, images=9))
def test_chains_are_seated_in_the_order_of_their_lanes(case: Case) -> None:
    e, plan = plan_of(case)
    blocks, chain = plan.blocks, plan.chain
    of_lane, seated = defaultdict(list), []
    for x in range(plan.counts[at.COUNT_CHAIN_BLOCKS]):
        seats = blocks.chain_number[x * WIDTH : (x + 1) * WIDTH]
        chains = list(dict.fromkeys(seats.tolist()))
        assert (seats[len(chains) :] == chains[-1]).all()
        assert len({int(chain[at.H_LANE, h]) for h in chains}) == len(chains)
        assert len({tuple(chain[[at.H_N, at.H_J, at.H_Q, at.H_M], h]) for h in chains}) == 1
        for h in chains:
            of_lane[int(chain[at.H_LANE, h])].append(h)
        for i, h in enumerate(seats):
            links = blocks.link_state.reshape(-1, WIDTH)[blocks.chain_first[x] : blocks.chain_first[x + 1], i]
            pes = plan.link[chain[at.H_FIRST, h] : chain[at.H_FIRST, h + 1]]
            assert [blocks.pe_place[seat_at.function(e, state)] for state in links] == pes.tolist()
            assert [seat_state.function(e, blocks.seat[u]) for u in pes] == links.tolist()
        seated += chains
    assert sorted(seated) == list(range(plan.counts[at.COUNT_CHAINS]))
    assert all(chains == sorted(chains) for chains in of_lane.values())
