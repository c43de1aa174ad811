"""Operators as naive loop nests in plain Python, which count each multiply-accumulate that they execute.

They compute, too, so that their results can be held against a reference: a count of the wrong loops would be no count.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Counted = tuple[Array, int]


def conv(
    x: Array, w: Array, strides: Sequence[int], pads: Sequence[tuple[int, int]], dilations: Sequence[int], groups: int
) -> Counted:
    """A convolution of any number of spatial dimensions; taps on padding are executed, with a zero."""
    padded = np.pad(x, [(0, 0), (0, 0), *pads])
    sizes = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(padded.shape[2:], w.shape[2:], strides, dilations, strict=True)
    ]
    out, count = np.zeros((x.shape[0], w.shape[0], *sizes)), 0
    each = w.shape[0] // groups
    for n, m in product(range(x.shape[0]), range(w.shape[0])):
        first = m // each * w.shape[1]
        for at in product(*map(range, sizes)):
            total = 0.0
            for c in range(w.shape[1]):
                for tap in product(*map(range, w.shape[2:])):
                    place = tuple(a * s + t * d for a, s, t, d in zip(at, strides, tap, dilations, strict=True))
                    total += padded[(n, first + c, *place)] * w[(m, c, *tap)]
                    count += 1
            out[(n, m, *at)] = total
    return out, count


def conv_transpose(
    x: Array, w: Array, strides: Sequence[int], pads: Sequence[tuple[int, int]], dilations: Sequence[int],
    extra: Sequence[int], groups: int,
) -> Counted:  # fmt: skip
    """A transposed convolution: each input is spread over the outputs; some are cut off, some stay empty."""
    fields = zip(x.shape[2:], w.shape[2:], strides, dilations, pads, extra, strict=True)
    full = [max((n - 1) * s + (k - 1) * d + 1 + e, 1) for n, k, s, d, _, e in fields]
    out, count = np.zeros((x.shape[0], w.shape[1] * groups, *full)), 0
    each = x.shape[1] // groups
    for n, c, m in product(range(x.shape[0]), range(x.shape[1]), range(w.shape[1])):
        filters = c // each * w.shape[1] + m
        for at in product(*map(range, x.shape[2:])):
            for tap in product(*map(range, w.shape[2:])):
                place = tuple(a * s + t * d for a, s, t, d in zip(at, strides, tap, dilations, strict=True))
                out[(n, filters, *place)] += x[(n, c, *at)] * w[(c, m, *tap)]
                count += 1
    kept = tuple(slice(a, size - b) for size, (a, b) in zip(full, pads, strict=True))
    return out[(slice(None), slice(None), *kept)], count


def matmul(a: Array, b: Array) -> Counted:
    """A matrix product with broadcasting."""
    if a.ndim == 1 or b.ndim == 1:
        out, count = matmul(a.reshape(1, -1) if a.ndim == 1 else a, b.reshape(-1, 1) if b.ndim == 1 else b)
        shape = (*(out.shape[:-1] if b.ndim == 1 else out.shape[:-2]), *(out.shape[-1:] if b.ndim > 1 else ()))
        return out.reshape(shape), count
    front = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    left, right = np.broadcast_to(a, (*front, *a.shape[-2:])), np.broadcast_to(b, (*front, *b.shape[-2:]))
    out, count = np.zeros((*front, a.shape[-2], b.shape[-1])), 0
    for at in product(*map(range, front)):
        for i, j, k in product(range(a.shape[-2]), range(b.shape[-1]), range(a.shape[-1])):
            out[(*at, i, j)] += left[(*at, i, k)] * right[(*at, k, j)]
            count += 1
    return out, count


def einsum(equation: str, a: Array, b: Array) -> Counted:
    """A product of two operands, letter by letter."""
    (left, right), out = equation.split("->")[0].split(","), equation.split("->")[1]
    sizes = dict(zip(left + right, a.shape + b.shape, strict=True))
    letters = sorted(sizes)
    result, count = np.zeros([sizes[letter] for letter in out]), 0
    for values in product(*(range(sizes[letter]) for letter in letters)):
        at = dict(zip(letters, values, strict=True))
        result[tuple(at[c] for c in out)] += a[tuple(at[c] for c in left)] * b[tuple(at[c] for c in right)]
        count += 1
    return result, count


def recurrent(kind: str, x: Array, w: Array, r: Array) -> tuple[Array, int]:
    """LSTM, GRU or RNN without biases, [steps, batch, inputs]: the last state, and the MACs of all gates."""
    hidden, count = r.shape[2], 0
    last = []
    for direction in range(w.shape[0]):
        h = c = np.zeros((x.shape[1], hidden))
        steps = range(x.shape[0]) if direction == 0 else range(x.shape[0] - 1, -1, -1)
        for step in steps:
            from_x, more = matmul(x[step], w[direction].T)
            from_h, still = matmul(h, r[direction].T)
            count += more + still
            gx, gh = (np.split(part, part.shape[1] // hidden, axis=1) for part in (from_x, from_h))
            if kind == "LSTM":
                i, o, f = (_sigmoid(gx[at] + gh[at]) for at in range(3))
                c = f * c + i * np.tanh(gx[3] + gh[3])
                h = o * np.tanh(c)
            elif kind == "GRU":  # linear_before_reset = 1: the reset gate multiplies the product
                z, reset = (_sigmoid(gx[at] + gh[at]) for at in range(2))
                h = (1 - z) * np.tanh(gx[2] + reset * gh[2]) + z * h
            else:
                h = np.tanh(gx[0] + gh[0])
        last.append(h)
    return np.stack(last), count


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))
