"""`accelerator-sim sweep`, and what opens its results."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.sweep.conftest import NETWORK

SPEC = """\
architecture: eyeriss_v2
workloads: [small.yaml]
axes:
  cluster_array.rows: [1, 2, 4]
  dram.bandwidth: [1 GB/s, 10 GB/s]
constraints: [pes <= 48]
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    (tmp_path / "small.yaml").write_text(NETWORK.format(name="small", m=4))
    (tmp_path / "spec.yaml").write_text(SPEC)
    return "spec.yaml"


def test_rows(run: Run, spec: str) -> None:
    result = run("sweep", spec)
    assert result.exit_code == 0, result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout), delimiter="\t"))
    assert [(row["cluster_array.rows"], row["dram.bandwidth"], row["pes"]) for row in rows] == [
        ("1", "1 GB/s", "24"), ("1", "10 GB/s", "24"), ("2", "1 GB/s", "48"), ("2", "10 GB/s", "48")
    ]  # fmt: skip
    assert "4 points, 2 break a constraint: 4 results computed" in result.stderr
    assert Path("spec.sqlite").is_file()
    again = run("sweep", spec)
    assert again.stdout == result.stdout
    assert "0 results computed (0 layers), 4 were there" in again.stderr


def test_table(run: Run, spec: str) -> None:
    result = run("sweep", spec, "--format", "table", "--pareto", "latency,energy_total")
    assert result.exit_code == 0
    assert "of 4 points are beaten by none in latency_s (least), energy_total_j (least)" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_best(run: Run, spec: str) -> None:
    run("sweep", spec)
    result = run("sweep", "best", "spec.sqlite", "--by", "edp", "-n", "2", "--format", "json")
    rows = json.loads(result.stdout)["results"]
    assert len(rows) == 2
    assert rows[0]["edp_js"] <= rows[1]["edp_js"]
    everything = json.loads(run("sweep", spec, "--format", "json").stdout)["results"]
    assert rows[0]["edp_js"] == min(row["edp_js"] for row in everything)
    fastest = json.loads(run("sweep", "best", "spec.sqlite", "--by", "inferences_per_s", "--format", "json").stdout)
    assert fastest["results"][0]["latency_s"] == min(row["latency_s"] for row in everything)


