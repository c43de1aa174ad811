"""The front of a sweep in a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from accelerator_sim.report.pareto_text import render_front, render_records, shown
from accelerator_sim.sweeps.records import goal_of

GOALS = [goal_of("latency"), goal_of("energy_total")]


def row(point: int, latency: float | None, energy: float | None, **axes: str) -> dict[str, Any]:
    return {
        "stage": 0, "point": point, "workload": "net", "key": f"{point:032x}", "axes": {"clock": "1 MHz", **axes},
        "latency_s": latency, "energy_total_j": energy, "area_mm2": 12.34, "pes": 192.0,
    }  # fmt: skip


ROWS = [row(0, 1e-3, 4e-6, rows="1"), row(1, 2e-3, 2e-6, rows="2"), row(2, 2e-3, 3e-6, rows="3"), row(3, None, None)]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_front(width: int) -> None:
    lines = render_front(ROWS, GOALS, width).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0] == "energy_total_j"
    assert lines[1].startswith("4.00 µJ |o")
    assert lines[16].startswith("2.00 µJ |")
    assert lines[16].endswith("o"), "of two in a column, the one below"
    assert sum(line.count("o") for line in lines[1:17]) == 2
    assert sum(line.count(".") for line in lines[1:17] if "|" in line) >= 1
    assert "2 of 4 points are beaten by none in latency_s (least), energy_total_j (least)" in " ".join(lines)
    assert lines[-1] == "all: clock 1 MHz"


def test_wide_results_are_logarithmic() -> None:
    text = render_front([row(0, 1e-3, 1.0), row(1, 1.0, 0.5)], GOALS, 80)
    assert "latency_s (logarithmic)" in text


def test_nothing_to_show() -> None:
    assert render_front([row(0, None, None)], GOALS, 80) == "no results with latency_s and energy_total_j\n"


def test_records() -> None:
    text = render_records(ROWS[:2], [goal_of("area")], 100)
    assert "12.3 mm2" in text
    assert "rows" in text


def test_shown() -> None:
    assert [shown(ROWS[0], name) for name in ("latency_s", "energy_total_j", "pes", "area_mm2", "edp_js")] == [
        "1.00 ms", "4.00 µJ", "192", "12.3 mm2", "-"
    ]  # fmt: skip
