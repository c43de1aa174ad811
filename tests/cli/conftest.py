"""Running the command line in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from accelerator_sim.cli.main import cli

Run = Callable[..., Result]

SMALL = """\
name: small
source: made up
layers:
  - {name: conv, op: conv, C: 4, H: 8, W: 8, M: 8, kernel: 3, padding: 1}
  - {name: pool, op: pool, inputs: 512, outputs: 128}
  - {name: fc, op: fc, C: 128, M: 10}
"""

FLAWED = SMALL + "  - {name: wide, op: gemm, N: 64, rows: 2147483648, C: 1, M: 1}\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs the command line in an empty folder, and shows tracebacks of what escapes it."""
    monkeypatch.chdir(tmp_path)

    def call(*args: str) -> Result:
        result = CliRunner().invoke(cli, list(args), prog_name="accelerator-sim")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def small(tmp_path: Path) -> str:
    """A network file."""
    (tmp_path / "small.yaml").write_text(SMALL)
    return "small.yaml"


@pytest.fixture
def flawed(tmp_path: Path) -> str:
    """A network file with a layer that eyeriss_v2 cannot run."""
    (tmp_path / "flawed.yaml").write_text(FLAWED)
    return "flawed.yaml"
