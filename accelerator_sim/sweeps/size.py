"""How large a sweep is, and how long it takes, before it runs."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from accelerator_sim.files.vocabulary import Fidelity
from accelerator_sim.sweeps.planner import Planned, SweepPlanner
from accelerator_sim.sweeps.points import points_of
from accelerator_sim.sweeps.spec import SweepMode, SweepPlan
from accelerator_sim.sweeps.sweep_run import shortage
from accelerator_sim.sweeps.task import SweepTask, run_task

TIMED = (Fidelity.ANALYTICAL, Fidelity.EVENT)
"""Engines that a sweep is timed with."""


@dataclass(frozen=True)
class SweepSize:
    """How large a sweep is.  tried, excluded: points that were planned, and those of them that break a constraint.

    seconds: of one result, by engine, of the first ones that run (empty: none does); errors: of points that were
    refused; note: why there are fewer points than samples.
    """

    points: int
    results: int
    tried: int
    excluded: int
    seconds: Mapping[Fidelity, float]
    errors: tuple[str, ...]
    note: str


def estimate(sweep: SweepPlan, tried: int = 200, runs: int = 3) -> SweepSize:
    """Count the points of a sweep, and time a few of its first stage, spread over it.  Stores nothing.

    Raises InvalidFile and UsageError as `SweepPlanner` does.
    """
    planner = SweepPlanner(sweep)
    points = list(points_of(sweep, planner.legal))
    some = points if len(points) <= tried else points[:: math.ceil(len(points) / tried)]
    planned = [list(planner.plan(point, sweep.stages[0])) for point in some]
    excluded = sum(not each for each in planned)
    flat = [each for group in planned for each in group]
    fit = [each for each in flat if each.machine is not None]
    seconds = _seconds(fit[:: math.ceil(len(fit) / runs)]) if fit else {}
    share = (len(some) - excluded) / len(some) if some else 0.0
    results = round(len(points) * share * max(len(sweep.spec.workloads), 1))
    errors = tuple(dict.fromkeys(each.error for each in flat if each.error is not None))
    note = "" if sweep.spec.mode is SweepMode.SEARCH else shortage(sweep, len(points))
    return SweepSize(len(points), results, len(some), excluded, seconds, errors[:5], note)


def _seconds(planned: Sequence[Planned]) -> dict[Fidelity, float]:
    """The middle of the times that results take, by engine."""
    out: dict[Fidelity, float] = {}
    for fidelity in TIMED:
        times = []
        for each in planned:
            assert each.machine is not None
            layers = {key: layer for key, (layer, _) in each.layers.items()}
            started = time.perf_counter()
            run_task(SweepTask.of(each.entry.key, each.machine, replace(each.run, fidelity=fidelity), layers))
            times.append(time.perf_counter() - started)
        out[fidelity] = sorted(times)[len(times) // 2]
    return out
