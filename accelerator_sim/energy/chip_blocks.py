"""The energy of a chip by block: the PE array, the networks and the GLB, each with its share of clock and leakage.

A published breakdown is by block, and the clock of a network's registers counts with the network.  The account has the
clock and the leakage in one; here they are shared out by what they come from: the clock and the leakage of logic by
gates, the leakage of memories by bytes, both of the area model.
"""

from __future__ import annotations

from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.energy.account import EnergyBreakdown
from accelerator_sim.technology.area import area_of
from accelerator_sim.technology.technology import Technology

BLOCKS = ("pe", "noc", "glb", "top")


def energy_by_block(
    energy: EnergyBreakdown, technology: Technology, architecture: Architecture, seconds: float
) -> dict[str, float]:
    """Energy of the chip by block, in the unit of `energy`; it adds up to that of the chip.

    technology, architecture: those of the run; seconds: how long it took, in which its memories leaked.
    """
    gates = area_of(architecture, None).gates
    logic = {
        "pe": gates["pe_datapath"] + gates["pe_control"] + gates["spad"],
        "noc": sum(gates[f"noc_{tensor}"] for tensor in TENSORS),
        "glb": gates["glb"],
        "top": gates["top"],
    }
    memory = {"glb": architecture.glb_bytes, "pe": architecture.memory_bytes - architecture.glb_bytes}
    of_memory = architecture.memory_bytes / 1024.0 * technology.leakage.sram.power * seconds
    leaked = min(energy.leakage, of_memory / energy.unit.in_table)
    own = {"pe": energy.mac + energy.spad, "noc": energy.noc, "glb": energy.glb}
    whole, shared = sum(logic.values()), energy.clock + energy.leakage - leaked
    return {
        block: own.get(block, 0.0)
        + shared * logic[block] / whole
        + leaked * memory.get(block, 0.0) / architecture.memory_bytes
        for block in BLOCKS
    }
