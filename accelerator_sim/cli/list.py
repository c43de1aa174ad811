"""`accelerator-sim list`."""

from __future__ import annotations

import click

from accelerator_sim.cli import options

_PLURALS = {"architectures": "architecture", "workloads": "workload", "technologies": "technology"}


@click.command()
@click.argument("kind", type=click.Choice([*_PLURALS, "baselines"]))
def command(kind: str) -> None:
    """The built-in names of a KIND, one a line."""
    if kind == "baselines":
        click.echo("there are no baselines yet", err=True)
        return
    for name in options.names_of(_PLURALS[kind]):
        click.echo(name)
