"""One layer from shape to joules: map it, schedule it, run it, check it, account for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.energy.account import EnergyBreakdown, account
from accelerator_sim.files.errors import AcceleratorSimError, CheckFailed
from accelerator_sim.files.vocabulary import Fidelity, Masks, Objective, word
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.loops import loops_of
from accelerator_sim.mapping.mapping import Encoding, Mapping
from accelerator_sim.mapping.problem import SIGMAS
from accelerator_sim.mapping.search import Found, SearchOptions, find_mappings
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.status import Status
from accelerator_sim.run.traffic import traffic_outcome
from accelerator_sim.simulation.engines import Cycle, Event, estimate_of
from accelerator_sim.simulation.event import PassMemory
from accelerator_sim.simulation.laws import check
from accelerator_sim.simulation.operands import normal_masks
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import counted, fullest_pe
from accelerator_sim.technology.actions import ActionEnergies
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import WorkNotCounted
from accelerator_sim.workload.pattern import draw, values

MOST_ROUNDS = 16
"""Largest number of searches for a mapping whose fullest PE holds its weights."""

REFINED, CHEAP_PES = 3, 256
"""Default number of mappings that the event engine compares: on arrays up to this size, where passes are equal."""


MOST_CYCLES = (1 << 63) - 1
"""What the kernels' times hold."""


class IllegalMapping(AcceleratorSimError):
    """A mapping that was given breaks a limit of the architecture."""

    exit_code = 5


@dataclass(frozen=True)
class RunSetup:
    """What every layer runs on, what its mapping is chosen for, and how it is run.

    fidelity: the engine; verify: carry values and compare the outputs (with the clock-by-clock engine); masks: how
    zeros are drawn from densities; refine: best mappings of the search that are run by the event engine, to keep the
    best of them (None: some, where that is cheap); memory: what passes took in other runs (`Event`).
    """

    architecture: Architecture
    actions: ActionEnergies
    objective: Objective
    constraints: Constraints = field(default_factory=Constraints)
    fidelity: Fidelity = Fidelity.ANALYTICAL
    verify: bool = False
    seed: int = 0
    masks: Masks = Masks.CHANNELS
    refine: int | None = None
    memory: PassMemory | None = None

    def __post_init__(self) -> None:
        for name, kind in (("objective", Objective), ("fidelity", Fidelity), ("masks", Masks)):
            object.__setattr__(self, name, word(kind, getattr(self, name), name))

    def account(self, outcome: Outcome) -> EnergyBreakdown:
        """The energy of an outcome on this machine."""
        return account(outcome, self.actions, self.architecture)


@dataclass(frozen=True)
class Candidate:
    """A mapping of a layer and what it costs."""

    schedule: Schedule
    optimal_over: int | None
    outcome: Outcome
    energy: EnergyBreakdown

    def rank(self, objective: Objective) -> tuple[float, float]:
        """What the objective compares, and what breaks its ties."""
        moved = float(sum(self.outcome.counts.dram_bytes.values()))
        return objective.rank(float(self.outcome.timing.cycles), self.energy.total, moved)


def run_layer(layer: Layer, given: Mapping | None, machine: RunSetup) -> LayerResult:
    """Run one layer with a given mapping, or (None) with the best one.

    Whatever is wrong with the layer or its mapping is in the result, never raised.
    """
    try:
        return simulate_layer(layer, given, machine)
    except CheckFailed as error:
        return LayerResult(layer, Status.FAILED, error=str(error), law_broken=True)
    except OverflowError:
        reason = f"layer {layer.name} takes more cycles than are counted, which is {MOST_CYCLES:,}"
        return LayerResult(layer, Status.FAILED, error=reason)
    except (AcceleratorSimError, ValueError, ArithmeticError) as error:
        return LayerResult(layer, Status.FAILED, error=str(error) or type(error).__name__)
    except MemoryError:
        return LayerResult(layer, Status.FAILED, error=f"layer {layer.name}: not enough memory")


def simulate_layer(layer: Layer, given: Mapping | None, machine: RunSetup) -> LayerResult:
    """Run one layer with a given mapping, or (None) with the best one.

    Raises Unmappable where nothing fits, IllegalMapping for a given mapping that does not, CheckFailed where a result
    breaks a law, WorkNotCounted for a layer that may hold more work than it declares, and ValueError for one whose
    operands cannot be drawn.
    """
    if layer.uncounted:
        raise WorkNotCounted(f"layer {layer.name}: {uncounted_work(layer)}")
    if not layer.is_mac:
        outcome = traffic_outcome(layer, machine.architecture)
        return LayerResult(layer, Status.TRAFFIC_ONLY, outcome, machine.account(outcome))
    if machine.fidelity is Fidelity.ANALYTICAL:
        return _finished(layer, _estimated(layer, given, machine))
    return _run(layer, given, machine)


def uncounted_work(layer: Layer) -> str:
    """Say which operator of a layer is not counted, and what to do about it."""
    return (
        f"operator {layer.uncounted} may multiply and is not counted; export the network without it, or select the"
        " other layers with --layer"
    )


def _finished(layer: Layer, best: Candidate, compared: int = 1) -> LayerResult:
    return LayerResult(
        layer, Status.OK, best.outcome, best.energy, best.schedule.mapping, best.optimal_over, compared=compared
    )


