"""Layers of very many passes: what repeats gives the same times as all passes one by one."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

import accelerator_sim as sim
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.mapping.mapping import Encoding, Mapping, Stationary
from accelerator_sim.mapping.problem import MappingProblem, problem_of
from accelerator_sim.simulation.engines import Cycle, Event
from accelerator_sim.simulation.repeats import FEW, NEAR, repeated, time_schedule
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.pattern import Pattern
from tests.oracles.strategies import machines, mappings

LONG = FEW[0] + NEAR + 1


@st.composite
def long_problems(draw: st.DrawFn) -> MappingProblem:
    """A dense layer with many tiles along some dimensions, on a random machine."""
    architecture = draw(machines(largest=2))
    assume(not architecture.dram.duplex or architecture.dram.bandwidth == float("inf"))
    size = st.sampled_from([1, 2, 3, 17, 40])
    g, n, m, c = draw(st.integers(1, 20)), draw(st.integers(1, 12)), draw(size), draw(size)
    if draw(st.booleans()):
        layer = Layer("long", "matmul", G=g, N=1, W=draw(size), C=c, M=m)
    else:
        layer = Layer("long", "conv", G=g, N=n, M=m, C=c, H=4, W=5, R=2, S=3, padding=(0, 1, 1, 0))
    encodings = [Encoding.RAW] if architecture.pe.csc is None else [Encoding.RAW, Encoding.CSC]
    return problem_of(layer, architecture, draw(st.sampled_from(encodings)), draw(st.sampled_from(encodings)))


@pytest.mark.parametrize("number", [150, pytest.param(1500, marks=pytest.mark.slow)])
def test_what_repeats_stands_for_all(number: int) -> None:
    """Cycles, waits and PE-cycles by cause and place; the FIFO marks, too."""
    compared = 0

    @settings(max_examples=number, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def run(data: st.DataObject) -> None:
        nonlocal compared
        problem = data.draw(long_problems())
        schedule = Schedule(problem, data.draw(mappings(problem)))
        assume(schedule.passes < 30_000)
        stored = stored_pattern(schedule, Pattern())
        whole = repeated(schedule, stored)
        assert whole is not None
        assume(any(count > LONG for count in whole.counts.values()))
        assert whole.cut({}).deals == schedule.deals
        one_by_one, by_parts = time_schedule(schedule, stored), time_schedule(schedule, stored, most=0)
        assert by_parts.cycles == one_by_one.cycles
        assert by_parts.waits.tolist() == one_by_one.waits.tolist()
        assert np.array_equal(by_parts.spent, one_by_one.spent)
        assert (by_parts.iact_fifo, by_parts.psum_fifo) == (one_by_one.iact_fifo, one_by_one.psum_fifo)
        compared += 1

    run()
    assert compared >= number // 10


HUGE = Network(
    "huge",
    "made up",
    (
        Layer("g60", "gemm", W=1 << 20, C=1 << 20, M=1 << 20),
        Layer("pairs", "matmul", G=1 << 31),
        Layer("groups", "conv", G=1 << 31, H=3, W=3, R=3, S=3),
    ),
    "huge.yaml",
)


SLOW_MACHINES = [pytest.param(name, marks=pytest.mark.slow) for name in ("eyeriss_v1", "eyeriss_v2_16384")]


@pytest.mark.parametrize("architecture", ["eyeriss_v2", *SLOW_MACHINES])
def test_huge_dense_layers_run(architecture: str) -> None:
    result = sim.simulate(HUGE, architecture)
    assert result.complete
    assert result.totals.macs == result.totals.effectual_macs == (1 << 60) + (1 << 31) + 9 * (1 << 31)
    for layer in result.layers:
        assert layer.outcome is not None
        peak = result.architecture.macs_per_cycle
        assert layer.outcome.timing.cycles >= layer.layer.macs / peak
        assert all(0.0 <= share <= 1.0 for share in layer.outcome.timing.utilization_over_time)


def test_too_many_passes_that_do_not_repeat_are_refused() -> None:
    """Of sparse operands, and where clocks are stepped."""
    architecture = load_architecture("eyeriss_v2")
    mapping = Mapping(stationary=Stationary.NONE)
    layer = Layer("wide", "gemm", W=4096, C=64, M=64)
    schedule = Schedule(problem_of(layer, architecture), mapping)
    assert schedule.passes > 1 << 22
    with pytest.raises(
        ValueError, match=r"layer wide has [\d,]+ passes on eyeriss_v2; at most 4,194,304 are run one by"
    ):
        Cycle().run(schedule, stored_pattern(schedule, Pattern()))
    sparse = Layer("wide", "gemm", W=4096, C=64, M=64, density=Density(iact=0.5))
    schedule = Schedule(problem_of(sparse, architecture), mapping)
    mask = np.ones((1, 64, 1, 1, 4096), dtype=np.uint8)
    with pytest.raises(ValueError, match="are run one by one: use the analytical fidelity"):
        Event().run(schedule, stored_pattern(schedule, Pattern(iact_mask=mask)))
