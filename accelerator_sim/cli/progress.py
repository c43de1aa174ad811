"""Progress of a run: one line that renews itself on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from accelerator_sim.cli.output import quiet
from accelerator_sim.cli.streams import progress
from accelerator_sim.files.text import printable

PATIENCE_S = 0.5
"""Nothing is shown for runs shorter than this."""
INTERVAL_S = 5.0
"""Time between lines off a terminal."""


class ProgressLine:
    """Progress on standard error.  Call it with (done, total, name); leaving the context clears the line."""

    def __init__(self, items: str = "layers") -> None:
        """items: the plural of the things that are counted."""
        self._items = items
        self._quiet = quiet()
        self._terminal = sys.stderr.isatty()
        self._next = time.monotonic() + (PATIENCE_S if self._terminal else INTERVAL_S)
        self._shown = False

    def __call__(self, done: int, total: int, name: str) -> None:
        """Show the state, unless it is too early to."""
        now = time.monotonic()
        if self._quiet or now < self._next:
            return
        text = f"{done}/{total} {self._items}, {name}"
        if self._terminal:
            progress(f"\r\x1b[K{printable(text)[:70]}")
            self._shown = True
        else:
            progress(f"{printable(text)}\n")
            self._next = now + INTERVAL_S

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._shown:
            progress("\r\x1b[K")
