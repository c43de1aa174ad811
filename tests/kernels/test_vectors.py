"""Compiled, the functions of vectors do what they do as functions of numpy arrays; and they are vector instructions."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerator_sim.kernels.event_pass import run_pass
from accelerator_sim.kernels.vector_code import register_vectors
from accelerator_sim.kernels.vectors import (
    WIDTH,
    any_larger,
    gather,
    larger,
    largest,
    load,
    number_in,
    parity,
    scatter,
    smaller,
    spread,
    store,
    where_positive,
)
from accelerator_sim.simulation import event
from accelerator_sim.workload.arrays import Ints
from tests.kernels.test_one_pe import run_one_pe

ROWS = 5
numbers = st.integers(-(1 << 62), 1 << 62)
flat = st.lists(numbers, min_size=ROWS * WIDTH, max_size=ROWS * WIDTH).map(lambda row: np.array(row, dtype=np.int64))
places = st.lists(st.integers(0, (ROWS - 1) * WIDTH - 1), min_size=ROWS * WIDTH, max_size=ROWS * WIDTH)


def calculate(a, at, i, x):
    """Use every function of vectors once; the last row of `a` is its result."""
    b, c = load(a, 0), load(a, 1)
    d = larger(b, c) + smaller(spread(x), gather(a, at, 2, i))
    store(a, 3, where_positive(b, d, c - d))
    scatter(a, at, 1, i, load(a, 3))
    store(a, 4, parity(load(a, 3)))
    return number_in(d, i) + larger(largest(c), x) if any_larger(b, c) else smaller(x, number_in(b, i))


register_vectors()
compiled: Callable[..., Any] = numba.njit(calculate)


@given(flat, places, st.integers(0, WIDTH - 1), st.integers(-9, 9))
def test_compiled_or_not_is_the_same(a: Ints, at: list[int], i: int, x: int) -> None:
    b, where = a.copy(), np.array(at, dtype=np.int64)
    with np.errstate(over="ignore"):
        plain = calculate(a, where, i, x)
    assert compiled(b, where, i, x) == int(plain)
    assert (a == b).all()


PACKED = re.compile(r"^\s*v?p(?:maxsq|cmpgtq)\s.*%[xyz]mm", re.MULTILINE)
"""Comparisons of several int64 at once, of x86-64 from SSE4.2 to AVX-512."""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="instructions of x86-64")
@pytest.mark.skipif(not hasattr(compiled, "inspect_asm"), reason="compilation is switched off")
def test_functions_are_vector_instructions() -> None:
    compiled(np.zeros(ROWS * WIDTH, np.int64), np.zeros(ROWS * WIDTH, np.int64), 0, 0)
    assert len(PACKED.findall(code_of(compiled))) >= 4


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="instructions of x86-64")
@pytest.mark.skipif(not hasattr(compiled, "inspect_asm"), reason="compilation is switched off")
def test_the_engine_visits_iacts_with_vector_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A visit, a psum that climbs, and a flit that is taken compare some 20 vectors; the kernel holds each once."""
    runs: list[tuple[Any, ...]] = []
    monkeypatch.setattr(event, "run_pass", lambda *arguments: runs.append(arguments) or run_pass(*arguments))
    run_one_pe(0.5)
    again = numba.njit(run_pass.function)  # one that is read from the cache does not tell its instructions
    again(*runs[0])
    assert len(PACKED.findall(code_of(again))) >= 20


def code_of(kernel: Any) -> str:
    return "\n".join(kernel.inspect_asm().values())
