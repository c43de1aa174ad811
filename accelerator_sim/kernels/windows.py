"""Inputs that runs of neighbouring outputs need: the kernels' form of `mapping.loops.Window`."""

from __future__ import annotations

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import cdiv, streamed


@kernel(helper=True)
def touched(outputs, blocks, stride, extent, taps, dilation):
    """Inputs that runs of neighbouring outputs need: `Window.touched`."""
    if stride >= extent:
        return (taps if dilation == 1 else extent) * outputs
    return stride * (outputs - blocks) + extent * blocks


@kernel(helper=True)
def columns_touched(n, outputs, blocks):
    """`touched` for the columns of the layer."""
    return touched(outputs, blocks, n[at.COL_STRIDE], n[at.COL_EXTENT], n[at.S], n[at.COL_DILATION])


@kernel(helper=True)
def rows_touched(n, outputs, blocks):
    """`touched` for the rows of the layer."""
    return touched(outputs, blocks, n[at.ROW_STRIDE], n[at.ROW_EXTENT], n[at.R], n[at.ROW_DILATION])


@kernel(helper=True)
def rows_streamed(n, outputs, strips, parts):
    """`streamed` rows over all accumulation passes over R."""
    passes = cdiv(n[at.R], parts)
    last = n[at.R] - (passes - 1) * parts
    full = streamed(outputs, strips, parts, n[at.ROW_STRIDE], n[at.ROW_DILATION])
    return (passes - 1) * full + streamed(outputs, strips, last, n[at.ROW_STRIDE], n[at.ROW_DILATION])
