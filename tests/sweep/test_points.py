"""The points of a sweep."""

from __future__ import annotations

import pytest

from accelerator_sim.sweep.points import points_of, sobol
from tests.sweep.conftest import Make

HEAD = "architecture: eyeriss_v2\nworkloads: [small.yaml]\naxes: {batch: {powers_of_two: [1, 8]}, seed: [0, 1, 2]}\n"


def test_grid(make: Make) -> None:
    points = list(points_of(make(HEAD)))
    assert len(points) == 12
    assert points[5].named == {"batch": "2", "seed": "2"}
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


def test_too_many_axes_for_sobol(make: Make) -> None:
    axes = ", ".join(f"a{k}: [1, 2]" for k in range(22))
    sweep = make(f"architecture: eyeriss_v2\nworkloads: [small.yaml]\nmode: sobol\nsamples: 4\naxes: {{{axes}}}\n")
    with pytest.raises(ValueError, match="a Sobol sequence of 22 axes; at most 21 are known, use mode random"):
        list(points_of(sweep))


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
