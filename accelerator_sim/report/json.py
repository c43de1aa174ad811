"""Results as JSON: the same bytes for the same result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any


def stream(head: dict[str, Any], key: str, items: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the text of `head` with a list of plain data as its last entry, an item at a time: the bytes of
    `encode`."""
    yield json.dumps(head, indent=2, allow_nan=False).removesuffix("\n}") + f",\n  {json.dumps(key)}: ["
    begin = "\n    "
    for item in items:
        yield begin + json.dumps(item, indent=2, allow_nan=False).replace("\n", "\n    ")
        begin = ",\n    "
    yield "]\n}\n" if begin == "\n    " else "\n  ]\n}\n"


def encode(data: dict[str, Any]) -> str:
    """Return plain data as indented JSON.  Raises ValueError for NaN and infinity, which JSON does not have."""
    return json.dumps(data, indent=2, allow_nan=False) + "\n"
