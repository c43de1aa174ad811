"""The space of nests of a layer under a dataflow: cuts over PEs, what is in a PE, what the GLB keeps, tiles.

Every number of steps that a cut over PEs can lead to is in it (by the least PEs that lead to it), within the PEs of the
machine; for RS, all channels C0 that fit a SPad with the most filters M0 beside them; all that the GLB may keep; every
number of filter tiles, each with the longest tile of positions that fits: none is fetched or sent less often.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.architecture.networks import Tensor
from accelerator_sim.dataflow.nest import DIMENSIONS, Keep, Nests, Residence, ceil_div
from accelerator_sim.dataflow.rules import Dataflow
from accelerator_sim.mapping.loops import Loops
from accelerator_sim.mapping.mapping import useful_parts
from accelerator_sim.mapping.problem import MappingProblem
from accelerator_sim.workload.arrays import Ints


@dataclass(frozen=True, eq=False)
class Cuts:
    """Factors over PEs, and the filters and channels in a PE, an element a cut."""

    spatial: dict[str, Ints]
    m0: Ints
    c0: Ints


# --- cuts over PEs ---------------------------------------------------------------------------------------------------
def _parallel(loops: Loops, flow: Dataflow) -> str:
    """Dimensions that may be cut; where all positions are one dimension (fully connected), rows are also positions."""
    return flow.parallel + ("Q" if flow.rows and loops.positions else "")


def cuts_of(problem: MappingProblem, flow: Dataflow) -> Cuts:
    """Every cut over the PEs, with what is in a PE."""
    loops, pes = problem.loops, problem.architecture.pes
    if not spad_fits(problem, flow):
        return _empty()
    choices = {d: useful_parts(loops.sizes[d], pes) if d in _parallel(loops, flow) else [1] for d in DIMENSIONS}
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
    return Cuts({d: n[useful] for d, n in spatial.items()}, m0[useful], c0[useful])


def _empty() -> Cuts:
    none = np.zeros(0, dtype=np.int64)
    return Cuts(dict.fromkeys(DIMENSIONS, none), none, none)


def _pixels(loops: Loops, flow: Dataflow, parts: tuple[int, ...]) -> int:
    """PEs that the first factors of a cut take; of IS, those of all pixels of the windows."""
    count = 1
    for d, part in zip(DIMENSIONS, parts, strict=False):
        window = {"P": loops.rows, "Q": loops.columns}.get(d)
        count *= window.touched(part, 1) if flow.name == "is" and window is not None else part
    return count


def _in_a_pe(problem: MappingProblem, flow: Dataflow) -> list[tuple[int, int]]:
    """Filters and channels in a PE: for every number of channels the most filters beside them."""
    if not flow.rows:
        return [(1, 1)]
    pairs, most = [], problem.loops.M
    for channels in range(1, problem.loops.C + 1):
        while most and problem.spad_limit(most, channels, problem.loops.S):
            most -= 1
        if not most:
            break
        pairs.append((most, channels))
    return pairs


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


def spad_fits(problem: MappingProblem, flow: Dataflow) -> bool:
    if flow.rows:
        return True  # `_in_a_pe` looks
    need, spad = spad_words(problem.loops, flow), problem.architecture.pe.spad
    if spad.shared is not None:
        bits: int = sum(n * getattr(spad, t).width for t, n in need.items())
        return bits <= 8 * spad.shared
    return all(n <= getattr(spad, t).values for t, n in need.items())


def why_not(problem: MappingProblem, flow: Dataflow) -> str:
    if flow.rows:
        return problem.spad_limit(1, 1, problem.loops.S) or "no cut over its PEs"
    need = ", ".join(f"{n} {t}s" for t, n in spad_words(problem.loops, flow).items() if n)
    if not spad_fits(problem, flow):
        return f"a PE must hold {need}"
    plane = problem.loops.R * problem.loops.S
    return f"a plane of {problem.loops.R} x {problem.loops.S} weights takes {plane} PEs > {problem.architecture.pes}"


# --- tiles -----------------------------------------------------------------------------------------------------------
def residences(problem: MappingProblem, flow: Dataflow) -> Iterator[Residence]:
    """All that the GLB may keep, where it makes a difference."""
    glb = problem.architecture.glb
    shared = glb.shared is not None and "weight" in glb.shared.tensors
    stores = shared or (glb.weight is not None and glb.weight.banks > 0)
    rows = problem.loops.rows
    orders = [(False, iact, weight) for iact in Keep for weight in (Keep.PASS, Keep.NONE)]
    orders += [(True, iact, weight) for iact in (Keep.PASS, Keep.NONE) for weight in (Keep.ALL, Keep.NONE)]
    for outer, iact, weight in orders:
        if weight is not Keep.NONE and (not stores or flow.broadcast):
            continue  # WS loads each weight once a tile: nothing to keep
        if flow.broadcast and iact is Keep.PASS:
            continue  # a pixel passes once for the filters of a pass
        if flow.name in ("ws", "is") and outer:
            continue  # what rests in their PEs is used up, if it can be, before it leaves
        if flow.rows and iact is Keep.NONE and not (problem.loops.R == 1 or rows.stride >= rows.extent):
            continue  # strips share rows, which lie in the GLB meanwhile
        if flow.rows and weight is Keep.PASS:
            continue  # weights go to the SPads, or a tile of filters stays
        if weight is Keep.NONE and outer and not flow.rows:
            continue  # only weights that stay in SPads gain by it
        yield Residence(outer, iact, weight)


def filter_tilings(nests: Nests) -> tuple[Ints, Ints]:
    """Every length of a tile of filters for every nest: the index of the nest, and the length."""
    in_pes = stays_in_pes(nests.residence)
    steps, inverse = np.unique(nests.spatial["M"] * nests.m0, return_inverse=True)
    index: list[Ints] = []
    filters: list[Ints] = []
    for i, step in enumerate(steps):
        lengths = np.array(_filter_tiles(nests.loops.M, int(step), nests.flow, in_pes), dtype=np.int64)
        members = np.flatnonzero(inverse.reshape(-1) == i)
        index.append(np.repeat(members, len(lengths)))
        filters.append(np.tile(lengths, len(members)))
    return np.concatenate(index), np.concatenate(filters)


def longest_tilings(nests: Nests, filters: Ints) -> Nests:
    """Nests with filter tiles of these lengths and the longest tiles of positions that fit; none where none fits."""
    table, counts, kind = _position_tiles(nests.loops, nests.spatial)

    def tiled(which: Ints) -> Nests:
        return replace(nests, tile={d: table[kind, which, i] for i, d in enumerate("NPQ")} | {"M": filters})

    low, high = np.zeros(len(filters), dtype=np.int64), counts[kind] - 1
    possible = fits(tiled(low))
    while np.any(low < high):
        middle = (low + high + 1) // 2
        good = fits(tiled(middle))
        low, high = np.where(good, middle, low), np.where(good, high, middle - 1)
    return tiled(np.where(possible, low, 0)).where(np.flatnonzero(possible))


def _filter_tiles(filters: int, step: int, flow: Dataflow, in_pes: bool) -> list[int]:
    """Lengths of a tile of filters, in whole passes, the least for each number of tiles."""
    if flow.name == "is":
        return _multiples(filters, 1)
    if flow.name == "ws" or in_pes:
        return [min(step, filters)]
    return _multiples(filters, step)


def _position_tiles(loops: Loops, spatial: dict[str, Ints]) -> tuple[Ints, Ints, Ints]:
    """Tiles of positions, from short to long: of columns, then whole rows, then whole images.

    Returns the lengths of N, P and Q, [kinds of cuts, most tiles, 3], the number of tiles of each kind, and the kind of
    each cut.
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
    return table, counts, inverse.reshape(-1)


