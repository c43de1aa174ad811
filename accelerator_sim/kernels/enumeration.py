"""The mapping search: pruned enumeration of every legal mapping of one layer, in closed form.

`survey` gives each spatial configuration a lower bound of its cost; `search` visits the configurations from the
lowest bound up, and in each every temporal choice, and stops when no bound can beat the best mapping found.  What an
outer loop fixes is computed there (`pair`, `frame`); tests compare the closed forms with those of
`simulation.schedule` and `simulation.analytical` on random mappings.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.capacity import fits_glb, need_of, need_of_images
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.cost import Tile, cost_of
from accelerator_sim.kernels.deal import cdiv
from accelerator_sim.kernels.frame import Frame, details_of, kept_of, routes_of
from accelerator_sim.kernels.goal import SLACK, cannot_win, key
from accelerator_sim.kernels.leaders import CHANNEL_TILES, CONFIG, FILTER_TILES, TIMES, keep_leader, limit_of
from accelerator_sim.kernels.pair import configure, pair_of
from accelerator_sim.kernels.survey import bound_of
from accelerator_sim.kernels.tile_tables import (
    POSITION_COLUMNS,
    WEIGHT_COLUMNS,
    PositionTile,
    Tables,
    choices,
    fill_position_tables,
    fill_weight_tables,
    next_length,
)


class Space(NamedTuple):
    """The spatial configurations of a search."""

    configs: Any
    """int64 [configurations, at.PLACES]"""
    order: Any
    """int64: those to visit, from the lowest bound up."""
    first: Any
    second: Any
    """float64: their bounds, see `survey.Bounds`."""


class Best(NamedTuple):
    """What is looked for, and the best mapping so far."""

    objective: Any
    exhaustive: Any
    """Cost every legal mapping, prune nothing; bool."""
    values: Any
    """float64 [4], in and out: its key (two parts; infinity for none), its cycles, its joules."""
    choice: Any
    """int64 [1 + at.TIMES], output: its configuration and temporal choice, untouched if nothing better is found."""
    trial: Any
    """int64 [1 + at.TIMES], room: the configuration and temporal choice that is being costed."""
    leaders: Any
    """Several mappings, see `kernels.leaders`; `values` are then what the next one has to beat."""


class Lengths(NamedTuple):
    """How many tile lengths there are of each dimension of positions, int64."""

    images: Any
    rows: Any
    columns: Any


@kernel(spliced=True)
def tile_at(tables, image, row, column):
    """The tile of positions of three rows of the tables."""
    return Tile(tables.images[image], tables.rows[row], tables.columns[column])


@kernel(spliced=True)
def longest_fitting(frame, of_images, lengths, image, column):
    """Number of the longest tile that fits, over the rows (over the columns, where there is one row): by bisection.

    The first number past the end where none does.
    """
    over_rows = frame.packed.n[at.P] > 1
    count = lengths.rows if over_rows else lengths.columns
    low, high = 0, count
    while low < high:
        middle = 0 if low == 0 and high == count else (low + high) // 2
        tile = tile_at(frame.tables, image, middle if over_rows else 0, column if over_rows else middle)
        if fits_glb(frame.packed.n[at.SHARED_BITS], of_images, tile):
            high = middle
        else:
            low = middle + 1
    return low


@kernel(spliced=True)
def note_if_best(best, cost, tile):
    """Keep a mapping that is better than the best one so far."""
    values, trial = best.values, best.trial
    first, second = key(best.objective, cost)
    tied = first == values[0] and second == values[1]
    better = first < values[0] or (first == values[0] and second < values[1]) or (tied and cost.joules < values[3])
    if better:
        values[0], values[1], values[2], values[3] = first, second, cost.cycles, cost.joules
        trial[1 + at.N0] = int(tile.images[PositionTile.LENGTH])
        trial[1 + at.P0] = int(tile.rows[PositionTile.LENGTH])
        trial[1 + at.Q0] = int(tile.columns[PositionTile.LENGTH])
        for i in range(trial.size):
            best.choice[i] = trial[i]


@kernel(spliced=True)
def search_tiles(frame, kept, need, lengths, best):
    """Cost the tiles of positions: all that fit, or of each length of the others the longest; returns how many."""
    costed, one_row = 0, frame.packed.n[at.P] == 1
    for image in range(lengths.images):
        of_images = need_of_images(need, frame.tables.images[image])
        for column in range(1 if one_row and not best.exhaustive else lengths.columns):
            start, stop = 0, lengths.rows
            if not best.exhaustive:
                start = longest_fitting(frame, of_images, lengths, image, column)
                stop = min(start + 1, lengths.columns if one_row else lengths.rows)
            for z in range(start, stop):
                along = one_row and not best.exhaustive  # the columns
                tile = tile_at(frame.tables, image, 0 if along else z, z if along else column)
                if best.exhaustive and not fits_glb(frame.packed.n[at.SHARED_BITS], of_images, tile):
                    continue
                costed += 1
                note_if_best(best, cost_of(frame, kept, tile), tile)
    return costed


@kernel(helper=True, reference_counts=False)
def is_worth_trying(frame, keep, group, exhaustive):
    """Whether to keep a tensor with M2 = `group`: whether that can be, and can differ from keeping nothing."""
    n, f, pair = frame.packed.n, frame.packed.f, frame.pair
    if not (n[at.KEEP_MASK] >> keep) & 1:
        return False
    if keep == at.KEEP_PE_WEIGHT and (pair.accumulations > 1 or group > 1):
        return False
    # Nothing changes that could be kept, and no requests are saved by fetching all channels at once.
    requests = keep == at.KEEP_IACT and frame.details.channel_tiles > 1 and f[at.LATENCY] > 0.0
    same = keep == at.KEEP_PE_WEIGHT or (keep == at.KEEP_IACT and not requests)
    return exhaustive or cdiv(int(pair.filter_tiles), group) > 1 or not same


@kernel(spliced=True)
def search_pair(frame, lengths, best):
    """Cost the temporal choices with one M0 and C0; returns how many."""
    costed, passes = 0, int(frame.pair.filter_tiles)
    group = passes
    while True:
        for keep in range(4):
            if not is_worth_trying(frame, keep, group, best.exhaustive):
                continue
            kept = kept_of(frame, keep, group)
            need = need_of(frame, kept)
            if need.banks < 0.0:
                continue
            best.trial[1 + at.M2], best.trial[1 + at.STATIONARY] = group, keep
            costed += search_tiles(frame, kept, need, lengths, best)
        if group == 1:
            break
        group = next_length(passes, 1, group)
    return costed


@kernel(helper=True, reference_counts=False)
def lead(frame, lengths, best):
    """Cost the temporal choices with one M0 and C0, and keep the best of them among several; returns how many."""
    leaders = best.leaders
    best.choice[0] = -1
    costed = search_pair(frame, lengths, best)
    if best.choice[0] >= 0:
        entry = leaders.entry
        entry[CONFIG] = best.choice[0]
        entry[FILTER_TILES], entry[CHANNEL_TILES] = int(frame.pair.filter_tiles), frame.details.channel_tiles
        for i in range(at.TIMES):
            entry[TIMES + i] = best.choice[1 + i]
        keep_leader(leaders, best.values)
        limit_of(leaders, best.values)
    return costed


@kernel(helper=True, reference_counts=False)
def search_configuration(packed, tables, s, best):
    """Cost the temporal choices of one spatial configuration; returns how many."""
    n, values = packed.n, best.values
    spatial, routes = configure(packed, s), routes_of(n, s)
    top_m, top_c = fill_weight_tables(packed, s, tables)
    images, rows, columns = fill_position_tables(n, s, tables)
    lengths = Lengths(images, rows, columns)
    costed = 0
    for m0 in range(1, top_m + 1):
        for c0 in range(1, top_c + 1):
            if not packed.fits[m0, c0]:
                continue
            pair = pair_of(packed, spatial, tables, m0, c0)
            if s[at.RC] > 1 and pair.accumulations > 1 and not n[at.PSUMS_RETURN]:
                continue
            if not best.exhaustive:
                first, second = key(best.objective, bound_of(packed, spatial, tables, pair, best.objective))
                if cannot_win(first, second, values):
                    continue
            best.trial[1 + at.M0], best.trial[1 + at.C0], best.trial[1 + at.S0] = m0, c0, n[at.TAPS]
            details = details_of(packed, spatial, tables, routes, pair, s[at.RC])
            frame = Frame(packed, spatial, tables, routes, pair, details)
            if best.leaders.keys.shape[0] > 0:
                costed += lead(frame, lengths, best)
            else:
                costed += search_pair(frame, lengths, best)
    return costed


@kernel()
def search(packed, space, best):
    """Find the best mapping; returns the number of mappings whose cost was computed in full."""
    n, values = packed.n, best.values
    tables = Tables(
        np.empty((n[at.MAX_M0] + 1, WEIGHT_COLUMNS), np.float64),
        np.empty((n[at.MAX_C0] + 1, WEIGHT_COLUMNS), np.float64),
        np.empty((choices(n[at.N], 1, n[at.N]), POSITION_COLUMNS), np.float64),
        np.empty((choices(n[at.P], 1, n[at.P]), POSITION_COLUMNS), np.float64),
        np.empty((choices(n[at.Q], 1, n[at.Q]), POSITION_COLUMNS), np.float64),
    )
    costed = 0
    for position in range(space.order.size):
        index = space.order[position]
        if not best.exhaustive:
            if space.first[index] * SLACK > values[0] or np.isinf(space.first[index]):
                break  # the latter: nothing of it fits, or is within the limit of the survey
            if cannot_win(space.first[index], space.second[index], values):
                continue
        best.trial[0] = index
        costed += search_configuration(packed, tables, space.configs[index], best)
    return costed
