"""The work and the words of a layer as it is stored: expected from densities, or counted in the tensors themselves.

A raw tensor has a word for each value.  In CSC, words are the stored (count, value) pairs, and the address vector adds
its bits; what is expected of independent zeros is in `mapping.storage`, what masks hold is counted here, in closed
form: a value is moved as often as its row, its column and its channel are, so that three short vectors are enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.kernels.csc_columns import Columns, count_columns
from accelerator_sim.kernels.rounding import whole_words
from accelerator_sim.mapping.dealing import Deal, DealtTile
from accelerator_sim.mapping.loops import Window
from accelerator_sim.mapping.mapping import Encoding, ceil_div
from accelerator_sim.mapping.storage import rlc_bits_of
from accelerator_sim.simulation.operands import normal_masks
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.workload.arrays import Mask
from accelerator_sim.workload.pattern import Pattern


@dataclass(frozen=True)
class StoredWords:
    """Stored words of one operand, level by level (of the iacts or the weights)."""

    fetched_bits: float
    """Bits read from off-chip."""
    filled: int
    """Words written into GLB banks."""
    read: int
    """Words read from GLB banks."""
    sent: int
    delivered: int
    hops: int
    """Words that sources put on the network, that PEs receive, and words times mesh links."""
    fillers: int = 0
    """Words that PEs receive and drop, which are not written into their SPads."""

    @property
    def kept(self) -> int:
        """Words that PEs write into their SPads."""
        return self.delivered - self.fillers


@dataclass(frozen=True, eq=False)
class Stored:
    """How much of a layer is stored, moved and multiplied.

    `issued` MACs take a slot, `gated` ones of them switch nothing, `effectual` ones have two operands that are not
    zero; `iact_reads` and `weight_reads` are those of the SPads.  The masks, [G, N, H, W, C] and [G, R, S, C, M] of the
    loops, are None where every value counts as non-zero (or where only densities are known).
    """

    iact: StoredWords
    weight: StoredWords
    effectual: int
    issued: int
    gated: int
    iact_reads: int
    weight_reads: int
    iact_mask: Mask | None = None
    weight_mask: Mask | None = None
    fullest_words: int = 0
    """SPad words of the PE with the most weights in CSC; 0 where their number does not depend on zeros."""


def _nominal(schedule: Schedule) -> tuple[dict[str, int], dict[str, int]]:
    """Nominal words of iacts and of weights, level by level."""
    s = schedule
    iacts = {
        "fetched": s.iact_fetched,
        "filled": s.iact_filled,
        "read": 0 if s.iact_bypasses_glb else s.iact_sent,
        "sent": s.iact_sent,
        "delivered": s.iact_delivered,
        "hops": s.iact_hops,
    }
    weights = {
        "fetched": s.weight_fetched,
        "filled": s.weight_filled,
        "read": s.weight_read,
        "sent": s.weight_sent,
        "delivered": s.weight_delivered,
        "hops": s.weight_hops,
    }
    return iacts, weights


def expected(schedule: Schedule) -> Stored:
    """The counts expected from the densities of the layer."""
    problem, mapping = schedule.problem, schedule.mapping
    iacts, weights = _nominal(schedule)

    def words(nominal: dict[str, int], pairs: float, sent: float, dram_bits: float) -> StoredWords:
        each = {k: pairs if k == "filled" else sent for k in nominal if k != "fetched"}
        moved = {k: nominal[k] if of == 1.0 else whole_words(nominal[k] * of) for k, of in each.items()}
        return StoredWords(nominal["fetched"] * dram_bits, **moved)

    issued, gated = problem.issued
    bits = problem.iact_dram_bits(mapping.C0, schedule.taps)
    of_iacts = words(iacts, schedule.iact_pairs, schedule.sent_iact_pairs, bits)
    return Stored(
        replace(of_iacts, fillers=whole_words(iacts["delivered"] * schedule.filler_iacts)),
        words(weights, schedule.weight_pairs, schedule.weight_pairs, problem.weight_dram_bits(mapping.M0)),
        problem.effectual,
        issued,
        gated,
        _expected_iact_reads(schedule),
        _expected_weight_reads(schedule, issued - gated),
    )


def _expected_iact_reads(schedule: Schedule) -> int:
    """Reads of the iact SPads: at each MAC that takes a slot, or once for all filters of a PE."""
    problem, loops = schedule.problem, schedule.loops
    macs = loops.macs * problem.iact_density
    if problem.architecture.pe.iact_read == "per_mac":
        return round(macs)
    return round(macs / loops.M * schedule.deals.M.units)


def _expected_weight_reads(schedule: Schedule, executed: int) -> int:
    """Reads of the weight SPads: one word a slot with an iact that is not zero."""
    problem, loops, m = schedule.problem, schedule.loops, schedule.deals.M
    if schedule.problem.architecture.lanes == 1:
        return executed

    def slots_of(tile: DealtTile) -> float:
        """Slots of all PEs for one iact; the last of them may have fewer filters."""
        rest = tile.elements - (tile.units - 1) * tile.steps
        return (tile.units - 1) * problem.slots(tile.steps) + problem.slots(rest)

    slots = m.summed(slots_of)
    return round(loops.macs / loops.M * slots * problem.iact_density * problem.weight_read_share)


# --- counted ---------------------------------------------------------------------------------------------------------
def counted(schedule: Schedule, iact_mask: Mask | None, weight_mask: Mask | None) -> Stored:
    """What masks hold: uint8 [G, N, H, W, C] and [G, R, S, C, M] of the loops, None for tensors without zeros."""
    problem, loops, mapping = schedule.problem, schedule.loops, schedule.mapping
    pe = problem.architecture.pe
    iacts, weights = _nominal(schedule)
    csc_iact = mapping.iact_encoding is Encoding.CSC
    csc_weight = mapping.weight_encoding is Encoding.CSC
    gates = pe.zero_iact == "gate"

    # Without zeros all groups and channels are alike: one stands for all.
    shape = (1, 1) if iact_mask is None and weight_mask is None else (loops.G, loops.C)
    alike = loops.G * loops.C // math.prod(shape)
    positions = loops.N * loops.P * loops.Q
    met = _met(schedule, iact_mask, shape)  # [G, C, R, S]: positions whose iact on a tap is not zero
    visited = met if csc_iact else np.full_like(met, positions)
    executed_at = met if gates else visited
    if weight_mask is None:
        present = np.full((shape[0], loops.R, loops.S, shape[1]), loops.M, dtype=np.int64)
    else:
        present = weight_mask.sum(axis=4, dtype=np.int64)
    present = present.transpose(0, 3, 1, 2)
    stored = present if csc_weight else np.full_like(present, loops.M)
    # Entries and SPad words, [G, C, R, S].
    pairs, words_of, fullest = _columns(schedule, weight_mask if csc_weight else None, shape)
    issued = int((visited * stored).sum()) * alike
    executed = int((executed_at * stored).sum()) * alike
    visits = int(visited.sum()) * alike
    return Stored(
        _iact_words(schedule, iacts, iact_mask, csc_iact),
        _weight_words(schedule, weights, int(pairs.sum()) * alike, csc_weight, weight_mask),
        int((met * present).sum()) * alike,
        issued,
        issued - executed,
        visits * (loops.M if pe.iact_read == "per_mac" else schedule.deals.M.units),
        executed if schedule.problem.architecture.lanes == 1 else int((executed_at * words_of).sum()) * alike,
        iact_mask,
        weight_mask,
        fullest,
    )


def stored_pattern(schedule: Schedule, pattern: Pattern) -> Stored:
    """Count a pattern, brought to the normal form of the loops."""
    return counted(schedule, *normal_masks(schedule.problem.layer, schedule.loops, pattern))


def _met(schedule: Schedule, mask: Mask | None, shape: tuple[int, int]) -> NDArray[np.int64]:
    """For each group, channel and tap, the positions at which the iact is there and not zero: int64 [G, C, R, S].

    shape: groups and channels where there is no mask.
    """
    loops = schedule.loops
    rows, columns = _hits(loops.rows), _hits(loops.columns)  # [taps, inputs]: times a tap falls on an input
    if mask is None:
        each = np.outer(rows.sum(1), columns.sum(1)) * loops.N
        return np.broadcast_to(each, (*shape, loops.R, loops.S)).astype(np.int64)
    images = mask.sum(axis=1, dtype=np.int64)  # [G, H, W, C]
    return np.asarray(np.einsum("ghwc,rh,sw->gcrs", images, rows, columns, optimize=True), dtype=np.int64)


def _hits(window: Window) -> NDArray[np.int64]:
    hits = np.zeros((window.taps, window.size), dtype=np.int64)
    for tap in range(window.taps):
        at = np.arange(window.outputs) * window.stride - window.before + tap * window.dilation
        np.add.at(hits[tap], at[(at >= 0) & (at < window.size)], 1)
    return hits


def _columns(
    schedule: Schedule, mask: Mask | None, alike: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Stored entries and SPad words of all columns of weights: int64 [G, C, R, S], summed over the PEs' filters.

    The third value is the SPad words of the fullest PE, 0 without a mask.  alike: groups and channels where there is
    none.
    """
    loops = schedule.loops
    if mask is None:
        shape = alike[0], loops.R, loops.S, alike[1]
        of_all = sum(ceil_div(count, schedule.problem.architecture.lanes) for _, count in blocks_of(schedule, "M"))
        full = np.full(shape, loops.M, dtype=np.int64), np.full(shape, of_all, dtype=np.int64)
        return full[0].transpose(0, 3, 1, 2), full[1].transpose(0, 3, 1, 2), 0
    pairs, words, fullest = _counted_columns(schedule, mask)
    return pairs.transpose(0, 3, 1, 2), words.transpose(0, 3, 1, 2), fullest


