"""Why a network, or one layer of it, takes as long as it does on a machine, and which change would help most."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from accelerator_sim.architecture.model import Architecture
from accelerator_sim.eyexam.bounds import STEPS, Examination, examine
from accelerator_sim.eyexam.changes import Change, Variation, Vary, variations
from accelerator_sim.eyexam.parallelism import Parallelism, parallelism
from accelerator_sim.eyexam.reuse import Reuse, reuse
from accelerator_sim.eyexam.stalls import Losses, losses
from accelerator_sim.files.vocabulary import Fidelity, Objective
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.status import ExitCode, Status
from accelerator_sim.run.network_run import Progress, simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.area import area_at
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.network import Network

AT_A_TIME = 4
"""Variations that are measured between two looks at the bounds; fixed, so that the result depends on nothing else."""
SMALL = 0.05
"""Growth of the area up to which a change counts as a small one."""


@dataclass(frozen=True)
class LayerExplanation:
    """One layer with multiply-accumulates: what it did, its bounds, and where its words and cycles went."""

    result: LayerResult
    bounds: Examination
    losses: Losses
    reuse: tuple[Reuse, ...]
    dataflows: tuple[Parallelism, ...]
    """Steps 2 and 3 with the loops that other dataflows may unroll."""

    @property
    def cause(self) -> tuple[int, str]:
        """The step of Eyexam that costs most, and what binds there ("" for steps before the sixth)."""
        step = self.bounds.binding
        return step, {6: self.bounds.limit, 7: self.bounds.stall}.get(step, "")


@dataclass(frozen=True)
class Cause:
    """The layers that lose most at one step to one thing, as of `LayerExplanation.cause`, the worst first."""

    step: int
    name: str
    layers: list[LayerExplanation]

    @property
    def lost(self) -> float:
        """Cycles that they lose in all."""
        return sum(layer.bounds.lost_in_all for layer in self.layers)


@dataclass(frozen=True)
class Measured:
    """A changed machine, re-simulated.  `area` is its area over that of the machine."""

    change: Change
    cycles: int
    energy_j: float
    energy_dram_j: float
    dram_bytes: int
    area: float

    def value(self, objective: Objective) -> float:
        """What the objective compares."""
        return objective.rank(float(self.cycles), self.energy_j + self.energy_dram_j, float(self.dram_bytes))[0]


@dataclass(frozen=True)
class Explanation:
    """A run, the explanation of each of its layers (None for those without MACs and those that failed), and changes.

    `measured`: the changes that were simulated, the most helpful first; `ruled_out`: those whose bound says that they
    are not among the three best; both are empty where none were asked for.
    """

    run: NetworkResult
    layers: tuple[LayerExplanation | None, ...]
    measured: tuple[Measured, ...] = ()
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
    def now(self) -> Measured:
        """The machine as it is."""
        return _measured(Change("as it is", (), 1), self.run, 1.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as plain data, in the schema "accelerator-sim/explanation/1"."""
        from accelerator_sim.eyexam.plain import as_dict

        return as_dict(self)

    def best(self, count: int = 3) -> list[Measured]:
        """The changes that help most, if they help at all.

        count: how many at most.
        """
        objective = self.run.objective
        before = self.now.value(objective)
        return [each for each in self.measured if each.value(objective) < before][:count]

    @property
    def best_small(self) -> Measured | None:
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

    def by_cause(self) -> list[Cause]:
        """The layers grouped by their cause, the group with most cycles above the peak first."""
        groups: dict[tuple[int, str], list[LayerExplanation]] = {}
        for layer in sorted(self.explained, key=lambda layer: -layer.bounds.lost_in_all):
            groups.setdefault(layer.cause, []).append(layer)
        return sorted((Cause(*cause, layers) for cause, layers in groups.items()), key=lambda cause: -cause.lost)


def explain(
    network: Network,
    architecture: Architecture,
    technology: Technology,
    options: Options | None = None,
    vary: Vary | None = None,
    on_progress: Progress | None = None,
) -> Explanation:
    """Simulate the layers of a network with the event engine and explain them.

    vary: makes the machine with some values of its file replaced; None: try no changes.  Layers that fail are in the
    run, as of `simulate_network`, whose errors are raised too.
    """
    chosen = replace(options or Options(), fidelity=Fidelity.EVENT, verify=False)
    run = simulate_network(network, architecture, technology, chosen, on_progress)
    explained = explain_run(run, chosen, on_progress)
    if vary is None or not explained.explained or run.interrupted:
        return explained
    return _with_changes(explained, network, technology, chosen, vary, on_progress)


