"""Comparisons: conditions, boundaries, projections, ratios."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.baseline.device import Device, load_device
from accelerator_sim.baseline.roofline import run_baseline
from accelerator_sim.comparison.compare_machines import Question, compare
from accelerator_sim.comparison.machine_comparison import Comparison
from accelerator_sim.files.errors import UsageError
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.technology.scaling import energy_ratio
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network

Loaded = tuple[Architecture, Technology]
QUICK = Options(fidelity="analytical")


@pytest.fixture(scope="session")
def devices() -> list[Device]:
    return [load_device(name) for name in ("jetson_tx2_maxq", "jetson_nano_5w")]


@pytest.fixture
def comparison(network: Network, loaded: Loaded, devices: list[Device]) -> Comparison:
    return compare(network, [loaded], devices, Question(replace(QUICK, batch=2)))


def test_entries_and_their_conditions(comparison: Comparison) -> None:
    found = [(e.name, e.node_nm, e.projection, *vars(e.conditions).values()) for e in comparison.entries]
    assert found == [
        ("eyeriss_v2", 65, False, 2, "8b", "chip+dram", "for latency"),
        ("eyeriss_v2", 16, True, 2, "8b", "chip+dram", "for latency"),
        ("eyeriss_v2", 20, True, 2, "8b", "chip+dram", "for latency"),
        ("jetson_tx2_maxq", 16, False, 2, "fp16", "board", "tuned"),
        ("jetson_nano_5w", 20, False, 2, "fp16", "board", "tuned"),
    ]


def test_energies_are_of_one_inference(comparison: Comparison, network: Network, loaded: Loaded) -> None:
    result = simulate_network(network, *loaded, replace(QUICK, batch=2))
    ours, board = comparison.entries[0], comparison.entries[3]
    assert ours.energy_j == pytest.approx(result.energy.total / 2)
    assert ours.latency_s == result.totals.latency_s
    assert sum(ours.parts.values()) == pytest.approx(ours.energy_j)
    run = run_baseline(network, load_device("jetson_tx2_maxq"), 2)
    assert (board.energy_j, board.latency_s) == (pytest.approx(run.energy_j / 2), run.latency_s)
    assert board.inferences_per_s == pytest.approx(2 / run.latency_s)
    assert board.edp_js == pytest.approx(run.energy_j / 2 * run.latency_s)


def test_a_projection_scales_the_chip_and_not_the_dram(comparison: Comparison) -> None:
    own, at_16 = comparison.entries[:2]
    by = energy_ratio(65, 1.0, 16, 0.8)
    assert at_16.parts["spad"] == pytest.approx(own.parts["spad"] * by)
    assert at_16.parts["dram"] == own.parts["dram"]
    assert at_16.latency_s == own.latency_s


def test_the_matrix_has_every_boundary_there_are_data_for(comparison: Comparison) -> None:
    cells = {
        (r.baseline.name, r.baseline.conditions.boundary, r.baseline.conditions.stack, r.accelerator.node_nm,
         r.accelerator.conditions.boundary): r
        for r in comparison.matrix
    }  # fmt: skip
    stacks = ("tuned", "tensorrt3", "tf_trt")
    tx2 = {("jetson_tx2_maxq", b, s, n, c) for b in ("board", "net") for s in stacks for n in (65, 16, 20)
           for c in ("chip", "chip+dram")}  # fmt: skip
    nano = {("jetson_nano_5w", "board", s, n, c) for s in stacks for n in (65, 16, 20) for c in ("chip", "chip+dram")}
    assert set(cells) == tx2 | nano
    ratio = cells["jetson_tx2_maxq", "board", "tuned", 65, "chip+dram"]
    entries = comparison.entries
    assert ratio.energy == pytest.approx((entries[3].energy_j or 0) / (entries[0].energy_j or 1))
    assert ratio.latency == pytest.approx((entries[3].latency_s or 0) / (entries[0].latency_s or 1))


def test_net_of_idle(network: Network, loaded: Loaded, devices: list[Device]) -> None:
    question = Question(QUICK, chip="chip", board="net")
    found = compare(network, [loaded], devices[:1], question)
    run = run_baseline(network, devices[0])
    assert found.entries[-1].energy_j == pytest.approx(run.energy_j - 4.15 * run.latency_s)
    assert found.entries[0].energy_j == pytest.approx(found.runs[0].energy.chip)
    with pytest.raises(UsageError, match=r"jetson_nano_5w has no measured idle power.*; it has: board \(module input"):
        compare(network, [loaded], devices, question)


def test_refusals(network: Network, loaded: Loaded, devices: list[Device]) -> None:
    with pytest.raises(UsageError, match="nothing to compare; give --arch or --baseline"):
        compare(network, [], [], Question(QUICK))
    with pytest.raises(UsageError, match="isca16_256 has energies in multiples of one MAC"):
        compare(network, [load_machine("isca16_256")], [], Question(QUICK))
    with pytest.raises(UsageError, match="jetson_tx2_maxq has no int8 data"):
        compare(network, [loaded], devices, Question(QUICK, precision="int8"))


def test_a_machine_that_cannot_run_all_layers_has_no_energy(flawed: Network, loaded: Loaded) -> None:
    found = compare(flawed, [loaded, loaded], [load_device("jetson_tk1")], Question(QUICK))
    assert found.entries[0].energy_j is found.entries[0].latency_s is found.entries[0].edp_js is None
    assert found.entries[0].note == "1 of 3 layers failed"
    assert found.exit_code == 5
    assert {ratio.energy for ratio in found.matrix} == {None}


def test_baselines_alone(network: Network, devices: list[Device]) -> None:
    found = compare(network, [], devices, Question(QUICK))
    assert (found.reference.name, len(found.matrix), found.exit_code) == ("jetson_tx2_maxq", 0, 0)


def test_a_node_without_a_rule_is_noted(network: Network, loaded: Loaded, devices: list[Device]) -> None:
    odd = devices[0].model_copy(update={"node": 22e-9})
    found = compare(network, [loaded], [odd], Question(QUICK))
    assert found.notes[0].startswith("eyeriss_v2 is not projected to 22 nm: 22 nm has no scaling polynomial")
    assert len(found.entries) == 2


def test_as_data(comparison: Comparison) -> None:
    data = comparison.to_dict()
    assert data["schema"] == "accelerator-sim/comparison/1"
    assert data["entries"][0]["energy_ratio"] == 1.0
    conditions = {"batch", "precision", "boundary", "stack"}
    assert all(conditions <= set(entry) for entry in data["entries"])
    cell = comparison.matrix[0].to_dict()
    assert {f"{side}_{name}" for side in ("baseline", "accelerator") for name in conditions} <= set(cell)
    assert comparison.rows()[3]["energy_static_j"] > 0
    assert comparison.to_csv().splitlines()[0].startswith("machine,kind,batch,precision,boundary,stack")


def test_must_hold_alexnet_against_tx2_maxq(devices: list[Device]) -> None:
    # Ferraz et al., ICASSP 2023: 60.2 mJ at 126.3 frames/s.
    found = compare(load_network("alexnet"), [], devices[:1], Question(QUICK))
    (entry,) = found.entries
    assert entry.measured is not None
    assert entry.measured.energy_j == pytest.approx(60.2e-3)
    assert entry.energy_j == pytest.approx(60.2e-3, rel=0.15)
    assert vars(entry.conditions) == {"batch": 1, "precision": "fp16", "boundary": "board", "stack": "tuned"}


def test_a_measurement_net_of_idle_and_none_for_another_stack(devices: list[Device]) -> None:
    network = load_network("alexnet")
    (net,) = compare(network, [], devices[:1], Question(QUICK, board="net")).entries
    assert net.measured is not None
    assert net.measured.energy_j == pytest.approx(60.2e-3 - 4.15 / 126.3)
    (old,) = compare(network, [], devices[:1], Question(QUICK, stack="tensorrt3")).entries
    assert (old.measured, old.weak) == (None, True)


def test_some_layers(loaded: Loaded) -> None:
    # The comparison that "ten times" came from (Eyeriss v1, ISSCC 2016): AlexNet's convolutions, TK1 at 68 frames/s.
    convolutions = replace(QUICK, layers=("CONV*",))
    found = compare(load_network("alexnet"), [loaded], [load_device("jetson_tk1")], Question(convolutions))
    assert (found.layers, found.workload_layers, found.macs) == (5, 12, 665_784_864)
    tk1 = found.entries[-1]
    assert tk1.inferences_per_s == pytest.approx(68, rel=0.03)
    assert tk1.energy_j == pytest.approx(0.150, rel=0.05)


def test_a_measurement_of_the_whole_network_is_not_one_of_some_layers(devices: list[Device]) -> None:
    question = Question(replace(QUICK, layers=("CONV*", "FC*")))
    assert compare(load_network("alexnet"), [], devices[:1], question).entries[0].measured is None
