"""Dilated and transposed layers on the command line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

NETWORK = """\
name: spread
layers:
  - {name: up, op: conv, C: 4, H: 6, W: 6, M: 3, kernel: 4, stride: 2, padding: 1, transposed: true}
  - {name: gaps, op: conv, C: 4, H: 12, W: 12, M: 3, kernel: 3, dilation: 4, padding: 4}
"""


@pytest.fixture
def spread(tmp_path: Path) -> str:
    (tmp_path / "spread.yaml").write_text(NETWORK)
    return "spread.yaml"


def test_phases_in_json(run: Run, spread: str) -> None:
    up, gaps = json.loads(run("simulate", spread, "--verify", "--format", "json").stdout)["layers"]
    assert [phase["name"] for phase in up["phases"]] == ["up:1", "up:2", "up:3", "up:4"]
    assert up["shape"]["transposed"] is True
    assert (up["macs"], up["verified"]["different"]) == (6 * 6 * 4 * 4 * 4 * 3, 0)
    assert sum(phase["cycles"] for phase in up["phases"]) == up["cycles"]
    assert [(phase["name"], phase["phases"]) for phase in gaps["phases"]] == [("gaps", 16)]
    assert "transposed" not in gaps["shape"]


def test_saved_mappings_of_phases_are_read_again(run: Run, spread: str, tmp_path: Path) -> None:
    first = run("simulate", spread, "--save-mappings", "m.yaml", "--format", "json")
    assert "up:4" in (tmp_path / "m.yaml").read_text()
    again = run("simulate", spread, "--mapping", "m.yaml", "--format", "json")
    cycles = [[layer["cycles"] for layer in json.loads(each.stdout)["layers"]] for each in (first, again)]
    assert cycles[0] == cycles[1]
    assert run("check", "m.yaml", "--workload", spread).exit_code == 0


def test_one_mapping_for_all_phases(run: Run, spread: str, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("format: accelerator-sim/mapping/1\nlayers:\n  up: {M0: 3, C0: 2, P0: 6, Q0: 6}\n")
    (up,) = json.loads(run("simulate", spread, "--layer", "up", "--mapping", "m.yaml", "--format", "json").stdout)[
        "layers"
    ]
    assert [phase["mapping"]["C0"] for phase in up["phases"]] == [2, 2, 2, 2]
    (tmp_path / "m.yaml").write_text("format: accelerator-sim/mapping/1\nlayers:\n  up:2: {M0: 99}\n  up: {M0: 40}\n")
    result = run("simulate", spread, "--layer", "up", "--mapping", "m.yaml")
    assert result.exit_code == 0  # tiles are no larger than the layer needs
    (tmp_path / "m.yaml").write_text("format: accelerator-sim/mapping/1\nlayers:\n  up:9: {M0: 1}\n")
    result = run("simulate", spread, "--mapping", "m.yaml")
    assert result.exit_code == 3
    assert "spread has no such layer" in result.stderr


def test_map_shows_each_phase(run: Run, spread: str) -> None:
    text = run("map", spread, "--layer", "up").stdout
    assert text.count("(conv) on eyeriss_v2") == 4
    assert run("map", spread, "--layer", "up:3").stdout.count("(conv) on eyeriss_v2") == 1
    data = json.loads(run("map", spread, "--layer", "up", "--format", "json").stdout)
    assert [phase["layer"]["name"] for phase in data["phases"]] == ["up:2", "up:3", "up:4"]


def test_explain_and_report_show_phases(run: Run, spread: str, tmp_path: Path) -> None:
    explained = run("explain", spread)
    assert explained.exit_code == 0
    assert "up:1" in explained.stdout
    assert run("simulate", spread, "--report", "page.html").exit_code == 0
    page = (tmp_path / "page.html").read_text()
    assert "4 of their own shape; mapping and bounds are those of up:1" in page
    assert "transposed" in page


def test_a_trace_has_the_passes_of_all_phases(run: Run, spread: str, tmp_path: Path) -> None:
    assert run("simulate", spread, "--layer", "up", "--trace", "t.json").exit_code == 0
    names = {
        event.get("name") for event in json.loads(gzip.decompress((tmp_path / "t.json").read_bytes()))["traceEvents"]
    }
    assert {"up:1", "up:4"} <= names


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("kernel: 3, padding: same, transposed: true", "padding same is of convolutions"),
        ("kernel: 3, output_padding: 1", "output_padding is of transposed convolutions"),
        ("kernel: 3, padding: 9, transposed: true", "the transposed convolution has -10 output rows"),
        ("kernel: 3, output_padding: [1], transposed: true", "a whole number or [rows, columns] is required"),
    ],
)
def test_entries_that_do_not_fit(run: Run, tmp_path: Path, entry: str, message: str) -> None:
    (tmp_path / "n.yaml").write_text(f"name: n\nlayers:\n  - {{name: up, op: conv, C: 1, H: 6, W: 6, M: 1, {entry}}}\n")
    result = run("check", "n.yaml")
    assert result.exit_code == 3
    assert "n.yaml:3:" in result.stderr
    assert message in result.stderr


def test_writers_of_other_tools(run: Run, spread: str) -> None:
    topology = run("convert", spread, "--layer", "up", "--to", "scalesim")
    assert topology.exit_code != 0
