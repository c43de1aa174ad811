"""One layer from shape to joules: map it, schedule it, count it, check it, account for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from accelerator_sim.architecture.model import Architecture
from accelerator_sim.energy.account import account
from accelerator_sim.files.errors import AcceleratorSimError, CheckFailed
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.mapping.search import Objective, find_mapping
from accelerator_sim.simulation.analytical import analyse
from accelerator_sim.simulation.laws import check
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.study.result import LayerResult
from accelerator_sim.study.traffic import traffic_activity
from accelerator_sim.technology.actions import ActionEnergies
from accelerator_sim.workload.layer import Layer


class IllegalMapping(AcceleratorSimError):
    """A mapping that was given breaks a limit of the architecture."""

    exit_code = 5


@dataclass(frozen=True)
class Machine:
    """What every layer runs on, and what its mapping is chosen for."""

    architecture: Architecture
    actions: ActionEnergies
    objective: Objective
    constraints: Constraints = field(default_factory=Constraints)


def run_layer(layer: Layer, given: Mapping | None, machine: Machine) -> LayerResult:
    """Run one layer with a given mapping, or (None) with the best one.

    Whatever is wrong with the layer or its mapping is told in the result, never raised.
    """
    try:
        if not layer.is_mac:
            activity = traffic_activity(layer, machine.architecture)
            energy = account(activity, machine.actions, machine.architecture)
            return LayerResult(layer, "traffic_only", activity, energy)
        schedule, optimal_over = _schedule(layer, given, machine)
        activity = analyse(schedule)
        check(schedule, activity)
        energy = account(activity, machine.actions, machine.architecture)
        return LayerResult(layer, "ok", activity, energy, schedule.mapping, optimal_over)
    except CheckFailed as error:
        return LayerResult(layer, "failed", error=str(error), law_broken=True)
    except (AcceleratorSimError, ValueError, ArithmeticError) as error:
        return LayerResult(layer, "failed", error=str(error) or type(error).__name__)
    except MemoryError:
        return LayerResult(layer, "failed", error=f"layer {layer.name}: not enough memory")


def _schedule(layer: Layer, given: Mapping | None, machine: Machine) -> tuple[Schedule, int | None]:
    if given is None:
        found = find_mapping(layer, machine.architecture, machine.actions, machine.objective, machine.constraints)
        return Schedule(found.problem, found.mapping), found.optimal_over
    return given_schedule(layer, machine.architecture, given), None


def given_schedule(layer: Layer, architecture: Architecture, given: Mapping) -> Schedule:
    """The schedule of a given mapping.  Raises IllegalMapping with every limit that it breaks."""
    schedule = Schedule(problem_of(layer, architecture, given.iact_encoding, given.weight_encoding), given)
    broken = broken_limits(schedule)
    if broken:
        raise IllegalMapping(f"layer {layer.name}: the given mapping does not fit: {'; '.join(broken)}")
    return schedule
