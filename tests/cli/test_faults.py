"""What nobody expects: defects, signals, streams that are closed or full, names that would command a terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from accelerator_sim.cli import streams
from accelerator_sim.cli.main import cli
from accelerator_sim.run import network_run as running
from tests.cli.conftest import SMALL
from tests.memory import peak_of

COMMAND = (sys.executable, "-m", "accelerator_sim")
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")


def broken(*_: object) -> None:
    raise ZeroDivisionError("of nobody's making\nin two lines")


@pytest.mark.parametrize("debug", [False, True])
def test_a_defect_is_one_line_that_says_how_to_report_it(
    small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "resolve_actions", broken)
    words = ["simulate", small, *(["--debug"] if debug else [])]
    result = CliRunner().invoke(cli, words, prog_name="accelerator-sim")
    assert result.exit_code == 1
    if debug:
        assert result.stderr.startswith("Traceback")
        return
    assert len(result.stderr.splitlines()) == 1
    assert "a defect of accelerator-sim" in result.stderr
    assert "ZeroDivisionError: of nobody's making in two lines; please report it" in result.stderr
    assert "--debug shows the trace" in result.stderr


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])  # SIGINT: test_process
def test_signals_end_the_program_with_what_was_finished(name: str, tmp_path: Path) -> None:
    layers = [f"  - {{name: l{i}, op: conv, C: {i}, H: 28, W: 28, M: 64, kernel: 3}}" for i in range(64, 1600)]
    (tmp_path / "long.yaml").write_text("\n".join(["name: long", "source: made up", "layers:", *layers]))
    words = [*COMMAND, "simulate", "long.yaml", "-o", "r.json"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stderr is not None
    for line in process.stderr:  # the first line of progress, after some seconds
        if "layers, l" in line:
            break
    process.send_signal(getattr(signal, name))
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in error
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["complete"] is False
    assert {layer["error"] for layer in result["layers"]} == {None, "interrupted"}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


def shell(command: str, place: Path) -> subprocess.CompletedProcess[str]:
    line = command.replace("SIM", f"'{sys.executable}' -m accelerator_sim")
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, cwd=place, check=False)


def test_a_closed_standard_error_loses_nothing(place: Path) -> None:
    whole = shell("SIM simulate small.yaml --format json", place)
    closed = shell("SIM simulate small.yaml --format json 2>&-", place)
    assert (closed.returncode, closed.stdout) == (0, whole.stdout)


def test_a_closed_standard_output_is_told_before_anything_runs(place: Path) -> None:
    done = shell("SIM simulate small.yaml >&-", place)
    assert done.returncode == 2
    assert "standard output is closed; write the result to a file with -o FILE" in done.stderr
    assert shell("SIM simulate small.yaml -o r.csv >&-", place).returncode == 0
    assert (place / "r.csv").read_text().startswith("status,name")


@needs_full
def test_a_full_standard_error_loses_nothing(place: Path) -> None:
    done = shell("SIM simulate small.yaml --format json -o r.json 2>/dev/full", place)
    assert done.returncode == 0
    assert json.loads((place / "r.json").read_text())["complete"] is True
    assert shell("SIM simulate nowhere.yaml 2>/dev/full", place).returncode == 3


@needs_full
def test_a_full_standard_output_is_an_error(place: Path) -> None:
    done = shell("SIM simulate small.yaml >/dev/full", place)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "Error: No space left on device"
    assert "Exception ignored" not in done.stderr


def test_a_reader_that_stops_is_quiet(place: Path) -> None:
    done = shell("SIM simulate small.yaml --format json | head -n 1", place)
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_names_command_no_terminal(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = '"\\e]0;title\\a\\e[31m"'
    (place / "evil.yaml").write_text(
        f"name: {name}\nsource: s\nlayers:\n"
        f"  - {{name: {name}, op: gemm, N: 64, rows: 2147483648, C: 1, M: 1}}\n"
        '  - {name: "=1+1", op: fc, C: 72, M: 12}\n'
    )
    controls = set(map(chr, range(32))) - set("\n\t")
    monkeypatch.chdir(place)
    for words in ("simulate evil.yaml --format table", "simulate evil.yaml --format csv", "check evil.yaml",
                  "show workload evil.yaml --format table", "map evil.yaml --layer =1+1",
                  "compare evil.yaml --format table"):  # fmt: skip
        shown = CliRunner().invoke(cli, words.split(), prog_name="accelerator-sim").stdout
        assert not set(shown) & controls, words
        assert "\\x1b]0;title" in shown or "=1+1" in words, words
    notes = shell("SIM simulate evil.yaml --fidelity analytical", place).stderr
    assert not set(notes) & controls
    assert "layer \\x1b]0;title\\x07 cannot be mapped" in notes  # click takes colours away where there is no terminal


def test_formulas_in_csv_are_texts_to_a_spreadsheet(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "net.yaml").write_text('name: n\nsource: s\nlayers:\n  - {name: "=1+1", op: fc, C: 72, M: 12}\n')
    monkeypatch.chdir(place)
    for form, start in (("csv", "ok,'=1+1,fc,"), ("tsv", "ok\t=1+1\tfc\t")):
        words = ["simulate", "net.yaml", "--format", form]
        assert CliRunner().invoke(cli, words).stdout.splitlines()[1].startswith(start)


def test_notes_take_text_only() -> None:
    with Path(os.devnull).open("w") as stream:
        notes = streams.Notes(stream)
        assert notes.write("x\x1b\n") == 3
        with pytest.raises(TypeError, match="text is required, not bytes"):
            notes.write(b"")  # type: ignore[arg-type]
    notes.write("closed by now")  # and nothing is raised
    notes.flush()


@pytest.mark.slow
@pytest.mark.parametrize(("form", "count"), [("csv", 20_000), ("json", 20_000)])
def test_very_many_layers_under_a_gigabyte(form: str, count: int, tmp_path: Path) -> None:
    layers = [f"  - {{name: l{i}, op: fc, C: {1 + i % 1000}, M: 8}}" for i in range(count)]
    (tmp_path / "long.yaml").write_text("\n".join(["name: long", "source: made up", "layers:", *layers]))
    words = ["-m", "accelerator_sim", "simulate", "long.yaml", "-o", f"r.{form}"]
    status, peak, _, error = peak_of(words, tmp_path)
    assert status == 0, error
    assert peak < 1 << 20
