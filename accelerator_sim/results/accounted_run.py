"""A run together with the energies that it was accounted with, so that those of another table can be put in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.energy.account import EnergyBreakdown, account
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.layer_work import LayerWork, work_of_all
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.actions import ActionEnergies, resolve_actions
from accelerator_sim.technology.technology import Technology


@dataclass(frozen=True)
class AccountedRun:
    """A result and the energies that it was accounted with; `layers` is a glob of those to look at."""

    result: NetworkResult
    technology: Technology
    layers: str = "*"

    @property
    def actions(self) -> ActionEnergies:
        """Energy per event."""
        return resolve_actions(self.technology, self.result.architecture)

    @property
    def parts(self) -> Iterator[tuple[LayerResult, Outcome, EnergyBreakdown]]:
        """The layers that are looked at."""
        for layer, outcome, energy in self.result.finished:
            if fnmatchcase(layer.layer.name, self.layers):
                yield layer, outcome, energy

    @property
    def work(self) -> LayerWork:
        """The work of these layers."""
        return work_of_all(outcome for _, outcome, _ in self.parts)

    @property
    def cycles(self) -> int:
        """Cycles of these layers."""
        return self.work.cycles

    @property
    def seconds(self) -> float:
        """Time of these layers, for the whole batch."""
        return self.cycles / self.result.architecture.clock

    @property
    def energy(self) -> EnergyBreakdown:
        """Energy of these layers, for the whole batch."""
        return sum((energy for _, _, energy in self.parts), EnergyBreakdown(self.result.energy_unit))

    def schedules(self) -> Iterator[tuple[Schedule, Outcome, EnergyBreakdown]]:
        """The layers with multiply-accumulates (their dense phases) and their schedules."""
        for layer, _, _ in self.parts:
            for run in layer.runs:
                if run.mapping is not None and run.outcome is not None and run.energy is not None:
                    yield Schedule.of_layer(run.layer, self.result.architecture, run.mapping), run.outcome, run.energy

    def charged(self, technology: Technology) -> AccountedRun:
        """The same outcome with the energies of another table."""
        actions = resolve_actions(technology, self.result.architecture)
        layers = tuple(_charged(layer, actions, self.result.architecture) for layer in self.result.layers)
        return AccountedRun(
            replace(self.result, layers=layers, energy_unit=technology.energy_unit), technology, self.layers
        )


def _charged(layer: LayerResult, actions: ActionEnergies, architecture: Architecture) -> LayerResult:
    """A layer with other energies per event: those of its phases, one by one."""
    if layer.outcome is None:
        return layer
    phases = tuple(_charged(phase, actions, architecture) for phase in layer.phases)
    energies = [phase.energy for phase in phases if phase.energy is not None]
    energy = sum(energies[1:], energies[0]) if energies else account(layer.outcome, actions, architecture)
    return replace(layer, energy=energy, phases=phases)
