"""Rules that narrow the mapping space: what a compiler is known to do, or what a user wants to hold fixed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.kernels import layout as at
from accelerator_sim.mapping.mapping import Stationary
from accelerator_sim.mapping.problem import MappingProblem, tap_lengths


@dataclass(frozen=True)
class Constraints:
    """Restrictions of the search; None leaves a choice free.

    filters_per_pe, channels_per_pe: allowed M0 and C0; filter_columns_per_pe: the S0 to try, in place of those of
    `problem.tap_lengths` (more than a filter has: all of them); whole_filters: all R filter rows lie on the array at
    once (a PE set is never cut); wide_sets: output rows fill the PE columns before a PE set is folded onto further PE
    rows; one_strip: a GLB tile holds one strip of output rows (P0 = 1); whole_rows: a GLB tile holds whole output rows
    (Q is not tiled); stationary: allowed stationary tensors.
    """

    filters_per_pe: tuple[int, ...] | None = None
    channels_per_pe: tuple[int, ...] | None = None
    filter_columns_per_pe: tuple[int, ...] | None = None
    whole_filters: bool = False
    wide_sets: bool = False
    one_strip: bool = False
    whole_rows: bool = False
    stationary: tuple[Stationary, ...] | None = None

    def restrict(self, n: NDArray[np.int64], fits: NDArray[np.uint8]) -> None:
        """Write the restrictions into the packed integers and the table of legal (M0, C0)."""
        if self.filters_per_pe is not None:
            fits[[m for m in range(len(fits)) if m not in self.filters_per_pe], :] = 0
        if self.channels_per_pe is not None:
            fits[:, [c for c in range(fits.shape[1]) if c not in self.channels_per_pe]] = 0
        if self.one_strip:
            n[at.LIMIT_P0] = 1
        n[at.WHOLE_Q] = self.whole_rows
        if self.stationary is not None:
            order = (Stationary.NONE, Stationary.IACT, Stationary.WEIGHT, Stationary.PE_WEIGHT)
            n[at.KEEP_MASK] &= sum(1 << i for i, kind in enumerate(order) if kind in self.stationary)

    def tap_lengths(self, problem: MappingProblem) -> list[int]:
        """The filter columns that a PE may hold at a time, the most first; empty where none that are allowed fit."""
        if self.filter_columns_per_pe is None:
            return tap_lengths(problem)
        lengths = {min(taps, problem.loops.S) for taps in self.filter_columns_per_pe}
        return [taps for taps in sorted(lengths, reverse=True) if problem.spad_limit(1, 1, taps) is None]

    def kept(self, rows: NDArray[np.int64], problem: MappingProblem) -> NDArray[np.int64]:
        """The spatial configurations that obey."""
        if not (self.whole_filters or self.wide_sets):
            return rows
        keep = np.ones(len(rows), dtype=bool)
        if self.whole_filters:
            keep &= rows[:, at.YR] == problem.loops.R
        if self.wide_sets:
            keep &= (rows[:, at.YP] == 1) | (rows[:, at.XP] == problem.architecture.pe_cluster.columns)
        return np.ascontiguousarray(rows[keep])
