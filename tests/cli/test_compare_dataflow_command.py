"""`accelerator-sim compare-dataflow`, and its older form `compare --dataflow`, as users call them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

import accelerator_sim
from tests.cli.conftest import Run

ISCA = ("--arch", "isca16_256")


def test_rows(run: Run, small: str) -> None:
    result = run("compare-dataflow", small, "--dataflow", "rs,ws,nlr", *ISCA, "--batch", "2")
    assert result.exit_code == 0, result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout), delimiter="\t"))
    assert [row["dataflow"] for row in rows] == ["rs", "ws", "nlr"]
    assert rows[0]["energy_ratio"] == "1.0"
    assert float(rows[2]["energy_ratio"]) > 1.0
    for row in rows:
        assert row["layers"] == "2"  # the pooling layer costs the same under all
        levels = ("mac", "spad", "noc", "glb", "dram", "clock", "leakage")
        total = sum(float(row[f"energy_{part}_macs_per_mac"]) for part in levels)
        assert total * int(row["macs"]) == pytest.approx(float(row["energy_macs"]), rel=1e-12)
        assert row["energy_j"] == row["edp_js"] == row["energy_glb_j_per_mac"] == ""
        moved = sum(float(row[f"energy_{tensor}_macs_per_mac"]) for tensor in ("iact", "weight", "psum"))
        fixed = sum(float(row[f"energy_{part}_macs_per_mac"]) for part in ("mac", "clock", "leakage"))
        assert moved + fixed == pytest.approx(total, rel=1e-12)


def test_json(run: Run, small: str, tmp_path: Path) -> None:
    result = run(
        "compare-dataflow", small, "--dataflow", "os,rs", *ISCA, "--layer", "conv", "--equal-area", "-o", "out.json"
    )
    assert result.exit_code == 0, result.stderr
    assert "wrote out.json" in result.stderr
    data = json.loads((tmp_path / "out.json").read_text())
    assert data["schema"] == "accelerator-sim/dataflows/1"
    assert (data["objective"], data["equal_area"], data["dense"], data["normalised"]) == ("energy", True, True, True)
    first, second = data["dataflows"]
    assert first["storage"]["glb_bytes"] > second["storage"]["glb_bytes"] == 131072.0
    assert first["storage"]["spad_bytes_per_pe"] == 2 * (1 + 1 + 3)
    layer = first["layers"][0]
    assert layer["name"] == "conv"
    assert layer["macs"] == 8 * 4 * 9 * 64
    assert set(layer["nest"]["array"]) <= set("NMPQ")
    assert not any(access["level"] == "spad" and access["tensor"] != "psum" for access in layer["accesses"])


@pytest.mark.parametrize("width", [80, 60, 200])
def test_tables_fit_the_terminal(run: Run, small: str, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    flows = "rs,ws,os,os_a,os_b,os_c,is,nlr"
    result = run("compare-dataflow", small, "--dataflow", flows, *ISCA, "--equal-area", "--format", "table")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= width
    assert "Energy of one MAC by level, in multiples of one MAC" in lines
    assert sum(line.startswith("os_b") for line in lines) == 2
    if width >= 80:
        heads = [line.split() for line in lines if line.startswith("dataflow")]
        assert heads[0] == ["dataflow", "total", "ratio", "alu", "RF", "array", "GLB", "DRAM"]
        assert heads[1][:8] == ["dataflow", "iact", "weight", "psum", "DRAM/MAC", "util", "%", "cycles"]


def test_the_objective_is_energy_unless_another_is_asked_for(run: Run, small: str) -> None:
    base = ("compare", small, "--dataflow", "os_c", *ISCA, "--layer", "conv", "--format", "json")
    energy, latency = (json.loads(run(*base, *more).stdout) for more in ((), ("--objective", "latency")))
    assert (energy["objective"], latency["objective"]) == ("energy", "latency")
    assert latency["dataflows"][0]["cycles"] <= energy["dataflows"][0]["cycles"]


def test_a_layer_that_a_dataflow_cannot_run(run: Run, small: str, tmp_path: Path) -> None:
    """Its figures are of the others, and so is the ratio; the exit code says that something is missing."""
    flawed = "wide.yaml"
    wide = "  - {name: wide, op: conv, C: 1, H: 20, W: 20, M: 1, R: 1, S: 17}\n"
    (tmp_path / flawed).write_text((tmp_path / small).read_text() + wide)
    result = run(
        "compare-dataflow", flawed, "--dataflow", "is,rs", "--layer", "conv", "--layer", "wide", "--format", "json"
    )
    assert result.exit_code == 5
    assert "rs: layer wide has no row stationary nest on eyeriss_v2: the iact SPad" in result.stderr
    data = json.loads(result.stdout)
    assert [flow["failed"] for flow in data["dataflows"]] == [0, 1]
    mine, other = data["dataflows"]
    of_conv = other["energy_j"] / mine["layers"][0]["energy_j"]
    assert other["energy_ratio"] == pytest.approx(of_conv, rel=1e-12)
    table = run(
        "compare-dataflow", flawed, "--dataflow", "is,rs", "--layer", "conv", "--layer", "wide", "--format", "table"
    )
    assert "rs cannot run 1 of 2 layers;" in table.stdout


def test_workers_find_the_same(run: Run, small: str) -> None:
    words = ("compare", small, "--dataflow", "ws,nlr", *ISCA)
    assert run(*words, "--jobs", "2").stdout == run(*words).stdout


def test_other_networks_are_refused(run: Run, small: str, tmp_path: Path) -> None:
    text = run("show", "architecture", "eyeriss_v1").stdout.replace("multicast_bus", "unicast")
    (tmp_path / "private.yaml").write_text(text)
    result = run("compare", small, "--arch", "private.yaml", "--dataflow", "rs,ws")
    assert result.exit_code == 2
    assert "has unicast networks; dataflows are compared on" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dataflow", "rs,osb"], "dataflows is 'osb'; allowed: rs, ws, os, os_a, os_b,"),
        (["--dataflow", ""], "dataflows is empty; allowed: rs,"),
        (["--dataflow", "rs", "--baseline", "jetson_tk1"], "--baseline cannot be combined with --dataflow"),
        (["--dataflow", "rs", "--fidelity", "event"], "--fidelity cannot be combined with --dataflow"),
        (["--dataflow", "rs", "--report", "x.html"], "--report cannot be combined with --dataflow"),
        (["--dataflow", "rs", "--arch", "eyeriss_v1", "eyeriss_v2"], "--dataflow takes one --arch; 2 given"),
        (["--dataflow", "rs", "--layer", "pool"], "small has no selected layer with multiply-accumulates"),
        (["--dataflow", "rs", "--layer", "x"], "x"),
        (["--equal-area"], "--equal-area requires --dataflow"),
    ],
)
def test_refusals(run: Run, small: str, words: list[str], message: str) -> None:
    result = run("compare", small, *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_the_python_call(small: str, tmp_path: Path) -> None:
    found = accelerator_sim.compare_dataflows(tmp_path / small, ["rs", "os"], "isca16_256", batch=4, equal_area=True)
    assert [row["dataflow"] for row in found.rows()] == ["rs", "os"]
    assert found.to_csv().count("\n") == 3
    assert found.exit_code == 0


def test_an_interrupt_keeps_what_was_finished(run: Run, small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from accelerator_sim.comparison import dataflow_comparison

    real, calls = dataflow_comparison.run_nest, []

    def stop(*task: Any) -> Any:
        calls.append(task)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*task)

    monkeypatch.setattr(dataflow_comparison, "run_nest", stop)
    result = run("compare", small, "--dataflow", "rs,ws", *ISCA, "--format", "json")
    assert result.exit_code == 130
    done = json.loads(result.stdout)["dataflows"]
    assert [layer["status"] for layer in done[0]["layers"]] == ["ok", "ok"]
    assert [layer.get("error") for layer in done[1]["layers"]] == ["interrupted", "interrupted"]


@pytest.mark.parametrize("more", [(), ("--equal-area",), ("--objective", "latency")])
def test_compare_dataflow_is_an_alias(run: Run, small: str, more: tuple[str, ...]) -> None:
    words = (*ISCA, "--layer", "conv", "--format", "json", *more)
    ours = run("compare-dataflow", small, *words)
    alias = run("compare", small, "--dataflow", "rs,ws,os,is,nlr", *words)
    assert (ours.exit_code, ours.stdout) == (0, alias.stdout)
    assert [each["dataflow"] for each in json.loads(ours.stdout)["dataflows"]] == ["rs", "ws", "os", "is", "nlr"]


@pytest.mark.parametrize("option", ["--baseline", "--fidelity", "--report", "--noc", "--seed"])
def test_options_without_a_meaning_are_not_offered(run: Run, small: str, option: str) -> None:
    result = run("compare-dataflow", small, option, "x")
    assert result.exit_code == 2
    assert "No such option" in result.stderr
    assert option in result.stderr
