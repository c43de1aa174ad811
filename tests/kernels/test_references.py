"""A reference to a named tuple is used like the tuple, where it is made and where it is handed on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from accelerator_sim.kernels.references import refer, register_references


class Inner(NamedTuple):
    rows: Any
    scale: Any


class Outer(NamedTuple):
    inner: Any
    numbers: Any


register_references()


@numba.njit
def fill(outer, by):
    inner = outer.inner
    for i in range(outer.numbers.size):
        outer.numbers[i] += by * inner.scale
        inner.rows[i % inner.rows.shape[0], 0] += outer.numbers[i]


@numba.njit
def fill_by_reference(outer, by):
    held = refer(outer)
    made = np.ones(3, np.int64)  # arrays are counted here
    fill(held, by + made[0])
    return held.numbers.sum() + held.inner.rows.shape[1] + made.sum()


def test_a_reference_is_used_like_the_tuple() -> None:
    one, other = (Outer(Inner(np.arange(6).reshape(3, 2), 3), np.arange(5)) for _ in range(2))
    fill(one, 4)
    assert fill_by_reference(other, 3) == one.numbers.sum() + 2 + 3
    assert (one.numbers == other.numbers).all()
    assert (one.inner.rows == other.inner.rows).all()
