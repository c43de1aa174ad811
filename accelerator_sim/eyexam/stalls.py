"""What lies between the average and the actual performance: stalls, stored zeros, half-full slots."""

from __future__ import annotations

from dataclasses import dataclass

from accelerator_sim.architecture.model import Architecture
from accelerator_sim.mapping.mapping import ceil_div
from accelerator_sim.simulation.activity import Activity
from accelerator_sim.simulation.schedule import Schedule

BEFORE = ("unused", "psum_service")
"""Causes that steps before the seventh account for: PEs without work, and what psums take of a PE."""


def worst_stall(activity: Activity) -> str:
    """The cause of most stalls that step 7 adds; empty where there are none."""
    stalls = {name: cycles for name, cycles in activity.stalls.items() if name not in BEFORE}
    return max(stalls, key=lambda name: stalls[name], default="")


@dataclass(frozen=True)
class Losses:
    """What zeros cost a layer inside step 7, in cycles of the whole array.

    csc: slots of stored zeros, because an operand is stored raw or a run is too long for its count; pairing: slots of
    which a part is empty, because a column has an odd number of non-zeros; imbalance: PEs that wait for the last one.
    """

    csc: float
    pairing: float
    imbalance: float


def losses(schedule: Schedule, activity: Activity, architecture: Architecture) -> Losses:
    """Split the busy slots of the event engine by what they held.

    The slots that M0 filters need if every column is full are those of step 4, which counts a MAC that no filter of the
    PE can use; they are no loss here.
    """
    pes, simd = architecture.pes, architecture.pe.macs_per_cycle
    m, m0 = schedule.deals.M, schedule.mapping.M0
    last = m.steps - (m.tiles - 1) * m0
    full = ((m.tiles - 1) * ceil_div(m0, simd) + ceil_div(last, simd)) / m.steps  # slots a filter
    skips = architecture.pe.csc is not None
    zeros = activity.macs_issued - activity.effectual_macs if skips else 0
    slots = float(sum(activity.pe_busy))
    return Losses(
        csc=zeros * full / pes,
        pairing=max(0.0, slots - activity.macs_issued * full) / pes,
        imbalance=activity.stalls.get("imbalance", 0) / pes,
    )
