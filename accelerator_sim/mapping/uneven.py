"""How unevenly zeros lie: the moments that `kernels.imbalance` reads, from densities."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

IACT_SPREAD = 0.5, 0.2
WEIGHT_SPREAD = 0.5, 1.0
"""Spread of the densities of channels: a share of the spread of single values, and at most so much.  Fitted with the
shares of `kernels.imbalance` to masks as they are drawn: some channels are busier than others (`workload.pattern`)."""


def channel_spread(density: float, share: float, most: float) -> float:
    """Standard deviation of the density of channels, of a tensor with some density."""
    return min(most, share * math.sqrt(max(0.0, density * (1.0 - density))))


@lru_cache(maxsize=4096)
def word_moments(filters: int, density: float, macs_per_cycle: int, least: int) -> tuple[float, float]:
    """Variance of the cycles that a column of weights takes, and the chance that it holds one word at most.

    filters: of the column, each not zero with a chance of `density`; least: cycles that a column takes at least (1: or
    none).
    """
    if density >= 1.0 or filters == 0:
        return 0.0, float(filters <= macs_per_cycle)
    if density <= 0.0:
        return 0.0, 1.0
    counts = np.arange(filters + 1)
    logs = np.array([math.lgamma(filters + 1) - math.lgamma(n + 1) - math.lgamma(filters - n + 1) for n in counts])
    chances = np.exp(logs + counts * math.log(density) + (filters - counts) * math.log1p(-density))
    words = np.maximum(-(-counts // macs_per_cycle), least if least > 1 else 0)
    mean = float(chances @ words)
    return max(0.0, float(chances @ (words * words)) - mean * mean), float(chances[: macs_per_cycle + 1].sum())


@lru_cache(maxsize=16)
def largest_normals(most: int) -> NDArray[np.float64]:
    """Mean and variance of the largest of n standard normals, float64 [2, most + 1], 0 for none.

    The mean by Blom's plotting position (n - .375) / (n + .25), within 2%; the variance as n ** -.45, within 8%.
    """
    table = np.zeros((2, most + 1))
    for n in range(1, most + 1):
        table[0, n] = NormalDist().inv_cdf((n - 0.375) / (n + 0.25)) if n > 1 else 0.0
        table[1, n] = n**-0.45
    return table
