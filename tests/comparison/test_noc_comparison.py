"""One machine with several networks: which layers count, what ratios are over, and refusals."""

from __future__ import annotations

from typing import Any

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.comparison.noc_comparison import NOTHING, NetworkComparison, compare_networks
from accelerator_sim.files.errors import UsageError
from accelerator_sim.noc.wires import source_words, wires_of
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.technology.technology import Technology, load_technology
from accelerator_sim.workload.network import Network
from tests.small_network import WIDE

QUICK = Options(fidelity="analytical")
NAMES = ("bus", "mesh", "unicast", "broadcast")
Loaded = tuple[Architecture, Technology]


@pytest.fixture
def compared(network: Network, loaded: Loaded) -> NetworkComparison:
    return compare_networks(network, *loaded, NAMES, QUICK)


def test_a_row_a_network_and_one_a_layer(compared: NetworkComparison, network: Network) -> None:
    rows = compared.rows()
    names = [layer.name for layer in network.layers]
    assert [(row["layer"], row["network"]) for row in rows] == [
        (layer, name) for layer in ["", *names] for name in NAMES
    ]
    for name in NAMES:
        own = [row for row in rows if row["network"] == name]
        for what in ("cycles", "noc_j", "glb_j", "chip_j"):
            assert own[0][what] == pytest.approx(sum(row[what] for row in own[1:]))
        assert own[0]["latency_s"] == own[0]["cycles"] / 200e6
    pool = [row for row in rows if row["layer"] == "pool"]
    assert {(row["cycles"], row["bound_by"], row["noc_j"]) for row in pool} == {(0, NOTHING, 0.0)}


def test_ratios_are_over_the_mesh_wherever_it_stands(compared: NetworkComparison) -> None:
    assert compared.reference.name == "mesh"
    rows = {row["network"]: row for row in compared.rows() if row["layer"] == ""}
    for row in rows.values():
        for what in ("cycles", "noc", "glb", "chip"):
            key = what if what == "cycles" else f"{what}_j"
            assert row[f"{what}_ratio"] == pytest.approx(row[key] / rows["mesh"][key])
        assert row["wire_ratio"] == pytest.approx(row["wire_bit_mm"] / rows["mesh"]["wire_bit_mm"])


def test_without_the_mesh_ratios_are_over_the_first(network: Network, loaded: Loaded) -> None:
    found = compare_networks(network, *loaded, ["unicast", "bus"], QUICK)
    assert found.reference.name == "unicast"
    assert found.rows()[0]["cycles_ratio"] == 1.0


def test_sizes_are_those_of_the_wires(compared: NetworkComparison) -> None:
    for run in compared.runs:
        machine = run.result.architecture
        for tensor, bits in (("iact", 24), ("weight", 24), ("psum", 40)):
            assert run.words_per_cycle[tensor] == source_words(machine, tensor)
            assert compared.links(run, tensor) == wires_of(machine, tensor).link_bits / bits


def test_the_mesh_runs_as_ever_and_its_account_is_replaced(compared: NetworkComparison, network: Network) -> None:
    """All but the network's energy is that of a simulation of the machine as it is."""
    plain = simulate_network(network, *load_machine("eyeriss_v2"), QUICK)
    run = next(run for run in compared.runs if run.name == "mesh")
    for cost, (_, outcome, energy) in zip(run.layers, plain.finished, strict=True):
        assert cost.cycles == outcome.timing.cycles
        assert cost.chip_j - cost.noc_j == pytest.approx(energy.chip - energy.noc)
        assert cost.glb_j == energy.glb


def test_layers_that_fail_are_left_out_of_all(flawed: Network, loaded: Loaded) -> None:
    found = compare_networks(flawed, *loaded, NAMES, QUICK)
    assert found.left_out == ("wide",)
    assert found.exit_code == 5
    for run in found.runs:
        assert [cost.layer for cost in run.layers] == ["conv", "fc"]
    data = found.to_dict()
    assert (data["schema"], data["left_out"]) == ("accelerator-sim/networks/1", ["wide"])


def test_where_nothing_runs(loaded: Loaded) -> None:
    found = compare_networks(Network("none", "made up", (WIDE,), "none.yaml"), *loaded, NAMES, QUICK)
    assert {row["cycles"] for row in found.rows()} == {0}
    assert {row["cycles_ratio"] for row in found.rows()} == {None}


@pytest.mark.parametrize(
    ("arch", "names", "message"),
    [
        ("eyeriss_v2", ["mesh", "ring"], "networks is 'ring'; allowed: mesh, bus, unicast, broadcast"),
        ("eyeriss_v2", [], "networks is empty; allowed: mesh, bus, unicast, broadcast"),
        ("eyeriss_v1", ["mesh", "bus"], r"eyeriss_v1 has a flat network \(multicast_bus\)"),
    ],
)
def test_refusals(network: Network, arch: str, names: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compare_networks(network, *load_machine(arch), names, QUICK)


def test_multiples_of_a_mac_are_no_joules(network: Network) -> None:
    with pytest.raises(UsageError, match="multiples of one MAC"):
        compare_networks(network, load_architecture("eyeriss_v2"), load_technology("isca16_normalised"), NAMES, QUICK)


def test_tables_for_other_programs(compared: NetworkComparison) -> None:
    text = compared.to_csv()
    assert text.count("\n") == 1 + len(compared.rows())
    first: dict[str, Any] = compared.rows()[0]
    assert text.splitlines()[0].split(",") == list(first)
