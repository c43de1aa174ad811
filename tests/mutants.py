"""Damaged files, drawn from a seed: what readers of all formats are tried with."""

from __future__ import annotations

import re
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


EXTREMES = (
    "0", "1", "2", "3", "255", "65536", "1048576", "16777216", "2147483648", "4611686018427387904", "1e-300", "1e-30",
    "0.001", "0.999999", "1.000001", "1e6", "1e18", "1e30", "1e300", "-0.5",
)  # fmt: skip
"""Numbers at the ends of what files allow, and past them."""
_NUMBER = re.compile(r"(?<![\w.-])[0-9]+(?:\.[0-9]+)?(?![\w.])")


def mutate_numbers(text: str, rng: np.random.Generator) -> str:
    """Return a text in which one or two numbers are others, with the units that they have.

    A number that another place of the text has, or a neighbour of its own, is valid more often than an extreme one.
    """
    for _ in range(int(rng.integers(1, 3))):
        found = list(_NUMBER.finditer(text))
        if not found:
            return text
        number = found[int(rng.integers(len(found)))]
        neighbours = [f"{float(number[0]) * factor:g}" for factor in (0.5, 2, 3)]
        others = [other[0] for other in found if ("." in other[0]) == ("." in number[0])]
        new = _one((EXTREMES, neighbours, others)[int(rng.integers(3))], rng)
        text = text[: number.start()] + new + text[number.end() :]
    return text


def mutate_file(text: str, number: int, rng: np.random.Generator) -> bytes:
    """Return the mutant of that number: of its numbers in half of them, of its values and lines, or of its bytes."""
    if number % 8 == 0:
        return mutate_bytes(text.encode(), rng)
    mutate = mutate_numbers if number % 2 else mutate_text
    return mutate(text, rng).encode("utf-8", "surrogateescape")


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
