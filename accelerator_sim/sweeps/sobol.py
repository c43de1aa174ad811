"""The Sobol sequence: places that fill a cube evenly, in as many dimensions as there are directions for."""

from __future__ import annotations

from collections.abc import Iterator

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
BITS = 32
"""Binary digits of a place."""


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
        return [1 << (BITS - 1 - k) for k in range(BITS)]
    degree, coefficient, first = _DIRECTIONS[dimension - 1]
    numbers = [m << (BITS - 1 - k) for k, m in enumerate(first)]
    for k in range(degree, BITS):
        value = numbers[k - degree] ^ (numbers[k - degree] >> degree)
        for step in range(1, degree):
            if coefficient >> (degree - 1 - step) & 1:
                value ^= numbers[k - step]
        numbers.append(value)
    return numbers
