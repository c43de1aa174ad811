"""The cycle engine: every pass of a layer stepped clock by clock, the off-chip channel beside it, values on the way."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.kernels import cycle_pe as pe
from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels import timeline as line
from accelerator_sim.kernels.causes import CAUSES
from accelerator_sim.kernels.channel import Channel, step_wait, step_writes
from accelerator_sim.kernels.cycle_pass import Turns, step_pass
from accelerator_sim.kernels.cycle_pe import State, Values
from accelerator_sim.kernels.engine_arrays import Plan, Program
from accelerator_sim.mapping.mapping import ceil_div
from accelerator_sim.simulation.event import PassTimes
from accelerator_sim.simulation.machine import Machine
from accelerator_sim.simulation.passes import Passes, Planner
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import Stored
from accelerator_sim.workload.arrays import Ints

NO_VALUES = Values(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64), 1 << 62, False)


@dataclass(frozen=True, eq=False)
class Stepped:
    """What stepping a layer gives: its times, what was counted (`kernels.cycle_pe.N_...`), and the outputs."""

    times: PassTimes
    seen: Ints
    psums: NDArray[Any]
    """int64 [G, N, M, P, Q], or of no size where no values were carried."""


def state_of(machine: Machine) -> State:
    """The state of all parts."""
    e, places = machine.e, machine.places

    def zeros(*shape: int) -> Ints:
        return np.zeros(shape, dtype=np.int64)

    words, entries, psums = (places * int(e[k]) for k in (at.SPAD_WORDS, at.IACT_FIFO, at.PSUM_FIFO))
    return State(
        y=zeros(pe.STATE, places),
        pushed=zeros(words), written=zeros(words), freed=zeros(words), word=zeros(words),
        popped=zeros(entries), arrived=zeros(entries), flit=zeros(entries),
        queue=zeros(places, int(e[at.FRONT]), pe.VISIT),
        acc=zeros(places, 2, machine.schedule.mapping.M0),
        psum_time=zeros(psums), psum_popped=zeros(psums), psum_word=zeros(psums, int(e[at.PSUM_FLIT])),
    )  # fmt: skip


def turns_of(machine: Machine) -> Turns:
    """Room for the turns on all lanes."""
    places = machine.places
    lanes = int(machine.e[at.PSUM_LANES]) * machine.schedule.problem.architecture.cluster_array.count

    def zeros(*shape: int) -> Ints:
        return np.zeros(shape, dtype=np.int64)

    return Turns(
        visited=np.arange(max(places, lanes), dtype=np.int64), lanes=zeros(2, max(places, lanes)),
        active=zeros(places), stream_at=zeros(2, places), turn=zeros(4, places), serves=zeros(places),
        takers=zeros(places), links=zeros(places), reads=zeros(places), free=zeros(places),
        first=zeros(lanes + 1), members=zeros(places), turn_in=zeros(4, lanes), turn_out=zeros(4, lanes),
        chain_in=zeros(lanes), chain_out=zeros(lanes), flit_in=zeros(lanes), flit_out=zeros(lanes),
        last_in=zeros(lanes), last_out=zeros(lanes), above=zeros(places), below=zeros(places), left=zeros(places),
        used=zeros(machine.schedule.problem.architecture.pes + 1),
    )  # fmt: skip


class _RequestQueue:
    """The requests of a layer to its channel."""

    def __init__(self, order: Ints, most: int) -> None:
        self.order = order
        self.channel = Channel(*(np.zeros(n, dtype=np.int64) for n in (1, 2, 2)), *np.zeros((2, 2, most), np.int64))

    @property
    def now(self) -> int:
        """Cycles since the start of the layer."""
        return int(self.channel.clock[0])

    def ask(self, way: int, cycles: int) -> int:
        """Ask for a transfer now; returns its number in its queue, 0 for no transfer."""
        if cycles == line.NO_TRANSFER:
            return 0
        way = self.way(way)
        number = int(self.channel.tail[way])
        self.channel.left[way, number] = cycles
        self.channel.after[way, number] = self.now + self.order[line.O_LATENCY]
        self.channel.tail[way] += 1
        return number + 1

    def skip(self, cycles: int) -> None:
        """Let so many cycles of the channel pass, as so many ticks of it would."""
        channel, end = self.channel, self.now + cycles
        for way in range(2):
            number, free = int(channel.head[way]), self.now
            while number < channel.tail[way] and (begin := max(free, int(channel.after[way, number]))) < end:
                served = min(int(channel.left[way, number]), end - begin)
                channel.left[way, number] -= served
                if channel.left[way, number] > 0:
                    break
                number, free = number + 1, begin + served
            channel.head[way] = number
        channel.clock[0] = end

    def way(self, way: int) -> int:
        """The queue that serves a way."""
        return way if self.order[line.O_DUPLEX] else 0


@dataclass(frozen=True, eq=False)
class SteppedPass:
    """One pass that was stepped."""

    cycles: int
    fill: int
    """Cycles until all PEs have their weights."""
    reads: int
    """Flits that the busiest iact lane has sent."""
    spent: Ints
    """[causes, places]: PE-cycles."""
    seen: Ints


class _PassStepper:
    """Steps passes one after another, the channel beside them.

    Passes of a kind are alike in everything but their values: without values one of each kind is stepped, and the
    channel alone runs for as long as each further one takes.
    """

    def __init__(self, passes: Passes, planner: Planner, values: Values, queue: _RequestQueue) -> None:
        machine = passes.machine
        self.passes, self.planner, self.values, self.queue = passes, planner, values, queue
        self.state, self.turns = state_of(machine), turns_of(machine)
        self.finish = np.zeros(machine.places, dtype=np.int64)
        self.out = np.zeros(at.OUT, dtype=np.int64)
        self.known: dict[int, SteppedPass] = {}
        self.plan = lru_cache(maxsize=1)(self._plan)

    def _plan(self, kind: int) -> tuple[Plan, Program]:
        """Plan the pass of a kind that is stepped next."""
        return self.planner.plan(self.passes.describe(kind))

    def weight_fill(self, kind: int) -> int:
        """Cycles until all PEs of a pass of a kind have their weights."""
        return self.known[kind].fill if kind in self.known else _weight_fill(self.plan(kind)[0])

    def step(self, kind: int) -> SteppedPass:
        """Step a pass of a kind."""
        known = self.known.get(kind)
        if known is not None:
            self.queue.skip(known.cycles)
            return known
        machine, (plan, program) = self.passes.machine, self.plan(kind)
        spent = np.zeros((len(CAUSES), machine.places), dtype=np.int64)
        seen = np.zeros(pe.COUNTED, dtype=np.int64)
        reads = step_pass(
            machine.e, self.passes.describe(kind), plan, program, self.values, int(machine.local[at.P]), self.state,
            self.turns, self.queue.channel, spent, self.finish, seen, self.out,
        )  # fmt: skip
        stepped = SteppedPass(int(self.out[at.OUT_PASS]), _weight_fill(plan), int(reads), spent, seen)
        if self.values is NO_VALUES:
            self.known[kind] = stepped
        return stepped


def step_layer(passes: Passes, planner: Planner, values: Values = NO_VALUES) -> Stepped:
    """Step all passes of a layer.

    planner: with the values of the iacts, if `values` are carried.
    """
    machine, order = passes.machine, passes.order
    queue = _RequestQueue(order, 3 * passes.count + 1)
    stepper = _PassStepper(passes, planner, values, queue)
    spent = np.zeros((len(CAUSES), machine.places), dtype=np.int64)
    waits = np.zeros(len(CAUSES), dtype=np.int64)
    seen = np.zeros(pe.COUNTED, dtype=np.int64)
    starts, lengths, busy = np.zeros((3, passes.count), dtype=np.int64)
    groups = [int(i) for i in np.flatnonzero(passes.group)]
    following = dict(itertools.pairwise(groups))

    config = int(order[line.O_CONFIG])
    queue.channel.clock[0] = config
    waits[at.CONFIGURATION] = config
    iacts = held = glb_left = sent_at = 0
    sent_ahead = bool(order[line.O_HIDE_WEIGHT])
    ahead = sent_ahead or bool(order[line.O_PREFETCH])
    for i in range(passes.count):
        kind, group, load, begun = int(passes.kind[i]), bool(passes.group[i]), bool(passes.load[i]), queue.now
        fill = stepper.weight_fill(kind) if load else 0
        if group and (i == 0 or not order[line.O_HIDE_IACT]):
            iacts, glb_left = queue.ask(0, int(passes.iact_cycles[i])), int(passes.fill_cycles[i])
        if load and (i == 0 or not ahead):
            held, sent_at = queue.ask(0, int(passes.weight_cycles[i])), queue.now
        step_wait(
            queue.channel,
            iacts if group else 0,
            held if load else 0,
            max(0, min(fill, int(passes.weight_cycles[i]))) if order[line.O_FILL_EARLY] else 0,
            group,
            glb_left,
            sent_at + fill - queue.now if sent_ahead and load else 0,
            waits,
        )
        glb_left -= queue.now - begun
        starts[i] = queue.now
        if group and order[line.O_HIDE_IACT] and i in following:
            iacts = queue.ask(0, int(passes.iact_cycles[following[i]]))
            glb_left = int(passes.fill_cycles[following[i]])
        if ahead and i + 1 < passes.count and passes.load[i + 1]:
            held, sent_at = queue.ask(0, int(passes.weight_cycles[i + 1])), queue.now
        stepped = stepper.step(kind)
        lengths[i], busy[i] = stepped.cycles, stepped.spent[at.BUSY].sum()
        spent += stepped.spent
        seen += stepped.seen
        if passes.oact_cycles[i] != line.NO_TRANSFER:
            number = queue.ask(1, int(passes.oact_cycles[i]))
            if not order[line.O_HIDE_OACT]:
                step_writes(queue.channel, queue.way(1), number, waits)
        glb_left -= queue.now - starts[i] - (stepped.reads if order[line.O_SINGLE_PORT] else 0)
    step_writes(queue.channel, queue.way(1), int(queue.channel.tail[queue.way(1)]), waits)
    marks = int(stepper.out[at.OUT_IACT_FIFO]), int(stepper.out[at.OUT_PSUM_FIFO])
    return Stepped(PassTimes(queue.now, passes, starts, lengths, busy, spent, waits, *marks), seen, values.psums)


def _weight_fill(plan: Plan) -> int:
    """Cycles until all PEs of a pass have their weights."""
    return int(plan.place[at.X_LOADED, plan.place[at.X_ACTIVE] > 0].max())


def counted_on_the_way(schedule: Schedule, stored: Stored, stepped: Stepped) -> Stored:
    """The counts of a stepped layer in the place of those in closed form."""
    problem, seen = schedule.problem, stepped.seen
    address = problem.architecture.pe.spad.iact_address
    bits = address.width if address and problem.iact_encoding == "csc" else 0

    def words(pairs: int, segments: int) -> int:
        return ceil_div(int(seen[pairs]) * problem.iact_bits + int(seen[segments]) * bits, problem.iact_bits)

    sent = words(pe.N_IACT_SENT, pe.N_SEGMENTS_SENT)
    iact = replace(
        stored.iact,
        read=sent if stored.iact.read else 0,
        sent=sent,
        delivered=words(pe.N_IACT_DELIVERED, pe.N_SEGMENTS_DELIVERED),
        hops=words(pe.N_IACT_HOPS, pe.N_SEGMENTS_HOPS),
    )
    per_mac = problem.architecture.pe.iact_read == "per_mac"
    return replace(
        stored,
        iact=iact,
        effectual=int(seen[pe.N_EFFECTUAL]),
        issued=int(seen[pe.N_ISSUED]),
        gated=int(seen[pe.N_GATED]),
        iact_reads=int(seen[pe.N_VISIT_MACS if per_mac else pe.N_VISITS]),
        weight_reads=int(seen[pe.N_WEIGHT_READS]),
    )
