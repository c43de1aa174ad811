"""The helper kernels against the Python that they stand for."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from accelerator_sim.kernels import deal as kernels
from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels import tables, windows
from accelerator_sim.mapping.loops import Window
from accelerator_sim.mapping.mapping import Factors, Mapping, ceil_div, deal
from accelerator_sim.mapping.pack import pack
from accelerator_sim.mapping.problem import Problem
from accelerator_sim.mapping.space import PLACES, configurations
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import load_technology
from tests.mapping.test_loops import windows as drawn_windows
from tests.oracles.brute import lengths
from tests.oracles.strategies import problems

PARTS = st.integers(1, 4)
SIZES = st.integers(1, 200)


@given(st.integers(0, 1000), st.integers(1, 50))
def test_cdiv(a: int, b: int) -> None:
    assert kernels.cdiv(a, b) == ceil_div(a, b)


@settings(max_examples=400)
@given(SIZES, st.integers(1, 30), PARTS, PARTS, PARTS, PARTS)
def test_blocks(size: int, tile: int, down: int, across: int, pe_down: int, pe_across: int) -> None:
    mapping = Mapping(Factors(M=down), Factors(M=across), Factors(M=pe_down), Factors(M=pe_across))
    d = deal(size, tile, mapping, "M")
    assert kernels.deal_blocks(size, tile, down * across, pe_down * pe_across, across, pe_across) == (
        d.tiles, d.length, d.steps, d.units, d.clusters, d.rows, d.cluster_steps, d.row_steps,
        d.top_units, d.top_clusters, d.top_rows,
    )  # fmt: skip


@settings(max_examples=400)
@given(SIZES, st.integers(1, 30), PARTS, PARTS, PARTS, PARTS)
def test_strips(size: int, tile: int, down: int, across: int, pe_down: int, pe_across: int) -> None:
    mapping = Mapping(Factors(P=down), Factors(P=across), Factors(P=pe_down), Factors(P=pe_across))
    d = deal(size, tile, mapping, "P")
    local = pe_down * pe_across
    first = (d.tiles - 1) * local + min(local, d.cluster_steps - (d.tiles - 1) * tile * local)
    assert kernels.deal_strips(size, tile, down * across, local, across) == (
        d.tiles, d.length, d.steps, d.units, d.clusters, d.rows, d.cluster_steps, d.strips,
        d.top_units, d.top_clusters, d.top_rows, first,
    )  # fmt: skip


@settings(max_examples=400)
@given(drawn_windows(), st.integers(1, 25), st.integers(1, 25))
def test_windows(window: Window, tile: int, number: int) -> None:
    blocks, taps = min(number, window.outputs), min(number, window.taps)
    w = window
    assert kernels.streamed(w.outputs, blocks, taps, w.stride, w.dilation) == w.streamed(w.outputs, blocks, taps)
    assert kernels.fetched(
        w.outputs, tile, w.taps, w.stride, w.extent, w.before, w.size, w.spanned_inside
    ) == w.fetched(tile)
    assert windows.touched(w.outputs, blocks, w.stride, w.extent, w.taps, w.dilation) == w.touched(w.outputs, blocks)


@settings(max_examples=300)
@given(SIZES, st.integers(1, 30), SIZES)
def test_choices_are_the_shortest_tile_for_each_number_of_tiles(size: int, parts: int, limit: int) -> None:
    assert tables.choices(size, parts, limit) == sum(length <= limit for length in lengths(size, parts))


def parts_of(row: np.ndarray, dimension: str, axes: tuple[str, ...]) -> int:
    """Product of a dimension's factors on some axes of a configuration."""
    return int(np.prod([row[PLACES[axis][dimension]] for axis in axes if dimension in PLACES[axis]]))


