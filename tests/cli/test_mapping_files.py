"""Mapping files on the command line: given mappings, the letters of Eyeriss v1, rules for the search."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

LETTERS = """\
format: accelerator-sim/mapping/1
layers:
  CONV1: {eyeriss_v1: {n: 1, m: 96, e: 7, p: 16, q: 1, r: 1, t: 2}}
"""
RULES = """\
format: accelerator-sim/mapping/1
constraints:
  {filters_per_pe: [16], whole_filters: true, wide_sets: true, one_strip: true, whole_rows: true, stationary: [none]}
"""
V1 = ("alexnet", "--arch", "eyeriss_v1", "--batch", "4")


def test_map_shows_a_given_mapping_beside_the_optima(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(LETTERS)
    result = run("map", *V1, "--layer", "CONV1", "--mapping", "m.yaml")
    assert result.exit_code == 0
    assert "a given mapping; the optima stand below" in result.stdout
    assert "in the letters of Eyeriss v1: n=1 m=96 e=7 p=16 q=1 r=1 t=2" in result.stdout
    assert [line.split()[0] for line in result.stdout.splitlines()[-5:]] == [
        "given",
        "energy",
        "latency",
        "edp",
        "dram",
    ]


def test_map_refuses_a_given_mapping_that_does_not_fit(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(LETTERS.replace("q: 1", "q: 2"))
    result = run("map", *V1, "--layer", "CONV1", "--mapping", "m.yaml")
    assert result.exit_code == 5
    assert "CONV1: the given mapping does not fit: the iact SPad: C0 x S0 = 2 x 11 = 22 > 12 values" in result.stderr


def test_mappings_of_a_flat_array_are_saved_in_its_letters(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(LETTERS)
    run("simulate", *V1, "--layer", "CONV1", "--mapping", "m.yaml", "--save-mappings", "again.yaml")
    assert "eyeriss_v1: {n: 1, m: 96, e: 7, p: 16, q: 1, r: 1, t: 2}" in (tmp_path / "again.yaml").read_text()


def test_built_in_mappings_by_name(run: Run) -> None:
    result = run("simulate", *V1, "--layer", "CONV5", "--mapping", "eyeriss_v1_alexnet", "--format", "json")
    (layer,) = json.loads(result.stdout)["layers"]
    assert layer["optimal_over"] is None
    assert (layer["mapping"]["M0"], layer["mapping"]["C0"], layer["mapping"]["N0"]) == (16, 3, 4)
    shown = run("map", *V1, "--layer", "CONV2", "--mapping", "eyeriss_v1_alexnet").stdout
    assert "in the letters of Eyeriss v1: n=1 m=64 e=27 p=16 q=2 r=1 t=1" in shown


def test_a_report_names_a_built_in_mapping(run: Run, tmp_path: Path) -> None:
    run("simulate", *V1, "--layer", "CONV5", "--mapping", "eyeriss_v1_alexnet", "--report", "r.html", "-o", "r.json")
    assert "<td>mappings</td><td>eyeriss_v1_alexnet</td>" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize("command", ["simulate", "map", "explain"])
def test_an_unknown_mapping(run: Run, command: str) -> None:
    result = run(command, "alexnet", "--layer", "CONV1", "--mapping", "eyeriss_v1_alexnt")
    assert result.exit_code == 2
    assert (
        "unknown mapping 'eyeriss_v1_alexnt': neither a built-in name nor a file; did you mean 'eyeriss_v1_alexnet'?"
        " (`accelerator-sim list mappings` shows the built-in names)"
    ) in result.stderr


def test_a_mapping_of_another_network_or_machine(run: Run) -> None:
    other = run("simulate", "vgg16", "--arch", "eyeriss_v1", "--mapping", "eyeriss_v1_alexnet")
    assert other.exit_code == 3
    assert "layers.CONV1: vgg16 has no such layer" in other.stderr
    mesh = run("simulate", "alexnet", "--mapping", "eyeriss_v1_alexnet")
    assert mesh.exit_code == 3
    assert "layers.CONV1: eyeriss_v1 letters describe one flat array, which eyeriss_v2 is not" in mesh.stderr


def test_a_file_that_is_no_mapping(run: Run, tmp_path: Path) -> None:
    (tmp_path / "arch.yaml").write_text(run("show", "architecture", "eyeriss_v1").stdout)
    for args in (("simulate", "alexnet", "--mapping", "arch.yaml"), ("show", "mapping", "arch.yaml")):
        result = run(*args)
        assert result.exit_code == 3
        assert "format: missing; text (accelerator-sim/mapping/1) is required" in result.stderr


def test_show_prints_a_mapping_that_can_be_edited_and_used(run: Run, tmp_path: Path) -> None:
    shown = run("show", "mapping", "eyeriss_v1_vgg16").stdout
    assert shown.startswith("# What the Eyeriss chip ran for VGG-16, batch 3.  JSSC 52(1) 2017, Table VI")
    assert "conv2_1: {eyeriss_v1: {n: 1, m: 32, e: 13, p: 8, q: 1, r: 1, t: 4}}" in shown
    (tmp_path / "mine.yaml").write_text(shown)
    checked = run("check", "mine.yaml", "--workload", "vgg16", "--arch", "eyeriss_v1")
    assert checked.stdout == "mine.yaml: OK (mapping of 13 layer(s) of vgg16 on eyeriss_v1)\n"
    refused = run("show", "mapping", "eyeriss_v1_vgg16", "--format", "json")
    assert (refused.exit_code, "show mapping has no --format json; allowed: yaml" in refused.stderr) == (2, True)


@pytest.mark.slow
def test_rules_of_a_mapping_file_hold_in_the_search(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    options = ("--layer", "CONV2", "--objective", "dram", "--format", "json")
    ruled = json.loads(run("simulate", *V1, *options, "--mapping", "rules.yaml").stdout)["layers"][0]
    free = json.loads(run("simulate", *V1, *options).stdout)["layers"][0]
    assert (ruled["mapping"]["M0"], ruled["mapping"]["P0"], ruled["mapping"]["stationary"]) == (16, 1, "none")
    assert ruled["optimal_over"] < free["optimal_over"]
    assert sum(ruled["dram_bytes"].values()) > sum(free["dram_bytes"].values())


def test_rules_that_leave_nothing_are_an_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES.replace("[16]", "[1000]"))
    result = run("simulate", *V1, "--layer", "CONV2", "--mapping", "rules.yaml")
    assert result.exit_code == 5
    assert (
        "layer CONV2 cannot be mapped on eyeriss_v1: no mapping meets the constraints that were given" in result.stderr
    )


def test_a_wrong_rule_is_told_with_its_place(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES.replace("wide_sets", "wide_set").replace("[none]", "[non]"))
    result = run("simulate", *V1, "--mapping", "rules.yaml")
    assert result.exit_code == 3
    assert "rules.yaml:3:" in result.stderr
    assert "constraints.wide_set: unknown key; did you mean 'wide_sets'?" in result.stderr
    assert "did you mean 'none'?" in result.stderr
