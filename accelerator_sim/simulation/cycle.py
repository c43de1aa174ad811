"""The cycle engine: every pass of a layer stepped clock by clock, the off-chip channel beside it, values on the way."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.kernels import cycle_state as cs
from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels import timeline as line
from accelerator_sim.kernels.causes import CAUSES
from accelerator_sim.kernels.channel import Channel, Needs, step_wait, step_writes
from accelerator_sim.kernels.cycle_pass import step_pass
from accelerator_sim.kernels.cycle_state import State, StepRun, Turns, Values
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
    """What stepping a layer gives: its times, what was counted (`kernels.cycle_state.N_...`), and the outputs."""

    times: PassTimes
    seen: Ints
    psums: NDArray[Any]
    """int64 [G, N, M, P, Q], or of no size where no values were carried."""


def state_of(machine: Machine) -> State:
    """The state of all parts."""
    e, places = machine.e, machine.places

    def zeros(*shape: int) -> Ints:
        return np.zeros(shape, dtype=np.int64)

    return State(
        place=zeros(places, cs.PLACE_STATE),
        spad=zeros(places, int(e[at.SPAD_WORDS]), cs.ENTRY),
        fifo=zeros(places, int(e[at.IACT_FIFO]), cs.FIFO_ENTRY),
        queue=zeros(places, int(e[at.FRONT]), cs.VISIT),
        acc=zeros(places, 2, machine.schedule.mapping.M0),
        psum_time=zeros(places, int(e[at.PSUM_FIFO])),
        psum_word=zeros(places, int(e[at.PSUM_FIFO]), int(e[at.PSUM_FLIT])),
    )


def turns_of(machine: Machine) -> Turns:
    """Room for the turns on all lanes."""
    places = machine.places
    lanes = int(machine.e[at.PSUM_LANES]) * machine.schedule.problem.architecture.cluster_array.count

    def zeros(*shape: int) -> Ints:
        return np.zeros(shape, dtype=np.int64)

    return Turns(
        visited=np.arange(max(places, lanes), dtype=np.int64),
        active=zeros(places),
        lanes=zeros(2, max(places, lanes)),
        stream_at=zeros(2, places),
        iacts=zeros(places, cs.IACT_TURN),
        psums=zeros(2, lanes, cs.PSUM_TURN),
        first=zeros(lanes + 1),
        members=zeros(places),
        above=zeros(places),
        below=zeros(places),
        left=zeros(places),
        used=zeros(machine.schedule.problem.architecture.pes + 1),
    )


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

    def _plan(self, kind: int) -> tuple[Ints, Plan, Program]:
        """Describe and plan the pass of a kind that is stepped next."""
        d = self.passes.describe(kind)
        return d, *self.planner.plan(d)

    def weight_fill(self, kind: int) -> int:
        """Cycles until all PEs of a pass of a kind have their weights."""
        return self.known[kind].fill if kind in self.known else _weight_fill(self.plan(kind)[1])

    def step(self, kind: int) -> SteppedPass:
        """Step a pass of a kind."""
        known = self.known.get(kind)
        if known is not None:
            self.queue.skip(known.cycles)
            return known
        machine, (d, plan, program) = self.passes.machine, self.plan(kind)
        spent = np.zeros((len(CAUSES), machine.places), dtype=np.int64)
        seen = np.zeros(cs.COUNTED, dtype=np.int64)
        reads = step_pass(
            StepRun(
                machine.e, d, plan, program, self.values, self.state, self.turns,
                self.queue.channel, int(machine.local[at.P]), spent, self.finish, seen, self.out,
            )
        )  # fmt: skip
        stepped = SteppedPass(int(self.out[at.OUT_PASS]), _weight_fill(plan), int(reads), spent, seen)
        if self.values is NO_VALUES:
            self.known[kind] = stepped
        return stepped


class _LayerStepper:
    """Steps the passes of a layer in their order: asks for what they need, waits for it, and writes what they leave."""

    def __init__(self, passes: Passes, planner: Planner, values: Values) -> None:
        self.passes, self.order = passes, passes.order
        self.queue = _RequestQueue(passes.order, 3 * passes.count + 1)
        self.stepper = _PassStepper(passes, planner, values, self.queue)
        self.spent = np.zeros((len(CAUSES), passes.machine.places), dtype=np.int64)
        self.waits = np.zeros(len(CAUSES), dtype=np.int64)
        self.seen = np.zeros(cs.COUNTED, dtype=np.int64)
        self.starts, self.lengths, self.busy = np.zeros((3, passes.count), dtype=np.int64)
        self.following = dict(itertools.pairwise(int(i) for i in np.flatnonzero(passes.group)))
        self.sent_ahead = bool(self.order[line.O_HIDE_WEIGHT])
        self.asked_ahead = self.sent_ahead or bool(self.order[line.O_PREFETCH])
        self.iacts = self.weights = self.sent_at = 0
        """Numbers of the last transfers of iacts and weights; when these may be sent to the PEs, if that is ahead."""
        self.glb_left = 0
        """Cycles that the GLB banks still need for new iacts."""

    def run(self) -> None:
        """Step all passes."""
        self.queue.channel.clock[0] = self.waits[at.CONFIGURATION] = self.order[line.O_CONFIG]
        for i in range(self.passes.count):
            begun = self.queue.now
            self.queue.skip(int(self.order[line.O_CONFIG_PASS]))
            self.waits[at.CONFIGURATION] += self.order[line.O_CONFIG_PASS]
            self.ask_operands(i)
            step_wait(self.queue.channel, self.needs(i), self.waits)
            self.glb_left -= self.queue.now - begun
            self.starts[i] = self.queue.now
            self.ask_ahead(i)
            reads = self.step(i)
            self.write(i)
            self.glb_left -= self.queue.now - int(self.starts[i]) - (reads if self.order[line.O_SINGLE_PORT] else 0)
        way = self.queue.way(1)
        step_writes(self.queue.channel, way, int(self.queue.channel.tail[way]), self.waits)

    def ask_iacts(self, i: int) -> None:
        """Ask for the iacts of a pass."""
        self.iacts, self.glb_left = self.queue.ask(0, int(self.passes.iact_cycles[i])), int(self.passes.fill_cycles[i])

    def ask_weights(self, i: int) -> None:
        """Ask for the weights of a pass."""
        self.weights, self.sent_at = self.queue.ask(0, int(self.passes.weight_cycles[i])), self.queue.now

    def ask_operands(self, i: int) -> None:
        """Ask for what a pass needs and was not asked for ahead."""
        if self.passes.group[i] and (i == 0 or not self.order[line.O_HIDE_IACT]):
            self.ask_iacts(i)
        if self.passes.load[i] and (i == 0 or not self.asked_ahead):
            self.ask_weights(i)

    def needs(self, i: int) -> Needs:
        """What a pass needs before it may start."""
        group, load = bool(self.passes.group[i]), bool(self.passes.load[i])
        fill = self.stepper.weight_fill(int(self.passes.kind[i])) if load else 0
        return Needs(
            iacts=self.iacts if group else 0,
            weights=self.weights if load else 0,
            early=max(0, min(fill, int(self.passes.weight_cycles[i]))) if self.order[line.O_FILL_EARLY] else 0,
            glb=group,
            glb_left=self.glb_left,
            filling=self.sent_at + fill - self.queue.now if self.sent_ahead and load else 0,
        )

    def ask_ahead(self, i: int) -> None:
        """Ask for the operands of later passes when a pass starts."""
        if self.passes.group[i] and self.order[line.O_HIDE_IACT] and i in self.following:
            self.ask_iacts(self.following[i])
        if self.asked_ahead and i + 1 < self.passes.count and self.passes.load[i + 1]:
            self.ask_weights(i + 1)

    def step(self, i: int) -> int:
        """Step a pass; returns the flits that its busiest iact lane has sent."""
        stepped = self.stepper.step(int(self.passes.kind[i]))
        self.lengths[i], self.busy[i] = stepped.cycles, stepped.spent[at.BUSY].sum()
        self.spent += stepped.spent
        self.seen += stepped.seen
        return stepped.reads

    def write(self, i: int) -> None:
        """Ask for the oacts of a pass to be written, and wait for that where the next pass does."""
        if self.passes.oact_cycles[i] != line.NO_TRANSFER:
            number = self.queue.ask(1, int(self.passes.oact_cycles[i]))
            if not self.order[line.O_HIDE_OACT]:
                step_writes(self.queue.channel, self.queue.way(1), number, self.waits)


def step_layer(passes: Passes, planner: Planner, values: Values = NO_VALUES) -> Stepped:
    """Step all passes of a layer.

    planner: with the values of the iacts, if `values` are carried.
    """
    layer = _LayerStepper(passes, planner, values)
    layer.run()
    out = layer.stepper.out
    times = PassTimes(
        layer.queue.now, passes, layer.starts, layer.lengths, layer.busy, layer.spent, layer.waits,
        int(out[at.OUT_IACT_FIFO]), int(out[at.OUT_PSUM_FIFO]),
    )  # fmt: skip
    return Stepped(times, layer.seen, values.psums)


def _weight_fill(plan: Plan) -> int:
    """Cycles until all PEs of a pass have their weights."""
    return int(plan.place[at.X_LOADED, plan.place[at.X_ACTIVE] > 0].max())


def counted_on_the_way(schedule: Schedule, stored: Stored, stepped: Stepped) -> Stored:
    """The counts of a stepped layer in the place of those in closed form."""
    problem, seen = schedule.problem, stepped.seen
    pe = problem.architecture.pe
    address = None if pe.csc is not None and pe.csc.address_words else pe.spad.iact_address
    bits = address.width if address and problem.iact_encoding == "csc" else 0

    def words(pairs: int, segments: int) -> int:
        return ceil_div(int(seen[pairs]) * problem.iact_bits + int(seen[segments]) * bits, problem.iact_bits)

    sent = words(cs.N_IACT_SENT, cs.N_SEGMENTS_SENT)
    iact = replace(
        stored.iact,
        read=sent if stored.iact.read else 0,
        sent=sent,
        delivered=words(cs.N_IACT_DELIVERED, cs.N_SEGMENTS_DELIVERED),
        hops=words(cs.N_IACT_HOPS, cs.N_SEGMENTS_HOPS),
    )
    per_mac = problem.architecture.pe.iact_read == "per_mac"
    return replace(
        stored,
        iact=iact,
        effectual=int(seen[cs.N_EFFECTUAL]),
        issued=int(seen[cs.N_ISSUED]),
        gated=int(seen[cs.N_GATED]),
        iact_reads=int(seen[cs.N_VISIT_MACS if per_mac else cs.N_VISITS]),
        weight_reads=int(seen[cs.N_WEIGHT_READS]),
    )
