"""The cycle engine against a machine in plain Python that shares nothing with its kernels but the page of rules."""

from __future__ import annotations

from collections import Counter

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels import timeline as line
from accelerator_sim.kernels.causes import CAUSES
from accelerator_sim.mapping.mapping import Encoding
from accelerator_sim.simulation.cycle import step_layer
from accelerator_sim.simulation.machine import machine_of
from accelerator_sim.simulation.passes import passes_of, planner_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import counted
from tests.oracles import stepper
from tests.oracles.strategies import Case, bursts, cases

DENSITIES = st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0])
DRAWN = {
    "roomy": cases(most_macs=800),
    "tight": cases(most_macs=800, roomy=False),
    "bursts": bursts(most_macs=800),
}


def steps_agree(case: Case, seed: int, iact: float, weight: float) -> None:
    """Cycles of the layer and each pass, and what every PE and the machine wait for."""
    schedule = Schedule(case.problem, case.mapping)
    assume(schedule.passes <= 40)
    loops, mapping = schedule.loops, case.mapping
    dice = np.random.default_rng(seed)
    iacts = (dice.random((loops.G, loops.N, loops.rows.size, loops.columns.size, loops.C)) < iact).astype(np.uint8)
    weights = (dice.random((loops.G, loops.R, loops.S, loops.C, loops.M)) < weight).astype(np.uint8)
    stored = counted(
        schedule,
        iacts if mapping.iact_encoding is Encoding.CSC else None,
        weights if mapping.weight_encoding is Encoding.CSC else None,
    )
    machine = machine_of(schedule)
    passes = passes_of(machine, stored)
    got = step_layer(passes, planner_of(machine, stored)).times

    moved, rate = passes.rates, float(passes.rates[line.X_FILL_RATE])
    sizes = [moved[k] for k in (line.X_IACT_BYTES, line.X_WEIGHT_BYTES, line.X_OACT_BYTES)]
    want = stepper.step_layer(schedule, iacts, weights, stepper.Rates(*sizes, rate if rate > 0 else None))
    assert (got.cycles, got.starts.tolist()) == (want.cycles, want.starts)
    assert got.lengths.tolist() == [one.cycles for one in want.passes]
    assert {c: n for c, n in zip(CAUSES, got.waits.tolist(), strict=True) if n} == dict(want.waits)
    assert got.iact_fifo == max(one.most_iact_fifo for one in want.passes)
    assert got.psum_fifo == max(one.most_psum_fifo for one in want.passes)
    for u in range(machine.places):
        name = tuple(machine.place[[at.X_CLUSTER_ROW, at.X_CLUSTER_COLUMN, at.X_PE_ROW, at.X_PE_COLUMN], u].tolist())
        spent: Counter[str] = Counter()
        for one in want.passes:
            spent.update(one.waits.get(name, {}))
            spent["busy" if name in one.busy else "unused"] += one.busy.get(name, one.cycles)
        assert {c: n for c, n in zip(CAUSES, got.spent[:, u].tolist(), strict=True) if n} == dict(+spent)


@pytest.mark.parametrize("number", [150, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("drawn", DRAWN)
def test_cycle_does_what_the_page_says(number: int, drawn: str) -> None:
    @settings(max_examples=number)
    @given(case=DRAWN[drawn], seed=st.integers(0, 1000), iact=DENSITIES, weight=DENSITIES)
    def run(case: Case, seed: int, iact: float, weight: float) -> None:
        steps_agree(case, seed, iact, weight)

    run()
