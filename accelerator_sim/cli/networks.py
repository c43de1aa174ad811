"""`accelerator-sim compare --noc`: one machine with several networks on chip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from accelerator_sim.cli import output
from accelerator_sim.cli.inputs import load_inputs, one_machine
from accelerator_sim.files.vocabulary import Fidelity, Objective

if TYPE_CHECKING:
    from accelerator_sim.workload.choices import Choices

TAKES = {"noc", "batch", "layers", "objective", "fidelity", "seed", "jobs", "asked", "out"}
"""Parameters of `compare` that go with --noc, besides those of the workload and --arch."""


def compare_networks(
    ctx: click.Context,
    noc: str,
    workload: str,
    choices: Choices,
    archs: tuple[str, ...],
    batch: int,
    layers: tuple[str, ...],
    objective: Objective,
    fidelity: Fidelity,
    seed: int,
    jobs: int,
    asked: str | None,
    out: Path | None,
) -> None:
    """Run the comparison and write it.  Raises UsageError for options of `compare` that say nothing here."""
    names = [word.strip() for word in noc.split(",") if word.strip()]
    arch = one_machine(ctx, "--noc", TAKES, archs)
    output.check_outputs([out], [workload, arch])

    from accelerator_sim.cli.kernels import warm
    from accelerator_sim.cli.progress import ProgressLine
    from accelerator_sim.cli.simulate import tell_failed, tell_reading
    from accelerator_sim.comparison.networks import compare_networks as compare
    from accelerator_sim.noc.alternatives import alternatives
    from accelerator_sim.report import networks as report
    from accelerator_sim.run.options import Options

    network, architecture, technology = load_inputs(workload, choices, arch)
    alternatives(architecture, names)  # refusals come before kernels are compiled
    network.with_batch(batch)
    network.select(layers)
    warm(jobs, fidelity)
    options = Options(objective, batch, layers, seed=seed, jobs=jobs, fidelity=fidelity)
    with ProgressLine() as progress:
        comparison = compare(network, architecture, technology, names, options, progress)
    output.show(report, comparison, asked, out)
    tell_reading(network)
    for run in comparison.runs:
        tell_failed(run.result)
    ctx.exit(comparison.exit_code)
