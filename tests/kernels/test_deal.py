"""The helper kernels against the Python that they stand for."""

from __future__ import annotations

from functools import partial

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from accelerator_sim.kernels import deal as kernels
from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels import tile_tables, windows
from accelerator_sim.mapping.dealing import deal, deals_of
from accelerator_sim.mapping.loops import Window
from accelerator_sim.mapping.mapping import Factors, Mapping, ceil_div
from accelerator_sim.mapping.pack import pack
from accelerator_sim.mapping.problem import MappingProblem
from accelerator_sim.mapping.space import PLACES, configurations, factors_of
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


def check_deal(dimension: str, size: int, tile: int, parts: tuple[int, int, int, int]) -> None:
    """Compare how the kernels and a mapping deal a dimension, tiles and parts one by one."""
    down, across, pe_down, pe_across = parts
    axes = [Factors(**{dimension: part}) for part in parts]
    d = deal(size, tile, Mapping(*axes), dimension)
    local, strips = pe_down * pe_across, dimension == "P"
    cut = kernels.Cut(down * across, local, across, pe_across)
    tiled = (kernels.tile_strips if strips else kernels.tile_blocks)(size, tile, cut)
    total, top = tiled.total, tiled.top
    assert (
        tiled.tiles, tiled.length, total.steps, total.units, total.clusters, total.rows, total.strips,
        total.cluster_steps, total.row_steps, top.units, top.clusters, top.rows,
    ) == (
        d.tiles, d.length, d.steps, d.units, d.clusters, d.rows, d.strips,
        d.cluster_steps, d.row_steps, d.top.units, d.top.clusters, d.top.rows,
    )  # fmt: skip
    steps = units = first_steps = first_units = 0
    for first in range(0, size, d.length):
        of_parts = parts_of_tile(min(d.length, size - first), down * across, local, strips)
        steps += max(map(len, of_parts))
        units += sum(map(bool, of_parts))
        first_steps += sum(map(len, of_parts[:local]))
        first_units += sum(map(bool, of_parts[:local]))
    assert (total.steps, total.units, total.cluster_steps, total.first_units) == (
        steps, units, first_steps, first_units,
    )  # fmt: skip


def parts_of_tile(elements: int, clusters: int, local: int, strips: bool) -> list[list[int]]:
    """Elements of every part of a tile, cluster by cluster, as the kernels hand them out: each one once."""
    found = []
    for cluster in range(clusters):
        for part in range(local):
            if strips:
                first, count = kernels.strip_of(elements, clusters, local, cluster, part)
                found.append([first + i * local for i in range(count)])
            else:
                first, count = kernels.block_of(elements, clusters * local, cluster * local + part)
                found.append(list(range(first, first + count)))
    assert sorted(element for part in found for element in part) == list(range(elements))
    return found


@settings(max_examples=400)
@given(st.sampled_from("GNMCQR"), SIZES, st.integers(1, 30), st.tuples(PARTS, PARTS, PARTS, PARTS))
def test_blocks(dimension: str, size: int, tile: int, parts: tuple[int, int, int, int]) -> None:
    check_deal(dimension, size, tile, parts)


@settings(max_examples=400)
@given(SIZES, st.integers(1, 30), st.tuples(PARTS, PARTS, PARTS, PARTS))
def test_strips(size: int, tile: int, parts: tuple[int, int, int, int]) -> None:
    check_deal("P", size, tile, parts)


@settings(max_examples=60)
@given(problems(most_macs=10**6), st.data())
def test_a_configuration_deals_like_its_mapping(problem: MappingProblem, data: st.DataObject) -> None:
    """Every dimension, with the cuts that the kernels read from a row of the space."""
    rows = configurations(problem)
    row = rows[data.draw(st.integers(0, len(rows) - 1))]
    tiles = {d: data.draw(st.integers(1, problem.loops.sizes[d])) for d in "NMCPQ"}
    deals = deals_of(problem.loops, Mapping(**factors_of(row), **{f"{d}0": tile for d, tile in tiles.items()}))
    cuts = {
        "G": kernels.cut_groups, "N": kernels.cut_images, "M": kernels.cut_filters, "C": kernels.cut_channels,
        "P": kernels.cut_rows, "Q": kernels.cut_columns,
    }  # fmt: skip
    for dimension, cut in cuts.items():
        d = getattr(deals, dimension)
        size, tile = problem.loops.sizes[dimension], tiles.get(dimension, 1)
        tiled = (kernels.tile_strips if dimension == "P" else kernels.tile_blocks)(size, tile, cut(row))
        assert (tiled.tiles, tiled.length, tiled.total.steps, tiled.total.units, tiled.total.clusters) == (
            d.tiles, d.length, d.steps, d.units, d.clusters,
        )  # fmt: skip
        assert (tiled.total.cluster_steps, tiled.total.strips, tiled.top.units) == (
            d.cluster_steps, d.strips, d.top.units,
        )  # fmt: skip
        if dimension != "C":  # which only PE rows and cluster rows cut: nobody asks for its rows
            assert (tiled.total.rows, tiled.total.row_steps) == (d.rows, d.row_steps)


def packed_integers(problem: MappingProblem) -> np.ndarray:
    """The integers that the kernels get."""
    return pack(problem, resolve_actions(load_technology("cmos65_8b"), problem.architecture), problem.loops.S).n


