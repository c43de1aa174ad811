"""The search kernel on spaces so small that it also runs without compilation."""

from __future__ import annotations

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.search import find_mapping
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Density, Layer
from tests.mapping.test_search import agree
from tests.oracles.brute import all_costs
from tests.oracles.strategies import machine

CLUSTERS = {
    "cluster_array": "{rows: 2, columns: 1}",
    "pe_cluster": "{rows: 2, columns: 2}",
    "noc.weight.routers": "2",
    "noc.psum.routers": "2",
    "pe.spad.iact.depth": "6",
    "pe.spad.psum.depth": "2",
    "glb.psum.size": "10 B",
}
PORTS = "iact: {port_width: 64 b}, psum: {port_width: 64 b}"
SHARED = f"{{shared: {{banks: 9, size: 32 B, tensors: [iact, weight, psum]}}, {PORTS}}}"
HANDED_OUT = "{banks: 6, size: 64 B, tensors: [iact, psum]}"
MACHINES = [
    machine("eyeriss_v2", CLUSTERS),
    machine("eyeriss_v2", CLUSTERS | {"dram.bandwidth": "1 GB/s", "overlap.weight_fill": "true"}),
    machine("eyeriss_v1", {"pe_cluster": "{rows: 3, columns: 2}", "glb.shared": HANDED_OUT}),
    machine("eyeriss_v1", {"pe_cluster": "{rows: 2, columns: 2}", "glb": SHARED, "overlap.dram_weight": "false"}),
]
LAYERS = [
    Layer("conv", "conv", M=2, C=2, H=4, W=4, R=2, S=2, padding=(1, 0, 1, 0), density=Density(0.5, 0.5, 0.5)),
    Layer("point", "conv", N=2, M=3, C=3, H=2, W=2),
    Layer("dw", "conv", G=3, H=4, W=4, R=2, S=2),
]


@pytest.mark.parametrize("columns", [None, (1, 2)])
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
@pytest.mark.parametrize("number", range(len(MACHINES)))
def test_the_kernel_finds_the_best_of_all(number: int, layer: Layer, columns: tuple[int, ...] | None) -> None:
    architecture: Architecture = MACHINES[number]
    actions = resolve_actions(load_technology(architecture.technology), architecture)
    space, costs = all_costs(layer, architecture, actions, columns)
    assert space > 10
    for objective in Objective:
        for exhaustive in (False, True):
            rules = Constraints(filter_columns_per_pe=columns)
            found = find_mapping(layer, architecture, actions, objective, rules, exhaustive)
            assert found.optimal_over == space
            agree(found, costs, actions)
