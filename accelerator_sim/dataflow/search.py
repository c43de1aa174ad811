"""The best nest of a layer under a dataflow, over its whole legal space.

The space: every number of steps that a cut over PEs can lead to (the least PEs that lead to it), within the PEs of the
machine; RS: all channels C0 that fit a SPad, with the most filters M0 beside them; every number of filter tiles; the
longest tile of positions that fits, which is never fetched or sent more often than a shorter one; all that the GLB may
keep.  A bound, the cost with nothing but one tile, orders the cuts; the search ends where it exceeds the best nest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.architecture.model import Architecture, Tensor
from accelerator_sim.dataflow.cost import Cost, Floats, Prices
from accelerator_sim.dataflow.nest import DIMENSIONS, Ints, Keep, Nests, Residence, ceil_div, touched
from accelerator_sim.dataflow.rules import Dataflow
from accelerator_sim.mapping.loops import Loops
from accelerator_sim.mapping.problem import Problem, problem_of
from accelerator_sim.mapping.search import Objective, Unmappable
from accelerator_sim.simulation.activity import Activity
from accelerator_sim.technology.actions import ActionEnergies
from accelerator_sim.workload.layer import Density, Layer

CHUNK = 1 << 14
"""Cuts that are tiled at a time."""


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

    def __getitem__(self, chosen: NDArray[np.int64]) -> _Cuts:
        return _Cuts({d: n[chosen] for d, n in self.spatial.items()}, self.m0[chosen], self.c0[chosen])


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
    dense = Layer(**{**_fields(layer), "density": Density(), "effectual_fraction": None})
    problem = problem_of(dense, architecture)
    cuts = _cuts(problem, flow)
    if not len(cuts.m0):
        raise Unmappable(f"layer {layer.name} has no {flow.title} nest on {architecture.name}: {_why(problem, flow)}")
    prices = Prices(actions, architecture)
    best: tuple[tuple[float, float], Nests] | None = None
    seen = 0
    for residence in _residences(problem, flow):
        whole = _tiled(problem, flow, residence, cuts, {d: _whole(problem.loops, cuts, d) for d in "NPQM"})
        bound = _rank(Cost(whole, normalised), prices, objective)[0]
        order = np.argsort(bound, kind="stable")
        for start in range(0, len(order), CHUNK):
            chosen = order[start : start + CHUNK]
            if best is not None:
                chosen = chosen[bound[chosen] <= best[0][0]]
            if not len(chosen):
                break
            nests = _tilings(problem, flow, residence, cuts[chosen])
            seen += len(nests.m0)
            if not len(nests.m0):
                continue
            first, second = _rank(Cost(nests, normalised), prices, objective)
            index = int(np.lexsort((second, first))[0])
            rank = float(first[index]), float(second[index])
            if best is None or rank < best[0]:
                best = rank, nests.at(index)
    if best is None:
        raise Unmappable(
            f"layer {layer.name} has no {flow.title} nest on {architecture.name}: what the GLB must keep does not fit it"
        )
    return FoundNest(best[1], Cost(best[1], normalised).activity(), seen)


def _fields(layer: Layer) -> dict[str, object]:
    from dataclasses import fields

    return {part.name: getattr(layer, part.name) for part in fields(layer) if part.init}


def _rank(cost: Cost, prices: Prices, objective: Objective) -> tuple[Floats, Floats]:
    """What the objective compares, and what breaks its ties."""
    if objective is Objective.DRAM:
        bits = sum(cost.dram_bits(t) for t in ("iact", "weight", "psum"))
        return np.asarray(bits, dtype=np.float64), cost.cycles
    energy = prices.energy(cost)
    if objective is Objective.LATENCY:
        return cost.cycles, energy
    return (energy * cost.cycles if objective is Objective.EDP else energy), cost.cycles


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
    if flow.broadcast:  # a plane of taps lies over the PEs, in parts of whole filter rows where it is too large
        choices["S"] = [loops.S]
        choices["R"] = [min(loops.R, pes // loops.S)] if loops.S <= pes else []
    rows: list[tuple[int, ...]] = [()]
    for d in DIMENSIONS:
        rows = [(*row, part) for row in rows for part in choices[d] if _pixels(loops, flow, (*row, part)) <= pes]
    inside = _in_a_pe(problem, flow)
    if not rows or not inside:
        return _empty()
    parts = np.array(rows, dtype=np.int64)
    both = np.array(list(inside), dtype=np.int64)
    index, which = (grid.reshape(-1) for grid in np.meshgrid(np.arange(len(parts)), np.arange(len(both)), indexing="ij"))
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
    return {"iact": int(flow.holds("iact")) + passed_on, "weight": int(flow.holds("weight")), "psum": int(flow.holds("psum"))}


def _spad_fits(problem: Problem, flow: Dataflow) -> bool:
    if flow.rows:
        return True  # `_in_a_pe` looks
    need, spad = spad_words(problem.loops, flow), problem.architecture.pe.spad
    if spad.shared is not None:
        return sum(n * getattr(spad, t).width for t, n in need.items()) <= 8 * spad.shared
    return all(n <= getattr(spad, t).values for t, n in need.items())


def _why(problem: Problem, flow: Dataflow) -> str:
    if flow.rows:
        return problem.spad_limit(1, 1) or "no cut over its PEs"
    need = ", ".join(f"{n} {t}s" for t, n in spad_words(problem.loops, flow).items() if n)
    if not _spad_fits(problem, flow):
        return f"a PE must hold {need}"
    return f"it takes more PEs than {problem.architecture.pes}"


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
        if iact is Keep.ALL and outer:
            continue
        if flow.name == "ws" and iact is Keep.PASS:
            continue  # a pixel passes once for the filters of a pass
        if flow.name in ("ws", "is") and outer:
            continue  # their filters are one pass, or all of them
        if flow.rows and iact is Keep.NONE and not (problem.loops.R == 1 or rows.stride >= rows.extent):
            continue  # strips share rows, which lie in the GLB meanwhile
        if flow.rows and weight is Keep.PASS:
            continue  # weights go to the SPads, or a tile of filters stays
        yield Residence(outer, iact, weight)


def _tiled(problem: Problem, flow: Dataflow, residence: Residence, cuts: _Cuts, tile: dict[str, Ints]) -> Nests:
    return Nests(problem, flow, residence, cuts.spatial, cuts.m0, cuts.c0, tile)


def _whole(loops: Loops, cuts: _Cuts, dimension: str) -> Ints:
    return np.full_like(cuts.m0, loops.sizes[dimension])


def _tilings(problem: Problem, flow: Dataflow, residence: Residence, cuts: _Cuts) -> Nests:
    """For every cut, and every number of filter tiles, the longest tile of positions that fits."""
    loops = problem.loops
    step = cuts.spatial["M"] * cuts.m0
    index: list[Ints] = []
    filters: list[Ints] = []
    steps, inverse = np.unique(step, return_inverse=True)
    for i, length in enumerate(steps):
        lengths = np.array(_filter_tiles(loops.M, int(length), flow), dtype=np.int64)
        members = np.flatnonzero(inverse == i)
        index.append(np.repeat(members, len(lengths)))
        filters.append(np.tile(lengths, len(members)))
    at, m_tile = np.concatenate(index), np.concatenate(filters)
    wide = cuts[at]
    positions, counts = _position_tiles(loops, wide)
    low, high = np.zeros(len(at), dtype=np.int64), counts - 1
    place = np.arange(len(at))

    def nests(which: Ints) -> Nests:
        tile = {d: positions[d][place, which] for d in "NPQ"} | {"M": m_tile}
        return _tiled(problem, flow, residence, wide, tile)

    fits = _fits(nests(low))
    while np.any(low < high):
        middle = (low + high + 1) // 2
        good = _fits(nests(middle))
        low, high = np.where(good, middle, low), np.where(good, high, middle - 1)
    low = np.where(fits, low, 0)
    found = nests(low)
    keep = np.flatnonzero(fits)
    return _tiled(
        problem, flow, residence, wide[keep], {d: n[keep] for d, n in found.tile.items()}
    )


def _filter_tiles(filters: int, step: int, flow: Dataflow) -> list[int]:
    """Lengths of a tile of filters, in whole passes, the least for each number of tiles."""
    if flow.name == "is":
        return [filters]
    if flow.name == "ws":
        return [min(step, filters)]
    passes = -(-filters // step)
    return [part * step for part in sorted({-(-passes // tiles) for tiles in range(1, passes + 1)})]


def _position_tiles(loops: Loops, cuts: _Cuts) -> tuple[dict[str, Ints], Ints]:
    """Tiles of positions for every cut, from short to long: of columns, then whole rows, then whole images.

    Returns the lengths of N, P and Q, [cuts, most tiles], and the number of tiles of each cut.
    """
    steps = np.stack([cuts.spatial[d] for d in "NPQ"], axis=1)
    unique, inverse = np.unique(steps, axis=0, return_inverse=True)
    lists = []
    for n, p, q in unique.tolist():
        tiles = [(n, p, length) for length in _multiples(loops.Q, q)]
        tiles += [(n, length, loops.Q) for length in _multiples(loops.P, p)[1:]]
        tiles += [(length, loops.P, loops.Q) for length in _multiples(loops.N, n)[1:]]
        lists.append(tiles)
    counts = np.array([len(tiles) for tiles in lists], dtype=np.int64)
    table = np.ones((len(lists), int(counts.max()), 3), dtype=np.int64)
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


__all__ = ["FoundNest", "find_nest", "spad_words", "touched"]
