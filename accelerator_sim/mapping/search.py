"""The search for the best mapping of a layer over the whole legal space (docs/model.md says what is proven)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.architecture.model import Architecture
from accelerator_sim.files.errors import AcceleratorSimError
from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.search import search
from accelerator_sim.kernels.survey import survey
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.mapping import Mapping, Stationary
from accelerator_sim.mapping.pack import Packed, pack
from accelerator_sim.mapping.problem import Problem, encodings_of, problem_of
from accelerator_sim.mapping.space import configurations, factors_of
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.technology.actions import ActionEnergies
from accelerator_sim.workload.layer import Layer


class Objective(StrEnum):
    """What the search minimises.  Ties go to lower latency (for latency: to lower energy)."""

    ENERGY = "energy"
    LATENCY = "latency"
    EDP = "edp"
    DRAM = "dram"


_CODES = {Objective.ENERGY: at.ENERGY, Objective.LATENCY: at.CYCLES, Objective.EDP: at.EDP, Objective.DRAM: at.DRAM}
_STATIONARY = (Stationary.NONE, Stationary.IACT, Stationary.WEIGHT, Stationary.PE_WEIGHT)


class Unmappable(AcceleratorSimError):
    """No mapping of a layer fits the architecture."""

    exit_code = 5


@dataclass(frozen=True)
class Found:
    """The best mapping of a layer.

    `optimal_over` is the number of mappings within the SPad limits that it was chosen from; `costed` those whose cost
    had to be computed in full, the rest being ruled out by bounds.  `cycles` and `energy_j` are the search's own
    figures for it.
    """

    problem: Problem
    mapping: Mapping
    objective: Objective
    optimal_over: int
    costed: int
    cycles: int
    energy_j: float


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
    rules = constraints or Constraints()
    values = np.full(4, np.inf)
    winner: tuple[Problem, Mapping] | None = None
    total = costed = 0
    limit: str | None = None
    for iacts, weights in encodings_of(layer, architecture):
        problem = problem_of(layer, architecture, iacts, weights)
        broken = problem.spad_limit(1, 1)
        if broken is not None:
            limit = limit or broken
            continue
        packed = pack(problem, actions)
        rules.restrict(packed.n, packed.fits)
        rows = rules.kept(configurations(problem), problem)
        mapping, space, full = _search(problem, packed, rows, objective, exhaustive, values)
        total += space
        costed += full
        if mapping is not None:
            winner = problem, mapping
    if winner is None:
        reason = limit or smallest_break(layer, architecture)
        raise Unmappable(f"layer {layer.name} cannot be mapped on {architecture.name}: {reason}")
    return Found(*winner, objective, total, costed, int(values[2]), float(values[3]))


def _search(
    problem: Problem,
    packed: Packed,
    rows: NDArray[np.int64],
    objective: Objective,
    exhaustive: bool,
    values: NDArray[np.float64],
) -> tuple[Mapping | None, int, int]:
    """Search one way to store the operands for something better than `values`, which are updated.

    Returns the mapping (None: nothing better), the size of the space, and the number of mappings costed in full.
    """
    code = _CODES[objective]
    first, second = np.zeros(len(rows)), np.zeros(len(rows))
    counts = np.zeros(len(rows), dtype=np.int64)
    arrays = _arrays(packed)
    survey(*arrays, rows, code, float(values[0]), first, second, counts)
    order = np.ascontiguousarray(np.lexsort((second, first)).astype(np.int64))
    best = np.full(1 + at.TIMES, -1, dtype=np.int64)
    if np.isfinite(values[0]):
        best[0] = len(rows)  # an incumbent from elsewhere
    costed = search(*arrays, rows, order, first, second, code, exhaustive, best, values)
    space = int(counts.sum())
    if best[0] in (-1, len(rows)):
        return None, space, costed
    return _mapping(problem, rows[best[0]], best[1:]), space, costed


def smallest_break(layer: Layer, architecture: Architecture) -> str:
    """What stops the least demanding mapping of a layer: one of everything, nothing kept."""
    found = broken_limits(Tiling(problem_of(layer, architecture), Mapping()))
    return "; ".join(found) or "no mapping meets the constraints that were given"


def _arrays(packed: Packed) -> tuple[object, ...]:
    return (
        packed.n, packed.f, packed.slots, packed.pairs_i, packed.pairs_w, packed.dram_i, packed.dram_w, packed.fits,
        packed.least_iact,
    )  # fmt: skip


def _mapping(problem: Problem, row: NDArray[np.int64], times: NDArray[np.int64]) -> Mapping:
    mapping = Mapping(
        **factors_of(row),
        M0=int(times[at.M0]),
        C0=int(times[at.C0]),
        N0=int(times[at.N0]),
        P0=int(times[at.P0]),
        Q0=int(times[at.Q0]),
        M2=int(times[at.M2]),
        stationary=_STATIONARY[times[at.STATIONARY]],
        iact_encoding=problem.iact_encoding,
        weight_encoding=problem.weight_encoding,
    )
    return mapping.clipped(problem.loops)
