"""The event engine on small layers, also without compilation, where a place beyond the end of an array is an error."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accelerator_sim.simulation.event import run_kinds
from accelerator_sim.simulation.machine import machine_of
from accelerator_sim.simulation.passes import passes_of, planner_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from tests.oracles.strategies import Case, cases
from tests.simulation.test_engines import drawn_pattern

MOST_PASSES = 60


@settings(max_examples=40)
@given(
    case=cases(most_macs=3000, largest=8, images=3),
    iact=st.sampled_from([None, 0.5]),
    weight=st.sampled_from([None, 0.5]),
    seed=st.integers(0, 1000),
)
def test_all_windows_are_run_within_the_arrays(case: Case, iact: float | None, weight: float | None, seed: int) -> None:
    schedule = Schedule(case.problem, case.mapping)
    machine = machine_of(schedule)
    stored = stored_pattern(schedule, drawn_pattern(case.problem.layer, iact, weight, seed))
    passes = passes_of(machine, stored)
    if passes.count > MOST_PASSES:
        return
    runs = [run_kinds(passes, planner_of(machine, stored), leaps=leaps) for leaps in (True, False)]
    assert np.array_equal(runs[0].cycles, runs[1].cycles)
    assert np.array_equal(runs[0].spent, runs[1].spent)
