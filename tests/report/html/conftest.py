"""Pages of small networks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accelerator_sim.report.html import simulation
from accelerator_sim.study.machine import load_machine
from accelerator_sim.study.provenance import Provenance, SourceFile
from accelerator_sim.study.result import NetworkResult
from accelerator_sim.study.run import Options, simulate_network
from accelerator_sim.workload.network import Network
from tests.study.conftest import CONV, FC, POOL, TWIN

ORIGIN = Provenance(
    ("accelerator-sim", "simulate", "a b.yaml", "--set", "clock=1 GHz"),
    "channels",
    (("clock", "1 GHz"),),
    (SourceFile("workload", "a b.yaml", "0123abcd"), SourceFile("mappings", "/dev/stdin", None)),
    (("technology t", "measured, 2017"),),
)


def run(
    arch: str = "eyeriss_v2", fidelity: str = "event", overrides: tuple[tuple[str, str], ...] = ()
) -> NetworkResult:
    """Return the result of a small network with two equal layers."""
    network = Network("small", "made up", (CONV, TWIN, POOL, FC), "small.yaml")
    return simulate_network(network, *load_machine(arch, overrides), Options(fidelity=fidelity))


def page_of(result: NetworkResult) -> str:
    """Return the page of a result."""
    return simulation.dumps(result, ORIGIN)


def renamed(result: NetworkResult, name: str) -> NetworkResult:
    """Return a result whose first layer has another name."""
    first = result.layers[0]
    return replace(result, layers=(replace(first, layer=replace(first.layer, name=name)), *result.layers[1:]))


@pytest.fixture(scope="session")
def page(result: NetworkResult) -> str:
    return page_of(result)
