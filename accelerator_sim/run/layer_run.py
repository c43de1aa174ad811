"""One layer from shape to joules: map it, schedule it, run it, check it, account for it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.energy.account import EnergyBreakdown, with_time
from accelerator_sim.files.errors import AcceleratorSimError, CheckFailed
from accelerator_sim.files.vocabulary import Fidelity, Objective
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.mapping.problem import SIGMAS
from accelerator_sim.mapping.search import Found, SearchOptions
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.status import Status
from accelerator_sim.run.contest import hold, reach
from accelerator_sim.run.contestants import Contestant, Contestants
from accelerator_sim.run.held_input import fetched_input, held_mappings
from accelerator_sim.run.phased import Given, check_whole, given_for, joined, without_taps
from accelerator_sim.run.run_memory import ESTIMATE_BYTES, CheckedEstimate, RunMemory, drawn_masks
from accelerator_sim.run.run_setup import RunSetup
from accelerator_sim.run.traffic import traffic_outcome
from accelerator_sim.simulation.analytical import load_of
from accelerator_sim.simulation.engines import Cycle, estimate_of
from accelerator_sim.simulation.laws import check, check_limits, check_time
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import WorkNotCounted
from accelerator_sim.workload.pattern import values
from accelerator_sim.workload.phases import PhaseLayer, dense_phases

MOST_ROUNDS = 16
"""Largest number of searches for a mapping whose fullest PE holds its weights."""

HELD_MAPPINGS = 16
"""Mappings that are tried of a transposed layer whose phases share their input."""

MOST_CYCLES = (1 << 63) - 1
"""What the kernels' times hold."""


class IllegalMapping(AcceleratorSimError):
    """A mapping that was given breaks a limit of the architecture."""

    exit_code = 5


@dataclass(frozen=True)
class Candidate:
    """A mapping of a layer and what it costs."""

    schedule: Schedule
    optimal_over: int | None
    outcome: Outcome
    energy: EnergyBreakdown


