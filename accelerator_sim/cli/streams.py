"""Standard output and standard error, as a command may find them: closed, full, or read by nobody."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any, TextIO, cast

from accelerator_sim.files.text import printable


class Notes:
    """Standard error for notes, warnings and errors: control characters are made visible, and nothing is ever raised.

    A result is never lost because a note cannot be written, and a name in a file cannot change a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write text; what a terminal would take for a command is escaped."""
        if not isinstance(text, str):
            raise TypeError(f"text is required, not {type(text).__name__}")  # click asks whether bytes can be written
        self.raw(printable(text, kept="\n\t"))
        return len(text)

    def raw(self, text: str) -> None:
        """Write text as it is, as a progress line needs it."""
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(text)

    def flush(self) -> None:
        """Flush the stream."""
        with contextlib.suppress(OSError, ValueError):
            self.stream.flush()


def prepare() -> None:
    """Make both streams safe to write to, once, when the program starts."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # never die of a terminal without the table's lines
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (it lives as long as the program)
    if not isinstance(sys.stderr, Notes):
        sys.stderr = cast(TextIO, Notes(sys.stderr))


def progress(text: str) -> None:
    """Write to standard error with the escapes that renew a line."""
    stream: Any = sys.stderr
    stream.raw(text) if isinstance(stream, Notes) else stream.write(text)
    stream.flush()


def forget_output() -> None:
    """Keep the interpreter from complaining, when it ends, about output that nobody reads."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
