"""Names of layers that are used once."""

from __future__ import annotations


class UniqueNames:
    """Names that were given out, so that the next one is another."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def unique(self, name: str) -> str:
        """Return the name, or the first of NAME_2, NAME_3 ... that is free."""
        candidate = name
        while candidate in self._counts:
            self._counts[name] += 1
            candidate = f"{name}_{self._counts[name]}"
        self._counts[candidate] = 1
        return candidate
