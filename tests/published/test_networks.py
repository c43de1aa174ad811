"""The argument for the hierarchical mesh (Chen et al., IEEE JETCAS 9(2) 2019, III-A, V-A), at equal link count.

A broadcast network has reuse but little bandwidth from its source, a unicast network bandwidth but no reuse; the mesh
has what a layer needs.  The figures of the paper are qualitative; the bounds here are ours, and docs/networks.md has
all figures and says what does not come out.
"""

from __future__ import annotations

from functools import lru_cache

import pytest

from accelerator_sim.comparison.noc_comparison import NetworkComparison, compare_networks
from accelerator_sim.energy.wire_energy import driven
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.noc.alternatives import alternatives
from accelerator_sim.results.tabular import Row
from accelerator_sim.run.options import Options
from accelerator_sim.simulation.engines import estimate_of
from accelerator_sim.simulation.reach import reach_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.network_loader import load_network

NAMES = ("mesh", "bus", "unicast", "broadcast")
CONV = ("CONV3", "CONV4", "CONV5")
FC = ("FC6", "FC7", "FC8")
DW = ("DW2", "DW5", "DW9", "DW14")


@lru_cache(maxsize=4)
def compared(arch: str, workload: str, layers: tuple[str, ...]) -> NetworkComparison:
    return compare_networks(load_network(workload), *load_machine(arch), NAMES, Options(layers=layers))


def rows(arch: str, workload: str, layers: tuple[str, ...]) -> dict[tuple[str, str], Row]:
    """Rows by layer and network."""
    found = compared(arch, workload, layers).rows()
    return {(row["layer"], row["network"]): row for row in found}


MACHINES = pytest.mark.parametrize("arch", ["eyeriss_v1_5", "eyeriss_v2"])


@MACHINES
@pytest.mark.parametrize("layer", DW)
def test_depthwise_layers_need_more_than_one_source(arch: str, layer: str) -> None:
    """MobileNet DW at batch 1: nothing is reused, so that a bus (JETCAS V-A: v1) is slower by far."""
    found = rows(arch, "mobilenet_v1_0.5_128", DW)
    for name in ("bus", "broadcast"):
        assert found[layer, name]["cycles_ratio"] > 5


@MACHINES
@pytest.mark.parametrize("layer", FC)
def test_fully_connected_layers_need_more_than_one_source(arch: str, layer: str) -> None:
    """AlexNet FC at batch 1: each weight is used once."""
    found = rows(arch, "alexnet", CONV + FC)
    for name in ("bus", "broadcast"):
        assert found[layer, name]["cycles_ratio"] > 10
        assert found[layer, name]["bound_by"] == "weight_fill"
    # Ways of their own to all PEs are long, so that as many links carry less than the short ones of the mesh.
    assert 1.3 < found[layer, "unicast"]["cycles_ratio"] < 3


@pytest.mark.parametrize("layer", CONV)
def test_convolutions_are_content_with_a_bus(layer: str) -> None:
    """Dense CONV layers reuse iacts and weights, so that the v1 PE is kept busy by one source (JETCAS V-A)."""
    found = rows("eyeriss_v1_5", "alexnet", CONV + FC)
    assert found[layer, "bus"]["cycles_ratio"] < 1.35


@pytest.mark.parametrize("layer", CONV)
def test_without_reuse_in_the_network_convolutions_cost_more(layer: str) -> None:
    """Unicast: every delivery is a read of the GLB and a way of its own."""
    unicast = rows("eyeriss_v1_5", "alexnet", CONV + FC)[layer, "unicast"]
    assert unicast["glb_ratio"] > 1.4
    assert unicast["noc_ratio"] > 1.3
    assert unicast["chip_ratio"] > 1.1


@MACHINES
@pytest.mark.parametrize("layer", CONV + FC)
def test_a_broadcast_wastes_its_wires(arch: str, layer: str) -> None:
    found = rows(arch, "alexnet", CONV + FC)
    assert found[layer, "broadcast"]["noc_ratio"] > 2
    assert found[layer, "broadcast"]["noc_j"] > 1.5 * found[layer, "bus"]["noc_j"]


@pytest.mark.parametrize("layer", CONV)
def test_the_same_mapping_with_and_without_multicast(layer: str) -> None:
    """With the mapping of the bus, ways of their own read each iact once a PE, and drive more wire with iacts."""
    architecture, _ = load_machine("eyeriss_v1_5")
    machines = alternatives(architecture, ["bus", "unicast"])
    run = next(run for run in compared("eyeriss_v1_5", "alexnet", CONV + FC).runs if run.name == "bus")
    result = next(result for result in run.result.layers if result.layer.name == layer)
    assert result.mapping is not None
    sent, read, wire = {}, {}, {}
    for name, machine in machines.items():
        schedule = Schedule(problem_of(result.layer, machine), result.mapping)
        outcome = estimate_of(schedule)
        sent[name] = schedule.iact_sent
        read[name] = outcome.counts.access("glb", "iact").reads
        use = next(use for use in outcome.counts.noc if use.tensor == "iact")
        wire[name] = driven(schedule, use, reach_of(schedule)).bit_mm
    fan_out = sent["unicast"] / sent["bus"]
    assert fan_out >= 8
    assert read["unicast"] / read["bus"] == fan_out
    assert wire["unicast"] > 2 * wire["bus"]


def test_equal_links() -> None:
    """No alternative has more links than the mesh, whose wire is longer only by the ways from cluster to cluster."""
    found = compared("eyeriss_v1_5", "alexnet", CONV + FC)
    mesh = found.reference
    for run in found.runs:
        for tensor in ("iact", "weight", "psum"):
            assert found.links(run, tensor) <= found.links(mesh, tensor)
        assert 0.5 < run.bit_mm / mesh.bit_mm <= 1
