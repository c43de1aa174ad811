"""Layers without multiply-accumulates: the words that they move over the off-chip channel."""

from __future__ import annotations

import math

from accelerator_sim.architecture.model import Architecture
from accelerator_sim.simulation.activity import Access, Activity
from accelerator_sim.workload.layer import Layer


def traffic_activity(layer: Layer, architecture: Architecture) -> Activity:
    """Return what a layer costs that only reads and writes: its bytes, and the cycles of the channel.

    Words have the precision of iacts and oacts.  No PE works meanwhile.  What is read is requested once, and so is what
    is written, when it is there.
    """
    precision, dram = architecture.precision, architecture.dram
    read_bytes = math.ceil(layer.iact_words * precision.iact / 8)
    written_bytes = math.ceil(layer.oact_words * precision.oact / 8)
    moved = max(read_bytes, written_bytes) if dram.duplex else read_bytes + written_bytes
    requests = (layer.iact_words > 0) + (layer.oact_words > 0)
    cycles = math.ceil(moved / (dram.bandwidth / architecture.clock) - 1e-6) + requests * architecture.latency_cycles
    return Activity(
        cycles=cycles,
        bound_by="dram",
        stalls={"dram": cycles} if cycles else {},
        active_pes=0,
        macs=0,
        effectual_macs=0,
        macs_issued=0,
        macs_gated=0,
        pe_cycles_active=0,
        pe_cycles_idle=architecture.pes * cycles,
        accesses=(
            Access("dram", "iact", layer.iact_words, 0, precision.iact),
            Access("dram", "psum", 0, layer.oact_words, precision.oact),
        ),
        noc=(),
        dram_bytes={"iact": read_bytes, "weight": 0, "psum": written_bytes},
        resources={"dram": cycles} if cycles else {},
    )
