"""The points of a sweep: combinations of the values of its axes, in a grid, at random, or by a Sobol sequence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from random import Random

from accelerator_sim.sweep.spec import Axis, Sweep

# Joe and Kuo, "Constructing Sobol sequences with better two-dimensional projections", SIAM J. Sci. Comput. 30 (2008),
# table new-joe-kuo-6.21201: degree s, coefficient a and first direction numbers m of dimensions 2 to 21.
_DIRECTIONS: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (1, 0, (1,)), (2, 1, (1, 3)), (3, 1, (1, 3, 1)), (3, 2, (1, 1, 1)), (4, 1, (1, 1, 3, 3)), (4, 4, (1, 3, 5, 13)),
    (5, 2, (1, 1, 5, 5, 17)), (5, 4, (1, 1, 5, 5, 5)), (5, 7, (1, 1, 7, 11, 19)), (5, 11, (1, 1, 5, 1, 1)),
    (5, 13, (1, 1, 1, 3, 11)), (5, 14, (1, 3, 5, 5, 31)), (6, 1, (1, 3, 3, 9, 7, 49)), (6, 13, (1, 1, 1, 15, 21, 21)),
    (6, 16, (1, 3, 1, 13, 27, 49)), (6, 19, (1, 1, 1, 15, 7, 5)), (6, 22, (1, 3, 1, 15, 13, 25)),
    (6, 25, (1, 1, 5, 5, 19, 61)), (7, 1, (1, 3, 7, 11, 23, 15, 103)), (7, 4, (1, 3, 7, 13, 13, 15, 69)),
)  # fmt: skip
MOST_AXES = len(_DIRECTIONS) + 1
_BITS = 32


@dataclass(frozen=True)
class Point:
    """One combination: its number in the sweep, and the value of each axis as YAML text."""

    number: int
    values: tuple[tuple[str, str], ...]

    @property
    def named(self) -> dict[str, str]:
        """The values by axis."""
        return dict(self.values)


def points_of(sweep: Sweep) -> Iterator[Point]:
    """Yield the points of a sweep, the same ones for the same file, each combination once.

    Those of a search are asked for one by one (`search`); here, points at random stand for them.  Constraints are not
    applied: whoever makes the architecture of a point can.  Raises ValueError for a Sobol sequence
    of more axes than there are directions for.
    """
    spec = sweep.spec
    if spec.mode == "grid":
        for number, chosen in enumerate(product(*(range(len(axis.values)) for axis in sweep.axes))):
            yield point_of(sweep.axes, number, chosen)
        return
    count = spec.samples or 0
    seen: set[tuple[int, ...]] = set()
    number = 0
    draws = _sobol(sweep, count) if spec.mode == "sobol" else _random(sweep, count)
    for chosen in draws:
        if chosen not in seen:
            seen.add(chosen)
            yield point_of(sweep.axes, number, chosen)
            number += 1


def point_of(axes: list[Axis], number: int, chosen: tuple[int, ...]) -> Point:
    """Return the combination that takes the value at each of these places of the axes."""
    values: list[tuple[str, str]] = []
    for axis, at in zip(axes, chosen, strict=True):
        values += zip(axis.names, axis.values[at], strict=True)
    return Point(number, tuple(values))


def _random(sweep: Sweep, count: int) -> Iterator[tuple[int, ...]]:
    """Different combinations, drawn without preference; all of them where there are no more than asked for."""
    if sweep.grid_size <= count:
        yield from product(*(range(len(axis.values)) for axis in sweep.axes))
        return
    dice = Random(sweep.spec.seed)
    sizes = [len(axis.values) for axis in sweep.axes]
    seen: set[tuple[int, ...]] = set()
    while len(seen) < count:
        chosen = tuple(dice.randrange(size) for size in sizes)
        if chosen not in seen:
            seen.add(chosen)
            yield chosen


def _sobol(sweep: Sweep, count: int) -> Iterator[tuple[int, ...]]:
    """Combinations at the places of a Sobol sequence, shifted by the seed (its digits, exclusive or)."""
    axes = sweep.axes
    if len(axes) > MOST_AXES:
        raise ValueError(f"a Sobol sequence of {len(axes)} axes; at most {MOST_AXES} are known, use mode random")
    dice = Random(sweep.spec.seed)
    shift = [dice.getrandbits(_BITS) if sweep.spec.seed else 0 for _ in axes]
    for place in sobol(count, len(axes)):
        yield tuple(
            (value ^ mask) * len(axis.values) >> _BITS for value, mask, axis in zip(place, shift, axes, strict=True)
        )


def sobol(count: int, dimensions: int) -> Iterator[tuple[int, ...]]:
    """Yield the first places of the sequence, each coordinate as a fraction of 2^32."""
    directions = [_direction_numbers(dimension) for dimension in range(dimensions)]
    state = [0] * dimensions
    for index in range(count):
        yield tuple(state)
        change = (~index & (index + 1)).bit_length() - 1  # place of the lowest zero digit
        state = [value ^ numbers[change] for value, numbers in zip(state, directions, strict=True)]


def _direction_numbers(dimension: int) -> list[int]:
    if dimension == 0:
        return [1 << (_BITS - 1 - k) for k in range(_BITS)]
    degree, coefficient, first = _DIRECTIONS[dimension - 1]
    numbers = [m << (_BITS - 1 - k) for k, m in enumerate(first)]
    for k in range(degree, _BITS):
        value = numbers[k - degree] ^ (numbers[k - degree] >> degree)
        for step in range(1, degree):
            if coefficient >> (degree - 1 - step) & 1:
                value ^= numbers[k - step]
        numbers.append(value)
    return numbers
