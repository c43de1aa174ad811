"""The memory that a command takes, measured without what other children of the test process have taken."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_MEASURE = (
    "import json, resource, subprocess, sys\n"
    "done = subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True, text=True)\n"
    "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
    "print(json.dumps([done.returncode, peak, done.stdout[-100_000:], done.stderr[-100_000:]]))\n"
)


def peak_of(words: Sequence[str], folder: Path, timeout: float = 900) -> tuple[int, int, str, str]:
    """Run Python with some words in a folder; return its exit code, its peak in KiB, and its two streams."""
    command = [sys.executable, "-c", _MEASURE, *words]
    done = subprocess.run(command, check=True, cwd=folder, capture_output=True, text=True, timeout=timeout)
    code, peak, out, error = json.loads(done.stdout)
    return code, peak, out, error
