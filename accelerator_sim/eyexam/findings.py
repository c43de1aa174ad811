"""The parts of an explanation: one layer, the layers with the same cause, and a change that was tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from accelerator_sim.energy.account import ChipAndDram, EnergyBreakdown
from accelerator_sim.eyexam.bounds import Examination
from accelerator_sim.eyexam.changes import Change
from accelerator_sim.eyexam.parallelism import Parallelism
from accelerator_sim.eyexam.reuse import Reuse
from accelerator_sim.eyexam.stalls import Losses
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.kernels.causes import Cause
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.simulation.outcome import Resource

Binding = Resource | Cause | Literal[""]
"""What binds at a step of Eyexam: a resource, a cause of losses, or "" where it is the step itself."""


@dataclass(frozen=True)
class LayerExplanation:
    """One layer with multiply-accumulates: what it did, its bounds, and where its words and cycles went."""

    result: LayerResult
    bounds: Examination
    losses: Losses
    reuse: tuple[Reuse, ...]
    dataflows: tuple[Parallelism, ...]
    """Steps 2 and 3 with the loops that other dataflows may unroll."""

    @property
    def cause(self) -> tuple[int, Binding]:
        """The step of Eyexam that costs most, and what binds there ("" for steps before the sixth)."""
        step = self.bounds.binding
        binds: dict[int, Binding] = {6: self.bounds.limit, 7: self.bounds.stall or ""}
        return step, binds.get(step, "")


@dataclass(frozen=True)
class CauseGroup:
    """The layers that lose most at one step to one thing, same as `LayerExplanation.cause`, the worst first."""

    step: int
    name: Binding
    layers: list[LayerExplanation]

    @property
    def lost(self) -> float:
        """Cycles that they lose in all."""
        return sum(layer.bounds.lost_in_all for layer in self.layers)


@dataclass(frozen=True)
class MeasuredChange(ChipAndDram):
    """A changed machine, re-simulated.  `area` is its area over that of the machine.

    `energy_j` and `energy_dram_j` raise EnergyUnitError where energies are not joules.
    """

    change: Change
    cycles: int
    energy: EnergyBreakdown
    dram_bytes: int
    area: float

    @classmethod
    def of(cls, change: Change, run: NetworkResult, area: float) -> MeasuredChange:
        """The result of a run of the changed machine; area: its area over that of the machine."""
        totals = run.totals
        return cls(change, totals.cycles, totals.energy, totals.dram_bytes, area)

    def value(self, objective: Objective) -> float:
        """What the objective compares."""
        return objective.rank(float(self.cycles), self.energy.total, float(self.dram_bytes))[0]
