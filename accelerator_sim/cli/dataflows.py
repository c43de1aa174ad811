"""`accelerator-sim compare --dataflow`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from accelerator_sim.cli import output

if TYPE_CHECKING:
    from accelerator_sim.study.dataflows import DataflowComparison
    from accelerator_sim.workload.choices import Choices

APART = (
    "baselines", "precision", "stack", "chip_boundary", "board_boundary", "all_boundaries", "grid",
    "inferences_per_day", "devices", "price", "links", "input_size", "fidelity", "seed", "report",
)  # fmt: skip
"""Parameters of `compare` that say nothing about dataflows on one machine."""


def given(ctx: click.Context, name: str) -> bool:
    """Whether a parameter stands on the command line."""
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _option(ctx: click.Context, name: str) -> str:
    return next(p.opts[0] for p in ctx.command.params if p.name == name)


def run(
    ctx: click.Context,
    workload: str,
    choices: Choices,
    archs: Sequence[str],
    names: str,
    same_area: bool,
    batch: int,
    layers: tuple[str, ...],
    objective: str,
    jobs: int,
    asked: str | None,
    out: Path | None,
) -> None:
    """Compare dataflows on one machine, and end the command.

    The objective is energy unless the command line says otherwise, as in ISCA 2016.
    """
    for name in APART:
        if given(ctx, name):
            raise click.UsageError(f"{_option(ctx, name)} does not go with --dataflow", ctx)
    if len(archs) > 1:
        raise click.UsageError(f"--dataflow takes one --arch, not {len(archs)}", ctx)
    arch = archs[0] if archs else "eyeriss_v2"
    output.check_outputs([out], [workload, arch])

    from accelerator_sim.cli.progress import ProgressLine
    from accelerator_sim.cli.simulate import batched, tell_reading
    from accelerator_sim.dataflow.rules import dataflows_of
    from accelerator_sim.mapping.search import Objective
    from accelerator_sim.study.dataflows import compare_dataflows
    from accelerator_sim.study.machine import load_machine
    from accelerator_sim.workload.network import load_network

    flows = dataflows_of(names)
    network, machine = load_network(workload, choices=choices), load_machine(arch)
    batched(network, batch)
    wanted = Objective(objective) if given(ctx, "objective") else Objective.ENERGY
    with ProgressLine() as progress:
        found = compare_dataflows(network, machine, flows, wanted, batch, layers, same_area, jobs, progress)
    output.write(_text(found, output.pick_format(asked, out), out is None), out)
    if out is not None:
        click.echo(f"wrote {out}", err=True)
    tell_reading(network)
    for result in found.results:
        for row in result.failed:
            click.echo(f"{result.flow.name}: {row.error}", err=True)
    ctx.exit(found.exit_code)


def _text(found: DataflowComparison, form: str, to_stdout: bool) -> str:
    from accelerator_sim.report import dataflows as report

    if form == "json":
        return report.dumps_json(found)
    if form in ("csv", "tsv"):
        return report.dumps_rows(found, "," if form == "csv" else "\t")
    return report.render(found, output.width(), to_stdout and output.on_terminal())
