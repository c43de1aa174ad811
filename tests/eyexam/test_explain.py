"""Explanations of layers and networks: what they say is what simulations say."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.eyexam import explain as module
from accelerator_sim.eyexam.changes import Settings
from accelerator_sim.eyexam.explain import explain
from accelerator_sim.eyexam.explanation import Explanation
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network

SMALL = Network(
    "small",
    "made up",
    (
        Layer("conv", "conv", C=8, H=12, W=12, M=16, R=3, S=3, padding=(1, 1, 1, 1)),
        Layer("again", "conv", C=8, H=12, W=12, M=16, R=3, S=3, padding=(1, 1, 1, 1)),
        Layer("pool", "pool", iact_words=2304, oact_words=576),
        Layer("dw", "conv", G=16, H=6, W=6, R=3, S=3, padding=(1, 1, 1, 1)),
        Layer("fc", "fc", C=576, M=10),
    ),
    "",
)


def vary(settings: Settings) -> Architecture:
    return load_machine("eyeriss_v2", settings)[0]


@pytest.fixture(scope="module")
def found() -> Explanation:
    return explain(SMALL, *load_machine("eyeriss_v2"), Options(), vary)


def test_the_layers_are_those_of_the_run(found: Explanation) -> None:
    run = simulate_network(SMALL, *load_machine("eyeriss_v2"), Options())
    assert found.run == run
    assert [layer is None for layer in found.layers] == [False, False, True, False, False]
    assert found.layers[1] is not None
    assert found.layers[0] is not None
    assert found.layers[1].result.layer.name == "again"
    assert found.layers[1].bounds == found.layers[0].bounds


def test_lost_cycles_and_peak_add_up_to_the_cycles_of_the_network(found: Explanation) -> None:
    peak = sum(layer.bounds.peak_cycles for layer in found.explained)
    moved = sum(r.outcome.timing.cycles for r in found.run.layers if r.status == "traffic_only" and r.outcome)
    assert math.isclose(peak + sum(found.lost) + moved, found.run.totals.cycles, rel_tol=1e-9)


def test_causes_group_every_layer_once(found: Explanation) -> None:
    groups = found.by_cause()
    names = [layer.result.layer.name for group in groups for layer in group.layers]
    assert sorted(names) == ["again", "conv", "dw", "fc"]
    sums = [sum(sum(layer.bounds.lost) for layer in group.layers) for group in groups]
    assert sums == [group.lost for group in groups]
    assert sums == sorted(sums, reverse=True)
    for group in groups:
        for layer in group.layers:
            assert layer.bounds.lost[group.step - 1] == max(layer.bounds.lost)
            assert (group.name == "") == (group.step < 6)


def test_each_change_is_what_a_simulation_with_its_settings_says(found: Explanation) -> None:
    assert len(found.measured) > 10
    for each in found.measured:
        machine, technology = load_machine("eyeriss_v2", each.change.settings)
        totals = simulate_network(SMALL, machine, technology, Options()).totals
        assert (each.cycles, each.energy_j, each.dram_bytes) == (totals.cycles, totals.energy_j, totals.dram_bytes)


def test_the_best_changes_come_first_and_help(found: Explanation) -> None:
    cycles = [each.cycles for each in found.measured]
    assert cycles == sorted(cycles)
    assert [each.cycles for each in found.best()] == [n for n in cycles if n < found.run.totals.cycles][:3]
    small = found.best_small
    assert small is None or small.area <= 1.05
    assert found.now.area == 1.0


@pytest.mark.parametrize("network", ["fc", "dw", "conv"])
def test_what_is_ruled_out_would_not_have_been_among_the_best(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = replace(SMALL, layers=tuple(layer for layer in SMALL.layers if layer.name == network))
    quick = explain(one, *load_machine("eyeriss_v2"), Options(), vary)
    monkeypatch.setattr(module, "_least_cycles", lambda *_: 0.0)
    every = explain(one, *load_machine("eyeriss_v2"), Options(), vary)
    assert every.ruled_out == 0
    assert len(every.measured) >= len(quick.measured)
    assert [each.cycles for each in every.best()] == [each.cycles for each in quick.best()]


def test_changes_serve_the_objective() -> None:
    options = Options(objective=Objective.ENERGY)
    one = replace(SMALL, layers=SMALL.layers[:1])
    best = explain(one, *load_machine("eyeriss_v2"), options, vary)
    joules = [each.energy_j + each.energy_dram_j for each in best.measured]
    assert joules == sorted(joules)
    assert best.ruled_out == 0


def test_a_layer_that_fails_is_told_and_the_rest_is_explained() -> None:
    wide = Layer("wide", "gemm", N=64, W=1 << 31)
    found = explain(replace(SMALL, layers=(wide, SMALL.layers[4])), *load_machine("eyeriss_v2"), Options(), vary)
    assert [layer.layer.name for layer in found.run.failed] == ["wide"]
    assert [layer.result.layer.name for layer in found.explained] == ["fc"]
    assert found.to_dict()["layers"][0]["error"] == found.run.layers[0].error
    assert found.best()


def test_plain_data(found: Explanation) -> None:
    data = found.to_dict()
    assert data["schema"] == "accelerator-sim/explanation/1"
    layer = data["layers"][0]
    assert [step["step"] for step in layer["steps"]] == [1, 2, 3, 4, 5, 6, 7]
    assert layer["steps"][6]["cycles"] == layer["cycles"]
    assert layer["steps"][6]["macs_per_cycle"] == pytest.approx(layer["macs"] / layer["cycles"])
    assert sum(layer["pe_cycles"].values()) == layer["cycles"] * 192
    assert data["layers"][2] == {"name": "pool", "status": "traffic_only", "error": None, "cycles": 0}
    assert data["changes"][0]["cycles_ratio"] == min(change["cycles_ratio"] for change in data["changes"])


def test_the_same_bytes_every_time() -> None:
    network = load_network("mobilenet_v1_0.5_128").select(("DW3", "PW3"))
    one, two = (explain(network, *load_machine("eyeriss_v2"), Options(), vary).to_dict() for _ in range(2))
    assert one == two


def test_an_interrupt_keeps_what_was_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """The explanation is whole, the changes are those that were simulated by then, and the exit code says so."""
    real, calls = module.simulate_network, []

    def stop(*args: Any, **named: Any) -> Any:
        calls.append(args)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return real(*args, **named)

    monkeypatch.setattr(module, "simulate_network", stop)
    found = explain(replace(SMALL, layers=SMALL.layers[4:]), *load_machine("eyeriss_v2"), Options(), vary)
    assert found.interrupted
    assert found.exit_code == 130
    assert len(found.explained) == 1
    assert 0 < len(found.measured) < 10
