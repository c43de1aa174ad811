"""The schedule of one layer: the words that move between the levels of the machine, exactly counted.

All engines read a Schedule.  It counts nominal words (zeros and, where it is moved, padding included), not bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.mapping.dealing import Deal, DealtTile
from accelerator_sim.mapping.mapping import Mapping, Stationary
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.workload.layer import Layer

if TYPE_CHECKING:
    from accelerator_sim.mapping.search import Found


@dataclass(frozen=True)
class Schedule(Tiling):
    """A tiling and all the traffic that follows from it."""

    @classmethod
    def of_layer(cls, layer: Layer, architecture: Architecture, mapping: Mapping) -> Schedule:
        """The schedule of a layer with a mapping, legal or not; the mapping gives the encodings of the operands.

        Raises ValueError for a layer without multiply-accumulates, or for CSC on a PE that cannot read it.
        """
        return cls(problem_of(layer, architecture, mapping.iact_encoding, mapping.weight_encoding), mapping)

    @classmethod
    def of_found(cls, found: Found) -> Schedule:
        """The schedule of a mapping that was searched for."""
        return cls(found.problem, found.mapping)

    @property
    def private_links(self) -> bool:
        """Whether every PE gets its words by transfers of its own."""
        return self.problem.architecture.private

    # --- iacts -------------------------------------------------------------------------------------------------------
    @cached_property
    def _planes(self) -> int:
        return self.loops.G * self.loops.N * self.loops.C

    @cached_property
    def iact_fetched(self) -> int:
        """Iacts read from off-chip."""
        if self.loops.held:
            return 0
        rows, columns = self.loops.rows, self.loops.columns
        p, q = self.deals.P, self.deals.Q
        if self.problem.architecture.dram.padding == "stored":
            area = rows.touched(self.loops.P, p.tiles) * columns.touched(self.loops.Q, q.tiles)
        else:
            area = rows.fetched(p.length) * columns.fetched(q.length)
        return self._planes * area * self.iact_rounds

    @cached_property
    def iact_filled(self) -> int:
        """Iacts written into GLB banks (each cluster keeps the rows and columns of its own outputs)."""
        if self.iact_bypasses_glb or self.loops.held:
            return 0
        rows = self.loops.rows.touched(self.loops.P, self.deals.P.clusters)
        columns = self.loops.columns.touched(self.loops.Q, self.deals.Q.clusters)
        return self._planes * rows * columns * self.iact_rounds

    @cached_property
    def _streamed_rows(self) -> int:
        """Input rows sent in one filter pass: over all passes over R (of one tile of S), tiles, clusters and strips."""
        rows, strips = self.loops.rows, self.deals.P.strips
        return self.deals.R.summed(lambda taps: rows.streamed(self.loops.P, strips, taps.elements))

    @cached_property
    def iact_sent(self) -> int:
        """Iacts that sources put on the network, each once whatever the number of targets (unicast: once a target)."""
        if self.private_links:
            return self.iact_delivered
        columns = self.columns_in_passes(self.loops.Q, self.deals.Q.units)
        return self._planes * self._streamed_rows * columns * self.deals.M.tiles

    @cached_property
    def iact_cluster_deliveries(self) -> int:
        """Iacts that clusters receive."""
        if self.private_links:
            return self.iact_delivered
        columns = self.columns_in_passes(self.loops.Q, self.deals.Q.units)
        return self._planes * self._streamed_rows * columns * self.deals.M.clusters

    @cached_property
    def iact_hops(self) -> int:
        """Iacts times the mesh links that they cross: down the clusters of a filter group, then along its rows."""
        m = self.deals.M
        stride = self.mapping.cluster_rows.C
        links = (m.rows - m.tiles) * stride + (m.clusters - m.rows)
        columns = self.columns_in_passes(self.loops.Q, self.deals.Q.units)
        return self._planes * self._streamed_rows * columns * links

    @cached_property
    def iact_delivered(self) -> int:
        """Iacts that PEs receive."""
        rows = self.loops.P * self.loops.R
        columns = self.columns_in_passes(self.loops.Q, self.deals.Q.units)
        return self._planes * rows * columns * self.deals.M.units

    # --- weights -----------------------------------------------------------------------------------------------------
    @property
    def weight_multicast(self) -> bool:
        """Whether clusters of a row that need the same weights share one source.

        They do where the links between them carry no other stream; else every cluster has its own source.
        """
        return self.mapping.cluster_columns.M * self.mapping.cluster_columns.G == 1

    @property
    def weight_fetched(self) -> int:
        """Weights read from off-chip."""
        stays = self.mapping.stationary is Stationary.WEIGHT
        return self.loops.weights * (1 if stays else self.weight_rounds)

    @property
    def weights_prefetched(self) -> bool:
        """Whether the weights of the next pass wait in the GLB, so that they can be fetched ahead of it."""
        architecture = self.problem.architecture
        if not architecture.overlap.dram_weight or self.mapping.stationary is Stationary.WEIGHT:
            return False
        room = architecture.cluster_array.count * architecture.glb.own_bits("weight")
        return self.weight_pass * architecture.precision.weight <= room

    @property
    def weight_filled(self) -> int:
        """Weights written into GLB banks."""
        if self.mapping.stationary is Stationary.WEIGHT or self.problem.weight_through_glb:
            return self.weight_fetched
        return 0

    @property
    def weight_read(self) -> int:
        """Weights read from GLB banks."""
        if not self.weight_filled:
            return 0
        return self.weight_sent if self.private_links else self.loops.weights * self.weight_rounds

    def _sent_to(self, dimension: str) -> Deal | DealtTile:
        """The parts of N, P or Q that weights are sent to: of the largest tile where they stay, else of all tiles."""
        dealt: Deal = getattr(self.deals, dimension)
        return dealt.top if self.weights_stay_in_pes else dealt

    def _positions(self, parts: Callable[[Deal | DealtTile], int]) -> int:
        """Product over N, P, Q of a count of parts that weights are sent to."""
        return math.prod(parts(self._sent_to(dimension)) for dimension in "NPQ")

    @cached_property
    def weight_cluster_deliveries(self) -> int:
        """Weights that clusters receive."""
        return self.loops.weights * self._positions(lambda dealt: dealt.units if self.private_links else dealt.clusters)

    @cached_property
    def weight_sent(self) -> int:
        """Weights that sources (GLB ports; the one bus) put on the network."""
        if self.private_links:
            return self.weight_delivered
        return self.loops.weights * self._positions(
            lambda dealt: dealt.rows if self.weight_multicast else dealt.clusters
        )

    @cached_property
    def weight_hops(self) -> int:
        """Weights times the horizontal mesh links that they cross, to the last of the clusters that need them.

        Places on a row count images before columns before rows (`noc.modes`), so that the links over unused places of
        an edge tile are also crossed.
        """
        if not self.weight_multicast:
            return 0
        links, rows_before, columns = 0, 1, self.mapping.cluster_columns
        strides = {"N": columns.Q * columns.P, "Q": columns.P, "P": 1}
        for dimension, stride in strides.items():
            dealt = self._sent_to(dimension)
            links = links * dealt.rows + rows_before * (dealt.clusters - dealt.rows) * stride
            rows_before *= dealt.rows
        return self.loops.weights * links

    @cached_property
    def weight_delivered(self) -> int:
        """Weights that PEs receive."""
        return self.loops.weights * self._positions(lambda dealt: dealt.units)

    # --- psums -------------------------------------------------------------------------------------------------------
    @property
    def psum_out(self) -> int:
        """Psums that leave a column of PEs, one per psum and pass."""
        return self.loops.outputs * self.accumulations

    @property
    def psum_in(self) -> int:
        """Psums that enter a column of PEs from the GLB."""
        first = 0 if self.problem.architecture.glb.psum_read_first else 1
        return self.loops.outputs * (self.accumulations - first)

    @property
    def psum_written(self) -> int:
        """Psums written into GLB banks."""
        last = 1 if self.problem.architecture.glb.psum_final_to_dram else 0
        return self.loops.outputs * (self.accumulations - last)

    @property
    def psum_drained(self) -> int:
        """Finished psums read from GLB banks on their way off-chip."""
        return 0 if self.problem.architecture.glb.psum_final_to_dram else self.loops.outputs

    @property
    def psum_chain(self) -> int:
        """Partial results of PEs: one for each psum, PE of its chain and pass."""
        return self.loops.outputs * self.deals.C.units * self.loops.R * self.deals.S.tiles

    @property
    def _tap_passes(self) -> int:
        """Accumulation passes over R and S."""
        return self.deals.R.tiles * self.deals.S.tiles

    @property
    def psum_hops(self) -> int:
        """Psums handed from one cluster to the next of their chain."""
        return self.loops.outputs * self._tap_passes * (self.deals.C.clusters - self.deals.C.tiles)

    @property
    def psum_local_hops(self) -> int:
        """Psums handed from one PE to the next inside a cluster."""
        return self.psum_chain - self.loops.outputs * self._tap_passes * self.deals.C.clusters
