"""How a workload is read and changed, on the command line."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from tests.cli.conftest import Run
from tests.conftest import Hide
from tests.workload.onnx.conftest import model_of, random

QUICK = ("--fidelity", "analytical", "--format", "csv")


@pytest.fixture
def net(tmp_path: Path) -> str:
    """An ONNX file with a symbolic batch, and a file of inputs."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv"), helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Magic", ["b"], ["c"], name="spell", domain="mine"),
        helper.make_node("Conv", ["b", "v"], ["y"], name="next"),
    ]  # fmt: skip
    w = random(8, 4, 1, 1)
    w[:, 0] = 0.0
    model = model_of(nodes, {"x": ["n", 4, 6, 6]}, ["y"], {"w": w, "v": random(8, 8, 1, 1)}, domains=["mine"])
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    np.savez(tmp_path / "in.npz", x=random(2, 4, 6, 6))
    return "net.onnx"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_onnx(run: Run, net: str) -> None:
    result = run("simulate", net, "--bind", "n=2", *QUICK)
    assert result.exit_code == 0, result.stderr
    conv, spell, following = rows(result.stdout)
    assert [row["name"] for row in (conv, spell, following)] == ["conv", "spell", "next"]
    assert (conv["N"], conv["macs"], spell["status"]) == ("2", str(2 * 8 * 4 * 36), "traffic_only")
    assert "UNKNOWN operators, counted by the words that they move: spell (mine.Magic)." in result.stderr


def test_unbound(run: Run, net: str) -> None:
    result = run("simulate", net, *QUICK)
    assert (result.exit_code, result.stderr) == (
        3, "net.onnx: unbound dimensions: n (x[0]); bind them, as --bind n=1\n"
    )  # fmt: skip


def test_strict(run: Run, net: str) -> None:
    result = run("show", "workload", net, "--bind", "n=1", "--strict")
    assert (result.exit_code, result.stderr) == (
        3, "net.onnx: spell: operator mine.Magic is not known, and --strict is given\n"
    )  # fmt: skip


def test_weights_inputs_densities_and_pruning(run: Run, net: str, tmp_path: Path) -> None:
    bound = (net, "--bind", "n=1")
    text = run("convert", *bound, "--to", "yaml").stdout
    assert "filters first" in text
    assert "filters first" not in run("convert", *bound, "--to", "yaml", "--no-weights").stdout
    (tmp_path / "d.csv").write_text("layer,iact\nconv,0.25\n")
    assert "iact: 0.25" in run("convert", *bound, "--to", "yaml", "--densities", "d.csv").stdout
    pruned = run("convert", *bound, "--to", "yaml", "--prune", "nm:2:4").stdout
    assert "2:4" in pruned
    assert "kept_channels: [2, 4]" in run("convert", *bound, "--to", "yaml", "--no-weights", "--prune", "nm:2:4").stdout


def test_a_network_written_with_its_weights_reads_back(run: Run, net: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(run("convert", net, "--bind", "n=1", "--to", "yaml").stdout)
    first = run("simulate", net, "--bind", "n=1", *QUICK)
    again = run("simulate", "mine.yaml", *QUICK)
    assert again.exit_code == 0, again.stderr
    assert again.stdout == first.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["small.yaml", "--bind", "n=1"], "--bind is for .onnx and .pt2 files only; small.yaml is not one"),
        (["small.yaml", "--no-weights"], "--weights is for .onnx and .pt2 files only; small.yaml is not one"),
        (
            ["small.yaml", "--bind", "n=-1"],
            "'n=-1' is not NAME=N with N a whole number of at least 0; write e.g. batch=1",
        ),
        (["small.yaml", "--prune", "erk"], "pruning 'erk' cannot be read"),
        (["small.yaml", "--densities", "alexnet/x"], "unknown densities 'alexnet/x'"),
    ],
)
def test_refusals(run: Run, small: str, words: list[str], message: str) -> None:
    result = run("simulate", *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_a_table_for_another_network(run: Run, small: str) -> None:
    result = run("simulate", small, "--densities", "alexnet/han2015")
    assert result.exit_code == 3
    assert "no layer 'CONV1'" in result.stderr


def test_choices_go_with_workloads(run: Run) -> None:
    result = run("show", "architecture", "eyeriss_v2", "--prune", "erk:0.5")
    assert (result.exit_code, "are for workloads only" in result.stderr) == (2, True)


def test_without_the_package(run: Run, net: str, hide: Hide) -> None:
    hide("accelerator_sim.workload.onnx")
    result = run("simulate", net)
    assert result.exit_code == 1
    assert "ONNX files need the package onnx; install it with: pip install 'accelerator-sim[onnx]'" in result.stderr