def _counted_columns(schedule: Schedule, mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Entries and words of all columns, int64 [G, R, S, C], and the words of the fullest PE."""
    loops, architecture = schedule.loops, schedule.problem.architecture
    pairs = np.zeros((loops.G, loops.R, loops.S, loops.C), dtype=np.int64)
    words = np.zeros_like(pairs)
    filters, channels = (
        np.array([*(first for first, _ in blocks_of(schedule, d)), loops.sizes[d]], dtype=np.int64) for d in "MC"
    )
    reach, most = 1 << (architecture.pe.csc.count if architecture.pe.csc else 4), 0
    for g in range(loops.G):
        for r in range(loops.R):  # a PE holds one filter row of one group, or some columns of it
            for first in range(0, loops.S, schedule.taps):
                held = slice(first, first + schedule.taps)
                own = mask[g, r, held]
                columns = Columns(own.ravel(), len(own), loops.C, loops.M, filters, channels)
                counts = pairs[g, r, held].reshape(-1), words[g, r, held].reshape(-1)
                most = max(most, int(count_columns(columns, reach, architecture.lanes, *counts)))
    return pairs, words, most


def blocks_of(schedule: Schedule, dimension: str) -> tuple[tuple[int, int], ...]:
    """First element and length of every part of a dimension that is dealt in blocks, over all its tiles."""
    dealt: Deal = getattr(schedule.deals, dimension)
    return _blocks(schedule.loops.sizes[dimension], dealt.length, schedule.mapping.parts(dimension))


@lru_cache(maxsize=256)
def _blocks(size: int, length: int, parts: int) -> tuple[tuple[int, int], ...]:
    blocks: list[tuple[int, int]] = []
    for tile in range(0, size, length):
        elements = min(length, size - tile)
        steps = ceil_div(elements, parts)
        blocks += [(tile + i, min(steps, elements - i)) for i in range(0, elements, steps)]
    return tuple(blocks)


def _weight_words(schedule: Schedule, nominal: dict[str, int], pairs: int, csc: bool, mask: Mask | None) -> StoredWords:
    problem, loops = schedule.problem, schedule.loops
    bits = problem.weight_bits
    density = 1.0 if mask is None else float(mask.mean())
    if not csc:
        stored = problem.architecture.precision.weight
        per_value = _dram_bits(schedule, "weight", float(stored), density, mask)
        return StoredWords(nominal["fetched"] * per_value, **{k: n for k, n in nominal.items() if k != "fetched"})
    address = problem.architecture.pe.spad.weight_address
    addressed = loops.G * schedule.deals.M.units * loops.C * loops.R * loops.S * (address.width if address else 0)
    of_all = pairs * bits + addressed  # every weight is moved equally often
    moved = {k: ceil_div(n // loops.weights * of_all, bits) for k, n in nominal.items() if k != "fetched"}
    per_value = _dram_bits(schedule, "weight", of_all / loops.weights, density, mask)
    return StoredWords(nominal["fetched"] * per_value, **moved)


def _iact_words(schedule: Schedule, nominal: dict[str, int], mask: Mask | None, csc: bool) -> StoredWords:
    problem, loops = schedule.problem, schedule.loops
    bits = problem.iact_bits
    density = 1.0 if mask is None else float(mask.mean())
    if not csc:
        per_value = _dram_bits(schedule, "iact", float(bits), density, mask)
        return StoredWords(nominal["fetched"] * per_value, **{k: n for k, n in nominal.items() if k != "fetched"})
    plane = np.full((loops.rows.size, loops.columns.size), loops.G * loops.N * loops.C, dtype=np.int64)
    if mask is not None:
        plane = mask.sum(axis=(0, 1, 4), dtype=np.int64)
    units = schedule.deals.Q.units
    pe = problem.architecture.pe
    reloads = pe.iact_window == "reload"
    segments = schedule.deals.S.summed(lambda tile: _segments(loops.columns.of_taps(0, tile.elements), units, reloads))
    across = schedule.columns_in_passes(loops.Q, units)
    address = pe.spad.iact_address
    # Segments of each nominal value are the same at every level: a segment is C0 channels of the columns of a window.
    addressed = schedule.deals.C.units * segments * (address.width if address else 0), loops.C * across
    beside = addressed
    if pe.csc is not None and pe.csc.address_words:
        beside = bits * _address_words(schedule, reloads), loops.C * across

    deals = schedule.deals
    by_unit = np.sum([_part_columns(schedule, window, True, reloads) for window in schedule.tap_windows], axis=0)
    by_cluster = _part_columns(schedule, loops.columns, False, False)
    streamed, received = _streamed(schedule), _received(loops.rows)
    filled_rows = _row_blocks(schedule)
    sent, delivered = int(streamed @ plane @ by_unit), int(received @ plane @ by_unit) * deals.M.units
    pairs = {
        "filled": int(filled_rows @ plane @ by_cluster) * schedule.iact_rounds if nominal["filled"] else 0,
        "sent": delivered if schedule.private_links else sent * deals.M.tiles,
        "delivered": delivered,
        "hops": sent * (nominal["hops"] * deals.M.tiles // nominal["sent"]) if nominal["sent"] else 0,
    }
    pairs["read"] = pairs["sent"] if nominal["read"] else 0

    def stored(level: str) -> int:
        of_segments = addressed if level == "filled" else beside
        own = nominal[level] if pe.csc is not None and pe.csc.filler and level != "filled" else pairs[level]
        return ceil_div(own * bits * of_segments[1] + nominal[level] * of_segments[0], bits * of_segments[1])

    moved = {level: stored(level) for level in ("filled", "read", "sent", "delivered", "hops")}
    fillers = nominal["delivered"] - delivered if pe.csc is not None and pe.csc.filler else 0
    fetched = int(_tile_rows(loops.rows, deals.P) @ plane @ _tile_rows(loops.columns, deals.Q)) * schedule.iact_rounds
    on_chip = fetched * bits + nominal["fetched"] * addressed[0] / addressed[1]
    per_value = on_chip / nominal["fetched"] if nominal["fetched"] else 0.0
    bits_off_chip = _dram_bits(schedule, "iact", per_value, density, mask)
    return StoredWords(nominal["fetched"] * bits_off_chip, **moved, fillers=fillers)


def _dram_bits(schedule: Schedule, tensor: str, on_chip: float, density: float, mask: Mask | None) -> float:
    """Bits off-chip per value that is fetched."""
    dram = schedule.problem.architecture.dram
    of_file = tensor == "weight" and schedule.problem.layer.weight_bits is not None
    if mask is None or of_file or dram.compression != "rlc" or tensor not in dram.compressed:
        share = schedule.problem.off_chip_share if tensor == "iact" else 1.0
        return schedule.problem.dram_bits_of(tensor, density * share, on_chip)
    assert dram.rlc_run is not None
    assert dram.rlc_word is not None
    raw = float(getattr(schedule.problem.architecture.precision, tensor))
    values = _off_chip(schedule, mask) if tensor == "iact" else mask.transpose(0, 4, 3, 1, 2)
    return min(raw, rlc_bits_of(values, dram.rlc_run, dram.rlc_pairs_per_word, dram.rlc_word))


def _segments(window: Window, units: int, reloads: bool) -> int:
    """Segments of an input row in one pass over it, over the PEs that share it; reloads: of one for each window."""
    if reloads:
        return window.outputs
    return units * (ceil_div(window.extent, min(window.stride, window.extent)) - 1) + window.outputs


def _address_words(schedule: Schedule, reloads: bool) -> int:
    """Words of addresses of an input row in all passes over it, over the PEs that share it and all channels."""
    units, loops = schedule.deals.Q.units, schedule.loops

    def words_of(tile: DealtTile) -> int:
        window = loops.columns.of_taps(0, tile.elements)
        columns = window.extent if reloads else min(window.stride, window.extent)
        segments = _segments(window, units, reloads)
        short = units if window.extent % columns == 1 and columns > 1 else 0  # a last segment of one column
        long = segments - short if columns > 1 else 0
        parts = schedule.deals.C.units
        return long * (loops.C + parts) + (segments - long) * 2 * parts

    return schedule.deals.S.summed(words_of)


def _off_chip(schedule: Schedule, mask: Mask) -> Mask:
    """The mask of iacts, [G, N, C, H, W], as they lie off-chip: with the padding where it is stored."""
    planes = mask.transpose(0, 1, 4, 2, 3)
    if schedule.problem.architecture.dram.padding == "skipped":
        return planes
    windows = schedule.loops.rows, schedule.loops.columns
    around = [(w.before, max(0, w.touched(w.outputs, 1) - w.before - w.size)) for w in windows]
    return np.pad(planes, [(0, 0)] * 3 + around)


# --- how often each row and column of the input is moved -------------------------------------------------------------
def _cover(window: Window, runs: list[tuple[int, int]]) -> NDArray[np.int64]:
    """Times that runs of neighbouring outputs touch each input, from the first tap to the last."""
    first, count = np.array(runs, dtype=np.int64).T
    if window.stride >= window.extent:  # every output has inputs of its own
        first = np.concatenate([np.arange(a, a + n) for a, n in runs])
        count = np.ones_like(first)
    begin = np.clip(first * window.stride - window.before, 0, window.size)
    stop = (first + count - 1) * window.stride + window.extent - window.before
    stop = np.maximum(np.clip(stop, 0, window.size), begin)
    edges = np.bincount(begin, minlength=window.size + 1) - np.bincount(stop, minlength=window.size + 1)
    return np.cumsum(edges)[:-1].astype(np.int64)


def _part_columns(schedule: Schedule, window: Window, by_pe: bool, reloads: bool) -> NDArray[np.int64]:
    """Times that each column is touched by the parts of Q: those of every PE, or of every cluster.

    window: that of all filter columns, or of those of a pass; reloads: every output has columns of its own.
    """
    dealt, clusters, local = (
        schedule.deals.Q,
        schedule.mapping.array_parts("Q"),
        schedule.mapping.cluster_parts("Q"),
    )
    runs = []
    for tile in range(0, schedule.loops.Q, dealt.length):
        elements = min(dealt.length, schedule.loops.Q - tile)
        steps = 1 if reloads else ceil_div(elements, clusters * local) * (1 if by_pe else local)
        runs += [(tile + i, min(steps, elements - i)) for i in range(0, elements, steps)]
    return _cover(window, runs)


def _cluster_rows(schedule: Schedule) -> list[tuple[int, int]]:
    """First output row and rows of every cluster, over all tiles."""
    dealt, runs = schedule.deals.P, []
    for tile in range(0, schedule.loops.P, dealt.length):
        elements = min(dealt.length, schedule.loops.P - tile)
        block = ceil_div(elements, schedule.mapping.array_parts("P"))
        runs += [(tile + i, min(block, elements - i)) for i in range(0, elements, block)]
    return runs


def _row_blocks(schedule: Schedule) -> NDArray[np.int64]:
    return _cover(schedule.loops.rows, _cluster_rows(schedule))


def _tile_rows(window: Window, dealt: Deal) -> NDArray[np.int64]:
    runs = [(i, min(dealt.length, window.outputs - i)) for i in range(0, window.outputs, dealt.length)]
    return _cover(window, runs)


def _received(window: Window) -> NDArray[np.int64]:
    """Times that each row is received: by every pair of an output row and a filter row."""
    return np.asarray(_hits(window).sum(axis=0), dtype=np.int64)


def _streamed(schedule: Schedule) -> NDArray[np.int64]:
    """Times that each row is sent in one filter pass: once a strip where PEs on its diagonals share it."""
    window, loops = schedule.loops.rows, schedule.loops
    local, parts = schedule.mapping.cluster_parts("P"), schedule.mapping.parts("R")
    times = np.zeros(window.size, dtype=np.int64)
    for first_tap in range(0, loops.R, parts):
        taps = np.arange(first_tap, min(first_tap + parts, loops.R))
        shared = window.dilation == 1 and window.stride < len(taps)
        for first, rows in _cluster_rows(schedule):
            for strip in range(first, first + rows, local):
                outputs = np.arange(strip, min(strip + local, first + rows))
                at = (outputs[:, None] * window.stride + taps[None, :] * window.dilation - window.before).ravel()
                at = at[(at >= 0) & (at < window.size)]
                np.add.at(times, np.unique(at) if shared else at, 1)
    return times
