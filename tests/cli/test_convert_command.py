"""`accelerator-sim convert`, and other tools' files in the other commands."""

from pathlib import Path

import pytest

from accelerator_sim.workload.network_loader import load_network
from tests.cli.conftest import Run
from tests.workload.formats.texts import CONV, MOBILENET


def test_to_a_network_file(run: Run, small: str) -> None:
    result = run("convert", small, "--to", "yaml")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "  - {name: conv, op: conv, C: 4, M: 8, H: 8, W: 8, kernel: 3, padding: 1}" in result.stdout.replace(
        "\n- ", "\n  - "
    )
    run("convert", small, "--to", "yaml", "-o", "other.yaml")
    assert load_network("./other.yaml").layers == load_network("./small.yaml").layers
    assert run("convert", small, "--to", "yaml", "-o", "-").stdout == result.stdout


def test_layers_that_read_others_stand_without_them(run: Run, small: str) -> None:
    Path(small).write_text(Path(small).read_text().replace("M: 10}", "M: 10, reads: [pool]}"))
    result = run("convert", small, "--to", "yaml", "--layer", "fc", "-o", "part.yaml")
    note = "note: what it reads is left out, where that is not written before it: fc"
    assert result.stderr.splitlines() == [note, "wrote part.yaml"]
    assert run("check", "part.yaml").exit_code == 0


def test_to_problems(run: Run, small: str) -> None:
    result = run("convert", small, "--to", "timeloop", "-o", "problems")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "note: the padding is counted as part of the input: conv",
        "note: left out, having no multiply-accumulates: pool",
        "wrote problems, 2 files",
    ]
    assert sorted(path.name for path in Path("problems").iterdir()) == ["1_conv.yaml", "3_fc.yaml"]
    assert [layer.name for layer in load_network("problems").layers] == ["conv", "fc"]


def test_one_problem(run: Run, small: str) -> None:
    result = run("convert", small, "--to", "timeloop", "--layer", "fc")
    assert result.stdout.startswith("# layer fc of small, written by accelerator-sim")
    run("convert", small, "--to", "timeloop", "--layer", "fc", "-o", "fc.yaml")
    assert Path("fc.yaml").read_text() == result.stdout
    run("convert", small, "--to", "timeloop", "--layer", "fc", "-o", "folder")
    assert [path.name for path in Path("folder").iterdir()] == ["1_fc.yaml"]


def test_to_a_topology(run: Run, small: str) -> None:
    result = run("convert", small, "--to", "scalesim", "-o", "small.csv")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[-1] == "wrote small.csv"
    assert Path("small.csv").read_text().splitlines()[1:] == [
        "conv, 10, 10, 3, 3, 4, 8, 1,",
        "fc, 1, 1, 1, 1, 128, 10, 1,",
    ]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["small.yaml"], 2, "Missing option '--to'"),
        (["small.yaml", "--to", "onnx"], 2, "'onnx' is not one of 'yaml', 'timeloop', 'scalesim'"),
        (["small.yaml", "--to", "timeloop"], 2, "2 files; name a folder for them with -o, or choose one layer"),
        (["small.yaml", "--to", "timeloop", "-o", "full"], 2, "cannot write to full: it is not empty"),
        (["small.yaml", "--to", "timeloop", "-o", "full/x.yaml"], 2, "full/x.yaml: it is a file; name a folder"),
        (["small.yaml", "--to", "timeloop", "-o", "no/where"], 2, "the folder no does not exist"),
        (["small.yaml", "--to", "timeloop", "--layer", "pool"], 2, "no layer with multiply-accumulates to write"),
        (["small.yaml", "--to", "yaml", "-o", "full"], 2, "cannot write full: it is a folder"),
        (["small.yaml", "--to", "yaml", "-o", "small.yaml"], 2, "cannot write small.yaml: it is an input"),
        (["small.yaml", "--to", "yaml", "--layer", "x"], 2, "no layer of small matches 'x'"),
        (["dilated.yaml", "--to", "scalesim"], 2, "d: a dilation of 2 x 2"),
        (["none.csv", "--to", "yaml"], 3, "none.csv: no such file"),
    ],
)
def test_what_is_refused(run: Run, small: str, args: list[str], code: int, message: str) -> None:
    Path("full").mkdir()
    Path("full/x.yaml").write_text("x")
    Path("dilated.yaml").write_text(
        "name: n\nsource: s\nlayers: [{name: d, op: conv, C: 1, M: 1, H: 9, W: 9, kernel: 3, dilation: 2}]\n"
    )
    result = run("convert", *args)
    assert message in " ".join(result.stderr.split())
    assert result.exit_code == code
    assert result.stdout == ""


def test_other_tools_files_in_other_commands(run: Run) -> None:
    Path("conv.yaml").write_text(CONV)
    Path("mobile.csv").write_text(MOBILENET)
    Path("problems").mkdir()
    Path("problems/a.yaml").write_text(CONV)
    result = run("check", "conv.yaml", "mobile.csv", "problems")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "conv.yaml: OK (network conv, 1 layers, 118,013,952 MACs; Timeloop problem conv.yaml)",
        "mobile.csv: OK (network mobile, 6 layers, 49,172,480 MACs; SCALE-Sim topology mobile.csv)",
        "problems: OK (network problems, 1 layers, 118,013,952 MACs; 1 Timeloop problems in problems)",
    ]
    assert run("show", "workload", "problems", "--format", "tsv").stdout.splitlines()[1].startswith("a\tconv")
    assert "layers:\n- {name: a, op: conv" in run("show", "workload", "problems", "--format", "yaml").stdout
    for workload in ("conv.yaml", "problems"):
        result = run("simulate", workload, "--fidelity", "analytical", "--report", "x.html", "--format", "csv")
        assert result.exit_code == 0, result.stderr
    assert "problems/a.yaml" in Path("x.html").read_text()


def test_check_tells_what_is_wrong(run: Run) -> None:
    Path("bad.csv").write_text(MOBILENET.replace("1024", "x").replace("225, 225", "225, -1"))
    Path("bad.yaml").write_text(CONV.replace("M: 64", "M: many"))
    result = run("check", "bad.csv", "bad.yaml")
    assert result.exit_code == 3
    assert "bad.csv:2:13: IFMAP Width: '-1' given" in result.stderr
    assert "bad.yaml:32:18: problem.instance.M: 'many' given; a whole number" in result.stderr
