"""The rules by which the compiler of the Eyeriss chip chose its mappings, as far as the published ones show them.

The authors printed none.  These give all mappings that are known: of AlexNet (JSSC 2017, Table III; CONV3 as
measured) and of VGG-16 (recovered from its Table VI).  Others may give the same.  Two choices are made one after the
other:

1. What rests in the GLB: n images, m filters, e output rows, and the columns of a row.  m is a power of two of at
   least 32, or all filters.  Rows are cut into equal parts only, a PE set is folded only where it holds all rows, and
   several images go together only where their planes are whole.  The psums, with the ifmaps of one channel, fill all
   banks but one at most.  Whole planes are preferred, then the most psums, the longest rows, and the fewest words
   off-chip.
2. What the PE sets do: p filters (a power of two up to 16) and q channels in a PE, r and t sets on different channels
   and filters; p x t divides m.  The fewest cycles are preferred, where a pass takes as long as its MACs, its psums or
   its ifmaps, whichever is longest; then the fewest words between GLB and PEs, then the most sets on filters.

"All banks but one" is 96 KiB; any limit from 95.1 to 96.05 KiB gives the same, so it is the only whole number of banks.
With one bank to spare, ifmaps and psums that are counted in words always fit into whole banks of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.grid import Grid
from accelerator_sim.mapping.eyeriss_v1 import Letters, mapping_of, set_folds
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.loops import Loops
from accelerator_sim.mapping.mapping import Mapping, ceil_div
from accelerator_sim.mapping.problem import MappingProblem
from accelerator_sim.mapping.tiling import Tiling

LEAST_FILTERS = 32
"""Filters in the GLB, where the layer has as many: the smallest m of both networks."""
MOST_FILTERS_PER_PE = 16
"""The largest p of both networks, although 24 psums fit into a PE: a power of two."""
FREE_BANKS = 1
"""Banks of the GLB that are left, counted in words of ifmaps and psums together."""


@dataclass(frozen=True)
class Allocation:
    """What rests in the GLB during a tile: images, filters, output rows, and columns of each row."""

    n: int
    m: int
    e: int
    columns: int

    @property
    def psums(self) -> int:
        """Psums in the GLB."""
        return self.n * self.m * self.e * self.columns

    def whole(self, loops: Loops) -> bool:
        """Whether planes of ofmaps are not cut."""
        return self.e == loops.P and self.columns == loops.Q

    def ifmaps(self, loops: Loops) -> int:
        """Ifmap words of one channel."""
        return self.n * loops.rows.touched(self.e, 1) * loops.columns.touched(self.columns, 1)

    def dram_words(self, loops: Loops) -> int:
        """Words off-chip, uncompressed: filters once per tile of positions, ifmaps once per tile of filters."""
        rows, columns = ceil_div(loops.P, self.e), ceil_div(loops.Q, self.columns)
        filters = loops.weights * ceil_div(loops.N, self.n) * rows * columns
        planes = loops.rows.touched(loops.P, rows) * loops.columns.touched(loops.Q, columns)
        return filters + loops.G * loops.N * loops.C * planes * ceil_div(loops.M, self.m)


def compiles_for(architecture: Architecture) -> bool:
    """Whether the rules are for a machine: one flat array, whose ifmaps and psums share the banks of the GLB."""
    shared = architecture.glb.shared
    return architecture.flat and shared is not None and {"iact", "psum"} <= set(shared.tensors)


def compiled(problem: MappingProblem) -> Mapping | None:
    """Return the mapping that the rules give for a layer.

    problem: a layer on a machine that the rules are for (see `compiles_for`).

    Returns None where the rules say nothing: for a layer without a sliding window or with one filter per group, and
    where nothing that they allow fits.
    """
    loops, cluster = problem.loops, problem.architecture.pe_cluster
    if loops.positions or loops.M == 1:
        return None
    held = max(
        _allocations(problem),
        key=lambda a: (a.whole(loops), a.psums, a.columns, -a.dram_words(loops)),
        default=None,
    )
    if held is None:
        return None
    letters = min(_letters(problem, held), key=lambda a: _cost(problem, held, a), default=None)
    return None if letters is None else _mapping(letters, held, loops, cluster)


def _mapping(letters: Letters, held: Allocation, loops: Loops, cluster: Grid) -> Mapping:
    return replace(mapping_of(letters, loops, cluster.rows, cluster.columns), Q0=held.columns).clipped(loops)


def _allocations(problem: MappingProblem) -> Iterator[Allocation]:
    """Everything that fits into the GLB with one channel, and whose rows fit onto the array as one PE set."""
    loops, wide = problem.loops, problem.architecture.pe_cluster.columns
    filters = [1 << i for i in range(loops.M.bit_length()) if LEAST_FILTERS <= 1 << i < loops.M] + [loops.M]
    rows = [e for e in range(1, loops.P + 1) if (e <= wide or e == loops.P) and _sets(problem, e) > 0]
    columns = [loops.Q // parts for parts in range(1, loops.Q + 1) if loops.Q % parts == 0]
    held = [Allocation(1, m, e, width) for m in filters for e in rows for width in columns]
    if loops.P in rows:
        held += [Allocation(n, m, loops.P, loops.Q) for n in range(2, loops.N + 1) for m in filters]
    return (each for each in held if _fits(problem, each, 1))


def _fits(problem: MappingProblem, held: Allocation, channels: int) -> bool:
    shared, precision = problem.architecture.glb.shared, problem.architecture.precision
    assert shared is not None
    bits = held.psums * precision.psum + channels * held.ifmaps(problem.loops) * precision.iact
    return bits <= 8 * shared.size * (shared.banks - FREE_BANKS)


def _sets(problem: MappingProblem, e: int) -> int:
    """PE sets of e output rows that the array holds."""
    cluster = problem.architecture.pe_cluster
    folds = set_folds(e, problem.loops, cluster.rows, cluster.columns)
    return 0 if folds == 0 else (cluster.rows // (problem.loops.R * folds)) * (cluster.columns // (e // folds))


def _letters(problem: MappingProblem, held: Allocation) -> Iterator[Letters]:
    """Every arrangement of PE sets that the array, the SPads and the GLB hold."""
    loops, cluster = problem.loops, problem.architecture.pe_cluster
    sets = _sets(problem, held.e)
    filters = [(1 << i, t) for i in range(MOST_FILTERS_PER_PE.bit_length()) for t in range(1, sets + 1)]
    for p, t in filters:
        if held.m % (p * t):
            continue
        for r in range(1, min(sets // t, loops.C) + 1):
            for q in range(1, ceil_div(loops.C, r) + 1):
                if problem.spad_limit(p, q, loops.S) is not None or not _fits(problem, held, q * r):
                    break
                letters = Letters(held.n, held.m, held.e, p, q, r, t)
                try:
                    mapping = _mapping(letters, held, loops, cluster)
                except ValueError:  # so many sets, but not in this arrangement
                    break
                if not broken_limits(Tiling(problem, mapping)):
                    yield letters


def _cost(problem: MappingProblem, held: Allocation, a: Letters) -> tuple[float, int, int, int]:
    """Cycles of a tile, words between GLB and PEs, and then fewer sets on filters, and channels in a PE."""
    loops = problem.loops
    filters, channels = a.p * a.t, min(a.q * a.r, loops.C)
    positions, ifmaps = held.psums // held.m, held.ifmaps(loops)
    macs = a.n * loops.S * held.columns * ceil_div(a.p, problem.architecture.lanes) * a.q
    psums = filters * positions / problem.words_per_cycle("psum")
    cycles = max(macs, psums, channels * ifmaps / problem.words_per_cycle("iact"))
    rounds, passes = ceil_div(held.m, filters), ceil_div(loops.C, channels)
    words = 2 * held.psums * passes + loops.C * ifmaps * rounds
    return cycles * rounds * passes, words, -a.t, -a.q
