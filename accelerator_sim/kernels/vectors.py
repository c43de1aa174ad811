"""Vectors of eight int64 that kernels calculate with at once: one instruction of the processor for eight PEs.

Compilers make such instructions of loops only where they can prove much about the arrays, and stop doing so without a
word.  A kernel that names vectors gets them.  Here is what they do, as functions of numpy arrays; these run where
compilation is switched off.  `kernels.vector_code` says how numba compiles them.
"""

from __future__ import annotations

import numpy as np

WIDTH = 8
"""Numbers in a vector."""


def load(array, row):
    """Return a vector of a flat int64 array: row `row` of its rows of eight."""
    return array[row * WIDTH : (row + 1) * WIDTH].copy()


def store(array, row, vector):
    """Write a vector into a row of a flat int64 array."""
    array[row * WIDTH : (row + 1) * WIDTH] = vector


def gather(array, places, row, offset):
    """Return the elements of a flat int64 array at the places in a row of `places`, each plus an offset."""
    return array[load(places, row) + offset]


def scatter(array, places, row, offset, vector):
    """Write a vector to elements of a flat int64 array, as `gather` reads them; of equal places the last one counts."""
    array[load(places, row) + offset] = vector


def spread(x):
    """Return a vector of eight times the same number."""
    return np.full(WIDTH, x, dtype=np.int64)


def number_in(vector, i):
    """Return one number of a vector."""
    return vector[i]


def larger(a, b):
    """Return the larger one of two integers, or of each two numbers of two vectors."""
    return np.maximum(a, b)


def smaller(a, b):
    """Return the smaller one of two integers, or of each two numbers of two vectors."""
    return np.minimum(a, b)


def where_positive(c, a, b):
    """Return a vector with the numbers of `a` where those of `c` are above 0, and of `b` elsewhere."""
    return np.where(c > 0, a, b)


def parity(a):
    """Return a vector of 1 where a number is odd, 0 elsewhere."""
    return a & 1


def largest(vector):
    """Return the largest number of a vector."""
    return vector.max()


def any_larger(a, b):
    """Whether some number of one vector is larger than that of another one in its place."""
    return bool((a > b).any())