def explain_run(run: NetworkResult, options: Options, on_progress: Progress | None = None) -> Explanation:
    """Explain each layer of a run of the event or cycle engine, with the options of the run; try no changes."""
    tilings = run.tilings()
    known: dict[object, LayerExplanation] = {}
    found: list[LayerExplanation | None] = []
    for result in run.layers:
        if on_progress is not None:
            on_progress(len(found), len(run.layers), f"bounds of {result.layer.name}")
        if result.mapping is None or result.outcome is None:
            found.append(None)
            continue
        key = replace(result.layer, name="", reads=()), result.mapping
        if key not in known:
            tiling = tilings[result.layer.name]
            known[key] = _explained(result, Schedule(tiling.problem, tiling.mapping), run.architecture, options)
        found.append(replace(known[key], result=result))
    return Explanation(run, tuple(found))


def _explained(
    result: LayerResult, schedule: Schedule, architecture: Architecture, options: Options
) -> LayerExplanation:
    assert result.outcome is not None
    assert result.mapping is not None
    return LayerExplanation(
        result,
        examine(result.layer, result.mapping, result.outcome, architecture, options.plan.constraints),
        losses(schedule, result.outcome, architecture),
        reuse(schedule),
        parallelism(schedule.loops, architecture.macs_per_cycle),
    )


def _measured(change: Change, run: NetworkResult, area: float) -> Measured:
    totals = run.totals
    return Measured(change, totals.cycles, totals.energy_j, totals.energy_dram_j, totals.dram_bytes, area)


def _with_changes(
    explained: Explanation,
    network: Network,
    technology: Technology,
    options: Options,
    vary: Vary,
    on_progress: Progress | None,
) -> Explanation:
    """Measure the changes on the layers that ran; leave out those that make one fail.

    For the least latency, those that cannot be among the three best are not run.
    """
    architecture, objective = explained.run.architecture, options.objective
    failed = {result.layer.name for result in explained.run.failed}
    network = replace(network, layers=tuple(layer for layer in network.layers if layer.name not in failed))
    tried = variations(architecture, vary)
    options = replace(options, plan=replace(options.plan, mappings={}))
    node = explained.run.node_nm
    area = area_at(architecture, node).total.um2
    least = {each.change.name: _least_cycles(explained, each) for each in tried}
    tried.sort(key=lambda each: least[each.change.name])
    measured: list[Measured] = []
    ruled_out = 0

    def simulate(each: Variation) -> Measured | None:
        run = simulate_network(network, each.architecture, technology, options)
        if run.failed:
            return None
        return _measured(each.change, run, area_at(each.architecture, node).total.um2 / area)

    pool, futures, interrupted = ThreadPoolExecutor(AT_A_TIME), [], False
    try:
        for batch in (tried[i : i + AT_A_TIME] for i in range(0, len(tried), AT_A_TIME)):
            third = sorted(each.cycles for each in measured)[2] if len(measured) > 2 else math.inf
            worth = [each for each in batch if objective is not Objective.LATENCY or least[each.change.name] < third]
            ruled_out += len(batch) - len(worth)
            futures = [pool.submit(simulate, each) for each in worth]
            measured += [found for future in futures if (found := future.result()) is not None]
            futures = []
            if on_progress is not None:
                on_progress(len(measured) + ruled_out, len(tried), "changes")
    except KeyboardInterrupt:
        interrupted = True
        done = [future.result() for future in futures if future.done() and not future.exception()]
        measured += [found for found in done if found is not None]
    finally:
        pool.shutdown(wait=not interrupted, cancel_futures=True)
    measured.sort(key=lambda each: (each.value(objective), each.energy_j, each.change.name))
    return replace(explained, measured=tuple(measured), ruled_out=ruled_out, interrupted=interrupted)


def _least_cycles(explained: Explanation, each: Variation) -> float:
    """Cycles that a changed machine takes at the least: what bounds the steps before the first one that it alters."""
    before = each.change.step - 2
    bounds = [layer.bounds.cycles[before] for layer in explained.explained]
    off_chip = any(path.startswith("dram.") for path, _ in each.change.settings)
    moved = [
        result.outcome.timing.cycles
        for result in explained.run.layers
        if result.status is Status.TRAFFIC_ONLY and result.outcome is not None and not off_chip
    ]
    return math.fsum(bounds) + sum(moved)
