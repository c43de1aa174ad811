"""Results for other programs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from accelerator_sim.files.errors import AcceleratorSimError
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.tabular import rows_text
from tests.conftest import Hide


def test_csv(result: NetworkResult, tmp_path: Path) -> None:
    text = result.to_csv(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows] == ["conv", "pool", "wide", "fc"]
    assert tuple(rows[0]) == tuple(result.columns)


def test_plain_data(result: NetworkResult) -> None:
    assert result.to_dict()["totals"]["layers"] == 4


def test_without_pandas(result: NetworkResult, hide: Hide) -> None:
    hide("pandas")
    with pytest.raises(AcceleratorSimError, match="pandas is not installed; install it with: pip install pandas"):
        result.to_pandas()


@pytest.mark.slow
def test_pandas(result: NetworkResult) -> None:
    pytest.importorskip("pandas")
    frame = result.to_pandas()
    assert list(frame.columns) == list(result.columns)
    assert frame.loc[0, "cycles"] == result.rows()[0]["cycles"]


def test_rows_with_different_columns() -> None:
    assert rows_text([{"a": 1}, {"b": "x\ty"}]) == "a\tb\n1\t\n\tx y\n"
