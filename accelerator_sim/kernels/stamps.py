"""Freshness stamps: when a compiled kernel no longer is that of its source.

Numba notices a change of the file that holds a function, but not of a helper in another file.  The stamp of a kernel
covers its own file and every file of `kernels/` that this one imports, directly or not.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
_IMPORTED = re.compile(r"^ *from accelerator_sim\.kernels(?:\.(\w+) import|\s+import (\w+))", re.MULTILINE)


@cache
def source_of(module: str) -> str:
    """Source of a module of `kernels/`, by its short name."""
    return (FOLDER / f"{module}.py").read_text()


@cache
def imported_by(module: str) -> tuple[str, ...]:
    """A module of `kernels/` and those that it imports, directly or not, in alphabetical order."""
    known, open_ends = {module}, [module]
    while open_ends:
        names = {of or name for of, name in _IMPORTED.findall(source_of(open_ends.pop()))}
        open_ends += sorted(names - known)
        known |= names
    return tuple(sorted(known))


def stamp_of(module: str) -> bytes:
    """Digest of the sources on which the kernels of a module depend."""
    return _digest(imported_by(module))


@cache
def package_stamp() -> bytes:
    """Digest of all kernel sources."""
    return _digest(tuple(sorted(path.stem for path in FOLDER.glob("*.py"))))


@cache
def _digest(modules: tuple[str, ...]) -> bytes:
    digest = hashlib.sha256()
    for module in modules:
        digest.update(f"{module}\n{source_of(module)}".encode())
    return digest.digest()
