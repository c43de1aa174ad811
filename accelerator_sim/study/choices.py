"""The best mappings of one layer, one for each objective, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from accelerator_sim.architecture.model import Architecture
from accelerator_sim.energy.account import EnergyBreakdown, account
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.search import Found, Objective, find_mapping
from accelerator_sim.simulation.activity import Activity
from accelerator_sim.simulation.analytical import analyse
from accelerator_sim.simulation.laws import check
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.layer import Layer


@dataclass(frozen=True)
class Choice:
    """The optimum for one objective, and what it costs."""

    objective: Objective
    found: Found
    schedule: Schedule
    activity: Activity
    energy: EnergyBreakdown


@dataclass(frozen=True)
class Choices:
    """The optimum that was asked for, and those for the other objectives."""

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
) -> Choices:
    """Map a layer for every objective, under the same constraints.

    Raises Unmappable where nothing fits and CheckFailed where a result breaks a law.
    """
    actions = resolve_actions(technology, architecture)

    def best(goal: Objective) -> Choice:
        found = find_mapping(layer, architecture, actions, goal, constraints)
        schedule = Schedule(found.problem, found.mapping)
        activity = analyse(schedule)
        check(schedule, activity)
        return Choice(goal, found, schedule, activity, account(activity, actions, architecture))

    first = Objective(objective)
    others = tuple(best(goal) for goal in Objective if goal is not first)
    return Choices(layer, architecture, technology.normalised, best(first), others)
