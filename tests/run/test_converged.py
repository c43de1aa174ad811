"""The search converges: more effort never loses, and a machine that is worse in one thing is never faster."""

from __future__ import annotations

from itertools import pairwise

import pytest

import accelerator_sim as sim
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import Network

SPARSE = Density(0.45, 0.4, 0.5)
LAYERS = (
    Layer("conv", "conv", M=48, C=24, H=13, W=13, R=3, S=3, padding=(1, 1, 1, 1), density=SPARSE),
    Layer("point", "conv", M=96, C=64, H=12, W=12, density=SPARSE),
    Layer("first", "conv", M=16, C=3, H=31, W=31, R=3, S=3, stride=(2, 2), density=Density(1.0, 0.7, 0.5)),
    Layer("depth", "conv", G=48, H=14, W=14, R=3, S=3, padding=(1, 1, 1, 1)),
)
NETWORK = Network("converges", "made for this test", LAYERS, "test.yaml")
WORSE = {
    "pe.psum_service.cycles_per_psum": "1",
    "pe.min_cycles_per_iact": "2",
    "pe.fifo_depth": "{iact: 2, weight: 2, psum: 2}",
    "pe.spad.psum.depth": "16",
    "glb.psum.size": "960 B",
    "glb.iact.size": "768 B",
    "noc.weight.port_width": "12 b",
    "pe_cluster.rows": "2",
}
NOISE = 0.01
"""By which part the best of several mappings that are run on their own zeros may differ by luck."""


def cycles_of(overrides: list[tuple[str, str]], refine: int | None = None) -> dict[str, int]:
    """Cycles of each layer."""
    result = simulate_network(NETWORK, *load_machine("eyeriss_v2", overrides), Options(refine=refine))
    assert not result.failed
    return {layer.layer.name: outcome.timing.cycles for layer, outcome, _ in result.finished}


@pytest.fixture(scope="module")
def plain() -> dict[str, int]:
    """Cycles on Eyeriss v2."""
    return cycles_of([])


@pytest.mark.parametrize("path", WORSE)
def test_a_machine_that_is_worse_in_one_thing_is_not_faster(path: str, plain: dict[str, int]) -> None:
    worse = cycles_of([(path, WORSE[path])])
    assert sum(worse.values()) >= (1.0 - NOISE) * sum(plain.values())
    for name, cycles in worse.items():
        assert cycles >= (1.0 - 2 * NOISE) * plain[name], name


def test_more_effort_never_loses(plain: dict[str, int]) -> None:
    """And the default is within 1% of ten times the effort."""
    runs = [cycles_of([], refine) for refine in (1, 2, 5, 12, 50)]
    for few, many in pairwise(runs):
        assert all(many[name] <= few[name] for name in few)
    assert sum(plain.values()) <= 1.01 * sum(runs[-1].values())


@pytest.mark.parametrize("objective", ["energy", "edp", "dram"])
def test_other_objectives_only_get_better(objective: str) -> None:
    ranks = []
    for refine in (1, 4, 12):
        result = sim.simulate(NETWORK, "eyeriss_v2", objective=objective, refine=refine)
        assert all(layer.gap is not None and layer.gap >= 0.0 for layer in result.layers)
        energies = [
            layer.energy.total if objective == "energy" else layer.energy.total * layer.outcome.timing.cycles
            for layer in result.layers
            if layer.energy is not None and layer.outcome is not None
        ]
        moved = [float(layer.dram_bytes) for layer in result.layers]
        ranks.append(moved if objective == "dram" else energies)
    for few, many in pairwise(ranks):
        assert all(b <= a * (1 + 1e-12) for a, b in zip(few, many, strict=True))


def test_a_result_says_how_far_it_converged() -> None:
    result = simulate_network(NETWORK, *load_machine("eyeriss_v2"), Options(refine=64))
    data = result.to_dict()
    assert all(layer["mappings_run"] >= 1 for layer in data["layers"])
    assert data["bound_gap"] == pytest.approx(result.gap)
    point = next(layer for layer in result.layers if layer.layer.name == "point")
    assert point.bound_reached
    given = sim.simulate(NETWORK, "eyeriss_v2", fidelity="analytical")
    assert given.gap is None
