"""Dealing one dimension over tiles, clusters and PEs: the kernels' one form of `mapping.dealing.deal`.

A dimension is cut into tiles of equal length (the last one holds what is left), and each tile is dealt evenly over its
parts, in order.  Output rows are dealt in blocks to the clusters and inside a cluster in strips of neighbouring rows to
the PEs; all other dimensions are dealt in blocks to the PEs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.compile import kernel


class Cut(NamedTuple):
    """Into how many parts the array cuts one dimension, int64."""

    clusters: Any
    """Parts over the cluster array."""
    local: Any
    """Parts over the PEs of a cluster."""
    columns: Any
    """Parts over the columns of the cluster array (of those over the cluster array)."""
    pe_columns: Any
    """Parts over the PE columns (of those over the PEs of a cluster)."""


class Dealt(NamedTuple):
    """How a dimension, or one tile of it, is dealt, int64; fields same as `mapping.dealing.Deal`, summed over tiles."""

    steps: Any
    units: Any
    clusters: Any
    rows: Any
    strips: Any
    cluster_steps: Any
    row_steps: Any
    first_units: Any
    """Parts of the first cluster in use."""


class Tiled(NamedTuple):
    """How a dimension is cut into tiles: their number and length, the largest of them, and the sum over all."""

    tiles: Any
    length: Any
    top: Any
    """`Dealt` of the largest tile."""
    total: Any
    """`Dealt` of all tiles together."""


@kernel(helper=True, reference_counts=False)
def cdiv(a, b):
    """Smallest integer that is at least a / b."""
    return (a + b - 1) // b


@kernel(helper=True, reference_counts=False)
def block_of(elements, parts, part):
    """First element, and number of elements, of one part of a tile that is dealt in blocks."""
    steps = cdiv(elements, parts)
    first = part * steps
    return first, max(0, min(steps, elements - first))


@kernel(helper=True, reference_counts=False)
def strip_of(elements, clusters, local, cluster, part):
    """First row, and number of rows, of one part of a cluster's block that is dealt in strips of neighbours."""
    first, block = block_of(elements, clusters, cluster)
    return first + part, cdiv(max(0, block - part), local)


@kernel(helper=True, reference_counts=False)
def deal_blocks(elements, cut):
    """Deal one tile in blocks."""
    steps = cdiv(elements, cut.clusters * cut.local)
    units = cdiv(elements, steps)
    clusters = cdiv(units, cut.local)
    return Dealt(
        steps=steps,
        units=units,
        clusters=clusters,
        rows=cdiv(clusters, cut.columns),
        strips=clusters,
        cluster_steps=min(elements, cut.local * steps),
        row_steps=min(elements, cut.pe_columns * steps),
        first_units=min(cut.local, units),
    )


@kernel(helper=True, reference_counts=False)
def deal_strips(elements, cut):
    """Deal one tile of output rows: blocks to clusters, strips of neighbours to the PEs of a cluster."""
    block = cdiv(elements, cut.clusters)
    clusters = cdiv(elements, block)
    last = elements - (clusters - 1) * block
    steps = cdiv(block, cut.local)
    first_units = min(cut.local, block)
    return Dealt(
        steps=steps,
        units=(clusters - 1) * first_units + min(cut.local, last),
        clusters=clusters,
        rows=cdiv(clusters, cut.columns),
        strips=(clusters - 1) * steps + cdiv(last, cut.local),
        cluster_steps=block,
        row_steps=block,
        first_units=first_units,
    )


@kernel(helper=True, reference_counts=False)
def summed(full, top, last):
    """Sum over `full` tiles that are dealt like `top`, and one more."""
    return Dealt(
        steps=full * top.steps + last.steps,
        units=full * top.units + last.units,
        clusters=full * top.clusters + last.clusters,
        rows=full * top.rows + last.rows,
        strips=full * top.strips + last.strips,
        cluster_steps=full * top.cluster_steps + last.cluster_steps,
        row_steps=full * top.row_steps + last.row_steps,
        first_units=full * top.first_units + last.first_units,
    )


@kernel(helper=True, reference_counts=False)
def tile_blocks(size, tile, cut):
    """Cut a dimension into tiles of `tile` elements a part, and deal each in blocks."""
    length = tile * cut.clusters * cut.local
    tiles = cdiv(size, length)
    top = deal_blocks(min(size, length), cut)
    if tiles == 1:
        return Tiled(tiles, length, top, top)
    return Tiled(tiles, length, top, summed(tiles - 1, top, deal_blocks(size - (tiles - 1) * length, cut)))


@kernel(helper=True, reference_counts=False)
def tile_strips(size, tile, cut):
    """Cut output rows into tiles of `tile` rows per part, and deal each in strips."""
    length = tile * cut.clusters * cut.local
    tiles = cdiv(size, length)
    top = deal_strips(min(size, length), cut)
    if tiles == 1:
        return Tiled(tiles, length, top, top)
    return Tiled(tiles, length, top, summed(tiles - 1, top, deal_strips(size - (tiles - 1) * length, cut)))


# --- how one spatial configuration cuts each dimension -----------------------------------------------------------
@kernel(helper=True, reference_counts=False)
def cut_groups(s):
    """How a configuration cuts the groups."""
    return Cut(s[at.RG] * s[at.KG], s[at.YG] * s[at.XG], s[at.KG], s[at.XG])


@kernel(helper=True, reference_counts=False)
def cut_images(s):
    """How a configuration cuts the images."""
    return Cut(s[at.RN] * s[at.KN], s[at.YN] * s[at.XN], s[at.KN], s[at.XN])


@kernel(helper=True, reference_counts=False)
def cut_filters(s):
    """How a configuration cuts the filters of a group."""
    return Cut(s[at.RM] * s[at.KM], s[at.YM] * s[at.XM], s[at.KM], s[at.XM])


@kernel(helper=True, reference_counts=False)
def cut_channels(s):
    """How a configuration cuts the channels of a group."""
    return Cut(s[at.RC], s[at.YC], 1, 1)


@kernel(helper=True, reference_counts=False)
def cut_rows(s):
    """How a configuration cuts the output rows."""
    return Cut(s[at.RP] * s[at.KP], s[at.YP] * s[at.XP], s[at.KP], s[at.XP])


@kernel(helper=True, reference_counts=False)
def cut_columns(s):
    """How a configuration cuts the output columns."""
    return Cut(s[at.RQ] * s[at.KQ], s[at.YQ] * s[at.XQ], s[at.KQ], s[at.XQ])
