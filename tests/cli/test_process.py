"""The command line as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import FLAWED

HEAVY = ("numpy", "numba", "networkx", "pydantic", "rich", "yaml", "jinja2")


def python(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, check=False, env=os.environ | environment
    )


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["simulate", "--help"], ["map", "--help"]])
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    code = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr))\n"
        f"sys.argv = ['accelerator-sim', *{args!r}]\n"
        "from accelerator_sim.cli.main import main\n"
        "main()\n"
    )
    result = python("-c", code)
    assert (result.returncode, result.stderr) == (0, "[]\n")


def test_a_run_imports_no_networkx() -> None:
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print([m for m in ('networkx', 'jinja2') if m in sys.modules], file=sys.stderr))\n"
        "sys.argv = ['accelerator-sim', 'simulate', 'mobilenet_v1_0.5_128', '--layer', 'PW10', '--layer', 'DW2']\n"
        "from accelerator_sim.cli.main import main\n"
        "main()\n"
    )
    assert python("-c", code).stderr.splitlines()[-1] == "[]"


def test_completion_imports_nothing_heavy() -> None:
    code = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr))\n"
        "from accelerator_sim.cli.main import main\n"
        "main()\n"
    )
    words = {"COMP_WORDS": "accelerator-sim simulate mobilenet_v1_0.5_128_", "COMP_CWORD": "2"}
    result = python("-c", code, _ACCELERATOR_SIM_COMPLETE="bash_complete", **words)
    assert "plain,mobilenet_v1_0.5_128_sparse" in result.stdout
    assert result.stderr == "[]\n"


def test_exit_code_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "flawed.yaml").write_text(FLAWED)
    result = python("-m", "accelerator_sim", "simulate", str(tmp_path / "flawed.yaml"), "--format", "json")
    assert result.returncode == 5
    assert "Traceback" not in result.stderr
    assert json.loads(result.stdout)["totals"]["failed"] == 1


def test_a_closed_pipe_is_quiet() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "accelerator_sim", "show", "technology", "cmos65_8b"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    error = process.stderr.read()
    process.stderr.close()
    process.wait(30)
    assert error == b""


def test_a_terminal_that_knows_only_ascii(tmp_path: Path) -> None:
    (tmp_path / "flawed.yaml").write_text(FLAWED)
    args = ("-m", "accelerator_sim", "simulate", str(tmp_path / "flawed.yaml"), "--format", "table")
    result = python(*args, PYTHONIOENCODING="ascii")
    assert result.returncode == 5
    assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_interrupting_keeps_what_was_finished(tmp_path: Path, jobs: str) -> None:
    layers = [f"  - {{name: l{i}, op: conv, C: {i}, H: 56, W: 56, M: 256, kernel: 3}}" for i in range(64, 1024)]
    (tmp_path / "long.yaml").write_text("\n".join(["name: long", "source: made up", "layers:", *layers]))
    out = tmp_path / "r.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "accelerator_sim", "simulate", "long.yaml", "--arch", "eyeriss_v2_16384", "--jobs", jobs,
         "-o", str(out)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )  # fmt: skip
    time.sleep(5)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in error
    if out.exists():  # else it was interrupted before the first layer
        assert {layer["error"] for layer in json.loads(out.read_text())["layers"]} <= {None, "interrupted"}
