"""The search for the best mapping of a layer over the whole legal space (docs/model.md lists what is proven)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.errors import AcceleratorSimError
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.enumeration import Best, Space, search
from accelerator_sim.kernels.layout import Packed
from accelerator_sim.kernels.leaders import CONFIG, ENTRY, KEYS, SPACE, TIMES, Leaders
from accelerator_sim.kernels.survey import Bounds, survey
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.loops import loops_of
from accelerator_sim.mapping.mapping import Mapping, Stationary
from accelerator_sim.mapping.pack import pack
from accelerator_sim.mapping.problem import SIGMAS, MappingProblem, encodings_of, problem_of
from accelerator_sim.mapping.space import configurations, factors_of
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.technology.actions import ActionEnergies
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.workload.layer import Layer

_CODES = {Objective.ENERGY: at.ENERGY, Objective.LATENCY: at.CYCLES, Objective.EDP: at.EDP, Objective.DRAM: at.DRAM}
_STATIONARY = (Stationary.NONE, Stationary.IACT, Stationary.WEIGHT, Stationary.PE_WEIGHT)


FULLEST = 64
"""Configurations that are searched before all are bounded, for a first limit: those that use most PEs."""

MARGIN = 1.25
"""Several mappings of a layer are compared if their estimates are at most this many times the best one."""


LONGEST = 1 << 36
"""A dimension whose tiles are searched: it has 2^19 different numbers of tiles, whose tables take 100 MB."""


class Unmappable(AcceleratorSimError):
    """No mapping of a layer fits the architecture."""

    exit_code = 5


@dataclass(frozen=True)
class Found:
    """The best mapping of a layer.

    `optimal_over` is the number of mappings within the SPad limits that it was chosen from; `costed` those whose cost
    had to be computed in full, the rest being ruled out by bounds.  `cycles` and `energy` (in
    `unit`) are the search's own figures for it.
    """

    problem: MappingProblem
    mapping: Mapping
    objective: Objective
    optimal_over: int
    costed: int
    cycles: int
    energy: float
    unit: EnergyUnit

    @property
    def energy_j(self) -> float:
        """Joules of chip and DRAM.  Raises EnergyUnitError where energies are not joules."""
        return self.unit.joules(self.energy)


@dataclass(frozen=True)
class SearchOptions:
    """What of a search can be chosen beside its objective.

    constraints: restrict the space; count: mappings wanted, of different tilings (`kernels.leaders`); sigmas: how
    unevenly non-zero weights lie, and work: what zeros are worth, see `MappingProblem`; exhaustive: cost every legal
    mapping instead of pruning by bounds (for checks and benchmarks).
    """

    constraints: Constraints = field(default_factory=Constraints)
    count: int = 1
    sigmas: float = SIGMAS
    exhaustive: bool = False
    work: float | None = None


def find_mapping(
    layer: Layer,
    architecture: Architecture,
    actions: ActionEnergies,
    objective: Objective = Objective.LATENCY,
    constraints: Constraints | None = None,
    exhaustive: bool = False,
) -> Found:
    """Find the mapping of a layer with the least objective over the whole legal space.

    constraints: restrict the space (see `Constraints`); exhaustive: cost every legal mapping instead of pruning by
    bounds (for checks and benchmarks).  The result does not depend on anything but the arguments.

    Raises Unmappable, with the limit that is broken and by how much, where nothing fits.
    """
    options = SearchOptions(constraints or Constraints(), exhaustive=exhaustive)
    return find_mappings(layer, architecture, actions, objective, options)[0]


def find_mappings(
    layer: Layer,
    architecture: Architecture,
    actions: ActionEnergies,
    objective: Objective = Objective.LATENCY,
    options: SearchOptions = SearchOptions(),
) -> list[Found]:
    """Find the best mappings of a layer, at most `options.count`, the best one first.

    Raises the same as `find_mapping`.
    """
    check_lengths(layer, architecture)
    spaces, limit = _spaces(layer, architecture, actions, objective, options)
    total = sum(int(space.bounds.counts.sum()) for space in spaces)
    leaders, values, costed = leaders_of(options.count), np.full(KEYS, np.inf), 0
    for number, space in enumerate(spaces):
        leaders.entry[SPACE] = number
        costed += search_space(space, objective, options.exhaustive, values, leaders)[1]
    mappings: list[Found] = []
    for entry, (_, _, cycles, energy) in kept_leaders(leaders):
        space = spaces[entry[SPACE]]
        mapping = mapping_of(space.problem, space.rows[entry[CONFIG]], entry[TIMES:])
        cost = int(cycles), float(energy), actions.unit
        mappings.append(Found(space.problem, mapping, objective, total, costed, *cost))
    if not mappings:
        reason = limit or smallest_break(layer, architecture)
        raise Unmappable(f"layer {layer.name} cannot be mapped on {architecture.name}: {reason}")
    return mappings


def kept_leaders(leaders: Leaders) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """The best mappings that were found, best first, as far as they are within `MARGIN`: entry and key of each."""
    for entry, key in zip(leaders.entries, leaders.keys, strict=True):
        if entry[CONFIG] < 0 or key[0] > MARGIN * leaders.keys[0, 0]:
            break
        yield entry, key


def margin_of(count: int) -> float:
    """How many times the least cost a mapping may cost at most where so many are looked for."""
    return 1.0 if count == 1 else MARGIN


def leaders_of(count: int) -> Leaders:
    """Room for so many of the best mappings; 0: only the very best one is wanted."""
    entries = np.full((count, ENTRY), -1, dtype=np.int64)
    return Leaders(np.full((count, KEYS), np.inf), entries, np.zeros(ENTRY, dtype=np.int64))


def check_lengths(layer: Layer, architecture: Architecture) -> None:
    """Raise Unmappable for a layer with a dimension that is too long for its tiles to be searched."""
    dimension, size = max(loops_of(layer).sizes.items(), key=lambda item: item[1])
    if size > LONGEST:
        raise Unmappable(
            f"layer {layer.name} cannot be mapped on {architecture.name}: its dimension {dimension} is {size:,}, of"
            f" which tiles are searched up to {LONGEST:,}"
        )


@dataclass(frozen=True, eq=False)
class BoundedSpace:
    """The mappings with one way to store the operands and one S0: configurations with their bounds and sizes."""

    problem: MappingProblem
    packed: Packed
    rows: NDArray[np.int64]
    bounds: Bounds


@dataclass(frozen=True, eq=False)
class Choice:
    """What a search chooses: the number of a spatial configuration, and its temporal choice, int64 [at.TIMES]."""

    row: int
    times: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PackedSpace:
    """What a search of the mappings with one way to store the operands and one S0 starts from.

    rows: all spatial configurations, int64 [configurations, at.PLACES].
    """

    problem: MappingProblem
    packed: Packed
    rows: NDArray[np.int64]

    def fullest(self) -> NDArray[np.int64]:
        """The configurations that use most PEs, at most `FULLEST`."""
        order = np.argsort(-self.rows.prod(axis=1), kind="stable")
        return np.ascontiguousarray(self.rows[order[:FULLEST]])


def packed_spaces(
    layer: Layer, architecture: Architecture, actions: ActionEnergies, options: SearchOptions
) -> tuple[list[PackedSpace], str | None]:
    """Return what is to be searched, for each way to store operands and each S0; and a limit that rules out a way."""
    spaces: list[PackedSpace] = []
    limit: str | None = None
    for iacts, weights in encodings_of(layer, architecture):
        problem = problem_of(layer, architecture, iacts, weights, options.sigmas, options.work)
        lengths = options.constraints.tap_lengths(problem)
        if not lengths:
            limit = limit or problem.spad_limit(1, 1, min(options.constraints.filter_columns_per_pe or (1,)))
        for taps in lengths:
            packed = pack(problem, actions, taps)
            options.constraints.restrict(packed.n, packed.fits)
            rows = options.constraints.kept(configurations(problem), problem)
            spaces.append(PackedSpace(problem, packed, rows))
    return spaces, limit


def _spaces(
    layer: Layer,
    architecture: Architecture,
    actions: ActionEnergies,
    objective: Objective,
    options: SearchOptions,
) -> tuple[list[BoundedSpace], str | None]:
    """Bound all spatial configurations, for each way to store the operands; and a limit that rules out such a way.

    Configurations that cannot come within a margin of a mapping that is known by then are left out.
    """
    margin = margin_of(options.count)
    sources, limit = packed_spaces(layer, architecture, actions, options)
    spaces: list[BoundedSpace] = []
    values = np.full(4, np.inf)
    for source in sources:
        if objective is Objective.LATENCY:  # the only one whose bounds use a limit
            if spaces:
                search_space(spaces[-1], objective, False, values)
            if np.isinf(values[0]):
                search_space(surveyed(source, source.fullest(), objective, np.inf), objective, False, values)
        spaces.append(surveyed(source, source.rows, objective, float(values[0]) * margin))
    return spaces, limit


def surveyed(source: PackedSpace, rows: NDArray[np.int64], objective: Objective, limit: float) -> BoundedSpace:
    """Bound spatial configurations from below; those that cannot come within a limit are bounded by infinity.

    rows: the configurations, int64 [configurations, at.PLACES]; limit: key of the best mapping known (infinity for
    none), which only Objective.LATENCY uses.
    """
    size = len(rows)
    bounds = Bounds(np.zeros(size), np.zeros(size), np.zeros(size, dtype=np.int64), np.zeros(size))
    survey(source.packed, rows, _CODES[objective], limit, bounds)
    return BoundedSpace(source.problem, source.packed, rows, bounds)


def search_space(
    space: BoundedSpace,
    objective: Objective,
    exhaustive: bool,
    values: NDArray[np.float64],
    leaders: Leaders | None = None,
) -> tuple[Choice | None, int]:
    """Search one way to store the operands for something better than `values`, which are updated.

    values: of the best mapping so far, float64 [4]: the two parts of its key, its cycles and its energy (infinity for
    none); leaders: several mappings, to which those of this space are added; `values` are then what the next one has
    to beat.  Returns the choice (None: nothing better), and the number of mappings costed in full.
    """
    rows, bounds = space.rows, space.bounds
    order = np.lexsort((bounds.second, bounds.first)).astype(np.int64)
    choice, trial = np.full(1 + at.TIMES, -1, dtype=np.int64), np.zeros(1 + at.TIMES, dtype=np.int64)
    best = Best(_CODES[objective], exhaustive, values, choice, trial, leaders or leaders_of(0))
    costed = search(space.packed, Space(rows, order, bounds.first, bounds.second), best)
    return (None if choice[0] < 0 else Choice(int(choice[0]), choice[1:])), costed


def smallest_break(layer: Layer, architecture: Architecture) -> str:
    """What stops the least demanding mapping of a layer: one of everything, nothing kept."""
    breaks = broken_limits(Tiling(problem_of(layer, architecture), Mapping(S0=1)))
    return "; ".join(breaks) or "no mapping meets the constraints that were given"


def mapping_of(problem: MappingProblem, row: NDArray[np.int64], times: NDArray[np.int64]) -> Mapping:
    """Return the mapping of a spatial configuration, int64 [at.PLACES], and a temporal choice, int64 [at.TIMES]."""
    mapping = Mapping(
        **factors_of(row),
        M0=int(times[at.M0]),
        C0=int(times[at.C0]),
        S0=int(times[at.S0]),
        N0=int(times[at.N0]),
        P0=int(times[at.P0]),
        Q0=int(times[at.Q0]),
        M2=int(times[at.M2]),
        stationary=_STATIONARY[times[at.STATIONARY]],
        iact_encoding=problem.iact_encoding,
        weight_encoding=problem.weight_encoding,
    )
    return mapping.clipped(problem.loops)
