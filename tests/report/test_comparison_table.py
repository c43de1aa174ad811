"""A comparison as tables, JSON and rows."""

from __future__ import annotations

import csv
import io
import json

import pytest

from accelerator_sim.baseline.device import load_device
from accelerator_sim.comparison.compare_machines import Question, compare
from accelerator_sim.comparison.machine_comparison import Comparison
from accelerator_sim.footprint.bill import Use
from accelerator_sim.report.compared import Wanted, times
from accelerator_sim.report.comparison_table import dumps_json, dumps_rows, render
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.network_loader import load_network

ALL = Wanted(True, Use("usa", 1000), ("wifi", "5g"), 40_000)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    names = ("jetson_tx2_maxq", "nvidia_p40")
    devices = [load_device(name) for name in names]
    machines = [load_machine(name) for name in ("eyeriss_v1_192", "eyeriss_v2")]
    return compare(load_network("alexnet"), machines, devices, Question(Options(fidelity="analytical")))


@pytest.mark.parametrize("width", [60, 80, 160])
def test_it_fits(comparison: Comparison, width: int) -> None:
    text = render(comparison, ALL, width)
    assert max(map(len, text.splitlines())) <= width


def test_conditions_stand_in_80_columns(comparison: Comparison) -> None:
    text = render(comparison, ALL, 80)
    first = text.index("machine")
    heads = text[first:].split("\n", 1)[0].split()
    assert heads == ["machine", "batch", "bits", "boundary", "stack", "energy", "ratio", "latency"]
    assert "jetson_tx2_maxq 1 fp16 board tuned 54.1 mJ" in " ".join(text.split())
    assert "ratio: energy over that of eyeriss_v1_192, chip+dram, 8b, batch 1, for latency" in " ".join(text.split())
    assert "measured: jetson_tx2_maxq 60.2 mJ (the model: -10.2%)" in " ".join(text.split())
    assert "baseline bits boundary stack over chip +dram" in " ".join(text.split())
    assert "eyeriss_v2→16nm" in text
    assert "a projection" in text
    assert "* weak" in text


def test_sending_and_years(comparison: Comparison) -> None:
    text = " ".join(render(comparison, ALL, 100).split())
    assert "A year of 1,000 inferences a day on 1 device(s), grid usa" in text
    assert "Sending the input away (40.0 kB) instead of inferring here" in text
    assert "the cloud is nvidia_p40*, board, with PUE" in text
    plain = render(comparison, Wanted(), 100)
    assert "A year" not in plain
    assert "Sending" not in plain


def test_json(comparison: Comparison) -> None:
    data = json.loads(dumps_json(comparison, ALL))
    assert len(data["matrix"]) == len(comparison.matrix)
    assert data["footprint"]["use"]["grid"] == "usa"
    assert data["footprint"]["years"][0]["boundary"] == "chip+dram"
    assert [link["link"] for link in data["sending"]["links"]] == ["wifi", "5g"]
    assert data["sending"]["links"][1]["radio_j"] is None
    assert "matrix" not in json.loads(dumps_json(comparison, Wanted()))


def test_rows(comparison: Comparison) -> None:
    def read(wanted: Wanted) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(dumps_rows(comparison, wanted, ","))))

    assert len(read(Wanted(True))) == len(comparison.matrix)
    rows = read(Wanted(use=Use("usa", 1000)))
    assert [row["machine"] for row in rows] == [entry.name for entry in comparison.entries]
    assert float(rows[-1]["energy_kwh_high"]) > float(rows[-1]["energy_kwh_low"]) > 0


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.0039, "0.0039x"), (0.123, "0.12x"), (9.96, "10.0x"), (99.6, "100x")]
)
def test_ratios(value: float | None, text: str) -> None:
    assert times(value) == text
