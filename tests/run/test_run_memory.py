"""What is remembered of searches, checks and counts is what doing them again gives, whatever the order of machines."""

from __future__ import annotations

import math
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.files.vocabulary import Fidelity, Objective
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.problem import SIGMAS
from accelerator_sim.mapping.search import Found, SearchOptions, Unmappable, find_mappings
from accelerator_sim.mapping.search_memory import SearchMemory
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.run.layer_run import run_layer
from accelerator_sim.run.run_memory import RunMemory
from accelerator_sim.run.run_setup import RunSetup
from accelerator_sim.technology.actions import ActionEnergies, resolve_actions
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network_loader import load_network
from tests.oracles.strategies import layers, machines

TECHNOLOGY = load_technology("cmos65_8b")
BANDWIDTHS = st.sampled_from([2e7, 1e8, 5e8, 1e9, 3e9, 1e10, 1e11, math.inf]) | st.floats(1e7, 1e11)
DEPTHS = st.sampled_from([1, 2, 4, 8, 16, 64, 1000])
Variant = tuple[float, int]
"""An off-chip bandwidth in bytes per second, and a depth of the weight SPad."""

OPTIONS = (
    SearchOptions(),
    SearchOptions(),
    SearchOptions(sigmas=2 * SIGMAS),
    SearchOptions(count=2),
    SearchOptions(count=5),
    SearchOptions(count=20),
    SearchOptions(Constraints(whole_filters=True, one_strip=True)),
)


def varied(architecture: Architecture, variant: Variant) -> Architecture:
    """The same machine with another off-chip bandwidth and another depth of the weight SPad, where it has one."""
    bandwidth, depth = variant
    machine = architecture.model_copy(update={"dram": architecture.dram.model_copy(update={"bandwidth": bandwidth})})
    pe = machine.pe
    if pe.spad.shared is not None:
        return machine
    weight = pe.spad.weight.model_copy(update={"depth": depth})
    return machine.model_copy(
        update={"pe": pe.model_copy(update={"spad": pe.spad.model_copy(update={"weight": weight})})}
    )


def plain(layer: Layer, machine: Architecture, objective: Objective, options: SearchOptions) -> list[Found] | str:
    """What the search finds, or why it finds nothing."""
    try:
        return find_mappings(layer, machine, resolve_actions(TECHNOLOGY, machine), objective, options)
    except Unmappable as error:
        return str(error)


def remembered(memory: SearchMemory, layer: Layer, setup: RunSetup, options: SearchOptions) -> list[Found] | str:
    """What the search with a memory finds, or why it finds nothing."""
    try:
        machine = setup.architecture, setup.actions
        return memory.find(layer, *machine, setup.objective, options, setup.family)
    except Unmappable as error:
        return str(error)


def same(one: list[Found] | str, two: list[Found] | str) -> bool:
    """Whether two searches find the same, but for how many mappings they cost in full."""
    if isinstance(one, str) or isinstance(two, str):
        return one == two
    return [replace(found, costed=0) for found in one] == [replace(found, costed=0) for found in two]


SEARCHES = SearchMemory()
"""One for all drawn cases: what one of them leaves must not be taken for another."""


@pytest.mark.parametrize("number", [300, pytest.param(3000, marks=pytest.mark.slow)])
def test_a_search_that_remembers_finds_what_a_plain_one_does(number: int) -> None:
    @settings(max_examples=number, deadline=None)
    @given(
        machines(roomy=False, largest=3),
        layers(most_macs=10**7, largest=16),
        st.lists(st.tuples(BANDWIDTHS, DEPTHS), min_size=1, max_size=8),
        st.sampled_from([Objective.LATENCY, Objective.LATENCY, Objective.LATENCY, *Objective]),
        st.sampled_from(OPTIONS),
    )
    def run(
        architecture: Architecture, layer: Layer, variants: list[Variant], objective: Objective, options: SearchOptions
    ) -> None:
        for number, variant in enumerate(variants * 2):
            machine = varied(architecture, variant)
            setup = RunSetup(machine, resolve_actions(TECHNOLOGY, machine), objective)
            named = replace(layer, name=f"layer {number}")
            assert same(remembered(SEARCHES, named, setup, options), plain(named, machine, objective, options))

    run()


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_a_search_that_remembers_on_large_machines(data: st.DataObject) -> None:
    """Layers of networks, whose shortlists are a few of many configurations."""
    rows = data.draw(st.sampled_from(["1", "2", "8"]))
    architecture = load_architecture("eyeriss_v2", [("cluster_array.rows", rows)])
    name = data.draw(st.sampled_from(["mobilenet_v1", "mobilenet_v1_0.5_128_sparse", "alexnet"]))
    layer = data.draw(st.sampled_from([layer for layer in load_network(name).layers if layer.is_mac]))
    memory, options = SearchMemory(), SearchOptions(count=data.draw(st.sampled_from([1, 20, 50])))
    variants = st.tuples(st.floats(1e9, 1e11), st.sampled_from([64, 96, 192]))
    for variant in data.draw(st.lists(variants, min_size=4, max_size=8)):
        machine = varied(architecture, variant)
        setup = RunSetup(machine, resolve_actions(TECHNOLOGY, machine), Objective.LATENCY)
        found = remembered(memory, layer, setup, options)
        assert same(found, plain(layer, machine, Objective.LATENCY, options))


