"""One loop nest for every dataflow, outer to inner:

    DRAM    tiles of N, P, Q and of M, either outermost; groups outside of all
    GLB     passes over channels, filter rows and everything else of the tile that one pass does not hold
    array   the factors of G N M C P Q R S that the dataflow may unroll
    PE      the loops that a PE walks while its tensor rests (`Dataflow.inside`)

A nest speaks of the layer in its normal form (`mapping.loops`).  Lengths of tiles are multiples of those of a pass, the
last tile and the last pass are what is left; every count is a sum over them and exact.  The array is a pool of PEs:
its rows and columns are not looked at, as in the framework of ISCA 2016 (VI-C).

All numbers are arrays, an element a nest, so that the search counts many of them at once; one nest is an array of one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.dataflow.rules import Dataflow
from accelerator_sim.mapping.loops import Loops, Window
from accelerator_sim.mapping.problem import MappingProblem
from accelerator_sim.workload.arrays import Ints

DIMENSIONS = "GNMCPQRS"


class Keep(StrEnum):
    """What the GLB keeps of a tensor of operands."""

    ALL = "all channels"
    """All channels of the tile: they are not fetched again while the other tensor's tiles pass."""
    PASS = "channels of a pass"
    """What one pass over the channels needs."""
    NONE = "nothing"
    """Words go from off-chip to the PEs each time that they are needed."""


@dataclass(frozen=True)
class Residence:
    """Which tile is the outer one, and what the GLB keeps."""

    filters_outer: bool
    """Whether the tiles of positions pass while a tile of filters stays, instead of the other way round."""
    iact: Keep
    weight: Keep

    def __post_init__(self) -> None:
        outer = self.filters_outer
        if (self.iact is Keep.ALL and outer) or (self.weight is Keep.ALL and not outer):
            raise ValueError("all channels stay of the outer tile: of iacts, or with filters_outer of weights")
        if self.weight is Keep.PASS and outer:
            raise ValueError("weights of the outer tile stay with all channels, or are not kept")


