"""Damaged files, drawn from a seed: what readers of all formats are tried with."""

from __future__ import annotations

import numpy as np

LEAST_STEPS, MOST_STEPS = 1, 8
"""Changes of a mutant: one alone finds what each check misses, several get past the first one."""
LONGEST = 12
"""Bytes that one change touches."""
WORDS = (
    b"-1", b"0", b"1e999", b"nan", b"9223372036854775807", b"-9223372036854775808", b"99999999999999999999", b"\x00",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"\n", b"'", b'"', b"{", b"[", b"\x1b[31m", b"=1+1", b"../../x", b"\xc3",
)  # fmt: skip
"""What breaks readers: extremes of numbers, ends of strings and lines, escapes, formulas, half a character."""


def mutate_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a file with some bytes flipped, changed, cut out, doubled, moved or replaced, or its end missing."""
    out = bytearray(data)
    for _ in range(int(rng.integers(LEAST_STEPS, MOST_STEPS))):
        _change(out, rng)
    return bytes(out)


def _change(out: bytearray, rng: np.random.Generator) -> None:
    at = int(rng.integers(0, max(len(out), 1)))
    length = int(rng.integers(1, LONGEST))
    match int(rng.integers(0, 8)):
        case 0 if out:
            out[at] ^= 1 << int(rng.integers(0, 8))
        case 1:
            out[at : at + length] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
        case 2:
            del out[at : at + length]
        case 3:
            out[at:at] = out[at : at + length * 4]
        case 4:
            del out[at + length :]
        case 5:
            out[at : at + length] = WORDS[int(rng.integers(0, len(WORDS)))]
        case 6:
            piece = bytes(out[at : at + length])
            place = int(rng.integers(0, max(len(out), 1)))
            out[place:place] = piece
        case _:
            out[at : at + length] = bytes(length)
