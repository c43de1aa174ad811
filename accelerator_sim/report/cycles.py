"""Where the cycles of a layer went, in cycles of the whole array, whichever engine found them."""

from __future__ import annotations

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.kernels.causes import Cause
from accelerator_sim.report.names import CAUSE_ORDER
from accelerator_sim.simulation.outcome import Timing


def by_cause(timing: Timing, architecture: Architecture) -> dict[Cause, float]:
    """Return cycles by cause, `busy` first; they add up to the cycles of the layer.

    An estimate, and layers that only move data, know for how long the whole array waits; what is left of their time
    counts as work.
    """
    lost = timing.lost_cycles(architecture.pes)
    spent = {Cause.BUSY: max(timing.cycles - sum(lost.values()), 0.0)} | lost
    return {cause: spent[cause] for cause in CAUSE_ORDER if spent.get(cause, 0.0) > 0}
