"""`accelerator-sim list`."""

from __future__ import annotations

import click

from accelerator_sim.cli import output, shared_options
from accelerator_sim.files.errors import UsageError

_PLURALS = {
    "architectures": "architecture",
    "workloads": "workload",
    "technologies": "technology",
    "baselines": "baseline",
    "mappings": "mapping",
}


@click.command()
@click.argument("kind", type=click.Choice(list(_PLURALS)))
@click.option(
    "--format",
    "asked",
    type=click.Choice(["names", "table", "tsv", "json"]),
    help="Default: names, one per line; for workloads on a terminal, a table.",
)
def command(kind: str, asked: str | None) -> None:
    """List the built-in names of a KIND; for workloads also their sizes and sources."""
    if kind != "workloads" and asked not in (None, "names"):
        raise UsageError(f"--format {asked} is for workloads only")
    form = asked or ("table" if kind == "workloads" and output.on_terminal() else "names")
    names = shared_options.names_of(_PLURALS[kind])
    click.echo(_workloads(names, form) if form != "names" else "".join(f"{name}\n" for name in names), nl=False)


def _workloads(names: list[str], form: str) -> str:
    from accelerator_sim.workload.network_loader import load_network

    networks = [load_network(name) for name in names]
    if form == "table":
        from accelerator_sim.report import tables

        return tables.render_networks(networks, output.width(), output.on_terminal())
    from accelerator_sim.results.layer_rows import network_row

    rows = [network_row(network) for network in networks]
    if form == "json":
        from accelerator_sim.report.json import encode

        return encode({"schema": "accelerator-sim/workloads/1", "workloads": rows})
    from accelerator_sim.results.tabular import rows_text

    return rows_text(rows)
