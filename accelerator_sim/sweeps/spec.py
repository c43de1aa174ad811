"""What a sweep varies: the YAML file of a sweep, checked against the schema of architectures before anything runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from accelerator_sim.files.errors import InvalidFile, Problem, did_you_mean
from accelerator_sim.files.kinds import FileKind, instead_of
from accelerator_sim.files.model import Chosen, FileModel, load_model
from accelerator_sim.files.vocabulary import BATCH, SEED, Fidelity, Objective
from accelerator_sim.files.yaml_tree import Document, load_document
from accelerator_sim.sweeps.axes import axis_values, check_axis_value, check_name
from accelerator_sim.sweeps.expressions import ParsedConstraint, parse_comparison
from accelerator_sim.sweeps.limits import unit_of
from accelerator_sim.sweeps.records import goal_of
from accelerator_sim.sweeps.sobol import MOST_AXES

MOST_POINTS = 1_000_000
GIVEN = "sweep()"
"""What errors name as the file of a sweep that Python describes."""

Wrong = Callable[[tuple[str | int, ...], str], None]
"""Notes what is wrong at a path of the file."""


class SweepMode(StrEnum):
    """Which points are run: all, different ones at random, evenly spread ones, or those that a search asks for."""

    GRID = "grid"
    RANDOM = "random"
    SOBOL = "sobol"
    SEARCH = "search"


class Stage(FileModel):
    """One pass over the points: the first one over all, the next ones over the best of those before."""

    fidelity: Chosen[Fidelity]
    best: int | None = Field(default=None, ge=1, description="points of the stage before that are run; all if left out")
    by: str = Field(default="edp_js", description="result by which they are the best, the least first (- for the most)")


class Spec(FileModel):
    """A sweep, as written in its file."""

    architecture: str = Field(description="base architecture: a built-in name or a file")
    workloads: list[str] = Field(default_factory=list, description="networks: built-in names or files")
    fidelity: Chosen[Fidelity] = Fidelity.EVENT
    objective: Chosen[Objective] = Objective.LATENCY
    mode: Chosen[SweepMode] = SweepMode.GRID
    samples: int | None = Field(default=None, ge=1, le=MOST_POINTS, description="points of random, sobol and search")
    seed: int = Field(default=0, ge=SEED.least, le=SEED.most)
    batch: int = Field(default=1, ge=BATCH.least, le=BATCH.most)
    axes: dict[str, Any] = Field(
        default_factory=dict, description="values by YAML path of the architecture, or of a choice"
    )
    linked: list[list[str]] = Field(default_factory=list, description="axes that go together, value by value")
    constraints: list[str] = Field(default_factory=list, description='as "pes <= 1024", "glb_total <= 512 KiB"')
    stages: list[Stage] = Field(default_factory=list, description="fidelities in turn, instead of `fidelity`")
    objectives: list[str] = Field(
        default_factory=lambda: ["latency_s", "energy_total_j"],
        min_length=1,
        max_length=8,
        description="results that `search` and --pareto minimise",
    )

    @model_validator(mode="after")
    def _whole(self) -> Spec:
        if not self.workloads and "workload" not in self.axes:
            raise ValueError("no network: give workloads, or an axis workload")
        if self.workloads and "workload" in self.axes:
            raise ValueError("workloads and an axis workload are given; give either")
        if self.mode is not SweepMode.GRID and self.samples is None:
            raise ValueError(f"mode {self.mode} needs samples, the number of points")
        if self.mode is SweepMode.GRID and self.samples is not None:
            raise ValueError("mode grid has all combinations; leave samples out")
        return self


@dataclass(frozen=True)
class SweepAxis:
    """One axis, or several linked ones: their names, and the values that they take together."""

    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    def named(self, name: str) -> tuple[str, ...]:
        """Return the values of one of its axes, none for one that it has not."""
        return tuple(values[self.names.index(name)] for values in self.values) if name in self.names else ()


@dataclass(frozen=True)
class SweepPlan:
    """A sweep whose axes and constraints are read."""

    spec: Spec
    axes: list[SweepAxis]
    constraints: list[ParsedConstraint]
    file: Path
    """Where it was read; files that it names are looked for beside it first."""
    text: str
    """All contents of the file, whatever its order and comments."""

    @property
    def stages(self) -> list[Stage]:
        """The passes over the points; one if the file names none."""
        return self.spec.stages or [Stage(fidelity=self.spec.fidelity)]

    @property
    def grid_size(self) -> int:
        """Combinations of all values, before constraints."""
        size = 1
        for axis in self.axes:
            size *= len(axis.values)
        return size


def load_sweep(path: Path) -> SweepPlan:
    """Read a sweep.  Raises InvalidFile with everything that is wrong with it."""
    with instead_of(path, FileKind.SWEEP, "a sweep is required"):
        document = load_document(path)
        spec = load_model(Spec, document)
    return _checked(spec, document, path)


def sweep_of(fields: Mapping[str, Any]) -> SweepPlan:
    """Return the sweep of the fields that its file would have.

    Files that it names are looked for in the working folder.  Raises InvalidFile as `load_sweep`.
    """
    document = Document(GIVEN, dict(fields), {})
    return _checked(load_model(Spec, document), document, Path(GIVEN))


def _checked(spec: Spec, document: Document, path: Path) -> SweepPlan:
    problems: list[Problem] = []

    def wrong(where: tuple[str | int, ...], message: str) -> None:
        line, column = document.position(where)
        problems.append(Problem(document.file, line, column, ".".join(map(str, where)), message))

    values = _checked_axes(spec, wrong)
    axes = _linked(spec, values, wrong)
    constraints = []
    for at, text in enumerate(spec.constraints):
        try:
            constraints.append(parse_comparison(text, unit_of))
        except ValueError as error:
            wrong(("constraints", at), str(error))
    goals: list[tuple[tuple[str | int, ...], str]] = [
        (("objectives", at), text) for at, text in enumerate(spec.objectives)
    ]
    goals += [(("stages", at, "by"), stage.by) for at, stage in enumerate(spec.stages)]
    for where, text in goals:
        try:
            goal_of(text)
        except ValueError as error:
            wrong(where, str(error))
    sweep = SweepPlan(spec, axes, constraints, path, json.dumps(spec.model_dump(), sort_keys=True))
    if spec.mode is SweepMode.GRID and sweep.grid_size > MOST_POINTS:
        wrong(("axes",), f"{sweep.grid_size:,} combinations are more than {MOST_POINTS:,}; use mode random or sobol")
    if spec.mode is SweepMode.SOBOL and len(axes) > MOST_AXES:
        known = f"a Sobol sequence of {len(axes)} axes; at most {MOST_AXES} are known, use mode random"
        wrong(("mode",), known)
    if problems:
        raise InvalidFile(sorted(problems, key=lambda problem: problem.order))
    return sweep


def _checked_axes(spec: Spec, wrong: Wrong) -> dict[str, tuple[str, ...]]:
    """Return the values of the axes by name, and note names and values that no point can have."""
    values: dict[str, tuple[str, ...]] = {}
    for name, given in spec.axes.items():
        try:
            check_name(name)
        except ValueError as error:
            wrong(("axes", name), str(error))
            continue
        try:
            values[name] = axis_values(given)
        except ValueError as error:
            wrong(("axes", name), str(error))
            continue
        faults: list[str] = []
        for at, value in enumerate(values[name]):
            try:
                check_axis_value(name, value)
            except ValueError as error:
                faults.append(str(error))
                if isinstance(given, list):  # each value has its place
                    wrong(("axes", name, at), str(error))
        if faults and not isinstance(given, list):
            wrong(("axes", name), faults[0])
    return values


def _linked(spec: Spec, values: Mapping[str, tuple[str, ...]], wrong: Wrong) -> list[SweepAxis]:
    """Join linked axes; the others stand alone, in their order."""
    group: dict[str, tuple[str, ...]] = {}
    for at, linked in enumerate(spec.linked):
        for name in linked:
            if name not in spec.axes:
                wrong(("linked", at), f"no axis {name!r}{did_you_mean(name, spec.axes)}")
            elif name in group:
                wrong(("linked", at), f"axis {name!r} is linked twice")
            group[name] = tuple(linked)
        lengths = {name: len(values[name]) for name in linked if name in values}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{name} has {count}" for name, count in lengths.items())
            wrong(("linked", at), f"linked axes have as many values each; {shown}")
    axes: list[SweepAxis] = []
    done: set[str] = set()
    for name in values:
        if name in done:
            continue
        names = tuple(each for each in group.get(name, (name,)) if each in values)
        done |= set(names)
        axes.append(SweepAxis(names, tuple(zip(*(values[each] for each in names), strict=False))))
    return axes
