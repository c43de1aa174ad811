"""Why a network takes as long as it does on a machine: its layers, their causes, and the changes that were tried."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from accelerator_sim.eyexam.bounds import STEPS
from accelerator_sim.eyexam.changes import Change
from accelerator_sim.eyexam.findings import Binding, CauseGroup, LayerExplanation, MeasuredChange
from accelerator_sim.eyexam.plain import change_dict, layer_dict, unexplained_dict
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.shown import Drawn
from accelerator_sim.results.status import ExitCode
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.version import __version__

SCHEMA = "accelerator-sim/explanation/1"

SMALL = 0.05
"""Growth of the area up to which a change counts as a small one."""


@dataclass(frozen=True, repr=False)
class Explanation(Drawn):
    """A run, the explanation of each of its layers (None for those without MACs and those that failed), and changes.

    `measured`: the changes that were simulated, the most helpful first; `ruled_out`: those whose bound shows that they
    are not among the three best; both are empty where none were asked for.
    """

    run: NetworkResult
    layers: tuple[LayerExplanation | None, ...]
    measured: tuple[MeasuredChange, ...] = ()
    ruled_out: int = 0
    interrupted: bool = False
    """Whether some changes were not measured because the run was interrupted; what was finished is complete."""

    @property
    def explained(self) -> list[LayerExplanation]:
        """The layers that have an explanation."""
        return [layer for layer in self.layers if layer is not None]

    @property
    def exit_code(self) -> int:
        """That of the run, or that it was interrupted."""
        return ExitCode.INTERRUPTED if self.interrupted else self.run.exit_code

    @property
    def now(self) -> MeasuredChange:
        """The machine as it is."""
        return MeasuredChange.of(Change("as it is", (), 1), self.run, 1.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as plain data, in the schema "accelerator-sim/explanation/1"."""
        run = self.run
        return {
            "schema": SCHEMA,
            "version": __version__,
            "seed": run.seed,
            "objective": run.objective,
            "batch": run.batch,
            "architecture": {
                "name": run.architecture.name,
                "pes": run.architecture.pes,
                "macs_per_cycle": run.architecture.macs_per_cycle,
                "clock_hz": run.architecture.clock,
                "energy_normalised": run.energy_unit is EnergyUnit.MAC,
            },
            "workload": {"name": run.workload, "source": run.workload_source},
            "complete": run.complete and not self.interrupted,
            "estimate": run.estimate,
            "totals": run.totals.to_dict(),
            "lost_cycles": [
                {"step": step, "name": name, "cycles": cycles}
                for step, (name, cycles) in enumerate(zip(STEPS, self.lost, strict=True), start=1)
            ],
            "causes": [
                {
                    "step": cause.step,
                    "cause": cause.name or None,
                    "lost_cycles": cause.lost,
                    "layers": [layer.result.layer.name for layer in cause.layers],
                }
                for cause in self.by_cause()
            ],
            "layers": [
                layer_dict(layer) if layer is not None else unexplained_dict(result)
                for layer, result in zip(self.layers, run.layers, strict=True)
            ],
            "changes": [change_dict(each, self.now) for each in self.measured],
            "changes_ruled_out": self.ruled_out,
        }

    def best(self, count: int = 3) -> list[MeasuredChange]:
        """The changes that help most, if they help at all.

        count: how many at most.
        """
        objective = self.run.objective
        before = self.now.value(objective)
        return [each for each in self.measured if each.value(objective) < before][:count]

    @property
    def best_small(self) -> MeasuredChange | None:
        """The change that helps most of those that hardly cost area."""
        return next((each for each in self.best(len(self.measured)) if each.area <= 1.0 + SMALL), None)

    @cached_property
    def lost(self) -> tuple[float, ...]:
        """Cycles that each step costs above the peak, summed over the layers."""
        return tuple(math.fsum(layer.bounds.lost[i] for layer in self.explained) for i in range(len(STEPS)))

    @property
    def peak_cycles(self) -> float:
        """Cycles of the work of all layers on all lanes."""
        return sum(layer.bounds.peak_cycles for layer in self.explained)

    @property
    def other_cycles(self) -> float:
        """Cycles of the layers that have no explanation."""
        return self.run.totals.cycles - sum(layer.bounds.cycles[-1] for layer in self.explained)

    def by_cause(self) -> list[CauseGroup]:
        """The layers grouped by their cause, the group with most cycles above the peak first."""
        groups: dict[tuple[int, Binding], list[LayerExplanation]] = {}
        for layer in sorted(self.explained, key=lambda layer: -layer.bounds.lost_in_all):
            groups.setdefault(layer.cause, []).append(layer)
        return sorted((CauseGroup(*cause, layers) for cause, layers in groups.items()), key=lambda cause: -cause.lost)
