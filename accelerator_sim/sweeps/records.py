"""The results of a sweep as a reader asks for them: one record per point, the best, and those that none beats."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from accelerator_sim.files.errors import did_you_mean
from accelerator_sim.files.units import UNLIMITED
from accelerator_sim.results.tabular import Row
from accelerator_sim.sweeps.database import FIGURES, MACS
from accelerator_sim.sweeps.pareto import front
from accelerator_sim.sweeps.store import About, ResultCost, Store
from accelerator_sim.technology.energy_unit import EnergyUnit

MORE = ("inferences_per_s", "inferences_per_j", "gops_per_w", "utilization", "macs_per_cycle")
"""Results of which more is better; of all others less is."""
_SUMS = ("cycles", "latency_s", "macs", "effectual_macs", "dram_bytes")
_ENERGIES = ("energy_j", "energy_dram_j", "energy_total_j")
_UNITS = ("_js", "_j", "_s", "_kgates", "_mm2")
"""What may be left out of a name; the later one counts where two names differ in it alone."""


@dataclass(frozen=True)
class Goal(ResultCost):
    """A result that is to be as small as possible, or as large (`most`)."""

    def cost(self, row: Mapping[str, Any]) -> float | None:
        """Return what is minimised; None where the row has no value."""
        value = row.get(self.field)
        return None if value is None else -float(value) if self.most else float(value)

    def __str__(self) -> str:
        return f"{self.field} ({'most' if self.most else 'least'})"


def goal_of(text: str) -> Goal:
    """Return the goal that a word stands for: a result, with or without its unit, after "-" for the other direction.

    Raises ValueError for other words.
    """
    word = text.strip().removeprefix("-")
    known = (*FIGURES, *MACS)
    names = {name: name for name in known}
    for unit in _UNITS:  # "area" is that of the silicon, memory and all
        names |= {name.removesuffix(unit): name for name in FIGURES if name.endswith(unit) and "_per_" not in name}
    if word not in names:
        raise ValueError(f"unknown result {word!r}{did_you_mean(word, names)}; results: {', '.join(known)}")
    field = names[word]
    return Goal(field, (field in MORE) != text.strip().startswith("-"))


def by_point(rows: Iterable[Row]) -> list[Row]:
    """Join the rows of a sweep's point (its networks, one after the other) into one record.

    Times and energies add up, and what follows from them is computed from the sums.  A point with a network that failed
    has no figures.
    """
    return list(each_point(rows))


def each_point(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the records of `by_point` one by one, so that they need no memory."""
    for _, group in groupby(rows, key=lambda row: (row["stage"], row["point"])):
        members = list(group)
        yield members[0] if len(members) == 1 else _joined(members)


def _joined(group: Sequence[Row]) -> Row:
    out = dict(group[0])
    out["workload"] = " + ".join(row["workload"] for row in group)
    out["key"] = ",".join(row["key"] for row in group)
    errors = [row["error"] for row in group if row["error"] is not None]
    if errors:
        return (
            {name: value for name, value in out.items() if name not in MACS}
            | dict.fromkeys(FIGURES)
            | {"status": "failed", "complete": 0, "error": "; ".join(dict.fromkeys(errors))}
        )
    unit = EnergyUnit.JOULE if out["energy_j"] is not None else EnergyUnit.MAC
    for name in (*_SUMS, *map(unit.named, _ENERGIES)):
        values = [row[name] for row in group]
        out[name] = sum(values) if all(isinstance(value, int) for value in values) else math.fsum(values)
    cycles, latency_s, inferences = out["cycles"], out["latency_s"], len(group) * out["batch"]
    joules = all(row["inferences_per_j"] is not None for row in group)
    out[unit.named("edp_js")] = out[unit.named("energy_total_j")] * latency_s
    out["inferences_per_s"] = inferences / latency_s if latency_s else None
    out["inferences_per_j"] = inferences / out["energy_j"] if joules else None
    out["gops_per_w"] = 2.0 * out["macs"] / out["energy_j"] / 1e9 if joules else None
    out["utilization"] = sum(row["utilization"] * row["cycles"] for row in group) / cycles if cycles else 0.0
    return out


def last_stage(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the last stage that has any: the most exact results of the points that came that far."""
    last = max((row["stage"] for row in rows), default=None)
    return [row for row in rows if row["stage"] == last]


def best(rows: Iterable[Row], goal: Goal, count: int) -> list[Row]:
    """Return the best records by one result; equal ones by point."""
    ranked = ((cost, row["point"], at, row) for at, row in enumerate(rows) if (cost := goal.cost(row)) is not None)
    return [row for *_, row in heapq.nsmallest(count, ranked, key=lambda each: each[:3])]


def front_of(rows: Iterable[Row], goals: Sequence[Goal]) -> list[Row]:
    """Return the records that no other one beats, ordered by the first goal."""
    known = []
    for row in rows:
        costs = [goal.cost(row) for goal in goals]
        if None not in costs:
            known.append((costs, row))
    kept = front([costs for costs, _ in known])  # type: ignore[misc]
    return [known[at][1] for at in sorted(kept, key=lambda at: (known[at][0], known[at][1]["point"]))]


def best_in(store: Store, sweep: str, goal: Goal, count: int) -> list[Row]:
    """Return the best records of a sweep's last stage, without reading the others where points have one network."""
    stage, single = store.last_stage(sweep)
    if single:
        return best(store.rows(sweep, stage, store.least(sweep, stage, goal, count)), goal, count)
    return best(each_point(store.each(sweep, stage)), goal, count)


def front_in(store: Store, sweep: str, goals: Sequence[Goal]) -> list[Row]:
    """Return the records of a sweep's last stage that no other beats, keeping no others in memory."""
    stage, single = store.last_stage(sweep)
    if single:
        few = store.unbeaten(sweep, stage, goals)
        keys = [few[at][0] for at in front([costs for _, costs in few])]
        return front_of(store.rows(sweep, stage, keys), goals)
    known: list[tuple[list[float], int]] = []
    for row in each_point(store.each(sweep, stage)):
        costs = [goal.cost(row) for goal in goals]
        if None not in costs:
            known.append((costs, row["point"]))  # type: ignore[arg-type]
    kept = {known[at][1] for at in front([costs for costs, _ in known])}
    return front_of(each_point(row for row in store.each(sweep, stage) if row["point"] in kept), goals)


def about_all(store: Store, sweeps: Iterable[str]) -> About:
    """Return what sweeps are about: objectives and groups of linked axes, each once; nothing where none is stored."""
    abouts = [store.about(sweep) for sweep in sweeps]
    objectives = dict.fromkeys(word for about in abouts for word in about.objectives)
    return About(tuple(objectives), tuple(dict.fromkeys(group for about in abouts for group in about.linked)))


def flat(row: Row) -> Row:
    """Return a row with a column for each axis, numbers as numbers; what is without a limit is infinite."""
    axes = {name: _plain(value) for name, value in row["axes"].items()}
    fixed = {name: value for name, value in row.items() if name != "axes"}
    head = ("stage", "point", "workload")
    return {name: fixed[name] for name in head} | axes | {k: v for k, v in fixed.items() if k not in head}


def _plain(value: int | float | str) -> int | float | str:
    """A value of an axis; text that is a number, as older stores have it, as number."""
    if not isinstance(value, str):
        return value
    if value == UNLIMITED:
        return math.inf
    for read in (int, float):
        try:
            number = read(value)
        except ValueError:
            continue
        return number if math.isfinite(number) else value
    return value
