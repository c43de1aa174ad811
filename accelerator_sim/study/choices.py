"""The mappings of one layer, given or best for each objective, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from accelerator_sim.architecture.model import Architecture
from accelerator_sim.energy.account import EnergyBreakdown, account
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.mapping.search import Found, find_mapping
from accelerator_sim.simulation.activity import Activity
from accelerator_sim.simulation.analytical import analyse
from accelerator_sim.simulation.laws import check
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.study.layer_run import given_schedule
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.layer import Layer


@dataclass(frozen=True)
class Choice:
    """One mapping and what it costs; `found` and `objective` are None for one that was given."""

    objective: Objective | None
    found: Found | None
    schedule: Schedule
    activity: Activity
    energy: EnergyBreakdown

    @property
    def name(self) -> str:
        """The objective, or that the mapping was given."""
        return self.objective.value if self.objective else "given"


@dataclass(frozen=True)
class Choices:
    """The mapping that was asked for, and the optima for other objectives."""

    layer: Layer
    architecture: Architecture
    normalised: bool
    chosen: Choice
    others: tuple[Choice, ...]


def best_mappings(
    layer: Layer,
    architecture: Architecture,
    technology: Technology,
    objective: str,
    constraints: Constraints | None = None,
    given: Mapping | None = None,
) -> Choices:
    """Map a layer for every objective, under the same constraints; a given mapping takes the first place.

    Raises Unmappable where nothing fits, IllegalMapping for a given mapping that does not, and CheckFailed where a
    result breaks a law.
    """
    actions = resolve_actions(technology, architecture)

    def cost(goal: Objective | None, found: Found | None, schedule: Schedule) -> Choice:
        activity = analyse(schedule)
        check(schedule, activity)
        return Choice(goal, found, schedule, activity, account(activity, actions, architecture))

    def best(goal: Objective) -> Choice:
        found = find_mapping(layer, architecture, actions, goal, constraints)
        return cost(goal, found, Schedule(found.problem, found.mapping))

    if given is not None:
        chosen = cost(None, None, given_schedule(layer, architecture, given))
    else:
        chosen = best(Objective(objective))
    others = tuple(best(goal) for goal in Objective if goal is not chosen.objective)
    return Choices(layer, architecture, technology.normalised, chosen, others)
