from __future__ import annotations
from dataclasses import dataclass

@dataclass(frozen=True)
class ActionEnergies:
    mac: float
    mac_gated: float
    spad: dict[str, tuple[float, float]]
    glb: dict[str, tuple[float, float]]
    dram_read_bit: float
    dram_write_bit: float
    noc_hop_bit: float
    noc_deliver: dict[str, float]
    noc_local: float
    clock_active: float
    clock_idle: float
    leakage_w: float
    def glb_access(self, t): return self.glb[t]
