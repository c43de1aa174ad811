"""`accelerator-sim map`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from accelerator_sim.cli import output, shared_options
from accelerator_sim.cli.inputs import load_inputs
from accelerator_sim.files.vocabulary import Objective

if TYPE_CHECKING:
    from accelerator_sim.workload.choices import Choices


@click.command()
@shared_options.workload_argument
@click.option("--layer", "name", required=True, metavar="NAME", help="The layer to map.")
@shared_options.arch_option
@shared_options.set_option
@shared_options.workload_choices
@shared_options.batch_option
@shared_options.objective_option
@shared_options.mapping_option
@shared_options.seed_option
@shared_options.text_format_option
@shared_options.output_option
def command(
    workload: str,
    choices: Choices,
    name: str,
    arch: str,
    overrides: tuple[tuple[str, str], ...],
    batch: int,
    objective: Objective,
    mapping_file: Path | None,
    seed: int,
    asked: str | None,
    out: Path | None,
) -> None:
    """The mapping of one layer: its loop nest, a picture of the array, and why it won.

    Beside it stand the optima of the same layer for the other objectives, each with the cycles that the event engine
    finds, which are those of `simulate`, and with those of the bottleneck estimate.
    """
    output.check_outputs([out], [workload, arch])

    from accelerator_sim.cli.compiled_kernels import warm
    from accelerator_sim.mapping.file import MappingPlan, load_plan
    from accelerator_sim.report import layer_map
    from accelerator_sim.run.best_mappings import best_mappings
    from accelerator_sim.run.options import Options

    network, architecture, technology = load_inputs(workload, choices, arch, overrides)
    whole = network.with_batch(batch)
    plan = load_plan(mapping_file, architecture, whole) if mapping_file else MappingPlan()
    layer = whole.mac_layer(name)
    warm(fidelity="event")
    chosen = Options(objective, batch, plan=plan, seed=seed)
    found = best_mappings(layer, architecture, technology, chosen, plan.mappings.get(name))
    render = layer_map.dumps if output.pick_text_format(asked, out) == "json" else layer_map.render
    output.write(render(found, output.width(), whole.batch), out)
    if out is not None:
        click.echo(f"wrote {out}", err=True)
