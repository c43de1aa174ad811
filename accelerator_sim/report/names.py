"""How levels, components and causes are called for people."""

from __future__ import annotations

from accelerator_sim.simulation.activity import Level
from accelerator_sim.study.result import NetworkResult

LEVEL_NAMES: dict[Level, str] = {"dram": "DRAM", "glb": "GLB", "noc": "NoC", "spad": "SPad", "mac": "MAC"}

COMPONENT_NAMES = {
    "mac": "MAC",
    "spad": "SPad",
    "noc": "NoC",
    "glb": "GLB",
    "clock": "clock and control",
    "leakage": "leakage",
    "dram": "off-chip DRAM",
}
"""Components of the energy, those of the chip first."""

DEVICE_PART_NAMES = {"static": "static power", "arithmetic": "arithmetic", "dram": COMPONENT_NAMES["dram"]}
"""Causes of the energy of a baseline."""

CAUSE_NAMES = {
    "busy": "multiplying",
    "psum_service": "moving psums",
    "pipeline": "pipeline bubbles",
    "no_weight": "waiting for weights",
    "no_iact": "waiting for iacts",
    "spad_fill": "filling the SPad",
    "dram": "waiting for DRAM",
    "psum_in": "waiting for psums",
    "psum_out": "psums blocked",
    "glb_port": "GLB port busy",
    "imbalance": "waiting for the last PE",
    "unused": "unused PEs",
    "configuration": "configuration",
    "pe": "work of the PEs",
    # of the bottleneck estimate only
    "weight_fill": "weight fill",
    "iact_fill": "iact fill",
    "dram_iact": "fetching iacts",
    "dram_oact": "writing outputs",
    "dram_latency": "DRAM latency",
    "iact_port": "iact port",
    "iact_bank": "iact banks",
    "psum_port": "psum port",
    "psum_bank": "psum banks",
    "weight_port": "weight port",
}
"""Where the cycles of PEs went, and what binds a layer; those of the bottleneck estimate are cycles of the array."""


def partial(result: NetworkResult) -> str:
    """Return what stands behind every total and rate of a result in which layers are missing."""
    return "" if result.complete else " (partial)"
