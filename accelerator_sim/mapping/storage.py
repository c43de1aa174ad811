"""Expected sizes of compressed tensors, from densities.

A word of a compressed tensor is a (count, value) pair.  Zeros are taken as independent; the count covers at most
2^bits - 1 zeros, so that a longer run costs a padding pair, and runs start again in each segment (JETCAS IV-A).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def csc_pairs_per_value(density: float, segment: int, count_bits: int, address_bits: int, value_bits: int) -> float:
    """Pairs stored per nominal value of a CSC segment, its address-vector entry counted as a part of a pair.

    density: fraction of non-zeros; segment: values in one segment (iact: C0 x stride, weight: M0).
    """
    reach = 1 << count_bits
    pairs = segment * density
    run = reach
    while run < segment:
        pairs += (segment - run) * density * (1.0 - density) ** run
        run += reach
    return (pairs + address_bits / (count_bits + value_bits)) / segment


def rlc_bits_per_value(density: float, run_bits: int, pairs_per_word: int, word_bits: int) -> float:
    """Bits stored per nominal value in run-length code: words of some pairs and an end bit (JSSC 2017 V-C)."""
    if density <= 0.0:
        return word_bits / pairs_per_word / (1 << run_bits)
    if density >= 1.0:
        return word_bits / pairs_per_word
    # A value and the padding pairs before it: 1 + q / (1 - q) = 1 / (1 - q), where q is the chance of a full run.
    no_full_run = -math.expm1((1 << run_bits) * math.log1p(-density))
    return density / no_full_run * word_bits / pairs_per_word


def rlc_bits_of(mask: NDArray[Any], run_bits: int, pairs_per_word: int, word_bits: int) -> float:
    """Bits stored per value of a tensor in run-length code, counted in its mask (in C order)."""
    import numpy as np

    ones = np.flatnonzero(mask)
    runs = np.diff(ones, prepend=-1, append=mask.size) - 1
    pairs = len(ones) + int((runs >> run_bits).sum())
    return -(-pairs // pairs_per_word) * word_bits / mask.size


def issue_slots(filters: int, density: float, macs_per_cycle: int, least: int = 0) -> float:
    """Expected cycles to issue the non-zero weights of one column of `filters`, `macs_per_cycle` at a time.

    least: cycles that a column takes at least.  For two at a time, E[ceil(n / 2)] = (E[n] + P(n odd)) / 2 with n
    binomial; an odd count is padded (JETCAS IV-B).
    """
    if density >= 1.0:
        return float(max(least, -(-filters // macs_per_cycle)))
    if least > 0:
        return least + _slots_beyond(filters, density, macs_per_cycle, least)
    if macs_per_cycle == 1:
        return filters * density
    if macs_per_cycle == 2:
        return (filters * density + (1.0 - (1.0 - 2.0 * density) ** filters) / 2.0) / 2.0
    return _slots_beyond(filters, density, macs_per_cycle, 0)


def _slots_beyond(filters: int, density: float, macs_per_cycle: int, least: int) -> float:
    """Expected slots of a column beyond so many."""
    if density <= 0.0:
        return 0.0
    # In logarithms: a product of small chances would underflow from its first factor on.
    whole, one, none = math.lgamma(filters + 1), math.log(density), math.log1p(-density)
    expected = 0.0
    for count in range(1 + least * macs_per_cycle, filters + 1):
        ways = whole - math.lgamma(count + 1) - math.lgamma(filters - count + 1)
        chance = math.exp(ways + count * one + (filters - count) * none)
        expected += chance * (-(-count // macs_per_cycle) - least)
    return expected
