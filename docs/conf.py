"""Sphinx configuration."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from accelerator_sim import __version__
from accelerator_sim.cli.main import COMMANDS, cli
from docs import docstrings, figures, public

project = "accelerator-sim"
release = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_click"]  # myst_nb also reads Markdown
nb_execution_mode = "off"  # notebooks carry their outputs; the tests run them
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"accelerator-sim {release}"
default_role = "code"  # docstrings are written with single back quotes
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
# JSON and YAML examples hold "..." where something is left out.
suppress_warnings = ["misc.highlighting_failure"]


def _fill_markers(app: Any, name: str, source: list[str]) -> None:
    """Put the directives of public names in the place of markers."""
    source[0] = re.sub(r"^%public (\w+)$", lambda match: public.directives(match[1]), source[0], flags=re.MULTILINE)


def _show_parameters(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Show the parameters of a docstring as a list."""
    if callable(obj) and what in ("function", "method", "class"):
        lines[:] = docstrings.with_fields(lines, docstrings.parameters(obj))


def _name_commands() -> None:
    """Give every command the name that it is called by; each is a function `command` in a module of its own."""
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        command.name = name


def setup(app: Any) -> None:
    """Connect what fills pages from the code."""
    _name_commands()
    figures.draw(Path(__file__).parent / "_build" / "figures")
    app.connect("source-read", _fill_markers)
    app.connect("autodoc-process-docstring", _show_parameters)
