"""One answer: the same layer, mapping and seed take the same cycles whichever command is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import accelerator_sim as sim
from accelerator_sim.run.best_mappings import best_mappings
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network

FEW = ("lstm_arnet", "wav2vec2_frontend")
TEN = (
    "alexnet", "alexnet_sparse", "mobilenet_v1_0.5_128", "mobilenet_v1_0.5_128_sparse", "mobilenet_v2_84",
    "mobilenet_v3_small", "resnet18", "squeezenet", "shufflenet_v2", "gpt2_decode",
)  # fmt: skip
MACHINES = ("eyeriss_v2", "eyeriss_v1_5")


def different(network: Network) -> Network:
    """The network with one layer of each shape."""
    kept = {replace(layer, name="", reads=()): layer for layer in network.layers if layer.is_mac}
    return replace(network, layers=tuple(kept.values()))


@pytest.mark.parametrize("name", [*FEW, *(pytest.param(name, marks=pytest.mark.slow) for name in TEN)])
def test_map_is_simulate(name: str) -> None:
    architecture, technology = load_machine("eyeriss_v2")
    network = different(load_network(name))
    for result in sim.simulate(network, architecture).layers:
        chosen = best_mappings(result.layer, architecture, technology, Options()).chosen
        assert (chosen.outcome, chosen.energy) == (result.outcome, result.energy), result.layer.name


@pytest.mark.parametrize("machine", MACHINES)
def test_compare_explain_and_sweep_are_simulate(machine: str, tmp_path: Path) -> None:
    network, seed = "lstm_arnet", 3
    whole = sim.simulate(network, machine, seed=seed)
    assert sim.compare(network, [machine], seed=seed).runs[0].layers == whole.layers
    assert sim.explain(network, machine, seed=seed, changes=False).run.layers == whole.layers
    (tmp_path / "s.yaml").write_text(
        f"architecture: {machine}\nworkloads: [{network}]\nseed: {seed}\nfidelity: event\naxes: {{clock: [200 MHz]}}\n"
    )
    (row,) = sim.run_sweep(tmp_path / "s.yaml", tmp_path / "s.sqlite")
    assert row["cycles"] == whole.totals.cycles
    assert row["energy_j"] == pytest.approx(whole.totals.energy_j)


def test_what_is_estimated_says_so() -> None:
    for fidelity, estimate in (("analytical", True), ("event", False)):
        result = sim.simulate("lstm_arnet", fidelity=fidelity)  # type: ignore[arg-type]
        assert result.to_dict()["estimate"] is result.estimate is estimate
        assert {row["estimate"] for row in result.rows()} == {estimate}
        assert sim.compare("lstm_arnet", fidelity=fidelity).to_dict()["estimate"] is estimate  # type: ignore[arg-type]
    assert sim.compare_dataflows("lstm_arnet", "rs").to_dict()["estimate"] is True
