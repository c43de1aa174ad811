"""What uneven zeros cost a machine that broadcasts iacts: the pipeline of EIE, to hold our masks against.

EIE (Han et al., ISCA 2016, IV and VI) deals the rows of a weight matrix out to its PEs in turn and broadcasts one
non-zero iact after another.  Each PE has a queue of iacts, and where one queue is full the broadcast waits.
"""

from __future__ import annotations

import numpy as np

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.workload.arrays import Ints
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.pattern import Pattern


def broadcast_work(layer: Layer, pattern: Pattern, pes: int) -> Ints:
    """Non-zero weights that each non-zero iact of a fully connected layer meets in each PE: int64 [iacts, PEs].

    Row i of the weight matrix, filter i, is in PE i modulo `pes`.

    Raises ValueError for another layer, for a batch, and for weights without zeros.
    """
    if layer.op != "fc" or layer.N != 1 or layer.G != 1 or pattern.weight_mask is None:
        raise ValueError(f"layer {layer.name}: needs to be fully connected, with zeros among its weights, batch 1")
    weights = pattern.weight_mask.reshape(layer.M, -1)
    if pattern.iact_mask is not None:
        weights = weights[:, pattern.iact_mask.ravel() != 0]
    work = np.zeros((weights.shape[1], pes), dtype=np.int64)
    for pe in range(min(pes, layer.M)):
        work[:, pe] = weights[pe::pes].sum(axis=0, dtype=np.int64)
    return work


def broadcast_cycles(slots: Ints, queue: int) -> int:
    """Cycles of the broadcast machine; slots: cycles of each iact in each PE, int64 [iacts, PEs].

    Iact j is broadcast a cycle after the one before it, once iact j - queue has left every PE.
    """
    done = np.zeros((len(slots) + 1, slots.shape[1]), dtype=np.int64)
    last = np.zeros(len(slots) + 1, dtype=np.int64)
    sent = 0
    for j, slot in enumerate(slots):
        sent = max(sent + 1, int(last[max(j + 1 - queue, 0)]))
        np.maximum(done[j], sent, out=done[j + 1])
        done[j + 1] += slot
        last[j + 1] = done[j + 1].max()
    return int(last[-1])


def broadcast_imbalance(layer: Layer, pattern: Pattern, architecture: Architecture) -> float:
    """Cycles of a layer over those with its work spread evenly, on the broadcast machine with these PEs.

    PEs, MACs a cycle, least cycles of an iact (`pe.min_cycles_per_iact`) and the queue (`pe.fifo_depth.iact`) are those
    of the architecture.
    """
    pe = architecture.pe
    work = broadcast_work(layer, pattern, architecture.pes)
    slots = np.maximum(-(-work // pe.macs_per_cycle), pe.min_cycles_per_iact)
    return broadcast_cycles(slots, pe.fifo_depth["iact"]) * architecture.macs_per_cycle / int(work.sum())
