"""Eyexam's bounds: they never rise, and the last one is what the event engine says."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.eyexam.bounds import STEPS, Examination, examine
from accelerator_sim.eyexam.explain import explain
from accelerator_sim.eyexam.explanation import Explanation
from accelerator_sim.files.data import builtin_names
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.run.layer_run import run_layer
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.run.run_setup import RunSetup
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network
from tests.layers_of import sample_of
from tests.oracles.strategies import layers, machines

ROUNDING = 1e-9
MOST = 10
"""Layers of each network that are examined by the slow test."""


def examined(layer: Layer, architecture: Architecture) -> Examination | None:
    """The bounds of a layer with its best mapping; None where it has none."""
    actions = resolve_actions(load_technology(architecture.technology), architecture)
    result = run_layer(layer, None, RunSetup(architecture, actions, Objective.LATENCY, fidelity="event"))
    assert not result.law_broken, result.error
    if result.outcome is None:
        return None
    assert result.mapping is not None
    return examine(layer, result.mapping, result.outcome, architecture)


def rises(bounds: Examination) -> list[int]:
    """Steps whose own solution takes longer than that of the next step."""
    return [step for step in range(1, 7) if bounds.solved[step - 1] > bounds.solved[step] * (1.0 + ROUNDING) + ROUNDING]


@given(layers(), machines())
@settings(max_examples=150)
def test_bounds_of_dense_layers_never_rise(layer: Layer, architecture: Architecture) -> None:
    bounds = examined(replace(layer, density=Density(), effectual_fraction=None), architecture)
    if bounds is not None:
        assert rises(bounds) == []
        assert bounds.cycles == bounds.solved


@given(layers(), machines())
@settings(max_examples=100)
def test_what_is_said_of_the_bounds_adds_up(layer: Layer, architecture: Architecture) -> None:
    bounds = examined(layer, architecture)
    if bounds is None:
        return
    assert list(bounds.cycles) == sorted(bounds.cycles)
    actual = max(bounds.cycles[-1], bounds.peak_cycles)
    assert math.isclose(sum(bounds.lost), actual - bounds.peak_cycles, abs_tol=1e-6)
    assert math.isclose(bounds.active * bounds.used, bounds.peak_cycles / bounds.cycles[-1], rel_tol=1e-9)
    assert all(lost >= 0.0 for lost in bounds.lost)
    assert bounds.rate(7) * bounds.cycles[6] == pytest.approx(layer.macs)
    assert bounds.rate(1) == layer.macs


def explained(network: Network, architecture: str) -> Explanation:
    return explain(network, *load_machine(architecture), Options())


def check_network(network: Network, architecture: str) -> None:
    """Bounds of every layer never rise as they were solved, and the last is the result of the event engine."""
    found = explained(network, architecture)
    run = simulate_network(network, *load_machine(architecture), Options())
    assert [layer.error for layer in found.run.failed] == []
    cycles = {result.layer.name: result.outcome.timing.cycles for result in run.layers if result.outcome}
    for each in found.explained:
        name = each.result.layer.name
        assert rises(each.bounds) == [], (name, each.bounds.solved)
        assert each.bounds.cycles[6] == cycles[name]
    assert len(found.explained) == sum(result.layer.is_mac for result in run.layers)


@pytest.mark.parametrize("architecture", ["eyeriss_v2", "eyeriss_v1_192", "eyeriss_v1_5"])
@pytest.mark.parametrize(
    "network", ["mobilenet_v1_0.5_128", "mobilenet_v1_0.5_128_sparse", "lstm_arnet", "gpt2_decode"]
)
def test_every_layer_of_some_networks(network: str, architecture: str) -> None:
    check_network(load_network(network), architecture)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["eyeriss_v2", "eyeriss_v1_192"])
@pytest.mark.parametrize("network", builtin_names("workloads"))
def test_layers_of_every_network(network: str, architecture: str) -> None:
    check_network(sample_of(network, MOST), architecture)


def test_a_layer_that_fills_the_machine_loses_nothing_before_the_last_steps() -> None:
    """A matrix product whose sizes are multiples of the array: 192 lanes all busy, by hand."""
    architecture = load_machine("eyeriss_v1_5")[0]
    bounds = examined(Layer("gemm", "gemm", W=64, C=48, M=64), architecture)
    assert bounds is not None
    assert bounds.peak_cycles == 64 * 48 * 64 / 192 == 1024
    assert bounds.cycles[:5] == (1.0, 1.0, 1024.0, 1024.0, pytest.approx(1024.0))
    assert bounds.active == pytest.approx(1.0)


def test_fragmentation_by_hand() -> None:
    """193 filters of one channel at one position on 192 lanes take two steps; two MACs a PE can serve two filters."""
    one, two = (load_machine(name)[0] for name in ("eyeriss_v1_5", "eyeriss_v2"))
    layer = Layer("fc", "fc", C=1, M=193)
    first, second = examined(layer, one), examined(layer, two)
    assert first is not None
    assert second is not None
    assert first.cycles[2] == 2.0
    assert second.cycles[2] == 1.0
    assert first.lost[2] == pytest.approx(2.0 - 193 / 192)


def test_a_mac_that_no_filter_uses_is_lost_to_the_shape_of_the_array() -> None:
    """A depthwise layer has one filter a group: the second MAC of each PE of v2 idles (step 4), v1.5 has none."""
    layer = Layer("dw", "conv", G=64, H=34, W=34, R=3, S=3)
    two, one = (examined(layer, load_machine(name)[0]) for name in ("eyeriss_v2", "eyeriss_v1_5"))
    assert two is not None
    assert one is not None
    assert two.cycles[3] == pytest.approx(2 * two.cycles[2], rel=0.01)
    assert one.cycles[3] == one.cycles[2]


def test_a_given_mapping_has_the_bounds_of_the_layer() -> None:
    """Only step 7 depends on the mapping that was run."""
    architecture, technology = load_machine("eyeriss_v2")
    layer = Layer("pw", "conv", C=16, M=16, H=8, W=8)
    actions = resolve_actions(technology, architecture)
    machine = RunSetup(architecture, actions, Objective.LATENCY, fidelity="event")
    worst = run_layer(layer, Mapping(), machine)
    assert worst.outcome is not None
    bad = examine(layer, Mapping(), worst.outcome, architecture)
    good = examined(layer, architecture)
    assert good is not None
    assert bad.cycles[:6] == good.cycles[:6]
    assert bad.cycles[6] > good.cycles[6]
    assert bad.binding == 7
    assert len(STEPS) == 7
