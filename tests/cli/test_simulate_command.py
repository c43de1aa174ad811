"""`accelerator-sim simulate`."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.status import Status
from accelerator_sim.run import network_run as running
from accelerator_sim.simulation import engines
from accelerator_sim.workload.network import Network
from tests.cli.conftest import Run


def test_tab_separated_off_a_terminal(run: Run, small: str) -> None:
    result = run("simulate", small)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("status\tname\top\t")
    assert [line.split("\t")[1] for line in lines[1:]] == ["conv", "pool", "fc"]
    assert result.stderr == ""


def test_table_when_asked(run: Run, small: str) -> None:
    result = run("simulate", small, "--format", "table")
    assert "small on eyeriss_v2: 192 PEs" in result.stdout
    assert "\x1b" not in result.stdout


def test_options_reach_the_result(run: Run, small: str) -> None:
    result = run(
        "simulate", small, "--arch", "eyeriss_v1", "--batch", "4", "--objective", "energy", "--seed", "7",
        "--set", "clock=100 MHz", "--set", "dram.bandwidth=25.6 GB/s", "--layer", "c*", "--format", "json",
    )  # fmt: skip
    data = json.loads(result.stdout)
    assert (data["batch"], data["objective"], data["seed"]) == (4, "energy", 7)
    assert (data["architecture"]["name"], data["architecture"]["clock_hz"]) == ("eyeriss_v1", 100e6)
    assert [layer["name"] for layer in data["layers"]] == ["conv"]
    assert data["layers"][0]["shape"]["N"] == 4


def test_results_do_not_depend_on_the_number_of_jobs(run: Run, small: str) -> None:
    one, two = run("simulate", small, "--format", "json"), run("simulate", small, "--format", "json", "--jobs", "2")
    assert one.stdout == two.stdout


@pytest.mark.parametrize(("name", "start"), [("r.json", "{"), ("r.csv", "status,name"), ("r.tsv", "status\tname")])
def test_output_file(run: Run, small: str, tmp_path: Path, name: str, start: str) -> None:
    result = run("simulate", small, "-o", name)
    assert result.stdout == ""
    assert f"wrote {name}" in result.stderr
    assert (tmp_path / name).read_text().startswith(start)
    assert not list(tmp_path.glob(".*"))


def test_mappings_saved_and_used_again(run: Run, small: str) -> None:
    first = run("simulate", small, "--format", "json", "--save-mappings", "m.yaml")
    again = run("simulate", small, "--format", "json", "--mapping", "m.yaml")
    assert again.exit_code == 0
    before, after = (json.loads(result.stdout)["layers"][0] for result in (first, again))
    assert after["mapping"] == before["mapping"]
    assert after["cycles"] == before["cycles"]
    assert (before["optimal_over"] > 1, after["optimal_over"]) == (True, None)


def test_a_mapping_that_does_not_fit_fails_its_layer(run: Run, small: str, tmp_path: Path) -> None:
    text = "format: accelerator-sim/mapping/1\nlayers:\n  conv: {pe_columns: {M: 5}}\n"
    (tmp_path / "m.yaml").write_text(text)
    result = run("simulate", small, "--mapping", "m.yaml")
    assert result.exit_code == 5
    assert "layer conv: the given mapping does not fit: pe_columns: M 5 = 5 > 4" in result.stderr


def test_a_bad_mapping_file(run: Run, small: str, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("format: accelerator-sim/mapping/1\nlayers:\n  cov: {M0: 0, X: 1}\n")
    result = run("simulate", small, "--mapping", "m.yaml")
    assert result.exit_code == 3
    assert "m.yaml:3:9: layers.cov.M0: 0 is not allowed" in result.stderr
    assert "layers.cov.X: unknown key" in result.stderr


def test_failed_layers_are_listed_at_the_end(run: Run, flawed: str) -> None:
    result = run("simulate", flawed, "--format", "json")
    assert result.exit_code == 5
    assert [layer["status"] for layer in json.loads(result.stdout)["layers"]] == ["ok", "traffic_only", "ok", "failed"]
    assert "1 of 4 layers failed:\n  layer wide cannot be mapped on eyeriss_v2" in result.stderr


def test_a_broken_law(run: Run, small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = LayerResult
    monkeypatch.setattr(
        running,
        "run_layer",
        lambda layer, *_: broken(layer, Status.FAILED, error="1 = 2 does not hold", law_broken=True),
    )
    result = run("simulate", small)
    assert result.exit_code == 4
    assert "layer fc: 1 = 2 does not hold" in result.stderr


def test_an_interrupted_run_keeps_what_was_finished(
    run: Run, small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = running.run_layer

    def stop(layer: object, *rest: object) -> LayerResult:
        if getattr(layer, "name", "") == "fc":
            raise KeyboardInterrupt
        return real(layer, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "run_layer", stop)
    result = run("simulate", small, "-o", "r.json")
    assert result.exit_code == 130
    layers = json.loads((tmp_path / "r.json").read_text())["layers"]
    assert [(layer["status"], layer["error"]) for layer in layers] == [
        ("ok", None), ("traffic_only", None), ("interrupted", "interrupted"),
    ]  # fmt: skip


def test_interrupted_elsewhere(run: Run, small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Network, "with_batch", stop)
    result = run("simulate", small)
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


def test_normalised_energies_are_said_to_be(run: Run, small: str) -> None:
    result = run("simulate", small, "--set", "technology=isca16_normalised", "--format", "json")
    assert "isca16_normalised is normalised" in result.stderr
    data = json.loads(result.stdout)
    assert data["architecture"]["energy_normalised"] is True
    assert data["totals"]["inferences_per_j"] is None


def not_null(data: object, found: list[str] | None = None) -> list[str]:
    """All keys of plain data whose value is not null, however deep."""
    found = [] if found is None else found
    if isinstance(data, dict):
        for key, value in data.items():
            if value is not None:
                found.append(key)
            not_null(value, found)
    elif isinstance(data, list):
        for value in data:
            not_null(value, found)
    return found


def names_joules(keys: Iterable[str]) -> list[str]:
    return [key for key in keys if {"j", "js", "w"} & set(key.split("_"))]


@pytest.mark.parametrize(
    "command",
    [
        ("simulate", "--fidelity", "analytical"),
        ("explain", "--no-changes"),
        ("map", "--layer", "conv"),
        ("compare-dataflow", "--dataflow", "rs,ws"),
    ],
)
def test_json_of_a_normalised_technology_has_no_joules(run: Run, small: str, command: tuple[str, ...]) -> None:
    result = run(command[0], small, *command[1:], "--arch", "isca16_256", "--format", "json")
    keys = not_null(json.loads(result.stdout))
    assert names_joules(keys) == []
    assert "energy_macs" in keys
    joules = not_null(json.loads(run(command[0], small, *command[1:], "--format", "json").stdout))
    assert "energy_j" in joules
    assert not any("macs" in key.split("_")[1:] for key in joules if key.startswith(("energy", "edp")))


def test_csv_of_a_normalised_technology_has_no_joules(run: Run, small: str) -> None:
    words = ("simulate", small, "--fidelity", "analytical", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(run(*words, "--arch", "isca16_256").stdout)))
    assert names_joules(key for row in rows for key, value in row.items() if value) == []
    assert all(float(row["energy_dram_macs"]) > 0 for row in rows)
    plain = list(csv.DictReader(io.StringIO(run(*words).stdout)))
    assert [key for key in rows[0] if not key.endswith("_macs") or key == "effectual_macs"] == list(plain[0])


@pytest.mark.parametrize("fidelity", ["event", "cycle"])
def test_the_engines_agree_and_outputs_are_verified(run: Run, small: str, fidelity: str) -> None:
    options = ["--verify"] if fidelity == "cycle" else ["--fidelity", "event"]
    result = run("simulate", small, "--format", "json", *options)
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    assert data["fidelity"] == fidelity
    conv = data["layers"][0]
    assert conv["cycles"] * 192 == conv["busy_pe_cycles"] + sum(conv["stalls"].values())
    assert sum(conv["cluster_busy"]) == sum(conv["pe_busy"]) == conv["busy_pe_cycles"]
    assert len(conv["utilization_over_time"]) == 64
    verified = {"outputs": 8 * 8 * 8, "different": 0, "overflows": 0} if fidelity == "cycle" else None
    assert conv["verified"] == verified


def test_verify_needs_the_cycle_engine(run: Run, small: str) -> None:
    result = run("simulate", small, "--verify", "--fidelity", "analytical")
    assert result.exit_code == 2
    assert "which fidelity 'analytical' does not; use 'cycle'" in result.stderr


def test_a_mismatch_of_outputs_is_a_failed_check(run: Run, small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "reference_outputs", lambda layer, iacts, weights: iacts.sum() * 0 - 1)
    result = run("simulate", small, "--verify")
    assert result.exit_code == 4
    assert "outputs differ from the integer reference" in result.stderr


def test_trace(run: Run, small: str, tmp_path: Path) -> None:
    assert run("simulate", small, "--trace", "t.json.gz", "--trace-clusters", "0").exit_code == 0
    assert (tmp_path / "t.json.gz").stat().st_size > 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--trace", "t.gz", "--fidelity", "analytical"], "--trace needs times"),
        (["--trace-cycles", "9"], "'9' is not A:B"),
        (["--trace-cycles", "9:3"], "'9:3' is not A:B"),
        (["--trace-clusters", "x"], "'x' is not a list of clusters"),
        (["--trace", "t.gz", "--trace-clusters", "99"], "eyeriss_v2 has clusters 0 to 15"),
    ],
)
def test_bad_trace_options(run: Run, small: str, options: list[str], message: str) -> None:
    result = run("simulate", small, *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_report_beside_the_result(run: Run, small: str, tmp_path: Path) -> None:
    plain = run("simulate", small)
    result = run("simulate", small, "--report", "a page.html", "--set", "clock=200 MHz")
    assert (result.exit_code, result.stdout) == (0, plain.stdout)
    assert result.stderr == "wrote a page.html\n"
    page = (tmp_path / "a page.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "accelerator-sim simulate small.yaml --report &#39;a page.html&#39; --set &#39;clock=200 MHz&#39;" in page
    assert hashlib.sha256((tmp_path / small).read_bytes()).hexdigest() in page
    assert run("simulate", small, "--report", "a page.html", "--set", "clock=200 MHz").exit_code == 0
    assert (tmp_path / "a page.html").read_text() == page


def test_a_report_names_the_mapping_file(run: Run, small: str, tmp_path: Path) -> None:
    run("simulate", small, "--save-mappings", "m.yaml")
    result = run("simulate", small, "--mapping", "m.yaml", "--report", "r.html", "-o", "r.json")
    assert result.stderr == "wrote r.json\nwrote r.html\n"
    page = (tmp_path / "r.html").read_text()
    assert "<td>mappings</td><td>m.yaml</td>" in page
    assert "2 layers have a mapping that was given" in page


def test_a_report_of_failed_layers_and_of_what_was_finished(
    run: Run, flawed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("simulate", flawed, "--report", "r.html").exit_code == 5
    assert "1 of 4 layers failed" in (tmp_path / "r.html").read_text()

    def stop(*_: object) -> LayerResult:
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "run_layer", stop)
    assert run("simulate", flawed, "--report", "r.html").exit_code == 130
    assert "The run was interrupted" in (tmp_path / "r.html").read_text()


def test_a_report_overwrites_no_input(run: Run, small: str) -> None:
    result = run("simulate", small, "--report", small)
    assert result.exit_code == 2
    assert "it is an input" in result.stderr
    assert "twice" in run("simulate", small, "--report", "x", "-o", "x").stderr
