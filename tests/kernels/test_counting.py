"""The kernels that number, count and order, against plain Python."""

from __future__ import annotations

import itertools

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels import timeline as line
from accelerator_sim.kernels.csc_columns import Columns, count_columns, stored_entries
from accelerator_sim.kernels.numbering import Numbering, forget, numbered

REACHES = st.sampled_from([1, 2, 4, 8, 16])
BITS = st.lists(st.integers(0, 1), max_size=40)


@given(st.lists(st.lists(st.integers(0, 50), max_size=20), min_size=1, max_size=3), st.integers(0, 3))
def test_keys_are_numbered_in_the_order_in_which_they_are_met(rounds: list[list[int]], tight: int) -> None:
    """Also when the room is full, and when it is used again."""
    room = max(len(set(keys)) for keys in rounds) + tight
    numbering = Numbering(*np.zeros((2, max(room, 1)), dtype=np.int64))
    for keys in rounds:
        forget(numbering)
        known: dict[int, int] = {}
        for key in keys:
            new = key not in known
            assert tuple(numbered(numbering, key, len(known))) == (known.setdefault(key, len(known)), new)


def entries_of(bits: list[int], reach: int) -> int:
    """Non-zeros, and one entry more for each `reach` zeros in a row before one."""
    runs = "".join(map(str, bits)).split("1")[:-1]
    return sum(1 + len(run) // reach for run in runs)


@given(BITS, BITS, REACHES)
def test_entries_of_a_column(before: list[int], bits: list[int], reach: int) -> None:
    mask = np.array([*before, *bits, 1], dtype=np.uint8)
    assert stored_entries(mask, len(before), len(before) + len(bits), reach) == entries_of(bits, reach)


@settings(max_examples=200)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 9), REACHES, st.integers(1, 4), st.data())
def test_columns_cut_over_pes(
    rows: int, columns: int, filters: int, reach: int, simd: int, data: st.DataObject
) -> None:
    def cuts(size: int) -> list[int]:
        inner = data.draw(st.lists(st.integers(1, size - 1), unique=True, max_size=3)) if size > 1 else []
        return [0, *sorted(inner), size]

    of_filters, of_columns = cuts(filters), cuts(columns)
    count = rows * columns * filters
    mask = np.array(data.draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)), dtype=np.uint8)
    entries, words = np.full((2, rows * columns), -1, dtype=np.int64)
    parts = np.array(of_filters, dtype=np.int64), np.array(of_columns, dtype=np.int64)
    most = count_columns(Columns(mask, rows, columns, filters, *parts), reach, simd, entries, words)
    cells = mask.reshape(rows, columns, filters).tolist()
    stored = {
        (r, c, part): entries_of(cells[r][c][part[0] : part[1]], reach)
        for r in range(rows)
        for c in range(columns)
        for part in itertools.pairwise(of_filters)
    }
    for r, c in itertools.product(range(rows), range(columns)):
        here = [number for (row, column, _), number in stored.items() if (row, column) == (r, c)]
        assert entries[r * columns + c] == sum(here)
        assert words[r * columns + c] == sum(-(-number // simd) for number in here)
    held = [
        sum(-(-stored[r, c, part] // simd) for r in range(rows) for c in range(*block))
        for part in itertools.pairwise(of_filters)
        for block in itertools.pairwise(of_columns)
    ]
    assert most == max(held)


@settings(max_examples=200)
@given(st.lists(st.integers(1, 3), min_size=8, max_size=8), st.integers(1, 4), st.booleans())
def test_passes_follow_the_loop_nest(tiles: list[int], m2: int, filters_first: bool) -> None:
    """Outer to inner: groups, then filter tiles and positions in one of two orders, accumulations, filters."""
    g, n, m, c, p, q, r, s = (range(count) for count in tiles)
    order = np.zeros(line.ORDER, dtype=np.int64)
    order[line.O_M2], order[line.O_FILTERS_FIRST] = m2, filters_first
    positions = list(itertools.product(n, p, q))
    filter_tiles = [list(m)[first : first + m2] for first in range(0, len(m), m2)]
    expected = []
    for group in g:
        outer = [(f, i) for f in range(len(filter_tiles)) for i in range(len(positions))]
        if not filters_first:
            outer = [(f, i) for i in range(len(positions)) for f in range(len(filter_tiles))]
        for f, i in outer:
            for channel, row, tap in itertools.product(c, r, s):
                for filters in filter_tiles[f]:
                    image, output_row, column = positions[i]
                    expected.append(
                        {
                            at.G: group, at.N: image, at.M: filters, at.C: channel, at.P: output_row, at.Q: column,
                            at.R: row, at.S: tap, line.FILTER_TILE: f, line.POSITION_TILE: i,
                        }
                    )  # fmt: skip
    here = np.zeros(line.DIGITS, dtype=np.int64)
    for digits in expected:
        assert dict(enumerate(here.tolist())) == digits
        line.next_pass(order, np.array(tiles, dtype=np.int64), here)
