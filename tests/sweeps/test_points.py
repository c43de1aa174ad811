"""The points of a sweep."""

from __future__ import annotations

import pytest

from accelerator_sim.sweeps.points import points_of, tries
from accelerator_sim.sweeps.sobol import sobol
from tests.sweeps.conftest import Make

HEAD = """\
architecture: eyeriss_v2
workloads: [small.yaml]
axes: {batch: {powers_of_two: [1, 8]}, pe.macs_per_cycle: [1, 2, 4]}
"""


def test_grid(make: Make) -> None:
    points = list(points_of(make(HEAD)))
    assert len(points) == 12
    assert points[5].named == {"batch": "2", "pe.macs_per_cycle": "4"}
    assert [point.number for point in points] == list(range(12))


@pytest.mark.parametrize("mode", ["random", "sobol"])
def test_samples(make: Make, mode: str) -> None:
    """Each combination at most once, the same ones for the same seed, others for another one."""
    few = [p.values for p in points_of(make(HEAD + f"mode: {mode}\nsamples: 6\n"))]
    assert few == [p.values for p in points_of(make(HEAD + f"mode: {mode}\nsamples: 6\n"))]
    assert len(set(few)) == len(few) <= 6
    assert few != [p.values for p in points_of(make(HEAD + f"mode: {mode}\nsamples: 6\nseed: 5\n"))]
    all_of_them = [p.values for p in points_of(make(HEAD + f"mode: {mode}\nsamples: 64\n"))]
    assert len(all_of_them) == len(set(all_of_them)) == 12


@pytest.mark.parametrize("mode", ["random", "sobol"])
def test_only_legal_points_are_drawn(make: Make, mode: str) -> None:
    sweep = make(HEAD + f"mode: {mode}\nsamples: 4\nseed: 2\n")
    points = list(points_of(sweep, lambda point: point.named["batch"] == "4"))
    assert [point.number for point in points] == [0, 1, 2], "there are three"
    assert {point.named["batch"] for point in points} == {"4"}
    assert list(points_of(sweep, lambda point: False)) == []


def test_draws_have_a_limit(make: Make) -> None:
    """Of 10^12 combinations none is legal: 100 are drawn for each sample, fewer of very many."""
    paths = ("pe.fifo_depth.iact", "pe.fifo_depth.weight", "pe.fifo_depth.psum", "pe.pipeline_stages")
    axes = ", ".join(f"{path}: {{from: 1, to: 1000, steps: 1000}}" for path in paths)
    sweep = make(f"architecture: eyeriss_v2\nworkloads: [small.yaml]\nmode: random\nsamples: 4\naxes: {{{axes}}}\n")
    asked: list[int] = []
    assert list(points_of(sweep, lambda point: bool(asked.append(point.number)))) == []
    assert len(asked) == tries(4) == 400
    assert tries(10_000) == tries(20_000) == 1_000_000
    assert tries(1_000_000) == 2_000_000


def test_sobol_begins_as_published() -> None:
    """Joe and Kuo's notes on generating Sobol sequences, example in three dimensions."""
    eighths = [tuple(value / 2**32 for value in place) for place in sobol(4, 3)]
    assert eighths == [(0.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.75, 0.25, 0.25), (0.25, 0.75, 0.75)]


@pytest.mark.parametrize("power", [3, 6, 10])
def test_sobol_fills_every_axis_evenly(power: int) -> None:
    """The first 2^k places have one in each of the 2^k equal parts of every axis."""
    count = 1 << power
    for coordinates in zip(*sobol(count, 21), strict=True):
        assert sorted(value >> (32 - power) for value in coordinates) == list(range(count))
