"""The best mappings of a search: several, of different tilings and spatial configurations, in the order of their cost.

Mappings of one configuration whose filters and channels come in as many tiles are of one tiling: only the best of them
is kept, and of each configuration only the best `MOST_TILINGS`, so that they are not near copies of one another.  What
is kept are the first ones of an order in which every mapping has its place, however many are kept: a longer
list begins with the shorter one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.compile import kernel

MOST_TILINGS = 4
"""Tilings of a configuration that are kept: with one, the best mapping of a layer is up to 6.5% away (AlexNet)."""

KEYS = 4
"""Columns of the keys: the two parts of the objective's key, cycles and joules."""

SPACE, CONFIG, FILTER_TILES, CHANNEL_TILES, TIMES, ENTRY = 0, 1, 2, 3, 4, 4 + at.TIMES
"""Columns of the entries: the way to store operands, the spatial configuration, tiles of filters and of channels, and
from `TIMES` on the temporal choice."""


class Leaders(NamedTuple):
    """The best mappings so far, the best one first; of no size where only the best one is wanted."""

    keys: Any
    """float64 [size, KEYS]; infinity in rows that are free."""
    entries: Any
    """int64 [size, ENTRY]"""
    entry: Any
    """int64 [ENTRY], room for the next one; its `SPACE` is that of the search."""


@kernel(spliced=True)
def last_row(leaders):
    """The last row."""
    return leaders.keys.shape[0] - 1


@kernel(spliced=True)
def is_before(leaders, values, row):
    """Whether a mapping with some key comes before the one in a row: ties go to the one that was found first."""
    for k in (0, 1, 3):
        if values[k] != leaders.keys[row, k]:
            return values[k] < leaders.keys[row, k]
    return False


@kernel(spliced=True)
def is_of_tiling(leaders, entry, row):
    """Whether the mapping in a row has the configuration and the tiling of an entry."""
    same = True
    for k in range(TIMES):
        same = same and leaders.entries[row, k] == entry[k]
    return same


@kernel(helper=True, reference_counts=False)
def row_to_leave(leaders, values):
    """The row that a mapping takes the place of: of its tiling, else of its configuration, else the last one.

    -1 where the mapping is not to be kept, because that one comes before it.
    """
    entry, tilings, worst = leaders.entry, 0, last_row(leaders)
    for row in range(leaders.keys.shape[0]):
        if leaders.entries[row, CONFIG] < 0:
            break
        if is_of_tiling(leaders, entry, row):
            return row if is_before(leaders, values, row) else -1
        if leaders.entries[row, SPACE] == entry[SPACE] and leaders.entries[row, CONFIG] == entry[CONFIG]:
            tilings += 1
            if tilings == MOST_TILINGS:
                worst = row
    return worst if is_before(leaders, values, worst) else -1


@kernel(helper=True, reference_counts=False)
def keep_leader(leaders, values):
    """Keep the mapping of `entry`, if it is among the best; values: its key, float64 [KEYS]."""
    entry = leaders.entry
    row = row_to_leave(leaders, values)
    if row < 0:
        return
    while row > 0 and is_before(leaders, values, row - 1):
        for k in range(KEYS):
            leaders.keys[row, k] = leaders.keys[row - 1, k]
        for k in range(ENTRY):
            leaders.entries[row, k] = leaders.entries[row - 1, k]
        row -= 1
    for k in range(KEYS):
        leaders.keys[row, k] = values[k]
    for k in range(ENTRY):
        leaders.entries[row, k] = entry[k]


@kernel(spliced=True)
def limit_of(leaders, values):
    """Set the key that a mapping has to beat to be kept."""
    for k in range(KEYS):
        values[k] = leaders.keys[last_row(leaders), k]
