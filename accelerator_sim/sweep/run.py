"""A sweep from its file to its store: points, constraints, tasks that are not done yet, and what came of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from accelerator_sim.architecture.model import Architecture
from accelerator_sim.files.data import resolve
from accelerator_sim.files.errors import AcceleratorSimError, InvalidFile, Problem
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.files.yaml_tree import load_document
from accelerator_sim.study.machine import read_machine
from accelerator_sim.study.tabular import Row
from accelerator_sim.study.workers import Pool, run_tasks
from accelerator_sim.sweep.points import Point, points_of
from accelerator_sim.sweep.results import best, by_point, goal_of
from accelerator_sim.sweep.search import search
from accelerator_sim.sweep.spec import CHOICES, Stage, Sweep
from accelerator_sim.sweep.store import Entry, Store
from accelerator_sim.sweep.task import (
    Done,
    Outcome,
    Run,
    Task,
    digest,
    figures,
    given_up,
    layer_text,
    machine_text,
    program,
    run_task,
    sizes,
)  # fmt: skip
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import load_network

CHUNK = 50
"""Points that are planned at a time, so that workers start before all points are read."""


@dataclass(frozen=True)
class State:
    """How far a stage is.  best: the best value of the first objective so far, None before the first result."""

    stage: int
    results: int
    done: int
    present: int
    best: float | None


Progress = Callable[[State], None]


@dataclass(frozen=True)
class Planned:
    """A point of a stage with one of its networks, ready to run, or why it cannot be."""

    point: Point
    entry: Entry
    machine: tuple[Architecture, Technology] | None
    run: Run
    layers: Mapping[str, tuple[Layer, int]]
    """By key: the layer, and how often the network has it."""
    error: str | None = None
    inferences: int = 1
    """What the layers are of: the batch of the point times that of the network's file."""

    def figures(self, outcomes: Mapping[str, Outcome]) -> dict[str, float | int | None] | None:
        """The figures of the network, of the outcomes of its layers."""
        if self.machine is None:
            return None
        parts = [outcomes[key] for key, (_, count) in self.layers.items() for _ in range(count)]
        return figures(parts, *self.machine, self.inferences)


@dataclass(frozen=True)
class Summary:
    """What came of a sweep.  `excluded`: points that break a constraint; `present`: results that were there before."""

    name: str
    points: int
    excluded: int
    computed: int
    present: int
    layers: int
    """Layers that were run; all others were known."""
    failed: tuple[tuple[int, str, str], ...]
    """Point, network and error of each result that failed."""
    seconds: float
    interrupted: bool = False


def sweep_name(sweep: Sweep) -> str:
    """Return the name under which a sweep's points are in a store: of its file's content and of the program."""
    return digest(program(), sweep.text)[:12]


def run_sweep(
    sweep: Sweep, store: Store, pool: Pool, on_progress: Progress | None = None, retry: bool = False
) -> Summary:
    """Run what is not in the store yet.  After KeyboardInterrupt, what was finished is in the store.

    retry: what failed is run again, too.

    Raises InvalidFile for a base architecture or a network that is none, and for constraints on names without a value.
    """
    started = time.monotonic()
    name = sweep_name(sweep)
    runner = _Runner(sweep, name, store, pool, on_progress, retry)
    points = chosen = [] if sweep.spec.mode == "search" else list(points_of(sweep))
    failed: list[tuple[int, str, str]] = []
    interrupted = False
    for number, stage in enumerate(sweep.stages):
        try:
            if number == 0 and sweep.spec.mode == "search":
                points = search(sweep, len(sweep.spec.objectives), partial(runner.costs, stage))
            else:
                runner.run(chosen, number, stage)
        except KeyboardInterrupt:
            interrupted = True
        rows = store.rows(name, number)
        failed += [(row["point"], row["workload"], row["error"]) for row in rows if row["status"] == "failed"]
        if interrupted:
            break
        if number + 1 < len(sweep.stages):
            chosen = _best(rows, points, sweep.stages[number + 1])
    seconds = time.monotonic() - started
    total = runner.points - runner.excluded
    counts = (total, runner.excluded, runner.computed, runner.present, runner.layers)
    return Summary(name, *counts, tuple(failed), seconds, interrupted)


