"""What is remembered of passes is what running them gives, and nothing else is taken for it."""

from __future__ import annotations

from dataclasses import fields

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import accelerator_sim as sim
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.simulation import event
from accelerator_sim.simulation.event import PassMemory, PassTimes
from accelerator_sim.simulation.repeats import time_schedule
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from tests.oracles.strategies import Case, cases
from tests.simulation.test_engines import DENSITIES, drawn_pattern

MEMORY = PassMemory()
"""One for all drawn cases: what one of them leaves must not be taken for another."""


@settings(max_examples=200)
@given(case=cases(), iact=DENSITIES, weight=DENSITIES, seed=st.integers(0, 3))
def test_a_memory_changes_nothing(case: Case, iact: float | None, weight: float | None, seed: int) -> None:
    schedule = Schedule(case.problem, case.mapping)
    stored = stored_pattern(schedule, drawn_pattern(case.problem.layer, iact, weight, seed))
    run, remembered, again = (time_schedule(schedule, stored, memory) for memory in (None, MEMORY, MEMORY))
    for field in fields(PassTimes):
        if field.name != "passes":
            assert np.array_equal(getattr(run, field.name), getattr(remembered, field.name)), field.name
            assert np.array_equal(getattr(run, field.name), getattr(again, field.name)), field.name


@pytest.mark.parametrize("layer", ["DW3", "PW3"])
@pytest.mark.parametrize("network", ["mobilenet_v1_0.5_128", "mobilenet_v1_0.5_128_sparse"])
def test_explain_measures_changes_as_runs_of_their_own_do(
    network: str, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every change of a machine, each simulated alone; and not all of them run passes."""
    runs: list[int] = []
    own = event.run_kinds
    monkeypatch.setattr(event, "run_kinds", lambda passes, planner: (runs.append(1), own(passes, planner))[1])
    explanation = sim.explain(network, layer=layer)
    explained = len(runs)
    runs.clear()
    for each in explanation.measured:
        machine = load_architecture("eyeriss_v2", each.change.settings)
        totals = sim.simulate(network, machine, layers=[layer]).totals
        assert (totals.cycles, totals.energy) == (each.cycles, each.energy), each.change.name
    assert explained < len(runs)
