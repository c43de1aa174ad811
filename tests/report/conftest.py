"""The result of a small network with one layer that fails."""

from __future__ import annotations

import pytest

from accelerator_sim.study.machine import load_machine
from accelerator_sim.study.result import NetworkResult
from accelerator_sim.study.run import simulate_network
from accelerator_sim.workload.network import Network
from tests.study.conftest import CONV, FC, POOL, WIDE


@pytest.fixture(scope="session")
def result() -> NetworkResult:
    network = Network("small", "made up", (CONV, POOL, WIDE, FC), "small.yaml")
    return simulate_network(network, *load_machine("eyeriss_v2"))