def _multiples(size: int, step: int) -> list[int]:
    """Multiples of a step, the least for each number of tiles, the largest at least the size."""
    return [part * step for part in _shares(-(-size // step))]


@lru_cache(maxsize=4096)
def _shares(passes: int) -> tuple[int, ...]:
    """All that the largest part can be of passes dealt in equal parts, from one to all."""
    shares, parts = [], 1
    while True:
        share = -(-passes // parts)
        shares.append(share)
        if share == 1:
            return tuple(reversed(shares))
        parts = (passes - 1) // (share - 1) + 1  # the least number of parts with a smaller share


def fits(nests: Nests) -> NDArray[np.bool_]:
    """Whether the GLB holds what it must keep."""
    architecture = nests.problem.architecture
    glb, count = architecture.glb, architecture.cluster_array.count
    kept = {"iact": nests.iacts_kept, "weight": nests.weights_kept, "psum": nests.psums_kept}
    shared = np.zeros_like(nests.m0)
    good = np.ones(nests.m0.shape, dtype=np.bool_)
    for tensor, words in kept.items():
        bits = words * getattr(architecture.precision, tensor)
        if glb.shared is not None and glb.shares(tensor):
            shared = shared + ceil_div(bits, glb.shared.size * 8)
        else:
            good &= bits <= glb.own_bits(tensor) * count
    return good & (shared <= (glb.shared.banks * count if glb.shared is not None else 0))


def stays_in_pes(residence: Residence) -> bool:
    """Whether weights that the GLB does not keep stay in SPads, while all positions pass."""
    return residence.filters_outer and residence.weight is Keep.NONE


def room_of(problem: MappingProblem, tensor: Tensor) -> float:
    """Words of a tensor that the whole GLB can hold."""
    architecture = problem.architecture
    bits = architecture.glb.room_bits(tensor) * architecture.cluster_array.count
    return float(bits / getattr(architecture.precision, tensor))
