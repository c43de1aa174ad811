"""One layer from shape to joules: map it, schedule it, run it, check it, account for it."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.likeness import but_for_channel, but_for_memories
from accelerator_sim.energy.account import EnergyBreakdown, account, with_time
from accelerator_sim.files.errors import AcceleratorSimError, CheckFailed
from accelerator_sim.files.vocabulary import Fidelity, Masks, Objective, word
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.loops import loops_of
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.mapping.problem import SIGMAS
from accelerator_sim.mapping.search import Found, SearchOptions, find_mappings
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.status import Status
from accelerator_sim.run.contest import REPEATED_RUNS, RUNS, Forecasts, hold, reach
from accelerator_sim.run.held_input import fetched_input, held_mappings
from accelerator_sim.run.phased import Given, check_whole, given_for, joined, without_taps
from accelerator_sim.run.run_memory import ESTIMATE_BYTES, CheckedEstimate, NormalMasks, RunMemory, drawn_masks
from accelerator_sim.run.traffic import traffic_outcome
from accelerator_sim.simulation.analytical import bottleneck, load_of
from accelerator_sim.simulation.counts import counts_of
from accelerator_sim.simulation.engines import Cycle, Event, estimate_of
from accelerator_sim.simulation.forecast import BlockCut, Forecast, Forecaster, cut_of
from accelerator_sim.simulation.laws import check, check_limits, check_time
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import Stored, counted
from accelerator_sim.technology.actions import ActionEnergies
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import WorkNotCounted
from accelerator_sim.workload.pattern import values
from accelerator_sim.workload.phases import PhaseLayer, dense_phases

MOST_ROUNDS = 16
"""Largest number of searches for a mapping whose fullest PE holds its weights."""

HELD_MAPPINGS = 16
"""Mappings that are tried of a transposed layer whose phases share their input."""

MOST_MACS = 1 << 35
"""Multiply-accumulates of a layer that is forecast: those of ten VGG-16 layers."""
UNKNOWN_RUNS, CHEAP_PES = 3, 256
"""Runs by default of a layer that is not forecast, where passes repeat on arrays up to this size; elsewhere one."""
FEW_WINDOWS = 16
"""Output positions below which a layer with zeros is not forecast: weights are met so rarely that to count them takes
as long as a run.  One mapping of it is run by default."""

MOST_CYCLES = (1 << 63) - 1
"""What the kernels' times hold."""


class IllegalMapping(AcceleratorSimError):
    """A mapping that was given breaks a limit of the architecture."""

    exit_code = 5


