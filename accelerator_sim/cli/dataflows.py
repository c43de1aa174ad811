"""`accelerator-sim compare --dataflow`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from accelerator_sim.cli import output
from accelerator_sim.cli.inputs import given, load_inputs, one_machine
from accelerator_sim.files.vocabulary import Objective

if TYPE_CHECKING:
    from accelerator_sim.workload.choices import Choices

TAKES = {"flows", "same_area", "batch", "layers", "objective", "jobs", "asked", "out"}
"""Parameters of `compare` that go with --dataflow, besides those of the workload and --arch."""


def run(
    ctx: click.Context,
    workload: str,
    choices: Choices,
    archs: Sequence[str],
    names: str,
    same_area: bool,
    batch: int,
    layers: tuple[str, ...],
    objective: Objective,
    jobs: int,
    asked: str | None,
    out: Path | None,
) -> None:
    """Compare dataflows on one machine, and end the command.

    The objective is energy unless the command line says otherwise, as in ISCA 2016.
    """
    arch = one_machine(ctx, "--dataflow", TAKES, archs)
    output.check_outputs([out], [workload, arch])

    from accelerator_sim.cli.progress import ProgressLine
    from accelerator_sim.cli.simulate import tell_reading
    from accelerator_sim.comparison.dataflows import compare_dataflows
    from accelerator_sim.dataflow.rules import dataflows_of
    from accelerator_sim.report import dataflows as report
    from accelerator_sim.run.options import Options

    flows = dataflows_of(names)
    network, architecture, technology = load_inputs(workload, choices, arch)
    network.with_batch(batch)
    wanted = objective if given(ctx, "objective") else Objective.ENERGY
    chosen = Options(wanted, batch, layers, jobs=jobs)
    with ProgressLine() as progress:
        found = compare_dataflows(network, (architecture, technology), flows, chosen, same_area, progress)
    output.show(report, found, asked, out)
    tell_reading(network)
    for result in found.results:
        for row in result.failed:
            click.echo(f"{result.flow.name}: {row.error}", err=True)
    ctx.exit(found.exit_code)
