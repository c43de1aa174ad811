"""`accelerator-sim list`."""

from __future__ import annotations

import click

from accelerator_sim.cli import output, shared_options

KINDS = ("architectures", "workloads", "technologies", "baselines", "mappings", "densities", "grids")


@click.command()
@click.argument("kind", type=click.Choice([*KINDS, "devices"]))
@click.option(
    "--format",
    "asked",
    type=click.Choice(["names", "table", "tsv", "json"]),
    help="Default: a table on a terminal, elsewhere names, one per line.",
)
def command(kind: str, asked: str | None) -> None:
    """List what is built in of a KIND, each with what it is; of workloads their sizes and sources.

    Devices are the baselines: GPUs, CPUs and microcontrollers.
    """
    kind = "baselines" if kind == "devices" else kind
    form = asked or ("table" if output.on_terminal() else "names")
    if kind == "workloads":
        click.echo(_workloads(shared_options.names_of("workload"), form), nl=False)
        return
    from accelerator_sim.report.listings import KINDS as LISTED
    from accelerator_sim.report.listings import dumps

    described = list(LISTED[kind]())
    if form == "names":
        click.echo("".join(f"{name}\n" for name, _ in described), nl=False)
    else:
        click.echo(dumps(described, kind, form, output.width(), output.on_terminal()), nl=False)


def _workloads(names: list[str], form: str) -> str:
    if form == "names":
        return "".join(f"{name}\n" for name in names)
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
