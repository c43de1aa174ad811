"""What is remembered of passes is what running them gives, and nothing else is taken for it."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import accelerator_sim as sim
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.simulation import event
from accelerator_sim.simulation.engines import Event
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
    compare(run, remembered)
    compare(run, again)


def compare(run: PassTimes, other: PassTimes) -> None:
    """Compare all that two runs of a layer find."""
    assert (run.of_kinds is None) == (other.of_kinds is None)
    pairs: list[tuple[object, object]] = [(run, other)]
    pairs += [(run.of_kinds, other.of_kinds)] if run.of_kinds is not None else []
    for one, two in pairs:
        for field in fields(one):  # type: ignore[arg-type]
            if field.name not in ("passes", "of_kinds"):
                assert np.array_equal(getattr(one, field.name), getattr(two, field.name)), field.name


@settings(max_examples=200)
@given(
    case=cases(),
    iact=DENSITIES,
    weight=DENSITIES,
    seed=st.integers(0, 3),
    bandwidth=st.sampled_from([1e7, 1e8, 1e9, 1e10, math.inf]),
)
def test_passes_follow_one_another_on_another_channel_as_if_they_were_run_there(
    case: Case, iact: float | None, weight: float | None, seed: int, bandwidth: float
) -> None:
    schedule = Schedule(case.problem, case.mapping)
    machine = case.problem.architecture
    other = machine.model_copy(update={"dram": machine.dram.model_copy(update={"bandwidth": bandwidth})})
    there = Schedule(replace(case.problem, architecture=other), case.mapping)
    pattern = drawn_pattern(case.problem.layer, iact, weight, seed)
    found = Event().time(schedule, stored_pattern(schedule, pattern)).on_channel(there)
    assert found is not None
    assert found.outcome == Event().run(there, stored_pattern(there, pattern))


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
