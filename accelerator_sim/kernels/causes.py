"""Where the cycles of a PE go: one vocabulary for kernels, results and people."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """What a PE does in a cycle, or waits for.  The order is that of the rows of `spent` in the kernels."""

    BUSY = "busy"
    PSUM_SERVICE = "psum_service"
    NO_WEIGHT = "no_weight"
    NO_IACT = "no_iact"
    SPAD_FILL = "spad_fill"
    PIPELINE = "pipeline"
    PSUM_IN = "psum_in"
    PSUM_OUT = "psum_out"
    GLB_PORT = "glb_port"
    IMBALANCE = "imbalance"
    UNUSED = "unused"
    DRAM = "dram"
    CONFIGURATION = "configuration"


CAUSES = tuple(Cause)
