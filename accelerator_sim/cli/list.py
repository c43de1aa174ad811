"""`accelerator-sim list`."""

from __future__ import annotations

import click

from accelerator_sim.cli import options

_PLURALS = {
    "architectures": "architecture",
    "workloads": "workload",
    "technologies": "technology",
    "baselines": "baseline",
}


@click.command()
@click.argument("kind", type=click.Choice(list(_PLURALS)))
def command(kind: str) -> None:
    """The built-in names of a KIND, one a line."""
    for name in options.names_of(_PLURALS[kind]):
        click.echo(name)
