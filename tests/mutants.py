"""Files with something wrong: what a disk, an editor or another program makes of a good one.  The same for a seed."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from accelerator_sim.files.errors import AcceleratorSimError

QUICK, ALL = 400, 3000
"""Mutants of a kind of file in the quick tests, and in all of them."""
SECONDS, BYTES = 30.0, 1 << 30
"""What one of them may take."""
CODES = {1, 2, 3, 4, 5}
"""Exit codes that are documented for errors."""

NASTY = (
    "-1", "0", "1e999", ".nan", "-.inf", "9223372036854775808", "1e-320", "0.1", '""', "null", "[]", "{}", "true",
    "'3'",
    "'" + "x" * 300 + "'", "&a 1", "*a", "!!python/object:os.system 1", "[[[[[[[[]]]]]]]]", "{a: {a: {a: {}}}}",
    "'\\u202e'",
    '"\\e[31m"', "\t", "- ", "=1+1", "12:30", "0777", "0x7fffffffffffffff", "1_000", "\u00b5", "../../../../etc/passwd",
    "<<: *a", "? a", "%TAG", "{{x}}", "4 KiB", "-3 GB/s", "1 furlong", "unlimited", "[1, 2", "\x07", "\ufeff", "\x85",
)  # fmt: skip
"""Values that files do not expect."""


def mutate_bytes(data: bytes, rng: random.Random) -> bytes:
    """Return bytes with one to four changes: flipped bits, parts that are gone, repeated, exchanged, or strange."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out) + 1)
        size = rng.choice((1, 2, 4, 16, 256))
        kind = rng.randrange(7)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(out):
            out[at : at + size] = rng.randbytes(size)
        elif kind == 2:
            del out[at : at + size]
        elif kind == 3:
            out[at:at] = out[at : at + size]
        elif kind == 4:
            del out[at:]
        elif kind == 5:
            out[at : at + size] = rng.choice((b"\xff", b"\x00", b"\x7f")) * min(size, len(out) - at)
        else:
            other = rng.randrange(len(out) + 1)
            out[at : at + size] = out[other : other + size]
    return bytes(out)


def mutate_text(text: str, rng: random.Random) -> str:
    """Return YAML or CSV with one to three changes: values, keys and lines that are exchanged, gone, or strange."""
    for _ in range(rng.randint(1, 3)):
        lines = text.split("\n")
        at = rng.randrange(len(lines))
        kind = rng.randrange(8)
        if kind <= 2:
            lines[at] = _another_value(lines[at], rng)
        elif kind == 3:
            del lines[at]
        elif kind == 4:
            lines.insert(at, rng.choice(lines))
        elif kind == 5:
            lines[at] = rng.choice(("  ", "\t", " ")) + lines[at] if rng.random() < 0.5 else lines[at].lstrip()
        elif kind == 6:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            words = text.split(" ")
            words[rng.randrange(len(words))] = rng.choice(NASTY)
            lines = " ".join(words).split("\n")
        text = "\n".join(lines)
    return text


def _another_value(line: str, rng: random.Random) -> str:
    """A line of which a value, or a word, is another one."""
    for separator in (": ", ", ", ",", ";", "["):
        if separator in line and rng.random() < 0.7:
            parts = line.split(separator)
            at = rng.randrange(1, len(parts))
            end = parts[at][-1:] if parts[at][-1:] in "]})" else ""
            parts[at] = rng.choice(NASTY) + end
            return separator.join(parts)
    return line + rng.choice(NASTY)


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


def seeds(count: int) -> Iterable[random.Random]:
    """Yield a random generator for each mutant."""
    return (random.Random(seed) for seed in range(count))
