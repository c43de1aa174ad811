"""Totals follow from the layers."""

from dataclasses import replace

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.technology.energy_unit import EnergyUnit, EnergyUnitError
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.network import Network
from tests.small_network import CONV, FC


@pytest.fixture
def result(network: Network, architecture: Architecture, technology: Technology) -> NetworkResult:
    return simulate_network(network, architecture, technology, Options(batch=2))


def test_totals(result: NetworkResult) -> None:
    totals = result.totals
    outcomes = [outcome for _, outcome, _ in result.finished]
    assert (totals.layers, totals.mac_layers, totals.failed) == (4, 3, 0)
    assert totals.macs == 2 * (2 * CONV.macs + FC.macs)
    assert totals.cycles == sum(outcome.timing.cycles for outcome in outcomes)
    assert totals.latency_s == totals.cycles / 200e6
    assert totals.inferences_per_s == 2 / totals.latency_s
    assert totals.energy_j == result.energy.chip
    assert totals.energy_dram_j == result.energy.dram
    assert totals.inferences_per_j == 2 / totals.energy_j
    # Operations (two a MAC) per inference times inferences per joule.
    assert totals.gops_per_w == pytest.approx(2 * totals.macs / 2 * totals.inferences_per_j / 1e9)
    assert totals.dram_bytes == sum(sum(outcome.counts.dram_bytes.values()) for outcome in outcomes)
    issued = sum(outcome.counts.macs_issued for outcome in outcomes)
    assert totals.utilization == issued / (totals.cycles * 384)


def test_accesses_and_noc_are_sums(result: NetworkResult) -> None:
    for level in ("dram", "glb", "noc", "spad", "mac"):
        words = sum(a.reads + a.writes for a in result.accesses if a.level == level)
        per_layer = (outcome.counts.accesses for _, outcome, _ in result.finished)
        assert words == sum(a.reads + a.writes for records in per_layer for a in records if a.level == level)
    sent = sum(use.words for use in result.noc)
    assert sent == sum(use.words for _, outcome, _ in result.finished for use in outcome.counts.noc)


def test_no_rates_for_normalised_energies(result: NetworkResult) -> None:
    layers = tuple(
        replace(layer, energy=layer.energy and replace(layer.energy, unit=EnergyUnit.MAC)) for layer in result.layers
    )
    totals = replace(result, layers=layers, energy_unit=EnergyUnit.MAC).totals
    assert (totals.inferences_per_j, totals.gops_per_w) == (None, None)
    assert totals.energy_macs == result.totals.energy_j
    assert totals.energy_dram_macs == result.totals.energy_dram_j
    assert not hasattr(totals, "energy_j")
    with pytest.raises(EnergyUnitError, match="multiples of one MAC, not joules; read them in MACs"):
        _ = totals.energy_dram_j
    with pytest.raises(EnergyUnitError, match="energies are in joules, not multiples of one MAC"):
        _ = result.totals.energy_macs


def test_no_rates_where_nothing_runs(result: NetworkResult) -> None:
    totals = replace(result, layers=()).totals
    assert (totals.inferences_per_s, totals.inferences_per_j, totals.utilization) == (None, None, 0.0)
