"""Where the cycles of a layer went, in cycles of the whole array, whichever engine found them."""

from __future__ import annotations

from accelerator_sim.architecture.model import Architecture
from accelerator_sim.report.names import CAUSE_NAMES
from accelerator_sim.simulation.activity import Activity


def by_cause(activity: Activity, architecture: Architecture) -> dict[str, float]:
    """Return cycles by cause, `busy` first; they add up to the cycles of the layer.

    The engines that run the machine give PE-cycles, which are divided by the number of PEs; an estimate and layers that
    only move data give cycles of the array, and what is left of them is its work.
    """
    parts = architecture.pes if activity.pe_busy else 1
    stalls = {name: cycles / parts for name, cycles in activity.stalls.items()}
    spent = {"busy": max(activity.cycles - sum(stalls.values()), 0.0)} | stalls
    known = list(CAUSE_NAMES)
    return {name: spent[name] for name in sorted(spent, key=known.index) if spent[name] > 0}
