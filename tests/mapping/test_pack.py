"""What the kernels get: the table of M0 and C0 that fit a PE."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accelerator_sim.mapping.pack import pack
from accelerator_sim.mapping.problem import MappingProblem
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import load_technology
from tests.oracles.strategies import problems

TABLE = load_technology("cmos65_8b")


@given(problems(most_macs=10**6, roomy=False), st.floats(0.0, 1.0))
@settings(max_examples=150)
def test_the_table_of_what_fits_is_what_the_spads_say(problem: MappingProblem, share: float) -> None:
    """Filled along its edge, it holds every pair that breaks no limit and no other."""
    taps = 1 + round(share * (problem.loops.S - 1))
    fits = pack(problem, resolve_actions(TABLE, problem.architecture), taps).fits
    expected = np.zeros_like(fits)
    for m in range(1, fits.shape[0]):
        for c in range(1, fits.shape[1]):
            expected[m, c] = problem.spad_limit(m, c, taps) is None
    assert (fits == expected).all()
