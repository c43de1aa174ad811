"""The space of spatial configurations: how the four axes of the array may cut the dimensions of a layer.

Each axis carries any product of the dimensions that its networks allow.  Axes of up to 16 places are enumerated
completely; longer ones are filled as far as the layer allows, because leaving places of a long axis empty multiplies
the space.  This is part of the definition of the space in which a mapping is the best.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.recent import Recent
from accelerator_sim.kernels import layout as at
from accelerator_sim.mapping.legality import allowed_dimensions
from accelerator_sim.mapping.loops import Loops
from accelerator_sim.mapping.mapping import Factors
from accelerator_sim.mapping.problem import MappingProblem

COMPLETE = 16
"""Longest axis that is enumerated completely."""

PLACES: dict[str, dict[str, int]] = {
    "cluster_rows": {"G": at.RG, "N": at.RN, "M": at.RM, "P": at.RP, "Q": at.RQ, "C": at.RC},
    "cluster_columns": {"G": at.KG, "N": at.KN, "M": at.KM, "P": at.KP, "Q": at.KQ},
    "pe_rows": {"R": at.YR, "C": at.YC, "G": at.YG, "N": at.YN, "M": at.YM, "P": at.YP, "Q": at.YQ},
    "pe_columns": {"G": at.XG, "N": at.XN, "M": at.XM, "P": at.XP, "Q": at.XQ},
}
"""Column of each factor in a configuration."""


@lru_cache(maxsize=4096)
def axis_products(places: int, caps: tuple[int, ...]) -> NDArray[np.int64]:
    """All integer tuples below `caps` with a product of at most `places` (maximal ones if the axis is long)."""
    tuples: list[tuple[int, ...]] = [()]
    for cap in caps:
        tuples = [
            (*head, value)
            for head in tuples
            for value in range(1, min(cap, places // int(np.prod(head, dtype=np.int64))) + 1)
        ]
    rows = np.array(tuples, dtype=np.int64).reshape(len(tuples), len(caps))
    if places > COMPLETE and len(caps):
        used = rows.prod(axis=1, keepdims=True)
        grown = used // rows * (rows + 1)
        rows = rows[~((grown <= places) & (rows < np.array(caps))).any(axis=1)]
    return rows


def axis_sizes(architecture: Architecture) -> dict[str, int]:
    """Places of each axis."""
    return {
        "cluster_rows": architecture.cluster_array.rows,
        "cluster_columns": architecture.cluster_array.columns,
        "pe_rows": architecture.pe_cluster.rows,
        "pe_columns": architecture.pe_cluster.columns,
    }


def spatial_dimensions(loops: Loops, axis: str, flat: bool, psums_chain: bool) -> list[str]:
    """Dimensions that an axis may carry and that are worth cutting on it: those longer than one.

    Where there are several rows of outputs, their columns are cut over the columns of clusters only.  That keeps all of
    the gain (AlexNet and GoogLeNet take 13% and 14% fewer cycles on 16,384 PEs, by the estimate), with 3 to 5 times as
    many configurations instead of 9 to 19 times.
    """
    allowed = [d for d in allowed_dimensions(axis, flat) if loops.sizes[d] > 1]
    if axis == "cluster_rows" and not psums_chain:
        allowed = [d for d in allowed if d != "C"]
    if axis != "cluster_columns" and loops.P > 1:
        allowed = [d for d in allowed if d != "Q"]
    return allowed


def configurations(problem: MappingProblem) -> NDArray[np.int64]:
    """Every spatial configuration of a problem, one row each (columns as in `PLACES`); not to be written to."""
    architecture = problem.architecture
    key = problem.loops, tuple(axis_sizes(architecture).items()), architecture.flat, problem.psums_chain
    rows = _KNOWN.get(key)
    if rows is None:
        rows = _configurations(*key)
        _KNOWN.put(key, rows, rows.nbytes)
    return rows


_KNOWN: Recent[NDArray[np.int64]] = Recent(16 << 20)
"""Configurations: a layer has the same ones however its operands are stored, and whatever memories a machine has."""


def _configurations(
    loops: Loops, sizes: tuple[tuple[str, int], ...], flat: bool, psums_chain: bool
) -> NDArray[np.int64]:
    """Build all configurations with a row for each place, so that the factors of a place lie next to each other."""
    result = np.ones((at.PLACES, 1), dtype=np.int64)
    for axis, size in sorted(sizes, key=lambda axis: axis[1] > COMPLETE):  # long ones last
        allowed = spatial_dimensions(loops, axis, flat, psums_chain)
        if size <= COMPLETE:
            table = _table(axis, allowed, axis_products(size, tuple(min(size, loops.sizes[d]) for d in allowed)))
            result = _products(result, table)
            result = result[:, _useful(result, loops)]
        else:
            result = _filled(result, axis, size, allowed, loops)
    return np.ascontiguousarray(result.T)


def _products(some: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Every configuration of the first, [at.PLACES, n], with every one of the second."""
    return (some[:, :, None] * others[:, None, :]).reshape(at.PLACES, -1)


def _table(axis: str, dimensions: list[str], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    full = np.ones((at.PLACES, len(rows)), dtype=np.int64)
    for column, dimension in enumerate(dimensions):
        full[PLACES[axis][dimension]] = rows[:, column]
    return full


def _filled(known: NDArray[np.int64], axis: str, size: int, dimensions: list[str], loops: Loops) -> NDArray[np.int64]:
    """Extend configurations by a long axis, filled as far as what the other axes leave of the layer allows."""
    if not dimensions:
        return known
    left = np.stack([-(-loops.sizes[d] // parts_of(known.T, d)) for d in dimensions], axis=1)
    grown = []
    for caps in np.unique(left, axis=0):
        same = known[:, (left == caps).all(axis=1)]
        table = _table(axis, dimensions, axis_products(size, tuple(min(size, int(cap)) for cap in caps)))
        grown.append(_products(same, table))
    return np.concatenate(grown, axis=1)


def parts_of(rows: NDArray[np.int64], dimension: str) -> NDArray[np.int64]:
    """Parts of a dimension over all axes, of each of some configurations, int64 [configurations, at.PLACES]."""
    columns = [places[dimension] for places in PLACES.values() if dimension in places]
    parts: NDArray[np.int64] = rows[:, columns].prod(axis=1)
    return parts


def _useful(known: NDArray[np.int64], loops: Loops) -> NDArray[np.bool_]:
    """Configurations without a part that stays empty: one part less on any axis would not do."""
    keep = np.ones(known.shape[1], dtype=bool)
    for dimension, size in loops.sizes.items():
        places = [places[dimension] for places in PLACES.values() if dimension in places]
        cut = [place for place in places if (known[place] > 1).any()]
        total = parts_of(known.T, dimension) if cut else 1
        for place in cut:
            factor = known[place]
            keep &= (factor == 1) | (total // factor * (factor - 1) < size)
    return keep


def factors_of(row: NDArray[np.int64]) -> dict[str, Factors]:
    """The four axes' factors of one configuration."""
    return {axis: Factors(**{d: int(row[column]) for d, column in columns.items()}) for axis, columns in PLACES.items()}
