"""Quantities that mean the same in every engine: effectual MACs of padded layers, and the latency of requests."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.files.vocabulary import Fidelity, Objective
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.mapping.search import find_mapping
from accelerator_sim.run.layer_run import simulate_layer
from accelerator_sim.run.run_setup import RunSetup
from accelerator_sim.simulation.analytical import exposed_requests
from accelerator_sim.simulation.engines import Analytical, Cycle, Event, estimate_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.pattern import Pattern, draw, effectual_macs, values
from tests.oracles import naive
from tests.oracles.strategies import Case, cases, layers

C3D = Layer("conv4", "conv", C=64, D=4, T=3, H=14, W=14, M=64, R=3, S=3, padding=(1, 1, 1, 1), padding_d=(1, 1))
SMALL = Layer("c3d", "conv", C=2, D=1, T=2, H=3, W=3, M=2, padding_d=(0, 1))


@settings(max_examples=500)
@given(layers())
def test_macs_on_inputs_are_those_of_a_list(layer: Layer) -> None:
    assert layer.inside_macs == naive.inside_macs(layer)
    dense = replace(layer, density=Density(), effectual_fraction=None)
    assert dense.effectual_macs == layer.inside_macs == effectual_macs(dense, Pattern(), count_padding=False)


@settings(max_examples=200)
@given(case=cases(), seed=st.integers(0, 1000))
def test_a_padded_dense_layer_has_the_same_effectual_macs_everywhere(case: Case, seed: int) -> None:
    """In the estimate and both engines, with and without carried values, and every access count with them."""
    layer = replace(case.problem.layer, density=Density(), effectual_fraction=None)
    assume(any(layer.padding + layer.padding_d))
    problem = problem_of(layer, case.problem.architecture, case.mapping.iact_encoding, case.mapping.weight_encoding)
    schedule = Schedule(problem, case.mapping)
    stored = stored_pattern(schedule, draw(layer, seed))
    precision = problem.architecture.precision
    event = Event().run(schedule, stored)
    operands = values(layer, draw(layer, seed), seed, precision.iact, precision.weight)
    assert Cycle().run(schedule, stored) == event
    assert Cycle(operands).run(schedule, stored).counts == event.counts
    assert estimate_of(schedule).counts.effectual_macs == event.counts.effectual_macs == naive.inside_macs(layer)
    assert Analytical().run(schedule, stored).counts.accesses == event.counts.accesses


@pytest.mark.parametrize(("layer", "effectual"), [(C3D, 65_536_000), (SMALL, 36)])
@pytest.mark.parametrize("fidelity", list(Fidelity))
def test_depth_padding(layer: Layer, effectual: int, fidelity: Fidelity) -> None:
    architecture, technology = load_machine("eyeriss_v2")
    machine = RunSetup(architecture, resolve_actions(technology, architecture), Objective.LATENCY, fidelity=fidelity)
    result = simulate_layer(layer, None, machine)
    assert result.outcome is not None
    assert result.outcome.counts.effectual_macs == layer.effectual_macs == effectual


def slower(name: str, latency: str, bandwidth: str) -> Architecture:
    return load_architecture(name, [("dram.latency", latency), ("dram.bandwidth", bandwidth)])


@pytest.mark.parametrize("name", ["eyeriss_v1", "eyeriss_v2"])
def test_latency_acts_whether_or_not_the_bandwidth_is_limited(name: str) -> None:
    """As with a bandwidth so high that every transfer takes one cycle, but for those cycles."""
    layer = Layer("conv", "conv", C=16, H=12, W=12, M=32, R=3, S=3, padding=(1, 1, 1, 1))
    actions = resolve_actions(load_machine(name)[1], load_machine(name)[0])
    mapping = find_mapping(layer, slower(name, "0 s", "unlimited"), actions).mapping
    cycles = {}
    for bandwidth in ("unlimited", "1000 TB/s"):
        for latency in ("0 s", "1 us"):
            problem = problem_of(
                layer, slower(name, latency, bandwidth), mapping.iact_encoding, mapping.weight_encoding
            )
            schedule = Schedule(problem, mapping)
            stored = stored_pattern(schedule, Pattern())
            event = Event().run(schedule, stored)
            assert Cycle().run(schedule, stored) == event
            cycles[bandwidth, latency] = (
                event.timing.cycles,
                estimate_of(schedule).timing.cycles,
                exposed_requests(schedule),
                schedule.passes,
            )
    (none, estimate, _, _), (late, late_estimate, requests, passes) = (
        cycles["unlimited", "0 s"], cycles["unlimited", "1 us"],
    )  # fmt: skip
    delay = 200  # a microsecond at 200 MHz
    assert requests >= 2  # what is read first, and what is written last
    assert late_estimate - estimate == requests * delay
    # The GLB is filled, too, while the first request is on its way.
    assert delay < late - none <= (3 * passes + 1) * delay
    assert 0 <= cycles["1000 TB/s", "1 us"][0] - late <= 3 * passes + 1


def test_a_request_is_delayed_once() -> None:
    """One pass: iacts and weights are asked for together, and the outputs when they are there."""
    layer = Layer("fc", "fc", C=4, M=4)
    for bandwidth in ("unlimited", "1 GB/s"):
        found = []
        for latency in ("0 s", "1 us"):
            architecture = slower("eyeriss_v2", latency, bandwidth)
            actions = resolve_actions(load_machine("eyeriss_v2")[1], architecture)
            best = find_mapping(layer, architecture, actions)
            schedule = Schedule(best.problem, best.mapping)
            assert schedule.passes == 1
            found.append(
                [
                    Event().run(schedule, stored_pattern(schedule, Pattern())).timing.cycles,
                    estimate_of(schedule).timing.cycles,
                ]
            )
        assert [late - early for early, late in zip(*found, strict=True)] == [400, 400]
