"""What lies between the average and the actual performance: stalls, stored zeros, half-full slots."""

from __future__ import annotations

from dataclasses import dataclass

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.kernels.causes import Cause
from accelerator_sim.mapping.mapping import ceil_div
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.simulation.schedule import Schedule

BEFORE = (Cause.UNUSED, Cause.PSUM_SERVICE)
"""Causes that steps before the seventh account for: PEs without work, and what psums take of a PE."""


def worst_stall(outcome: Outcome) -> Cause | None:
    """The cause of most losses that step 7 adds; None where there are none."""
    losses = outcome.timing.losses_pe_cycles or {}
    later = {cause: lost for cause, lost in losses.items() if cause not in BEFORE}
    return max(later, key=lambda cause: later[cause], default=None)


@dataclass(frozen=True)
class Losses:
    """What zeros cost a layer inside step 7, in cycles of the whole array.

    csc: slots of stored zeros, because an operand is stored raw or a run is too long for its count; pairing: slots of
    which a part is empty, because a column has an odd number of non-zeros; imbalance: PEs that wait for the last one.
    """

    csc: float
    pairing: float
    imbalance: float


def losses(schedule: Schedule, outcome: Outcome, architecture: Architecture) -> Losses:
    """Split the busy slots of the event engine by what they held.

    The slots that M0 filters need if every column is full are those of step 4, which counts a MAC that no filter of the
    PE can use; they are no loss here.
    """
    pes, simd = architecture.pes, architecture.lanes
    m = schedule.deals.M
    full = m.summed(lambda tile: ceil_div(tile.steps, simd)) / m.steps  # slots per filter
    skips = architecture.pe.csc is not None
    zeros = outcome.counts.macs_issued - outcome.counts.effectual_macs if skips else 0
    slots = float(sum(outcome.timing.pe_busy))
    return Losses(
        csc=zeros * full / pes,
        pairing=max(0.0, slots - outcome.counts.macs_issued * full) / pes,
        imbalance=outcome.timing.lost_cycles(pes).get(Cause.IMBALANCE, 0.0),
    )
