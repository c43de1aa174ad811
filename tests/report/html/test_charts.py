"""Chart primitives."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from accelerator_sim.noc.routes import MeshLink
from accelerator_sim.report.html.bars import Bar, Segment, stacked_bars, ticks
from accelerator_sim.report.html.heat import heat_grid, mesh
from accelerator_sim.report.html.scatter import Limit, ScatterPoint, mark, scatter_loglog
from accelerator_sim.report.html.steps import steps


def numbers(pattern: str, text: str) -> list[float]:
    return [float(number) for number in re.findall(pattern, text)]


@pytest.mark.parametrize(
    ("most", "marks"),
    [(0.0, [0]), (1.0, [0, 0.25, 0.5, 0.75, 1.0]), (9.0, [0, 2.5, 5, 7.5]), (400.0, [0, 100, 200, 300, 400])],
)
def test_ticks_are_round(most: float, marks: list[float]) -> None:
    assert ticks(most) == pytest.approx(marks)


def test_bars_are_in_proportion() -> None:
    bars = [
        Bar("a", (Segment("mac", 3.0), Segment("dram", 1.0)), "4", "tip"),
        Bar("b", (Segment("mac", 2.0),), "2", ""),
    ]
    text = stacked_bars("title", bars, str)
    ET.fromstring(text)
    assert numbers(r'class="k-\w+" x="([\d.]+)%"', text) == [0, 75, 0]
    assert numbers(r'x="[\d.]+%" width="([\d.]+)%" height="14"/>', text) == [75, 25, 50]
    assert numbers(r"--k:([\d.]+)", text) == [1, 2]


def test_bars_of_nothing() -> None:
    text = stacked_bars("title", [Bar("a", (Segment("mac", 0.0),), "0", ""), Bar("b", (), "failed", "")], str)
    ET.fromstring(text)
    assert "k-mac" not in text
    ET.fromstring(stacked_bars("none", [], str))


def test_invisible_segments_are_left_out_but_keep_their_place() -> None:
    parts = Segment("mac", 500.0), Segment("noc", 0.1), Segment("glb", 499.9)
    text = stacked_bars("title", [Bar("a", parts, "", "")], str)
    assert "k-noc" not in text
    assert numbers(r'class="k-glb" x="([\d.]+)%"', text) == [50.01]


def test_many_bars_are_several_drawings_of_about_equal_length() -> None:
    text = stacked_bars("title", [Bar(str(i), (Segment("mac", 1.0),), "", "") for i in range(100)], str)
    assert [part.count('class="row"') for part in text.split("</svg><svg ") if "bars" in part[:20]] == [34, 34, 32]
    assert "title (2 of 3)" in text


def test_points_and_limits() -> None:
    points = [ScatterPoint(1.0, 10.0, "conv", "one", "one"), ScatterPoint(10.0, 100.0, "fc", "two", "two")]
    text = scatter_loglog("title", points, ["conv", "fc"], [Limit("roof", (0.1, 100.0), (10.0, 100.0))], ("x", "y"))
    ET.fromstring(text)
    (x1, y1), (x2, y2) = [tuple(map(float, at)) for at in re.findall(r'class="mark" x="([\d.]+)%" y="([\d.]+)"', text)]
    assert x2 > x1
    assert y2 < y1
    assert ">roof</text>" in text
    assert ">one</text>" in text


def test_points_at_one_place_are_named_once() -> None:
    points = [ScatterPoint(1.0, 10.0, "conv", "", name) for name in ("one", "two")]
    text = scatter_loglog("title", points, ["conv"], [], ("x", "y"))
    assert [">one</text>" in text, ">two</text>" in text] == [True, False]


def test_marks_differ() -> None:
    kinds = ["a", "b", "c", "d", "e"]
    assert len({mark(kind, kinds) for kind in kinds}) == 5


def test_heat_grid_joins_equal_cells_and_keeps_blocks_apart() -> None:
    text = heat_grid("title", [[1.0, 1.0, 1.0, 1.0], [0.0, 0.5, 1.0, 1.0]], (1, 2))
    ET.fromstring(text)
    assert text.count('<path class="h10" d="M0 6.5h26M30 6.5h26M30 23.5h26"/>') == 1
    assert re.search(r'<path class="h0" d="M0 23.5h13"/>', text)


def test_mesh_says_what_its_links_carry() -> None:
    loads = {MeshLink((0, 0), (0, 1)): 1000, MeshLink((0, 0), (1, 0)): 500, MeshLink((1, 0), (2, 0)): 500}
    text = mesh("title", (3, 2), loads)
    ET.fromstring(text)
    assert text.count("<text") == 3
    assert "1.00 k" in text
    assert '<path class="h5" d="M0 8v76"/>' in text  # two equal links, the node between them in the gap of the dashes


def test_a_torus_shows_both_ways_and_wrapped_links() -> None:
    """Words up and down the same link are added; the wrapped link lies beyond the last of three nodes."""
    loads = {MeshLink((0, 0), (1, 0)): 500, MeshLink((1, 0), (0, 0)): 250, MeshLink((0, 0), (2, 0)): 1500}
    text = mesh("title", (3, 1), loads)
    assert text.count("<text") == 2
    assert '<path class="h5" d="M0 8v34"/>' in text
    assert '<path class="h10" d="M0 92v34"/>' in text


def test_a_large_mesh_has_no_text_and_stays_small() -> None:
    loads = {MeshLink((row, column), (row, column + 1)): 7 for row in range(32) for column in range(31)}
    text = mesh("title", (32, 32), loads)
    assert "<text" not in text
    assert len(text) < 3000


def test_steps_leave_out_what_does_not_change() -> None:
    text = steps("title", [0.0, 0.5, 0.5, 1.0], ("start", "end"))
    ET.fromstring(text)
    assert 'd="M0 100H0V100H1V50H3V0H4V100Z"' in text
    assert "title: mean 50.0%" in text