@dataclass(frozen=True)
class RunSetup:
    """What every layer runs on, what its mapping is chosen for, and how it is run.

    fidelity: the engine; verify: carry values and compare the outputs (with the clock-by-clock engine); masks: how
    zeros are drawn from densities; refine: mappings that the event engine runs at most, to keep the best of them (None:
    few); memory: what other runs found.
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
    memory: RunMemory | None = None

    @property
    def counts_traffic(self) -> bool:
        """Whether fewer words off-chip may be worth cycles."""
        return self.objective is not Objective.LATENCY or self.architecture.dram.bandwidth < math.inf

    @cached_property
    def family(self) -> str:
        """The machine whatever its off-chip bandwidth: what stands for it in a memory."""
        return f"{but_for_channel(self.architecture)} {self.actions!r}"

    @cached_property
    def layout(self) -> str:
        """The machine whatever its off-chip bandwidth, its energies and how much its SPads hold."""
        return but_for_memories(self.architecture)

    def find(self, layer: Layer, options: SearchOptions) -> list[Found]:
        """Find the best mappings of a layer, the same with a memory as without.  Raises as `find_mappings`."""
        machine = self.architecture, self.actions
        if self.memory is None:
            return find_mappings(layer, *machine, self.objective, options)
        return self.memory.searches.find(layer, *machine, self.objective, options, self.family)

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
        energy = with_time(energy, outcome, machine.actions, architecture)
    return Candidate(schedule, over, outcome, energy)


def _checked(schedule: Schedule, over: int | None, outcome: Outcome, machine: RunSetup) -> Candidate:
    check(schedule, outcome)
    return Candidate(schedule, over, outcome, machine.account(outcome))


def _run(layer: Layer, given: Mapping | None, machine: RunSetup) -> LayerResult:
    """The layer by the event engine, and by the cycle engine if that was asked for."""
    memory, drawn = machine.memory, (layer, machine.seed, machine.masks)
    pattern, masks = drawn_masks(*drawn) if memory is None else memory.masks(*drawn)
    counting = _Counting(layer, masks, machine)
    if given is not None:
        schedules: list[tuple[Schedule, int | None]] = [(given_schedule(layer, machine.architecture, given), None)]
        depth = machine.architecture.pe.spad.weight.depth
        words = counting.stored(schedules[0][0]).fullest_words
        if depth is not None and words > depth:
            raise IllegalMapping(
                f"layer {layer.name}: the given mapping does not fit: the fullest PE has {words} words of non-zero"
                f" weights > {depth} words of its weight SPad"
            )
    else:
        schedules = _fitting(layer, machine, counting)
    engine = Event(None if memory is None else memory.passes)

    def run(number: int) -> Candidate | None:
        schedule, over = schedules[number]
        if given is None and not counting.fits(schedule):
            return None
        outcome = engine.run(schedule, counting.stored(schedule))
        return Candidate(schedule, over, outcome, machine.account(outcome))

    forecasts = counting.forecasts([schedule for schedule, _ in schedules])
    runs = machine.refine or counting.runs
    contest = hold(forecasts, runs, machine.objective, run)
    best, compared = min(contest.ran, key=lambda candidate: candidate.rank(machine.objective)), len(contest.ran)
    gap = contest.gap if given is None else None
    counting.check(best.schedule, best.outcome)
    if machine.fidelity is Fidelity.EVENT:
        return _finished(layer, best, compared, gap)
    precision = machine.architecture.precision
    operands = values(layer, pattern, machine.seed, precision.iact, precision.weight) if machine.verify else None
    outcome = Cycle(operands).run(best.schedule, counting.stored(best.schedule))
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


class _Counting:
    """What the masks of a layer hold under mappings, each counted once, and on machines of one layout also checked."""

    def __init__(self, layer: Layer, masks: NormalMasks, machine: RunSetup) -> None:
        self._layer, self._masks, self._machine, self._loops = layer, masks, machine, loops_of(layer)
        self._stored: dict[Mapping, Stored] = {}

    def _key(self, schedule: Schedule) -> Hashable:
        machine = self._machine
        return machine.layout, self._layer.unnamed, schedule.mapping, machine.seed, machine.masks

    def stored(self, schedule: Schedule) -> Stored:
        """What the masks hold."""
        stored = self._stored.get(schedule.mapping)
        if stored is None:
            memory = self._machine.memory
            known = None if memory is None else memory.counted.get(self._key(schedule))
            if known is not None:
                stored = replace(known, iact_mask=self._masks[0], weight_mask=self._masks[1])
            else:
                stored = counted(schedule, *self._masks)
            self._stored[schedule.mapping] = stored
        return stored

    def fits(self, schedule: Schedule) -> bool:
        """Whether every PE holds its weights."""
        depth = self._machine.architecture.pe.spad.weight.depth
        return depth is None or self.stored(schedule).fullest_words <= depth

    @property
    def repeats(self) -> bool:
        """Whether passes repeat: without zeros, they are run quickly."""
        return all(mask is None for mask in self._masks)

    @property
    def is_forecast(self) -> bool:
        """Whether what mappings take is forecast."""
        loops = self._loops
        few = loops.N * loops.P * loops.Q < FEW_WINDOWS
        return loops.macs <= MOST_MACS and (self.repeats or not few)

    @property
    def runs(self) -> int:
        """Runs by default."""
        if not self.is_forecast:
            return UNKNOWN_RUNS if self.repeats and self._machine.architecture.pes <= CHEAP_PES else 1
        return REPEATED_RUNS if self.repeats else RUNS

    def forecasts(self, schedules: list[Schedule]) -> list[Forecasts]:
        """What the objective will compare of mappings; where nothing is forecast, their order."""
        if len(schedules) == 1 or not self.is_forecast:
            return [Forecasts((1.0, float(i)), None, i) for i in range(len(schedules))]
        memory, found = self._machine.memory, dict[Mapping, Forecast | None]()
        for schedule in schedules:
            if memory is not None and (known := memory.forecasts.get(self._key(schedule))) is not None:
                found[schedule.mapping] = known[0]
        forecaster = Forecaster(self._loops, *self._masks)
        for schedule in sorted((s for s in schedules if s.mapping not in found), key=_cut):
            forecast = found[schedule.mapping] = forecaster.forecast(schedule)
            if memory is not None:
                memory.forecasts.put(self._key(schedule), (forecast,), ESTIMATE_BYTES)
        return [self._forecast(found[schedule.mapping], schedule) for schedule in schedules]

    def _forecast(self, forecast: Forecast | None, schedule: Schedule) -> Forecasts:
        """What the objective will compare of a mapping: last where not forecast, never if it does not fit."""
        depth = self._machine.architecture.pe.spad.weight.depth
        if forecast is None:
            return Forecasts((math.inf, math.inf), None)
        if depth is not None and forecast.fullest_words > depth:
            return Forecasts((math.inf, math.inf), (math.inf, math.inf))
        mapping = schedule.mapping
        tile = mapping.M0, mapping.C0
        estimate = forecast.estimate(self._machine.architecture)
        return Forecasts(self._rank(schedule, estimate), self._rank(schedule, forecast.bound), tile)

    def _rank(self, schedule: Schedule, cycles: int) -> tuple[float, float]:
        """What the objective compares of a mapping that takes so many cycles; with latency, ties are not broken."""
        machine = self._machine
        if machine.objective is Objective.LATENCY:
            return float(cycles), 0.0
        counts = counts_of(schedule, self.stored(schedule))
        outcome = Outcome(counts, replace(bottleneck(schedule).timing, cycles=cycles))
        moved = float(sum(counts.dram_bytes.values()))
        return machine.objective.rank(float(cycles), machine.account(outcome).total, moved)

    def check(self, schedule: Schedule, outcome: Outcome) -> None:
        """Check the laws: those that were not checked on another machine of the layout.  Raises CheckFailed."""
        memory, key = self._machine.memory, None if self._machine.memory is None else self._key(schedule)
        if memory is not None and memory.counted.get(key) is not None:
            check_limits(schedule, outcome)
            return
        check(schedule, outcome)
        if memory is not None:
            without_masks = replace(self.stored(schedule), iact_mask=None, weight_mask=None)
            memory.counted.put(key, without_masks, ESTIMATE_BYTES)


def _cut(schedule: Schedule) -> tuple[BlockCut, BlockCut]:
    """How a mapping cuts filters and channels."""
    return cut_of(schedule, "M"), cut_of(schedule, "C")


def _fitting(layer: Layer, machine: RunSetup, counting: _Counting) -> list[tuple[Schedule, int | None]]:
    """The best mappings; PEs hold the weights that the layer really has under the first, the others may not.

    If the fullest PE has more than expected from independent zeros, mappings are searched for again with the spread
    that was found.  With each mapping, of how many the search chose it.
    """
    sigmas, count = SIGMAS, reach(machine.refine or counting.runs)
    for _ in range(MOST_ROUNDS):
        found = machine.find(layer, SearchOptions(machine.constraints, count, sigmas))
        schedules: list[tuple[Schedule, int | None]] = [(Schedule.of_found(f), f.optimal_over) for f in found]
        first = schedules[0][0]
        if counting.fits(first):
            return schedules
        mean, deviation = first.problem.weight_words(first.mapping.M0, first.mapping.C0, first.taps)
        beyond = counting.stored(first).fullest_words - mean
        sigmas = max(sigmas, 1.02 * beyond / deviation if deviation else math.inf)
    raise IllegalMapping(f"layer {layer.name}: no mapping was found whose PEs all hold their non-zero weights")


def given_schedule(layer: Layer, architecture: Architecture, given: Mapping) -> Schedule:
    """The schedule of a given mapping.  Raises IllegalMapping with every limit that it breaks."""
    schedule = Schedule.of_layer(layer, architecture, given)
    broken = broken_limits(schedule)
    if broken:
        raise IllegalMapping(f"layer {layer.name}: the given mapping does not fit: {'; '.join(broken)}")
    return schedule
