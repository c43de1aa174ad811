"""The points of a sweep: combinations of the values of its axes, in a grid, at random, or by a Sobol sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from random import Random

from accelerator_sim.sweeps.sobol import BITS, sobol
from accelerator_sim.sweeps.spec import SweepAxis, SweepMode, SweepPlan

TRIES, MOST_TRIES = 100, 1_000_000
"""Draws for each sample, and of all, before random and sobol go on with fewer points: where a hundredth of the
combinations is legal, each sample is still found with a probability of 63%, and most are."""


@dataclass(frozen=True)
class SweepPoint:
    """One combination: its number in the sweep, and the value of each axis as YAML text."""

    number: int
    values: tuple[tuple[str, str], ...]

    @property
    def named(self) -> dict[str, str]:
        """The values by axis."""
        return dict(self.values)


def points_of(sweep: SweepPlan, legal: Callable[[SweepPoint], bool] | None = None) -> Iterator[SweepPoint]:
    """Yield the points of a sweep, the same ones for the same file, each combination once.

    legal: whether a point can be run; random and sobol draw others instead of those that cannot, and a grid has them
    all.  Those of a search are asked for one by one (`search`); here, points at random stand for them.
    """
    spec = sweep.spec
    if spec.mode is SweepMode.GRID:
        for number, chosen in enumerate(product(*(range(len(axis.values)) for axis in sweep.axes))):
            yield point_of(sweep.axes, number, chosen)
        return
    wanted = spec.samples or 0
    number = 0
    draws = _sobol(sweep, tries(wanted)) if spec.mode is SweepMode.SOBOL else _random(sweep, tries(wanted))
    for chosen in draws:
        point = point_of(sweep.axes, number, chosen)
        if legal is None or legal(point):
            yield point
            number += 1
            if number == wanted:
                return


def tries(samples: int) -> int:
    """Return how many combinations are drawn, at most, for a number of samples."""
    return max(2 * samples, min(TRIES * samples, MOST_TRIES))


def point_of(axes: list[SweepAxis], number: int, chosen: tuple[int, ...]) -> SweepPoint:
    """Return the combination that takes the value at each of these places of the axes."""
    values: list[tuple[str, str]] = []
    for axis, at in zip(axes, chosen, strict=True):
        values += zip(axis.names, axis.values[at], strict=True)
    return SweepPoint(number, tuple(values))


def _random(sweep: SweepPlan, most: int) -> Iterator[tuple[int, ...]]:
    """Different combinations, drawn without preference; in their order where there are no more than samples."""
    if sweep.grid_size <= (sweep.spec.samples or 0):
        yield from product(*(range(len(axis.values)) for axis in sweep.axes))
        return
    dice = Random(sweep.spec.seed)
    sizes = [len(axis.values) for axis in sweep.axes]
    seen: set[tuple[int, ...]] = set()
    for _ in range(most):
        chosen = tuple(dice.randrange(size) for size in sizes)
        if chosen not in seen:
            seen.add(chosen)
            yield chosen
            if len(seen) == sweep.grid_size:
                return


def _sobol(sweep: SweepPlan, most: int) -> Iterator[tuple[int, ...]]:
    """Different combinations at the places of a Sobol sequence, shifted by the seed (its digits, exclusive or)."""
    axes = sweep.axes
    dice = Random(sweep.spec.seed)
    shift = [dice.getrandbits(BITS) if sweep.spec.seed else 0 for _ in axes]
    seen: set[tuple[int, ...]] = set()
    for coordinates in sobol(most, len(axes)):
        chosen = tuple(
            (value ^ mask) * len(axis.values) >> BITS
            for value, mask, axis in zip(coordinates, shift, axes, strict=True)
        )
        if chosen not in seen:
            seen.add(chosen)
            yield chosen
            if len(seen) == sweep.grid_size:
                return
