"""JETCAS 2019: cycles behind the published inferences per second, from runs with nothing set but the files."""

from __future__ import annotations

import pytest

import accelerator_sim as sim

CLOCK = 200e6  # JETCAS Table IV

MOBILENET, SPARSE_MOBILENET, ALEXNET, SPARSE_ALEXNET = (
    "mobilenet_v1_0.5_128", "mobilenet_v1_0.5_128_sparse", "alexnet", "alexnet_sparse",
)  # fmt: skip

V2 = {SPARSE_MOBILENET: 1470.6, ALEXNET: 102.1, SPARSE_ALEXNET: 278.7}
"""Inferences per second, JETCAS Table VI; without an off-chip limit (V-B)."""

TOLERANCE = {SPARSE_MOBILENET: 0.07, ALEXNET: 0.07, SPARSE_ALEXNET: 0.15}
"""The densities of each layer of sparse AlexNet are not published."""


def cycles(workload: str, architecture: str) -> int:
    """Cycles of a network by the event engine with the defaults."""
    result = sim.simulate(workload, architecture)
    assert not result.failed
    return result.totals.cycles


def test_mobilenet_on_v1_5() -> None:
    """JETCAS V: 5.6 times the throughput of v1, which took 8.57 ms (Table V): 306 k cycles; dense and deterministic."""
    assert 302_000 <= cycles(MOBILENET, "eyeriss_v1_5") <= 310_000


@pytest.mark.parametrize("workload", V2)
def test_inferences_per_second_on_v2(workload: str) -> None:
    assert CLOCK / cycles(workload, "eyeriss_v2") == pytest.approx(V2[workload], rel=TOLERANCE[workload])