@settings(max_examples=60)
@given(problems(most_macs=10**6), st.data())
def test_tables_of_tiles(problem: Problem, data: st.DataObject) -> None:
    """Every column that is a window or a deal, for every tile length of a configuration."""
    architecture, loops = problem.architecture, problem.loops
    n = pack(problem, resolve_actions(load_technology("cmos65_8b"), architecture)).n
    rows = configurations(problem)
    row = rows[data.draw(st.integers(0, len(rows) - 1))]
    table = np.empty((100, tables.B_SIZE))
    stored = architecture.dram.padding == "stored"
    private = architecture.noc.iact.kind == "unicast"  # a PE has the ports that a cluster has else
    for dimension, window in (("N", None), ("Q", loops.columns), ("P", loops.rows)):
        size = loops.sizes[dimension]
        clusters = parts_of(row, dimension, ("cluster_rows", "cluster_columns"))
        local = parts_of(row, dimension, ("pe_rows", "pe_columns"))
        columns = parts_of(row, dimension, ("cluster_columns",))
        if dimension == "P":
            count = tables.strip_table(n, row, table)
        else:
            count = tables.block_table(n, size, clusters, local, columns, dimension == "Q", table)
        assert table[:count, tables.B_TILE].tolist() == lengths(size, clusters * local)
        mapping = Mapping(
            Factors(**{dimension: clusters // columns}),
            Factors(**{dimension: columns}),
            Factors(),
            Factors(**{dimension: local}),
        )
        for line in table[:count]:
            d = deal(size, int(line[tables.B_TILE]), mapping, dimension)
            columns_of_table = (
                tables.B_TILES, tables.B_UNITS, tables.B_CLUSTERS, tables.B_ROWS, tables.B_CLUSTER, tables.B_TOP,
                tables.B_TOP_CLUSTERS, tables.B_TOP_ROWS,
            )  # fmt: skip
            steps = d.steps if private else d.cluster_steps
            assert [int(line[column]) for column in columns_of_table] == [
                d.tiles, d.units, d.clusters, d.rows, steps, d.top_units, d.top_clusters, d.top_rows,
            ]  # fmt: skip
            if window is not None:
                fetched = window.touched(size, d.tiles) if stored else window.fetched(d.length)
                assert line[tables.B_FETCHED] == fetched
            if dimension == "Q":
                assert line[tables.B_SENT] == line[tables.B_GIVEN] == loops.columns.touched(size, d.units)
                assert line[tables.B_FILLED] == loops.columns.touched(size, d.clusters)
                last = d.units - (d.tiles - 1) * d.top_units
                first_parts = (d.tiles - 1) * min(d.top_units, local) + min(last, local)
                port = (d.steps, d.tiles) if private else (d.cluster_steps, first_parts)
                assert line[tables.B_PORT] == loops.columns.touched(*port)
                assert line[tables.B_FILL_PORT] == loops.columns.touched(d.cluster_steps, d.tiles)
            if dimension == "P":
                assert line[tables.B_FILLED] == loops.rows.touched(size, d.clusters)
                assert line[tables.B_FILL_PORT] == loops.rows.touched(d.cluster_steps, d.tiles)


@settings(max_examples=100)
@given(problems(most_macs=10**6), st.integers(1, 4), st.data())
def test_rows_streamed_over_all_passes(problem: Problem, parts: int, data: st.DataObject) -> None:
    rows = problem.loops.rows
    strips = data.draw(st.integers(1, rows.outputs))
    n = pack(problem, resolve_actions(load_technology("cmos65_8b"), problem.architecture)).n
    taps = [min(parts, rows.taps - first) for first in range(0, rows.taps, parts)]
    expected = sum(rows.streamed(rows.outputs, strips, tap) for tap in taps)
    assert windows.rows_streamed(n, rows.outputs, strips, parts) == expected
    assert windows.rows_touched(n, rows.outputs, strips) == rows.touched(rows.outputs, strips)
    outputs = problem.loops.columns.outputs
    assert windows.columns_touched(n, outputs, 1) == problem.loops.columns.touched(outputs, 1)


@pytest.mark.parametrize(("first", "last"), [("G", "INTEGERS"), ("IACT_DENSITY", "NUMBERS"), ("RG", "PLACES")])
def test_every_entry_of_the_flat_arrays_has_its_own_place(first: str, last: str) -> None:
    names = list(vars(at))
    group = names[names.index(first) : names.index(last) + 1]
    assert [getattr(at, name) for name in group] == list(range(len(group)))
