"""`accelerator-sim compare`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from accelerator_sim.cli import output, shared_options
from accelerator_sim.cli.inputs import OneMachine, given, load_all, load_mappings, mapping_files, one_machine
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.vocabulary import (
    BoardBoundary,
    ChipBoundary,
    Fidelity,
    NumberFormat,
    Objective,
)

if TYPE_CHECKING:
    from accelerator_sim.comparison.machine_comparison import Comparison
    from accelerator_sim.report.compared import Wanted
    from accelerator_sim.results.provenance import SourceFile
    from accelerator_sim.run.options import Options
    from accelerator_sim.workload.choices import Choices
    from accelerator_sim.workload.network import Network

LISTS = ("--arch", "--baseline")

OF_ONE_MACHINE = {"batch", "layers", "objective", "jobs", "asked", "out"}
WITH_NOC = OF_ONE_MACHINE | {"noc", "fidelity", "seed"}
WITH_DATAFLOW = OF_ONE_MACHINE | {"flows", "same_area"}
"""Parameters allowed with --noc and with --dataflow, besides those of the workload and --arch."""


class ListCommand(click.Command):
    """A command whose --arch and --baseline take one or more names: `--arch A B`, or `--arch A --arch B`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the list option before each of its names; the first bare word is the workload."""
        takes = {name for p in self.params if isinstance(p, click.Option) and not p.is_flag for name in p.opts}
        spread: list[str] = []
        last, workload = "", False
        words = iter(args)
        for word in words:
            option, equals, _ = word.partition("=")
            if word == "--":
                spread += [word, *words]
            elif word.startswith("-"):
                last = option if option in LISTS else ""
                spread.append(word)
                if option in takes and not equals:
                    spread += [value for value in [next(words, None)] if value is not None]
            elif last and workload:
                spread += [last, word]
            else:
                workload = True
                spread.append(word)
        return super().parse_args(ctx, spread)


def _price(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    from accelerator_sim.files.units import PRICE_PER_ENERGY

    price: float | None = _quantity(value, PRICE_PER_ENERGY)
    return price


def _size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    from accelerator_sim.files.units import BYTES

    size: int | None = _quantity(value, BYTES)
    return size


def _quantity(value: str | None, dimension: Any) -> Any:
    from accelerator_sim.files.units import parse_quantity

    try:
        return None if value is None else parse_quantity(value, dimension)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(cls=ListCommand)
@shared_options.workload_argument
@click.option(
    "--arch",
    "archs",
    multiple=True,
    type=shared_options.NameOrFile("architecture"),
    metavar="ARCH...",
    help="Machines: built-in names or .yaml files.  Ratios are relative to the first.  [default: eyeriss_v2]",
)
@click.option(
    "--baseline",
    "baselines",
    multiple=True,
    type=shared_options.NameOrFile("baseline"),
    metavar="NAME...",
    help="Devices: built-in names (`accelerator-sim list baselines`) or .yaml files.",
)
@click.option("--noc", metavar="NAME,...", help="Same as the command compare-noc.")
@click.option("--dataflow", "flows", metavar="NAME,...", help="Same as the command compare-dataflow.")
@click.option("--equal-area", "same_area", is_flag=True, help="With --dataflow: same as with compare-dataflow.")
@shared_options.batch_option
@shared_options.workload_choices
@shared_options.layer_option
@click.option(
    "--precision",
    type=shared_options.OneOf(NumberFormat),
    help="Number format of the baselines.  [default: fp16 where the device has it, else its own]",
)
@click.option("--stack", metavar="NAME", help="Software of the baselines.  [default: set by each device, e.g. tuned]")
@click.option(
    "--chip-boundary",
    type=shared_options.OneOf(ChipBoundary),
    default=ChipBoundary.CHIP_AND_DRAM.value,
    show_default=True,
    help="What an accelerator's energy includes.",
)
@click.option(
    "--board-boundary",
    type=shared_options.OneOf(BoardBoundary),
    default=BoardBoundary.BOARD.value,
    show_default=True,
    help="What a baseline's energy includes: the whole board, or only what it draws above idle.",
)
@click.option("--all-boundaries", is_flag=True, help="Print every ratio for which there are data.")
@click.option(
    "--grid", metavar="NAME", help="Add energy, carbon and cost of a year on this grid, e.g. world, usa, france."
)
@click.option(
    "--inferences-per-day",
    type=shared_options.Finite(min=0, min_open=True),
    default=1000.0,
    show_default=True,
    metavar="N",
)
@click.option("--devices", type=click.IntRange(min=1), default=1, show_default=True, metavar="N")
@click.option(
    "--price",
    callback=_price,
    metavar="PRICE",
    help='Price of electricity, e.g. "0.16 $/kWh".  [default: that of the grid, if known]',
)
@click.option(
    "--send",
    "links",
    multiple=True,
    metavar="LINK",
    help="Add the energy of sending the input away: wifi, lte, 5g, or all; repeatable.",
)
@click.option(
    "--input-size",
    callback=_size,
    metavar="SIZE",
    help='Size of the input to send, e.g. "40 kB".  [default: 1 B per word]',
)
@shared_options.objective_option
@shared_options.mapping_option
@shared_options.fidelity_option
@shared_options.seed_option
@shared_options.jobs_option
@shared_options.output_options()
@shared_options.report_option
@click.pass_context
def command(
    ctx: click.Context,
    workload: str,
    choices: Choices,
    archs: tuple[str, ...],
    baselines: tuple[str, ...],
    noc: str | None,
    flows: str | None,
    same_area: bool,
    batch: int,
    layers: tuple[str, ...],
    precision: NumberFormat | None,
    stack: str | None,
    chip_boundary: ChipBoundary,
    board_boundary: BoardBoundary,
    all_boundaries: bool,
    grid: str | None,
    inferences_per_day: float,
    devices: int,
    price: float | None,
    links: tuple[str, ...],
    input_size: int | None,
    objective: Objective,
    mapping: str | None,
    fidelity: Fidelity,
    seed: int,
    jobs: int,
    asked: str | None,
    out: Path | None,
    report: Path | None,
) -> None:
    """Energy and latency of a network on several machines, side by side with mobile GPUs.

    Every energy is per inference and is shown with its batch, number format, power boundary and software.
    """
    if noc is not None:
        from accelerator_sim.cli import compare_noc_command

        arch = one_machine(ctx, "--noc", WITH_NOC, archs)
        one = OneMachine(workload, choices, arch, batch, layers, objective, jobs, asked, out)
        compare_noc_command.run(ctx, noc, one, fidelity, seed)
    if flows is not None:
        from accelerator_sim.cli import compare_dataflow_command

        arch = one_machine(ctx, "--dataflow", WITH_DATAFLOW, archs)
        goal = objective if given(ctx, "objective") else Objective.ENERGY  # the default of compare-dataflow
        one = OneMachine(workload, choices, arch, batch, layers, goal, jobs, asked, out)
        compare_dataflow_command.run(ctx, flows, one, same_area)
    if same_area:
        raise UsageError("--equal-area requires --dataflow; add e.g. --dataflow rs,ws,os,is,nlr")
    names = archs or ("eyeriss_v2",)
    if mapping is not None and len(names) > 1:
        raise UsageError(f"--mapping takes one --arch; {len(names)} given")
    output.check_outputs([out, report], [workload, *names, *baselines, *([mapping] if mapping else [])])

    from accelerator_sim.baseline.measured_device import load_baseline
    from accelerator_sim.cli.compiled_kernels import warm
    from accelerator_sim.cli.progress import ProgressLine
    from accelerator_sim.cli.simulate_command import print_failed_layers, print_reading_notes
    from accelerator_sim.comparison.compare_machines import Question, compare
    from accelerator_sim.report.compared import Wanted
    from accelerator_sim.run.options import Options
    from accelerator_sim.technology.machine_file import load_machine
    from accelerator_sim.workload.network_loader import load_network

    sources: list[tuple[Any, str]] = [(partial(load_network, choices=choices), workload)]
    sources += [*((load_machine, name) for name in names), *((load_baseline, name) for name in baselines)]
    loaded = load_all(sources)
    network, machines, chosen = loaded[0], loaded[1 : 1 + len(names)], loaded[1 + len(names) :]
    wanted = Wanted(all_boundaries, _use(grid, inferences_per_day, devices, price), _links(links), input_size)
    files = _files(workload, network, names, baselines, mapping) if report else ()
    plan = load_mappings(mapping, machines[0][0], network.with_batch(batch))
    network.select(layers)
    warm(jobs, fidelity)
    settings = Options(objective, batch, layers, plan, seed=seed, jobs=jobs, fidelity=fidelity)
    question = Question(settings, precision, stack, chip_boundary, board_boundary)
    with ProgressLine() as progress:
        comparison = compare(network, machines, chosen, question, progress)
    output.write(_text(comparison, wanted, output.pick_format(asked, out), out is None), out)
    if report:
        output.write(_page(comparison, wanted, files, settings), report)
    for path in (out, report):
        if path is not None:
            output.note(f"wrote {path}")
    print_reading_notes(network)
    for run in comparison.runs:
        print_failed_layers(run)
    ctx.exit(comparison.exit_code)


def _files(
    workload: str, network: Network, archs: Iterable[str], baselines: Iterable[str], mapping: str | None
) -> tuple[SourceFile, ...]:
    """All files that are read, each once, hashed before the run begins."""
    from accelerator_sim.results.provenance import baseline_files, machine_files, workload_files

    files = workload_files(workload, network)
    files += [file for name in archs for file in machine_files(name)]
    files += [file for name in baselines for file in baseline_files(name)]
    files += mapping_files(mapping)
    return tuple(dict.fromkeys(files))


def _page(comparison: Comparison, wanted: Wanted, files: tuple[SourceFile, ...], settings: Options) -> str:
    from accelerator_sim.cli.command_line import command_line
    from accelerator_sim.eyexam.explain import explained_for_page
    from accelerator_sim.report.html import comparison_page as page
    from accelerator_sim.results.provenance import Provenance

    sources = [(f"workload {comparison.workload}", comparison.workload_source)]
    sources += [(f"architecture {run.architecture.name}", run.architecture.source) for run in comparison.runs]
    sources += [(f"baseline {device.name}", device.source) for device in comparison.devices]
    explained = [explanation for run in comparison.runs if (explanation := explained_for_page(run)) is not None]
    return page.dumps(comparison, wanted, Provenance(command_line(), (), files, tuple(sources)), explained)


def _use(grid: str | None, inferences_per_day: float, devices: int, price: float | None) -> Any:
    from accelerator_sim.footprint.bill import Use
    from accelerator_sim.footprint.figures import grid as look_up

    if grid is None:
        context = click.get_current_context()
        needless = [name for name in ("inferences_per_day", "devices", "price") if given(context, name)]
        if needless:
            raise UsageError(f"--{needless[0].replace('_', '-')} requires --grid; add e.g. --grid world")
        return None
    look_up(grid)
    return Use(grid, inferences_per_day, devices, price)


def _links(names: tuple[str, ...]) -> tuple[str, ...]:
    from accelerator_sim.footprint.figures import link, load_figures

    if "all" in names:
        return tuple(load_figures().links)
    for name in names:
        link(name)
    return tuple(dict.fromkeys(names))


def _text(comparison: Comparison, wanted: Wanted, form: str, to_stdout: bool) -> str:
    from accelerator_sim.report import comparison_table as report

    if form == "json":
        return report.dumps_json(comparison, wanted)
    if form in ("csv", "tsv"):
        return report.dumps_rows(comparison, wanted, "," if form == "csv" else "\t")
    return report.render(comparison, wanted, output.width(), to_stdout and output.on_terminal())
