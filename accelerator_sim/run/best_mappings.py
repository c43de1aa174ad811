"""The mappings of one layer, given or best for each objective, side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.energy.account import EnergyBreakdown
from accelerator_sim.files.vocabulary import Fidelity, Objective
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.run.layer_run import given_schedule, simulate_layer
from accelerator_sim.run.options import Options
from accelerator_sim.run.run_setup import RunSetup
from accelerator_sim.simulation.analytical import bottleneck
from accelerator_sim.simulation.outcome import Outcome, Timing
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.layer import Layer


@dataclass(frozen=True)
class MappingChoice:
    """One mapping and what it costs; `objective` and `optimal_over` are None for one that was given."""

    objective: Objective | None
    schedule: Schedule
    outcome: Outcome
    """What the event engine finds, the same as `simulate`."""
    energy: EnergyBreakdown
    estimate: Timing
    """The bottleneck estimate of the same mapping."""
    optimal_over: int | None
    compared: int
    """Mappings that the event engine ran to find it."""
    gap: float | None
    """Same as `LayerResult.gap`."""

    @property
    def name(self) -> str:
        """The objective, or that the mapping was given."""
        return self.objective.value if self.objective else "given"


@dataclass(frozen=True)
class MappingChoices:
    """The mapping that was asked for, and the optima for other objectives."""

    layer: Layer
    architecture: Architecture
    chosen: MappingChoice
    others: tuple[MappingChoice, ...]


def best_mappings(
    layer: Layer,
    architecture: Architecture,
    technology: Technology,
    options: Options,
    given: Mapping | None = None,
) -> MappingChoices:
    """Map a layer for every objective, under the same constraints; a given mapping takes the first place.

    options: the objective that is asked for, the rules of its plan, seed, masks and refine count; each mapping is run
    by the event engine, so that its cycles are those that `simulate` finds.

    Raises Unmappable where nothing fits, IllegalMapping for a given mapping that does not, and CheckFailed where a
    result breaks a law.
    """
    machine = RunSetup(
        architecture, resolve_actions(technology, architecture), options.objective, options.plan.constraints,
        Fidelity.EVENT, seed=options.seed, masks=options.masks, refine=options.refine,
    )  # fmt: skip

    def choice(goal: Objective | None) -> MappingChoice:
        run = simulate_layer(
            layer, given if goal is None else None, replace(machine, objective=goal or options.objective)
        )
        assert run.mapping is not None
        assert run.outcome is not None
        assert run.energy is not None
        schedule = given_schedule(layer, architecture, run.mapping)
        return MappingChoice(
            goal,
            schedule,
            run.outcome,
            run.energy,
            bottleneck(schedule).timing,
            run.optimal_over,
            run.compared,
            run.gap,
        )

    chosen = choice(options.objective if given is None else None)
    others = tuple(choice(goal) for goal in Objective if goal is not chosen.objective)
    return MappingChoices(layer, architecture, chosen, others)
