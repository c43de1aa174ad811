"""Searches that remember: of machines that differ in nothing but their off-chip bandwidth, most work is done once.

A mapping takes no less time on a slower channel, and spends no less energy; all else about it stays.  So do its bounds.
From this follows, for the objective `latency`:

- A configuration whose bound without any limit of the channel is above a limit is above it on every channel.  Those
  below are few (tens of some thousands): only they are bounded and searched for each bandwidth (`_Shortlist`).
- The least cycles of a set of mappings that are the same on a slower and on a faster channel are the same between them.
- So are the best mappings, however many are kept: one that comes behind them on the faster channel gains nothing on a
  slower one.  Where the bounds that decide in which order configurations are searched are also those of the faster
  channel, the first of several equal mappings is the same.

The mappings are those that `find_mappings` finds, the first of equal ones included; tests compare the two.
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
from accelerator_sim.kernels.leaders import CONFIG, KEYS, SPACE, TIMES
from accelerator_sim.kernels.survey import Bounds
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.mapping.problem import MappingProblem
from accelerator_sim.mapping.search import (
    BoundedSpace,
    Found,
    PackedSpace,
    SearchOptions,
    check_lengths,
    find_mappings,
    kept_leaders,
    leaders_of,
    mapping_of,
    margin_of,
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
MAPPING_BYTES = 2 << 10
"""What a mapping takes, about."""


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
class _Choice:
    """One of the best mappings on a channel: the number of its way to store operands, its configuration and tiles."""

    space: int
    mapping: Mapping
    cycles: int
    energy: float

    def is_same(self, other: _Choice) -> bool:
        """Whether it is the same mapping (of one object), which costs the same."""
        same = self.space == other.space and self.mapping is other.mapping
        return same and (self.cycles, self.energy) == (other.cycles, other.energy)


@dataclass(frozen=True, eq=False)
class _Answer:
    """The best mappings on one channel.

    leasts: the least cycles known before each way to store operands was searched; visited: for each of them, the
    configurations that can be among the best.
    """

    leasts: tuple[float, ...]
    visited: tuple[_Visited, ...]
    choices: tuple[_Choice, ...]
    costed: int

    def is_same(self, other: _Answer) -> bool:
        """Whether another channel has the same best mappings, found in the same way."""
        if self.leasts != other.leasts or len(self.choices) != len(other.choices):
            return False
        return all(one.is_same(two) for one, two in zip(self.choices, other.choices, strict=True))


@dataclass(eq=False)
class _Array:
    """What machines with one array have in common.

    fullest: the configurations that give a limit; least: cycles that they took on the last machine; mappings: those
    that were found, by their encodings, configuration and tiles.
    """

    fullest: NDArray[np.int64]
    least: float = math.inf
    mappings: dict[Hashable, Mapping] = field(default_factory=dict)

    def mapping(self, problem: MappingProblem, row: NDArray[np.int64], times: NDArray[np.int64]) -> Mapping:
        """The mapping of a configuration and its tiles: one object for all machines."""
        key = problem.iact_encoding, problem.weight_encoding, row.tobytes(), times.tobytes()
        known = self.mappings.get(key)
        if known is None:
            known = self.mappings.setdefault(key, mapping_of(problem, row, times))
        return known

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return ENTRY_BYTES + MAPPING_BYTES * len(self.mappings)


_NO_ROWS: NDArray[np.int64] = np.zeros((0, at.PLACES), dtype=np.int64)
_UNKNOWN = _Shortlist(-math.inf, _NO_ROWS, np.zeros(0), 0)


@dataclass(eq=False)
class _LayerSearch:
    """What is known of a layer on machines that differ in their off-chip bandwidth."""

    sources: list[PackedSpace]
    """With the packed problem of any of the machines, and no configurations."""
    array: _Array
    options: SearchOptions
    shortlists: list[_Shortlist]
    limits: dict[float, float] = field(default_factory=dict)
    """Least cycles of the fullest configurations, by cycles per byte."""
    answers: dict[float, _Answer] = field(default_factory=dict)
    """By cycles per byte."""

    @property
    def margin(self) -> float:
        """See `mapping.search.margin_of`."""
        return margin_of(self.options.count)

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
        if objective is not Objective.LATENCY or options.exhaustive:
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
        known.array.least = answer.leasts[0]
        problems = [replace(source.problem, layer=layer, architecture=architecture) for source in known.sources]
        total = sum(shortlist.mappings for shortlist in known.shortlists)
        return [
            Found(problems[x.space], x.mapping, objective, total, answer.costed, x.cycles, x.energy, actions.unit)
            for x in answer.choices
        ]

    def _begun(
        self, layer: Layer, architecture: Architecture, actions: ActionEnergies, options: SearchOptions
    ) -> _LayerSearch:
        """Begin to search a layer on a machine and those that differ in their bandwidth."""
        sources, _ = packed_spaces(layer, architecture, actions, options)
        if not sources:
            return _LayerSearch([], _Array(_NO_ROWS), options, [])
        chain = sources[0].problem.psums_chain
        key = layer.unnamed, options, architecture.cluster_array, architecture.pe_cluster, architecture.flat, chain
        array = self._arrays.get(key)
        if array is None:
            array = _Array(sources[0].fullest())
        self._arrays.put(key, array, array.size)
        bare = [replace(source, rows=_NO_ROWS) for source in sources]
        return _LayerSearch(bare, array, options, [_UNKNOWN] * len(sources))


def _on_channel(source: PackedSpace, channel: float) -> PackedSpace:
    """The same problem with another bandwidth, in cycles per byte."""
    numbers = source.packed.f.copy()
    numbers[at.BYTE_CYCLES] = channel
    return replace(source, packed=source.packed._replace(f=numbers))


def _answer_at(known: _LayerSearch, channel: float) -> _Answer | None:
    """The best on a channel, in cycles per byte; None where none of the fullest configurations fits."""
    answer = known.answers.get(channel)
    if answer is None:
        answer = _answer_between(known, channel) or _answer_searched(known, channel)
        if answer is not None:
            known.answers[channel] = answer
    return answer


def _answer_between(known: _LayerSearch, channel: float) -> _Answer | None:
    """What a slower and a faster channel share, if of equal mappings the first ones are also the first here."""
    answers = list(known.answers.items())
    faster = max((cycles for cycles, _ in answers if cycles < channel), default=None)
    slower = min((cycles for cycles, _ in answers if cycles > channel), default=None)
    if faster is None or slower is None:
        return None
    fast, slow = known.answers[faster], known.answers[slower]
    if not fast.is_same(slow):
        return None
    for source, least, visited in zip(known.sources, fast.leasts, fast.visited, strict=True):
        there = _on_channel(source, channel)
        bounds = surveyed(there, visited.rows, Objective.LATENCY, least * known.margin).bounds
        if not (np.array_equal(bounds.first, visited.first) and np.array_equal(bounds.second, visited.second)):
            return None
    return fast


def _answer_searched(known: _LayerSearch, channel: float) -> _Answer | None:
    """The optimum on a channel by a search of the configurations that may hold it; None as `_answer_at`."""
    least = _least_of_fullest(known, channel)
    if math.isinf(least):
        return None
    values, leaders = np.full(KEYS, np.inf), leaders_of(known.options.count)
    leasts: list[float] = []
    spaces: list[BoundedSpace] = []
    costed = 0
    for number in range(len(known.sources)):
        leasts.append(float(leaders.keys[0, 0]) if number else least)
        spaces.append(_bounded(known, number, leasts[-1] * known.margin, channel))
        leaders.entry[SPACE] = number
        costed += search_space(spaces[-1], Objective.LATENCY, False, values, leaders)[1]
    choices = tuple(
        _Choice(int(entry[SPACE]), _mapping(known, spaces, entry), int(key[2]), float(key[3]))
        for entry, key in kept_leaders(leaders)
    )
    last = min(float(leaders.keys[-1, 0]), float(leaders.keys[0, 0]) * known.margin)
    return _Answer(tuple(leasts), tuple(_visited(space, last) for space in spaces), choices, costed)


def _mapping(known: _LayerSearch, spaces: list[BoundedSpace], entry: NDArray[np.int64]) -> Mapping:
    """The mapping of an entry of the leaders."""
    space = spaces[entry[SPACE]]
    return known.array.mapping(space.problem, space.rows[entry[CONFIG]], entry[TIMES:])


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
    rows = known.options.constraints.kept(configurations(source.problem), source.problem)
    space = surveyed(source, rows, Objective.LATENCY, limit)
    kept = space.bounds.free * SLACK <= limit
    few = np.ascontiguousarray(rows[kept])
    mappings = int(space.bounds.counts.sum())
    known.shortlists[number] = _Shortlist(limit, few, space.bounds.free[kept], mappings)
    return replace(space, rows=few, bounds=Bounds(*(values[kept] for values in space.bounds)))
