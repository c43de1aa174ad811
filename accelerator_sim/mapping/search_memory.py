"""Searches that remember: of machines that differ in nothing but their off-chip bandwidth, most work is done once.

A mapping takes no less time on a slower channel, and spends no less energy; all else about it stays.  So do its bounds.
From this follows, for the objective `latency`:

- A configuration whose bound without any limit of the channel is above a limit is above it on every channel.  Those
  below are few (tens of some thousands): only they are bounded and searched for each bandwidth (`_Shortlist`).
- The least cycles of a set of mappings that are the same on a slower and on a faster channel are the same between them.
- So is the optimum; and where the bounds that decide in which order configurations are searched are also those of the
  faster channel, the first of several equal mappings is the same.

The mapping is the one that `find_mappings` finds, the first of equal ones included; tests compare the two.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.recent import Recent
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.goal import SLACK
from accelerator_sim.kernels.survey import Bounds
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.mapping.search import (
    BoundedSpace,
    Choice,
    Found,
    PackedSpace,
    SearchOptions,
    check_lengths,
    find_mappings,
    mapping_of,
    packed_spaces,
    search_space,
    surveyed,
)
from accelerator_sim.mapping.space import configurations
from accelerator_sim.technology.actions import ActionEnergies
from accelerator_sim.workload.layer import Layer

MOST_BYTES = 32 << 20
"""Memory of the searches that are kept: those of some two thousand layers on small machines."""
ENTRY_BYTES = 16 << 10
"""What a layer takes besides its configurations, about."""


@dataclass(frozen=True, eq=False)
class _Shortlist:
    """The configurations of one way to store operands that may hold the optimum on some channel.

    limit: cycles up to which none is missing; first: their bounds without any limit of the channel; mappings: temporal
    choices of all configurations.
    """

    limit: float
    rows: NDArray[np.int64]
    first: NDArray[np.float64]
    mappings: int

    def within(self, limit: float) -> NDArray[np.int64]:
        """The configurations that may come within a limit."""
        return np.ascontiguousarray(self.rows[self.first * SLACK <= limit])


@dataclass(frozen=True, eq=False)
class _Visited:
    """Configurations in the order of their numbers, with bounds that are at most the optimum."""

    rows: NDArray[np.int64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Answer:
    """The optimum on one channel.

    limits: the least cycles known before each way to store operands was searched; visited: for each of them, the
    configurations that can be the optimum.
    """

    limits: tuple[float, ...]
    visited: tuple[_Visited, ...]
    space: int
    """Number of the way to store operands."""
    row: NDArray[np.int64]
    times: NDArray[np.int64]
    mapping: Mapping
    costed: int
    cycles: int
    energy: float

    def is_same(self, other: _Answer) -> bool:
        """Whether another channel has the same optimum, found in the same way."""
        figures = [(each.limits, each.space, each.cycles, each.energy) for each in (self, other)]
        same_choice = np.array_equal(self.row, other.row) and np.array_equal(self.times, other.times)
        return figures[0] == figures[1] and same_choice


@dataclass(eq=False)
class _Array:
    """What machines with one array have in common.

    fullest: the configurations that give a limit; least: cycles that they took on the last machine.
    """

    fullest: NDArray[np.int64]
    least: float = math.inf


_NO_ROWS: NDArray[np.int64] = np.zeros((0, at.PLACES), dtype=np.int64)
_UNKNOWN = _Shortlist(-math.inf, _NO_ROWS, np.zeros(0), 0)


@dataclass(eq=False)
class _LayerSearch:
    """What is known of a layer on machines that differ in their off-chip bandwidth."""

    sources: list[PackedSpace]
    """With the packed problem of any of the machines, and no configurations."""
    array: _Array
    constraints: Constraints
    shortlists: list[_Shortlist]
    limits: dict[float, float] = field(default_factory=dict)
    """Least cycles of the fullest configurations, by cycles per byte."""
    answers: dict[float, _Answer] = field(default_factory=dict)
    """By cycles per byte."""

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        arrays = [shortlist.rows for shortlist in self.shortlists]
        arrays += [visited.rows for answer in self.answers.values() for visited in answer.visited]
        return ENTRY_BYTES + sum(array.nbytes for array in arrays)


class SearchMemory:
    """Searches of layers on some machines, kept for machines that differ in their off-chip bandwidth.

    May be used by several threads.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        """most: bytes that are kept."""
        self._layers: Recent[_LayerSearch] = Recent(most)
        self._arrays: Recent[_Array] = Recent(most // 8)

    def find(
        self,
        layer: Layer,
        architecture: Architecture,
        actions: ActionEnergies,
        objective: Objective,
        options: SearchOptions,
        family: Hashable,
    ) -> list[Found]:
        """Find the best mappings of a layer, as `find_mappings` does.

        family: what stands for the machine, its technology included, whatever its off-chip bandwidth.

        Raises the same as `find_mappings`.
        """
        if objective is not Objective.LATENCY or options.count > 1 or options.exhaustive:
            return find_mappings(layer, architecture, actions, objective, options)
        check_lengths(layer, architecture)
        key = family, layer.unnamed, options
        known = self._layers.get(key)
        if known is None:
            known = self._begun(layer, architecture, actions, options)
        channel = 1.0 / (architecture.dram.bandwidth / architecture.clock)  # cycles per byte, as `pack` has them
        answer = _answer_at(known, channel)
        if answer is None:  # none of the fullest configurations fits, or nothing does
            return find_mappings(layer, architecture, actions, objective, options)
        self._layers.put(key, known, known.size)
        known.array.least = answer.limits[0]
        problem = replace(known.sources[answer.space].problem, layer=layer, architecture=architecture)
        total = sum(shortlist.mappings for shortlist in known.shortlists)
        cost = answer.cycles, answer.energy, actions.unit
        return [Found(problem, answer.mapping, objective, total, answer.costed, *cost)]

    def _begun(
        self, layer: Layer, architecture: Architecture, actions: ActionEnergies, options: SearchOptions
    ) -> _LayerSearch:
        """Begin to search a layer on a machine and those that differ in their bandwidth."""
        sources, _ = packed_spaces(layer, architecture, actions, options)
        if not sources:
            return _LayerSearch([], _Array(_NO_ROWS), options.constraints, [])
        chain = sources[0].problem.psums_chain
        key = layer.unnamed, options, architecture.cluster_array, architecture.pe_cluster, architecture.flat, chain
        array = self._arrays.get(key)
        if array is None:
            array = _Array(sources[0].fullest())
            self._arrays.put(key, array, ENTRY_BYTES)
        bare = [replace(source, rows=_NO_ROWS) for source in sources]
        return _LayerSearch(bare, array, options.constraints, [_UNKNOWN] * len(sources))


def _on_channel(source: PackedSpace, channel: float) -> PackedSpace:
    """The same problem with another bandwidth, in cycles per byte."""
    numbers = source.packed.f.copy()
    numbers[at.BYTE_CYCLES] = channel
    return replace(source, packed=source.packed._replace(f=numbers))


def _answer_at(known: _LayerSearch, channel: float) -> _Answer | None:
    """The optimum on a channel, in cycles per byte; None where none of the fullest configurations fits."""
    answer = known.answers.get(channel)
    if answer is None:
        answer = _answer_between(known, channel) or _answer_searched(known, channel)
        if answer is not None:
            known.answers[channel] = answer
    return answer


def _answer_between(known: _LayerSearch, channel: float) -> _Answer | None:
    """The optimum that a slower and a faster channel share, if it is also the first one of equal ones here."""
    answers = list(known.answers.items())
    faster = max((cycles for cycles, _ in answers if cycles < channel), default=None)
    slower = min((cycles for cycles, _ in answers if cycles > channel), default=None)
    if faster is None or slower is None:
        return None
    fast, slow = known.answers[faster], known.answers[slower]
    if not fast.is_same(slow):
        return None
    for source, limit, visited in zip(known.sources, fast.limits, fast.visited, strict=True):
        bounds = surveyed(_on_channel(source, channel), visited.rows, Objective.LATENCY, limit).bounds
        if not (np.array_equal(bounds.first, visited.first) and np.array_equal(bounds.second, visited.second)):
            return None
    return fast


def _answer_searched(known: _LayerSearch, channel: float) -> _Answer | None:
    """The optimum on a channel by a search of the configurations that may hold it; None as `_answer_at`."""
    least = _least_of_fullest(known, channel)
    if math.isinf(least):
        return None
    values = np.full(4, np.inf)
    limits: list[float] = []
    spaces: list[BoundedSpace] = []
    costed, winner = 0, 0
    chosen: Choice | None = None
    for number in range(len(known.sources)):
        limits.append(float(values[0]) if number else least)
        spaces.append(_bounded(known, number, limits[-1], channel))
        choice, full = search_space(spaces[-1], Objective.LATENCY, False, values)
        costed += full
        if choice is not None:
            chosen, winner = choice, number
    assert chosen is not None
    row = spaces[winner].rows[chosen.row]
    return _Answer(
        tuple(limits),
        tuple(_visited(space, float(values[0])) for space in spaces),
        winner,
        row,
        chosen.times,
        _mapping_like(known, winner, row, chosen.times),
        costed,
        int(values[2]),
        float(values[3]),
    )


def _mapping_like(known: _LayerSearch, space: int, row: NDArray[np.int64], times: NDArray[np.int64]) -> Mapping:
    """The mapping of a choice, the same object as on another channel."""
    for answer in list(known.answers.values()):
        if answer.space == space and np.array_equal(answer.row, row) and np.array_equal(answer.times, times):
            return answer.mapping
    return mapping_of(known.sources[space].problem, row, times)


def _visited(space: BoundedSpace, cycles: float) -> _Visited:
    """The configurations that may take so many cycles at most."""
    kept = space.bounds.first * SLACK <= cycles
    return _Visited(np.ascontiguousarray(space.rows[kept]), space.bounds.first[kept], space.bounds.second[kept])


def _least_of_fullest(known: _LayerSearch, channel: float) -> float:
    """The least cycles of the fullest configurations on a channel; infinity where none fits."""
    if not known.sources:
        return math.inf
    limits = list(known.limits.items())
    most = min((least for cycles, least in limits if cycles >= channel), default=math.inf)
    if any(least == most for cycles, least in limits if cycles <= channel):
        return most
    values = np.full(4, most)
    values[1] = np.inf if math.isinf(most) else -1.0  # with cycles that are known, nothing as slow is looked for
    source = _on_channel(known.sources[0], channel)
    for limit in (min(most, known.array.least), most):  # what is found within a limit is the least
        search_space(surveyed(source, known.array.fullest, Objective.LATENCY, limit), Objective.LATENCY, False, values)
        if values[0] <= limit:
            break
    known.limits[channel] = float(values[0])
    return known.limits[channel]


def _bounded(known: _LayerSearch, number: int, limit: float, channel: float) -> BoundedSpace:
    """Bound the configurations of one way to store operands that may come within a limit on a channel."""
    shortlist, source = known.shortlists[number], _on_channel(known.sources[number], channel)
    if limit <= shortlist.limit:
        return surveyed(source, shortlist.within(limit), Objective.LATENCY, limit)
    rows = known.constraints.kept(configurations(source.problem), source.problem)
    space = surveyed(source, rows, Objective.LATENCY, limit)
    kept = space.bounds.free * SLACK <= limit
    few = np.ascontiguousarray(rows[kept])
    mappings = int(space.bounds.counts.sum())
    known.shortlists[number] = _Shortlist(limit, few, space.bounds.free[kept], mappings)
    return replace(space, rows=few, bounds=Bounds(*(values[kept] for values in space.bounds)))
