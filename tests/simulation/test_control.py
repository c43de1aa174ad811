"""Options of control in the architecture file: every one and every pair of them in all engines; what each one costs."""

from __future__ import annotations

import itertools

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from accelerator_sim.simulation.engines import Event
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from tests.oracles.strategies import CONTROL, Case, controlled
from tests.simulation.test_engines import drawn_pattern, engines_agree
from tests.simulation.test_stepper import steps_agree

SETS = [*itertools.combinations(CONTROL, 1), *itertools.combinations(CONTROL, 2)]
FASTER = ("overlap.glb_fill",)
"""Options that take a wait away."""
EITHER_WAY = (
    "pe.iact_window", "pe.csc.weight_addresses_per_cycle", "pe.csc.more_weight_addresses",
    "noc.hop_cycles", "pe.psum_service.start", "pe.psum_service.latency",
)  # fmt: skip
"""Options that may do both: a window that is reloaded comes in flits of its own, of which the first one may need fewer
than the segments of a sliding one; addresses that are sent in turn may take fewer cycles than in flits with weights;
the longer PEs get weights, the earlier a pass begins while those still come from off-chip.  A flit of psums that comes
a cycle earlier may just have missed its turn at an alternating bank, or come before another request at the channel."""
SLOWER = [name for name in CONTROL if name not in (*FASTER, *EITHER_WAY)]
DENSITIES = st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0])


@pytest.mark.parametrize("number", [1, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("names", SETS, ids="+".join)
def test_every_option_and_pair_in_all_engines(names: tuple[str, ...], number: int) -> None:
    """The event engine, the clock-by-clock engine and the machine in plain Python, on machines drawn anew."""

    @settings(max_examples=number)
    @given(cases=controlled(names, most_macs=600), iact=DENSITIES, weight=DENSITIES, seed=st.integers(0, 1000))
    def run(cases: tuple[Case, Case], iact: float, weight: float, seed: int) -> None:
        engines_agree(cases[0], iact, weight, seed)
        steps_agree(cases[0], seed, iact, weight)

    run()


@pytest.mark.parametrize("number", [25, pytest.param(500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", [*SLOWER, *FASTER])
def test_what_an_option_costs(name: str, number: int) -> None:
    """With the same mapping and zeros, an option that adds a wait makes no layer faster, nor the others one slower."""

    @settings(max_examples=number)
    @given(cases=controlled((name,)), iact=DENSITIES, weight=DENSITIES, seed=st.integers(0, 1000))
    def run(cases: tuple[Case, Case], iact: float, weight: float, seed: int) -> None:
        pattern = drawn_pattern(cases[0].problem.layer, iact, weight, seed)
        schedules = [Schedule(case.problem, case.mapping) for case in cases]
        on, off = (Event().run(each, stored_pattern(each, pattern)).timing.cycles for each in schedules)
        assert on <= off if name in FASTER else on >= off

    run()
