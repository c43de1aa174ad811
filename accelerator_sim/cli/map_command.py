"""`accelerator-sim map`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from accelerator_sim.cli import output, shared_options
from accelerator_sim.cli.inputs import MappedLayers, load_inputs, load_mappings

if TYPE_CHECKING:
    pass


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
@shared_options.gathered_into(MappedLayers, "ask")
def command(ask: MappedLayers) -> None:
    """The mapping of one layer: its loop nest, a picture of the array, and why it won.

    Beside it stand the optima of the same layer for the other objectives, each with the cycles that the event engine
    finds, which are those of `simulate`, and with those of the bottleneck estimate.  A dilated or transposed layer is
    shown phase by phase, each of which has a name of its own (NAME:1, NAME:2, ...).
    """
    assert ask.name is not None
    output.check_outputs([ask.out], [ask.workload, ask.arch])

    from accelerator_sim.cli.compiled_kernels import warm
    from accelerator_sim.report import layer_map
    from accelerator_sim.run.best_mappings import best_mappings
    from accelerator_sim.run.options import Options
    from accelerator_sim.workload.phases import dense_phases

    network, architecture, technology = load_inputs(ask.workload, ask.choices, ask.arch, ask.overrides)
    whole = network.with_batch(ask.batch)
    plan = load_mappings(ask.mapping, architecture, whole)
    layer = whole.mac_layer(ask.name)
    warm(fidelity="event")
    chosen = Options(ask.objective, ask.batch, plan=plan, seed=ask.seed)
    choices = [
        best_mappings(phase, architecture, technology, chosen, plan.mappings.get(phase.name))
        for phase in dense_phases(layer)
    ]
    render = layer_map.dumps if output.pick_text_format(ask.asked, ask.out) == "json" else layer_map.render
    output.write(render(choices, output.width(), whole.batch), ask.out)
    if ask.out is not None:
        output.note(f"wrote {ask.out}")
