"""`accelerator-sim compare-noc`, and its older form `compare --noc`, as users call them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from accelerator_sim.files.vocabulary import NocName
from tests.cli.conftest import Run

QUICK = ("--fidelity", "analytical")
NAMES = [name.value for name in NocName]


def test_all_networks(run: Run, small: str) -> None:
    result = run("compare-noc", small, "--noc", ",".join(NAMES), "--format", "csv", *QUICK)
    assert result.exit_code == 0, result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["network"] for row in rows if row["layer"] == ""] == NAMES
    assert {row["layer"] for row in rows} == {"", "conv", "pool", "fc"}


def test_one_layer_of_a_batch_in_a_file(run: Run, small: str, tmp_path: Path) -> None:
    words = ["compare-noc", "--noc", "mesh, bus", small, "--arch", "eyeriss_v1_5", "--layer", "f*", "--batch", "3"]
    result = run(*words, "--objective", "energy", "-o", "out.json", *QUICK)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "wrote out.json\n")
    data = json.loads((tmp_path / "out.json").read_text())
    assert (data["architecture"], data["batch"], data["objective"]) == ("eyeriss_v1_5", 3, "energy")
    assert [(row["network"], row["layer"]) for row in data["rows"]] == [("mesh", ""), ("bus", "")]


def test_a_table(run: Run, small: str) -> None:
    result = run("compare-noc", small, "--noc", "mesh,broadcast", "--format", "table", *QUICK)
    assert "small on eyeriss_v2 with other networks on chip" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--noc", "mesh,ring"], "networks is 'ring'; allowed: mesh, bus, unicast, broadcast"),
        (["--noc", ","], "networks is empty; allowed: mesh, bus, unicast, broadcast"),
        (["--noc", "mesh", "--arch", "eyeriss_v1"], "eyeriss_v1 has a flat network (multicast_bus)"),
        (
            ["--noc", "mesh", "--arch", "eyeriss_v2", "eyeriss_v1_5"],
            "--noc takes one --arch; 2 given",
        ),
        (["--noc", "mesh", "--baseline", "jetson_tk1"], "--baseline cannot be combined with --noc"),
        (["--noc", "mesh", "--all-boundaries"], "--all-boundaries cannot be combined with --noc"),
        (["--noc", "mesh", "--grid", "world"], "--grid cannot be combined with --noc"),
        (["--noc", "mesh", "--report", "x.html"], "--report cannot be combined with --noc"),
        (["--noc", "mesh", "--layer", "nothing"], "nothing"),
        (["--noc", "mesh", "-o", "small.yaml"], "it is an input"),
        (["--noc"], "Option '--noc' requires an argument."),
    ],
)
def test_refusals(run: Run, small: str, words: list[str], message: str) -> None:
    result = run("compare", small, *words, *QUICK) if words != ["--noc"] else run("compare", small, *QUICK, "--noc")
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_bad_files_are_reported_at_once(run: Run, tmp_path: Path) -> None:
    for name in ("net", "arch"):
        (tmp_path / f"{name}.yaml").write_text("nam: x\n")
    result = run("compare-noc", "net.yaml", "--noc", "mesh", "--arch", "arch.yaml")
    assert result.exit_code == 3
    assert {line.split(":")[0] for line in result.stderr.splitlines()} == {"net.yaml", "arch.yaml"}


def test_failed_layers(run: Run, flawed: str) -> None:
    result = run("compare-noc", flawed, "--noc", "mesh,bus", "--format", "table", *QUICK)
    assert result.exit_code == 5
    assert "left out, as they failed on a network: wide" in result.stdout
    assert "layer wide" in result.stderr


def test_all_networks_are_the_default_and_compare_noc_is_an_alias(run: Run, small: str) -> None:
    ours = run("compare-noc", small, "--format", "json", *QUICK)
    alias = run("compare", small, "--noc", ",".join(NAMES), "--format", "json", *QUICK)
    assert (ours.exit_code, ours.stdout) == (0, alias.stdout)
    assert [row["network"] for row in json.loads(ours.stdout)["rows"] if row["layer"] == ""] == NAMES


@pytest.mark.parametrize("option", ["--baseline", "--all-boundaries", "--report", "--equal-area", "--grid"])
def test_options_without_a_meaning_are_not_offered(run: Run, small: str, option: str) -> None:
    result = run("compare-noc", small, option, "x")
    assert result.exit_code == 2
    assert "No such option" in result.stderr
    assert option in result.stderr
