"""Copies of moved axes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from accelerator_sim.workload.arrays import laid_out


@given(st.lists(st.integers(1, 70), min_size=3, max_size=3), st.permutations(range(3)), st.integers(0, 2))
def test_a_view_is_copied_in_its_order(shape: list[int], axes: list[int], axis: int) -> None:
    view = np.arange(np.prod(shape)).reshape(shape).transpose(axes)
    copy = laid_out(view, axis)
    assert np.array_equal(copy, view)
    assert copy.flags.c_contiguous
