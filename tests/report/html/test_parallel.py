"""Parallel coordinates of a page: places of values, ticks, and which points are drawn."""

from __future__ import annotations

import re

import pytest

from accelerator_sim.report.html.parallel import MOST_LINES, Upright, parallel, upright


def test_values_that_are_set_are_evenly_spaced() -> None:
    axis = upright("clock", [1e9, 1e8, 1e9, 2e8], ["1 GHz", "100 MHz", "1 GHz", "200 MHz"])
    assert axis.places == (1.0, 0.0, 1.0, 0.5)
    assert axis.ticks == ((0.0, "100 MHz"), (0.5, "200 MHz"), (1.0, "1 GHz"))
    many = upright("n", list(range(9)), list(map(str, range(9))))
    assert [text for _, text in many.ticks] == ["0", "8"]


def test_numbers_come_before_texts() -> None:
    assert upright("x", ["unlimited", 3.0], ["unlimited", "3"]).places == (1.0, 0.0)


def test_the_front_is_drawn_last_and_points_without_results_are_not() -> None:
    axes = [upright("a", [1.0, 2.0, 3.0], ["1", "2", "<3>"]), Upright("b", (0.2, None, 0.8), ((0.2, "x"),))]
    drawn = str(parallel(axes, {0}))
    assert re.findall(r'class="(\w+)" data-point="(\d)" d="([^"]*)"', drawn) == [
        ("beaten", "2", "M0 0L1 0.2"),
        ("front", "0", "M0 1L1 0.8"),
    ]
    assert "&lt;3&gt;" in drawn
    assert "2 points by their axes" in drawn


@pytest.mark.parametrize("points", [10, 2000, 5000])
def test_many_points_stay_small(points: int) -> None:
    axes = [
        upright(name, [float(at % 7) for at in range(points)], [str(at % 7) for at in range(points)])
        for name in "abcdef"
    ]
    drawn = str(parallel(axes, {0, points - 1}))
    assert drawn.count("<path") == min(points, MOST_LINES)
    assert f'data-point="{points - 1}"' in drawn
    assert len(drawn) < 150_000
