"""Which results no other one beats."""

from __future__ import annotations

from collections.abc import Sequence


def front(values: Sequence[Sequence[float]]) -> list[int]:
    """Return the places of the results that no other one is at least as good as in all respects and better in one.

    All respects are minimised.  Equal results are all kept.  Sorted by the first respect: n log n for two, and in the
    worst case n times the size of the front for more.
    """
    order = sorted(range(len(values)), key=lambda at: tuple(values[at]))
    kept: list[int] = []
    best: list[Sequence[float]] = []
    if values and len(values[0]) == 2:
        least, last = float("inf"), None
        for at in order:
            pair = tuple(values[at])
            if pair[1] < least or pair == last:
                least, last = min(least, pair[1]), pair
                kept.append(at)
        return sorted(kept)
    for at in order:
        here = values[at]
        if not any(_beats(other, here) for other in best):
            kept.append(at)
            best.append(here)
    return sorted(kept)


def _beats(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))