def ceil_div(a: Ints, b: Ints | int) -> Ints:
    """Smallest integers that are at least a / b."""
    return -(-a // b)


def units_of(elements: Ints, part: Ints, strips: bool) -> Ints:
    """PEs, of `part`, that elements are dealt to: in equal blocks, or in strips of neighbours (as `mapping.deal`)."""
    return np.minimum(part, elements) if strips else ceil_div(elements, ceil_div(elements, part))


def steps_of(size: int, part: Ints, length: Ints, strips: bool) -> tuple[Ints, Ints, Ints]:
    """Deal `size` elements in passes of `length`, each evenly over `part` PEs.

    Returns the passes, the elements of the busiest PE and the PEs in use, both summed over the passes.
    """
    passes = ceil_div(np.full_like(length, size), length)
    first, last = np.minimum(length, size), size - (passes - 1) * length
    steps = (passes - 1) * ceil_div(first, part) + ceil_div(last, part)
    return passes, steps, (passes - 1) * units_of(first, part, strips) + units_of(last, part, strips)


@dataclass(frozen=True, eq=False)
class Nests:
    """Nests of one layer on one machine, of one dataflow and one `Residence`.  Arrays have an element a nest.

    `spatial` has the PEs over which each dimension is cut (IS: positions, whose windows the PEs hold pixel by pixel);
    `m0` and `c0` the filters and channels in a PE (1 except under RS); `tile` the length of the GLB tile of N, P, Q, M.
    """

    problem: MappingProblem
    flow: Dataflow
    residence: Residence
    spatial: dict[str, Ints]
    m0: Ints
    c0: Ints
    tile: dict[str, Ints]

    @property
    def loops(self) -> Loops:
        """The layer."""
        return self.problem.loops

    def where(self, chosen: NDArray[Any]) -> Nests:
        """Some of the nests, by index or by mask."""
        return replace(
            self,
            spatial={d: n[chosen] for d, n in self.spatial.items()},
            m0=self.m0[chosen],
            c0=self.c0[chosen],
            tile={d: n[chosen] for d, n in self.tile.items()},
        )

    def at(self, index: int) -> Nests:
        """One of the nests, alone."""
        return self.where(np.array([index]))

    # --- passes ------------------------------------------------------------------------------------------------------
    @cached_property
    def length(self) -> dict[str, Ints]:
        """Elements of every dimension in a full pass."""
        sizes, lengths = self.loops.sizes, {}
        for d in DIMENSIONS:
            if d in self.flow.inside:
                lengths[d] = np.minimum(self.tile[d], sizes[d]) if d in self.tile else np.full_like(self.m0, sizes[d])
            else:
                lengths[d] = np.minimum(self.spatial[d] * {"M": self.m0, "C": self.c0}.get(d, 1), sizes[d])
        return lengths

    @cached_property
    def _dealt(self) -> dict[str, tuple[Ints, Ints, Ints]]:
        sizes, one = self.loops.sizes, np.ones_like(self.m0)
        alone = one, one, one
        return {
            d: alone if sizes[d] == 1 else steps_of(sizes[d], self.spatial[d], self.length[d], d == "P")
            for d in DIMENSIONS
        }

    def passes(self, dimension: str) -> Ints:
        """Passes over a dimension."""
        return self._dealt[dimension][0]

    def steps(self, dimension: str) -> Ints:
        """Elements of the busiest PE, summed over the passes."""
        return self._dealt[dimension][1]

    def units(self, dimension: str) -> Ints:
        """PEs in use, summed over the passes."""
        return self._dealt[dimension][2]

    def top(self, dimension: str) -> Ints:
        """PEs that a full pass uses."""
        first = np.minimum(self.length[dimension], self.loops.sizes[dimension])
        return units_of(first, self.spatial[dimension], dimension == "P")

    @cached_property
    def pes(self) -> Ints:
        """PEs that a full pass uses, an IS pixel taking one each."""
        count = np.ones_like(self.m0)
        for d in DIMENSIONS:
            window = {"P": self.loops.rows, "Q": self.loops.columns}.get(d)
            if self.flow.holds("iact") and not self.flow.rows and window is not None:
                count = count * touched(window, np.minimum(self.spatial[d], window.outputs), 1)
            else:
                count = count * self.top(d)
        return count

    @property
    def used_up(self) -> NDArray[np.bool_]:
        """Whether weights (WS) or iacts (IS) leave a PE only when all of their uses are done."""
        single_pass: NDArray[np.bool_] = (self.passes("M") if self.flow.holds("iact") else self.positions_passes) == 1
        return single_pass

    @property
    def positions_passes(self) -> Ints:
        """Passes over the positions."""
        return self.passes("N") * self.passes("P") * self.passes("Q")

    @property
    def accumulations(self) -> Ints:
        """Times that a psum leaves the array, the last one finished.

        In WS the psums of a filter row wait a row of pixels for the next one, in line buffers of the GLB.
        """
        rows = np.full_like(self.m0, self.loops.R) if self.flow.broadcast else self.passes("R")
        return self.passes("C") * self.passes("S") * rows

    # --- tiles -------------------------------------------------------------------------------------------------------
    def tiles(self, dimension: str) -> Ints:
        """GLB tiles of N, P, Q or M."""
        return ceil_div(np.full_like(self.m0, self.loops.sizes[dimension]), self.tile[dimension])

    @property
    def position_tiles(self) -> Ints:
        """GLB tiles of positions."""
        return self.tiles("N") * self.tiles("P") * self.tiles("Q")

    @cached_property
    def weight_rounds(self) -> Ints:
        """Times that each weight is sent to the PEs.

        Weights in SPads stay there from pass to pass where one pass finishes its psums, and where all filters are in it
        or all positions pass before the next filters come.  Where tiles have several passes over filters, the last tile
        is counted as the others, were it one pass; all else is exact.
        """
        rounds = self.positions_passes
        if not self.flow.holds("weight"):
            return rounds
        return np.where(self.weights_stay, 1, rounds)

    @cached_property
    def weights_stay(self) -> NDArray[np.bool_]:
        """Whether each weight is loaded into its SPads once."""
        filters_last = (self.tile["M"] <= self.length["M"]) & self.residence.filters_outer
        alone = (self.passes("C") * self.passes("R") == 1) & ((self.passes("M") == 1) | filters_last)
        loaded_once: NDArray[np.bool_] = alone | (self.positions_passes == 1)
        return loaded_once

    # --- what the GLB keeps, in words --------------------------------------------------------------------------------
    def _tile(self, dimension: str) -> Ints:
        return np.minimum(self.tile[dimension], self.loops.sizes[dimension])

    @property
    def _channels(self) -> Ints:
        return np.minimum(self.length["C"], self.loops.C)

    @property
    def iacts_kept(self) -> Ints:
        """Iacts in the GLB."""
        if self.residence.iact is Keep.NONE:
            return np.zeros_like(self.m0)
        channels = self.loops.C if self.residence.iact is Keep.ALL else self._channels
        rows = touched(self.loops.rows, self._tile("P"), 1)
        return self.spatial["G"] * self._tile("N") * channels * rows * touched(self.loops.columns, self._tile("Q"), 1)

    @property
    def weights_kept(self) -> Ints:
        """Weights in the GLB."""
        if self.residence.weight is Keep.NONE:
            return np.zeros_like(self.m0)
        channels = self.loops.C if self.residence.weight is Keep.ALL else self._channels
        return self.spatial["G"] * self._tile("M") * channels * self.loops.R * self.loops.S

    @property
    def psums_kept(self) -> Ints:
        """Psums in the GLB: those of a tile that a pass does not finish, and the line buffers of WS."""
        words = self.spatial["G"] * self._tile("N") * self._tile("P") * self._tile("Q") * self._tile("M")
        if not self.flow.broadcast:
            return np.where(self.accumulations > 1, words, 0)
        # As in the program of the study: between two filter rows lie the psums of a row of pixels.
        line = max(self.loops.columns.touched(self.loops.Q, 1) - self.loops.S, 0)
        lines = self.spatial["M"] * self.spatial["C"] * (self.loops.R - 1) * line
        psums: Ints = np.where(self.passes("C") > 1, words, 0) + lines
        return psums


def touched(window: Window, outputs: Ints, blocks: Ints | int) -> Ints:
    """`Window.touched` for arrays."""
    positions: Ints = window.touched(outputs, blocks)  # type: ignore[arg-type, assignment]
    return positions


def streamed(window: Window, outputs: int, blocks: Ints, taps: Ints) -> Ints:
    """`Window.streamed` for arrays."""
    if window.dilation > 1:
        return taps * outputs
    return np.where(window.stride >= taps, taps * outputs, window.stride * (outputs - blocks) + taps * blocks)
