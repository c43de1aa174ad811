"""Forecasts: a lower bound of the event engine on any machine and mapping, and an estimate near it on Eyeriss v2."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.mapping.mapping import Encoding
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.simulation.engines import Event
from accelerator_sim.simulation.forecast import Forecaster, product
from accelerator_sim.simulation.machine import machine_of
from accelerator_sim.simulation.passes import passes_of, planner_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from tests.oracles.strategies import Case, bursts, cases, layers, mappings
from tests.simulation.test_engines import DENSITIES, drawn_pattern

V2 = load_architecture("eyeriss_v2")
ENCODINGS = st.sampled_from([Encoding.RAW, Encoding.CSC])


@pytest.mark.parametrize("number", [300, pytest.param(3000, marks=pytest.mark.slow)])
def test_no_bound_is_above_the_event_engine(number: int) -> None:
    """On random machines; and the fullest PE holds as many words as are counted."""

    @settings(max_examples=number)
    @given(case=cases() | bursts(), iact=DENSITIES, weight=DENSITIES, seed=st.integers(0, 1000))
    def run(case: Case, iact: float | None, weight: float | None, seed: int) -> None:
        compare(Schedule(case.problem, case.mapping), iact, weight, seed)

    run()


@pytest.mark.parametrize("number", [200, pytest.param(3000, marks=pytest.mark.slow)])
def test_no_bound_is_above_the_event_engine_on_eyeriss_v2(number: int) -> None:
    """Whose windows are bounded by all lines of the recurrence."""

    @settings(max_examples=number)
    @given(data=st.data(), iact=DENSITIES, weight=DENSITIES, seed=st.integers(0, 1000))
    def run(data: st.DataObject, iact: float | None, weight: float | None, seed: int) -> None:
        layer = data.draw(layers(most_macs=200_000, largest=24))
        problem = problem_of(layer, V2, data.draw(ENCODINGS), data.draw(ENCODINGS))
        ratio = compare(Schedule(problem, data.draw(mappings(problem))), iact, weight, seed)
        assert ratio > 0.0

    run()


def compare(schedule: Schedule, iact: float | None, weight: float | None, seed: int) -> float:
    """The bound of a schedule over its cycles by the event engine, which is at most 1."""
    stored = stored_pattern(schedule, drawn_pattern(schedule.problem.layer, iact, weight, seed))
    forecast = Forecaster(schedule.loops, stored.iact_mask, stored.weight_mask).forecast(schedule)
    assert forecast is not None
    cycles = Event().run(schedule, stored).timing.cycles
    assert forecast.bound <= cycles
    assert forecast.bound <= forecast.alone <= forecast.estimate(schedule.problem.architecture)
    if stored.weight_mask is not None and schedule.mapping.weight_encoding is Encoding.CSC:
        assert forecast.fullest_words == stored.fullest_words
    return forecast.bound / cycles


@settings(max_examples=60)
@given(case=cases(), iact=DENSITIES, weight=DENSITIES, seed=st.integers(0, 1000))
def test_the_work_of_windows_is_that_of_their_words(
    case: Case, iact: float | None, weight: float | None, seed: int
) -> None:
    """The sums of the product, against the words that the streams of the engine carry, window by window."""
    schedule = Schedule(case.problem, case.mapping)
    stored = stored_pattern(schedule, drawn_pattern(case.problem.layer, iact, weight, seed))
    machine = machine_of(schedule)
    passes, planner = passes_of(machine, stored), planner_of(machine, stored)
    work = Forecaster(schedule.loops, stored.iact_mask, stored.weight_mask).work(schedule)
    assert work is not None
    kind = int(passes.kind[seed % passes.count])
    expected = naive_work(planner.plan(passes.describe(kind)), machine.e, passes.describe(kind))
    found = naive_windows(planner.plan(passes.describe(kind))[0], machine, passes.describe(kind), work)
    assert found == expected


def naive_work(planned, e, d):  # type: ignore[no-untyped-def]
    """Cycles of the multipliers in every window of every PE, by place, from the words of its stream."""
    from accelerator_sim.kernels import engine_arrays as at

    plan, program = planned
    hold, step = int(e[at.HOLD]), int(min(e[at.COL_STRIDE], e[at.EXTENT]))
    found = {}
    for s in range(plan.counts[at.COUNT_STREAMS]):
        for u in plan.target[plan.target_first[s] : plan.target_first[s + 1]]:
            cost = program.cost[plan.place[at.X_TILE, u]]
            sums = []
            record = plan.stream[at.S_WINDOWS, s]
            for _n in range(plan.stream[at.S_N, s]):
                for j in range(plan.stream[at.S_J, s]):
                    for q in range(plan.stream[at.S_Q, s]):
                        first, stop = (plan.stream[at.S_WORDS, s] + x[record] for x in (program.low, program.need))
                        places = program.pos[first:stop] - q * step * plan.stream[at.S_C, s]
                        slots = cost[places]
                        if j < plan.place[at.X_J, u]:
                            sums.append(int(np.maximum(slots[slots != at.GAP], hold).sum()))
                        record += 1
            found[int(u)] = sums
    return found


def naive_windows(plan, machine, d, work):  # type: ignore[no-untyped-def]
    """The same from the work that forecasts have."""
    from accelerator_sim.kernels import engine_arrays as at

    e, place, found = machine.e, plan.place, {}
    rows = int(machine.local[at.P])
    for u in range(place.shape[1]):
        if not place[at.X_ACTIVE, u]:
            continue
        x = place[:, u]
        base = [d[at.G] + x[at.X_G0], d[at.R] + x[at.X_R0], work.channel_block[d[at.C] + x[at.X_C0]]]
        base.append(work.filter_block[d[at.M] + x[at.X_M0]])
        sums = []
        for n in range(x[at.X_N]):
            for j in range(x[at.X_J]):
                for q in range(x[at.X_Q]):
                    image, row, column = d[at.N] + x[at.X_N0] + n, d[at.P] + x[at.X_P0] + j * rows, d[at.Q] + x[at.X_Q0]
                    window = (image * e[at.ROWS_OUT] + row) * e[at.COLS_OUT] + column + q
                    sums.append(int(work.cycles[int(np.dot([*base, window], work.steps))]))
        found[u] = sums
    return found


def test_a_product_in_pieces_is_the_product() -> None:
    rng = np.random.default_rng(0)
    factors, taken = rng.integers(0, 9, (30, 300)), rng.integers(0, 2, (300, 700))
    pieces = product(factors.astype(np.float32), taken.astype(np.float32))
    assert (pieces == factors @ taken).all()
