"""Expected sizes of compressed tensors against sums over all masks, and against drawn tensors."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from accelerator_sim.mapping.storage import csc_pairs_per_value, issue_slots, rlc_bits_per_value
from tests.oracles import naive

DENSITIES = [Fraction(n, 8) for n in range(9)]


@pytest.mark.parametrize("least", [0, 2, 3])
@pytest.mark.parametrize("simd", [1, 2, 3, 4])
@pytest.mark.parametrize("density", DENSITIES)
def test_issue_slots_over_all_masks(density: Fraction, simd: int, least: int) -> None:
    for filters in range(1, 9):
        assert issue_slots(filters, float(density), simd, least) == pytest.approx(
            float(naive.issue_slots(filters, density, simd, least)), rel=1e-12
        )


@given(st.integers(1, 200), st.floats(0.0, 1.0), st.integers(1, 8))
@example(180, 0.984375, 3)  # the chance of no non-zero at all is below the smallest number
@example(200, 1e-300, 4)
@settings(max_examples=200)
def test_issue_slots_from_the_binomial_distribution(filters: int, density: float, simd: int) -> None:
    chances = [math.comb(filters, k) * density**k * (1 - density) ** (filters - k) for k in range(filters + 1)]
    expected = math.fsum(chance * -(-k // simd) for k, chance in enumerate(chances))
    assert issue_slots(filters, density, simd) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("count_bits", [1, 2, 3])
@pytest.mark.parametrize("density", DENSITIES)
def test_csc_pairs_over_all_masks(density: Fraction, count_bits: int) -> None:
    for segment in range(1, 12):
        pairs = csc_pairs_per_value(float(density), segment, count_bits, 0, 8) * segment
        assert pairs == pytest.approx(float(naive.csc_pairs(density, segment, count_bits)), rel=1e-12)


def test_an_address_is_a_part_of_a_pair() -> None:
    assert csc_pairs_per_value(0.5, 10, 4, 7, 8) - csc_pairs_per_value(0.5, 10, 4, 0, 8) == pytest.approx(7 / 12 / 10)


@pytest.mark.parametrize("density", [0.02, 0.1, 0.5, 0.9])
def test_rlc_of_a_long_drawn_tensor(density: float) -> None:
    dice, values, run_bits = Random(7), 400_000, 3
    pairs = run = 0
    for _ in range(values):
        if dice.random() < density or run == (1 << run_bits) - 1:
            pairs, run = pairs + 1, 0
        else:
            run += 1
    assert rlc_bits_per_value(density, run_bits, 3, 64) == pytest.approx(pairs / values * 64 / 3, rel=0.01)


def test_rlc_from_nothing_to_everything() -> None:
    """JSSC 2017 V-C: 5 b runs, three pairs and an end bit in 64 b."""
    assert rlc_bits_per_value(0.0, 5, 3, 64) == pytest.approx(64 / 3 / 32)
    assert rlc_bits_per_value(1e-300, 5, 3, 64) == pytest.approx(64 / 3 / 32)
    assert rlc_bits_per_value(1.0, 5, 3, 64) == 64 / 3
    steps = [rlc_bits_per_value(n / 100, 5, 3, 64) for n in range(101)]
    assert steps == sorted(steps)
