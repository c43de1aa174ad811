"""The best nest of a layer under a dataflow, over its whole legal space.

The space: every number of steps that a cut over PEs can lead to (the least PEs that lead to it), within the PEs of the
machine; RS: all channels C0 that fit a SPad, with the most filters M0 beside them; every number of filter tiles; the
longest tile of positions that fits, which is never fetched or sent more often than a shorter one; all that the GLB may
keep.  A bound, the cost with nothing but one tile, orders the cuts; the search ends where it exceeds the best nest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.architecture.model import TENSORS, Architecture, Tensor
from accelerator_sim.dataflow.cost import Cost, Floats, Prices
from accelerator_sim.dataflow.nest import DIMENSIONS, Ints, Keep, Nests, Residence, ceil_div
from accelerator_sim.dataflow.rules import Dataflow
from accelerator_sim.mapping.loops import Loops
from accelerator_sim.mapping.problem import Problem, problem_of
from accelerator_sim.mapping.search import Objective, Unmappable
from accelerator_sim.simulation.activity import Activity
from accelerator_sim.technology.actions import ActionEnergies
from accelerator_sim.workload.layer import Density, Layer

FIRST, CHUNK = 1 << 6, 1 << 13
"""Cuts that are tiled at a time: few at first, to have something that bounds the others."""

TIE = 1e-9
"""Objectives that differ by less of themselves are equal, as sums of floats in another order may be."""


@dataclass(frozen=True)
class FoundNest:
    """The best nest of a layer under a dataflow, what it does, and the number of nests that it was chosen from."""

    nest: Nests
    activity: Activity
    optimal_over: int


@dataclass(frozen=True, eq=False)
class _Cuts:
    """Factors over PEs, and the filters and channels in a PE, an element a cut."""

    spatial: dict[str, Ints]
    m0: Ints
    c0: Ints


def find_nest(
    layer: Layer,
    architecture: Architecture,
    actions: ActionEnergies,
    flow: Dataflow,
    objective: Objective = Objective.ENERGY,
    normalised: bool = False,
) -> FoundNest:
    """Find the nest of a layer with the least objective.  Ties go to lower latency (for latency: to lower energy).

    Operands are dense: every multiply-accumulate is executed, whatever zeros the network file states.
    normalised: whether the technology is a normalised one (`Technology.normalised`).

    Raises Unmappable where nothing fits.
    """
    dense = replace(layer, density=Density(), effectual_fraction=None)
    problem = problem_of(dense, architecture)
    cuts = _cuts(problem, flow)
    if not len(cuts.m0):
        raise Unmappable(f"layer {layer.name} has no {flow.title} nest on {architecture.name}: {_why(problem, flow)}")
    ask = _Question(problem, flow, objective, Prices(actions, architecture), normalised)
    # ISCA 2016 IV-A: a weight in a PE runs through all of its uses.  Tiles of positions only where psums do not fit.
    best, seen = _search(ask, cuts, whole_positions=True) if flow.broadcast else (None, 0)
    if best is None:
        best, seen = _search(ask, cuts)
    if best is None:
        reason = "what the GLB must keep does not fit it"
        raise Unmappable(f"layer {layer.name} has no {flow.title} nest on {architecture.name}: {reason}")
    return FoundNest(best, Cost(best, normalised).activity(), seen)


@dataclass(frozen=True, eq=False)
class _Question:
    """What is searched for."""

    problem: Problem
    flow: Dataflow
    objective: Objective
    prices: Prices
    normalised: bool

    def rank(self, nests: Nests) -> tuple[Floats, Floats]:
        """What the objective compares, and what breaks its ties."""
        cost = Cost(nests, self.normalised)
        bits = sum(cost.dram_bits(t) for t in TENSORS)
        return self.compared(np.asarray(bits, dtype=np.float64), self.prices.energy(cost), cost.cycles)

    def compared(self, bits: Floats, energy: Floats, cycles: Floats) -> tuple[Floats, Floats]:
        """The same, of off-chip bits, joules and cycles."""
        first = {Objective.DRAM: bits, Objective.ENERGY: energy, Objective.LATENCY: cycles}
        second = energy if self.objective is Objective.LATENCY else cycles
        return first.get(self.objective, energy * cycles), second


def _search(ask: _Question, cuts: _Cuts, whole_positions: bool = False) -> tuple[Nests | None, int]:
    """The best nest, and the number of nests within its bounds."""
    bounds = [_Bound(ask, residence, cuts) for residence in _residences(ask.problem, ask.flow)]
    best: tuple[float, float] = (math.inf, math.inf)
    found: Nests | None = None
    seen = 0
    # The first few cuts of every residence, so that its rivals bound each of them; then the rest.
    for bound, start, size in [(b, 0, FIRST) for b in bounds] + [(b, FIRST, CHUNK) for b in bounds]:
        end = min(len(bound.order) if start else FIRST, len(bound.order))
        while start < end and bound.first[bound.order[start]] <= best[0] * (1.0 + TIE):
            nests = _tilings(bound, bound.order[start : start + size], best)
            start += size
            if whole_positions:
                nests = nests.where(nests.positions_passes == 1)
            seen += len(nests.m0)
            if not len(nests.m0):
                continue
            first, second = ask.rank(nests)
            index = int(np.lexsort((second, first))[0])
            rank = float(first[index]), float(second[index])
            if rank < best:
                best, found = rank, nests.at(index)
    return found, seen


class _Bound:
    """What the objective is at the least, for every cut and number of filter tiles.

    On chip nothing costs less than one tile of everything.  Off-chip, what the GLB keeps limits the tiles: psums that
    need several passes, G N P Q M words of them, in T_M tiles of filters and T_B of positions, need T_M T_B >= all of
    them over the words that the GLB holds.
    """

    def __init__(self, ask: _Question, residence: Residence, cuts: _Cuts) -> None:
        loops = ask.problem.loops
        sizes = {d: np.full_like(cuts.m0, loops.sizes[d]) for d in "NPQM"}
        whole = Nests(ask.problem, ask.flow, residence, cuts.spatial, cuts.m0, cuts.c0, sizes)
        self.ask, self.whole = ask, whole
        cost = Cost(whole, ask.normalised)
        self.cycles, self.energy = cost.cycles, ask.prices.energy(cost)
        self.bits = np.asarray(sum(cost.dram_bits(t) for t in TENSORS), dtype=np.float64)
        self.iacts = cost.words.iact_fetched.astype(np.float64)
        self.weights = cost.words.weight_fetched.astype(np.float64)
        room = {t: max(_room(ask.problem, t), 1) for t in TENSORS}
        waiting = whole.spatial["G"] * loops.N * loops.P * loops.Q * loops.M
        several = whole.passes("C") * whole.passes("R") * whole.passes("S") > 1
        beside = self._beside()
        self.together = np.ceil(np.where(several, waiting, 0) / np.maximum(room["psum"] - beside, 1.0))
        self.iacts_again = residence.iact is Keep.PASS
        # Weights that rest nowhere come with every MAC already.
        self.weights_again = not residence.filters_outer and (ask.flow.holds("weight") or residence.weight is Keep.PASS)
        self.filter_tiles = np.maximum(whole.weights_kept / room["weight"], 1.0)
        self.position_tiles = np.maximum(whole.iacts_kept / room["iact"], 1.0)
        best = np.sqrt(self.weights * self.together / np.maximum(self.iacts, 1.0))
        least = np.maximum(self.together / self.position_tiles, 1.0)  # with fewer tiles weights come no less often
        most = np.minimum(whole.passes("M"), least)
        tiles = np.clip(best, 1.0, most) if self.weights_again and self.iacts_again else np.ones(len(best))
        if self.iacts_again and not self.weights_again:
            tiles = self.filter_tiles
        if self.weights_again and not self.iacts_again:
            tiles = whole.passes("M").astype(np.float64)
        self.first, second = self.of(slice(None), tiles)
        if stays_in_pes(residence):  # only that tells this residence from others
            self.first = np.where(whole.passes("C") * whole.passes("R") == 1, self.first, math.inf)
        self.order = np.lexsort((second, self.first))

    def of(self, cuts: slice | Ints, tiles: Floats | Ints) -> tuple[Floats, Floats]:
        """The bounds of some cuts with so many tiles of filters: of the objective, and of what breaks its ties."""
        zero = np.zeros_like(self.iacts[cuts])
        iacts = weights = zero
        if self.iacts_again:
            times = np.maximum(tiles, 1.0 if self.weights_again else self.filter_tiles[cuts])
            iacts = self.iacts[cuts] * (times - 1.0)
        if self.weights_again:
            rounds = self.together[cuts] / tiles
            if np.issubdtype(tiles.dtype, np.integer):
                rounds = np.ceil(rounds - TIE)
            weights = self.weights[cuts] * (np.maximum(rounds, self.position_tiles[cuts]) - 1.0)
        more = {
            t: words * int(getattr(self.whole.problem.architecture.precision, t))
            for t, words in (("iact", iacts), ("weight", weights))
        }
        bits = self.bits[cuts] + more["iact"] + more["weight"]
        joules = self.energy[cuts] + iacts * self.ask.prices.fetch("iact") + weights * self.ask.prices.fetch("weight")
        return self.ask.compared(bits, joules, self.cycles[cuts])

    def within(self, cuts: Ints, tiles: Ints, best: tuple[float, float]) -> NDArray[np.bool_]:
        """Which may be better than `best`; what is equal to within `TIE` must be so in what breaks ties."""
        first, second = self.of(cuts, tiles)
        found: NDArray[np.bool_] = first < best[0] * (1.0 - TIE)
        return found | ((first <= best[0] * (1.0 + TIE)) & (second < best[1]))

    def _beside(self) -> Ints:
        """Psums' worth of GLB that the smallest tile of the other tensors takes from psums, where they share banks."""
        shared, precision = self.whole.problem.architecture.glb.shared, self.whole.problem.architecture.precision
        found = np.zeros_like(self.whole.m0)
        if shared is None or "psum" not in shared.tensors:
            return found
        parts = self.whole.spatial
        tile = {d: parts[d] for d in "NPQ"} | {"M": parts["M"] * self.whole.m0}
        least = replace(self.whole, tile=tile)
        for tensor, words in (("iact", least.iacts_kept), ("weight", least.weights_kept)):
            if tensor in shared.tensors:
                found = found + words * int(getattr(precision, tensor))
        return found // precision.psum


