"""What a sweep varies: the YAML file of a sweep, and the values of its axes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from accelerator_sim.files.errors import InvalidFile, Problem, did_you_mean
from accelerator_sim.files.model import FileModel, load_model
from accelerator_sim.files.units import split_quantity
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.files.yaml_tree import load_document
from accelerator_sim.sweep.expressions import Comparison, parse_comparison
from accelerator_sim.sweep.results import goal_of

CHOICES = ("workload", "width", "resolution", "prune", "densities", "batch", "objective")
"""Axes that are no paths of the architecture: the network, and how it is run."""
MOST_POINTS = 1_000_000

Scalar = int | float | bool | str


class Stage(FileModel):
    """One pass over the points: the first one over all, the next ones over the best of those before."""

    fidelity: Literal["analytical", "event", "cycle"]
    best: int | None = Field(default=None, ge=1, description="points of the stage before that are run; all if left out")
    by: str = Field(default="edp_js", description="result by which they are the best, the least first (- for the most)")


class Spec(FileModel):
    """A sweep, as its file says it."""

    architecture: str = Field(description="base architecture: a built-in name or a file")
    workloads: list[str] = Field(default_factory=list, description="networks: built-in names or files")
    fidelity: Literal["analytical", "event", "cycle"] = "analytical"
    objective: Literal["energy", "latency", "edp", "dram"] = "latency"
    mode: Literal["grid", "random", "sobol", "search"] = "grid"
    samples: int | None = Field(default=None, ge=1, le=MOST_POINTS, description="points of random, sobol and search")
    seed: int = Field(default=0, ge=0)
    batch: int = Field(default=1, ge=1)
    axes: dict[str, Any] = Field(
        default_factory=dict, description="values by YAML path of the architecture, or of a choice"
    )
    linked: list[list[str]] = Field(default_factory=list, description="axes that go together, value by value")
    constraints: list[str] = Field(default_factory=list, description='as "pes <= 1024", "glb_total <= 512 KiB"')
    stages: list[Stage] = Field(default_factory=list, description="fidelities in turn, instead of `fidelity`")
    objectives: list[str] = Field(
        default_factory=lambda: ["latency_s", "energy_total_j"],
        description="results that `search` and --pareto minimise",
    )

    @model_validator(mode="after")
    def _whole(self) -> Spec:
        if not self.workloads and "workload" not in self.axes:
            raise ValueError("no network: give workloads, or an axis workload")
        if self.workloads and "workload" in self.axes:
            raise ValueError("workloads and an axis workload are given; give either")
        if self.mode != "grid" and self.samples is None:
            raise ValueError(f"mode {self.mode} needs samples, the number of points")
        if self.mode == "grid" and self.samples is not None:
            raise ValueError("mode grid has all combinations; leave samples out")
        return self


@dataclass(frozen=True)
class Axis:
    """One axis, or several linked ones: their names, and the values that they take together."""

    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    def named(self, name: str) -> tuple[str, ...]:
        """Return the values of one of its axes, none for one that it has not."""
        return tuple(values[self.names.index(name)] for values in self.values) if name in self.names else ()


@dataclass(frozen=True)
class Sweep:
    """A sweep whose axes and constraints are read."""

    spec: Spec
    axes: list[Axis]
    constraints: list[Comparison]
    file: Path
    """Where it was read; files that it names are looked for beside it first."""
    text: str
    """All that the file says, whatever its order and comments."""

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


def load_sweep(path: Path) -> Sweep:
    """Read a sweep.  Raises InvalidFile with everything that is wrong with it."""
    document = load_document(path)
    spec = load_model(Spec, document)
    problems: list[Problem] = []

    def wrong(where: tuple[str | int, ...], message: str) -> None:
        line, column = document.position(where)
        problems.append(Problem(document.file, line, column, ".".join(map(str, where)), message))

    values: dict[str, tuple[str, ...]] = {}
    for name, given in spec.axes.items():
        try:
            values[name] = axis_values(given)
            for value in values[name]:
                _check_choice(name, value)
        except ValueError as error:
            wrong(("axes", name), str(error))
    axes = _linked(spec, values, wrong)
    constraints = []
    for at, text in enumerate(spec.constraints):
        try:
            constraints.append(parse_comparison(text))
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
    sweep = Sweep(spec, axes, constraints, path, json.dumps(spec.model_dump(), sort_keys=True))
    if spec.mode == "grid" and sweep.grid_size > MOST_POINTS:
        wrong(("axes",), f"{sweep.grid_size:,} combinations are more than {MOST_POINTS:,}; use mode random or sobol")
    if problems:
        raise InvalidFile(sorted(problems, key=lambda problem: problem.order))
    return sweep


def axis_values(given: Any) -> tuple[str, ...]:
    """Return the values of an axis as YAML text.  Raises ValueError for what is none."""
    if isinstance(given, list):
        if not given:
            raise ValueError("an empty list; at least one value is required")
        return tuple(_text(value) for value in given)
    if not isinstance(given, dict):
        raise ValueError("a list of values, {from, to, steps} or {powers_of_two: [least, most]} is required")
    keys = set(given)
    if keys == {"powers_of_two"}:
        limits = given["powers_of_two"]
        if not (isinstance(limits, list) and len(limits) == 2 and all(type(x) is int and x >= 1 for x in limits)):
            raise ValueError("powers_of_two is [least, most], two whole numbers of at least 1")
        found = tuple(str(1 << k) for k in range(63) if limits[0] <= 1 << k <= limits[1])
        if not found:
            raise ValueError(f"no power of two lies between {limits[0]} and {limits[1]}")
        return found
    if keys == {"from", "to", "steps"}:
        return _range(given["from"], given["to"], given["steps"])
    allowed = ("from", "to", "steps", "powers_of_two")
    unknown = next((str(key) for key in given if key not in allowed), None)
    hint = f"unknown key {unknown!r}{did_you_mean(unknown, allowed)}; " if unknown else ""
    raise ValueError(f"{hint}a range is {{from, to, steps}} or {{powers_of_two: [least, most]}}")


def _check_choice(name: str, value: str) -> None:
    """Raise ValueError for a value that a choice does not have."""
    if name == "objective" and value not in list(Objective):
        raise ValueError(f"unknown objective {value!r}; objectives: {', '.join(Objective)}")
    if name in ("batch", "resolution") and not (value.isascii() and value.isdecimal() and int(value) >= 1):
        raise ValueError(f"{value!r} is no whole number of at least 1")
    if name == "width" and not (_split(value)[0] > 0 and not _split(value)[1]):
        raise ValueError(f"{value!r} is no number above 0")


def _range(start: Any, stop: Any, steps: Any) -> tuple[str, ...]:
    if type(steps) is not int or not 2 <= steps <= 10_000:
        raise ValueError(f"steps is {steps}; a whole number from 2 to 10000 is required")
    (first, unit), (last, other) = _split(start), _split(stop)
    if unit != other:
        raise ValueError(f"from is in {unit or 'no unit'}, to in {other or 'no unit'}; give both in one unit")
    out = []
    for step in range(steps):
        value = first + (last - first) * step / (steps - 1)
        text = str(value.numerator) if value.denominator == 1 else repr(float(value))
        out.append(f"{text} {unit}".strip())
    return tuple(out)


def _split(value: Any) -> tuple[Fraction, str]:
    found = split_quantity(value)
    if found is None:
        raise ValueError(f"{value!r} is not a number, with a unit or without")
    return found


def _text(value: Any) -> str:
    """A value as YAML text, as it may stand after --set."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return "null" if value is None else str(value)


def _linked(
    spec: Spec, values: Mapping[str, tuple[str, ...]], wrong: Callable[[tuple[str | int, ...], str], None]
) -> list[Axis]:
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
    axes: list[Axis] = []
    done: set[str] = set()
    for name in values:
        if name in done:
            continue
        names = tuple(each for each in group.get(name, (name,)) if each in values)
        done |= set(names)
        axes.append(Axis(names, tuple(zip(*(values[each] for each in names), strict=False))))
    return axes
