"""A network: every different layer once, none able to stop the others."""

from dataclasses import replace

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.errors import UsageError
from accelerator_sim.mapping.file import MappingPlan
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.status import Status
from accelerator_sim.run import network_run as running
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.run.run_setup import RunSetup
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from tests.small_network import CONV, FC


def test_layers_come_in_order_and_twins_run_once(
    network: Network, architecture: Architecture, technology: Technology, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def spy(layer: Layer, given: Mapping | None, machine: RunSetup) -> LayerResult:
        ran.append(layer.name)
        return real(layer, given, machine)

    real = running.run_layer
    monkeypatch.setattr(running, "run_layer", spy)
    result = simulate_network(network, architecture, technology)
    assert ran == ["conv", "pool", "fc"]
    assert [layer.layer.name for layer in result.layers] == ["conv", "twin", "pool", "fc"]
    assert [layer.status for layer in result.layers] == ["ok", "ok", "traffic_only", "ok"]
    assert result.layers[0].outcome == result.layers[1].outcome
    assert result.exit_code == 0


def test_a_bad_layer_leaves_the_rest(flawed: Network, architecture: Architecture, technology: Technology) -> None:
    again = replace(flawed, layers=(*flawed.layers, replace(flawed.layers[1], name="again")))
    result = simulate_network(again, architecture, technology)
    assert [layer.status for layer in result.layers] == ["ok", "failed", "ok", "failed"]
    assert str(result.layers[3].error).startswith("as wide: layer wide cannot be mapped")
    assert result.exit_code == 5
    assert (result.totals.layers, result.totals.failed, result.totals.macs) == (4, 2, CONV.macs + FC.macs)


def test_a_mapping_for_one_twin_sets_it_apart(
    network: Network, architecture: Architecture, technology: Technology
) -> None:
    result = simulate_network(network, architecture, technology, Options(plan=MappingPlan({"twin": Mapping()})))
    assert result.layers[1].mapping == Mapping()
    assert result.layers[0].mapping != Mapping()


def test_batch_and_selection(network: Network, architecture: Architecture, technology: Technology) -> None:
    result = simulate_network(network, architecture, technology, Options(batch=3, layers=("f*", "pool")))
    assert [layer.layer.name for layer in result.layers] == ["pool", "fc"]
    assert result.totals.macs == 3 * FC.macs
    assert result.workload_layers == 4
    with pytest.raises(UsageError, match="no layer of small matches 'g'"):
        simulate_network(network, architecture, technology, Options(layers=("g",)))


def test_progress_and_interruption(network: Network, architecture: Architecture, technology: Technology) -> None:
    seen: list[tuple[int, int, str]] = []

    def progress(done: int, total: int, name: str) -> None:
        seen.append((done, total, name))
        if done == 1:
            raise KeyboardInterrupt

    result = simulate_network(network, architecture, technology, Options(), progress)
    assert seen == [(0, 3, "conv"), (1, 3, "pool")]
    assert [layer.status for layer in result.layers] == ["ok", "ok", "interrupted", "interrupted"]
    assert result.layers[2].error == "interrupted"
    assert result.exit_code == 130


def test_a_broken_law_outweighs_a_failed_layer(
    flawed: Network, architecture: Architecture, technology: Technology, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = running.run_layer

    def spy(layer: Layer, given: Mapping | None, machine: RunSetup) -> LayerResult:
        result = real(layer, given, machine)
        return LayerResult(layer, Status.FAILED, error="a law", law_broken=True) if layer.name == "fc" else result

    monkeypatch.setattr(running, "run_layer", spy)
    result = simulate_network(flawed, architecture, technology)
    assert [layer.status for layer in result.layers] == ["ok", "failed", "failed"]
    assert result.exit_code == 4
