"""`explain`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_a_layer(run: Run, small: str) -> None:
    result = run("explain", small, "--layer", "conv")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("conv (conv) on eyeriss_v2 (192 PEs, 384 MACs/cycle): N1 G1 M8 C4 P8 Q8 R3 S3")
    for step in (
        "1 layer",
        "2 dataflow",
        "(peak)",
        "3 number of PEs",
        "5 storage",
        "6 bandwidth",
        "7 actual",
    ):
        assert any(line.strip().startswith(step) for line in lines), step
    for part in ("Cycles by what the PEs do", "Roofline", "Moves of a word", "Energy ", "What would help most"):
        assert any(line.startswith(part) for line in lines), part
    assert any(" --set " in line for line in lines)


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_no_line_is_wider_than_the_terminal(
    run: Run, small: str, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for which in (["--layer", "conv"], []):
        lines = run("explain", small, *which).stdout.splitlines()
        assert max(map(len, lines)) <= columns


def test_a_network(run: Run, small: str) -> None:
    result = run("explain", small, "--no-changes")
    assert result.exit_code == 0
    assert result.stdout.startswith("small on eyeriss_v2: 19,712 MACs")
    assert "Layers by where they lose most" in result.stdout
    assert "What would help most" not in result.stdout


def test_as_json_into_a_file(run: Run, small: str, tmp_path: Path) -> None:
    result = run(
        "explain", small, "--layer", "fc", "--format", "json", "-o", "why.json", "--set", "cluster_array.rows=4"
    )
    assert result.exit_code == 0
    assert "wrote why.json" in result.stderr
    data = json.loads((tmp_path / "why.json").read_text())
    assert data["schema"] == "accelerator-sim/explanation/1"
    assert data["architecture"]["pes"] == 96
    assert [layer["name"] for layer in data["layers"]] == ["fc"]
    assert data["changes"]


def test_the_suffix_says_the_format_and_the_batch_is_stated(run: Run, small: str, tmp_path: Path) -> None:
    for command, schema in (("explain", "explanation"), ("map", "map")):
        args = [command, small, "--layer", "fc", "--batch", "3"]
        more = ["--no-changes"] if command == "explain" else []
        assert run(*args, *more, "-o", "x.json").exit_code == 0
        found = json.loads((tmp_path / "x.json").read_text())
        assert found["schema"] == f"accelerator-sim/{schema}/1"
        assert found["batch"] == 3
        assert run(*args, *more, "-o", "x.txt").exit_code == 0
        assert ", batch 3" in (tmp_path / "x.txt").read_text()
        refused = run(*args, *more, "-o", "x.csv")
        assert refused.exit_code == 2
        assert "cannot write x.csv: its suffix names no format; use .json, .txt, or give --format" in refused.stderr


def test_a_network_without_multiply_accumulates(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pool.yaml").write_text(
        "name: pool\nsource: made up\nlayers:\n  - {name: pool, op: pool, inputs: 64, outputs: 16}\n"
    )
    result = run("explain", "pool.yaml")
    assert result.exit_code == 0
    assert "No layer with multiply-accumulates ran" in result.stdout


def test_errors(run: Run, small: str, flawed: str) -> None:
    unknown = run("explain", small, "--layer", "cnov")
    assert unknown.exit_code == 2
    assert "small has no layer 'cnov'; did you mean 'conv'?" in unknown.stderr
    pool = run("explain", small, "--layer", "pool")
    assert pool.exit_code == 2
    assert "layer pool (pool) has no multiply-accumulates" in pool.stderr
    failed = run("explain", flawed, "--no-changes")
    assert failed.exit_code == 5
    assert "layer wide" in failed.stderr
    only = run("explain", flawed, "--layer", "wide")
    assert only.exit_code == 5
    assert "wide" in only.stderr
    bad = run("explain", small, "--set", "pe_cluster.rows=0")
    assert bad.exit_code == 3


def test_a_page(run: Run, small: str) -> None:
    """The page of the run, with its bounds, and every change that was simulated."""
    result = run("explain", small, "--report", "why.html")
    assert (result.exit_code, "wrote why.html" in result.stderr) == (0, True)
    page = Path("why.html").read_text()
    assert "helps most" in page
    assert "What would help: single changes re-simulated" in page
    assert page.count("--set ") >= 10
    assert run("explain", small, "--report", "none/why.html").exit_code == 2
    without = run("explain", small, "--no-changes", "--report", "why.html")
    assert (without.exit_code, "What would help" in Path("why.html").read_text()) == (0, False)
