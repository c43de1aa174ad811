"""Progress of a call from Python: a bar in a notebook or on a terminal, or the caller's own function."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.text import printable

PATIENCE_S = 1.0
"""Nothing is shown for calls shorter than this."""
INTERVAL_S = 0.2
"""Least time between two changes of a bar."""

ProgressFunction = Callable[[int, int, str], None]
"""Called with the number of things done, their total, and the name of the next (or latest) one."""


def progress_of(wanted: object, things: str = "layers") -> CallProgress:
    """Return the progress that a caller asks for.

    wanted: True for a bar where there is a notebook or a terminal, False for none, or a function that is called with
    the number of things done, their total, and a name; things: their plural.

    Raises UsageError for anything else.
    """
    if callable(wanted):
        return CallProgress(things, wanted)
    if wanted is True:
        return CallProgress(things, None)
    if wanted is False:
        return CallProgress(things, lambda *_: None)
    raise UsageError(f"progress is {wanted!r}; True, False or a function (done, total, name) is required")


class CallProgress:
    """Progress of one call.  Call it with (done, total, name); leaving the context removes the bar."""

    def __init__(self, things: str, function: ProgressFunction | None) -> None:
        self._things, self._function = things, function
        self._bar: _NotebookBar | _TerminalBar | None = None
        self._next = time.monotonic() + PATIENCE_S

    def __call__(self, done: int, total: int, name: str) -> None:
        """Tell the caller's function, or renew the bar, unless it is too early to."""
        if self._function is not None:
            self._function(done, total, name)
            return
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + INTERVAL_S
        if self._bar is None:
            self._bar = _bar()
        if self._bar is not None:
            self._bar.show(done, total, printable(f"{done}/{total} {self._things}, {name}")[:70])

    def __enter__(self) -> CallProgress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()


def _bar() -> _NotebookBar | _TerminalBar | None:
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and hasattr(shell, "kernel"):
        return _NotebookBar(ipython)
    return _TerminalBar() if sys.stderr.isatty() else None


class _NotebookBar:
    """An element of the cell's output that renews itself, and is empty in the end."""

    def __init__(self, ipython: Any) -> None:
        self._html = ipython.display.HTML
        self._handle = ipython.display.display(self._html(""), display_id=True)

    def show(self, done: int, total: int, text: str) -> None:
        label = html.escape(text)
        self._handle.update(self._html(f'<progress value="{done}" max="{total}"></progress> <code>{label}</code>'))

    def close(self) -> None:
        self._handle.update(self._html(""))


class _TerminalBar:
    """The bar of the package rich, on standard error."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (BarColumn(), TextColumn("{task.description}", markup=False))
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("")
        self._progress.start()

    def show(self, done: int, total: int, text: str) -> None:
        self._progress.update(self._task, completed=done, total=total, description=text)

    def close(self) -> None:
        self._progress.stop()
