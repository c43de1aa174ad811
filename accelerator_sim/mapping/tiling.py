"""How a mapping cuts a layer into tiles and passes, and what of it rests on chip at a time.

A pass is what the array does with one set of weights in its SPads.  The machine runs, outer to inner, the tiles of G,
N, P, Q and M, then the accumulation passes over C, R and S, then the M2 filter passes of the tile.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from accelerator_sim.mapping.dealing import Deals, deals_of
from accelerator_sim.mapping.loops import Loops, Window
from accelerator_sim.mapping.mapping import Mapping, Stationary, ceil_div
from accelerator_sim.mapping.problem import MappingProblem


@dataclass(frozen=True)
class Tiling:
    """A problem, its mapping, and the tiles and passes that follow.  Sizes are in nominal words (zeros included)."""

    problem: MappingProblem
    mapping: Mapping

    @cached_property
    def deals(self) -> Deals:
        """How each dimension is cut."""
        return deals_of(self.loops, self.mapping)

    @property
    def loops(self) -> Loops:
        """The loop nest of the layer."""
        return self.problem.loops

    # --- what a PE holds ---------------------------------------------------------------------------------------------
    @property
    def taps(self) -> int:
        """Filter columns that a PE holds at a time (a full tile of S)."""
        return self.deals.S.length

    @property
    def window_words(self) -> int:
        """Iacts that a PE holds for a window, the gaps of a dilated filter included."""
        return self.mapping.C0 * self.loops.columns.of_taps(0, self.taps).extent

    @property
    def tap_windows(self) -> list[Window]:
        """The window over input columns of each tile of S."""
        size, length = self.loops.S, self.taps
        return [self.loops.columns.of_taps(i, min(length, size - i)) for i in range(0, size, length)]

    def columns_in_passes(self, outputs: int, blocks: int) -> int:
        """Input columns, padding included, that PEs get in all passes over S: `Window.touched` of each pass.

        PEs that reload their windows get all columns of each output.
        """
        columns = self.loops.columns
        if self.problem.reloads:
            return self.deals.S.summed(lambda tile: outputs * columns.of_taps(0, tile.elements).extent)
        return self.deals.S.summed(lambda tile: columns.of_taps(0, tile.elements).touched(outputs, blocks))

    @property
    def iact_pairs(self) -> float:
        """Words stored per nominal iact (expected)."""
        return self.problem.iact_pairs(self.mapping.C0, self.taps)

    @property
    def sent_iact_pairs(self) -> float:
        """Words sent per nominal iact (expected)."""
        return self.problem.sent_iact_pairs(self.mapping.C0, self.taps)

    @property
    def filler_iacts(self) -> float:
        """Filler words sent per nominal iact (expected)."""
        return self.problem.filler_iacts(self.mapping.C0, self.taps)

    @property
    def weight_pairs(self) -> float:
        """Words stored per nominal weight (expected)."""
        return self.problem.weight_pairs(self.mapping.M0)

    # --- how often ---------------------------------------------------------------------------------------------------
    @property
    def tiles(self) -> int:
        """Tiles of output positions of one group."""
        return self.deals.N.tiles * self.deals.P.tiles * self.deals.Q.tiles

    @property
    def accumulations(self) -> int:
        """Passes that add up to one psum."""
        return self.deals.C.tiles * self.deals.R.tiles * self.deals.S.tiles

    @property
    def filter_tiles(self) -> int:
        """Tiles of filters in the GLB."""
        return ceil_div(self.deals.M.tiles, self.mapping.M2)

    @property
    def passes(self) -> int:
        """Processing passes of the layer."""
        return self.deals.G.tiles * self.tiles * self.accumulations * self.deals.M.tiles

    @property
    def active_pes(self) -> int:
        """PEs that a full pass uses."""
        d = self.deals
        count = 1
        for dimension in (d.G, d.N, d.M, d.C, d.P, d.Q, d.R):
            count *= dimension.top.units
        return count

    @property
    def weights_stay_in_pes(self) -> bool:
        """Whether every weight is loaded into its SPads once."""
        kept, passes = self.mapping.stationary, self.mapping.M2
        filters_last = kept is Stationary.PE_WEIGHT or (kept is Stationary.WEIGHT and passes == 1)
        stay = self.problem.architecture.pe.weights_stay
        single = stay and self.accumulations == 1 and (self.deals.M.tiles == 1 or filters_last)
        return single or self.tiles == 1

    @property
    def weight_rounds(self) -> int:
        """Times that each weight is sent to the PEs."""
        return 1 if self.weights_stay_in_pes else self.tiles

    @property
    def iact_rounds(self) -> int:
        """Times that each iact tile is fetched from off-chip."""
        return 1 if self.mapping.stationary is Stationary.IACT else self.filter_tiles

    @property
    def iact_bypasses_glb(self) -> bool:
        """Whether iacts go straight to the routers: allowed by the file, and read once per fetch."""
        rows = self.loops.rows
        no_shared_rows = self.loops.R == 1 or rows.stride >= rows.extent
        columns = self.loops.columns
        slides = self.mapping.cluster_parts("Q") == 1 and not self.problem.reloads
        no_shared_columns = slides or columns.stride >= columns.extent
        return (
            self.problem.architecture.glb.iact.bypass
            and self.loops.held is None
            and self.mapping.M2 == 1
            and (self.mapping.stationary is not Stationary.IACT or self.deals.M.tiles == 1)
            and self.deals.R.tiles == 1
            and self.deals.S.tiles == 1
            and no_shared_rows
            and no_shared_columns
            and (self.deals.M.units == self.deals.M.tiles or not self.problem.architecture.private)
        )

    @property
    def psum_bypasses_glb(self) -> bool:
        """Whether psums never rest in the GLB: one pass finishes them, and finished psums go off-chip directly."""
        return self.accumulations == 1 and self.problem.architecture.glb.psum_final_to_dram

    # --- capacity ----------------------------------------------------------------------------------------------------
    def _tile(self, dimension: str) -> int:
        length: int = getattr(self.deals, dimension).length
        return min(self.loops.sizes[dimension], length)

    @cached_property
    def iact_tile(self) -> int:
        """Iacts that the GLB of the whole array holds at a time, one copy each."""
        d, stays = self.deals, self.mapping.stationary is Stationary.IACT
        channels = self.loops.C if stays else self._tile("C")
        over_rows, over_columns = self.loops.held or (self.loops.rows, self.loops.columns)
        rows = over_rows.touched(self._tile("P"), d.P.top.clusters)
        columns = over_columns.touched(self._tile("Q"), d.Q.top.clusters)
        groups = self.loops.G if self.loops.held else self._tile("G")
        return groups * self._tile("N") * channels * rows * columns

    @cached_property
    def iact_cluster_tile(self) -> int:
        """Iacts of the first cluster's tile, allocated for full tiles; clusters with other filters share it."""
        stays = self.mapping.stationary is Stationary.IACT
        part = self.mapping.cluster_parts
        channels = part("C") * self.mapping.C0 * (self.deals.C.tiles if stays else 1)
        over_rows, over_columns = self.loops.held or (self.loops.rows, self.loops.columns)
        rows = over_rows.touched(min(part("P") * self.mapping.P0, over_rows.outputs), 1)
        columns = over_columns.touched(min(part("Q") * self.mapping.Q0, over_columns.outputs), 1)
        images = min(part("N") * self.mapping.N0, self.loops.N)
        groups = part("G") * (self.deals.G.tiles if self.loops.held else 1)
        return groups * images * min(channels, self.loops.C) * rows * columns

    @cached_property
    def psum_tile(self) -> int:
        """Psums that the GLB of the whole array holds at a time."""
        filters = min(self.loops.M, self.deals.M.length * self.mapping.M2)
        return self._tile("G") * self._tile("N") * filters * self._tile("P") * self._tile("Q")

    @property
    def psum_column_tile(self) -> int:
        """Psums allocated for the first PE column, whose banks hold them: those of full tiles, never exceeded."""
        m = self.mapping
        return m.M0 * m.M2 * m.N0 * m.P0 * m.Q0

    @cached_property
    def weight_tile(self) -> int:
        """Weights that stay in the GLB."""
        filters = min(self.loops.M, self.deals.M.length * self.mapping.M2)
        return self._tile("G") * filters * self.loops.C * self.loops.R * self.loops.S

    @cached_property
    def weight_pass(self) -> int:
        """Weights of one pass."""
        return self._tile("G") * self._tile("M") * self._tile("C") * self._tile("R") * self._tile("S")
