"""The event engine: every kind of pass by exact recurrences, and the layer as the passes that follow one another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.causes import CAUSES
from accelerator_sim.kernels.engine_arrays import Plan
from accelerator_sim.kernels.event_leap import LEVELS, Book
from accelerator_sim.kernels.event_pass import PassRun, Room, run_pass
from accelerator_sim.kernels.timeline import follow
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


def room_of(machine: Machine) -> Room:
    """Room for the passes of one layer."""
    e, places = machine.e, machine.places
    lanes = int(e[at.PSUM_LANES]) * machine.schedule.problem.architecture.cluster_array.count

    def zeros(size: int) -> Ints:
        return np.zeros(size, dtype=np.int64)

    words, entries = places * int(e[at.SPAD_WORDS]), places * int(e[at.IACT_FIFO])
    return Room(
        t=np.zeros((at.STATE, places), dtype=np.int64),
        pushed=zeros(words),
        written=zeros(words),
        freed=zeros(words),
        popped=zeros(entries),
        issued=zeros(places * int(e[at.FRONT])),
        psum_popped=zeros(places * int(e[at.PSUM_FIFO])),
        lane_last=zeros(places),
        lane_reads=zeros(places),
        lane_in=zeros(lanes),
        lane_out=zeros(lanes),
        stream_at=np.zeros((3, places), dtype=np.int64),
        chain_flits=zeros(places),
        marks=zeros(at.MARKS),
    )


def book_of(machine: Machine, leaps: bool) -> Book:
    """Room for the states of windows that repeat; of no size where none are leaped over."""
    e, places = machine.e, machine.places if leaps else 0
    rings = 2 * e[at.SPAD_WORDS] + e[at.IACT_FIFO] + e[at.FRONT] + e[at.PSUM_FIFO]
    times, same, sums = places * int(rings + 12) + leaps, places * 8 + 1, places * (len(CAUSES) + 4)

    def zeros(rows: int, columns: int) -> Ints:
        return np.zeros((rows, columns), dtype=np.int64)

    return Book(zeros(LEVELS + 1, times), zeros(LEVELS + 1, same), zeros(LEVELS, sums), *zeros(4, LEVELS))


NO_SPANS: Ints = np.zeros((0, 4), dtype=np.int64)


Known = dict[bytes, tuple[int, Ints, Ints]]
"""Passes that were run, by their tiles: bank reads, the output of `run_pass`, cycles by cause and place."""


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
    room, book = room_of(machine), book_of(machine, leaps and not planner.skips_zeros)
    cycles, fill, reads, busy = np.zeros((4, int(kinds.max()) + 1), dtype=np.int64)
    total = np.zeros((len(CAUSES), machine.places), dtype=np.int64)
    finish = np.zeros(machine.places, dtype=np.int64)
    out = np.zeros(at.OUT, dtype=np.int64)
    for kind, count in zip(kinds, counts, strict=True):
        d = passes.describe(kind)
        key = _place_free(d, machine)
        if known is not None and key in known:
            reads[kind], seen, spent = known[key]
            marks = np.maximum(out, seen)
            out[:] = seen
            out[[at.OUT_IACT_FIFO, at.OUT_PSUM_FIFO]] = marks[[at.OUT_IACT_FIFO, at.OUT_PSUM_FIFO]]
        else:
            plan, program, alike = (*planner.plan(d), None) if planner.data_matter else planner.plan_alike(d)
            spent = np.zeros_like(total)
            reads[kind] = run_pass(PassRun(machine.e, d, plan, program, room, book, spent, out, NO_SPANS), finish)
            if alike is not None:
                spent = spent[:, alike]
                spent[:, alike < 0] = 0
                spent[at.UNUSED, alike < 0] = out[at.OUT_PASS]
            if known is not None:
                known[key] = int(reads[kind]), out.copy(), spent
        cycles[kind], fill[kind] = out[at.OUT_PASS], out[at.OUT_FILL]
        busy[kind] = spent[at.BUSY].sum()
        total += count * spent
    return KindTimes(cycles, fill, reads, busy, total, int(out[at.OUT_IACT_FIFO]), int(out[at.OUT_PSUM_FIFO]))


def follow_passes(passes: Passes, kinds: KindTimes) -> PassTimes:
    """Let the passes of a layer follow one another."""
    starts = np.zeros(passes.count, dtype=np.int64)
    waits = np.zeros(len(CAUSES), dtype=np.int64)
    end = follow(
        passes.order, passes.kind, passes.group, passes.load, passes.iact_cycles, passes.fill_cycles,
        passes.weight_cycles, passes.oact_cycles, kinds.cycles, kinds.fill, kinds.reads, starts, waits,
    )  # fmt: skip
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
    )


def time_layer(passes: Passes, planner: Planner, memory: PassMemory | None = None) -> PassTimes:
    """Run each kind of pass once, unless that is remembered, and let the passes of a layer follow one another."""
    return follow_passes(passes, memory.times(passes, planner) if memory else run_kinds(passes, planner))


def _place_free(d: Ints, machine: Machine) -> bytes:
    """A pass without the places of those of its tiles that see no padding: G, N, M, C, and positions."""
    key = d.copy()
    key[[at.G, at.N, at.M, at.C]] = 0
    if machine.schedule.loops.positions:
        key[at.Q] = 0
    return key.tobytes()


def trace_pass(passes: Passes, planner: Planner, number: int) -> tuple[Plan, Ints]:
    """What happened when in one pass of a layer: its plan, and spans [n, 4] (see `kernels.event_pass.note`)."""
    machine = passes.machine
    d = passes.describe(int(passes.kind[number]))
    plan, program = planner.plan(d)
    room, book, most = room_of(machine), book_of(machine, False), 1 << 12
    while True:
        spans = np.zeros((most, 4), dtype=np.int64)
        out = np.zeros(at.OUT, dtype=np.int64)
        spent = np.zeros((len(CAUSES), machine.places), dtype=np.int64)
        run_pass(
            PassRun(machine.e, d, plan, program, room, book, spent, out, spans),
            np.zeros(machine.places, dtype=np.int64),
        )
        if out[at.OUT_SPANS] <= most:
            return plan, spans[: out[at.OUT_SPANS]]
        most = int(out[at.OUT_SPANS])
