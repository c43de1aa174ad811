"""Counting the stored weights: entries and SPad words of every CSC column, PE by PE."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import cdiv


class Columns(NamedTuple):
    """Columns of weights, and how they are cut over PEs."""

    mask: Any
    """uint8 [rows x columns x filters], flat."""
    rows: Any
    columns: Any
    filters: Any
    filter_parts: Any
    column_parts: Any
    """int64 [parts + 1], where each part of the filters and of the columns begins."""


@kernel(helper=True, reference_counts=False)
def stored_entries(mask, first, stop, reach):
    """Entries of the weights from one place in a mask to before another: a run of `reach` zeros costs one.

    reach: a power of two.  Zeros lie at random, so that a branch on one costs more than the count without.
    """
    entries = shift = 0
    for k in range(first, stop):
        entries += mask[k] != 0
    if stop - first - entries < reach:
        return entries
    while (1 << shift) < reach:
        shift += 1
    run = 0
    for k in range(first, stop):
        some = np.int64(mask[k] != 0)
        entries += (run >> shift) * some
        run = (run + 1) * (1 - some)
    return entries


@kernel(reference_counts=False)
def count_columns(weights, reach, simd, entries, words):
    """Count the weights of columns that are cut over PEs.

    weights: see `Columns`.  Outputs, int64 by column: entries, and words of `simd` entries, over all parts: a run of
    zeros of at least `reach` costs an entry.  Returns the words of the fullest PE: of a part of the filters and one of
    the columns, over all rows.
    """
    filter_parts, column_parts = weights.filter_parts, weights.column_parts
    most = 0
    for i in range(weights.rows * weights.columns):
        entries[i] = 0
        words[i] = 0
    for part in range(filter_parts.size - 1):
        for block in range(column_parts.size - 1):
            held = 0
            for r in range(weights.rows):
                for c in range(column_parts[block], column_parts[block + 1]):
                    column = r * weights.columns + c
                    base = column * weights.filters
                    first, stop = base + filter_parts[part], base + filter_parts[part + 1]
                    stored = stored_entries(weights.mask, first, stop, reach)
                    word = cdiv(stored, simd)
                    entries[column] += stored
                    words[column] += word
                    held += word
            most = max(most, held)
    return most


@kernel(reference_counts=False)
def weigh_blocks(weights, reach, simd, words):
    """Count the words of the columns of each part of the filters.

    weights: see `Columns`, of which the column parts are not read; reach, simd: as in `count_columns`; words: int64
    [filter parts, rows x columns] output.
    """
    parts = weights.filter_parts
    for column in range(weights.rows * weights.columns):
        base = column * weights.filters
        for part in range(parts.size - 1):
            stored = stored_entries(weights.mask, base + parts[part], base + parts[part + 1], reach)
            words[part, column] = cdiv(stored, simd)
