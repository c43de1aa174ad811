"""`accelerator-sim figure`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from accelerator_sim.cli import output, shared_options
from accelerator_sim.cli.inputs import given, load_inputs, load_mappings
from accelerator_sim.cli.simulate_command import print_failed_layers, print_reading_notes
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.vocabulary import Fidelity, Objective

if TYPE_CHECKING:
    from accelerator_sim.results.network_result import NetworkResult
    from accelerator_sim.workload.choices import Choices

KINDS = {
    "roofline": "MACs per second of each layer under the limits of the machine",
    "energy": "energy of each layer by component",
    "waterfall": "cycles from the peak to the actual ones, by the steps of Eyexam",
    "stalls": "where the cycles of each layer went",
    "timeline": "what each PE does over time",
    "links": "words over each link of the mesh, in a layer",
    "mapping": "what each PE holds, how words move between PEs, and the loop nest, of a layer",
    "pareto": "all points of a sweep in two results, and their front",
    "parallel": "the axes and results of a sweep side by side, a line for each point",
    "trend": "the best of a result along one axis of a sweep",
    "architecture": "the machine by itself: its clusters and networks, one cluster inside, one PE inside",
}
"""What each kind shows."""
_OF_SWEEPS = ("pareto", "parallel", "trend")
_OF_ARCHITECTURES = ("architecture",)
_CHOICES = {
    "cycles": ("timeline",), "clusters": ("timeline",), "tensor": ("links",), "x": ("pareto", "trend"),
    "y": ("pareto", "trend"), "color": ("pareto", "parallel"),
}  # fmt: skip
"""Options that only some kinds have."""


@dataclass(frozen=True)
class FigureOf:
    """Request for a figure of a simulated network; the fields are parameters of the command."""

    choices: Choices
    arch: str
    overrides: tuple[tuple[str, str], ...]
    fidelity: Fidelity
    objective: Objective
    mapping: str | None
    batch: int
    layers: tuple[str, ...]
    seed: int
    jobs: int


@click.command(epilog="Kinds: " + "; ".join(f"{kind}: {what}" for kind, what in KINDS.items()) + ".")
@click.argument("kind", type=click.Choice(list(KINDS)), metavar="KIND")
@click.argument("subject", type=shared_options.NameOrFile("workload"), metavar="WORKLOAD|STORE|ARCH")
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The file to write, in the format of its suffix .svg, .pdf or .png.",
)
@shared_options.arch_option
@shared_options.fidelity_option
@shared_options.objective_option
@shared_options.mapping_option
@shared_options.batch_option
@shared_options.layer_option
@shared_options.set_option
@shared_options.workload_choices
@shared_options.seed_option
@shared_options.jobs_option
@click.option(
    "--cycles", default="0:2000", show_default=True, metavar="A:B", callback=shared_options.parse_cycles,
    help="timeline: the cycles that are drawn.",
)  # fmt: skip
@click.option(
    "--clusters", default="", metavar="N,N...", callback=shared_options.parse_clusters,
    help="timeline: the clusters that are drawn.  [default: those that there is room for]",
)  # fmt: skip
@click.option("--tensor", default="", metavar="TENSOR", help="links: iact, weight or psum.  [default: all]")
@click.option("-x", "--x", "x", default="", metavar="NAME", help="pareto: a result; trend: an axis of the sweep.")
@click.option("-y", "--y", "y", default="", metavar="NAME", help="pareto, trend: a result.")
@click.option("--color", default="", metavar="NAME", help="pareto, parallel: what gives the colour.")
@click.option("--sweep", "name", default="", metavar="NAME", help="Of the sweeps in the store, this one.")
@shared_options.gathered_into(FigureOf, "ask")
@click.pass_context
def command(ctx: click.Context, /, kind: str, subject: str, out: Path, name: str, ask: FigureOf, **asked: Any) -> None:
    """A figure of a simulated network, of a sweep, or of a machine, as a file.

    KIND is what is drawn (see below), of a WORKLOAD as `simulate` takes it, of the STORE of a sweep, or of an ARCH, a
    built-in architecture or a file.  Figures need the extra "plot" (matplotlib).
    """
    from accelerator_sim.figure.canvas import dumps, format_of, styled

    output.check_outputs([out], [subject])
    form = format_of(out)
    styled()  # says at once what is to be installed
    for option, kinds in _CHOICES.items():
        if given(ctx, option) and kind not in kinds:
            raise UsageError(f"--{option} is of {' and '.join(kinds)}, not of {kind}")
    chosen = {option: asked[option] for option, kinds in _CHOICES.items() if kind in kinds}
    result = _subject(ctx, subject, kind, name, ask)
    from accelerator_sim.figure.figure_kinds import draw

    output.write(dumps(draw(result, kind, chosen), form), out)
    output.note(f"wrote {out}")
    if kind not in (*_OF_SWEEPS, *_OF_ARCHITECTURES):
        print_failed_layers(result)
        ctx.exit(result.exit_code)


def _subject(ctx: click.Context, subject: str, kind: str, name: str, ask: FigureOf) -> Any:
    """Open, load or simulate what is drawn.  Raises UsageError for options that a machine by itself has not."""
    if kind in _OF_SWEEPS:
        from accelerator_sim.sweeps.opened import Sweep

        return Sweep.open(subject, name)
    if kind in _OF_ARCHITECTURES:
        from accelerator_sim.architecture.load import load_architecture

        for parameter in ctx.command.params:
            if parameter.name not in ("kind", "subject", "out", "overrides") and given(ctx, parameter.name or ""):
                raise UsageError(f"{parameter.opts[-1]} is not of {kind}, which takes -o and --set only")
        return load_architecture(subject, ask.overrides)
    return _run(subject, kind, ask)


def _run(workload: str, kind: str, ask: FigureOf) -> NetworkResult:
    """Simulate what is drawn, with its progress on standard error."""
    from accelerator_sim.cli.compiled_kernels import warm
    from accelerator_sim.cli.progress import ProgressLine
    from accelerator_sim.run.network_run import simulate_network
    from accelerator_sim.run.options import Options

    network, architecture, technology = load_inputs(workload, ask.choices, ask.arch, ask.overrides)
    plan = load_mappings(ask.mapping, architecture, network.with_batch(ask.batch))
    network.select(ask.layers)
    warm(ask.jobs, ask.fidelity)
    options = Options(ask.objective, ask.batch, ask.layers, plan, ask.seed, ask.jobs, ask.fidelity)
    with ProgressLine() as progress:
        result = simulate_network(network, architecture, technology, options, progress)
    print_reading_notes(network)
    return result
