"""A sweep from its file to its store: points, constraints, tasks that are not done yet, and what came of them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from accelerator_sim.results.tabular import Row
from accelerator_sim.run.workers import Pool, run_tasks
from accelerator_sim.sweeps.axes import column_of
from accelerator_sim.sweeps.planner import Planned, SweepPlanner
from accelerator_sim.sweeps.point_order import chunks
from accelerator_sim.sweeps.points import SweepPoint, points_of, tries
from accelerator_sim.sweeps.records import best, each_point, goal_of
from accelerator_sim.sweeps.spec import Stage, SweepMode, SweepPlan
from accelerator_sim.sweeps.store import About, Store, StoredResult
from accelerator_sim.sweeps.sweep_search import search
from accelerator_sim.sweeps.task import (
    Done,
    LayerSums,
    SweepTask,
    digest,
    given_up,
    layout_of,
    program,
    reason,
    run_task,
)

MOST_KINDS = 1000
"""Reasons of failure that are counted one by one."""
SAVE_S = 0.1
"""Seconds of finished work that are written at once.

A program that is killed loses no more than that, and what workers have not yet handed back (`run.workers`).
"""


@dataclass(frozen=True)
class SweepState:
    """Progress of a stage.  best: the best value of the first objective so far, None before the first result."""

    stage: int
    results: int
    done: int
    present: int
    best: float | None


SweepProgress = Callable[[SweepState], None]


@dataclass(frozen=True)
class Failure:
    """Results that failed for one reason, numbers in it apart: how many, and point, network and error of the first."""

    results: int
    point: int
    workload: str
    error: str


@dataclass(frozen=True)
class Summary:
    """Outcome of a sweep.  `excluded`: points that break a constraint; `present`: results that were there before."""

    name: str
    points: int
    excluded: int
    computed: int
    present: int
    layers: int
    """Layers that were run; all others were known."""
    failed: tuple[Failure, ...]
    seconds: float
    interrupted: bool = False
    note: str = ""
    """Why there are fewer points than samples."""

    @property
    def failures(self) -> int:
        """Results that failed."""
        return sum(failure.results for failure in self.failed)


def sweep_name(sweep: SweepPlan) -> str:
    """Return the name under which a sweep's points are in a store: of its file's content and of the program."""
    return digest(program(), sweep.text)[:12]


def about(sweep: SweepPlan) -> About:
    """Return what a store keeps of a sweep besides its results."""
    linked = tuple(tuple(map(column_of, axis.names)) for axis in sweep.axes if len(axis.names) > 1)
    return About(tuple(sweep.spec.objectives), linked)


def run_sweep(
    sweep: SweepPlan, store: Store, pool: Pool, on_progress: SweepProgress | None = None, retry: bool = False
) -> Summary:
    """Run what is missing from the store.  After KeyboardInterrupt, what was finished is in the store.

    retry: failed points are also run again.

    Raises InvalidFile and UsageError as `SweepPlanner` does.  A point that fails, for whatever reason, is a row.
    """
    started = time.monotonic()
    name = sweep_name(sweep)
    runner = _Runner(sweep, name, store, pool, on_progress, retry)
    store.describe(name, about(sweep))
    points = chosen = [] if sweep.spec.mode is SweepMode.SEARCH else list(points_of(sweep, runner.legal))
    failed: dict[str, Failure] = {}
    interrupted = False
    for number, stage in enumerate(sweep.stages):
        try:
            if number == 0 and sweep.spec.mode is SweepMode.SEARCH:
                points = search(sweep, len(sweep.spec.objectives), partial(runner.costs, stage), runner.legal)
            else:
                runner.run(chosen, number, stage)
        except KeyboardInterrupt:
            interrupted = True
        for row in store.each(name, number):
            if row["status"] == "failed":
                _count(failed, row)
        if interrupted:
            break
        if number + 1 < len(sweep.stages):
            chosen = _best(store, name, number, points, sweep.stages[number + 1])
    seconds = time.monotonic() - started
    total = runner.points - runner.excluded
    counts = (total, runner.excluded, runner.computed, runner.present, runner.layers)
    note = "" if interrupted else shortage(sweep, len(points))
    return Summary(name, *counts, tuple(failed.values()), seconds, interrupted, note)


def shortage(sweep: SweepPlan, points: int) -> str:
    """Return why a sweep has fewer points than samples, "" where it has as many."""
    wanted = min(sweep.spec.samples or 0, sweep.grid_size)
    if points >= wanted:
        return ""
    asked = f"{points:,} points of {wanted:,} samples: "
    if sweep.spec.mode is SweepMode.SEARCH:
        return asked + "no others that can be run were found"
    most = min(tries(sweep.spec.samples or 0), sweep.grid_size)
    return (
        asked + f"no others of {most:,} combinations that were tried can be run (constraints, values that do not fit)"
    )


def _count(failed: dict[str, Failure], row: Row) -> None:
    """Count a result with others that failed for the same reason."""
    error = str(row["error"])
    kind = re.sub(r"[0-9]+", "0", error)
    if kind not in failed and len(failed) >= MOST_KINDS:
        kind, error = "", "other reasons"
    known = failed.get(kind)
    count = 1 if known is None else known.results + 1
    first = known or Failure(0, row["point"], row["workload"], error)
    failed[kind] = replace(first, results=count)


def _best(store: Store, name: str, number: int, points: Sequence[SweepPoint], stage: Stage) -> list[SweepPoint]:
    """The best points of a stage, by a result of all their networks."""
    records = best(each_point(store.each(name, number)), goal_of(stage.by), stage.best or len(points))
    kept = {row["point"] for row in records}
    return [point for point in points if point.number in kept]


_Whole = tuple[Planned, Mapping[str, float | int | None] | None, str | None]
"""A result with its figures, or its error."""


def _whole(planned: Planned, outcomes: Mapping[str, LayerSums]) -> _Whole:
    """A result of which all layers are known."""
    if planned.error is not None:
        return planned, None, planned.error
    try:
        return planned, planned.figures(outcomes), None
    except Exception as error:  # of this result alone
        return planned, None, reason(error)


class _Runner:
    """Runs points: each layer that is not known on its machine once, wherever else it occurs."""

    def __init__(
        self, sweep: SweepPlan, name: str, store: Store, pool: Pool, on_progress: SweepProgress | None, retry: bool
    ) -> None:
        self._retry = retry
        self._planner, self._axes = SweepPlanner(sweep), sweep.axes
        self._goals = [goal_of(text) for text in sweep.spec.objectives]
        self._name, self._store, self._pool, self._on_progress = name, store, pool, on_progress
        self._networks = max(len(sweep.spec.workloads), 1)
        self.points = self.excluded = self.computed = self.present = self.layers = 0
        self._seen: set[str] = set()
        self._waiting: dict[str, tuple[Planned, set[str], dict[str, LayerSums]]] = {}
        self._wanted: dict[str, list[str]] = {}
        self._stage, self._total, self._here = 0, 0, 0
        self._best: float | None = None
        self._results: list[StoredResult] = []
        self._outcomes: dict[str, LayerSums] = {}
        self._saved = time.monotonic()

    def legal(self, point: SweepPoint) -> bool:
        """Whether a point can be run."""
        return self._planner.legal(point)

    def costs(self, stage: Stage, points: Sequence[SweepPoint]) -> dict[int, list[float] | None]:
        """Run points of a search; return what their results cost, by number."""
        self.run(points, 0, stage)
        numbers = {point.number for point in points}
        out: dict[int, list[float] | None] = {}
        for row in each_point(row for row in self._store.each(self._name, 0) if row["point"] in numbers):
            costs = [goal.cost(row) for goal in self._goals]
            out[row["point"]] = None if None in costs else costs  # type: ignore[assignment]
        return out

    def run(self, points: Sequence[SweepPoint], number: int, stage: Stage) -> None:
        """Run a stage.  Raises KeyboardInterrupt when it is interrupted; what was finished is kept."""
        if number != self._stage:
            self._stage, self._best, self._here, self._total = number, None, 0, 0
        self._total += len(points) * self._networks
        self.points += len(points) if number == 0 else 0
        try:
            for _, done in run_tasks(self._tasks(points, number, stage), self._pool, run_task, given_up, layout_of):
                self.layers += len(done.outcomes) + len(done.errors)
                self._keep(done, number)
        finally:
            self._save()

    def _tasks(self, points: Sequence[SweepPoint], number: int, stage: Stage) -> Iterator[SweepTask]:
        """Plan points, some at a time, and yield what has to be run for them."""
        for some in chunks(points, self._axes):
            planned: list[Planned] = []
            for point in some:
                tasks = list(self._planner.plan(point, stage))
                if not tasks:
                    self._total -= self._networks
                    self.excluded += number == 0
                planned += tasks
            self._store.join(self._name, number, ((p.point.number, p.entry.workload, p.entry.key) for p in planned))
            statuses = self._store.finished(p.entry.key for p in planned)
            finished = {key for key, status in statuses.items() if status == "ok" or not self._retry}
            for each in planned:
                key = each.entry.key
                if key in finished or key in self._seen:
                    self.present += key in finished and key not in self._seen
                    self._here += 1
                else:
                    yield from self._task(each, number)
                self._seen.add(key)

    def _task(self, planned: Planned, number: int) -> Iterator[SweepTask]:
        """Yield the layers of a network that are neither known nor on their way."""
        key = planned.entry.key
        known = self._store.layers(planned.layers)
        known |= {layer: self._outcomes[layer] for layer in planned.layers if layer in self._outcomes}
        missing = set(planned.layers) - set(known)
        if planned.machine is None or not missing:
            self._finish([_whole(planned, known)], {}, number)
            return
        self._waiting[key] = (planned, missing, known)
        fresh = [layer for layer in planned.layers if layer in missing and layer not in self._wanted]
        for layer in missing:
            self._wanted.setdefault(layer, []).append(key)
        if fresh:
            layers = {layer: planned.layers[layer][0] for layer in fresh}
            yield SweepTask.of(key, planned.machine, planned.run, layers)

    def _keep(self, done: Done, number: int) -> None:
        """Store the outcomes of layers, and the networks that they complete."""
        complete: list[_Whole] = []
        for layer in (*done.outcomes, *done.errors):
            for key in self._wanted.pop(layer, ()):
                if key not in self._waiting:
                    continue  # it failed already
                planned, missing, known = self._waiting[key]
                missing.discard(layer)
                if layer in done.errors:
                    complete.append((planned, None, done.errors[layer]))
                    del self._waiting[key]
                    continue
                known[layer] = done.outcomes[layer]
                if not missing:
                    complete.append(_whole(planned, known))
                    del self._waiting[key]
        self._finish(complete, done.outcomes, number)

    def _finish(
        self,
        complete: Sequence[_Whole],
        outcomes: Mapping[str, LayerSums],
        number: int,
    ) -> None:
        self._results += ((planned.entry, figures, error) for planned, figures, error in complete)
        self._outcomes |= outcomes
        if time.monotonic() - self._saved > SAVE_S:
            self._save()
        self.computed += len(complete)
        self._here += len(complete)
        for _, figures, _ in complete:
            cost = self._goals[0].cost(figures) if figures is not None else None
            if cost is not None and (self._best is None or cost < self._best):
                self._best = cost
        if self._on_progress is not None and complete:
            best = None if self._best is None else abs(self._best)
            self._on_progress(SweepState(number, self._total, self._here, self.present, best))

    def _save(self) -> None:
        """Write what was finished since the last time."""
        if self._results or self._outcomes:
            self._store.add(self._results, self._outcomes)
        self._results, self._outcomes, self._saved = [], {}, time.monotonic()