def test_a_point_opens(run: Run, spec: str) -> None:
    run("sweep", spec)
    best = json.loads(run("sweep", "best", "spec.sqlite", "-n", "1", "--format", "json").stdout)["results"][0]
    result = run("simulate", "--from", f"spec.sqlite:{best['key'][:12]}", "--format", "json")
    assert result.exit_code == 0, result.stderr
    opened = json.loads(result.stdout)
    assert opened["fidelity"] == "analytical"
    for name in ("cycles", "energy_dram_j", "dram_bytes", "macs"):
        assert opened["totals"][name] == pytest.approx(best[name])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--from", "spec.sqlite"), "--from spec.sqlite: write STORE:KEY"),
        (("--from", "none.sqlite:ab"), "--from none.sqlite:ab: none.sqlite: no such store"),
        (("--from", "spec.sqlite:zz"), "no result, or more than one, has a key that begins with 'zz'"),
        (("alexnet", "--from", "spec.sqlite:ab"), "WORKLOAD and --from are given"),
        ((), "Missing argument 'WORKLOAD'"),
    ],
)
def test_a_point_that_does_not_open(run: Run, spec: str, words: tuple[str, ...], message: str) -> None:
    run("sweep", spec)
    result = run("simulate", *words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_export(run: Run, spec: str, tmp_path: Path) -> None:
    run("sweep", spec)
    for suffix in ("csv", "json"):
        assert run("sweep", "export", "spec.sqlite", "-o", f"out.{suffix}").exit_code == 0
        assert (tmp_path / f"out.{suffix}").read_text() == run("sweep", spec, "--format", suffix).stdout
    result = run("sweep", "export", "spec.sqlite", "-o", "out.xlsx")
    assert (result.exit_code, result.stderr) == (
        2, "Error: out.xlsx: the suffix says no format; use .csv, .tsv, .json, .parquet\n"
    )  # fmt: skip


def test_parquet(run: Run, spec: str, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    run("sweep", spec)
    assert run("sweep", "export", "spec.sqlite", "-o", "out.parquet").exit_code == 0
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.num_rows == 4
    assert str(table.schema.field("cycles").type) == "int64"


def test_failed_points(run: Run, spec: str, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC.replace("10 GB/s", "10 parsec"))
    result = run("sweep", spec)
    assert result.exit_code == 5
    assert "failed: point 1, small.yaml: dram.bandwidth: " in result.stderr
    assert len(result.stdout.splitlines()) == 1 + 5, "three that failed, for which no constraint can be told"


def test_a_report(run: Run, spec: str, tmp_path: Path) -> None:
    result = run("sweep", spec, "--report", "r.html")
    assert result.exit_code == 0
    assert result.stderr.startswith("wrote r.html\n")
    page = (tmp_path / "r.html").read_text()
    assert "accelerator-sim sweep spec.yaml --report r.html" in page
    for name in ("spec.yaml", "eyeriss_v2", "cmos65_8b", "small.yaml"):
        assert re.search(rf"<td>{name}</td><td><code>[0-9a-f]{{64}}</code>", page), name
    assert str(tmp_path) not in page
    assert "<dt>points</dt><dd><b>4</b><small>2 more break a constraint</small>" in page
    run("sweep", spec, "--report", "r.html")
    assert (tmp_path / "r.html").read_text() == page, "whether or not results were there before"


def test_a_report_of_failed_points(run: Run, spec: str, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC.replace("10 GB/s", "10 parsec"))
    assert run("sweep", spec, "--report", "r.html", "--pareto", "edp,pes").exit_code == 5
    page = (tmp_path / "r.html").read_text()
    assert "3 results failed" in page
    assert "least edp_js and least pes" in page


def test_a_report_overwrites_no_input(run: Run, spec: str) -> None:
    for name in (spec, "small.yaml"):
        result = run("sweep", spec, "--report", name)
        assert (result.exit_code, "it is an input" in result.stderr) == (2, True), name
    assert "cannot write x twice" in run("sweep", spec, "-o", "x", "--report", "x").stderr


def test_dry_run(run: Run, spec: str) -> None:
    result = run("sweep", spec, "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.startswith("6 points, 4 results; 2 break a constraint\nabout ")
    assert not Path("spec.sqlite").exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("sweep",), 2, "Usage: accelerator-sim sweep"),
        (("sweep", "none.yaml"), 3, "none.yaml: "),
        (("sweep", "spec.yaml", "--jobs", "some"), 2, "'some' is neither a number from 1 to 1024 nor auto"),
        (("sweep", "spec.yaml", "--pareto", "latency,edpp"), 2, "unknown result 'edpp'; did you mean 'edp'?"),
        (("sweep", "spec.yaml", "-o", "spec.yaml"), 2, "cannot write spec.yaml: it is an input"),
        (("sweep", "spec.yaml", "-o", "small.yaml"), 1, "small.yaml: is not a store of sweeps"),
        (("sweep", "best", "none.sqlite"), 2, "none.sqlite: no such store"),
        (("sweep", "best", "small.yaml", "--by", "latency,edp"), 2, "'latency,edp': at most 1 result"),
    ],
)
def test_errors(run: Run, spec: str, words: tuple[str, ...], code: int, message: str) -> None:
    result = run(*words)
    assert result.exit_code == code, result.stderr
    assert message in result.stderr + (result.stdout if words == ("sweep",) else "")
    assert "Traceback" not in result.stderr


def test_unknown_sweep(run: Run, spec: str) -> None:
    run("sweep", spec)
    result = run("sweep", "best", "spec.sqlite", "--sweep", "zzz")
    assert result.exit_code == 2
    assert "--sweep zzz: 0 sweeps begin so; the store has " in result.stderr


def test_check(run: Run, spec: str, tmp_path: Path) -> None:
    result = run("check", spec)
    assert (result.exit_code, result.stdout) == (0, "spec.yaml: OK (sweep, 6 combinations of 2 axes, mode grid)\n")
    (tmp_path / "spec.yaml").write_text(SPEC.replace("pes <=", "pes <>"))
    result = run("check", spec)
    assert result.exit_code == 3
    assert result.stderr.startswith("spec.yaml:6:15: constraints.0: ")


def test_an_empty_file(run: Run, spec: str, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("")
    assert run("sweep", spec).exit_code == 3


def test_front(run: Run, spec: str) -> None:
    run("sweep", spec)
    result = run("sweep", "front", "spec.sqlite", "--pareto", "latency,area", "--format", "json")
    rows = json.loads(result.stdout)["results"]
    assert [row["pes"] for row in rows] == [48, 24]
    assert rows[0]["latency_s"] < rows[1]["latency_s"]
    assert rows[0]["area_mm2"] > rows[1]["area_mm2"]
