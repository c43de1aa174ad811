"""The event engine: every kind of pass by exact recurrences, and the layer as the passes that follow one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.causes import CAUSES
from accelerator_sim.kernels.engine_arrays import Plan, Program
from accelerator_sim.kernels.event_leap import LEVELS, Book
from accelerator_sim.kernels.event_pass import run_pass
from accelerator_sim.kernels.event_state import PassRun, Room
from accelerator_sim.kernels.timeline import CLOCK, PassList, PassSequence, follow
from accelerator_sim.kernels.vectors import WIDTH
from accelerator_sim.simulation.machine import Machine
from accelerator_sim.simulation.passes import Passes, Planner
from accelerator_sim.workload.arrays import Ints


@dataclass(frozen=True, eq=False)
class PassTimes:
    """When the passes of a layer start, how long they take, and where the cycles of every PE went."""

    cycles: int
    passes: Passes
    starts: Ints
    lengths: Ints
    busy: Ints
    """PE-cycles with a multiply-accumulate, by pass."""
    spent: Ints
    """[causes, places]: cycles of each place of the array."""
    waits: Ints
    """[causes]: cycles in which the whole array waits between passes."""
    iact_fifo: int
    psum_fifo: int
    of_kinds: KindTimes | None = None
    """What the kinds of passes take; None where not each pass is of a kind."""

    def on_channel(self, bytes_per_cycle: float) -> PassTimes | None:
        """The same layer where the off-chip channel has another bandwidth: what a pass takes does not depend on it.

        None where the passes do not follow one another by their kinds.
        """
        return None if self.of_kinds is None else follow_passes(self.passes.on_channel(bytes_per_cycle), self.of_kinds)


class PassRunner:
    """Room for the passes of one layer, which grows with them."""

    def __init__(self, machine: Machine, leaps: bool) -> None:
        """leaps: whether windows that repeat are leaped over."""
        self.machine, self.leaps = machine, leaps
        self.size = (-1, -1)
        self.finish = _zeros(machine.places)

    def run(self, d: Ints, plan: Plan, program: Program, results: tuple[Ints, Ints, Ints]) -> int:
        """Run a pass; returns flits of its busiest iact lane.

        results: `spent`, `out` and `spans` of `PassRun`, which are filled.
        """
        counts, width = plan.counts, program.cost.shape[1]
        blocks, links = int(counts[at.COUNT_PE_BLOCKS]), int(plan.blocks.chain_first[counts[at.COUNT_CHAIN_BLOCKS]])
        if blocks > self.size[0] or links > self.size[1]:
            self.size = max(blocks, self.size[0]), max(links, self.size[1])
            self.room = room_of(self.machine, *self.size, width)
            self.book = book_of(self.machine, *self.size) if self.leaps else NO_BOOK
        run = PassRun(self.machine.e, d, plan, program, self.room, self.book, *results)
        return int(run_pass(run, self.finish))


def _zeros(*shape: int) -> Ints:
    return np.zeros(shape, dtype=np.int64)


def room_of(machine: Machine, blocks: int, links: int, width: int) -> Room:
    """Room for passes of so many blocks of PEs and links of blocks of chains, with so many places of a window."""
    e, places = machine.e, machine.places
    lanes = int(e[at.PSUM_LANES]) * machine.schedule.problem.architecture.cluster_array.count
    return Room(
        blocks=_zeros(blocks * int(e[at.BLOCK_ROWS]) * WIDTH),
        links=_zeros(links * int(e[at.LINK_ROWS]) * WIDTH),
        costs=_zeros(blocks * width * WIDTH),
        pointer=_zeros(at.POINTERS, blocks),
        chain_slot=_zeros(places),
        lane_last=_zeros(places),
        lane_reads=_zeros(places),
        lane_in=_zeros(lanes),
        lane_out=_zeros(lanes),
        stream_at=_zeros(3, places),
        marks=_zeros(at.MARKS),
    )


def book_of(machine: Machine, blocks: int, links: int) -> Book:
    """Room for the states of windows that repeat in such passes."""
    e, places = machine.e, machine.places
    times = 1 + places + blocks * int(e[at.BLOCK_ROWS]) + links * int(2 + e[at.PSUM_FIFO])
    same, sums = 1 + places + 6 * blocks + links, 4 * places + WIDTH * (blocks * at.SPENT + links * at.L_POPPED)
    return Book(
        _zeros((LEVELS + 1) * times * WIDTH), _zeros(LEVELS + 1, same), _zeros(LEVELS, sums), *_zeros(4, LEVELS)
    )


NO_BOOK = Book(_zeros(0), *_zeros(2, 0, 0), *_zeros(4, LEVELS))
"""Where every window is to be run: no room for states, only for the counters that the kernel sets before it looks."""
NO_SPANS: Ints = np.zeros((0, 4), dtype=np.int64)


class KnownPass(NamedTuple):
    """A pass that was run."""

    reads: int
    """Flits that the busiest iact lane sends."""
    out: Ints
    """What else the pass comes to (`kernels.engine_arrays.OUT_...`)."""
    spent: Ints
    """[causes, places]: PE-cycles."""


Known = dict[bytes, KnownPass]
"""Passes that were run, by what decides their times."""


@dataclass(frozen=True, eq=False)
class KindTimes:
    """What the kinds of passes of a layer take: int64 by kind, and for all passes together."""

    cycles: Ints
    fill: Ints
    """Cycles until all PEs have their weights."""
    reads: Ints
    """Flits that the busiest iact lane sends."""
    busy: Ints
    """PE-cycles with a multiply-accumulate."""
    spent: Ints
    """[causes, places], of all passes."""
    iact_fifo: int
    psum_fifo: int


class PassMemory:
    """What the passes of some layers took, for machines that run the same passes with other things around them.

    Machines that differ in their off-chip channel, in memories that do not bind, or in overlaps between passes run the
    same passes.  May be used by several threads.
    """

    MOST = 1000
    """Layers that are remembered: at 20 KiB each on 192 PEs, 20 MB."""

    def __init__(self) -> None:
        self.layers: dict[bytes, KindTimes] = {}

    def times(self, passes: Passes, planner: Planner) -> KindTimes:
        """Return what the kinds of passes of a layer take, and run them if that is not known."""
        key = passes.content + planner.zeros
        times = self.layers.get(key)
        if times is None:
            times = run_kinds(passes, planner)
            if len(self.layers) >= self.MOST:
                self.layers.clear()
            self.layers[key] = times
        return times


def run_kinds(passes: Passes, planner: Planner, known: Known | None = None, leaps: bool = True) -> KindTimes:
    """Run each kind of pass once.

    known: passes of other parts of the same layer, in which only the lengths of tiles matter, not where they lie; they
    are not run again, and what is run is added; leaps: leap over windows that repeat, which changes no result.
    """
    machine = passes.machine
    kinds, counts = passes.kinds
    runner = PassRunner(machine, leaps and not planner.skips_zeros)
    cycles, fill, reads, busy = np.zeros((4, int(kinds.max()) + 1), dtype=np.int64)
    total = np.zeros((len(CAUSES), machine.places), dtype=np.int64)
    iact_fifo = psum_fifo = 0
    runs: Known = {} if known is None else known
    for kind, count, d in zip(kinds, counts, passes.describe_all(kinds), strict=True):
        key = d.tobytes() if planner.has_zeros else _place_free(d, machine)
        if key not in runs:
            runs[key] = _run_kind(d, planner, runner)
        run = runs[key]
        reads[kind], cycles[kind], fill[kind] = run.reads, run.out[at.OUT_PASS], run.out[at.OUT_FILL]
        busy[kind] = run.spent[at.BUSY].sum()
        total += count * run.spent
        iact_fifo, psum_fifo = max(iact_fifo, run.out[at.OUT_IACT_FIFO]), max(psum_fifo, run.out[at.OUT_PSUM_FIFO])
    return KindTimes(cycles, fill, reads, busy, total, int(iact_fifo), int(psum_fifo))


def _run_kind(d: Ints, planner: Planner, runner: PassRunner) -> KnownPass:
    """Run a pass."""
    plan, program, stands_for = (*planner.plan(d), None) if planner.data_matter else planner.plan_alike(d)
    spent = np.zeros((len(CAUSES), planner.machine.places), dtype=np.int64)
    out = np.zeros(at.OUT, dtype=np.int64)
    reads = runner.run(d, plan, program, (spent, out, NO_SPANS))
    if stands_for is not None:
        spent = spent[:, stands_for]
        spent[:, stands_for < 0] = 0
        spent[at.UNUSED, stands_for < 0] = out[at.OUT_PASS]
    return KnownPass(reads, out, spent)


def follow_passes(passes: Passes, kinds: KindTimes) -> PassTimes:
    """Let the passes of a layer follow one another."""
    starts = np.zeros(passes.count, dtype=np.int64)
    waits = np.zeros(len(CAUSES), dtype=np.int64)
    listed = PassList(
        passes.kind, passes.group, passes.load, passes.iact_cycles, passes.fill_cycles, passes.weight_cycles,
        passes.oact_cycles,
    )  # fmt: skip
    clock = np.zeros(CLOCK, dtype=np.int64)
    end = follow(PassSequence(passes.order, listed, kinds.cycles, kinds.fill, kinds.reads, starts, waits, clock))
    return PassTimes(
        cycles=int(end),
        passes=passes,
        starts=starts,
        lengths=kinds.cycles[passes.kind],
        busy=kinds.busy[passes.kind],
        spent=kinds.spent,
        waits=waits,
        iact_fifo=kinds.iact_fifo,
        psum_fifo=kinds.psum_fifo,
        of_kinds=kinds,
    )


def time_layer(passes: Passes, planner: Planner, memory: PassMemory | None = None) -> PassTimes:
    """Run each kind of pass once, unless that is remembered, and let the passes of a layer follow one another."""
    return follow_passes(passes, memory.times(passes, planner) if memory else run_kinds(passes, planner))


def _place_free(d: Ints, machine: Machine) -> bytes:
    """What decides the times of a pass without zeros: lengths, flags, and where padding lies in rows and columns."""
    e = machine.e
    p, q, taps = (d[k] + np.arange(d[at.SIZE + k]) for k in (at.P, at.Q, at.R))
    row = p[:, None] * e[at.ROW_STRIDE] + taps * e[at.ROW_DILATION] - e[at.ROW_BEFORE]
    column = q[:, None] * e[at.COL_STRIDE] + np.arange(d[at.EXTENT]) - d[at.COL_BEFORE]
    inside = ((place >= 0) & (place < size) for place, size in ((row, e[at.ROW_SIZE]), (column, e[at.COL_SIZE])))
    return b"".join([d[at.SIZE :].tobytes(), *(np.packbits(each).tobytes() for each in inside)])


def trace_pass(passes: Passes, planner: Planner, number: int) -> tuple[Plan, Ints]:
    """What happened when in one pass of a layer: its plan, and spans [n, 4] (see `kernels.event_pass.note`)."""
    machine = passes.machine
    d = passes.describe(int(passes.kind[number]))
    plan, program = planner.plan(d)
    runner, most = PassRunner(machine, False), 1 << 12
    while True:
        spans = np.zeros((most, 4), dtype=np.int64)
        out = np.zeros(at.OUT, dtype=np.int64)
        spent = np.zeros((len(CAUSES), machine.places), dtype=np.int64)
        runner.run(d, plan, program, (spent, out, spans))
        if out[at.OUT_SPANS] <= most:
            return plan, spans[: out[at.OUT_SPANS]]
        most = int(out[at.OUT_SPANS])
