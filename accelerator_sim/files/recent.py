"""What was computed last, kept up to a size."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """Values by key, up to a number of bytes: what was not asked for longest goes first.  For several threads."""

    def __init__(self, most: int) -> None:
        """most: bytes that are kept, as `put` says of each value."""
        self._most, self._held = most, 0
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> V | None:
        """Return the value of a key; None where there is none (any more)."""
        with self._lock:
            kept = self._values.get(key)
            if kept is None:
                return None
            self._values.move_to_end(key)
            return kept[0]

    def put(self, key: Hashable, value: V, size: int) -> None:
        """Keep a value.

        size: its bytes; a value larger than all that may be kept is not.
        """
        with self._lock:
            old = self._values.pop(key, None)
            self._held -= old[1] if old else 0
            if size > self._most:
                return
            self._values[key] = value, size
            self._held += size
            while self._held > self._most:
                _, (_, gone) = self._values.popitem(last=False)
                self._held -= gone