@pytest.mark.parametrize("count", [1, 20])
def test_between_two_channels_with_one_optimum_nothing_is_searched(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer that computes for long: its best mappings are those of the slowest and of the fastest channel."""
    layer = next(layer for layer in load_network("mobilenet_v1").layers if layer.name == "PW4")
    architecture, memory = load_architecture("eyeriss_v2"), SearchMemory()
    found, options = [], SearchOptions(count=count)
    for bandwidth in (3e10, 9e10, 6e10, 5e10):
        machine = varied(architecture, (bandwidth, 96))
        setup = RunSetup(machine, resolve_actions(TECHNOLOGY, machine), Objective.LATENCY)
        found.append(memory.find(layer, machine, setup.actions, setup.objective, options, setup.family))
        if bandwidth == 9e10:
            monkeypatch.setattr("accelerator_sim.mapping.search_memory.search_space", None)
    assert len({tuple(each.mapping for each in several) for several in found}) == 1
    assert len(found[0]) == count
    bandwidths = [{each.problem.architecture.dram.bandwidth for each in several} for several in found]
    assert bandwidths == [{3e10}, {9e10}, {6e10}, {5e10}]


def test_what_is_kept_is_bounded() -> None:
    """With room for nothing, everything is searched again."""
    memory, architecture = SearchMemory(0), load_architecture("eyeriss_v2")
    layer = next(layer for layer in load_network("mobilenet_v1").layers if layer.is_mac)
    setup = RunSetup(architecture, resolve_actions(TECHNOLOGY, architecture), Objective.LATENCY)
    for _ in range(2):
        found = remembered(memory, layer, setup, SearchOptions())
        assert same(found, plain(layer, architecture, Objective.LATENCY, SearchOptions()))


MEMORY = RunMemory()


def actions_of(machine: Architecture) -> ActionEnergies:
    """Energies of a machine."""
    return resolve_actions(TECHNOLOGY, machine)


@settings(max_examples=100, deadline=None)
@given(
    machines(roomy=False, largest=3),
    layers(),
    st.lists(st.tuples(BANDWIDTHS, DEPTHS), min_size=1, max_size=5),
    st.sampled_from([Fidelity.ANALYTICAL, Fidelity.EVENT]),
    st.integers(0, 1),
)
def test_a_run_that_remembers_is_the_same(
    architecture: Architecture, layer: Layer, variants: list[Variant], fidelity: Fidelity, seed: int
) -> None:
    """Outcome, energies, mapping, and what is wrong with a layer."""
    for variant in variants * 2:
        machine = varied(architecture, variant)
        setup = RunSetup(machine, actions_of(machine), Objective.LATENCY, fidelity=fidelity, seed=seed)
        alone, kept = (run_layer(layer, None, replace(setup, memory=memory)) for memory in (None, MEMORY))
        assert_same_result(alone, kept)


def assert_same_result(one: LayerResult, two: LayerResult) -> None:
    """Compare all that a run reports."""
    assert one == two
    if one.outcome is not None and two.outcome is not None:
        timing = one.outcome.timing, two.outcome.timing
        assert list(timing[0].resource_cycles) == list(timing[1].resource_cycles)
        assert list(timing[0].exposed_cycles) == list(timing[1].exposed_cycles)


def test_masks_are_drawn_once() -> None:
    layer = next(layer for layer in load_network("mobilenet_v1_0.5_128_sparse").layers if layer.name == "PW3")
    memory = RunMemory()
    setup = RunSetup(*machine_and_actions(), Objective.LATENCY, fidelity=Fidelity.EVENT, memory=memory)
    first, other = memory.masks(layer, 0, setup.masks), memory.masks(layer, 1, setup.masks)
    assert memory.masks(replace(layer, name="another"), 0, setup.masks) is first
    assert not np.array_equal(first[1][0], other[1][0])  # type: ignore[arg-type]


def machine_and_actions() -> tuple[Architecture, ActionEnergies]:
    """The machine of the paper."""
    architecture = load_architecture("eyeriss_v2")
    return architecture, actions_of(architecture)
