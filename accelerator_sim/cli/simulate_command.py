"""`accelerator-sim simulate`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from accelerator_sim.cli import output, shared_options
from accelerator_sim.cli.inputs import given, load_inputs, load_mappings, mapping_files
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.vocabulary import REFINE, Fidelity, Masks, Objective

if TYPE_CHECKING:
    from accelerator_sim.architecture.architecture import Architecture
    from accelerator_sim.results.network_result import NetworkResult
    from accelerator_sim.results.provenance import Provenance, SourceFile
    from accelerator_sim.technology.technology import Technology
    from accelerator_sim.workload.choices import Choices
    from accelerator_sim.workload.network import Network


@click.command()
@click.argument("workload", type=shared_options.NameOrFile("workload"), required=False)
@click.option(
    "--from",
    "origin",
    metavar="STORE:KEY",
    help="Instead of WORKLOAD: simulate a result of a sweep again, by its key.",
)
@shared_options.arch_option
@shared_options.fidelity_option
@click.option("--verify", is_flag=True, help="Carry values clock by clock; compare all outputs with a reference.")
@click.option(
    "--masks",
    type=shared_options.OneOf(Masks),
    default=Masks.CHANNELS.value,
    show_default=True,
    help="How zeros are drawn from densities: uneven between channels as in real layers, or independent.",
)
@click.option(
    "--refine",
    type=shared_options.whole(REFINE),
    metavar="K",
    help="Most mappings of a layer that the event engine runs, until no other can win.  [default: 5]",
)
@shared_options.objective_option
@shared_options.mapping_option
@shared_options.batch_option
@shared_options.layer_option
@shared_options.set_option
@shared_options.workload_choices
@shared_options.seed_option
@shared_options.jobs_option
@shared_options.output_options()
@click.option(
    "--save-mappings", type=click.Path(path_type=Path), metavar="FILE", help="Write the mappings of all layers here."
)
@shared_options.report_option
@click.option(
    "--trace",
    type=click.Path(path_type=Path),
    metavar="FILE.json.gz",
    help="Write the activity of every PE over time, for Perfetto.",
)
@click.option(
    "--trace-cycles",
    default="0:20000",
    show_default=True,
    metavar="A:B",
    callback=shared_options.parse_cycles,
    help="Cycles to trace.",
)
@click.option(
    "--trace-clusters",
    default="",
    metavar="N,N...",
    callback=shared_options.parse_clusters,
    help="Clusters to trace.  [default: all]",
)
@click.pass_context
def command(
    ctx: click.Context,
    workload: str | None,
    origin: str | None,
    choices: Choices,
    arch: str,
    fidelity: Fidelity,
    verify: bool,
    masks: Masks,
    refine: int | None,
    objective: Objective,
    mapping: str | None,
    batch: int,
    layers: tuple[str, ...],
    overrides: tuple[tuple[str, str], ...],
    seed: int,
    jobs: int,
    asked: str | None,
    out: Path | None,
    save_mappings: Path | None,
    report: Path | None,
    trace: Path | None,
    trace_cycles: tuple[int, int],
    trace_clusters: tuple[int, ...],
) -> None:
    """Cycles, energy and traffic of a network, layer by layer.

    WORKLOAD is a built-in name (`accelerator-sim list workloads`) or a file.
    """
    if origin is not None:
        if workload is not None:
            raise UsageError("WORKLOAD and --from are given; a result of a sweep has its own workload")
        from accelerator_sim.cli.stored_point import recall

        stored = recall(origin)
        workload, arch, choices = stored.workload, stored.arch, stored.choices
        overrides = stored.overrides + overrides
        fidelity = fidelity if given(ctx, "fidelity") else stored.fidelity
        objective = objective if given(ctx, "objective") else stored.objective
        batch = batch if given(ctx, "batch") else stored.batch
        seed = seed if given(ctx, "seed") else stored.seed
    if workload is None:
        raise click.MissingParameter(ctx=ctx, param_hint="'WORKLOAD'", param_type="argument")
    from accelerator_sim.run.options import Options, engine

    fidelity = engine(None if verify and not given(ctx, "fidelity") else fidelity, verify)
    inputs = [workload, arch, *([mapping] if mapping and Path(mapping) in (out, report) else [])]
    output.check_outputs([out, save_mappings, report, trace], inputs)
    if trace and fidelity is Fidelity.ANALYTICAL:
        raise UsageError("--trace needs times, which --fidelity analytical does not have; use event or cycle")

    from accelerator_sim.cli.compiled_kernels import warm
    from accelerator_sim.cli.progress import ProgressLine
    from accelerator_sim.mapping.file import dump_mappings
    from accelerator_sim.run.network_run import simulate_network

    network, architecture, technology = load_inputs(workload, choices, arch, overrides)
    files = files_of(workload, network, arch, overrides, mapping) if report else ()
    whole = network.with_batch(batch)  # tiles of N in a mapping file count the batch
    plan = load_mappings(mapping, architecture, whole)
    network.select(layers)
    warm(jobs, fidelity)
    chosen = Options(objective, batch, layers, plan, seed, jobs, fidelity, verify, masks, refine)
    with ProgressLine() as progress:
        result = simulate_network(network, architecture, technology, chosen, progress)

    output.write(_text(result, output.pick_format(asked, out), out is None), out)
    if save_mappings:
        output.write(dump_mappings(result.schedules().items()), save_mappings)
    if report:
        from accelerator_sim.eyexam.explain import explained_for_page
        from accelerator_sim.report.html import simulation_page

        provenance = origin_of(network, architecture, technology, overrides, files)
        output.write(simulation_page.dumps(result, provenance, explained_for_page(result)), report)
    if trace:
        from accelerator_sim.report.chrome_trace import dumps
        from accelerator_sim.run import trace as traces

        traced = traces.TraceWindow(*trace_cycles, trace_clusters)
        spans = list(traces.trace(result, traced))
        output.write(dumps(spans), trace)
        if warning := traces.warning_of(spans, traced):
            click.echo(f"warning: {warning}", err=True)
    print_reading_notes(network)
    _notes(result, [path for path in (out, report) if path])
    ctx.exit(result.exit_code)


def print_reading_notes(network: Network) -> None:
    """Print on standard error what was assumed or left out when reading the file of another tool."""
    from accelerator_sim.workload.formats.readers import is_foreign

    if network.notes and is_foreign(Path(network.file)):
        output.note(f"note: {network.name}: {network.notes}")


def origin_of(
    network: Network,
    architecture: Architecture,
    technology: Technology,
    overrides: tuple[tuple[str, str], ...],
    files: tuple[SourceFile, ...],
) -> Provenance:
    """Where the figures on a page come from."""
    from accelerator_sim.cli.command_line import command_line
    from accelerator_sim.results.provenance import Provenance

    sources = (
        (f"workload {network.name}", f"{network.source}. {network.notes}"),
        (f"architecture {architecture.name}", architecture.source),
        (f"technology {technology.name}", technology.source),
    )
    return Provenance(command_line(), overrides, files, sources)


def files_of(
    workload: str, network: Network, arch: str, overrides: Sequence[tuple[str, str]], mapping: str | None
) -> tuple[SourceFile, ...]:
    """The files that a run reads, hashed before it begins, so that the hashes are of what was read."""
    from accelerator_sim.results.provenance import machine_files, workload_files

    return (*workload_files(workload, network), *machine_files(arch, overrides), *mapping_files(mapping))


def _text(result: NetworkResult, form: str, to_stdout: bool) -> str | Iterable[str]:
    """The result in a format, in pieces where it may be long."""
    if form == "json":
        from accelerator_sim.report.json import stream

        return stream(result.head_dict(), "layers", result.layer_dicts())
    if form in ("csv", "tsv"):
        from accelerator_sim.results.tabular import rows_lines

        return rows_lines(result.iter_rows(), "," if form == "csv" else "\t", result.columns)
    from accelerator_sim.report import tables

    return tables.render(result, output.width(), to_stdout and output.on_terminal())


def _notes(result: NetworkResult, written: Sequence[Path]) -> None:
    """Print on standard error what a reader of the numbers has to know."""
    for text in (*result.notes, *result.assumptions):
        output.detail(text)
    from accelerator_sim.technology.energy_unit import EnergyUnit

    for path in written:
        output.note(f"wrote {path}")
    if result.energy_unit is EnergyUnit.MAC:
        output.note(f"note: {result.technology} is normalised: energies are multiples of one MAC, not joules")
    print_failed_layers(result)


def print_failed_layers(result: NetworkResult) -> None:
    """Print on standard error the layers that did not run."""
    if result.interrupted:
        click.echo("interrupted; what was finished is complete", err=True)
    elif result.failed:
        click.echo(f"{len(result.failed)} of {len(result.layers)} layers failed:", err=True)
        for layer in result.failed:
            named = f"layer {layer.layer.name}" in (layer.error or "")
            click.echo(f"  {layer.error}" if named else f"  layer {layer.layer.name}: {layer.error}", err=True)
