"""`accelerator-sim explain`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from accelerator_sim.cli import output, shared_options
from accelerator_sim.cli.inputs import load_inputs
from accelerator_sim.files.vocabulary import Objective

if TYPE_CHECKING:
    from accelerator_sim.architecture.architecture import Architecture
    from accelerator_sim.workload.choices import Choices


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
    help="Simulate single changes of the architecture, to tell which would help most.",
)
@shared_options.text_format_option
@shared_options.output_option
@click.pass_context
def command(
    ctx: click.Context,
    workload: str,
    choices: Choices,
    name: str | None,
    arch: str,
    overrides: tuple[tuple[str, str], ...],
    batch: int,
    objective: Objective,
    mapping_file: Path | None,
    seed: int,
    changes: bool,
    asked: str | None,
    out: Path | None,
) -> None:
    """Why a layer, or a network, takes as long as it does, and what would help.

    Eyexam's seven steps from the ideal to the actual performance, stalls, reuse and energy of a layer, and the single
    changes of the architecture that would help most, each of them re-simulated.
    """
    output.check_outputs([out], [workload, arch])

    from accelerator_sim.cli.compiled_kernels import warm
    from accelerator_sim.cli.progress import ProgressLine
    from accelerator_sim.cli.simulate_command import tell_failed, tell_reading
    from accelerator_sim.eyexam.explain import explain
    from accelerator_sim.mapping.file import MappingPlan, load_plan
    from accelerator_sim.report import explanation_text as report
    from accelerator_sim.run.options import Options
    from accelerator_sim.technology.machine_file import load_machine

    network, architecture, technology = load_inputs(workload, choices, arch, overrides)
    whole = network.with_batch(batch)
    plan = load_plan(mapping_file, architecture, whole) if mapping_file else MappingPlan()
    if name is not None:
        network = replace(network, layers=(network.mac_layer(name),))
    warm(fidelity="event")
    chosen = Options(objective, batch, plan=plan, seed=seed)

    def vary(settings: tuple[tuple[str, str], ...]) -> Architecture:
        return load_machine(arch, overrides + settings)[0]

    with ProgressLine() as progress:
        found = explain(network, architecture, technology, chosen, vary if changes else None, progress)
    if output.pick_text_format(asked, out) == "json":
        from accelerator_sim.report.json import encode

        text = encode(found.to_dict())
    else:
        text = report.render(found, name, output.width(), out is None and output.on_terminal())
    output.write(text, out)
    if out is not None:
        click.echo(f"wrote {out}", err=True)
    tell_reading(network)
    tell_failed(found.run)
    if found.interrupted:
        click.echo("interrupted; not all changes were simulated", err=True)
    ctx.exit(found.exit_code)
