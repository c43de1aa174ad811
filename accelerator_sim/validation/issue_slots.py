"""Slots that a PE of several lanes issues on the drawn zeros, to hold them against the real ones of a network."""

from __future__ import annotations

import numpy as np

from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.pattern import Pattern


def slots_of_pointwise(layer: Layer, pattern: Pattern, filters: int, lanes: int) -> int:
    """Issue slots of a 1 x 1 convolution, batch 1: for each non-zero iact, those of each column of weights it meets.

    A column holds the weights of `filters` filters for one input channel; its non-zero ones are issued `lanes` at once.

    Raises ValueError for another layer.
    """
    if (layer.R, layer.S, layer.G, layer.N) != (1, 1, 1, 1) or pattern.weight_mask is None:
        raise ValueError(f"layer {layer.name}: needs to be a 1 x 1 convolution, with zeros among its weights, batch 1")
    weights = pattern.weight_mask.reshape(layer.M, layer.C)
    starts = np.arange(0, layer.M, filters)
    columns = np.add.reduceat(weights, starts, axis=0, dtype=np.int64)
    slots = (-(-columns // lanes)).sum(axis=0)
    if pattern.iact_mask is None:
        return int(slots.sum()) * layer.H * layer.W
    return int(slots @ pattern.iact_mask.reshape(layer.C, -1).sum(axis=1, dtype=np.int64))
