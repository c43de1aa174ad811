"""Damaged files, drawn from a seed: what readers of all formats are tried with."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from accelerator_sim.files.errors import AcceleratorSimError

QUICK, ALL = 400, 3000
"""Mutants of a kind of file in the quick tests, and in all of them."""
SECONDS, BYTES = 30.0, 1 << 30
"""What one of them may take."""
CODES = {1, 2, 3, 4, 5}
"""Exit codes that are documented for errors."""

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


NASTY = (
    "-1", "0", "1e999", ".nan", "-.inf", "9223372036854775808", "1e-320", "0.1", '""', "null", "[]", "{}", "true",
    "'3'",
    "'" + "x" * 300 + "'", "&a 1", "*a", "!!python/object:os.system 1", "[[[[[[[[]]]]]]]]", "{a: {a: {a: {}}}}",
    "'\\u202e'",
    '"\\e[31m"', "\t", "- ", "=1+1", "12:30", "0777", "0x7fffffffffffffff", "1_000", "\u00b5", "../../../../etc/passwd",
    "<<: *a", "? a", "%TAG", "{{x}}", "4 KiB", "-3 GB/s", "1 furlong", "unlimited", "[1, 2", "\x07", "\ufeff", "\x85",
)  # fmt: skip
"""Values that files do not expect."""


def mutate_text(text: str, rng: np.random.Generator) -> str:
    """Return YAML or CSV with one to three changes: values, keys and lines that are exchanged, gone, or strange."""
    for _ in range(int(rng.integers(1, 4))):
        lines = text.split("\n")
        at = int(rng.integers(len(lines)))
        kind = int(rng.integers(8))
        if kind <= 2:
            lines[at] = _another_value(lines[at], rng)
        elif kind == 3:
            del lines[at]
        elif kind == 4:
            lines.insert(at, _one(lines, rng))
        elif kind == 5:
            lines[at] = _one(("  ", "\t", " "), rng) + lines[at] if rng.random() < 0.5 else lines[at].lstrip()
        elif kind == 6:
            other = int(rng.integers(len(lines)))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            words = text.split(" ")
            words[int(rng.integers(len(words)))] = _one(NASTY, rng)
            lines = " ".join(words).split("\n")
        text = "\n".join(lines)
    return text


def _another_value(line: str, rng: np.random.Generator) -> str:
    """A line of which a value, or a word, is another one."""
    for separator in (": ", ", ", ",", ";", "["):
        if separator in line and rng.random() < 0.7:
            parts = line.split(separator)
            at = int(rng.integers(1, len(parts)))
            end = parts[at][-1:] if parts[at][-1:] in "]})" else ""
            parts[at] = _one(NASTY, rng) + end
            return separator.join(parts)
    return line + _one(NASTY, rng)


def _one(values: Sequence[str], rng: np.random.Generator) -> str:
    return values[int(rng.integers(len(values)))]


def survives(use: Callable[[], object]) -> bool:
    """Whether something is done with a mutant, or refused as documented; in a bounded time and memory.

    Any other exception than a documented one is raised on.
    """
    refusal = None
    with _bounded():
        try:
            use()
        except AcceleratorSimError as error:
            refusal = error
    assert refusal is None or (refusal.exit_code in CODES and str(refusal))
    return refusal is None


@contextmanager
def _bounded() -> Iterator[None]:
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert time.monotonic() - started < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < BYTES


def seeds(count: int) -> Iterator[np.random.Generator]:
    """Yield a random generator for each mutant."""
    return (np.random.default_rng(seed) for seed in range(count))
