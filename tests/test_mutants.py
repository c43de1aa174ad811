"""Files of every kind with something wrong: read and used with sound results, or refused as documented."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from tests.kinds_of_files import KINDS
from tests.mutants import ALL, BYTES, QUICK, SECONDS, seeds, survives

BY_COMMAND = 10
"""Mutants of a kind in processes of their own, which take a second each."""


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("count", [QUICK, pytest.param(ALL, marks=pytest.mark.slow)])
def test_mutants(tmp_path: Path, name: str, count: int) -> None:
    kind = KINDS[name]
    path = kind.prepare(tmp_path)
    first = kind.seeds if isinstance(kind.seeds, bytes) else kind.seeds[0].encode()
    path.write_bytes(first)
    kind.use(path)  # compiles what is not compiled yet, and shows that the seed is sound
    read = 0
    for number, rng in enumerate(seeds(count)):
        path.write_bytes(kind.mutant(number, rng))
        read += survives(partial(kind.use, path))
    assert 0 < read < count


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_mutants_by_the_command_line(tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    path = kind.prepare(tmp_path)
    words = [sys.executable, "-m", "accelerator_sim", *kind.command]
    where = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    for number, rng in enumerate(seeds(BY_COMMAND)):
        path.write_bytes(kind.mutant(number, rng))
        started = time.monotonic()
        done = subprocess.run(words, cwd=tmp_path, env=where, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 2, 3, 5), done.stderr
        assert "Traceback" not in done.stderr
        assert "defect" not in done.stderr
        assert time.monotonic() - started < SECONDS
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < BYTES
