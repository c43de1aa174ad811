"""Other programs, each in an environment of its own in .venv-peers/, made from the package index if it is missing."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.timing import ProcessFailed, ProcessRun, run_process

ENVIRONMENTS = Path(__file__).resolve().parents[1] / ".venv-peers"


@dataclass(frozen=True)
class Peer:
    """A program that others publish, and what its environment holds."""

    name: str
    requirements: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Its environment."""
        return ENVIRONMENTS / self.name

    def install(self) -> None:
        """Make the environment, unless it holds the requirements.  Raises ProcessFailed with the reason."""
        stamp, text = self.folder / ".stamp", "\n".join(self.requirements)
        if stamp.exists() and stamp.read_text() == text:
            return
        print(f"installing {self.name}...", file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)
        run_process([sys.executable, "-m", "venv", str(self.folder)])
        self.run("-m", "pip", "install", "--quiet", "--disable-pip-version-check", *self.requirements)
        stamp.write_text(text)

    def run(self, *words: str, folder: Path | None = None) -> ProcessRun:
        """Run its Python.  Raises ProcessFailed with the last line that it printed."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return run_process([str(self.folder / "bin" / "python"), *words], folder, own | {"MPLBACKEND": "Agg"})


SCALESIM = Peer("scalesim", ("scalesim==3.0.0", "numpy<2", "pandas<3"))
"""With a later numpy it ends with a TypeError after the simulation."""
ZIGZAG = Peer("zigzag", ("zigzag-dse==3.9.1", "six"))
"""It imports six without requiring it."""
NN_DATAFLOW = Peer("nn_dataflow", ("nn-dataflow==2.1", "sympy==1.4"))
"""Later versions of sympy refuse the None that it puts into expressions."""


def reason(error: ProcessFailed) -> str:
    """Why a peer did not run, as the cell of a table."""
    return str(error).replace("|", "/")[:120]


def installed(peer: Peer) -> str:
    """Install a peer; return why that failed, or an empty text."""
    try:
        peer.install()
    except ProcessFailed as error:
        return f"does not install: {reason(error)}"
    return ""
