"""Errors as a user sees them: messages on standard error and an exit code, never a traceback."""

from __future__ import annotations

import errno
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

import click

from accelerator_sim.cli.streams import forget_output
from accelerator_sim.files.errors import AcceleratorSimError, AcceleratorSimWarning, InvalidFile
from accelerator_sim.version import __version__

FAILURE = 1
INTERRUPTED = 130
DEBUG = "--debug"


def guarded(run: Callable[[], object], ctx: click.Context, debug: bool = False) -> object:
    """Run a command; end the program with the exit code of the error, if there is one.

    debug: show the trace of an exception that nobody expected.
    """
    try:
        result = run()
        if sys.stdout is not None:
            sys.stdout.flush()
        return result
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except BaseException as error:
        code = reported(error, debug)
        if code is None:
            raise
    ctx.exit(code)


def reported(error: BaseException, debug: bool = False) -> int | None:
    """Print what went wrong, and return its exit code; None for what is not an error."""
    match error:
        case AcceleratorSimError():
            print_error(error)
            return error.exit_code
        case KeyboardInterrupt():
            click.echo("interrupted", err=True)
            return INTERRUPTED
        case MemoryError():
            click.echo("Error: not enough memory", err=True)
            return FAILURE
        case OSError():
            return _reported_by_the_system(error)
        case Exception():
            _print_defect(error, debug)
            return FAILURE
    return None


def print_error(error: AcceleratorSimError) -> None:
    """Print an error; an error of a file is printed as it is, since it begins with its position."""
    click.echo(str(error) if isinstance(error, InvalidFile) else f"Error: {error}", err=True)


def _reported_by_the_system(error: OSError) -> int:
    if error.errno == errno.EPIPE:
        forget_output()  # whoever read it has stopped
        return FAILURE
    name = f"{error.filename}: " if error.filename else ""
    click.echo(f"Error: {name}{error.strerror or error}", err=True)
    if error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF) and not error.filename:
        forget_output()
    return FAILURE


def _print_defect(error: Exception, debug: bool) -> None:
    """Print an unexpected exception as one line with a request to report it."""
    if debug:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
        return
    fault = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    click.echo(
        f"Error: a defect of accelerator-sim {__version__}: {fault}; please report it with the command and its files"
        f" ({DEBUG} shows the trace)",
        err=True,
    )


def end_as_interrupted(number: int, frame: FrameType | None) -> None:
    """Handle a signal that asks the program to end as Ctrl-C does: what was finished is written."""
    raise KeyboardInterrupt


def catch_signals() -> None:
    """Let SIGTERM and SIGHUP end the program as SIGINT does, unless they are ignored (nohup)."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end_as_interrupted)


def show_warning(message: Warning | str, category: type[Warning], *rest: Any, **named: Any) -> None:
    """Print our own warnings as notes, without the place in the code."""
    if issubclass(category, AcceleratorSimWarning):
        click.echo(f"warning: {message}", err=True)


def show_warnings() -> None:
    """Print our own warnings as notes, and no others: they are of no use to a user of the command."""
    warnings.showwarning = show_warning
    warnings.simplefilter("always", AcceleratorSimWarning)