def _estimated(layer: Layer, given: Mapping | None, machine: RunSetup) -> Candidate:
    """The layer by the analytical engine."""
    if given is not None:
        schedule, over = given_schedule(layer, machine.architecture, given), None
    else:
        options = SearchOptions(machine.constraints)
        best = find_mappings(layer, machine.architecture, machine.actions, machine.objective, options)[0]
        schedule, over = Schedule.of_found(best), best.optimal_over
    return _checked(schedule, over, estimate_of(schedule), machine)


def _checked(schedule: Schedule, over: int | None, outcome: Outcome, machine: RunSetup) -> Candidate:
    check(schedule, outcome)
    return Candidate(schedule, over, outcome, machine.account(outcome))


def _run(layer: Layer, given: Mapping | None, machine: RunSetup) -> LayerResult:
    """The layer by the event engine, and by the cycle engine if that was asked for."""
    pattern = draw(layer, machine.seed, machine.masks)
    masks = normal_masks(layer, loops_of(layer), pattern)

    def words_of_fullest(schedule: Schedule) -> int:
        """SPad words of weights of the fullest PE; 0 where their number does not depend on the zeros."""
        csc = schedule.mapping.weight_encoding is Encoding.CSC
        return fullest_pe(schedule, masks[1]) if csc and masks[1] is not None else 0

    if given is not None:
        schedules: list[tuple[Schedule, int | None]] = [(given_schedule(layer, machine.architecture, given), None)]
        depth, words = machine.architecture.pe.spad.weight.depth, words_of_fullest(schedules[0][0])
        if depth is not None and words > depth:
            raise IllegalMapping(
                f"layer {layer.name}: the given mapping does not fit: the fullest PE has {words} words of non-zero"
                f" weights > {depth} words of its weight SPad"
            )
    else:
        zeros = machine.architecture.pe.csc is not None and any(mask is not None for mask in masks)
        mappings = _fitting(layer, machine, words_of_fullest, zeros)
        schedules = [(Schedule.of_found(f), f.optimal_over) for f in mappings]
    candidates, engine = [], Event(machine.memory)
    for schedule, over in schedules:
        candidates.append(_checked(schedule, over, engine.run(schedule, counted(schedule, *masks)), machine))
    best = min(candidates, key=lambda candidate: candidate.rank(machine.objective))
    if machine.fidelity is Fidelity.EVENT:
        return _finished(layer, best, len(candidates))
    precision = machine.architecture.precision
    operands = values(layer, pattern, machine.seed, precision.iact, precision.weight) if machine.verify else None
    stored = counted(best.schedule, *masks)
    outcome = Cycle(operands).run(best.schedule, stored)
    verdict = outcome.verdict
    if verdict is not None and not verdict.equal:
        raise CheckFailed(
            f"layer {layer.name}: {verdict.different} of {verdict.outputs} outputs differ from the integer reference"
        )
    _equal(layer, best.outcome, outcome)
    checked = _checked(best.schedule, best.optimal_over, outcome, machine)
    return _finished(layer, checked, len(candidates))


def _equal(layer: Layer, event: Outcome, cycle: Outcome) -> None:
    """Compare everything that two engines found of a layer.  Raises CheckFailed with each field that differs."""
    one, two = vars(event.counts) | vars(event.timing), vars(cycle.counts) | vars(cycle.timing)
    differing = [f"{name} {one[name]} and {two[name]}" for name in one if one[name] != two[name]]
    if differing:
        raise CheckFailed(f"layer {layer.name}: the event and the cycle engine differ: {'; '.join(differing)}")


def _fitting(layer: Layer, machine: RunSetup, words_of_fullest: Callable[[Schedule], int], zeros: bool) -> list[Found]:
    """The best mappings whose PEs hold the weights that the layer really has.

    If the fullest PE has more than expected from independent zeros, mappings are searched for again with the spread
    that was found.  zeros: whether passes differ by their zeros, so that comparing mappings takes time.
    """
    depth, sigmas = machine.architecture.pe.spad.weight.depth, SIGMAS
    cheap = machine.architecture.pes <= CHEAP_PES and not zeros
    count = machine.refine or (REFINED if cheap else 1)
    for _ in range(MOST_ROUNDS):
        options = SearchOptions(machine.constraints, count, sigmas)
        mappings = find_mappings(layer, machine.architecture, machine.actions, machine.objective, options)
        spread = sigmas
        for f in mappings:
            words = words_of_fullest(Schedule.of_found(f))
            mean, deviation = f.problem.weight_words(f.mapping.M0, f.mapping.C0)
            if depth is not None and words > depth:
                spread = max(spread, 1.02 * (words - mean) / deviation if deviation else math.inf)
        if spread == sigmas:
            return mappings
        sigmas = spread
    raise IllegalMapping(f"layer {layer.name}: no mapping was found whose PEs all hold their non-zero weights")


def given_schedule(layer: Layer, architecture: Architecture, given: Mapping) -> Schedule:
    """The schedule of a given mapping.  Raises IllegalMapping with every limit that it breaks."""
    schedule = Schedule.of_layer(layer, architecture, given)
    broken = broken_limits(schedule)
    if broken:
        raise IllegalMapping(f"layer {layer.name}: the given mapping does not fit: {'; '.join(broken)}")
    return schedule
