"""A small network and the machine that it runs on: fixtures of several rooms."""

from __future__ import annotations

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.run.run_setup import RunSetup
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network

CONV = Layer("conv", "conv", C=4, M=8, H=8, W=8, R=3, S=3, padding=(1, 1, 1, 1))
TWIN = Layer("twin", "conv", C=4, M=8, H=8, W=8, R=3, S=3, padding=(1, 1, 1, 1))
POOL = Layer("pool", "pool", iact_words=512, oact_words=128)
WIDE = Layer("wide", "gemm", N=64, W=1 << 31)
"""It has more positions than a search has tiles for."""
FC = Layer("fc", "fc", C=128, M=10)


@pytest.fixture(scope="session")
def loaded() -> tuple[Architecture, Technology]:
    return load_machine("eyeriss_v2")


@pytest.fixture(scope="session")
def architecture(loaded: tuple[Architecture, Technology]) -> Architecture:
    return loaded[0]


@pytest.fixture(scope="session")
def technology(loaded: tuple[Architecture, Technology]) -> Technology:
    return loaded[1]


@pytest.fixture(scope="session")
def machine(architecture: Architecture, technology: Technology) -> RunSetup:
    return RunSetup(architecture, resolve_actions(technology, architecture), Objective.LATENCY)


@pytest.fixture
def network() -> Network:
    return Network("small", "made up", (CONV, TWIN, POOL, FC), "small.yaml")


@pytest.fixture
def flawed() -> Network:
    return Network("flawed", "made up", (CONV, WIDE, FC), "flawed.yaml")