@settings(max_examples=400)
@given(drawn_windows(), st.integers(1, 25), st.integers(1, 25))
def test_windows(w: Window, tile: int, number: int) -> None:
    blocks, taps = min(number, w.outputs), min(number, w.taps)
    sliding = windows.Sliding(w.taps, w.stride, w.dilation, w.extent, w.before, w.size, w.spanned_inside)
    assert windows.streamed(sliding, w.outputs, blocks, taps) == w.streamed(w.outputs, blocks, taps)
    assert windows.fetched(sliding, w.outputs, tile) == w.fetched(tile)
    assert windows.touched(sliding, w.outputs, blocks) == w.touched(w.outputs, blocks)
    passes = [min(taps, w.taps - first) for first in range(0, w.taps, taps)]
    expected = sum(w.streamed(w.outputs, blocks, tap) for tap in passes)
    assert windows.streamed_in_passes(sliding, w.outputs, blocks, taps) == expected


@settings(max_examples=60)
@given(problems(most_macs=10**6))
def test_windows_of_a_layer(problem: MappingProblem) -> None:
    n = packed_integers(problem)
    for sliding, w in ((windows.rows_of(n), problem.loops.rows), (windows.columns_of(n), problem.loops.columns)):
        assert sliding == (w.taps, w.stride, w.dilation, w.extent, w.before, w.size, w.spanned_inside)


@settings(max_examples=300)
@given(SIZES, st.integers(1, 30), SIZES)
def test_choices_are_the_shortest_tile_for_each_number_of_tiles(size: int, parts: int, limit: int) -> None:
    assert tile_tables.choices(size, parts, limit) == sum(length <= limit for length in lengths(size, parts))


def sent_columns(problem: MappingProblem, outputs: int, blocks: int) -> int:
    """Input columns that go to PEs: all columns of each output, where windows are reloaded."""
    columns = problem.loops.columns
    return outputs * columns.extent if problem.reloads else columns.touched(outputs, blocks)


def parts_of(row: np.ndarray, dimension: str, axes: tuple[str, ...]) -> int:
    """Product of a dimension's factors on some axes of a configuration."""
    return int(np.prod([row[PLACES[axis][dimension]] for axis in axes if dimension in PLACES[axis]]))


@settings(max_examples=60)
@given(problems(most_macs=10**6), st.data())
def test_tables_of_tiles(problem: MappingProblem, data: st.DataObject) -> None:
    """Every column that is a window or a deal, for every tile length of a configuration."""
    architecture, loops = problem.architecture, problem.loops
    n = packed_integers(problem)
    rows = configurations(problem)
    row = rows[data.draw(st.integers(0, len(rows) - 1))]
    table = np.empty((100, tile_tables.POSITION_COLUMNS))
    stored = architecture.dram.padding == "stored"
    private = architecture.noc.iact.kind == "unicast"  # a PE has the ports that a cluster has else
    at_column = tile_tables.PositionTile
    for dimension, window in (("N", None), ("Q", loops.columns), ("P", loops.rows)):
        size = loops.sizes[dimension]
        clusters = parts_of(row, dimension, ("cluster_rows", "cluster_columns"))
        local = parts_of(row, dimension, ("pe_rows", "pe_columns"))
        columns = parts_of(row, dimension, ("cluster_columns",))
        if dimension == "P":
            count = tile_tables.row_table(n, kernels.cut_rows(row), row[at.YR], table)
        elif dimension == "Q":
            count = tile_tables.column_table(n, kernels.cut_columns(row), table)
        else:
            count = tile_tables.image_table(n, kernels.cut_images(row), table)
        assert table[:count, at_column.LENGTH].tolist() == lengths(size, clusters * local)
        mapping = Mapping(
            Factors(**{dimension: clusters // columns}),
            Factors(**{dimension: columns}),
            Factors(),
            Factors(**{dimension: local}),
        )
        for line in table[:count]:
            d = deal(size, int(line[at_column.LENGTH]), mapping, dimension)
            of_deal = (
                at_column.TILES, at_column.UNITS, at_column.CLUSTERS, at_column.CLUSTER_ROWS, at_column.CLUSTER_STEPS,
                at_column.TOP_UNITS, at_column.TOP_CLUSTERS, at_column.TOP_CLUSTER_ROWS,
            )  # fmt: skip
            steps = d.steps if private else d.cluster_steps
            assert [int(line[column]) for column in of_deal] == [
                d.tiles, d.units, d.clusters, d.rows, steps, d.top.units, d.top.clusters, d.top.rows,
            ]  # fmt: skip
            if window is not None:
                fetched = window.touched(size, d.tiles) if stored else window.fetched(d.length)
                assert line[at_column.FETCHED] == fetched
            if dimension == "Q":
                sent = partial(sent_columns, problem)
                assert line[at_column.SENT] == line[at_column.GIVEN] == sent(size, d.units)
                assert line[at_column.FILLED] == loops.columns.touched(size, d.clusters)
                last = d.units - (d.tiles - 1) * d.top.units
                first_parts = (d.tiles - 1) * min(d.top.units, local) + min(last, local)
                port = (d.steps, d.tiles) if private else (d.cluster_steps, first_parts)
                assert line[at_column.PORT] == sent(*port)
                assert line[at_column.FILL_PORT] == loops.columns.touched(d.cluster_steps, d.tiles)
            if dimension == "P":
                assert line[at_column.FILLED] == loops.rows.touched(size, d.clusters)
                assert line[at_column.FILL_PORT] == loops.rows.touched(d.cluster_steps, d.tiles)


@pytest.mark.parametrize(("first", "last"), [("G", "INTEGERS"), ("IACT_DENSITY", "NUMBERS"), ("RG", "PLACES")])
def test_every_entry_of_the_flat_arrays_has_its_own_place(first: str, last: str) -> None:
    names = list(vars(at))
    group = names[names.index(first) : names.index(last) + 1]
    assert [getattr(at, name) for name in group] == list(range(len(group)))
