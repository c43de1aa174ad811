"""The engines against one another: `event` equals `cycle` in every figure; both count what closed forms count."""

from __future__ import annotations

from dataclasses import fields, replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from accelerator_sim.simulation.analytical import analyse
from accelerator_sim.simulation.engines import run_cycle, run_event, stored_pattern
from accelerator_sim.simulation.laws import check
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.pattern import Pattern, iact_shape, values, weight_shape
from tests.oracles.strategies import Case, cases

NORMAL_AND_SLOW = [2000, pytest.param(10000, marks=pytest.mark.slow)]
DENSITIES = st.sampled_from([None, 0.0, 0.2, 0.5, 0.8])


def drawn_pattern(layer: Layer, iact: float | None, weight: float | None, seed: int) -> Pattern:
    """Independent zeros (None: no zeros)."""
    rng = np.random.default_rng(seed)

    def mask(shape: tuple[int, ...], density: float | None) -> np.ndarray | None:
        return None if density is None else (rng.random(shape) < density).astype(np.uint8)

    return Pattern(mask(iact_shape(layer), iact), mask(weight_shape(layer), weight))


@pytest.mark.parametrize("number", NORMAL_AND_SLOW)
def test_event_equals_cycle(number: int) -> None:
    """Cycles, stalls, FIFO marks, accesses; outputs equal a reference convolution; every law holds."""

    @settings(max_examples=number)
    @given(case=cases(), iact=DENSITIES, weight=DENSITIES, seed=st.integers(0, 1000))
    def run(case: Case, iact: float | None, weight: float | None, seed: int) -> None:
        schedule, layer = Schedule(case.problem, case.mapping), case.problem.layer
        architecture = case.problem.architecture
        pattern = drawn_pattern(layer, iact, weight, seed)
        stored = stored_pattern(schedule, pattern)
        operands = values(layer, pattern, seed, architecture.precision.iact, architecture.precision.weight)
        event, timing = run_event(schedule, stored)
        cycle, stepped, verdict = run_cycle(schedule, stored, operands, backwards=bool(seed & 1))
        assert verdict is not None
        assert verdict.equal
        assert {f.name: getattr(event, f.name) for f in fields(event)} == {
            f.name: getattr(cycle, f.name) for f in fields(cycle)
        }
        assert timing.starts.tolist() == stepped.timing.starts.tolist()
        assert timing.spent.tolist() == stepped.timing.spent.tolist()
        estimate = analyse(schedule, stored)
        assert (estimate.accesses, estimate.noc, estimate.dram_bytes) == (event.accesses, event.noc, event.dram_bytes)
        check(schedule, event)

    run()


@pytest.mark.parametrize("number", [300, pytest.param(3000, marks=pytest.mark.slow)])
def test_less_work_never_takes_longer(number: int) -> None:
    """More bandwidth, or fewer non-zeros, with the same mapping."""

    @settings(max_examples=number)
    @given(case=cases(), iact=DENSITIES, weight=DENSITIES, seed=st.integers(0, 1000))
    def run(case: Case, iact: float | None, weight: float | None, seed: int) -> None:
        schedule, layer = Schedule(case.problem, case.mapping), case.problem.layer
        pattern = drawn_pattern(layer, iact, weight, seed)
        cycles = run_event(schedule, stored_pattern(schedule, pattern))[0].cycles
        architecture = case.problem.architecture
        fast = replace_dram(schedule, architecture.dram.bandwidth * 2.0)
        assert run_event(fast, stored_pattern(fast, pattern))[0].cycles <= cycles
        rng = np.random.default_rng(seed + 1)
        thinned = drawn_pattern(layer, 0.5, 0.5, seed + 2)
        iacts = np.ones(iact_shape(layer), np.uint8) if pattern.iact_mask is None else pattern.iact_mask
        weights = np.ones(weight_shape(layer), np.uint8) if pattern.weight_mask is None else pattern.weight_mask
        assert thinned.iact_mask is not None
        assert thinned.weight_mask is not None
        fewer = Pattern(
            iacts & thinned.iact_mask if rng.random() < 0.7 else pattern.iact_mask,
            weights & thinned.weight_mask if rng.random() < 0.7 else pattern.weight_mask,
        )
        assert run_event(schedule, stored_pattern(schedule, fewer))[0].cycles <= cycles

    run()


def replace_dram(schedule: Schedule, bandwidth: float) -> Schedule:
    """The same schedule with another bandwidth."""
    architecture = schedule.problem.architecture
    dram = architecture.dram.model_copy(update={"bandwidth": bandwidth})
    problem = replace(schedule.problem, architecture=architecture.model_copy(update={"dram": dram}))
    return Schedule(problem, schedule.mapping)
