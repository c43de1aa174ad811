"""Words that a nest moves between DRAM, GLB, array and SPads, in closed form and exact for imperfect factors.

The rule behind every count (ISCA 2016 III-D): a word is read from a level as often as the loops outside bring it back,
and each read reaches all PEs that need it at the same time.  A tensor that does not rest in the SPads comes over the
network at every MAC.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.dataflow.nest import Keep, Nests, ceil_div, streamed, touched
from accelerator_sim.mapping.loops import Window
from accelerator_sim.workload.arrays import Ints


@dataclass(frozen=True, eq=False)
class NestWords:
    """Words by level, an element a nest.

    `fetched` come from off-chip, `filled` are written to the GLB, `read` from it, `sent` are put on the network, each
    once whatever the number of its targets; `delivered` arrive at PEs, `handed` go on from PE to PE.
    """

    iact_fetched: Ints
    iact_filled: Ints
    iact_read: Ints
    iact_sent: Ints
    iact_delivered: Ints
    iact_handed: Ints
    weight_fetched: Ints
    weight_filled: Ints
    weight_read: Ints
    weight_sent: Ints
    weight_delivered: Ints
    psum_in: Ints
    psum_out: Ints
    psum_read: Ints
    psum_written: Ints
    psum_handed: Ints
    spad_iact_read: Ints
    spad_weight_read: Ints
    spad_weight_written: Ints
    spad_psum: Ints
    """Psums updated in a SPad: one read and one write each."""

    def at(self, index: int) -> dict[str, int]:
        """The counts of one nest, by name."""
        return {part.name: int(getattr(self, part.name)[index]) for part in fields(self)}


def words_of(nests: Nests) -> NestWords:
    """Count the words of nests."""
    count = _NestCount(nests)
    return NestWords(**{part.name: count.full(getattr(count, part.name)) for part in fields(NestWords)})


@dataclass(frozen=True, eq=False)
class _NestCount:
    nests: Nests

    def full(self, words: Ints | int) -> Ints:
        """One element per nest, also where all have the same count."""
        return np.broadcast_to(np.asarray(words, dtype=np.int64), self.nests.m0.shape)

    @property
    def planes(self) -> int:
        loops = self.nests.loops
        return loops.G * loops.N * loops.C

    # --- iacts -------------------------------------------------------------------------------------------------------
    @cached_property
    def iact_sent(self) -> Ints:
        """Every pixel of a window once a pass, and strip of rows where a PE walks several."""
        n, rows = self.nests, self.nests.loops.rows
        blocks = n.steps("P") if n.flow.rows else n.passes("P")
        full, last = n.passes("R") - 1, n.loops.R - (n.passes("R") - 1) * n.length["R"]
        lines = full * streamed(rows, rows.outputs, blocks, n.length["R"]) + streamed(rows, rows.outputs, blocks, last)
        return self.planes * lines * self._sent_columns * n.passes("M")

    @property
    def _sent_columns(self) -> Ints:
        """Columns of one row that go to the array, over all passes of the taps."""
        n, columns = self.nests, self.nests.loops.columns
        if n.flow.rows:
            return touched(columns, self.full(columns.outputs), n.units("Q"))
        if self._single_taps:
            return self.full(columns.outputs * columns.taps)
        # With dilation a PE takes none of the inputs between its taps.
        windows = columns.outputs * columns.taps
        return np.minimum(touched(columns, self.full(columns.outputs), n.passes("Q")), windows)

    @property
    def _single_taps(self) -> bool:
        """Whether each tap is a pass of its own, so that nothing of a window is shared (NLR)."""
        return "S" not in self.nests.flow.inside + self.nests.flow.parallel

    @cached_property
    def iact_fetched(self) -> Ints:
        n = self.nests
        if n.residence.iact is Keep.NONE:
            return self._fetched_as_sent
        area = self._fetched(n.loops.rows, n.tile["P"]) * self._fetched(n.loops.columns, n.tile["Q"])
        return self.planes * area * self.iact_rounds

    @property
    def iact_rounds(self) -> Ints:
        """Times that each tile of iacts is fetched."""
        n = self.nests
        return np.ones_like(n.m0) if n.residence.iact is Keep.ALL else n.tiles("M")

    def _fetched(self, window: Window, tile: Ints) -> Ints:
        """Inputs that all tiles of a length fetch, with padding where the file stores it."""
        if self.nests.problem.architecture.dram.padding == "stored":
            return touched(window, self.full(window.outputs), ceil_div(self.full(window.outputs), tile))
        return fetched_by_tile(window)[np.minimum(tile, window.outputs)]

    @property
    def _fetched_as_sent(self) -> Ints:
        """What is sent, straight from off-chip: without padding, unless the file stores it."""
        n = self.nests
        if n.problem.architecture.dram.padding == "stored":
            return self.iact_sent
        if self._single_taps:
            real = n.loops.rows.touched_inside * n.loops.columns.touched_inside
            return self.planes * real * n.passes("M")
        area = self._fetched(n.loops.rows, n.length["P"]) * self._fetched(n.loops.columns, n.length["Q"])
        return self.planes * area * n.passes("M")

    @property
    def iact_filled(self) -> Ints | int:
        n = self.nests
        if n.residence.iact is Keep.NONE:
            return 0 if n.problem.architecture.glb.iact.bypass else self.iact_sent
        rows = touched(n.loops.rows, self.full(n.loops.P), n.tiles("P"))
        return self.planes * rows * touched(n.loops.columns, self.full(n.loops.Q), n.tiles("Q")) * self.iact_rounds

    @property
    def iact_read(self) -> Ints | int:
        bypasses = self.nests.residence.iact is Keep.NONE and self.nests.problem.architecture.glb.iact.bypass
        return 0 if bypasses else self.iact_sent

    @property
    def iact_delivered(self) -> Ints | int:
        n = self.nests
        if n.flow.rows:
            columns = touched(n.loops.columns, self.full(n.loops.Q), n.units("Q"))
            return self.planes * n.loops.P * n.loops.R * columns * n.units("M")
        if n.flow.holds("iact"):
            return self.iact_sent
        if n.flow.shifted:  # the first PE of a run gets the word, for each of the filters beside each other
            return self.iact_sent // n.passes("M") * n.units("M")
        return n.loops.macs

    @property
    def iact_handed(self) -> Ints | int:
        """Iacts that come from a neighbour, whose window overlaps: no word is sent twice in a pass."""
        return self.nests.loops.macs - self.iact_delivered if self.nests.flow.shifted else 0

    # --- weights -----------------------------------------------------------------------------------------------------
    @property
    def weight_sent(self) -> Ints:
        return self.nests.loops.weights * self.nests.weight_rounds

    @property
    def weight_fetched(self) -> Ints:
        n = self.nests
        if n.residence.weight is Keep.NONE:
            return self.weight_sent
        if n.residence.weight is Keep.ALL:
            return self.full(n.loops.weights)
        all_weights = (n.tiles("M") == 1) & (n.passes("C") == 1)
        return n.loops.weights * np.where(all_weights, 1, n.position_tiles)

    @property
    def _through(self) -> bool:
        """Whether weights lie in the GLB, if only on their way."""
        return self.nests.residence.weight is not Keep.NONE or self.nests.problem.weight_through_glb

    @property
    def weight_filled(self) -> Ints | int:
        return self.weight_fetched if self._through else 0

    @property
    def weight_read(self) -> Ints | int:
        return self.weight_sent if self._through else 0

    @property
    def weight_delivered(self) -> Ints | int:
        n = self.nests
        if not n.flow.holds("weight"):
            return n.loops.macs
        over_all = n.units("N") * n.units("P") * n.units("Q")
        return n.loops.weights * np.where(n.weights_stay, n.top("N") * n.top("P") * n.top("Q"), over_all)

    # --- psums -------------------------------------------------------------------------------------------------------
    @property
    def psum_out(self) -> Ints:
        return self.nests.loops.outputs * self.nests.accumulations

    @property
    def psum_in(self) -> Ints:
        first = 0 if self.nests.problem.architecture.glb.psum_read_first else self.nests.loops.outputs
        return self.psum_out - first

    @property
    def _psums_bypass(self) -> NDArray[np.bool_]:
        single_accumulation: NDArray[np.bool_] = self.nests.accumulations == 1
        return single_accumulation & self.nests.problem.architecture.glb.psum_final_to_dram

    @property
    def psum_read(self) -> Ints:
        drained = 0 if self.nests.problem.architecture.glb.psum_final_to_dram else self.nests.loops.outputs
        return np.where(self._psums_bypass, 0, self.psum_in + drained)

    @property
    def psum_written(self) -> Ints:
        last = self.nests.loops.outputs if self.nests.problem.architecture.glb.psum_final_to_dram else 0
        return self.psum_out - last

    @property
    def psum_chain(self) -> Ints | int:
        """Partial results of PEs: what a PE sums up by itself, or every product where psums rest in none."""
        n = self.nests
        if n.flow.rows:
            return n.loops.outputs * n.units("C") * n.loops.R
        return n.loops.outputs if n.flow.holds("psum") else n.loops.macs

    @property
    def psum_handed(self) -> Ints:
        return self.psum_chain - self.psum_out

    # --- SPads -------------------------------------------------------------------------------------------------------
    @property
    def spad_iact_read(self) -> Ints | int:
        n = self.nests
        if not n.flow.holds("iact"):
            return 0
        if n.problem.architecture.pe.iact_read == "per_mac":
            return n.loops.macs
        return n.loops.macs // n.loops.M * n.units("M")

    @property
    def spad_weight_read(self) -> Ints | int:
        n = self.nests
        if not n.flow.holds("weight"):
            return 0
        simd = n.problem.architecture.lanes
        first = ceil_div(np.minimum(n.length["M"], n.loops.M), n.spatial["M"])
        last = n.steps("M") - (n.passes("M") - 1) * first
        ends = [(np.minimum(n.length["M"], n.loops.M), first)]
        ends.append((n.loops.M - (n.passes("M") - 1) * n.length["M"], last))
        slots = [_slots(elements, steps, simd) for elements, steps in ends]
        return n.loops.macs // n.loops.M * ((n.passes("M") - 1) * slots[0] + slots[1])

    @property
    def spad_weight_written(self) -> Ints | int:
        if not self.nests.flow.holds("weight"):
            return 0
        per_word = self.nests.problem.architecture.weights_per_word
        return ceil_div(self.full(self.weight_delivered), per_word)

    @property
    def spad_psum(self) -> Ints | int:
        if not self.nests.flow.holds("psum"):
            return 0
        return self.nests.loops.macs - self.psum_chain


@lru_cache(maxsize=256)
def fetched_by_tile(window: Window) -> Ints:
    """`Window.fetched` for tiles of any length, [outputs + 1]."""
    if window.stride >= window.extent:  # nothing overlaps
        return np.full(window.outputs + 1, window.spanned_inside, dtype=np.int64)
    return np.array([0, *(window.fetched(length) for length in range(1, window.outputs + 1))], dtype=np.int64)


def _slots(elements: Ints, steps: Ints, simd: int) -> Ints:
    """Words of `simd` weights that the PEs read for `elements` filters dealt `steps` a PE, the last PE the rest."""
    units = ceil_div(elements, steps)
    return (units - 1) * ceil_div(steps, simd) + ceil_div(elements - (units - 1) * steps, simd)
