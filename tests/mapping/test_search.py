"""The search against its own exhaustive form, and both against plain Python over the same space."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.architecture.model import Architecture
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.search import Found, Objective, Unmappable, find_mapping
from accelerator_sim.simulation.analytical import analyse
from accelerator_sim.simulation.laws import check
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.actions import ActionEnergies, resolve_actions
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Density, Layer
from tests.oracles.brute import Cost, all_costs, cost_of
from tests.oracles.strategies import layers, machines

TABLES = ("cmos65_8b", "cmos65_16b", "cmos7_8b", "isca16_normalised")


@lru_cache(maxsize=None)
def actions_of(table: str, architecture_key: int, architecture: object) -> ActionEnergies:
    raise NotImplementedError


def resolved(table: str, architecture: Architecture) -> ActionEnergies:
    return resolve_actions(load_technology(table), architecture)
