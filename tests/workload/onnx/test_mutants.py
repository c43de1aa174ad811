"""3,000 damaged ONNX files: each is read, or refused in words, within bounds of time and memory."""

from __future__ import annotations

import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from accelerator_sim.files.errors import InvalidFile, UsageError
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.onnx.reader import read_onnx
from tests.workload.onnx.mutants import LARGEST_SEED, SEEDS, mutate_model

QUICK, ALL = 400, 3000
LONGEST_S = 30.0
MOST_BYTES = 1 << 30
BIND = {"B": 2, "W": 26, "batch": 2, "past_len": 6, "past": 0, "N": 1, "x.0": 1}
"""Numbers for the dimensions of the files that are mutated, of which each takes those that it has."""


def mutant(seed: int) -> bytes:
    """A damaged file, the same for a seed every time."""
    rng = np.random.default_rng(seed)
    seeds = [path for path in SEEDS if path.stat().st_size <= LARGEST_SEED]
    return mutate_model(seeds[seed % len(seeds)].read_bytes(), rng)


def bindings(message: str) -> dict[str, int]:
    """The numbers that a message asks for."""
    return {name: number for name, number in BIND.items() if f"{name} (" in message}


def attempt(path: Path) -> str:
    """Read a file as far as it goes: "read", or the kind of refusal.  Anything else than a refusal passes through."""
    try:
        read_onnx(path, Choices({}))
        return "read"
    except InvalidFile as error:
        asked = bindings(str(error)) if "unbound dimensions" in str(error) else {}
        if not asked:
            return refusal(error)
    try:
        read_onnx(path, Choices(asked))
        return "read"
    except InvalidFile as error:
        return refusal(error)


def refusal(error: InvalidFile) -> str:
    """Check that a refusal is one line per problem that begins with the file.  Return its first words."""
    for problem in error.problems:
        text = str(problem)
        assert text.startswith(problem.file)
        assert "Traceback" not in text
    return "caught" if error.__cause__ is not None else "refused"


def run(seeds: range, folder: Path) -> dict[str, int]:
    """Try mutants; count how they end."""
    counts: dict[str, int] = {}
    path = folder / "mutant.onnx"
    for seed in seeds:
        path.write_bytes(mutant(seed))
        start = time.monotonic()
        try:
            outcome = attempt(path)
        except UsageError:
            outcome = "usage"
        except BaseException as error:
            raise AssertionError(f"mutant {seed} ends in {type(error).__name__}: {error}") from error
        assert time.monotonic() - start < LONGEST_S, seed
        counts[outcome] = counts.get(outcome, 0) + 1
    return counts


def test_must_hold_400_mutants_are_read_or_refused(tmp_path: Path) -> None:
    counts = run(range(QUICK), tmp_path)
    assert sum(counts.values()) == QUICK
    assert min(counts["read"], counts["refused"]) > QUICK // 20  # mutants that are all alike would say nothing


@pytest.mark.slow
def test_must_hold_3000_mutants_are_read_or_refused(tmp_path: Path) -> None:
    tracemalloc.start()
    counts = run(range(QUICK, ALL), tmp_path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(counts.values()) == ALL - QUICK
    assert most < MOST_BYTES


def test_mutants_by_the_command_line(tmp_path: Path) -> None:
    """A process of its own each, whose exit code is one that is documented."""
    for seed in (3, 14):
        path = tmp_path / f"m{seed}.onnx"
        path.write_bytes(mutant(seed))
        code = [sys.executable, "-m", "accelerator_sim", "simulate", str(path), "--fidelity", "analytical"]
        found = subprocess.run(code, capture_output=True, text=True, timeout=LONGEST_S * 4, check=False)
        assert found.returncode in (0, 2, 3, 5), found.stderr
        assert "Traceback" not in found.stderr
