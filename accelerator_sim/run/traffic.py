"""Layers without multiply-accumulates: the words that they move over the off-chip channel."""

from __future__ import annotations

import math

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.kernels.causes import Cause
from accelerator_sim.simulation.bottleneck import whole_cycles
from accelerator_sim.simulation.outcome import Access, Bound, Counts, Outcome, Resource, Timing
from accelerator_sim.workload.layer import Layer


def traffic_outcome(layer: Layer, architecture: Architecture) -> Outcome:
    """Return what a layer costs that only reads and writes: its bytes, and the cycles of the channel.

    Words have the precision of iacts and oacts.  No PE works meanwhile.  What is read is requested once, and so is what
    is written, when it is there.
    """
    precision, dram = architecture.precision, architecture.dram
    read_bytes = math.ceil(layer.iact_words * precision.iact / 8)
    written_bytes = math.ceil(layer.oact_words * precision.oact / 8)
    moved = max(read_bytes, written_bytes) if dram.duplex else read_bytes + written_bytes
    requests = (layer.iact_words > 0) + (layer.oact_words > 0)
    cycles = whole_cycles(moved / (dram.bandwidth / architecture.clock)) + requests * architecture.latency_cycles
    counts = Counts(
        active_pes=0,
        idle_pes=architecture.pes,
        macs=0,
        effectual_macs=0,
        macs_issued=0,
        macs_gated=0,
        accesses=(
            Access("dram", "iact", layer.iact_words, 0, precision.iact),
            Access("dram", "psum", 0, layer.oact_words, precision.oact),
        ),
        noc=(),
        dram_bytes={"iact": read_bytes, "weight": 0, "psum": written_bytes},
    )
    waits = {Cause.DRAM: cycles} if cycles else {}
    return Outcome(counts, Timing(cycles, Bound.DRAM, waits, resource_cycles={Resource.DRAM: cycles} if cycles else {}))
