"""Files of every kind with something wrong: read and used with sound results, or refused as documented."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from tests.kinds_of_files import KINDS
from tests.memory import peak_of
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
def test_mutants_by_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    kind = KINDS[name]
    path = kind.prepare(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    for number, rng in enumerate(seeds(BY_COMMAND)):
        path.write_bytes(kind.mutant(number, rng))
        started = time.monotonic()
        status, peak, _, error = peak_of(["-m", "accelerator_sim", *kind.command], tmp_path)
        assert status in (0, 2, 3, 5), error
        assert "Traceback" not in error
        assert "defect" not in error
        assert time.monotonic() - started < SECONDS
        assert peak * 1024 < BYTES
