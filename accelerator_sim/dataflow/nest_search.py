"""The best nest of a layer under a dataflow, over its whole legal space (`dataflow.nest_space`).

A bound, the cost with nothing but one tile and the traffic that the GLB's size calls for, orders the cuts over PEs; the
search ends where it exceeds the best nest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.dataflow.nest import Keep, Nests, Residence, ceil_div
from accelerator_sim.dataflow.nest_cost import NestCost, Prices
from accelerator_sim.dataflow.nest_space import (
    Cuts,
    cuts_of,
    filter_tilings,
    longest_tilings,
    residences,
    room_of,
    stays_in_pes,
    why_not,
)  # fmt: skip
from accelerator_sim.dataflow.rules import Dataflow
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.mapping.problem import MappingProblem, problem_of
from accelerator_sim.mapping.search import Unmappable
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.technology.actions import ActionEnergies
from accelerator_sim.workload.arrays import Floats, Ints
from accelerator_sim.workload.layer import Density, Layer

FIRST, CHUNK = 1 << 6, 1 << 13
"""Cuts that are tiled at a time: few at first, to have something that bounds the others."""

TIE = 1e-9
"""Objectives that differ by less of themselves are equal, as sums of floats in another order may be."""


@dataclass(frozen=True)
class FoundNest:
    """The best nest of a layer under a dataflow, what it does, and the number of nests that it was chosen from."""

    nest: Nests
    outcome: Outcome
    optimal_over: int


def find_nest(
    layer: Layer,
    architecture: Architecture,
    actions: ActionEnergies,
    flow: Dataflow,
    objective: Objective = Objective.ENERGY,
) -> FoundNest:
    """Find the nest of a layer with the least objective.  Ties go to lower latency (for latency: to lower energy).

    Operands are dense: every multiply-accumulate is executed, whatever zeros the network file states.
    actions: energies of the architecture, in whose unit the nests are costed.

    Raises Unmappable where nothing fits.
    """
    dense = replace(layer, density=Density(), effectual_fraction=None)
    problem = problem_of(dense, architecture)
    cuts = cuts_of(problem, flow)
    if not len(cuts.m0):
        raise Unmappable(
            f"layer {layer.name} has no {flow.title} nest on {architecture.name}: {why_not(problem, flow)}"
        )
    ask = _Question(problem, flow, objective, Prices(actions, architecture))
    # ISCA 2016 IV-A: a weight in a PE runs through all of its uses (and so does an IS iact).  Only where the psums do
    # not fit the GLB, it comes again.
    best, seen = _search(ask, cuts, used_up=True) if flow.name in ("ws", "is") else (None, 0)
    if best is None:
        best, seen = _search(ask, cuts)
    if best is None:
        reason = "what the GLB must keep does not fit it"
        raise Unmappable(f"layer {layer.name} has no {flow.title} nest on {architecture.name}: {reason}")
    return FoundNest(best, NestCost(best, actions.unit).outcome(), seen)


@dataclass(frozen=True, eq=False)
class _Question:
    """What is searched for."""

    problem: MappingProblem
    flow: Dataflow
    objective: Objective
    prices: Prices

    def rank(self, nests: Nests) -> tuple[Floats, Floats]:
        """What the objective compares, and what breaks its ties."""
        cost = NestCost(nests, self.prices.actions.unit)
        bits = sum(cost.dram_bits(t) for t in TENSORS)
        return self.objective.rank(cost.cycles, self.prices.energy(cost), np.asarray(bits, dtype=np.float64))


def _search(ask: _Question, cuts: Cuts, used_up: bool = False) -> tuple[Nests | None, int]:
    """The best nest, and the number of nests within its bounds."""
    bounds = [_Bound(ask, residence, cuts) for residence in residences(ask.problem, ask.flow)]
    best_rank: tuple[float, float] = (math.inf, math.inf)
    best_nest: Nests | None = None
    seen = 0
    # The first few cuts of every residence, so that its rivals bound each of them; then the rest.
    for bound, start, size in [(b, 0, FIRST) for b in bounds] + [(b, FIRST, CHUNK) for b in bounds]:
        end = min(len(bound.order) if start else FIRST, len(bound.order))
        while start < end and bound.first[bound.order[start]] <= best_rank[0] * (1.0 + TIE):
            nests = _tilings(bound, bound.order[start : start + size], best_rank)
            start += size
            if used_up:
                nests = nests.where(nests.used_up)
            seen += len(nests.m0)
            if not len(nests.m0):
                continue
            first, second = ask.rank(nests)
            tied = np.where(first <= first.min() * (1.0 + TIE), second, math.inf)
            index = int(np.argmin(tied))
            rank = float(first[index]), float(second[index])
            if _better(rank, best_rank):
                best_rank, best_nest = rank, nests.at(index)
    return best_nest, seen


def _better(rank: tuple[float, float], best: tuple[float, float]) -> bool:
    """Whether a nest is better than the best one so far: what is equal to within `TIE` goes to the faster one."""
    if rank[0] < best[0] * (1.0 - TIE) or math.isinf(best[0]):
        return rank < best
    return rank[0] <= best[0] * (1.0 + TIE) and rank[1] < best[1]


class _Bound:
    """What the objective is at the least, for every cut and number of filter tiles.

    On chip nothing costs less than one tile of everything.  Off-chip, what the GLB keeps limits the tiles: psums that
    need several passes, G N P Q M words of them, in T_M tiles of filters and T_B of positions, need T_M T_B >= all of
    them over the words that the GLB holds.
    """

    def __init__(self, ask: _Question, residence: Residence, cuts: Cuts) -> None:
        loops = ask.problem.loops
        sizes = {d: np.full_like(cuts.m0, loops.sizes[d]) for d in "NPQM"}
        whole = Nests(ask.problem, ask.flow, residence, cuts.spatial, cuts.m0, cuts.c0, sizes)
        self.ask, self.whole = ask, whole
        cost = NestCost(whole, ask.prices.actions.unit)
        self.cycles, self.energy = cost.cycles, ask.prices.energy(cost)
        self.bits = np.asarray(sum(cost.dram_bits(t) for t in TENSORS), dtype=np.float64)
        self.iacts = cost.words.iact_fetched.astype(np.float64)
        self.weights = cost.words.weight_fetched.astype(np.float64)
        room = {t: max(room_of(ask.problem, t), 1) for t in TENSORS}
        waiting = whole.spatial["G"] * loops.N * loops.P * loops.Q * loops.M
        several = whole.passes("C") * whole.passes("R") * whole.passes("S") > 1
        beside = self._beside()
        self.together = np.ceil(np.where(several, waiting, 0) / np.maximum(room["psum"] - beside, 1.0))
        self.iacts_again = residence.iact is Keep.PASS
        # Weights that rest nowhere come with every MAC already.
        self.weights_again = not residence.filters_outer and (ask.flow.holds("weight") or residence.weight is Keep.PASS)
        # Unless one pass, or the GLB, may hold them all.
        alone = (whole.passes("C") * whole.passes("R") == 1) & (
            (whole.passes("M") == 1) | (residence.weight is Keep.PASS)
        )
        self.weights_more = np.where(alone, 0.0, self.weights)
        self.filter_tiles = np.maximum(whole.weights_kept / room["weight"], 1.0)
        self.position_tiles = np.maximum(whole.iacts_kept / room["iact"], 1.0)
        best = np.sqrt(self.weights_more * self.together / np.maximum(self.iacts, 1.0))
        least = np.maximum(self.together / self.position_tiles, 1.0)  # with fewer tiles weights come no less often
        most = np.minimum(whole.passes("M"), least)
        tiles = np.clip(best, 1.0, most) if self.weights_again and self.iacts_again else np.ones(len(best))
        if self.iacts_again and not self.weights_again:
            tiles = self.filter_tiles
        if self.weights_again and not self.iacts_again:
            tiles = whole.passes("M").astype(np.float64)
        self.first, second = self.of(slice(None), tiles)
        if stays_in_pes(residence):  # only this distinguishes the residence from others
            self.first = np.where(whole.passes("C") * whole.passes("R") == 1, self.first, math.inf)
        self.order = np.lexsort((second, self.first))

    def of(self, cuts: slice | Ints, tiles: Floats | Ints) -> tuple[Floats, Floats]:
        """The bounds of some cuts at these numbers of filter tiles: of the objective, and of what breaks its ties."""
        zero = np.zeros_like(self.iacts[cuts])
        iacts = weights = zero
        if self.iacts_again:
            times = np.maximum(tiles, 1.0 if self.weights_again else self.filter_tiles[cuts])
            iacts = self.iacts[cuts] * (times - 1.0)
        if self.weights_again:
            rounds = self.together[cuts] / tiles
            if np.issubdtype(tiles.dtype, np.integer):
                rounds = np.ceil(rounds - TIE)
            weights = self.weights_more[cuts] * (np.maximum(rounds, self.position_tiles[cuts]) - 1.0)
        more = {
            t: words * int(getattr(self.whole.problem.architecture.precision, t))
            for t, words in (("iact", iacts), ("weight", weights))
        }
        bits = self.bits[cuts] + more["iact"] + more["weight"]
        joules = self.energy[cuts] + iacts * self.ask.prices.fetch("iact") + weights * self.ask.prices.fetch("weight")
        return self.ask.objective.rank(self.cycles[cuts], joules, bits)

    def within(self, cuts: Ints, tiles: Ints, best: tuple[float, float]) -> NDArray[np.bool_]:
        """Which may be better than `best`; what is equal to within `TIE` must be so in what breaks ties."""
        first, second = self.of(cuts, tiles)
        better: NDArray[np.bool_] = first < best[0] * (1.0 - TIE)
        return better | ((first <= best[0] * (1.0 + TIE)) & (second < best[1]))

    def _beside(self) -> Ints:
        """Psums' worth of GLB that the smallest tile of the other tensors takes from psums, where they share banks."""
        shared, precision = self.whole.problem.architecture.glb.shared, self.whole.problem.architecture.precision
        bits = np.zeros_like(self.whole.m0)
        if shared is None or "psum" not in shared.tensors:
            return bits
        parts = self.whole.spatial
        tile = {d: parts[d] for d in "NPQ"} | {"M": parts["M"] * self.whole.m0}
        least = replace(self.whole, tile=tile)
        for tensor, words in (("iact", least.iacts_kept), ("weight", least.weights_kept)):
            if tensor in shared.tensors:
                bits = bits + words * int(getattr(precision, tensor))
        return bits // precision.psum


def _tilings(bound: _Bound, chosen: Ints, best: tuple[float, float]) -> Nests:
    """All tilings of chosen cuts except those that cannot be better than `best`."""
    whole = bound.whole.where(chosen)
    at, filters = filter_tilings(whole)
    within = bound.within(chosen[at], ceil_div(np.full_like(filters, whole.loops.M), filters), best)
    return longest_tilings(whole.where(at[within]), filters[within])
