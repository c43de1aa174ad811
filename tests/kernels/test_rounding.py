"""Words and cycles are rounded up, but not for the last digits of a sum."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import hypothesis.strategies as st
from hypothesis import given

from accelerator_sim.kernels.rounding import CYCLE_SLIP, WORD_SLIP, whole_cycles, whole_words


@given(words=st.integers(0, 10**6), per_cycle=st.integers(1, 10**4))
def test_a_quotient_is_rounded_as_if_it_were_exact(words: int, per_cycle: int) -> None:
    assert whole_words(words / per_cycle) == ceil(Fraction(words, per_cycle))
    assert whole_cycles(words / per_cycle) == ceil(Fraction(words, per_cycle))


@given(terms=st.lists(st.integers(1, 1000), min_size=1, max_size=50))
def test_a_sum_of_fractions_that_is_whole_is_not_one_more(terms: list[int]) -> None:
    assert whole_cycles(sum(1 / n for n in terms for _ in range(n))) == len(terms)


def test_slips() -> None:
    assert whole_words(3.0 + 0.5 * WORD_SLIP) == whole_cycles(3.0 + 0.5 * CYCLE_SLIP) == 3
    assert whole_words(3.0 + 2.0 * WORD_SLIP) == whole_cycles(3.0 + 2.0 * CYCLE_SLIP) == 4
