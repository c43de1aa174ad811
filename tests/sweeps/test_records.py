"""What is asked of results: goals, joined networks, the best, the front."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelerator_sim.results.tabular import Row
from accelerator_sim.sweeps import store as room
from accelerator_sim.sweeps.database import FIGURES
from accelerator_sim.sweeps.records import best, best_in, by_point, flat, front_in, front_of, goal_of
from accelerator_sim.sweeps.store import Store, StoreEntry

GOALS = [goal_of("latency"), goal_of("utilization"), goal_of("area")]


@pytest.mark.parametrize(
    ("word", "field", "most"),
    [
        ("edp", "edp_js", False),
        ("latency_s", "latency_s", False),
        ("energy_total", "energy_total_j", False),
        ("inferences_per_j", "inferences_per_j", True),
        ("-utilization", "utilization", False),
        ("-cycles", "cycles", True),
        ("area", "area_mm2", False),
    ],
)
def test_goals(word: str, field: str, most: bool) -> None:
    goal = goal_of(word)
    assert (goal.field, goal.most) == (field, most)
    assert goal.cost({field: 3}) == (-3.0 if most else 3.0)
    assert goal.cost({}) is None


def test_networks_of_a_point_are_joined() -> None:
    """Two inferences, of 1 s and 2 J and of 3 s and 4 J, the second with twice the cycles at half the use."""
    figures = dict.fromkeys(FIGURES, 1.0)
    one = figures | {"latency_s": 1.0, "energy_j": 2.0, "energy_total_j": 2.5, "cycles": 100, "utilization": 1.0}
    two = figures | {"latency_s": 3.0, "energy_j": 4.0, "energy_total_j": 4.5, "cycles": 200, "utilization": 0.5}
    fixed = {"stage": 0, "point": 7, "batch": 1, "status": "ok", "error": None, "axes": {}, "macs": 5e8}
    rows: list[Row] = [one | fixed | {"workload": "a", "key": "k"}, two | fixed | {"workload": "b", "key": "l"}]
    (joined,) = by_point(rows)
    assert (joined["latency_s"], joined["energy_total_j"], joined["edp_js"]) == (4.0, 7.0, 28.0)
    assert joined["inferences_per_s"] == 2 / 4.0
    assert joined["inferences_per_j"] == 2 / 6.0
    assert joined["utilization"] == pytest.approx((100 + 100) / 300)
    assert joined["gops_per_w"] == pytest.approx(2 * 1e9 / 6.0 / 1e9)
    assert joined["workload"] == "a + b"
    rows[1] |= {"status": "failed", "error": "too wide"}
    (joined,) = by_point(rows)
    assert (joined["status"], joined["error"], joined["latency_s"]) == ("failed", "too wide", None)


def test_flat() -> None:
    """Numbers are numbers, also where an older store has them as text."""
    axes = {"x": "3", "y": "2 KiB", "z": "0.5", "w": 7, "b_bytes_per_s": "unlimited", "n": "nan"}
    row = {"stage": 0, "point": 1, "workload": "a", "axes": axes, "cycles": 4}
    numbers = {"x": 3, "y": "2 KiB", "z": 0.5, "w": 7, "b_bytes_per_s": math.inf, "n": "nan"}
    assert flat(row) == {"stage": 0, "point": 1, "workload": "a", **numbers, "cycles": 4}


_VALUE = st.none() | st.integers(0, 5)


@settings(max_examples=40)
@given(st.lists(st.tuples(_VALUE, _VALUE, _VALUE), max_size=60), st.integers(1, 5))
def test_what_is_read_of_a_store_is_what_all_rows_say(values: list[tuple[int | None, ...]], sample: int) -> None:
    """The front and the best of one sweep among two, whatever sample the store begins with."""
    usual, room.SAMPLE = room.SAMPLE, sample
    try:
        with TemporaryDirectory() as folder:
            store = Store(Path(folder) / "s.sqlite")
            for at, (latency, use, area) in enumerate(values):
                figures = dict.fromkeys(FIGURES, 1.0) | {"latency_s": latency, "utilization": use, "area_mm2": area}
                entry = StoreEntry(f"k{at}", "net", "machine", "analytical", "latency", 1, 0, {}, {})
                store.add([(entry, figures, None)], {})
                store.join("odd" if at % 3 else "even", 0, [(at, "net", f"k{at}")])
            for name in ("odd", "even"):
                rows = store.rows(name)
                assert front_in(store, name, GOALS) == front_of(rows, GOALS)
                assert best_in(store, name, GOALS[0], 4) == best(rows, GOALS[0], 4)
            store.close()
    finally:
        room.SAMPLE = usual
