"""Layers of very many passes, whose equal tiles repeat: a few of each dimension stand for all.

After the first tiles of a loop the machine is in the same state at the start of each further equal tile, so each takes
as long and spends the same PE-cycles as the one before it: what a layer takes is linear in the number of tiles of each
long dimension.  The layer is run with `FEW` and one more of each, and the line through the two is followed to the whole
number.  A third run of each dimension shows that it is a line; where it is not, more tiles are tried.

This holds where nothing but the number of tiles differs: without zeros, without sliding over the dimension, and where
each request is waited for, so that no queue grows from tile to tile (one queue off-chip, or no limit to its bandwidth).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.mapping.dealing import Deal
from accelerator_sim.mapping.loops import Window
from accelerator_sim.mapping.mapping import Stationary
from accelerator_sim.simulation.event import Known, PassMemory, PassTimes, follow_passes, run_kinds, time_layer
from accelerator_sim.simulation.machine import machine_of
from accelerator_sim.simulation.passes import order_of, passes_of, planner_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import Stored, counted

MOST_PASSES = 1 << 22
"""Passes that are listed one by one: they take 80 bytes each, so 340 MB."""
FEW = (4, 8, 16, 32)
"""Tiles of a long dimension that are run: with 4, most loops have settled (the FIFOs and the channel hold one tile)."""
NEAR = 3
"""Tiles that a dimension may have beyond those that are run, and still be run whole."""

Sums = NDArray[np.object_]
"""Cycles, waits by cause and PE-cycles by cause and place, as whole numbers without a limit."""


@dataclass(frozen=True)
class Repeated:
    """A schedule whose long dimensions are cut down."""

    schedule: Schedule
    counts: Mapping[str, int]
    """Tiles of the whole layer along what may be cut down: G, N, C, Q, and full blocks, tiles of a block and rest of
    M."""

    def cut(self, tiles: Mapping[str, int]) -> Schedule:
        """The schedule with so many tiles along some of them; the last tile of each keeps its length."""
        have = {**self.counts, **tiles}
        full = self.schedule
        filters = have["blocks"] * have["block"] + have["rest"]
        wanted = {**{d: have[d] for d in "GNCQ" if d in have}, "M": filters}
        sizes: dict[str, Any] = {d: self._size(d, count) for d, count in wanted.items()}
        columns = full.loops.columns
        if "Q" in sizes:
            positions = sizes.pop("Q")
            columns = Window(positions, 1, 1, 1, positions, 0)
        loops = replace(full.loops, columns=columns, **sizes)
        mapping = replace(full.mapping, M2=have["block"])
        return Schedule(replace(full.problem, loops=loops), mapping)

    def _size(self, dimension: str, tiles: int) -> int:
        dealt: Deal = getattr(self.schedule.deals, dimension)
        return (tiles - 1) * dealt.length + dealt.last.elements


def repeated(schedule: Schedule, stored: Stored) -> Repeated | None:
    """Return what of a layer repeats, None where its passes have to be listed one by one."""
    dram = schedule.problem.architecture.dram
    if stored.iact_mask is not None or stored.weight_mask is not None:
        return None
    if dram.duplex and math.isfinite(dram.bandwidth):
        return None
    deals, m2 = schedule.deals, schedule.mapping.M2
    counts = {d: getattr(deals, d).tiles for d in "GN"}
    if schedule.mapping.stationary is not Stationary.IACT:  # else all channels of a tile are fetched at once
        counts["C"] = deals.C.tiles
    if schedule.loops.positions:
        counts["Q"] = deals.Q.tiles
    block = min(m2, deals.M.tiles)
    counts |= {"blocks": deals.M.tiles // block, "block": block, "rest": deals.M.tiles % block}
    return Repeated(schedule, counts)


def time_repeated(whole: Repeated, run: Any) -> PassTimes:
    """Time a layer by what repeats in it.

    run: times a schedule.  The result stands for all passes as if they were one, as long and as busy as the layer.

    Raises ValueError for a layer that settles in no few tiles, or has too many passes that do not repeat.
    """
    layer = whole.schedule.problem.layer.name
    for few in FEW:
        long = [name for name, count in whole.counts.items() if count > few + NEAR]
        # The rest of the filters stays shorter than a block of them.
        start = {name: few + NEAR if name == "block" else few for name in long}
        if whole.cut(start).passes * 2 ** len(long) > MOST_PASSES:
            break
        seen: dict[tuple[int, ...], PassTimes] = {}

        def timed(tiles: dict[str, int], seen: dict[tuple[int, ...], PassTimes] = seen) -> PassTimes:
            key = tuple(tiles.values())
            if key not in seen:
                seen[key] = run(whole.cut(tiles))
            return seen[key]

        if all(_is_line(start, name, timed) for name in long):
            total = _along(start, long, whole.counts, timed)
            return _times_of(total, timed(start), seen.values())
    raise ValueError(
        f"layer {layer} has {whole.schedule.passes:,} passes, of which too few repeat; at most {MOST_PASSES:,} are run"
        " one by one: use the analytical fidelity"
    )


def _sums(times: PassTimes) -> Sums:
    parts = [np.array([times.cycles]), times.waits, times.spent.ravel()]
    sums: Sums = np.array(np.concatenate(parts), dtype=object)
    return sums


def _is_line(start: dict[str, int], name: str, timed: Any) -> bool:
    """Whether each of two further tiles of a dimension adds the same."""
    one, two, three = (_sums(timed(start | {name: start[name] + more})) for more in range(3))
    return bool(np.array_equal(two - one, three - two))


def _along(start: dict[str, int], names: list[str], counts: Mapping[str, int], timed: Any) -> Sums:
    """Follow the lines of some dimensions to their whole numbers of tiles."""
    if not names:
        return _sums(timed(start))
    name, rest = names[0], names[1:]
    first = _along(start, rest, counts, timed)
    second = _along(start | {name: start[name] + 1}, rest, counts, timed)
    sums: Sums = first + (second - first) * (counts[name] - start[name])
    return sums


def _times_of(total: Sums, sample: PassTimes, seen: Any) -> PassTimes:
    causes, whole = sample.waits.size, total.astype(np.int64)  # raises OverflowError beyond 2^63 PE-cycles
    cycles, spent = int(whole[0]), whole[1 + causes :].reshape(sample.spent.shape)
    return PassTimes(
        cycles=cycles,
        passes=sample.passes,
        starts=np.zeros(1, dtype=np.int64),
        lengths=np.array([cycles]),
        busy=np.array([spent[at.BUSY].sum()]),
        spent=spent,
        waits=whole[1 : 1 + causes],
        iact_fifo=max(times.iact_fifo for times in seen),
        psum_fifo=max(times.psum_fifo for times in seen),
    )


def time_schedule(
    schedule: Schedule, stored: Stored, memory: PassMemory | None = None, most: int = MOST_PASSES
) -> PassTimes:
    """Time a layer, its passes one by one where there are no more than `most` of them, else by what repeats.

    memory: what the passes of layers took, to which those of this one are added.

    Raises ValueError for a layer of too many passes that do not repeat.
    """
    machine = machine_of(schedule)
    if schedule.passes <= most:
        return time_layer(passes_of(machine, stored), planner_of(machine, stored), memory)
    whole = repeated(schedule, stored)
    if whole is None:
        raise ValueError(_too_many(schedule))
    order = order_of(schedule, stored)
    known: Known = {}

    def run(part: Schedule) -> PassTimes:
        machine = machine_of(part)
        counts = counted(part, None, None)
        passes = passes_of(machine, counts, order=order)
        return follow_passes(passes, run_kinds(passes, planner_of(machine, counts), known))

    return time_repeated(whole, run)


def check_steppable(schedule: Schedule) -> None:
    """Raise ValueError for a layer of too many passes to be stepped one by one."""
    if schedule.passes > MOST_PASSES:
        raise ValueError(_too_many(schedule))


def _too_many(schedule: Schedule) -> str:
    """Why a layer is not run pass by pass."""
    layer, name = schedule.problem.layer.name, schedule.problem.architecture.name
    return (
        f"layer {layer} has {schedule.passes:,} passes on {name}; at most {MOST_PASSES:,} are run one by one: use the"
        " analytical fidelity"
    )
