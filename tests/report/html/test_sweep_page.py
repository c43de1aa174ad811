"""The page of a sweep, as text."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest

from accelerator_sim.report.html import sweep_page as swept_page
from accelerator_sim.report.html.plane import axis_of
from tests.report.html.conftest import read, sweep_page, sweep_row

ROWS = [sweep_row(point) for point in range(6)]


def data_of(page: str) -> Any:
    match = re.search(r'<script type="application/json" id="plane-data">(.*?)</script>', page)
    assert match is not None
    return json.loads(match[1])


def listed(page: str, table: str = "points") -> list[str]:
    """The first cell of every row of a table."""
    body = page.split(f'<table id="{table}"')[1].split("<tbody>")[1].split("</tbody>")[0]
    return re.findall(r"<tr[^>]*><td[^>]*>([^<]*)</td>", body)


def marked(page: str) -> list[int]:
    return sorted(map(int, re.findall(r'<g class="row front" data-key="(\d+)">', page)))


def test_the_page_is_well_formed_loads_nothing_and_is_the_same_each_time() -> None:
    page = sweep_page(ROWS)
    elements = read(page).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] or "" for tag, attributes in elements if tag == "a"]
    assert {link.removeprefix("#") for link in links} <= set(ids)
    for _, attributes in elements:
        assert not any((attributes.get(name) or "").startswith(("http", "//")) for name in ("src", "href"))
    assert page == sweep_page(ROWS)


def test_sections_and_cards() -> None:
    page = sweep_page(ROWS)
    assert re.findall(r'<section id="([a-z]+)"', page) == ["summary", "plane", "table", "provenance"]
    cards = dict(re.findall(r"<dt>([^<]*)</dt><dd><b>([^<]*)</b>", page))
    assert cards == {
        "points": "6", "results": "6", "failed": "0", "on the front": "3",
        "least latency_s": "167 µs", "least energy_total_j": "1.00 µJ",
    }  # fmt: skip
    assert "3 more break a constraint" in page
    assert "point 5: clock 600 MHz" in page
    assert "accelerator-sim simulate &#39;a b.yaml&#39;" in page
    assert "<dt>seed</dt><dd>0</dd>" in page


def test_the_front_is_marked_in_the_plot_and_the_table() -> None:
    page = sweep_page(ROWS)
    assert marked(page) == [3, 4, 5]
    standing = dict(re.findall(r'data-standing="(\w+)"><td data-v="\d+">(\d+)<', page)[::-1])
    assert standing["front"] == "3"
    assert "Of 6 points, 3 are beaten by none in least latency_s and least energy_total_j." in page
    assert "beaten by none in latency_s (least), energy_total_j (least)" in page
    assert "point 3\nclock: 400 MHz\nlatency_s: 250 µs\nenergy_total_j: 1.00 µJ\nkey: 000000000000" in page


def test_axes_are_the_results_that_vary_after_the_objectives() -> None:
    page = sweep_page(ROWS, ("energy_total", "latency"))
    data = data_of(page)
    assert [axis["field"] for axis in data["axes"]] == ["energy_total_j", "latency_s", "inferences_per_s"]
    assert [axis["most"] for axis in data["axes"]] == [False, False, True]
    assert "<dt>pes</dt><dd>192</dd>" in page
    headings = re.findall(r'<th scope="col" class="\w+">([^<]*)</th>', page)
    assert [headings[axis["column"]] for axis in data["axes"]] == [axis["field"] for axis in data["axes"]]
    assert [headings[column] for column in data["columns"]] == ["clock"]
    assert data["axes"][0]["ranks"] == [0, 1, 2, 0, 1, 2]


def test_an_objective_that_is_turned() -> None:
    page = sweep_page(ROWS, ("-energy_total", "latency"))
    assert data_of(page)["axes"][0]["most"] is True
    assert marked(page) == [5]
    assert "most energy_total_j and least latency_s" in page


def test_one_objective_is_drawn_with_another_result() -> None:
    page = sweep_page(ROWS, ("inferences_per_s",))
    assert "most inferences_per_s and least energy_total_j" in page


def test_wide_results_are_logarithmic() -> None:
    axis = axis_of("latency_s", [1e-6, 1e-3, None], most=False)
    assert axis.logarithmic
    assert [label for _, label in axis.ticks] == ["1 µs", "10 µs", "100 µs", "1 ms"]
    assert axis.ranks == (0, 1, None)
    assert axis_of("latency_s", [1e-3, 2e-3], most=False).title == "latency_s"


@pytest.mark.parametrize("values", [[5.0], [1e9, 1e9 + 1], [0.0, 1.0], [100.001, 100.002]])
def test_ticks_are_told_apart_and_inside(values: list[float]) -> None:
    axis = axis_of("energy_j", values, most=False)
    labels = [label for _, label in axis.ticks]
    assert len(set(labels)) == len(labels) >= 1
    assert all(0 <= place <= 1 for place, _ in axis.ticks)


def test_failed_points_are_listed() -> None:
    page = sweep_page([*ROWS, sweep_row(6, "<b>no such unit</b>")])
    assert "1 result failed" in page
    assert listed(page, "errors") == ["6"]
    assert "&lt;b&gt;no such unit&lt;/b&gt;" in page
    assert "<b>no such" not in page
    assert data_of(page)["axes"][0]["places"][6] is None
    assert '<option value="failed">' in page


@pytest.mark.parametrize("rows", [[], [sweep_row(0, "broken"), sweep_row(1, "broken")]])
def test_no_results(rows: list[Any]) -> None:
    page = sweep_page(rows)
    read(page)
    assert "No point has results." in page
    assert "plane-data" not in page.split("<script>")[0]
    assert listed(page) == [str(row["point"]) for row in rows]


def test_an_interrupted_sweep_says_so() -> None:
    assert "The sweep was interrupted" in sweep_page(ROWS, interrupted=True)


def test_hostile_names() -> None:
    evil = "</script><script>alert(1)</script>\x1b\u2028"
    rows = [sweep_row(point, axes={evil: f"{evil}{point}"}) for point in range(3)]
    rows[0]["workload"] = evil
    rows.append(sweep_row(3, evil, axes={evil: "x"}))
    page = sweep_page(rows)
    read(page)
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert page.count("<script>") == 1
    assert "\x1b" not in page
    assert "alert" not in json.dumps(data_of(page))


def test_of_many_points_the_front_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swept_page, "MOST", 30)
    rows = [sweep_row(point, latency_s=1e-3 + abs(point - 500) * 1e-6, energy_total_j=1e-3) for point in range(1000)]
    for point, (seconds, joules) in {77: (2e-4, 5e-4), 333: (1e-4, 6e-4), 901: (5e-4, 1e-4)}.items():
        rows[point] |= {"latency_s": seconds, "energy_total_j": joules}
    page = sweep_page(rows)
    assert "30 of 1,000 points are drawn and listed" in page
    numbers = list(map(int, listed(page)))
    assert len(numbers) == 30
    assert numbers == sorted(numbers)
    assert {77, 333, 901} <= set(numbers)
    assert [numbers[at] for at in marked(page)] == [77, 333, 901]
    assert max(b - a for a, b in pairwise(numbers)) < 100, "the rest is spread evenly"
    assert "<dt>points</dt><dd><b>1,000</b>" in page


def test_of_many_points_fronts_of_other_pairs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swept_page, "MOST", 30)
    rows = [sweep_row(point, dram_bytes=2000 - point, area_mm2=5.0) for point in range(1000)]
    rows[444] |= {"dram_bytes": 999, "area_mm2": 4.0}
    rows[555] |= {"dram_bytes": 999, "area_mm2": 4.0}
    assert {"444", "555"} <= set(listed(sweep_page(rows)))


def test_failed_points_that_are_not_listed_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swept_page, "MOST", 2)
    rows = [*ROWS[:1], *(sweep_row(point, "too wide") for point in (1, 2, 3))]
    page = sweep_page(rows)
    assert "3 results failed; the first 2 are listed below with their errors." in page
    assert listed(page, "errors") == ["1", "2"]
