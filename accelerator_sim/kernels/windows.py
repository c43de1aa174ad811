"""Inputs that runs of neighbouring outputs need: the kernels' form of `mapping.loops.Window`."""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import cdiv


class Sliding(NamedTuple):
    """One dimension of a sliding window, int64; fields same as `mapping.loops.Window`."""

    taps: Any
    stride: Any
    dilation: Any
    extent: Any
    before: Any
    size: Any
    inside: Any
    """Inputs without padding, from the first to the last tap of each position, summed over the positions."""


@kernel(helper=True, reference_counts=False)
def rows_of(n):
    """The window of the layer over input rows."""
    return Sliding(
        taps=n[at.R],
        stride=n[at.ROW_STRIDE],
        dilation=n[at.ROW_DILATION],
        extent=n[at.ROW_EXTENT],
        before=n[at.ROW_BEFORE],
        size=n[at.ROW_SIZE],
        inside=n[at.ROW_INSIDE],
    )


@kernel(helper=True, reference_counts=False)
def columns_of(n):
    """The window of the layer over input columns."""
    return Sliding(
        taps=n[at.S],
        stride=n[at.COL_STRIDE],
        dilation=n[at.COL_DILATION],
        extent=n[at.COL_EXTENT],
        before=n[at.COL_BEFORE],
        size=n[at.COL_SIZE],
        inside=n[at.COL_INSIDE],
    )


@kernel(helper=True, reference_counts=False)
def touched(window, outputs, blocks):
    """Inputs that runs of neighbouring outputs need: `Window.touched`."""
    if window.stride >= window.extent:
        return (window.taps if window.dilation == 1 else window.extent) * outputs
    return window.stride * (outputs - blocks) + window.extent * blocks


@kernel(helper=True, reference_counts=False)
def touched_by_taps(n, taps, outputs, blocks):
    """Columns that PEs get for runs of neighbouring outputs and some neighbouring taps: see `columns_in_passes`."""
    stride, dilation = n[at.COL_STRIDE], n[at.COL_DILATION]
    extent = (taps - 1) * dilation + 1
    if stride >= extent or n[at.RELOAD]:
        return extent * outputs
    return stride * (outputs - blocks) + extent * blocks


@kernel(helper=True, reference_counts=False)
def columns_in_passes(n, outputs, blocks):
    """Columns that runs of neighbouring outputs need, over all passes of at most `TAPS` filter columns each."""
    full, last = n[at.TAP_TILES] - 1, n[at.S] - (n[at.TAP_TILES] - 1) * n[at.TAPS]
    total = touched_by_taps(n, last, outputs, blocks)
    if full > 0:
        total += full * touched_by_taps(n, n[at.TAPS], outputs, blocks)
    return total


@kernel(helper=True, reference_counts=False)
def streamed(window, outputs, strips, taps):
    """Input rows that feed `taps` filter rows over strips of output rows: `Window.streamed`."""
    if window.dilation > 1 or window.stride >= taps:
        return taps * outputs
    return window.stride * (outputs - strips) + taps * strips


@kernel(helper=True, reference_counts=False)
def streamed_in_passes(window, outputs, strips, parts):
    """`streamed` rows over all accumulation passes, each of at most `parts` filter rows."""
    passes = cdiv(window.taps, parts)
    full = streamed(window, outputs, strips, parts)
    return (passes - 1) * full + streamed(window, outputs, strips, window.taps - (passes - 1) * parts)


@kernel(helper=True, reference_counts=False)
def fetched(window, outputs, tile):
    """Inputs without padding of all positions in tiles of neighbours: `Window.fetched`."""
    if window.stride >= window.extent:
        return window.inside
    tiles = cdiv(outputs, tile)
    total = window.stride * (outputs - tiles) + window.extent * tiles
    for i in range(tiles):
        start = i * tile * window.stride - window.before
        if start >= 0:
            break
        total -= min(-start, (min(tile, outputs - i * tile) - 1) * window.stride + window.extent)
    for i in range(tiles - 1, -1, -1):
        span = (min(tile, outputs - i * tile) - 1) * window.stride + window.extent
        over = i * tile * window.stride - window.before + span - window.size
        if over <= 0:
            break
        total -= min(over, span)
    return total
