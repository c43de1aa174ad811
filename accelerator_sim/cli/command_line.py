"""The words of the command line, kept while a command runs."""

from __future__ import annotations

import click

COMMAND_LINE = "accelerator_sim.command_line"
"""Where they stand in `Context.meta`."""


def command_line() -> tuple[str, ...]:
    """Return the words of the command that runs, that of the program first."""
    words: tuple[str, ...] = click.get_current_context().meta[COMMAND_LINE]
    return words
