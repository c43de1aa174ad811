"""Where results go: standard output or a file, in the requested format or in the usual one of that destination."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

import click

from accelerator_sim.files.paths import exists, real

Shown = TypeVar("Shown", contravariant=True)

_SUFFIXES = {".json": "json", ".csv": "csv", ".tsv": "tsv"}
_CLOSED = "standard output is closed; write the result to a file with -o FILE"
_FORMATS = (*_SUFFIXES, ".parquet", ".sqlite", ".sqlite3", ".db")
"""Suffixes that a command may take; `sweep` has some of its own and reports those that it does not write."""
_TEXT_FORMATS = (".json", ".txt")
"""Suffixes of commands whose result is a text to read, or JSON."""


QUIET, VERBOSE = ("-q", "--quiet"), ("-v", "--verbose")
"""Words that may stand anywhere on the command line: no notes and no progress, or more notes."""


def _asked(words: tuple[str, str]) -> bool:
    """Whether one of two words stands on the command line."""
    ctx = click.get_current_context(silent=True)
    return ctx is not None and bool(ctx.meta.get(words[1]))


def quiet() -> bool:
    """Whether notes and progress are not wanted; warnings and errors are printed all the same."""
    return _asked(QUIET)


def note(text: str) -> None:
    """Print a note on standard error, unless none are wanted."""
    if not quiet():
        click.echo(text, err=True)


def detail(text: str) -> None:
    """Print a note on standard error that only those want who ask for more."""
    if _asked(VERBOSE):
        click.echo(text, err=True)


def on_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def width() -> int:
    """Columns of the terminal (or COLUMNS; 80 if neither is known)."""
    return shutil.get_terminal_size((80, 24)).columns


def pick_format(asked: str | None, output: Path | None, on_a_terminal: str = "table") -> str:
    """Return the requested format; else that of the file's suffix; else a table on a terminal, or TSV."""
    if asked is not None:
        return asked
    if output is not None:
        return _SUFFIXES.get(output.suffix.lower(), "tsv")
    return on_a_terminal if on_terminal() else "tsv"


def pick_text_format(asked: str | None, output: Path | None) -> str:
    """Return "text" or "json": as requested, else by the file's suffix, else text."""
    return asked or ("json" if output is not None and output.suffix.lower() == ".json" else "text")


def check_outputs(outputs: Iterable[Path | None], inputs: Iterable[str]) -> None:
    """Make sure, before a long run, that results can be written, in a format that -o names, and that no input is lost.

    outputs: the place of the result first (None: standard output).  Raises click.UsageError.
    """
    outputs = list(outputs)
    if outputs and outputs[0] is None and sys.stdout is None:
        raise click.UsageError(_CLOSED)
    seen: set[Path] = set()
    kept = {real(Path(name)) for name in inputs}
    for path in outputs:
        if path is None:
            continue
        target = real(path)
        if os.path.isdir(target):
            raise click.UsageError(f"cannot write {path}: it is a folder")
        if not os.path.isdir(target.parent):
            raise click.UsageError(f"cannot write {path}: the folder {path.parent} does not exist")
        if not os.access(target if exists(target) else target.parent, os.W_OK):
            raise click.UsageError(f"cannot write {path}: permission denied")
        if target in kept:
            raise click.UsageError(f"cannot write {path}: it is an input")
        if target in seen:
            raise click.UsageError(f"cannot write {path} twice")
        seen.add(target)
    _check_suffix()


def _check_suffix() -> None:
    """Raise click.UsageError if the format depends on the suffix of -o, and that names no format."""
    ctx = click.get_current_context(silent=True)
    given = ctx.params if ctx is not None else {}
    out = given.get("out")
    suffix = out.suffix.lower() if isinstance(out, Path) else ""
    if not suffix or "asked" not in given or given["asked"] is not None:
        return
    as_text = ctx is not None and any(
        param.name == "asked" and "text" in getattr(param.type, "choices", ()) for param in ctx.command.params
    )
    if suffix not in (_TEXT_FORMATS if as_text else _FORMATS):
        known = ", ".join(_TEXT_FORMATS if as_text else _SUFFIXES)
        raise click.UsageError(f"cannot write {out}: its suffix names no format; use {known}, or give --format")


def write(content: str | bytes | Iterable[str], output: Path | None) -> None:
    """Write a result, whole or in pieces, to a file, all of it or nothing, or to standard output."""
    if output is None:
        if sys.stdout is None:
            raise click.ClickException(_CLOSED)
        for piece in [content] if isinstance(content, str | bytes) else content:
            click.echo(piece, nl=False)
        return
    pieces = [content] if isinstance(content, str | bytes) else content
    with opened(output) as stream:
        stream.writelines(piece.encode() if isinstance(piece, str) else piece for piece in pieces)


@contextmanager
def opened(output: Path | None) -> Iterator[BinaryIO]:
    """Open a file to write a result bit by bit, which appears whole or not at all; or standard output."""
    if output is None:
        if sys.stdout is None:
            raise click.ClickException(_CLOSED)
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = real(output)
    if target.exists() and not target.is_file():  # a pipe or a device
        with target.open("wb") as stream:
            yield stream
        return
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~umask()
        os.chmod(name, mode)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class Report(Protocol[Shown]):
    """A module that writes a kind of result."""

    def dumps_json(self, result: Shown, /) -> str:
        """Return the result as JSON."""

    def dumps_rows(self, result: Shown, delimiter: str, /) -> str:
        """Return the result as delimited text."""

    def render(self, result: Shown, width: int, color: bool, /) -> str:
        """Return the result as a table for a terminal."""


def show(report: Report[Shown], result: Shown, asked: str | None, output: Path | None) -> None:
    """Write a result in the format that is asked for or that suits the destination."""
    form = pick_format(asked, output)
    if form == "json":
        text = report.dumps_json(result)
    elif form in ("csv", "tsv"):
        text = report.dumps_rows(result, "," if form == "csv" else "\t")
    else:
        text = report.render(result, width(), output is None and on_terminal())
    write(text, output)
    if output is not None:
        note(f"wrote {output}")


def umask() -> int:
    """Return the permissions that new files do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
