"""How a dimension is dealt: into tiles of equal length, and each tile evenly over its parts, in order.

The kernels have the same in one form of their own (`kernels.deal`); the two are compared on drawn cases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple, TypeVar

from accelerator_sim.mapping.loops import Loops
from accelerator_sim.mapping.mapping import AXES, Mapping, ceil_div

Amount = TypeVar("Amount", int, float)


@dataclass(frozen=True)
class DealtTile:
    """How one tile of a dimension is dealt over its parts; fewer elements may leave parts without any."""

    elements: int
    steps: int
    """Elements of the busiest part: the time it takes."""
    units: int
    """Parts in use (PEs)."""
    clusters: int
    """Clusters in use."""
    rows: int
    """Cluster rows in use."""
    strips: int
    """Runs of neighbours that the parts of a cluster work on together."""
    cluster_steps: int
    """Elements of the first cluster; the others have as many, and the last one what is left."""
    row_steps: int
    """Elements of the first PE row of the first cluster, over its columns."""

    def cluster_shares(self) -> list[int]:
        """Elements of each cluster in use."""
        return [min(self.cluster_steps, self.elements - i) for i in range(0, self.elements, self.cluster_steps)]


@dataclass(frozen=True)
class Deal:
    """How one dimension is dealt: `tiles` - 1 tiles like `top`, and the last one, which holds what is left."""

    tiles: int
    length: int
    """Elements of a full tile."""
    top: DealtTile
    """The largest tile."""
    last: DealtTile

    def summed(self, amount: Callable[[DealtTile], Amount]) -> Amount:
        """Sum an amount over all tiles."""
        return (self.tiles - 1) * amount(self.top) + amount(self.last)

    def kinds(self) -> list[tuple[DealtTile, int]]:
        """The different tiles, and how many there are of each."""
        return [(self.top, self.tiles - 1), (self.last, 1)] if self.tiles > 1 else [(self.last, 1)]

    @cached_property
    def steps(self) -> int:
        """Elements of the busiest part, summed over the tiles: the time they take."""
        return self.summed(lambda tile: tile.steps)

    @cached_property
    def units(self) -> int:
        """Parts in use (PEs), summed over the tiles."""
        return self.summed(lambda tile: tile.units)

    @cached_property
    def clusters(self) -> int:
        """Clusters in use, summed over the tiles."""
        return self.summed(lambda tile: tile.clusters)

    @cached_property
    def rows(self) -> int:
        """Cluster rows in use, summed over the tiles."""
        return self.summed(lambda tile: tile.rows)

    @cached_property
    def strips(self) -> int:
        """Runs of neighbours that the parts of a cluster work on together, summed over the tiles."""
        return self.summed(lambda tile: tile.strips)

    @cached_property
    def cluster_steps(self) -> int:
        """Elements of the first cluster, summed over the tiles."""
        return self.summed(lambda tile: tile.cluster_steps)

    @cached_property
    def row_steps(self) -> int:
        """Elements of the first PE row of the first cluster, summed over the tiles."""
        return self.summed(lambda tile: tile.row_steps)


def deal(size: int, tile: int, mapping: Mapping, dimension: str) -> Deal:
    """Deal `size` elements of a dimension in tiles of `tile` elements per part.

    Output rows (P) are dealt in blocks to the clusters and, inside a cluster, in strips of neighbouring rows to the
    PEs, so that their diagonals share iact rows; all other dimensions are dealt in blocks to the PEs.
    """
    parts = AxisParts(*(getattr(getattr(mapping, axis), dimension) for axis in AXES))
    return _dealt(size, tile, parts, dimension == "P")


class AxisParts(NamedTuple):
    """Parts into which each axis cuts a dimension, in the order of `AXES`."""

    cluster_rows: int
    cluster_columns: int
    pe_rows: int
    pe_columns: int

    @property
    def local(self) -> int:
        """Parts over the PEs of a cluster."""
        return self.pe_rows * self.pe_columns

    @property
    def clusters(self) -> int:
        """Parts over the array of clusters."""
        return self.cluster_rows * self.cluster_columns


@lru_cache(maxsize=4096)
def _dealt(size: int, tile: int, cut: AxisParts, strips: bool) -> Deal:
    """Deal a dimension that is cut so over the array; the mappings of a layer have few different ones."""
    length = tile * cut.clusters * cut.local
    tiles = ceil_div(size, length)
    one = _in_strips if strips else _in_blocks
    last = one(size - (tiles - 1) * length, cut)
    return Deal(tiles, length, one(length, cut) if tiles > 1 else last, last)


def _in_strips(elements: int, cut: AxisParts) -> DealtTile:
    local, columns = cut.local, cut.cluster_columns
    block = ceil_div(elements, cut.clusters)
    used = ceil_div(elements, block)
    last = elements - (used - 1) * block
    steps = ceil_div(block, local)
    return DealtTile(
        elements=elements,
        steps=steps,
        units=(used - 1) * min(local, block) + min(local, last),
        clusters=used,
        rows=ceil_div(used, columns),
        strips=(used - 1) * steps + ceil_div(last, local),
        cluster_steps=block,
        row_steps=block,
    )


def _in_blocks(elements: int, cut: AxisParts) -> DealtTile:
    local, columns = cut.local, cut.cluster_columns
    steps = ceil_div(elements, cut.clusters * local)
    units = ceil_div(elements, steps)
    used = ceil_div(units, local)
    return DealtTile(
        elements=elements,
        steps=steps,
        units=units,
        clusters=used,
        rows=ceil_div(used, columns),
        strips=used,
        cluster_steps=min(elements, local * steps),
        row_steps=min(elements, cut.pe_columns * steps),
    )


@dataclass(frozen=True)
class Deals:
    """The deals of all tiled dimensions of a mapping."""

    G: Deal
    N: Deal
    M: Deal
    C: Deal
    P: Deal
    Q: Deal
    R: Deal
    S: Deal


def deals_of(loops: Loops, mapping: Mapping) -> Deals:
    """Deal every dimension of the loops according to the mapping (G and R: one element per part and pass)."""
    tiles = {d: getattr(mapping, f"{d}0") for d in "NMCPQ"} | {"G": 1, "R": 1, "S": min(mapping.S0, loops.S)}
    return Deals(**{d: deal(loops.sizes[d], tiles[d], mapping, d) for d in "GNMCPQRS"})
