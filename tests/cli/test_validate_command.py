"""`accelerator-sim validate` as users call it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run


def test_a_publication_that_holds(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "card.json"
    result = run("validate", "sparseloop", "-o", str(out))
    assert result.exit_code == 0, result.stderr
    assert "8 of 8 predictions within their tolerance, 0 not; 29 hold by construction and do not count" in result.stderr
    assert json.loads(out.read_text())["figures"]["construction"] == 29


def test_a_miss_is_exit_code_4(run: Run) -> None:
    result = run("validate", "eyeriss_v1", "--format", "table")
    assert result.exit_code == 4
    assert result.stdout.splitlines()[2].split()[0] == "share"
    assert "predictions within their tolerance" in result.stdout


def test_quick_leaves_slow_runs_out(run: Run) -> None:
    result = run("validate", "scaling", "--quick", "--format", "tsv")
    assert result.exit_code == 0
    assert "0 of 0 predictions within their tolerance, 0 not; 11 of slow runs were left out" in result.stderr


def test_measurements(run: Run) -> None:
    result = run("validate", "raspberry_pi", "--format", "table")
    assert result.exit_code == 0
    assert "raspberry_pi: 5 measured points, latency" in result.stdout
    data = json.loads(run("validate", "p40", "jetson", "--format", "json").stdout)
    assert {name: len(of["points"]) for name, of in data["sets"].items()} == {"p40": 17, "jetson": 158}
    assert len(run("validate", "p40").stdout.splitlines()) == 18


def test_measurements_and_publications_are_apart(run: Run) -> None:
    result = run("validate", "jetson", "sparseloop")
    assert (result.exit_code, result.stderr) == (
        2, "Error: sparseloop is a publication and jetson are measurements; validate them separately\n"
    )  # fmt: skip
    assert "is for publications only" in run("validate", "p40", "--format", "markdown").stderr


def test_an_unknown_publication(run: Run) -> None:
    result = run("validate", "eyeriss_v3")
    assert result.exit_code == 2
    assert "no figures of 'eyeriss_v3'; did you mean 'eyeriss_v2'?" in result.stderr.replace("\n", " ")
