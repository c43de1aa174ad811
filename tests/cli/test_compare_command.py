"""`accelerator-sim compare` as users call it."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run

QUICK = ("--fidelity", "analytical")


def test_lists_of_machines(run: Run, small: str) -> None:
    result = run(
        "compare", small, "--arch", "eyeriss_v1_5", "eyeriss_v2", "--baseline", "jetson_tk1", "raspberry_pi_4", *QUICK
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout), delimiter="\t"))
    assert [(row["machine"], row["node_nm"]) for row in rows] == [
        ("eyeriss_v1_5", "65.0"), ("eyeriss_v1_5", "28.0"), ("eyeriss_v2", "65.0"), ("eyeriss_v2", "28.0"),
        ("jetson_tk1", "28.0"), ("raspberry_pi_4", "28.0"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ["small.yaml", "--arch", "eyeriss_v2", "--arch", "eyeriss_v1_5"],
        ["--arch", "eyeriss_v2", "small.yaml", "--arch=eyeriss_v1_5"],
        ["--batch", "1", "--arch", "eyeriss_v2", "small.yaml", "eyeriss_v1_5"],
        ["small.yaml", "--all-boundaries", "--arch=eyeriss_v2", "eyeriss_v1_5"],
        ["--arch", "eyeriss_v2", "--arch", "eyeriss_v1_5", "--", "small.yaml"],
    ],
)
def test_other_ways_to_write_them(run: Run, small: str, words: list[str]) -> None:
    data = json.loads(run("compare", *QUICK, "--format", "json", *words).stdout)
    assert [entry["machine"] for entry in data["entries"]] == ["eyeriss_v2", "eyeriss_v1_5"]


def test_a_mapping_of_one_machine(run: Run) -> None:
    chip = ("compare", "vgg16", "--arch", "eyeriss_v1", "--batch", "3", "--layer", "conv5_*", *QUICK)
    given = run(*chip, "--mapping", "eyeriss_v1_vgg16")
    assert given.exit_code == 0, given.stderr
    rows = [next(csv.DictReader(io.StringIO(r.stdout), delimiter="\t")) for r in (given, run(*chip))]
    assert float(rows[0]["latency_s"]) > float(rows[1]["latency_s"])
    several = run(*chip, "--arch", "eyeriss_v1_192", "--mapping", "eyeriss_v1_vgg16")
    assert several.exit_code == 2
    assert "--mapping takes one --arch; 2 given" in several.stderr
    apart = run("compare", "vgg16", "--noc", "mesh,bus", "--mapping", "eyeriss_v1_vgg16")
    assert "--mapping cannot be combined with --noc" in apart.stderr


def test_a_bare_word_that_no_list_takes(run: Run, small: str) -> None:
    result = run("compare", small, "eyeriss_v2")
    assert result.exit_code == 2
    assert "unexpected extra argument (eyeriss_v2)" in result.stderr


def test_everything_in_one_table(run: Run, small: str) -> None:
    result = run(
        "compare", small, "--baseline", "jetson_tx2_maxq", "--all-boundaries", "--grid", "france",
        "--price", "0.2 $/kWh", "--inferences-per-day", "1e6", "--devices", "10", "--send", "all",
        "--input-size", "40 kB",
        "--format", "table",
        *QUICK,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "A year of 1,000,000 inferences a day on 10 device(s), grid france" in " ".join(result.stdout.split())
    assert "no data-centre machine is compared" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--baseline", "jetson_nano_5w", "--board-boundary", "net"], "jetson_nano_5w has no measured idle power"),
        (
            ["--baseline", "jetson_nano_5w", "--precision", "int8"],
            "has no int8 data with stack 'tuned'; it has: fp16, fp32",
        ),
        (["--baseline", "jetson_nano_5w", "--stack", "x"], "no software stack 'x'; it has: tuned, tensorrt3, tf_trt"),
        (["--stack", "tuned"], "stack is tuned, but no baseline is given that it could apply to"),
        (["--precision", "fp16"], "precision is fp16, but no baseline is given that it could apply to"),
        (["--baseline", "jetson_nano"], "unknown baseline 'jetson_nano'"),
        (["--arch", "isca16_256"], "isca16_256 has energies in multiples of one MAC"),
        (["--grid", "frence"], "unknown grid 'frence'; did you mean 'france'?"),
        (["--send", "lt"], "unknown link 'lt'; did you mean 'lte'?"),
        (["--devices", "4"], "--devices requires --grid"),
        (["--price", "4"], '4 has no unit; write e.g. "4 $/kWh"'),
        (["--input-size", "4 J"], "'4 J' is an energy; a size such as"),
        (["--batch", "0"], "0 is not in the range 1<=x<="),
        (["--fidelity", "event", "--arch"], "Option '--arch' requires an argument."),
    ],
)
def test_refusals(run: Run, small: str, words: list[str], message: str) -> None:
    result = run("compare", small, *QUICK, *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_all_bad_files_are_reported_at_once(run: Run, tmp_path: Path) -> None:
    for name in ("net", "arch", "device"):
        (tmp_path / f"{name}.yaml").write_text("nam: x\n")
    result = run("compare", "net.yaml", "--arch", "arch.yaml", "--baseline", "device.yaml")
    assert result.exit_code == 3
    assert {line.split(":")[0] for line in result.stderr.splitlines()} == {"net.yaml", "arch.yaml", "device.yaml"}


def test_failed_layers(run: Run, flawed: str) -> None:
    result = run("compare", flawed, "--baseline", "jetson_tk1", "--format", "table", *QUICK)
    assert result.exit_code == 5
    assert "eyeriss_v2: 1 of 4 layers failed" in result.stdout
    assert "layer wide" in result.stderr


def test_into_a_file(run: Run, small: str, tmp_path: Path) -> None:
    result = run("compare", small, "-o", "out.json", *QUICK)
    assert (result.stdout, result.stderr) == ("", "wrote out.json\n")
    assert json.loads((tmp_path / "out.json").read_text())["schema"] == "accelerator-sim/comparison/1"


def test_a_report(run: Run, small: str, tmp_path: Path) -> None:
    words = ["compare", small, "--arch", "eyeriss_v2", "--baseline", "jetson_tx2_maxq", "--report", "r.html", *QUICK]
    result = run(*words)
    assert (result.exit_code, result.stderr) == (0, "wrote r.html\n")
    page = (tmp_path / "r.html").read_text()
    assert "accelerator-sim compare small.yaml --arch eyeriss_v2 --baseline jetson_tx2_maxq" in page
    for name in ("small.yaml", "cmos65_8b", "jetson_tx2_maxq", "tegra_pascal"):
        assert re.search(rf"<td>{name}</td><td><code>[0-9a-f]{{64}}</code>", page), name


def test_outputs_that_would_destroy_something(run: Run, small: str) -> None:
    assert "it is an input" in run("compare", small, "--report", small).stderr
    assert "cannot write x.html twice" in run("compare", small, "-o", "x.html", "--report", "x.html").stderr


def test_values_of_each_machine(run: Run) -> None:
    """--set is of all machines, or of one by its name or its number; names say what was changed."""
    words = ("compare", "alexnet", "--layer", "CONV5", "--fidelity", "analytical", "--format", "json")
    archs = ("--arch", "eyeriss_v2", "--arch", "eyeriss_v1_192", "--arch", "eyeriss_v2")
    names = ("--set", "3:cluster_array.rows=4", "--set", "eyeriss_v1_192:clock=100 MHz", "--set", "batch_unused=1")
    result = run(*words, *archs, *names[:4])
    entries = json.loads(result.stdout)["entries"]
    assert [entry["machine"] for entry in entries] == [
        "eyeriss_v2", "eyeriss_v1_192 (clock=100 MHz)", "eyeriss_v2 (cluster_array.rows=4)",
    ]  # fmt: skip
    assert entries[2]["latency_s"] > entries[0]["latency_s"]
    everywhere = run(*words, *archs[:4], "--set", "clock=50 MHz")
    assert all("(clock=50 MHz)" in entry["machine"] for entry in json.loads(everywhere.stdout)["entries"])
    wrong = run(*words, *archs, "--set", "4:clock=1 GHz")
    assert (wrong.exit_code, "no machine '4'; machines: 1: eyeriss_v2, 2: eyeriss_v1_192" in wrong.stderr) == (2, True)
    assert run(*words, *archs, *names).exit_code == 3


def test_a_year_in_batteries(run: Run) -> None:
    words = ("compare", "alexnet", "--fidelity", "analytical", "--grid", "world", "--inferences-per-day", "1000")
    text = run(*words, "--baseline", "jetson_tx2_maxq", "--baseline", "nvidia_p40", "--format", "table").stdout
    year = text[text.index("A year of") :]
    assert "15 Wh battery" in year
    jetson = next(line for line in year.splitlines() if line.startswith("jetson"))
    assert jetson.endswith("% a day")
    assert next(line for line in year.splitlines() if line.startswith("nvidia")).split()[-1] == "-"
