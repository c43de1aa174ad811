"""What passes will take, found from the masks of a layer without a run: an estimate, and a lower bound.

The cycles for which a window keeps a PE follow from its iacts and the words of weights that they meet: for all windows
together, one matrix product for each way to cut the filters and the channels, which mappings with the same cut share.
`kernels.chain_times` lets the windows follow one another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.architecture.architecture import Architecture, Pe
from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels import timeline as line
from accelerator_sim.kernels.chain_times import ChainRoom, WindowWork, time_chains
from accelerator_sim.kernels.csc_columns import Columns, weigh_blocks
from accelerator_sim.kernels.rounding import whole_cycles, whole_words
from accelerator_sim.kernels.vectors import WIDTH
from accelerator_sim.mapping.loops import Loops
from accelerator_sim.mapping.mapping import Encoding, ceil_div
from accelerator_sim.simulation.analytical import Load, channel_load_of, iact_bank_cycles, iact_port_cycles
from accelerator_sim.simulation.event import KindTimes, follow_passes
from accelerator_sim.simulation.machine import DIMENSIONS, machine_of
from accelerator_sim.simulation.outcome import Resource
from accelerator_sim.simulation.passes import Passes, Planner, listed_passes, order_with
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import blocks_of
from accelerator_sim.workload.arrays import Ints, Mask

MOST_WINDOWS = 1 << 25
"""Windows of PEs of a mapping that are forecast: 256 MiB.  Those with more have tiny tiles, and are never the best."""
MOST_PASSES_FORECAST = 1 << 16
"""Passes of a mapping that is forecast."""
MOST_STEPS = 1 << 26
"""Windows of PEs that are followed for a mapping: half a second.  The engine leaps over windows that repeat, so that it
may be quicker with more."""
MOST_PIECE = 1 << 18
"""Multiplications of a product for which OpenBLAS starts no thread: SMP_THRESHOLD_MIN x GEMM_MULTITHREAD_THRESHOLD."""

CHANNEL_WAITS = (Resource.DRAM_IACT, Resource.DRAM_OACT, Resource.DRAM_LATENCY)
"""What of the off-chip channel nothing hides."""

Singles = NDArray[np.float32]


class BlockCut(NamedTuple):
    """How a mapping cuts a dimension: first element and length of every part, over all tiles."""

    firsts: tuple[int, ...]
    counts: tuple[int, ...]

    @property
    def numbers(self) -> Ints:
        """The number of the part of each element."""
        return np.repeat(np.arange(len(self.counts), dtype=np.int64), self.counts)


def cut_of(schedule: Schedule, dimension: str) -> BlockCut:
    """The cut of a dimension that is dealt in blocks."""
    return _cut(blocks_of(schedule, dimension))


@lru_cache(maxsize=256)
def _cut(blocks: tuple[tuple[int, int], ...]) -> BlockCut:
    firsts, counts = zip(*blocks, strict=True)
    return BlockCut(firsts, counts)


@dataclass(frozen=True)
class Forecast:
    """What a layer will take, in cycles.

    alone: what is expected of the event engine where the off-chip channel keeps nothing waiting; bound: what it does
    not go below; fullest_words: SPad words of the fullest PE with weights in CSC, 0 for others; load: what the layer
    asks of the off-chip channel.
    """

    alone: int
    bound: int
    fullest_words: int
    load: Load

    def estimate(self, architecture: Architecture) -> int:
        """What is expected of the event engine with the channel of a machine that is otherwise the one of the load."""
        found = self.load.on_channel(architecture)
        waits = sum(found.serial[resource] for resource in CHANNEL_WAITS)
        return whole_cycles(max(float(self.alone), found.side[Resource.DRAM]) + waits)


class Forecaster:
    """Forecasts of the mappings of one layer.

    Keeps what mappings share: those with the same cut of filters and channels are best asked for one after the other.
    """

    def __init__(self, loops: Loops, iact_mask: Mask | None, weight_mask: Mask | None) -> None:
        """masks: uint8 [G, N, H, W, C] and [G, R, S, C, M] of the loops, None for tensors without zeros."""
        self.loops, self.iact_mask, self.weight_mask = loops, iact_mask, weight_mask
        self._words: dict[BlockCut, Ints] = {}
        self._last: tuple[object, WindowWork] | None = None

    @cached_property
    def _padded(self) -> Singles:
        """Which iacts are not zero, float32 [G, C, N, rows, columns], with the padding around."""
        loops = self.loops
        shape = loops.G, loops.N, loops.rows.size, loops.columns.size, loops.C
        mask = np.ones(shape, dtype=np.uint8) if self.iact_mask is None else self.iact_mask.reshape(shape)
        around = [(0, 0)] * 3
        for window in (loops.rows, loops.columns):
            end = (window.outputs - 1) * window.stride + window.extent
            around.append((window.before, max(0, end - window.before - window.size)))
        return np.pad(mask.transpose(0, 4, 1, 2, 3), around).astype(np.float32)

    def _taken(self, g: int, r: int, first: int, channels: int, taps: range) -> Singles:
        """The non-zero iacts that meet some taps of a filter row, float32 [channels x taps, N x P x Q]."""
        loops = self.loops
        rows, columns = loops.rows, loops.columns
        top = r * rows.dilation
        below = top + (rows.outputs - 1) * rows.stride + 1
        lines = self._padded[g, first : first + channels, :, top : below : rows.stride]
        taken = np.empty((channels, len(taps), loops.N, loops.P, loops.Q), dtype=np.float32)
        for i, s in enumerate(taps):
            left = s * columns.dilation
            taken[:, i] = lines[..., left : left + (columns.outputs - 1) * columns.stride + 1 : columns.stride]
        return taken.reshape(channels * len(taps), -1)

    def _met(self, schedule: Schedule, filters: BlockCut) -> Ints | None:
        """Words of weights in every column of every part of the filters, int64 [G, R, parts, C, S]; None: all alike."""
        loops, pe = self.loops, schedule.problem.architecture.pe
        if self.weight_mask is None or schedule.mapping.weight_encoding is Encoding.RAW:
            return None
        words = self._words.get(filters)
        if words is None:
            ends = np.array([*filters.firsts, loops.M], dtype=np.int64)
            columns = Columns(self.weight_mask.ravel(), loops.G * loops.R * loops.S, loops.C, loops.M, ends, ends)
            found = np.zeros((len(filters.counts), columns.rows * columns.columns), dtype=np.int64)
            weigh_blocks(columns, 1 << (pe.csc.count if pe.csc else 4), schedule.problem.architecture.lanes, found)
            split = found.reshape(-1, loops.G, loops.R, loops.S, loops.C)
            words = self._words[filters] = np.ascontiguousarray(split.transpose(1, 2, 0, 4, 3))
        return words

    def work(self, schedule: Schedule) -> WindowWork | None:
        """What the windows of a mapping ask of the PEs, None where there are too many.

        Passes over other filter columns meet other filter rows: the R rows for the first columns come first.
        """
        loops, pe, lanes = self.loops, schedule.problem.architecture.pe, schedule.problem.architecture.lanes
        filters, channels = cut_of(schedule, "M"), cut_of(schedule, "C")
        skips = schedule.mapping.iact_encoding is Encoding.CSC
        folds = [range(first, min(first + schedule.taps, loops.S)) for first in range(0, loops.S, schedule.taps)]
        key = skips, schedule.mapping.weight_encoding, filters, channels, schedule.taps
        if self._last is not None and self._last[0] == key:
            return self._last[1]
        words = self._met(schedule, filters)
        windows = loops.N * loops.P * loops.Q if skips else 1
        alike = words is None and not skips and len(folds) == 1
        groups, rows = (1, 1) if alike else (loops.G, loops.R * len(folds))
        shape = groups, rows, len(channels.counts), len(filters.counts) + 1, windows
        if math.prod(shape) > MOST_WINDOWS:
            return None
        cycles = np.empty(shape, dtype=np.int64)
        slots = np.array([ceil_div(count, lanes) for count in filters.counts], dtype=np.int64)
        full = np.empty((groups, rows, len(channels.counts), len(filters.counts)), dtype=np.int64)
        for g, r, k in np.ndindex(cycles.shape[:3]):
            first, count = channels.firsts[k], channels.counts[k]
            fold, row = divmod(r, loops.R)
            taps = folds[fold]
            ones = np.ones((count * len(taps), 1), dtype=np.float32)
            taken = self._taken(g, row, first, count, taps) if skips else ones
            cycles[g, r, k, -1] = taken.sum(axis=0)
            if words is None:
                full[g, r, k] = slots * count * len(taps)
                np.multiply.outer(np.maximum(slots, _hold(pe)), cycles[g, r, k, -1], out=cycles[g, r, k, :-1])
            else:
                met = words[g, row, :, first : first + count, taps.start : taps.stop].reshape(len(slots), -1)
                full[g, r, k], held = met.sum(axis=1), np.maximum(met, _hold(pe))
                cycles[g, r, k, :-1] = product(held.astype(np.float32), taken)
        work = _window_work(cycles, full, channels, filters)
        self._last = key, work
        return work

    def forecast(self, schedule: Schedule) -> Forecast | None:
        """Forecast a mapping; None where it has too many passes or windows."""
        if schedule.passes > MOST_PASSES_FORECAST:
            return None
        work = self.work(schedule)
        if work is None:
            return None
        load = channel_load_of(schedule)
        flags, numbers = order_with(schedule, (8.0 * load.moved["iact"], 8.0 * load.moved["weight"]), _filled(schedule))
        flags[line.O_LATENCY], numbers[line.X_BYTES_PER_CYCLE] = 0, math.inf
        zeros = self.iact_mask is not None, self.weight_mask is not None
        passes = listed_passes(machine_of(schedule), zeros, (flags, numbers))
        kinds, counts = passes.kinds
        d = schedule.deals
        if len(kinds) * schedule.active_pes * d.N.top.steps * d.P.top.steps * d.Q.top.steps > MOST_STEPS:
            return None
        cycles, fill, links = least_times(passes, kinds, work)
        configuration = schedule.problem.architecture.configuration
        each = passes.count if configuration.per == "pass" else 1
        bound = configuration.time * each + int(cycles @ counts)
        port = max(iact_port_cycles(schedule), iact_bank_cycles(schedule))
        reads = np.full(len(kinds), int(port) // passes.count, dtype=np.int64)
        times = _by_kind(kinds, np.maximum(cycles + 1 + 2 * (links - 1), reads), fill, reads)
        csc = schedule.mapping.weight_encoding is Encoding.CSC and self.weight_mask is not None
        alone = max(bound, follow_passes(passes, times).cycles)
        return Forecast(alone, bound, int(work.slots.max()) if csc else 0, load)


def _hold(pe: Pe) -> int:
    """Cycles for which an iact keeps the multipliers at least, 0 where it may keep none."""
    return pe.min_cycles_per_iact if pe.min_cycles_per_iact > 1 else 0


def _filled(schedule: Schedule) -> int:
    """Stored iacts that are written into GLB banks, as expected."""
    pairs = schedule.iact_pairs
    return schedule.iact_filled if pairs == 1.0 else whole_words(schedule.iact_filled * pairs)


def product(factors: Singles, taken: Singles) -> Singles:
    """The matrix product, in pieces for which libraries start no threads: these spin for longer than a piece takes."""
    rows, inner = factors.shape
    step = max(1, MOST_PIECE // (rows * inner))
    pieces = [factors @ taken[:, i : i + step] for i in range(0, taken.shape[1], step)]
    return np.concatenate(pieces, axis=1)


def _window_work(cycles: Ints, full: Ints, channels: BlockCut, filters: BlockCut) -> WindowWork:
    """The work of windows as kernels take it; dimensions of one element have no steps."""
    sizes = np.array(cycles.shape, dtype=np.int64)
    steps = np.array([math.prod(cycles.shape[i + 1 :]) for i in range(cycles.ndim)], dtype=np.int64)
    return WindowWork(
        cycles.ravel(),
        np.where(sizes == 1, 0, steps),
        int((sizes[3] - 1) * steps[3]),
        np.ascontiguousarray(full),
        channels.numbers,
        filters.numbers,
    )


def least_times(passes: Passes, kinds: Ints, work: WindowWork) -> Ints:
    """Cycles at least, fill, and most links of a chain, of some kinds of passes, int64 [3, kinds]."""
    machine = passes.machine
    planner = Planner(machine)
    work_at, visits, moved, before, address, begun = np.zeros((6, machine.places * WIDTH), dtype=np.int64)
    rows = int(machine.local[DIMENSIONS.index("P")])
    links = ChainRoom(work_at, visits, moved, before, address, begun, rows)
    described = passes.describe_all(kinds)
    forms: dict[bytes, list[int]] = {}
    for i, sizes in enumerate(described[:, at.SIZE : at.SIZE + at.DIMENSIONS]):
        forms.setdefault(sizes.tobytes(), []).append(i)
    times = np.zeros((3, len(kinds)), dtype=np.int64)
    schedule = machine.schedule
    described[:, at.R] += described[:, at.S] // schedule.taps * schedule.loops.R  # as `Forecaster.work` numbers rows
    for those in forms.values():
        chosen, out = described[those], np.zeros((3, len(those)), dtype=np.int64)
        time_chains(machine.e, chosen, planner.plan_of(chosen[0]), work, links, out)
        times[:, those] = out
    return times


def _by_kind(kinds: Ints, cycles: Ints, fill: Ints, reads: Ints) -> KindTimes:
    """Times of the kinds of passes that occur, as the engine has them."""
    rows = np.zeros((3, int(kinds.max()) + 1), dtype=np.int64)
    rows[:, kinds] = cycles, fill, reads
    nothing = np.zeros((0, 0), dtype=np.int64)
    return KindTimes(rows[0], rows[1], rows[2], rows[2], nothing, 0, 0)
