"""`accelerator-sim compare-noc`: one machine with several networks on chip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from accelerator_sim.cli import output, shared_options
from accelerator_sim.cli.inputs import OneMachine, load_inputs
from accelerator_sim.files.vocabulary import Fidelity, NocName

if TYPE_CHECKING:
    pass


@click.command()
@shared_options.workload_argument
@click.option(
    "--noc",
    default=",".join(NocName),
    show_default=True,
    metavar="NAME,...",
    help="Networks on chip to compare; ratios are relative to the mesh if it is among them.",
)
@shared_options.arch_option
@shared_options.batch_option
@shared_options.workload_choices
@shared_options.layer_option
@shared_options.objective_option
@shared_options.fidelity_option
@shared_options.seed_option
@shared_options.jobs_option
@shared_options.output_options()
@shared_options.gathered_into(OneMachine, "one")
@click.pass_context
def command(ctx: click.Context, noc: str, one: OneMachine, fidelity: Fidelity, seed: int) -> None:
    """Cycles, energy and wires of one machine with several networks on chip, each with its own best mappings."""
    run(ctx, noc, one, fidelity, seed)


def run(ctx: click.Context, noc: str, one: OneMachine, fidelity: Fidelity, seed: int) -> None:
    """Compare the networks, write the comparison, and end the command.

    noc: names of networks, with commas between them; one: what is run, and on which machine; fidelity, seed: same as
    `simulate`.
    """
    names = [word.strip() for word in noc.split(",") if word.strip()]
    output.check_outputs([one.out], [one.workload, one.arch])

    from accelerator_sim.cli.compiled_kernels import warm
    from accelerator_sim.cli.progress import ProgressLine
    from accelerator_sim.cli.simulate_command import print_failed_layers, print_reading_notes
    from accelerator_sim.comparison.noc_comparison import compare_networks
    from accelerator_sim.noc.alternatives import alternatives
    from accelerator_sim.report import noc_comparison_table as report
    from accelerator_sim.run.options import Options

    network, architecture, technology = load_inputs(one.workload, one.choices, one.arch)
    alternatives(architecture, names)  # refusals come before kernels are compiled
    network.with_batch(one.batch)
    network.select(one.layers)
    warm(one.jobs, fidelity)
    chosen = Options(one.objective, one.batch, one.layers, seed=seed, jobs=one.jobs, fidelity=fidelity)
    with ProgressLine() as progress:
        comparison = compare_networks(network, architecture, technology, names, chosen, progress)
    output.show(report, comparison, one.asked, one.out)
    print_reading_notes(network)
    for each in comparison.runs:
        print_failed_layers(each.result)
    ctx.exit(comparison.exit_code)
