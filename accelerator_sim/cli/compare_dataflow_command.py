"""`accelerator-sim compare-dataflow`: one machine with several dataflows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from accelerator_sim.cli import output, shared_options
from accelerator_sim.cli.inputs import OneMachine, load_inputs
from accelerator_sim.files.vocabulary import DataflowName, Objective

if TYPE_CHECKING:
    pass

FAMILIES = "rs,ws,os,is,nlr"
"""One of each kind; the other names are variants of `os`."""


@click.command()
@shared_options.workload_argument
@click.option(
    "--dataflow",
    "flows",
    default=FAMILIES,
    show_default=True,
    metavar="NAME,...",
    help=f"Dataflows: {', '.join(DataflowName)}; ratios are relative to the first.",
)
@click.option(
    "--equal-area", "same_area", is_flag=True, help="Give each dataflow the storage that it needs, at equal area."
)
@shared_options.arch_option
@shared_options.batch_option
@shared_options.workload_choices
@shared_options.layer_option
@click.option(
    "--objective",
    type=shared_options.OneOf(Objective),
    default=Objective.ENERGY.value,
    show_default=True,
    help="What the nest of each layer minimises.",
)
@shared_options.jobs_option
@shared_options.output_options()
@shared_options.gathered_into(OneMachine, "one")
@click.pass_context
def command(ctx: click.Context, flows: str, one: OneMachine, same_area: bool) -> None:
    """Energy of a network under several dataflows on one machine, each layer by the best loop nest of each."""
    run(ctx, flows, one, same_area)


def run(ctx: click.Context, names: str, one: OneMachine, same_area: bool) -> None:
    """Compare the dataflows, write the comparison, and end the command.

    names: those of dataflows, with commas between them; one: what is run, and on which machine; same_area: give each
    dataflow the storage that it needs on the same area.
    """
    output.check_outputs([one.out], [one.workload, one.arch])

    from accelerator_sim.cli.progress import ProgressLine
    from accelerator_sim.cli.simulate_command import print_reading_notes
    from accelerator_sim.comparison.dataflow_comparison import compare_dataflows
    from accelerator_sim.dataflow.rules import dataflows_of
    from accelerator_sim.report import dataflow_comparison_table as report
    from accelerator_sim.run.options import Options

    flows = dataflows_of(names)
    network, architecture, technology = load_inputs(one.workload, one.choices, one.arch)
    network.with_batch(one.batch)
    chosen = Options(one.objective, one.batch, one.layers, jobs=one.jobs)
    with ProgressLine() as progress:
        compared = compare_dataflows(network, (architecture, technology), flows, chosen, same_area, progress)
    output.show(report, compared, one.asked, one.out)
    print_reading_notes(network)
    for result in compared.results:
        for row in result.failed:
            click.echo(f"{result.flow.name}: {row.error}", err=True)
    ctx.exit(compared.exit_code)
