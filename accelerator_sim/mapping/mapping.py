"""A mapping: how the loops of one layer are split over DRAM, GLB, the array and the SPads of a PE.

The nest is that of row stationary plus (arXiv:1807.07928v1, RS+; JETCAS 2019 IV), outer to inner:

    DRAM    tiles of G, N, P, Q and M, in the order that keeps the stationary tensor in place
    GLB     accumulation passes over C, R and S, then the filters M of the tile
    array   G, N, M, P, Q on clusters and PEs; C and R on the PE rows of a psum chain (C on cluster rows too)
    SPad    images, rows and columns of the tile, then the window of C0 x S0, then the M filters of a PE

Every factor may be imperfect: the last tile is smaller, and is counted as such.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import ClassVar

from accelerator_sim.mapping.loops import Loops


def ceil_div(a: int, b: int) -> int:
    """Smallest integer that is at least a / b."""
    return -(-a // b)


def useful_parts(size: int, most: int) -> list[int]:
    """Parts of a dimension, at most `most`: the fewest that lead to each number of steps, ceil(size / parts)."""
    counts = [1]
    while (steps := ceil_div(size, counts[-1])) > 1:
        parts = ceil_div(size, steps - 1)  # the fewest that save a step
        if parts > most:
            break
        counts.append(parts)
    return counts


class Stationary(StrEnum):
    """The tensor that stays on chip while the tiles of the others change."""

    NONE = "none"
    """Nothing outlives its tile: iacts come once per filter tile, weights once per position tile."""
    IACT = "iact"
    """All channels of an iact tile stay in the GLB while all filters pass."""
    WEIGHT = "weight"
    """The weights of a filter tile stay in the GLB while all positions pass (in the SPads too, if each tile is one
    pass: otherwise the PEs load weights again in every pass)."""
    PE_WEIGHT = "pe_weight"
    """The weights stay in the SPads while all positions pass (one pass holds all that a psum needs)."""


class Encoding(StrEnum):
    """How a tensor is stored from the GLB (or off-chip) to the SPad."""

    RAW = "raw"
    CSC = "csc"


@dataclass(frozen=True)
class Factors:
    """Parts into which one physical axis cuts each dimension."""

    G: int = 1
    N: int = 1
    M: int = 1
    C: int = 1
    P: int = 1
    Q: int = 1
    R: int = 1
    S: ClassVar[int] = 1
    """Columns of a filter are not cut over PEs: a PE slides over the row that it works on."""

    @property
    def used(self) -> int:
        """Places of the axis that the product takes."""
        return self.G * self.N * self.M * self.C * self.P * self.Q * self.R

    def as_dict(self) -> dict[str, int]:
        """The factors above one, by dimension."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) > 1}


TILES = ("M0", "C0", "S0", "N0", "P0", "Q0", "M2")
AXES = ("cluster_rows", "cluster_columns", "pe_rows", "pe_columns")


ALL_COLUMNS = 1 << 31
"""`S0` of a mapping whose PEs hold all columns of a filter row at a time, however many there are."""


@dataclass(frozen=True)
class Mapping:
    """One way to run a layer.  Tiles are lengths per PE; spatial factors are counts of parts.

    `M0` filters and `C0` channels sit in a PE, with `S0` columns of the filter row at a time; `N0`, `P0`, `Q0` are the
    images, rows and columns that a PE computes while its weights stay; `M2` filter passes share one GLB tile (its psums
    and, by default, its iacts).
    """

    cluster_rows: Factors = Factors()
    cluster_columns: Factors = Factors()
    pe_rows: Factors = Factors()
    pe_columns: Factors = Factors()
    M0: int = 1
    C0: int = 1
    S0: int = ALL_COLUMNS
    N0: int = 1
    P0: int = 1
    Q0: int = 1
    M2: int = 1
    stationary: Stationary = Stationary.NONE
    iact_encoding: Encoding = Encoding.RAW
    weight_encoding: Encoding = Encoding.RAW

    def parts(self, dimension: str) -> int:
        """Parts of a dimension over the whole array."""
        return self.cluster_parts(dimension) * self.array_parts(dimension)

    def array_parts(self, dimension: str) -> int:
        """Parts of a dimension over the cluster array."""
        rows: int = getattr(self.cluster_rows, dimension)
        columns: int = getattr(self.cluster_columns, dimension)
        return rows * columns

    def cluster_parts(self, dimension: str) -> int:
        """Parts of a dimension over the PEs of one cluster."""
        rows: int = getattr(self.pe_rows, dimension)
        columns: int = getattr(self.pe_columns, dimension)
        return rows * columns

    def clipped(self, loops: Loops) -> Mapping:
        """The same mapping with per-PE tiles no larger than the layer needs."""
        sizes = loops.sizes
        tiles = {f"{d}0": min(getattr(self, f"{d}0"), ceil_div(sizes[d], self.parts(d))) for d in "MCSNPQ"}
        m_passes = ceil_div(loops.M, self.parts("M") * tiles["M0"])
        return replace(self, **tiles, M2=min(self.M2, m_passes))
