"""Names of levels and components for people; causes, bounds and resources own their labels (`Cause.label`)."""

from __future__ import annotations

from accelerator_sim.kernels.causes import Cause
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.simulation.outcome import Level

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

CAUSE_ORDER = (
    Cause.BUSY, Cause.PSUM_SERVICE, Cause.PIPELINE, Cause.NO_WEIGHT, Cause.NO_IACT, Cause.SPAD_FILL, Cause.DRAM,
    Cause.PSUM_IN, Cause.PSUM_OUT, Cause.GLB_PORT, Cause.IMBALANCE, Cause.UNUSED, Cause.CONFIGURATION,
)  # fmt: skip
"""What PEs do, or wait for, in the order of charts and tables: work first, then waits by what they wait for."""


def partial(result: NetworkResult) -> str:
    """Return what stands behind every total and rate of a result in which layers are missing."""
    return "" if result.complete else " (partial)"
