"""The three engines.  Each takes a schedule and its stored words, and returns an outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from accelerator_sim.files.vocabulary import Fidelity
from accelerator_sim.kernels import cycle_state as cs
from accelerator_sim.kernels.cycle_state import Values
from accelerator_sim.simulation.analytical import bottleneck
from accelerator_sim.simulation.counts import counts_of
from accelerator_sim.simulation.cycle import counted_on_the_way, step_layer
from accelerator_sim.simulation.event import PassMemory, PassTimes
from accelerator_sim.simulation.machine import machine_of
from accelerator_sim.simulation.operands import normal_iacts, normal_weights, original_outputs, reference_outputs
from accelerator_sim.simulation.outcome import Counts, Outcome, Verdict
from accelerator_sim.simulation.passes import passes_of, planner_of
from accelerator_sim.simulation.repeats import check_steppable, time_schedule
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import Stored, expected
from accelerator_sim.simulation.timing import timing_of
from accelerator_sim.workload.pattern import Operands


class Engine(Protocol):
    """What runs a layer."""

    def run(self, schedule: Schedule, stored: Stored) -> Outcome:
        """Run a layer.

        schedule: the layer, its mapping and the traffic that follows; stored: its words as they are stored, and the
        masks of its zeros.  Raises ValueError for a layer of too many passes.
        """
        ...


@dataclass(frozen=True)
class Analytical:
    """A bottleneck estimate of the cycles; counts are exact."""

    def run(self, schedule: Schedule, stored: Stored) -> Outcome:
        """Run a layer."""
        return Outcome(counts_of(schedule, stored), bottleneck(schedule).timing)


@dataclass(frozen=True, eq=False)
class TimedLayer:
    """A layer that was run by the event engine: when its passes start and end, and its counts."""

    schedule: Schedule
    times: PassTimes
    counts: Counts

    @property
    def cycles(self) -> int:
        """Cycles of the layer."""
        return self.times.cycles

    @cached_property
    def outcome(self) -> Outcome:
        """All that the engine finds."""
        machine = self.times.passes.machine
        if self.times.of_kinds is None:  # a few of its tiles stand for all
            machine = machine_of(self.schedule)
        return Outcome(self.counts, timing_of(machine, self.times))

    def on_channel(self, schedule: Schedule) -> TimedLayer | None:
        """The same layer with the same mapping on a machine that differs in its off-chip bandwidth, and in memories.

        None where that is not known without a run.
        """
        times = self.times.on_channel(schedule.problem.bytes_per_cycle)
        return None if times is None else TimedLayer(schedule, times, self.counts)


@dataclass(frozen=True)
class Event:
    """Exact times by recurrences; a layer of very many passes by what repeats in it (`simulation.repeats`).

    memory: what the passes of layers took, for runs of the same layers on machines that differ elsewhere.
    """

    memory: PassMemory | None = None

    def time(self, schedule: Schedule, stored: Stored) -> TimedLayer:
        """Run a layer, and leave for later where its cycles were lost.  Raises as `run`."""
        return TimedLayer(schedule, time_schedule(schedule, stored, self.memory), counts_of(schedule, stored))

    def run(self, schedule: Schedule, stored: Stored) -> Outcome:
        """Run a layer.  Raises ValueError for one of too many passes that do not repeat."""
        return self.time(schedule, stored).outcome


@dataclass(frozen=True)
class Cycle:
    """Every clock of every part.

    operands: values to carry, whose outputs are compared with a reference; words and multiply-accumulates are then
    counted on the way.  None: words are counted from the masks, as by the other engines.
    """

    operands: Operands | None = None

    def run(self, schedule: Schedule, stored: Stored) -> Outcome:
        """Run a layer.  Raises ValueError for one of too many passes."""
        check_steppable(schedule)
        machine = machine_of(schedule)
        if self.operands is None:
            stepped = step_layer(passes_of(machine, stored), planner_of(machine, stored))
            return Outcome(counts_of(schedule, stored), timing_of(machine, stepped.times))
        layer, loops, architecture = schedule.problem.layer, schedule.loops, schedule.problem.architecture
        data = normal_iacts(layer, loops, self.operands.iact).astype(np.int32).ravel()
        weights = normal_weights(layer, loops, self.operands.weight).astype(np.int32).ravel()
        psums = np.zeros(loops.outputs, dtype=np.int64)
        carried = Values(weights, psums, 1 << (architecture.precision.psum - 1), architecture.pe.zero_iact == "gate")
        stepped = step_layer(passes_of(machine, stored, distinct=True), planner_of(machine, stored, data), carried)
        outputs = original_outputs(layer, psums.reshape(loops.G, loops.N, loops.M, loops.P, loops.Q))
        different = int(np.count_nonzero(outputs != reference_outputs(layer, self.operands.iact, self.operands.weight)))
        verdict = Verdict(outputs.size, different, int(stepped.seen[cs.N_OVERFLOWS]))
        seen = counted_on_the_way(schedule, stored, stepped)
        return Outcome(counts_of(schedule, seen), timing_of(machine, stepped.times), verdict)


ENGINES: dict[Fidelity, Callable[[], Engine]] = {
    Fidelity.ANALYTICAL: Analytical,
    Fidelity.EVENT: Event,
    Fidelity.CYCLE: Cycle,
}
"""Engines by fidelity."""


def estimate_of(schedule: Schedule) -> Outcome:
    """The estimate of a schedule whose words are those expected from the densities of its layer."""
    return Analytical().run(schedule, expected(schedule))
