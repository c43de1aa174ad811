"""Plain-Python counterparts of the small closed forms: windows, compressed sizes, dealing."""

from __future__ import annotations

import itertools
from fractions import Fraction

from accelerator_sim.mapping.loops import Window
from accelerator_sim.workload.layer import Layer


def runs(outputs: int, blocks: int) -> list[list[int]]:
    """So many positions in so many runs of neighbours, the first ones longer, each run apart from the others."""
    cut, found, first = [outputs // blocks + (k < outputs % blocks) for k in range(blocks)], [], 0
    for length in cut:
        found.append(list(range(first, first + length)))
        first += length
    return found


def window_inputs(window: Window, outputs: list[int]) -> set[int]:
    """Inputs from the first to the last tap of each position, padding (negative or past the end) included."""
    return {o * window.stride - window.before + i for o in outputs for i in range(window.extent)}


def touched(window: Window, outputs: int, blocks: int) -> int:
    """`Window.touched`, by listing."""
    return sum(len(window_inputs(window, run)) for run in runs(outputs, blocks))


def streamed(window: Window, outputs: int, blocks: int, taps: int) -> int:
    """`Window.streamed`, by listing."""
    rows = [{o * window.stride + tap for o in run for tap in range(taps)} for run in runs(outputs, blocks)]
    return outputs * taps if window.dilation > 1 else sum(map(len, rows))


def fetched(window: Window, tile: int) -> int:
    """`Window.fetched`, by listing."""
    tiles = [range(first, min(first + tile, window.outputs)) for first in range(0, window.outputs, tile)]
    return sum(len({i for i in window_inputs(window, list(t)) if 0 <= i < window.size}) for t in tiles)


def touched_inside(window: Window) -> int:
    """`Window.touched_inside`, by listing."""
    positions = itertools.product(range(window.outputs), range(window.taps))
    places = [o * window.stride - window.before + tap * window.dilation for o, tap in positions]
    return sum(0 <= place < window.size for place in places)


def issue_slots(filters: int, density: Fraction, simd: int, least: int = 0) -> Fraction:
    """`storage.issue_slots`, over all masks."""
    expected = Fraction(0)
    for mask in itertools.product((0, 1), repeat=filters):
        ones = sum(mask)
        expected += density**ones * (1 - density) ** (filters - ones) * max(least, -(-ones // simd))
    return expected


def csc_pairs(density: Fraction, segment: int, count_bits: int) -> Fraction:
    """Pairs of one segment, over all masks: a value each, and a padding pair where more zeros precede than fit."""
    expected, reach = Fraction(0), 1 << count_bits
    for mask in itertools.product((0, 1), repeat=segment):
        pairs = run = 0
        for one in mask:
            if one:
                pairs, run = pairs + 1 + run // reach, 0
            else:
                run += 1
        ones = sum(mask)
        expected += density**ones * (1 - density) ** (segment - ones) * pairs
    return expected


def inside_macs(layer: Layer) -> int:
    """`Layer.inside_macs`, by listing every output and tap of each dimension."""
    count = layer.N * layer.G * layer.M * layer.C
    for outputs, taps, stride, dilation, size, before in (
        (layer.depth_out, layer.T, layer.stride_d, 1, layer.D, layer.padding_d[0]),
        (layer.P, layer.R, layer.stride[0], layer.dilation[0], layer.H, layer.padding[0]),
        (layer.Q, layer.S, layer.stride[1], layer.dilation[1], layer.W, layer.padding[2]),
    ):
        at = [o * stride - before + t * dilation for o in range(outputs) for t in range(taps)]
        count *= sum(0 <= place < size for place in at)
    return count