@dataclass(frozen=True)
class Size:
    """How large a sweep is.  tried, excluded: points that were planned, and those of them that break a constraint.

    seconds: of one result, of the first ones that run (None: none does); errors: of points that were refused.
    """

    points: int
    results: int
    tried: int
    excluded: int
    seconds: float | None
    errors: tuple[str, ...]


def estimate(sweep: Sweep, tried: int = 200, runs: int = 3) -> Size:
    """Count the points of a sweep, and time a few of its first stage, spread over it.  Stores nothing."""
    planner = Planner(sweep)
    points = list(points_of(sweep))
    some = points if len(points) <= tried else points[:: math.ceil(len(points) / tried)]
    planned = [list(planner.plan(point, sweep.stages[0])) for point in some]
    excluded = sum(not each for each in planned)
    flat = [each for group in planned for each in group]
    fit = [each for each in flat if each.machine is not None]
    seconds = []
    for each in fit[:: math.ceil(len(fit) / runs)] if fit else []:
        if each.machine is not None:
            layers = {key: layer for key, (layer, _) in each.layers.items()}
            started = time.perf_counter()
            run_task(Task(each.entry.key, *each.machine, each.run, layers))
            seconds.append(time.perf_counter() - started)
    share = (len(some) - excluded) / len(some) if some else 0.0
    results = round(len(points) * share * max(len(sweep.spec.workloads), 1))
    errors = tuple(dict.fromkeys(each.error for each in flat if each.error is not None))
    middle = sorted(seconds)[len(seconds) // 2] if seconds else None
    return Size(len(points), results, len(some), excluded, middle, errors[:5])


class _Runner:
    """Runs points: each layer that is not known on its machine once, wherever else it occurs."""

    def __init__(
        self, sweep: Sweep, name: str, store: Store, pool: Pool, on_progress: Progress | None, retry: bool
    ) -> None:
        self._retry = retry
        self._planner = Planner(sweep)
        self._goals = [goal_of(text) for text in sweep.spec.objectives]
        self._name, self._store, self._pool, self._tell = name, store, pool, on_progress
        self._networks = max(len(sweep.spec.workloads), 1)
        self.points = self.excluded = self.computed = self.present = self.layers = 0
        self._seen: set[str] = set()
        self._waiting: dict[str, tuple[Planned, set[str], dict[str, Outcome]]] = {}
        self._wanted: dict[str, list[str]] = {}
        self._stage, self._total, self._here = 0, 0, 0
        self._best: float | None = None

    def costs(self, stage: Stage, points: Sequence[Point]) -> dict[int, list[float] | None]:
        """Run points of a search; return what their results cost, by number."""
        self.run(points, 0, stage)
        numbers = {point.number for point in points}
        out: dict[int, list[float] | None] = {}
        for row in by_point(row for row in self._store.rows(self._name, 0) if row["point"] in numbers):
            costs = [goal.cost(row) for goal in self._goals]
            out[row["point"]] = None if None in costs else costs  # type: ignore[assignment]
        return out

    def run(self, points: Sequence[Point], number: int, stage: Stage) -> None:
        """Run a stage.  Raises KeyboardInterrupt when it is interrupted; what was finished is kept."""
        if number != self._stage:
            self._stage, self._best, self._here, self._total = number, None, 0, 0
        self._total += len(points) * self._networks
        self.points += len(points) if number == 0 else 0
        for _, done in run_tasks(self._tasks(points, number, stage), self._pool, run_task, given_up):
            self.layers += len(done.outcomes) + len(done.errors)
            self._keep(done, number)

    def _tasks(self, points: Sequence[Point], number: int, stage: Stage) -> Iterator[Task]:
        """Plan points, some at a time, and yield what has to be run for them."""
        for begin in range(0, len(points), CHUNK):
            planned: list[Planned] = []
            for point in points[begin : begin + CHUNK]:
                found = list(self._planner.plan(point, stage))
                if not found:
                    self._total -= self._networks
                    self.excluded += number == 0
                planned += found
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

    def _task(self, planned: Planned, number: int) -> Iterator[Task]:
        """Yield the layers of a network that are neither known nor on their way."""
        key = planned.entry.key
        known = self._store.layers(planned.layers)
        missing = set(planned.layers) - set(known)
        if planned.machine is None or not missing:
            self._finish([(planned, planned.figures(known), planned.error)], {}, number)
            return
        self._waiting[key] = (planned, missing, known)
        fresh = [layer for layer in planned.layers if layer in missing and layer not in self._wanted]
        for layer in missing:
            self._wanted.setdefault(layer, []).append(key)
        if fresh:
            yield Task(key, *planned.machine, planned.run, {layer: planned.layers[layer][0] for layer in fresh})

    def _keep(self, done: Done, number: int) -> None:
        """Store the outcomes of layers, and the networks that they complete."""
        complete: list[tuple[Planned, Mapping[str, float | int | None] | None, str | None]] = []
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
                    complete.append((planned, planned.figures(known), None))
                    del self._waiting[key]
        self._finish(complete, done.outcomes, number)

    def _finish(
        self,
        complete: Sequence[tuple[Planned, Mapping[str, float | int | None] | None, str | None]],
        outcomes: Mapping[str, Outcome],
        number: int,
    ) -> None:
        self._store.add(((planned.entry, found, error) for planned, found, error in complete), outcomes)
        self.computed += len(complete)
        self._here += len(complete)
        for _, found, _ in complete:
            cost = self._goals[0].cost(found) if found is not None else None
            if cost is not None and (self._best is None or cost < self._best):
                self._best = cost
        if self._tell is not None and complete:
            best = None if self._best is None else abs(self._best)
            self._tell(State(number, self._total, self._here, self.present, best))


def _best(rows: Sequence[Row], points: Sequence[Point], stage: Stage) -> list[Point]:
    """The best points of a stage, by a result of all their networks."""
    records = by_point(rows)
    kept = {row["point"] for row in best(records, goal_of(stage.by), stage.best or len(records))}
    return [point for point in points if point.number in kept]


def choices_of(values: Mapping[str, str | None]) -> Choices:
    """Return the choices of a network of a point, or of what is stored of it.  Raises ValueError for no number."""
    width, resolution = values.get("width"), values.get("resolution")
    return Choices(
        densities=values.get("densities"),
        prune=values.get("prune"),
        width=None if width is None else float(width),
        resolution=None if resolution is None else int(resolution),
    )


def _reason(error: AcceleratorSimError) -> str:
    """An error on one line, without the places of files, which differ between machines."""
    if not isinstance(error, InvalidFile):
        return str(error)
    return "; ".join(f"{problem.path}: {problem.message}".removeprefix(": ") for problem in error.problems)


def base_file(sweep: Sweep) -> Path:
    """Return the file of the base architecture, taken from the folder of the sweep first."""
    name = sweep.spec.architecture
    beside = sweep.file.parent / name
    if name.endswith((".yaml", ".yml")) and beside.exists():
        return beside
    return resolve("arch_configs", name, "architecture")


def network_file(sweep: Sweep, name: str) -> str:
    """Return the name of a network, or its file, taken from the folder of the sweep first."""
    beside = sweep.file.parent / name
    return str(beside.resolve()) if Path(name).suffix and beside.exists() else name


class Planner:
    """Makes tasks of points: reads the base architecture and each network once."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        spec = sweep.spec
        self._base = base_file(sweep)
        read_machine(self._base)  # a base that is invalid is no point's fault
        self._check_paths()
        for name in spec.workloads or [value for axis in sweep.axes for value in axis.named("workload")]:
            load_network(network_file(self._sweep, name))  # nor is a network that there is not
        self._base_text = self._base.read_text(encoding="utf-8")
        self._networks: dict[tuple[object, ...], tuple[dict[str, tuple[Layer, int]], int]] = {}

    def _check_paths(self) -> None:
        """Raise InvalidFile for axes that the architecture does not have, which would fail at every point."""
        overrides = [
            (name, value) for axis in self._sweep.axes for name, value in zip(axis.names, axis.values[0], strict=True)
        ]
        try:
            read_machine(self._base, [pair for pair in overrides if pair[0] not in CHOICES])
        except InvalidFile as error:
            names = dict(overrides)
            unknown = [each for each in error.problems if each.path in names and each.message.startswith("unknown key")]
            document = load_document(self._sweep.file)
            places = [(each, document.position(("axes", each.path))) for each in unknown]
            if places:
                found = [Problem(document.file, *at, f"axes.{each.path}", each.message) for each, at in places]
                raise InvalidFile(found) from None

    def plan(self, point: Point, stage: Stage) -> Iterator[Planned]:
        """Yield the tasks of a point, none where it breaks a constraint."""
        values = point.named
        overrides = tuple((path, value) for path, value in point.values if path not in CHOICES)
        spec = self._sweep.spec
        networks = [values["workload"]] if "workload" in values else list(spec.workloads)
        run = Run(
            stage.fidelity,
            Objective(values.get("objective", spec.objective)),
            int(values.get("batch", spec.batch)),
            spec.seed,
        )
        choices = choices_of(values)
        try:
            architecture, technology = read_machine(self._base, overrides)
        except AcceleratorSimError as error:
            yield from self._unfit(point, stage, networks, run, _reason(error))
            return
        if not self._allowed(architecture, technology):
            return
        machine = digest(machine_text(architecture, technology, run))
        for name in networks:
            try:
                texts, inferences = self._layers(name, choices, run.batch)
            except AcceleratorSimError as error:
                yield from self._unfit(point, stage, [name], run, _reason(error))
                continue
            layers = {digest(machine, text): found for text, found in texts.items()}
            key = digest(machine, name, str(run.batch), *(f"{k} {count}" for k, (_, count) in layers.items()))
            entry = self._entry(key, point, name, stage, run, architecture)
            yield Planned(point, entry, (architecture, technology), run, layers, inferences=inferences)

    def _unfit(self, point: Point, stage: Stage, networks: Sequence[str], run: Run, error: str) -> Iterator[Planned]:
        """The results of a point whose architecture is refused: failed, with the reason."""
        for name in networks:
            key = digest(program(), self._base_text, repr(point.values), name, repr(run))
            entry = self._entry(key, point, name, stage, run, None)
            yield Planned(point, entry, None, run, {}, error)

    def _entry(
        self, key: str, point: Point, name: str, stage: Stage, run: Run, architecture: Architecture | None
    ) -> Entry:
        values = point.named
        task = {
            "architecture": self._sweep.spec.architecture,
            "file": str(self._base.resolve()),
            "base": digest(self._base_text),
            "overrides": [list(pair) for pair in point.values if pair[0] not in CHOICES],
            "workload": network_file(self._sweep, name),
            **{name: values.get(name) for name in ("width", "resolution", "densities", "prune")},
            "fidelity": run.fidelity,
            "objective": run.objective,
            "batch": run.batch,
            "seed": run.seed,
        }
        shown = architecture.name if architecture is not None else self._sweep.spec.architecture
        return Entry(key, name, shown, stage.fidelity, run.objective, run.batch, run.seed, values, task)

    def _allowed(self, architecture: Architecture, technology: Technology) -> bool:
        if not self._sweep.constraints:
            return True
        values = {name: float(value) for name, value in sizes(architecture, technology).items() if value is not None}
        values |= {
            "area": 1e3 * values["area_kgates"],
            "clock": architecture.clock,
            "dram.bandwidth": architecture.dram.bandwidth,
        }
        try:
            return all(constraint.holds(values) for constraint in self._sweep.constraints)
        except ValueError as error:
            raise InvalidFile([Problem("constraints", None, None, "", str(error))]) from None

    def _layers(self, name: str, choices: Choices, batch: int) -> tuple[dict[str, tuple[Layer, int]], int]:
        """The layers of a network for a batch, by their text, how often it has each, and of how many inferences."""
        found = network_file(self._sweep, name)
        key = (found, choices.width, choices.resolution, choices.densities, choices.prune, batch)
        if key not in self._networks:
            out: dict[str, tuple[Layer, int]] = {}
            whole = load_network(found, choices).with_batch(batch)
            for layer in whole.layers:
                text = layer_text(layer)
                first, count = out.get(text, (layer, 0))
                out[text] = (first, count + 1)
            self._networks[key] = out, whole.batch
        return self._networks[key]