def run_layer(layer: Layer, given: Given, machine: RunSetup) -> LayerResult:
    """Run one layer with a given mapping (or one for each of its dense phases), or (None) with the best one.

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


def simulate_layer(layer: Layer, given: Given, machine: RunSetup) -> LayerResult:
    """Run one layer with a given mapping (or one for each of its dense phases), or (None) with the best one.

    Raises Unmappable where nothing fits, IllegalMapping for a given mapping that does not, CheckFailed where a result
    breaks a law, WorkNotCounted for a layer that may hold more work than it declares, and ValueError for one whose
    operands cannot be drawn.
    """
    if layer.uncounted:
        raise WorkNotCounted(f"layer {layer.name}: {uncounted_work(layer)}")
    if not layer.is_mac:
        return _moved(layer, machine)
    phases = dense_phases(layer)
    mappings = given_for(given, len(phases))
    if phases == (layer,):
        return _simulated(layer, mappings[0], machine)
    parts = [_simulated(phase, mapping, machine) for phase, mapping in zip(phases, mappings, strict=True)]
    rest = without_taps(layer, len(phases) + 1)
    best = joined(layer, parts if rest is None else [*parts, _moved(rest, machine)])
    if given is None and machine.counts_traffic:
        best = min([best, *_sharing_input(layer, rest, machine)], key=lambda result: _rank(result, machine.objective))
    if machine.verify:
        precision = machine.architecture.precision
        made = [run.layer for run in best.phases if isinstance(run.layer, PhaseLayer)]
        check_whole(layer, made, machine.seed, machine.masks, (precision.iact, precision.weight))
    return best


def _rank(result: LayerResult, objective: Objective) -> tuple[float, float]:
    assert result.outcome is not None
    assert result.energy is not None
    return objective.rank(float(result.outcome.timing.cycles), result.energy.total, float(result.dram_bytes))


def _sharing_input(layer: Layer, rest: Layer | None, machine: RunSetup) -> Iterator[LayerResult]:
    """The results of a transposed layer whose phases read their input from the GLB, where it was fetched once."""

    def find(phase: Layer, constraints: Constraints) -> list[Found]:
        traffic = replace(machine, objective=Objective.DRAM, memory=None)
        return traffic.find(phase, SearchOptions(constraints, HELD_MAPPINGS))

    for bands, mapping in held_mappings(layer, machine.architecture, machine.constraints, find):
        parts: list[LayerResult] = []
        for number, band in enumerate(bands, start=1):
            outcome = fetched_input(band, machine.architecture, mapping)
            name = f"{layer.name}: input" + (f" {number} of {len(bands)}" if len(bands) > 1 else "")
            moved = Layer(name, "other", iact_words=max(1, outcome.counts.access("dram", "iact").reads))
            parts.append(LayerResult(moved, Status.TRAFFIC_ONLY, outcome, machine.account(outcome)))
            parts += [_simulated(phase, mapping, machine) for phase in band]
        yield joined(layer, parts if rest is None else [*parts, _moved(rest, machine)])


def _moved(layer: Layer, machine: RunSetup) -> LayerResult:
    """A layer that only reads and writes."""
    outcome = traffic_outcome(layer, machine.architecture)
    return LayerResult(layer, Status.TRAFFIC_ONLY, outcome, machine.account(outcome))


def _simulated(layer: Layer, given: Mapping | None, machine: RunSetup) -> LayerResult:
    """Run a dense layer by the engine that is asked for."""
    if machine.fidelity is Fidelity.ANALYTICAL:
        return _finished(layer, _estimated(layer, given, machine))
    return _run(layer, given, machine)


def uncounted_work(layer: Layer) -> str:
    """Say which operator of a layer is not counted, and what to do about it."""
    return (
        f"operator {layer.uncounted} may multiply and is not counted; export the network without it, or select the"
        " other layers with --layer"
    )


def _finished(layer: Layer, best: Candidate, compared: int = 1, gap: float | None = None) -> LayerResult:
    return LayerResult(
        layer,
        Status.OK,
        best.outcome,
        best.energy,
        best.schedule.mapping,
        best.optimal_over,
        compared=compared,
        gap=gap,
    )


def _estimated(layer: Layer, given: Mapping | None, machine: RunSetup) -> Candidate:
    """The layer by the analytical engine."""
    if given is not None:
        schedule, over = given_schedule(layer, machine.architecture, given), None
    else:
        options = SearchOptions(machine.constraints)
        best = machine.find(layer, options)[0]
        schedule, over = Schedule.of_found(best), best.optimal_over
    if machine.memory is None:
        return _checked(schedule, over, estimate_of(schedule), machine)
    return _remembered(schedule, over, machine, machine.memory)


def _remembered(schedule: Schedule, over: int | None, machine: RunSetup, memory: RunMemory) -> Candidate:
    """The estimate of a schedule: where it is known of another machine of the layout, what that one does not share."""
    architecture, key = machine.architecture, (machine.layout, schedule.problem.layer.unnamed, schedule.mapping)
    known = memory.estimates.get(key)
    if known is None:
        candidate = _checked(schedule, over, estimate_of(schedule), machine)
        known = CheckedEstimate(load_of(schedule), candidate.outcome.counts)
        known.energies[machine.family] = candidate.energy
        memory.estimates.put(key, known, ESTIMATE_BYTES)
        return candidate
    outcome = Outcome(known.counts, known.load.on_channel(architecture).timing)
    energy = known.energies.get(machine.family)
    if energy is None:
        check_limits(schedule, outcome)
        energy = known.energies[machine.family] = machine.account(outcome)
    else:
        check_time(schedule, outcome)
        energy = with_time(energy, outcome.counts, outcome.timing.cycles, machine.actions, architecture)
    return Candidate(schedule, over, outcome, energy)


def _checked(schedule: Schedule, over: int | None, outcome: Outcome, machine: RunSetup) -> Candidate:
    check(schedule, outcome)
    return Candidate(schedule, over, outcome, machine.account(outcome))


def _run(layer: Layer, given: Mapping | None, machine: RunSetup) -> LayerResult:
    """The layer by the event engine, and by the cycle engine if that was asked for."""
    memory, drawn = machine.memory, (layer, machine.seed, machine.masks)
    pattern, masks = drawn_masks(*drawn) if memory is None else memory.masks(*drawn)
    mappings = Contestants(layer, masks, machine)
    if given is not None:
        schedules: list[tuple[Schedule, int | None]] = [(given_schedule(layer, machine.architecture, given), None)]
        depth = machine.architecture.pe.spad.weight.depth
        words = mappings.fullest_words(schedules[0][0])
        if depth is not None and words > depth:
            raise IllegalMapping(
                f"layer {layer.name}: the given mapping does not fit: the fullest PE has {words} words of non-zero"
                f" weights > {depth} words of its weight SPad"
            )
    else:
        schedules = _fitting(layer, machine, mappings)

    def run(number: int) -> Contestant | None:
        return mappings.run(*schedules[number]) if given is not None or mappings.fits(schedules[number][0]) else None

    contest = hold(
        mappings.forecasts([schedule for schedule, _ in schedules]),
        machine.refine or mappings.runs,
        machine.objective,
        run,
    )
    winner, compared = min(contest.ran, key=lambda ran: ran.rank(machine.objective)), len(contest.ran)
    gap = contest.gap if given is None else None
    best = Candidate(winner.schedule, winner.optimal_over, winner.outcome, winner.energy)
    mappings.check(best.schedule, best.outcome)
    mappings.keep()
    if machine.fidelity is Fidelity.EVENT:
        return _finished(layer, best, compared, gap)
    precision = machine.architecture.precision
    operands = values(layer, pattern, machine.seed, precision.iact, precision.weight) if machine.verify else None
    outcome = Cycle(operands).run(best.schedule, mappings.stored(best.schedule))
    verdict = outcome.verdict
    if verdict is not None and not verdict.equal:
        raise CheckFailed(
            f"layer {layer.name}: {verdict.different} of {verdict.outputs} outputs differ from the integer reference"
        )
    _equal(layer, best.outcome, outcome)
    checked = _checked(best.schedule, best.optimal_over, outcome, machine)
    return _finished(layer, checked, compared, gap)


def _equal(layer: Layer, event: Outcome, cycle: Outcome) -> None:
    """Compare everything that two engines found of a layer.  Raises CheckFailed with each field that differs."""
    one, two = vars(event.counts) | vars(event.timing), vars(cycle.counts) | vars(cycle.timing)
    differing = [f"{name} {one[name]} and {two[name]}" for name in one if one[name] != two[name]]
    if differing:
        raise CheckFailed(f"layer {layer.name}: the event and the cycle engine differ: {'; '.join(differing)}")


def _fitting(layer: Layer, machine: RunSetup, mappings: Contestants) -> list[tuple[Schedule, int | None]]:
    """The best mappings; PEs hold the weights that the layer really has under the first, the others may not.

    If the fullest PE has more than expected from independent zeros, mappings are searched for again with the spread
    that was found.  With each mapping, of how many the search chose it.
    """
    sigmas, count = SIGMAS, reach(machine.refine or mappings.runs)
    for _ in range(MOST_ROUNDS):
        found = machine.find(layer, SearchOptions(machine.constraints, count, sigmas))
        schedules: list[tuple[Schedule, int | None]] = [(Schedule.of_found(f), f.optimal_over) for f in found]
        first = schedules[0][0]
        if mappings.fits(first):
            return schedules
        mean, deviation = first.problem.weight_words(first.mapping.M0, first.mapping.C0, first.taps)
        beyond = mappings.fullest_words(first) - mean
        sigmas = max(sigmas, 1.02 * beyond / deviation if deviation else math.inf)
    raise IllegalMapping(f"layer {layer.name}: no mapping was found whose PEs all hold their non-zero weights")


def given_schedule(layer: Layer, architecture: Architecture, given: Mapping) -> Schedule:
    """The schedule of a given mapping.  Raises IllegalMapping with every limit that it breaks."""
    schedule = Schedule.of_layer(layer, architecture, given)
    broken = broken_limits(schedule)
    if broken:
        raise IllegalMapping(f"layer {layer.name}: the given mapping does not fit: {'; '.join(broken)}")
    return schedule
