"""Where the cycles of a PE go: one vocabulary for kernels, results and people."""

from __future__ import annotations

from accelerator_sim.files.labelled import Labelled


class Cause(Labelled):
    """What a PE does in a cycle, or waits for.  The order is that of the rows of `spent` in the kernels."""

    BUSY = "busy", "multiplying"
    PSUM_SERVICE = "psum_service", "moving psums"
    NO_WEIGHT = "no_weight", "waiting for weights"
    NO_IACT = "no_iact", "waiting for iacts"
    SPAD_FILL = "spad_fill", "filling the SPad"
    PIPELINE = "pipeline", "pipeline bubbles"
    PSUM_IN = "psum_in", "waiting for psums"
    PSUM_OUT = "psum_out", "psums blocked"
    GLB_PORT = "glb_port", "GLB port busy"
    IMBALANCE = "imbalance", "waiting for the last PE"
    UNUSED = "unused", "unused PEs"
    DRAM = "dram", "waiting for DRAM"
    CONFIGURATION = "configuration", "configuration"


CAUSES = tuple(Cause)
