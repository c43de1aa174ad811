"""Layers without multiply-accumulates: the words that they move over the off-chip channel."""

from __future__ import annotations

import math

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.kernels.causes import Cause
from accelerator_sim.kernels.rounding import whole_cycles
from accelerator_sim.simulation.counts import counts_of_traffic
from accelerator_sim.simulation.outcome import Access, Bound, Outcome, Resource, Timing
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
    accesses = (
        Access("dram", "iact", layer.iact_words, 0, precision.iact),
        Access("dram", "psum", 0, layer.oact_words, precision.oact),
    )
    counts = counts_of_traffic(architecture.pes, accesses, {"iact": read_bytes, "weight": 0, "psum": written_bytes})
    waits = {Cause.DRAM: cycles} if cycles else {}
    return Outcome(counts, Timing(cycles, Bound.DRAM, waits, resource_cycles={Resource.DRAM: cycles} if cycles else {}))
