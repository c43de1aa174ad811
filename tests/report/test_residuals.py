"""Measured points beside the model, as tables, JSON and rows."""

from __future__ import annotations

import csv
import io
import json

import pytest

from accelerator_sim.baseline.fit import residuals
from accelerator_sim.baseline.measured import load_measured
from accelerator_sim.report.residuals import Fit, dumps_json, dumps_rows, ordered, render, summary


def fit(name: str) -> Fit:
    described, points = load_measured(name)
    return Fit(name, described, residuals(described, points))


@pytest.fixture(scope="module")
def jetson() -> Fit:
    return fit("jetson")


def test_must_hold_energy_within_7_percent_rms(jetson: Fit) -> None:
    error = jetson.rms("energy")
    assert error is not None
    assert error < 0.07
    assert jetson.holds
    assert "jetson: 158 measured points, energy 5.5% rms (7% allowed;" in summary(jetson)


def test_networks_left_out_are_predicted_worse_than_they_are_fitted(jetson: Fit) -> None:
    for what in ("energy", "latency"):
        inside, outside = jetson.rms(what), jetson.rms(f"left_out_{what}")
        assert inside is not None
        assert outside is not None
        assert inside < outside < 0.12


@pytest.mark.parametrize("width", [60, 80, 160])
@pytest.mark.parametrize("name", ["p40", "raspberry_pi"])
def test_it_fits(name: str, width: int) -> None:
    text = render(fit(name), width)
    assert max(map(len, text.splitlines())) <= width
    assert "latency rms" in text
    assert "energy" not in text


def test_every_point_stands_in_the_table(jetson: Fit) -> None:
    text = render(jetson, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("jetson_") == 158 + 9
    errors = [abs(residual.error("energy") or 0.0) for residual in ordered(jetson)]
    assert errors == sorted(errors, reverse=True)


def test_too_far(jetson: Fit) -> None:
    within = jetson.described.within.model_copy(update={"energy": 0.01})
    far = Fit("jetson", jetson.described.model_copy(update={"within": within}), jetson.residuals)
    assert not far.holds
    assert summary(far).endswith(", TOO FAR")


def test_programs(jetson: Fit) -> None:
    data = json.loads(dumps_json([jetson]))["sets"]["jetson"]
    assert len(data["points"]) == 158
    assert data["holds"] is True
    assert data["rms"]["energy"] == pytest.approx(jetson.rms("energy"))
    rows = list(csv.DictReader(io.StringIO(dumps_rows([jetson], ","))))
    assert float(rows[0]["energy_error"]) == pytest.approx(
        float(rows[0]["energy_j"]) / float(rows[0]["measured_energy_j"]) - 1
    )