def stays_in_pes(residence: Residence) -> bool:
    """Whether weights that the GLB does not keep stay in SPads, while all positions pass."""
    return residence.filters_outer and residence.weight is Keep.NONE


def _room(problem: Problem, tensor: Tensor) -> float:
    """Words of a tensor that the whole GLB can hold."""
    glb, count = problem.architecture.glb, problem.architecture.cluster_array.count
    store = getattr(glb, tensor)
    if glb.shared is not None and tensor in glb.shared.tensors:
        bits = glb.shared.banks * glb.shared.size * 8 * count
    else:
        bits = store.banks * store.size * 8 * count if store is not None and store.banks else 0
    return float(bits / getattr(problem.architecture.precision, tensor))


# --- cuts over PEs ---------------------------------------------------------------------------------------------------
def _factors(size: int, most: int) -> list[int]:
    """The least PEs that lead to each number of steps."""
    found = {-(-size // part): part for part in range(min(size, most), 0, -1)}
    return sorted(found.values())


def _parallel(loops: Loops, flow: Dataflow) -> str:
    """Dimensions that may be cut; where all positions are one dimension (fully connected), rows are positions too."""
    return flow.parallel + ("Q" if flow.rows and loops.positions else "")


def _cuts(problem: Problem, flow: Dataflow) -> _Cuts:
    """Every cut over the PEs, with what is in a PE."""
    loops, pes = problem.loops, problem.architecture.pes
    if not _spad_fits(problem, flow):
        return _empty()
    choices = {d: _factors(loops.sizes[d], pes) if d in _parallel(loops, flow) else [1] for d in DIMENSIONS}
    if flow.broadcast:  # the plane of a filter, R x S weights, lies over as many PEs (ISCA 2016 IV-A)
        choices |= {"R": [loops.R], "S": [loops.S]}
    rows: list[tuple[int, ...]] = [()]
    for d in DIMENSIONS:
        rows = [(*row, part) for row in rows for part in choices[d] if _pixels(loops, flow, (*row, part)) <= pes]
    inside = _in_a_pe(problem, flow)
    if not rows or not inside:
        return _empty()
    parts = np.array(rows, dtype=np.int64)
    both = np.array(list(inside), dtype=np.int64)
    index, which = (
        grid.reshape(-1) for grid in np.meshgrid(np.arange(len(parts)), np.arange(len(both)), indexing="ij")
    )
    spatial = {d: parts[index, i] for i, d in enumerate(DIMENSIONS)}
    m0, c0 = both[which, 0], both[which, 1]
    # As many filters as there are, and no more than lead to their number of passes.
    m_passes = ceil_div(np.full_like(m0, loops.M), spatial["M"] * m0)
    m0 = ceil_div(np.full_like(m0, loops.M), spatial["M"] * m_passes)
    useful = (c0 == 1) | (spatial["C"] * (c0 - 1) < loops.C)
    return _Cuts({d: n[useful] for d, n in spatial.items()}, m0[useful], c0[useful])


def _empty() -> _Cuts:
    none = np.zeros(0, dtype=np.int64)
    return _Cuts(dict.fromkeys(DIMENSIONS, none), none, none)


def _pixels(loops: Loops, flow: Dataflow, parts: tuple[int, ...]) -> int:
    """PEs that the first factors of a cut take; of IS, those of all pixels of the windows."""
    count = 1
    for d, part in zip(DIMENSIONS, parts, strict=False):
        window = {"P": loops.rows, "Q": loops.columns}.get(d)
        count *= window.touched(part, 1) if flow.name == "is" and window is not None else part
    return count


def _in_a_pe(problem: Problem, flow: Dataflow) -> list[tuple[int, int]]:
    """Filters and channels in a PE: for every number of channels the most filters beside them."""
    if not flow.rows:
        return [(1, 1)]
    found, most = [], problem.loops.M
    for channels in range(1, problem.loops.C + 1):
        while most and problem.spad_limit(most, channels):
            most -= 1
        if not most:
            break
        found.append((most, channels))
    return found


def spad_words(loops: Loops, flow: Dataflow) -> dict[Tensor, int]:
    """Words of each tensor that a dataflow needs in a PE, at the least (RS: a window, a filter row and a psum).

    Output stationary with pixels side by side keeps 1 + U + R U words, U the stride: the psum, and the iacts that
    neighbours still need (from the program of the ISCA 2016 study); without conv reuse, the psum alone.
    """
    if flow.rows:
        return {"iact": loops.columns.extent, "weight": loops.S, "psum": 1}
    stride = max(loops.rows.stride, loops.columns.stride)
    passed_on = 0
    if flow.shifted and set(flow.parallel) & set("PQ") and loops.R * loops.S > 1:
        passed_on = stride + (loops.R * stride if flow.name != "os_b" else 0)
    return {
        "iact": int(flow.holds("iact")) + passed_on,
        "weight": int(flow.holds("weight")),
        "psum": int(flow.holds("psum")),
    }


def _spad_fits(problem: Problem, flow: Dataflow) -> bool:
    if flow.rows:
        return True  # `_in_a_pe` looks
    need, spad = spad_words(problem.loops, flow), problem.architecture.pe.spad
    if spad.shared is not None:
        bits: int = sum(n * getattr(spad, t).width for t, n in need.items())
        return bits <= 8 * spad.shared
    return all(n <= getattr(spad, t).values for t, n in need.items())


def _why(problem: Problem, flow: Dataflow) -> str:
    if flow.rows:
        return problem.spad_limit(1, 1) or "no cut over its PEs"
    need = ", ".join(f"{n} {t}s" for t, n in spad_words(problem.loops, flow).items() if n)
    if not _spad_fits(problem, flow):
        return f"a PE must hold {need}"
    plane = problem.loops.R * problem.loops.S
    return f"a plane of {problem.loops.R} x {problem.loops.S} weights takes {plane} PEs > {problem.architecture.pes}"


# --- tiles -----------------------------------------------------------------------------------------------------------
def _residences(problem: Problem, flow: Dataflow) -> Iterator[Residence]:
    """All that the GLB may keep, where it makes a difference."""
    glb = problem.architecture.glb
    shared = glb.shared is not None and "weight" in glb.shared.tensors
    stores = shared or (glb.weight is not None and glb.weight.banks > 0)
    rows = problem.loops.rows
    for outer, iact, weight in product((False, True), Keep, Keep):
        if weight is not Keep.NONE and (not stores or flow.name == "ws"):
            continue  # WS loads each weight once a tile: nothing to keep
        if weight is Keep.ALL and not outer:
            continue  # its block would be all weights of a filter tile, and that tile is not the outer one
        if outer and (iact is Keep.ALL or weight is Keep.PASS):
            continue  # the other order is as good: the outer tile is the one that stays
        if flow.name == "ws" and iact is Keep.PASS:
            continue  # a pixel passes once for the filters of a pass
        if flow.name in ("ws", "is") and outer:
            continue  # their filters are one pass, or all of them
        if flow.rows and iact is Keep.NONE and not (problem.loops.R == 1 or rows.stride >= rows.extent):
            continue  # strips share rows, which lie in the GLB meanwhile
        if flow.rows and weight is Keep.PASS:
            continue  # weights go to the SPads, or a tile of filters stays
        if weight is Keep.NONE and outer and not flow.rows:
            continue  # only weights that stay in SPads gain by it
        yield Residence(outer, iact, weight)


def _tilings(bound: _Bound, chosen: Ints, best: tuple[float, float]) -> Nests:
    """For chosen cuts, and every number of filter tiles, the longest tile of positions that fits.

    Tilings that cannot be better than `best` are left out.
    """
    whole = bound.whole.where(chosen)
    loops, flow = whole.loops, whole.flow
    steps, inverse = np.unique(whole.spatial["M"] * whole.m0, return_inverse=True)
    index: list[Ints] = []
    filters: list[Ints] = []
    for i, step in enumerate(steps):
        tiles = _filter_tiles(loops.M, int(step), flow, stays_in_pes(whole.residence))
        lengths = np.array(tiles, dtype=np.int64)
        members = np.flatnonzero(inverse.reshape(-1) == i)
        index.append(np.repeat(members, len(lengths)))
        filters.append(np.tile(lengths, len(members)))
    at, lengths = np.concatenate(index), np.concatenate(filters)
    within = bound.within(chosen[at], ceil_div(np.full_like(lengths, loops.M), lengths), best)
    at, lengths = at[within], lengths[within]
    wide = whole.where(at)
    positions, counts = _position_tiles(loops, wide.spatial)
    place = np.arange(len(at))

    def nests(which: Ints) -> Nests:
        return replace(wide, tile={d: positions[d][place, which] for d in "NPQ"} | {"M": lengths})

    low, high = np.zeros(len(at), dtype=np.int64), counts - 1
    fits = _fits(nests(low))
    while np.any(low < high):
        middle = (low + high + 1) // 2
        good = _fits(nests(middle))
        low, high = np.where(good, middle, low), np.where(good, high, middle - 1)
    return nests(np.where(fits, low, 0)).where(np.flatnonzero(fits))


def _filter_tiles(filters: int, step: int, flow: Dataflow, in_pes: bool) -> list[int]:
    """Lengths of a tile of filters, in whole passes, the least for each number of tiles."""
    if flow.name == "is":
        return [filters]
    if flow.name == "ws" or in_pes:
        return [min(step, filters)]
    passes = -(-filters // step)
    return [part * step for part in sorted({-(-passes // tiles) for tiles in range(1, passes + 1)})]


def _position_tiles(loops: Loops, spatial: dict[str, Ints]) -> tuple[dict[str, Ints], Ints]:
    """Tiles of positions for every cut, from short to long: of columns, then whole rows, then whole images.

    Returns the lengths of N, P and Q, [cuts, most tiles], and the number of tiles of each cut.
    """
    steps = np.stack([spatial[d] for d in "NPQ"], axis=1)
    unique, inverse = np.unique(steps, axis=0, return_inverse=True)
    lists = []
    for n, p, q in unique.tolist():
        tiles = [(n, p, length) for length in _multiples(loops.Q, q)]
        tiles += [(n, length, loops.Q) for length in _multiples(loops.P, p)[1:]]
        tiles += [(length, loops.P, loops.Q) for length in _multiples(loops.N, n)[1:]]
        lists.append(tiles)
    counts = np.array([len(tiles) for tiles in lists], dtype=np.int64)
    table = np.ones((len(lists), int(counts.max(initial=1)), 3), dtype=np.int64)
    for i, tiles in enumerate(lists):
        table[i, : len(tiles)] = tiles
    inverse = inverse.reshape(-1)
    return {d: table[inverse, :, i] for i, d in enumerate("NPQ")}, counts[inverse]


def _multiples(size: int, step: int) -> list[int]:
    """Multiples of a step, the least for each number of tiles, the largest at least the size."""
    passes = -(-size // step)
    return [part * step for part in sorted({-(-passes // tiles) for tiles in range(1, passes + 1)})]


def _fits(nests: Nests) -> NDArray[np.bool_]:
    """Whether the GLB holds what it must keep."""
    architecture = nests.problem.architecture
    glb, count = architecture.glb, architecture.cluster_array.count
    kept = {"iact": nests.iacts_kept, "weight": nests.weights_kept, "psum": nests.psums_kept}
    shared = np.zeros_like(nests.m0)
    fits = np.ones(nests.m0.shape, dtype=np.bool_)
    for tensor, words in kept.items():
        bits = words * getattr(architecture.precision, tensor)
        if glb.shared is not None and tensor in glb.shared.tensors:
            shared = shared + ceil_div(bits, glb.shared.size * 8)
        else:
            store = getattr(glb, tensor)
            room = store.banks * store.size * 8 * count if store is not None and store.banks else 0
            fits &= bits <= room
    return fits & (shared <= (glb.shared.banks * count if glb.shared is not None else 0))
