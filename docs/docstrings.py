"""Parameters in the docstrings of the package, for the API pages and for the test that compares them with signatures.

A docstring explains parameters in a paragraph of its own, `name: meaning; one, another: meaning of both.`
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

_ENTRY = re.compile(r"(?P<names>\w+(?:,\s+\w+)*):\s+(?P<meaning>.+)", re.DOTALL)


def parameters(function: Callable[..., Any]) -> list[str]:
    """Return the names that a call may give: without `self` and `cls`, and without the stars of the others."""
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


def entries(paragraph: str, names: Iterable[str]) -> list[tuple[list[str], str]]:
    """Return the parameters that a paragraph explains, each group with its meaning; none for any other text.

    names: those of the signature; a word before a colon that is none of them is text.
    """
    known = set(names)
    found: list[tuple[list[str], str]] = []
    for piece in re.split(r";\s+", paragraph.strip()):
        match = _ENTRY.fullmatch(piece)
        group = re.split(r",\s+", match["names"]) if match else []
        if match and known.issuperset(group):
            found.append((group, match["meaning"]))
        elif found:  # a semicolon inside a meaning
            found[-1] = (found[-1][0], f"{found[-1][1]}; {piece}")
        else:
            return []
    return found


def documented(function: Callable[..., Any]) -> list[str]:
    """Return the names of the parameters that the docstring of a function explains."""
    names = parameters(function)
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return [name for paragraph in paragraphs for group, _ in entries(paragraph, names) for name in group]


def with_fields(lines: list[str], names: Iterable[str]) -> list[str]:
    """Return the lines of a docstring with the paragraphs of parameters as fields that Sphinx shows as a list."""
    known = list(names)
    out: list[str] = []
    for paragraph in "\n".join(lines).split("\n\n"):
        found = entries(paragraph, known)
        if found:
            fields = [(name, " ".join(meaning.split()).rstrip(".") + ".") for group, meaning in found for name in group]
            out += [f":param {name}: {meaning}" for name, meaning in fields]
        else:
            out += paragraph.split("\n")
        out.append("")
    return out
