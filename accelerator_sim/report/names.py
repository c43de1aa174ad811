"""How levels, components and causes are called for people."""

from __future__ import annotations

from accelerator_sim.kernels.causes import Cause
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.simulation.outcome import Bound, Level, Resource

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

CAUSE_NAMES: dict[Cause, str] = {
    Cause.BUSY: "multiplying",
    Cause.PSUM_SERVICE: "moving psums",
    Cause.PIPELINE: "pipeline bubbles",
    Cause.NO_WEIGHT: "waiting for weights",
    Cause.NO_IACT: "waiting for iacts",
    Cause.SPAD_FILL: "filling the SPad",
    Cause.DRAM: "waiting for DRAM",
    Cause.PSUM_IN: "waiting for psums",
    Cause.PSUM_OUT: "psums blocked",
    Cause.GLB_PORT: "GLB port busy",
    Cause.IMBALANCE: "waiting for the last PE",
    Cause.UNUSED: "unused PEs",
    Cause.CONFIGURATION: "configuration",
}
"""What PEs do, or wait for, in the order of charts and tables."""

BOUND_NAMES: dict[Bound, str] = {
    bound: "work of the PEs" if bound is Bound.PE else CAUSE_NAMES[Cause(bound.value)] for bound in Bound
}
"""What binds a layer."""

RESOURCE_NAMES: dict[Resource, str] = {
    Resource.PE: "work of the PEs",
    Resource.WEIGHT_FILL: "weight fill",
    Resource.IACT_FILL: "iact fill",
    Resource.DRAM: "waiting for DRAM",
    Resource.DRAM_IACT: "fetching iacts",
    Resource.DRAM_OACT: "writing outputs",
    Resource.DRAM_LATENCY: "DRAM latency",
    Resource.IACT_PORT: "iact port",
    Resource.IACT_BANK: "iact banks",
    Resource.PSUM_PORT: "psum port",
    Resource.PSUM_BANK: "psum banks",
    Resource.WEIGHT_PORT: "weight port",
    Resource.WEIGHT_BANK: "weight banks",
    Resource.CONFIGURATION: "configuration",
}
"""Resources of the bottleneck estimate."""


LIMIT_NAMES: dict[str, str] = {
    **{resource.value: text for resource, text in RESOURCE_NAMES.items()},
    **{cause.value: text for cause, text in CAUSE_NAMES.items()},
}
"""What binds at a step of Eyexam: a resource, or a cause of losses."""


def partial(result: NetworkResult) -> str:
    """Return what stands behind every total and rate of a result in which layers are missing."""
    return "" if result.complete else " (partial)"
