"""The two engines that run the machine: from a schedule and the tensors of its layer to an activity."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.kernels import cycle_pe as pe
from accelerator_sim.kernels import machine as at
from accelerator_sim.kernels.cycle_pe import Values
from accelerator_sim.mapping.mapping import ceil_div
from accelerator_sim.simulation.activity import Activity, Verdict
from accelerator_sim.simulation.counts import Time, activity_of
from accelerator_sim.simulation.cycle import NO_VALUES, Stepped, step_layer
from accelerator_sim.simulation.event import Known, Timing, time_layer
from accelerator_sim.simulation.machine import Machine, machine_of
from accelerator_sim.simulation.operands import (
    normal_iacts,
    normal_masks,
    normal_weights,
    original_outputs,
    reference_outputs,
)
from accelerator_sim.simulation.passes import NO_DATA, NO_MASK, Planner, order_of, passes_of
from accelerator_sim.simulation.repeats import MOST_PASSES, repeated, time_repeated
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import Stored, counted
from accelerator_sim.workload.pattern import Operands, Pattern

BINS = 64
"""Parts of a layer's time for which the utilization is told."""


def stored_pattern(schedule: Schedule, pattern: Pattern) -> Stored:
    """Count a pattern, brought to the normal form of the loops."""
    return counted(schedule, *normal_masks(schedule.problem.layer, schedule.loops, pattern))


def run_event(schedule: Schedule, stored: Stored) -> tuple[Activity, Timing]:
    """Run a layer by exact recurrences; one of very many passes by what repeats in it (`simulation.repeats`).

    Raises ValueError for a layer of too many passes that do not repeat.
    """
    machine = machine_of(schedule)
    timing = time_schedule(schedule, stored)
    return activity_of(schedule, stored, _time(machine, timing)), timing


def time_schedule(schedule: Schedule, stored: Stored, most: int = MOST_PASSES) -> Timing:
    """Time a layer, the passes one by one where there are no more than `most` of them.

    Raises as `run_event`.
    """
    machine = machine_of(schedule)
    if schedule.passes <= most:
        return time_layer(passes_of(machine, stored), planner_of(machine, stored))
    whole = repeated(schedule, stored)
    if whole is None:
        raise ValueError(_too_many(schedule))
    order = order_of(schedule, stored)

    known: Known = {}

    def run(part: Schedule) -> Timing:
        machine = machine_of(part)
        counts = counted(part, None, None)
        return time_layer(passes_of(machine, counts, order=order), planner_of(machine, counts), known)

    return time_repeated(whole, run)


def _too_many(schedule: Schedule) -> str:
    """Why a layer is not run pass by pass."""
    layer, name = schedule.problem.layer.name, schedule.problem.architecture.name
    return (
        f"layer {layer} has {schedule.passes:,} passes on {name}; at most {MOST_PASSES:,} are run one by one: use the"
        " analytical fidelity"
    )


def run_cycle(
    schedule: Schedule, stored: Stored, operands: Operands | None = None, backwards: bool = False
) -> tuple[Activity, Stepped, Verdict | None]:
    """Step a layer clock by clock; with operands, carry their values and compare the outputs with a reference.

    Without operands, multiply-accumulates and words are counted as by the event engine; with them, on the way.

    Raises ValueError for a layer of too many passes.
    """
    if schedule.passes > MOST_PASSES:
        raise ValueError(_too_many(schedule))
    machine = machine_of(schedule)
    passes = passes_of(machine, stored, distinct=operands is not None)
    if operands is None:
        stepped = step_layer(passes, planner_of(machine, stored), NO_VALUES, backwards)
        return activity_of(schedule, stored, _time(machine, stepped.timing)), stepped, None
    layer, loops = schedule.problem.layer, schedule.loops
    data = normal_iacts(layer, loops, operands.iact).astype(np.int32).ravel()
    weights = normal_weights(layer, loops, operands.weight).astype(np.int32).ravel()
    precision = schedule.problem.architecture.precision
    psums = np.zeros(loops.outputs, dtype=np.int64)
    gates = schedule.problem.architecture.pe.zero_iact == "gate"
    stepped = step_layer(
        passes, planner_of(machine, stored, data), Values(weights, psums, 1 << (precision.psum - 1), gates), backwards
    )
    outputs = original_outputs(layer, psums.reshape(loops.G, loops.N, loops.M, loops.P, loops.Q))
    different = int(np.count_nonzero(outputs != reference_outputs(layer, operands.iact, operands.weight)))
    verdict = Verdict(outputs.size, different, int(stepped.seen[pe.N_OVERFLOWS]))
    seen = _counted_on_the_way(schedule, stored, stepped)
    return activity_of(schedule, seen, _time(machine, stepped.timing)), stepped, verdict


def planner_of(machine: Machine, stored: Stored, data: NDArray[np.int32] = NO_DATA) -> Planner:
    """A planner with the masks of the operands that are in CSC."""
    e = machine.e
    iacts = weights = NO_MASK
    if e[at.CSC_IACT]:
        shape = (e[at.GROUPS], e[at.IMAGES], e[at.ROW_SIZE], e[at.COL_SIZE], e[at.CHANNELS])
        iacts = (np.ones(shape, dtype=np.uint8) if stored.iact_mask is None else stored.iact_mask).ravel()
    if e[at.CSC_WEIGHT]:
        shape = (e[at.GROUPS], e[at.ROW_TAPS], e[at.TAPS], e[at.CHANNELS], e[at.FILTERS])
        weights = (np.ones(shape, dtype=np.uint8) if stored.weight_mask is None else stored.weight_mask).ravel()
    return Planner(machine, iacts, weights, data)


def _counted_on_the_way(schedule: Schedule, stored: Stored, stepped: Stepped) -> Stored:
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


def _time(machine: Machine, timing: Timing) -> Time:
    """Where the cycles of all PEs went: busy ones and stalls by cause add up to cycles x PEs."""
    pes = machine.schedule.problem.architecture.pes
    lost = timing.spent.sum(axis=1) + timing.waits * machine.places
    lost[at.UNUSED] += (pes - machine.places) * timing.cycles
    stalls = {name: int(n) for name, n in zip(at.CAUSES, lost, strict=True) if n and name != "busy"}
    busy = np.zeros(pes, dtype=np.int64)
    busy[machine.place[at.X_PE]] = timing.spent[at.BUSY]
    worst = max(stalls, key=lambda name: stalls[name], default="pe")
    return Time(
        cycles=timing.cycles,
        bound_by="pe" if busy.sum() >= stalls.get(worst, 0) else worst,
        stalls=stalls,
        pe_busy=tuple(busy.tolist()),
        fifo_marks={"iact": timing.iact_fifo, "psum": timing.psum_fifo},
        utilization_over_time=_utilization(timing, pes),
    )


def _utilization(timing: Timing, pes: int) -> tuple[float, ...]:
    """Busy PEs over all PEs in equal parts of the layer's time; a pass counts as evenly busy."""
    edges = np.linspace(0.0, timing.cycles, BINS + 1)
    ends = np.column_stack([timing.starts, timing.starts + timing.lengths]).ravel()
    done = np.column_stack([np.cumsum(timing.busy) - timing.busy, np.cumsum(timing.busy)]).ravel()
    busy: Any = np.diff(np.interp(edges, ends, done))
    return tuple(round(float(n), 6) for n in busy * BINS / (timing.cycles * pes))
