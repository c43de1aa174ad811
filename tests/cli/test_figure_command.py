"""`accelerator-sim figure`."""

from __future__ import annotations

import sys

import pytest

from accelerator_sim.cli.figure_command import KINDS
from accelerator_sim.figure import figure_kinds
from tests.cli.conftest import Run


def test_kinds_are_those_that_there_are() -> None:
    assert tuple(KINDS) == figure_kinds.KINDS


@pytest.mark.parametrize("name", ["f.svg", "f.pdf", "f.png"])
def test_a_file(run: Run, small: str, name: str) -> None:
    result = run("figure", "mapping", small, "--layer", "conv", "-o", name)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"wrote {name}\n")
    with open(name, "rb") as stream:
        assert stream.read(5) in (b"<?xml", b"%PDF-", b"\x89PNG\r")


def test_a_figure_of_a_sweep(run: Run, small: str) -> None:
    with open("s.yaml", "w") as stream:
        stream.write(
            f"{{architecture: eyeriss_v2, workloads: [{small}], fidelity: analytical, axes: {{clock: [1 GHz, 2 GHz]}}}}"
        )
    assert run("sweep", "s.yaml", "-o", "s.csv").exit_code == 0
    for kind in ("pareto", "parallel", "trend"):
        assert run("figure", kind, "s.sqlite", "-o", f"{kind}.svg").exit_code == 0
    result = run("figure", "trend", "s.sqlite", "-x", "clok", "-o", "x.svg")
    assert (result.exit_code, "did you mean 'clock'" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["roofline", "alexnet", "-o", "f.txt"], "f.txt: figures are written as .svg, .pdf, .png"),
        (["pareto", "none.sqlite", "-o", "f.svg"], "none.sqlite: no such store"),
        (["energy", "alexnet", "--tensor", "iact", "-o", "f.svg"], "--tensor is of links, not of energy"),
        (
            ["links", "alexnet", "--tensor", "x", "--layer", "CONV5", "-o", "f.svg"],
            "unknown tensor 'x'; use one of",
        ),
        (["timeline", "alexnet", "--cycles", "5:5", "-o", "f.svg"], "'5:5' is not A:B"),
        (["timeline", "alexnet", "--layer", "FC8", "--clusters", "99", "-o", "f.svg"], "no cluster 99 to trace"),
        (["waterfall", "alexnet", "--fidelity", "analytical", "-o", "f.svg"], "an estimate has no actual cycles"),
        (["energy", "alexnt", "-o", "f.svg"], "did you mean 'alexnet'"),
        (["energy", "alexnet", "-o", "none/f.svg"], "the folder none does not exist"),
    ],
)
def test_faults(run: Run, words: list[str], message: str) -> None:
    result = run("figure", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_figure_of_a_machine(run: Run) -> None:
    result = run("figure", "architecture", "eyeriss_v2", "--set", "cluster_array.rows=4", "-o", "machine.svg")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "wrote machine.svg\n")
    with open("machine.svg") as stream:
        assert "4 x 2 clusters of 3 x 4 PEs" in stream.read()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["eyeriss_v3"], "did you mean 'eyeriss_v2'"),
        (["eyeriss_v2", "--arch", "eyeriss_v1"], "--arch is not of architecture, which takes -o and --set only"),
        (["eyeriss_v2", "--batch", "2"], "--batch is not of architecture"),
        (["eyeriss_v2", "--color", "clock"], "--color is of pareto and parallel, not of architecture"),
    ],
)
def test_faults_of_a_machine(run: Run, words: list[str], message: str) -> None:
    result = run("figure", "architecture", *words, "-o", "f.svg")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr.replace("\n", " ")


def test_without_matplotlib(run: Run, small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("figure", "energy", small, "-o", "f.svg")
    assert result.exit_code == 1
    assert "pip install 'accelerator-sim[plot]'" in result.stderr
