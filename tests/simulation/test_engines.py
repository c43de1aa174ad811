"""The engines against one another: `event` equals `cycle` in every figure; both count what closed forms count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from accelerator_sim.kernels.cycle_state import Turns
from accelerator_sim.mapping.mapping import Encoding, Mapping
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.simulation import cycle as cycle_engine
from accelerator_sim.simulation.cycle import step_layer
from accelerator_sim.simulation.engines import Analytical, Cycle, Event
from accelerator_sim.simulation.laws import check
from accelerator_sim.simulation.machine import Machine, machine_of
from accelerator_sim.simulation.passes import passes_of, planner_of
from accelerator_sim.simulation.repeats import time_schedule
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.operand_shapes import iact_shape, weight_shape
from accelerator_sim.workload.pattern import Pattern, values
from tests.kinds_of_files import TINY
from tests.oracles.strategies import Case, bursts, cases, drawn_machine
from tests.simulation.test_laws import WIDER, widened

DENSITIES = st.sampled_from([None, 0.0, 0.2, 0.5, 0.8])
WIDER_ROADS = [what for what in WIDER if what not in ("noc.weight", "noc.psum")]


def drawn_pattern(layer: Layer, iact: float | None, weight: float | None, seed: int) -> Pattern:
    """Independent zeros (None: no zeros)."""
    rng = np.random.default_rng(seed)

    def mask(shape: tuple[int, ...], density: float | None) -> np.ndarray | None:
        return None if density is None else (rng.random(shape) < density).astype(np.uint8)

    return Pattern(mask(iact_shape(layer), iact), mask(weight_shape(layer), weight))


@contextmanager
def visited_in_an_order_of(seed: int) -> Iterator[None]:
    """Let the cycle engine visit lanes and PEs in a drawn order, which must not matter; 0: in their own order."""

    own = cycle_engine.turns_of

    def drawn(machine: Machine) -> Turns:
        turns = own(machine)
        if seed:
            np.random.default_rng(seed).shuffle(turns.visited)
        return turns

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cycle_engine, "turns_of", drawn)
        yield


def engines_agree(case: Case, iact: float | None, weight: float | None, seed: int) -> None:
    """Cycles, stalls, FIFO marks, accesses; outputs equal a reference convolution; every law holds."""
    schedule, layer = Schedule(case.problem, case.mapping), case.problem.layer
    architecture = case.problem.architecture
    pattern = drawn_pattern(layer, iact, weight, seed)
    stored = stored_pattern(schedule, pattern)
    operands = values(layer, pattern, seed, architecture.precision.iact, architecture.precision.weight)
    event, times = Event().run(schedule, stored), time_schedule(schedule, stored)
    with visited_in_an_order_of(seed):
        cycle = Cycle(operands).run(schedule, stored)
        machine = machine_of(schedule)
        stepped = step_layer(passes_of(machine, stored), planner_of(machine, stored))
    assert cycle.verdict is not None
    assert cycle.verdict.equal
    assert (event.counts, event.timing) == (cycle.counts, cycle.timing)
    assert times.starts.tolist() == stepped.times.starts.tolist()
    assert times.spent.tolist() == stepped.times.spent.tolist()
    estimate = Analytical().run(schedule, stored)
    assert estimate.counts == event.counts
    check(schedule, event)


@pytest.mark.parametrize(
    ("drawn", "number"),
    [
        (cases, 800), pytest.param(cases, 4000, marks=pytest.mark.slow),
        (bursts, 200), pytest.param(bursts, 2000, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_event_equals_cycle(drawn: Callable[[], st.SearchStrategy[Case]], number: int) -> None:
    @settings(max_examples=number)
    @given(case=drawn(), iact=DENSITIES, weight=DENSITIES, seed=st.integers(0, 1000))
    def run(case: Case, iact: float | None, weight: float | None, seed: int) -> None:
        engines_agree(case, iact, weight, seed)

    run()


@pytest.mark.parametrize("number", [300, pytest.param(3000, marks=pytest.mark.slow)])
def test_less_work_never_takes_longer(number: int) -> None:
    """More bandwidth, or fewer non-zeros, with the same mapping (docs/engines.md says why, and of which bandwidth)."""

    @settings(max_examples=number)
    @given(case=cases(), iact=DENSITIES, weight=DENSITIES, seed=st.integers(0, 1000), what=st.sampled_from(WIDER_ROADS))
    def run(case: Case, iact: float | None, weight: float | None, seed: int, what: str) -> None:
        schedule, layer = Schedule(case.problem, case.mapping), case.problem.layer
        pattern = drawn_pattern(layer, iact, weight, seed)
        cycles = Event().run(schedule, stored_pattern(schedule, pattern)).timing.cycles
        in_csc = case.mapping.weight_encoding is Encoding.CSC
        for road in {"dram.bandwidth", what} | ({"noc.weight"} if in_csc else set()):
            wide = widened_schedule(schedule, road)
            assert Event().run(wide, stored_pattern(wide, pattern)).timing.cycles <= cycles
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
        assert Event().run(schedule, stored_pattern(schedule, fewer)).timing.cycles <= cycles

    run()


def widened_schedule(schedule: Schedule, what: str) -> Schedule:
    """The same mapping on a machine with more bandwidth at one place."""
    problem = schedule.problem
    return Schedule(replace(problem, architecture=widened(problem.architecture, what)), schedule.mapping)


def test_a_shorter_weight_fill_delays_nothing() -> None:
    """Iacts are not late because weights take fewer flits, where each pass waits for its weights from off-chip."""
    layer = Layer("conv", "conv", H=2, W=5, R=2, S=2, density=Density(0.0, 0.0, 0.0, "drawn"))
    problem = problem_of(layer, drawn_machine(27032, True, 3), Encoding.RAW, Encoding.CSC)
    assert problem.architecture.overlap.iact_fill
    schedule = Schedule(problem, Mapping(weight_encoding=Encoding.CSC))
    dense, fewer = (drawn_pattern(layer, *densities) for densities in ((None, None, 2), (0.5, 0.5, 4)))
    one, two = (time_schedule(schedule, stored_pattern(schedule, pattern)) for pattern in (dense, fewer))
    assert (two.starts <= one.starts).all()
    assert (two.starts + two.lengths <= one.starts + one.lengths).all()
    assert two.cycles < one.cycles
    wide = widened_schedule(schedule, "noc.weight")
    assert time_schedule(wide, stored_pattern(wide, dense)).cycles <= one.cycles


@pytest.mark.parametrize("path", ["pe.spad.iact.depth", "pe.fifo_depth.iact", "pe.fifo_depth.psum"])
def test_memories_that_are_never_full_do_not_matter(path: str) -> None:
    """Their state is kept for as many words as a layer has, so that a machine with huge ones takes no more room."""
    most = 1 << 24 if "spad" in path else 1 << 20
    cycles = [simulate_network(TINY, *load_machine("eyeriss_v2", [(path, str(d))])).totals.cycles for d in (4096, most)]
    assert cycles[0] == cycles[1]
