"""The seven bounds of Eyexam for one layer, from the work alone to what the event engine measured.

Each step adds a constraint, and its result bounds what comes after: 1 the layer, 2 the dataflow, 3 the number of PEs,
4 the shape of the array, 5 storage, 6 average bandwidth to the active PEs, 7 the actual performance.  Steps 2 to 4 are
solved exactly, 5 and 6 by the mapping search on the machine with the later constraints lifted.  Source: Chen, Yang,
Emer, Sze, arXiv:1807.07928v1, Table II and Fig. 8; Sze et al., IEEE SSC Magazine, Summer 2020, equation 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.dataflow.rules import DATAFLOWS
from accelerator_sim.eyexam.parallelism import serial_steps, steps_on_array, steps_on_lanes
from accelerator_sim.eyexam.relax import FREE, steady, unlimited_bandwidth
from accelerator_sim.eyexam.stalls import worst_stall
from accelerator_sim.kernels.causes import Cause
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.mapping.search import SearchOptions, find_mappings
from accelerator_sim.simulation.analytical import bottleneck
from accelerator_sim.simulation.outcome import Outcome, Resource
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.workload.layer import Layer

STEPS = (
    "layer",
    "dataflow",
    "number of PEs",
    "array shape",
    "storage",
    "bandwidth",
    "actual",
)
"""What each step adds, in the order of the steps."""


@dataclass(frozen=True)
class Roof:
    """One resource of the roofline: its words and how long it is busy, in the steady machine of step 6."""

    resource: Resource
    busy: float
    """Cycles."""
    words: int
    """Words that all sources of this kind move; 0 for the PEs themselves."""

    @property
    def bandwidth(self) -> float:
        """Words a cycle to the active PEs."""
        return self.words / self.busy

    def intensity(self, macs: int) -> float:
        """Multiply-accumulates per word."""
        return macs / self.words


@dataclass(frozen=True)
class Examination:
    """The bounds of one layer on one machine.

    `cycles` are the least cycles after each step (nominal MACs over them: the bound in MACs per cycle), never falling;
    `solved` the same as each step by itself was solved;
    `peak_cycles` what the work takes where every lane (MAC of a PE) is busy in every cycle; `share` the fraction of the
    MACs that count as work: all, or those with two non-zero operands where the PE skips zeros.
    """

    macs: int
    effectual_macs: int
    share: float
    lanes: int
    pes: int
    cycles: tuple[float, ...]
    solved: tuple[float, ...]
    limit: Resource | Cause
    """The resource that binds at step 6."""
    stall: Cause | None
    """The cause that most cycles are lost to at step 7; None where none are."""
    roofs: tuple[Roof, ...]
    """Resources of the mapping that step 6 found, the busiest first."""

    @property
    def peak_cycles(self) -> float:
        """Cycles of the work on all lanes."""
        return self.share * self.macs / self.lanes

    def rate(self, step: int, effectual: bool = False) -> float:
        """The bound after a step (1 to 7) in nominal or in effectual MACs per cycle."""
        return (self.effectual_macs if effectual else self.macs) / self.cycles[step - 1]

    @cached_property
    def lost(self) -> tuple[float, ...]:
        """Cycles above the peak of the machine that each step costs; they add up to the actual cycles less the peak."""
        lost, before = [], self.peak_cycles
        for cycles in self.cycles:
            after = max(before, cycles)
            lost.append(after - before)
            before = after
        return tuple(lost)

    @property
    def lost_in_all(self) -> float:
        """Cycles above the peak of the machine."""
        return sum(self.lost)

    @property
    def binding(self) -> int:
        """The step that costs most (7, the first one, where nothing is lost)."""
        return max(range(7, 0, -1), key=lambda step: self.lost[step - 1])

    @property
    def active(self) -> float:
        """Share of the lanes that have work, time-averaged: what steps 1 to 5 leave of the peak (SSC20, equation 3)."""
        return self.peak_cycles / max(self.cycles[4], self.peak_cycles)

    @property
    def used(self) -> float:
        """Share of its time that an active lane works: what steps 6 and 7 leave (SSC20, equation 3)."""
        return max(self.cycles[4], self.peak_cycles) / self.cycles[6]


def examine(
    layer: Layer,
    mapping: Mapping,
    outcome: Outcome,
    architecture: Architecture,
    constraints: Constraints | None = None,
) -> Examination:
    """Bound a layer whose outcome the event engine found with a mapping.

    constraints: those of the mapping search, which bound the compiler; they apply to steps 5 and 6.

    A bound is the cycles of the best mapping under the constraints of the step.  A laxer step attains whatever a
    stricter one attains, so a bound is never above the next one; this matters only where zeros lie more favourably
    than expected from their densities.
    """
    flow = DATAFLOWS["rs"]
    problem = problem_of(layer, architecture, mapping.iact_encoding, mapping.weight_encoding)
    loops, lanes = problem.loops, architecture.macs_per_cycle
    share = outcome.counts.effectual_macs / outcome.counts.macs if architecture.pe.csc is not None else 1.0
    best = [
        find_mappings(layer, machine, FREE, options=SearchOptions(constraints or Constraints(), work=share))[0]
        for machine in (unlimited_bandwidth(architecture), steady(architecture))
    ]
    roofs = [_roofs(Schedule.of_found(each)) for each in best]
    steps = (
        1.0,
        share * serial_steps(loops, flow),
        share * steps_on_lanes(loops, flow, lanes),
        share * steps_on_array(problem),
        roofs[0][0].busy,
        roofs[1][0].busy,
        float(outcome.timing.cycles),
    )
    solved = tuple(max(1.0, step) for step in steps)
    cycles = list(solved)
    for step in range(5, -1, -1):
        cycles[step] = min(cycles[step], cycles[step + 1])
    limit: Resource | Cause = roofs[1][0].resource
    if limit is Resource.PE and cycles[5] > cycles[4]:
        limit = Cause.PSUM_SERVICE  # all that step 6 adds to the work of a PE
    return Examination(
        macs=outcome.counts.macs,
        effectual_macs=outcome.counts.effectual_macs,
        share=share,
        lanes=lanes,
        pes=architecture.pes,
        cycles=tuple(cycles),
        solved=solved,
        limit=limit,
        stall=worst_stall(outcome),
        roofs=roofs[1],
    )


def _roofs(schedule: Schedule) -> tuple[Roof, ...]:
    """Busy cycles and words of every resource of a steady machine."""
    busy = bottleneck(schedule).side
    moved = schedule.iact_fetched + schedule.weight_fetched + schedule.loops.outputs
    psums = schedule.psum_in + schedule.psum_out
    words = {
        Resource.PE: 0,
        Resource.IACT_PORT: schedule.iact_sent,
        Resource.IACT_BANK: schedule.iact_sent + schedule.iact_filled,
        Resource.WEIGHT_PORT: schedule.weight_sent,
        Resource.PSUM_PORT: psums,
        Resource.PSUM_BANK: schedule.psum_in + schedule.psum_written,
        Resource.DRAM: moved,
    }
    roofs = [Roof(name, cycles, words[name]) for name, cycles in busy.items() if cycles > 0.0]
    return tuple(sorted(roofs, key=lambda roof: -roof.busy))
