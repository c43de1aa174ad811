"""ONNX files on the command line: batches, bindings, work that nobody counts."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from onnx import helper

from tests.cli.conftest import Run
from tests.workload.onnx.conftest import model_of, random
from tests.workload.onnx.mutants import DATA

TRIALS = DATA / "trials"


@pytest.fixture
def secret(tmp_path: Path) -> str:
    """A network with an operator that may multiply."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv"),
        helper.make_node("SecretMatMul", ["a", "m"], ["y"], name="secret", domain="vendor.x"),
    ]
    model = model_of(
        nodes, {"x": [1, 3, 8, 8]}, ["y"], {"w": random(4, 3, 3, 3), "m": random(6, 10)}, domains=["vendor.x"]
    )
    (tmp_path / "secret.onnx").write_bytes(model.SerializeToString())
    return "secret.onnx"


def test_work_that_nobody_counts_is_exit_code_5(run: Run, secret: str) -> None:
    simulated = run("simulate", secret, "--fidelity", "analytical", "--format", "json")
    assert simulated.exit_code == 5
    data = json.loads(simulated.stdout)
    assert data["complete"] is False
    assert [layer["status"] for layer in data["layers"]] == ["ok", "failed"]
    assert "operator vendor.x.SecretMatMul may multiply and is not counted" in data["layers"][1]["error"]
    assert "NOT COUNTED, for they may multiply: secret (vendor.x.SecretMatMul)." in simulated.stderr
    checked = run("check", secret)
    assert (checked.exit_code, checked.stdout) == (5, "")
    assert "not counted: secret (vendor.x.SecretMatMul)" in checked.stderr
    assert run("check", secret, "missing.yaml").exit_code == 3  # an invalid file says more
    assert run("simulate", secret, "--layer", "conv", "--fidelity", "analytical").exit_code == 0


@pytest.mark.parametrize("machine", [("--baseline", "jetson_tx2_maxq"), ("--dataflow", "rs,ws")])
def test_comparisons_refuse_what_nobody_counts(run: Run, secret: str, machine: tuple[str, ...]) -> None:
    result = run("compare", secret, *machine)
    assert result.exit_code == 5
    assert "not counted: secret (vendor.x.SecretMatMul)" in result.stderr


def test_a_batch_in_the_file_is_as_many_inferences(run: Run) -> None:
    def simulated(name: str, *more: str) -> dict[str, Any]:
        result = run("simulate", str(TRIALS / f"{name}.onnx"), "--no-weights", "--format", "json", *more)
        assert result.exit_code == 0
        return dict(json.loads(result.stdout))

    one, four = simulated("c83_conv_batch1", "--batch", "4"), simulated("c83_conv_batch4")
    assert one["batch"] == four["batch"] == 4
    assert one["totals"] == four["totals"]
    assert simulated("c83_conv_batch4", "--batch", "2")["batch"] == 8
    assert "batch 4" in run("simulate", str(TRIALS / "c83_conv_batch4.onnx"), "--format", "table").stdout
    assert (
        "of 4 inferences" in run("show", "workload", str(TRIALS / "c83_conv_batch4.onnx"), "--format", "table").stdout
    )


@pytest.mark.parametrize(
    "machines", [("--baseline", "jetson_tx2_maxq", "--arch", "eyeriss_v2"), ("--noc", "mesh"), ("--dataflow", "rs,ws")]
)
def test_comparisons_count_the_inferences(run: Run, machines: tuple[str, ...]) -> None:
    def compared(name: str, *more: str) -> dict[str, Any]:
        path = str(TRIALS / f"{name}.onnx")
        result = run("compare", path, "--no-weights", "--format", "json", *machines, *more)
        assert result.exit_code == 0
        return {key: value for key, value in json.loads(result.stdout).items() if not key.startswith("workload")}

    assert compared("c83_conv_batch1", "--batch", "4") == compared("c83_conv_batch4")


def test_the_example_of_an_open_dimension_can_be_pasted(run: Run) -> None:
    path = str(TRIALS / "c51_expr_symbol.onnx")
    refused = run("simulate", path)
    assert refused.exit_code == 3
    example = refused.stderr.rpartition("bind them, as ")[2].strip()
    assert run("simulate", path, "--fidelity", "analytical", *shlex.split(example)).exit_code == 0


def test_lengths_may_be_zero_and_not_less(run: Run) -> None:
    path = str(TRIALS / "c52_zero_past.onnx")
    assert run("simulate", path, "--fidelity", "analytical", "--bind", "past=0").exit_code == 0
    for wrong, message in (
        ("past=-1", "a whole number of at least 0"),
        (f"past={'9' * 30}", "is too large for a dimension"),
    ):
        result = run("simulate", path, "--bind", wrong)
        assert result.exit_code == 2
        assert message in result.stderr


@pytest.mark.parametrize("path", sorted((DATA / "broken").glob("*.onnx"))[:4], ids=lambda path: path.stem)
def test_broken_files_are_exit_code_3(run: Run, path: Path) -> None:
    result = run("simulate", str(path), "--bind", "N=1")
    assert (result.exit_code, result.stdout) == (3, "")
    assert len(result.stderr.splitlines()) == 1
