"""Rounding up what is computed in fractions: words and cycles are whole.

A sum of fractions may come out too large by its last digits.  What is below a slip is not rounded up to one more.
Kernels read the slips, so they are under the stamp of the kernels' cache.
"""

from __future__ import annotations

import math

WORD_SLIP = 1e-9
"""Of words, bursts and cycles of one transfer: a product or quotient of a few exact numbers."""
CYCLE_SLIP = 1e-6
"""Of cycles of a layer: sums of many such quotients."""


def whole_words(words: float) -> int:
    """Words (or bursts, or cycles of one transfer) rounded up."""
    return math.ceil(words - WORD_SLIP)


def whole_cycles(cycles: float) -> int:
    """Cycles of a layer rounded up."""
    return math.ceil(cycles - CYCLE_SLIP)
