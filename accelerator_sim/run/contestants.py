"""The mappings of one layer that a contest is held between: what masks hold under each, its forecast, its run.

Each is found once, and on machines of one layout (`RunSetup.layout`) once for all of them: where only the off-chip
bandwidth differs, passes that were run follow one another anew.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property

from accelerator_sim.energy.account import EnergyBreakdown, account_of, with_time
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.mapping.loops import loops_of
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.run.contest import REPEATED_RUNS, RUNS, Forecasts, Rank
from accelerator_sim.run.run_memory import KnownRun, LayerMemory, NormalMasks
from accelerator_sim.run.run_setup import RunSetup
from accelerator_sim.simulation.counts import counts_of
from accelerator_sim.simulation.engines import Event, TimedLayer
from accelerator_sim.simulation.forecast import BlockCut, Forecast, Forecaster, cut_of
from accelerator_sim.simulation.laws import check, check_limits
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import Stored, counted
from accelerator_sim.workload.layer import Layer

MOST_MACS = 1 << 35
"""Multiply-accumulates of a layer that is forecast: those of ten VGG-16 layers."""
UNKNOWN_RUNS, CHEAP_PES = 3, 256
"""Runs by default of a layer that is not forecast, where passes repeat on arrays up to this size; elsewhere one."""
FEW_WINDOWS = 16
"""Output positions below which a layer with zeros is not forecast: weights are met so rarely that to count them takes
as long as a run.  One mapping of it is run by default."""


@dataclass(frozen=True, eq=False)
class Contestant:
    """A mapping that was run, and its energy."""

    schedule: Schedule
    optimal_over: int | None
    timed: TimedLayer
    energy: EnergyBreakdown

    def rank(self, objective: Objective) -> Rank:
        """What the objective compares, and what breaks its ties."""
        moved = float(sum(self.timed.counts.dram_bytes.values()))
        return objective.rank(float(self.timed.cycles), self.energy.total, moved)

    @property
    def outcome(self) -> Outcome:
        """What the event engine found."""
        return self.timed.outcome


class Contestants:
    """What is known of the mappings of a layer, and found where it is not."""

    def __init__(self, layer: Layer, masks: NormalMasks, machine: RunSetup) -> None:
        """masks: of the loops of the layer, see `NormalMasks`."""
        self._layer, self._masks, self._machine, self._loops = layer, masks, machine, loops_of(layer)
        self._stored: dict[Mapping, Stored] = {}
        memory = machine.memory
        self._engine = Event(None if memory is None else memory.passes)
        self._known = (None if memory is None else memory.layers.get(self._key)) or LayerMemory()

    @cached_property
    def _key(self) -> Hashable:
        return self._machine.layout, self._layer.unnamed, self._machine.seed, self._machine.masks

    def keep(self) -> None:
        """Remember what was found."""
        if self._machine.memory is not None:
            self._machine.memory.layers.put(self._key, self._known, self._known.size)

    def stored(self, schedule: Schedule) -> Stored:
        """What the masks hold."""
        mapping = schedule.mapping
        stored = self._stored.get(mapping)
        if stored is None:
            known = self._known.counted.get(mapping)
            if known is None:
                stored = counted(schedule, *self._masks)
                self._known.counted[mapping] = replace(stored, iact_mask=None, weight_mask=None)
            else:
                stored = replace(known, iact_mask=self._masks[0], weight_mask=self._masks[1])
            self._stored[mapping] = stored
        return stored

    def fullest_words(self, schedule: Schedule) -> int:
        """SPad words of the fullest PE with weights in CSC, 0 for others."""
        forecast = self._known.forecasts.get(schedule.mapping)
        return self.stored(schedule).fullest_words if forecast is None else forecast.fullest_words

    def fits(self, schedule: Schedule) -> bool:
        """Whether every PE holds its weights."""
        depth = self._machine.architecture.pe.spad.weight.depth
        return depth is None or self.fullest_words(schedule) <= depth

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
        found = self._known.forecasts
        forecaster = Forecaster(self._loops, *self._masks)
        for schedule in sorted((s for s in schedules if s.mapping not in found), key=_cuts):
            found[schedule.mapping] = forecaster.forecast(schedule)
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

    def _rank(self, schedule: Schedule, cycles: int) -> Rank:
        """What the objective compares of a mapping that takes so many cycles; with latency, ties are not broken."""
        machine = self._machine
        if machine.objective is Objective.LATENCY:
            return float(cycles), 0.0
        counts = counts_of(schedule, self.stored(schedule))
        energy = account_of(counts, cycles, machine.actions, machine.architecture)
        moved = float(sum(counts.dram_bytes.values()))
        return machine.objective.rank(float(cycles), energy.total, moved)

    def run(self, schedule: Schedule, optimal_over: int | None) -> Contestant:
        """Run a mapping; where its passes are known, let them follow one another."""
        machine, known = self._machine, self._known.runs.get(schedule.mapping)
        timed = None if known is None else known.timed.on_channel(schedule)
        if known is None or timed is None:
            timed = self._engine.time(schedule, self.stored(schedule))
            known = self._known.runs[schedule.mapping] = KnownRun(timed)
        energy = known.energies.get(machine.family)
        costs = timed.counts, timed.cycles, machine.actions, machine.architecture
        energy = account_of(*costs) if energy is None else with_time(energy, *costs)
        known.energies[machine.family] = energy
        return Contestant(schedule, optimal_over, timed, energy)

    def check(self, schedule: Schedule, outcome: Outcome) -> None:
        """Check the laws: those that were not checked on another machine of the layout.  Raises CheckFailed."""
        if schedule.mapping in self._known.checked:
            check_limits(schedule, outcome)
            return
        check(schedule, outcome)
        self._known.checked.add(schedule.mapping)


def _cuts(schedule: Schedule) -> tuple[BlockCut, BlockCut]:
    """How a mapping cuts filters and channels."""
    return cut_of(schedule, "M"), cut_of(schedule, "C")
