"""What came out of one layer."""

from __future__ import annotations

from dataclasses import dataclass

from accelerator_sim.energy.account import EnergyBreakdown
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.results.shown import ShownInPython
from accelerator_sim.results.status import Status
from accelerator_sim.simulation.outcome import Outcome, Verdict
from accelerator_sim.workload.layer import Layer

NEAR = 0.005
"""Mappings that may be better by less than this part are not run: less than the draw of zeros makes of a layer."""


@dataclass(frozen=True, repr=False)
class LayerResult(ShownInPython):
    """One layer: what the machine did for it, or why it could not run.

    `outcome` and `energy` are None exactly where the layer did not run (`Status.ran`).  `mapping` is None for layers
    without multiply-accumulates, `optimal_over` also where the mapping was given instead of searched for.  A dilated or
    transposed layer is its dense `phases`, each a result of its own; its `mapping` is that of the largest one.
    """

    layer: Layer
    status: Status
    outcome: Outcome | None = None
    energy: EnergyBreakdown | None = None
    mapping: Mapping | None = None
    optimal_over: int | None = None
    error: str | None = None
    law_broken: bool = False
    compared: int = 1
    """Mappings that the event engine ran, of which this one is the best."""
    gap: float | None = None
    """By which part the least bound of the other mappings that might be run lies below this one (0: none does; None: no
    bound is known, or the mapping was given)."""

    @property
    def bound_reached(self) -> bool | None:
        """Whether no other of the best mappings of the search can be better by more than `NEAR`; None: not known."""
        return None if self.gap is None else self.gap <= NEAR

    phases: tuple[LayerResult, ...] = ()
    """Results of the dense phases of a dilated or transposed layer; empty for a dense one."""

    @property
    def runs(self) -> tuple[LayerResult, ...]:
        """What was mapped and run by itself: its phases, or the layer."""
        return self.phases or (self,)

    @property
    def leading(self) -> LayerResult:
        """The run whose mapping is that of the layer: of the phase with most multiply-accumulates."""
        return max(self.runs, key=lambda run: run.layer.macs)

    @property
    def verdict(self) -> Verdict | None:
        """How the outputs compare with a reference, where values were carried."""
        return self.outcome.verdict if self.outcome else None

    @property
    def dram_bytes(self) -> int:
        """Bytes over the off-chip channel; 0 for a failed layer."""
        return sum(self.outcome.counts.dram_bytes.values()) if self.outcome else 0
