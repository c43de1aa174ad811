"""Clock and leakage shared out over the blocks of a chip."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.energy.account import EnergyBreakdown
from accelerator_sim.energy.chip_blocks import BLOCKS, energy_by_block
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.technology.technology import load_technology
from tests.near import near

PLAIN = EnergyBreakdown(EnergyUnit.JOULE, mac=4.0, spad=3.0, noc=2.0, glb=1.0, dram=9.0)


@pytest.mark.parametrize("name", ["eyeriss_v1", "eyeriss_v2"])
def test_blocks_add_up_to_the_chip(name: str) -> None:
    architecture, technology = load_architecture(name), load_technology("cmos65_8b")
    energy = replace(PLAIN, clock=5.0, leakage=2.0)
    blocks = energy_by_block(energy, technology, architecture, 10.0)
    assert tuple(blocks) == BLOCKS
    assert sum(blocks.values()) == near(energy.chip)
    assert min(blocks.values()) > 0.0


def test_what_is_shared_follows_gates_and_bytes() -> None:
    architecture, technology = load_architecture("eyeriss_v2"), load_technology("cmos65_8b")
    nothing = energy_by_block(PLAIN, technology, architecture, 0.0)
    assert nothing == near({"pe": 7.0, "noc": 2.0, "glb": 1.0, "top": 0.0})
    sram = architecture.memory_bytes / 1024 * technology.leakage.sram.power
    leaked = energy_by_block(replace(PLAIN, leakage=sram), technology, architecture, 1.0)
    assert leaked["glb"] - 1.0 == near(sram * architecture.glb_bytes / architecture.memory_bytes)
    assert leaked["noc"] == near(2.0)
