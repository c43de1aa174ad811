"""Errors as a user sees them: messages on standard error and an exit code, never a traceback."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable

import click

from accelerator_sim.files.errors import AcceleratorSimError, InvalidFile

FAILURE = 1
INTERRUPTED = 130


def guarded(run: Callable[[], object], ctx: click.Context) -> object:
    """Run a command; end the program with the exit code that what goes wrong stands for."""
    try:
        result = run()
        sys.stdout.flush()
        return result
    except AcceleratorSimError as error:
        tell(error)
        code = error.exit_code
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        code = INTERRUPTED
    except BrokenPipeError:
        code = _forget_output()
    except MemoryError:
        click.echo("Error: not enough memory", err=True)
        code = FAILURE
    except OSError as error:
        if error.errno == errno.EPIPE:
            code = _forget_output()
        else:
            name = f"{error.filename}: " if error.filename else ""
            click.echo(f"Error: {name}{error.strerror or error}", err=True)
            code = FAILURE
    ctx.exit(code)


def tell(error: AcceleratorSimError) -> None:
    """Print an error; one of a file as it is, since it begins with its place."""
    click.echo(str(error) if isinstance(error, InvalidFile) else f"Error: {error}", err=True)


def _forget_output() -> int:
    """Whoever read the output has stopped: keep the interpreter from complaining when it flushes at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILURE
