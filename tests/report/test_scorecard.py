"""The scorecard as table, JSON, rows and page."""

from __future__ import annotations

import csv
import io
import json

import pytest

from accelerator_sim.report.scorecard import (
    COLUMNS,
    SCHEMA,
    dumps_json,
    dumps_rows,
    markdown,
    ordered,
    render,
    summary,
)  # fmt: skip
from accelerator_sim.validation.publications import Case, Figure, Publication
from accelerator_sim.validation.validate import Scorecard, ScoreRow

CASE = Case(workload="alexnet", architecture="eyeriss_v2", note="zeros are assumed")


COUNTS = {"miss": 2, "ok": 2, "construction": 1, "input": 1, "fitted": 1, "left_out": 2}


def row(name: str, ours: float, fitted: str | None = None, **more: object) -> ScoreRow:
    fields = {"name": name, "quantity": "power_mw", "case": "c", "where": "Table V", "read": "printed", "why": "so"}
    figure = Figure.model_validate(
        fields | {"value": 100.0, "within": 0.1, "fitted": fitted, "cause": "too | hot"} | more
    )
    return ScoreRow("paper", figure, "CONV1", 100.0, 90.0, 110.0, ours)


@pytest.fixture
def card() -> Scorecard:
    rows = (row("fine", 101.0), row("fits", 200.0, "cmos65_8b"), row("bad", 120.0), row("worse", 50.0))
    rows += (row("known", 130.0, gave="the mapping"), row("sure", 100.0, follows="the mapping"))
    bound = Figure(
        name="share", quantity="noc_share", case="c", least=0.06, most=0.1, where="III", read="chart", why="range"
    )
    rows += (ScoreRow("paper", bound, "", None, 0.06, 0.1, 0.07),)
    publication = Publication(title="A paper", source="them, 2017", cases={"c": CASE}, figures=[])
    return Scorecard({"paper": publication}, rows, left_out=2)


def test_misses_come_first(card: Scorecard) -> None:
    assert [r.figure.name for r in ordered(card)] == ["worse", "bad", "fine", "share", "sure", "known", "fits"]
    assert summary(card) == (
        "2 of 4 predictions within their tolerance, 2 not; 1 hold by construction and do not count; 1 gave inputs and"
        " do not count; 1 were fitted to and do not count; 2 of slow runs were left out"
    )


@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_table_fits(card: Scorecard, width: int) -> None:
    text = render(card, width)
    assert max(map(len, text.splitlines())) <= width
    first = text.splitlines()[2]
    assert "worse" in first
    assert "50" in first
    assert "-50.0%" in text


def test_programs(card: Scorecard) -> None:
    data = json.loads(dumps_json(card))
    assert (data["schema"], data["figures"]) == (SCHEMA, COUNTS)
    assert data["rows"][0]["figure"] == "worse"
    assert data["rows"][0]["error"] == pytest.approx(-0.5)
    rows = list(csv.DictReader(io.StringIO(dumps_rows(card, ","))))
    assert tuple(rows[0]) == COLUMNS
    assert [r["status"] for r in rows] == ["miss", "miss", "ok", "ok", "construction", "input", "fitted"]
    assert rows[0]["cause"] == "too | hot"


def test_the_page(card: Scorecard) -> None:
    text = markdown(card)
    assert "| worse: CONV1, mW | 100 | 50 | -50.0% | 10% | too / hot |" in text
    assert "- `c`: zeros are assumed" in text
    assert "| share, of chip | 0.06 to 0.1 | 0.07 | - | range | ok | III | chart |" in text
    assert "fitted (cmos65_8b)" in text
    assert "10%: so; follows from the mapping | construction |" in text
    assert "| known: CONV1, mW | 100 | 130 | +30.0% | gave the mapping; so | input | Table V | printed |" in text
