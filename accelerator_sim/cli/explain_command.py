"""`accelerator-sim explain`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from accelerator_sim.cli import output, shared_options
from accelerator_sim.cli.inputs import MappedLayers, load_inputs, load_mappings

if TYPE_CHECKING:
    from accelerator_sim.architecture.architecture import Architecture


@click.command()
@shared_options.workload_argument
@click.option("--layer", "name", metavar="NAME", help="The layer to explain.  [default: the whole network]")
@shared_options.arch_option
@shared_options.set_option
@shared_options.workload_choices
@shared_options.batch_option
@shared_options.objective_option
@shared_options.mapping_option
@shared_options.seed_option
@click.option(
    "--changes/--no-changes",
    default=True,
    show_default=True,
    help="Simulate single changes of the architecture, to find which would help most.",
)
@shared_options.text_format_option
@shared_options.output_option
@shared_options.gathered_into(MappedLayers, "ask")
@click.pass_context
def command(ctx: click.Context, ask: MappedLayers, changes: bool) -> None:
    """Why a layer, or a network, takes as long as it does, and what would help.

    Eyexam's seven steps from the ideal to the actual performance, stalls, reuse and energy of a layer, and the single
    changes of the architecture that would help most, each of them re-simulated.
    """
    output.check_outputs([ask.out], [ask.workload, ask.arch])

    from accelerator_sim.cli.compiled_kernels import warm
    from accelerator_sim.cli.progress import ProgressLine
    from accelerator_sim.cli.simulate_command import print_failed_layers, print_reading_notes
    from accelerator_sim.eyexam.explain import explain
    from accelerator_sim.report import explanation_text as report
    from accelerator_sim.run.options import Options
    from accelerator_sim.technology.machine_file import load_machine

    network, architecture, technology = load_inputs(ask.workload, ask.choices, ask.arch, ask.overrides)
    whole = network.with_batch(ask.batch)
    plan = load_mappings(ask.mapping, architecture, whole)
    if ask.name is not None:
        network = replace(network, layers=(network.mac_layer(ask.name),))
    warm(fidelity="event")
    chosen = Options(ask.objective, ask.batch, plan=plan, seed=ask.seed)

    def vary(settings: tuple[tuple[str, str], ...]) -> Architecture:
        return load_machine(ask.arch, ask.overrides + settings)[0]

    with ProgressLine() as progress:
        explanation = explain(network, architecture, technology, chosen, vary if changes else None, progress)
    if output.pick_text_format(ask.asked, ask.out) == "json":
        from accelerator_sim.report.json import encode

        text = encode(explanation.to_dict())
    else:
        text = report.render(explanation, ask.name, output.width(), ask.out is None and output.on_terminal())
    output.write(text, ask.out)
    if ask.out is not None:
        output.note(f"wrote {ask.out}")
    print_reading_notes(network)
    print_failed_layers(explanation.run)
    if explanation.interrupted:
        click.echo("interrupted; not all changes were simulated", err=True)
    ctx.exit(explanation.exit_code)
