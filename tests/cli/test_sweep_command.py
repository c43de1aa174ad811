"""`accelerator-sim sweep`, and what opens its results."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.sweeps.conftest import NETWORK

SPEC = """\
architecture: eyeriss_v2
workloads: [small.yaml]
fidelity: analytical
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
    assert [(row["cluster_array.rows"], row["dram.bandwidth_bytes_per_s"], row["pes"]) for row in rows] == [
        ("1", "1000000000.0", "24"), ("1", "10000000000.0", "24"), ("2", "1000000000.0", "48"),
        ("2", "10000000000.0", "48"),
    ]  # fmt: skip
    assert "4 points, 2 break a constraint: 4 results computed" in result.stderr
    assert Path("spec.sqlite").is_file()
    again = run("sweep", spec)
    assert again.stdout == result.stdout
    assert "0 results computed (0 layers), 4 were in the store" in again.stderr


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
    best = json.loads(run("sweep", "best", "spec.sqlite", "-n", "1", "--by", "edp", "--format", "json").stdout)[
        "results"
    ][0]
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
        2, "Error: out.xlsx: the suffix names no format; use .csv, .tsv, .json, .parquet\n"
    )  # fmt: skip


def test_parquet(run: Run, spec: str, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    run("sweep", spec)
    assert run("sweep", "export", "spec.sqlite", "-o", "out.parquet").exit_code == 0
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.num_rows == 4
    assert str(table.schema.field("cycles").type) == "int64"


def test_failed_points(run: Run, spec: str, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC.replace("dram.bandwidth: [1 GB/s, 10 GB/s]", "noc.weight.routers: [3, 5]"))
    result = run("sweep", spec)
    assert result.exit_code == 5
    reason = "noc.weight has 5 routers for 3 PE rows; one router per row is required, which routers left out follows"
    assert f"failed: 3 results: {reason} (first: point 1, small.yaml)" in result.stderr
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
    (tmp_path / "spec.yaml").write_text(SPEC.replace("dram.bandwidth: [1 GB/s, 10 GB/s]", "noc.weight.routers: [3, 5]"))
    assert run("sweep", spec, "--report", "r.html", "--pareto", "edp,pes").exit_code == 5
    page = (tmp_path / "r.html").read_text()
    assert "3 results failed" in page
    assert "least edp_js and least pes" in page


def test_a_report_overwrites_no_input(run: Run, spec: str) -> None:
    for name in (spec, "small.yaml"):
        result = run("sweep", spec, "--report", name)
        assert (result.exit_code, "it is an input" in result.stderr) == (2, True), name
    assert "cannot write x.csv twice" in run("sweep", spec, "-o", "x.csv", "--report", "x.csv").stderr


def test_dry_run(run: Run, spec: str) -> None:
    result = run("sweep", spec, "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.startswith("6 points, 4 results; 2 break a constraint\nabout ")
    assert "at fidelity analytical, as in the file: " in result.stdout
    assert "at fidelity event: " in result.stdout
    assert not Path("spec.sqlite").exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("sweep",), 2, "Usage: accelerator-sim sweep"),
        (("sweep", "none.yaml"), 3, "none.yaml: "),
        (("sweep", "spec.yaml", "--jobs", "some"), 2, "'some' is neither a number from 1 to 1024 nor auto"),
        (("sweep", "spec.yaml", "--pareto", "latency,edpp"), 2, "unknown result 'edpp'; did you mean 'edp'?"),
        (("sweep", "spec.yaml", "-o", "spec.yaml"), 2, "cannot write spec.yaml: it is an input"),
        (("sweep", "spec.yaml", "-o", "out.yaml"), 2, "cannot write out.yaml: its suffix names no format"),
        (("sweep", "spec.yaml", "-o", "out"), 2, "out: the suffix names no format"),
        (("sweep", "spec.yaml", "--store", "small.yaml"), 3, "small.yaml: is not a store of sweeps"),
        (("sweep", "spec.yaml", "--store", "a.sqlite", "-o", "b.sqlite"), 2, "--store a.sqlite is one already"),
        (("sweep", "front", "small.yaml"), 3, "small.yaml: is not a store of sweeps"),
        (("sweep", "export", "small.yaml", "-o", "x.csv"), 3, "small.yaml: is not a store of sweeps"),
        (("simulate", "--from", "small.yaml:ab"), 3, "small.yaml: is not a store of sweeps"),
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
    assert "--sweep zzz: 0 sweeps begin with this; the store has " in result.stderr


def test_output_and_store(run: Run, spec: str, tmp_path: Path) -> None:
    result = run("sweep", spec, "--store", "other.sqlite", "-o", "out.csv")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "wrote out.csv\n" in result.stderr
    assert not Path("spec.sqlite").exists()
    assert Path("out.csv").read_text() == run("sweep", spec, "--store", "other.sqlite", "--format", "csv").stdout
    former = run("sweep", spec, "-o", "former.sqlite")
    assert former.exit_code == 0
    assert "note: -o former.sqlite is taken as the store; write --store former.sqlite\n" in former.stderr
    assert Path("former.sqlite").is_file()
    for word in ("best", "front"):
        assert run("sweep", word, "other.sqlite", "-o", f"{word}.json").exit_code == 0
        assert json.loads(Path(f"{word}.json").read_text())["results"]
        refused = run("sweep", word, "other.sqlite", "-o", "rows.xlsx")
        assert (refused.exit_code, "its suffix names no format" in refused.stderr) == (2, True)


def test_a_misspelled_axis_runs_nothing(run: Run, spec: str, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC.replace("cluster_array.rows", "cluster_array.rosw"))
    for words in ((), ("--dry-run",)):
        result = run("sweep", spec, *words)
        assert (result.exit_code, result.stdout) == (3, "")
        place = "spec.yaml:5:3: axes.cluster_array.rosw: unknown key 'rosw' in 'cluster_array'; did you mean 'rows'?"
        assert result.stderr.startswith(place)
    assert not Path("spec.sqlite").exists()


def test_the_objectives_of_the_sweep_are_those_of_its_queries(run: Run, spec: str, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC + "objectives: [area, -utilization]\n")
    run("sweep", spec)
    front = json.loads(run("sweep", "front", "spec.sqlite", "--format", "json").stdout)["results"]
    other = json.loads(
        run("sweep", "front", "spec.sqlite", "--pareto", "area,-utilization", "--format", "json").stdout
    )["results"]
    assert front == other
    best = json.loads(run("sweep", "best", "spec.sqlite", "--format", "json").stdout)["results"]
    assert [row["pes"] for row in best] == [24, 24, 48, 48]


@pytest.mark.parametrize("width", ["40", "60", "90", "200"])
def test_tables_show_what_varies_at_any_width(
    run: Run, spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    """Linked axes once, results before axes give way."""
    linked = "  noc.psum.routers: [2, 4]\n  pe_cluster.columns: [2, 4]\n  clock: [100 MHz, 200 MHz]\n"
    linked += "linked: [[pe_cluster.columns, noc.psum.routers, clock]]\n"
    (tmp_path / "spec.yaml").write_text(SPEC.replace("constraints: [pes <= 48]\n", linked))
    monkeypatch.setenv("COLUMNS", width)
    run("sweep", spec)
    for word in ("best", "front"):
        table = run("sweep", word, "spec.sqlite", "--format", "table").stdout
        for name in ("cluster_array.rows", "pe_cluster.columns", "dram.bandwidth") if word == "best" else ():
            assert name in table
        assert "latency_s" in table
        assert table.count("noc.psum.routers") <= 1, "it goes with the columns"
        assert max(map(len, table.splitlines())) <= int(width)
    assert (
        "dram.bandwidth 10 GB/s" in table
        or "10 GB/s" in run("sweep", "best", "spec.sqlite", "--format", "table").stdout
    )


def test_check(run: Run, spec: str, tmp_path: Path) -> None:
    result = run("check", spec)
    assert (result.exit_code, result.stdout) == (0, "spec.yaml: OK (sweep, 6 combinations of 2 axes, mode grid)\n")
    (tmp_path / "spec.yaml").write_text(SPEC.replace("pes <=", "pes <>"))
    result = run("check", spec)
    assert result.exit_code == 3
    assert result.stderr.startswith("spec.yaml:7:15: constraints.0: ")


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


def test_constraints_that_nothing_meets_are_noted(run: Run, small: str, tmp_path: Path) -> None:
    (tmp_path / "none.yaml").write_text(
        f"architecture: eyeriss_v2\nworkloads: [{small}]\naxes: {{cluster_array.rows: [4, 8]}}\n"
        'constraints: ["dram.bandwidth <= 3 GB/s"]\n'
    )
    result = run("sweep", "none.yaml")
    assert "0 points, 2 break a constraint" in result.stderr
    assert "note: no combination meets the constraints; an unlimited value is more than any limit" in result.stderr
