"""`accelerator-sim sweep`, and `sweep best`, `front` and `export` for what is in a store."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from accelerator_sim.cli import output, shared_options
from accelerator_sim.cli.sweep_notes import print_size, print_summary, speed
from accelerator_sim.files.errors import AcceleratorSimError, UsageError
from accelerator_sim.files.paths import is_file

if TYPE_CHECKING:
    from accelerator_sim.results.provenance import Provenance, SourceFile
    from accelerator_sim.results.tabular import Row
    from accelerator_sim.run.workers import Pool
    from accelerator_sim.sweeps.records import Goal
    from accelerator_sim.sweeps.spec import SweepPlan
    from accelerator_sim.sweeps.store import About, Store
    from accelerator_sim.sweeps.sweep_run import Summary, SweepState

_STORES = (".sqlite", ".sqlite3", ".db")
"""Suffixes of stores."""


class SweepGroup(click.Group):
    """A group whose first word is a sub-command, or else the file of a sweep to run."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the usual sub-command before words that begin with none."""
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=SweepGroup)
def command() -> None:
    """Many variations of a machine on many networks.

    `sweep SPEC.yaml` (short for `sweep run SPEC.yaml`) runs the points missing from the store; `sweep best STORE`,
    `sweep front STORE` and `sweep export STORE` read the store.
    """


def _jobs(ctx: click.Context, param: click.Parameter, value: str) -> int:
    if value == "auto":
        return os.cpu_count() or 1
    if not value.isdecimal() or not 1 <= int(value) <= 1024:
        raise click.BadParameter(f"{value!r} is neither a number from 1 to 1024 nor auto")
    return int(value)


_format = click.option(
    "--format",
    "asked",
    type=click.Choice(["table", "json", "csv", "tsv"]),
    help="Default: a table on a terminal, else tab-separated.",
)


@command.command("run")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--store",
    "store_path",
    type=click.Path(path_type=Path),
    metavar="STORE",
    help="The store, an SQLite file.  [default: the name of SPEC with .sqlite]",
)
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write all results here, in the format of the suffix .csv, .tsv, .json or .parquet.",
)
@click.option(
    "--jobs",
    default="1",
    show_default=True,
    callback=_jobs,
    metavar="N|auto",
    help="Worker processes; auto: all CPUs.",
)
@click.option("--cluster", metavar="tcp://HOST:PORT", help="Run on the workers of this Dask scheduler.")
@click.option("--pareto", metavar="X,Y", help="Show the front of these results.  [default: the sweep's objectives]")
@click.option("--retry", is_flag=True, help="Run failed points again.")
@click.option("--dry-run", is_flag=True, help="Show the number of points and about how long they take.")
@_format
@shared_options.report_option
@click.pass_context
def run(
    ctx: click.Context,
    spec: Path,
    store_path: Path | None,
    out: Path | None,
    jobs: int,
    cluster: str | None,
    pareto: str | None,
    retry: bool,
    dry_run: bool,
    asked: str | None,
    report: Path | None,
) -> None:
    """Run a sweep.  After an interruption, the same command resumes where it stopped."""
    store_path, out = _paths(spec, store_path, out)
    output.check_outputs([out, store_path, report], [str(spec)])
    form = _form(out) if out else output.pick_format(asked, None)

    from accelerator_sim.cli.compiled_kernels import warm
    from accelerator_sim.run.workers import pool_of
    from accelerator_sim.sweeps.spec import load_sweep
    from accelerator_sim.sweeps.store import Store

    sweep = load_sweep(spec)
    goals = _goals(pareto or ",".join(sweep.spec.objectives))
    if dry_run:
        print_size(sweep, jobs)
        return
    origin = _origin(sweep, spec, [store_path, out, report]) if report else None
    fidelity = "event" if any(stage.fidelity != "analytical" for stage in sweep.stages) else "analytical"
    warm(2, "cycle" if any(stage.fidelity == "cycle" for stage in sweep.stages) else fidelity)
    pool = _cluster(cluster) if cluster else pool_of(jobs)
    with Store(store_path) as store:
        summary = _run(sweep, store, pool, goals[0], retry)
        if out is not None or not summary.interrupted:
            _show_sweep(store, summary.name, goals, form, out)
        if report and origin:
            from accelerator_sim.report.html import sweep_page as page

            output.write(page.dumps(sweep, summary, store.rows(summary.name), goals, origin), report)
            output.note(f"wrote {report}")
        print_summary(summary, store_path)
    ctx.exit(130 if summary.interrupted else 5 if summary.failed else 0)


def _paths(spec: Path, store_path: Path | None, out: Path | None) -> tuple[Path, Path | None]:
    """The store of the results, and the file that they are written to; in former versions, -o was the store."""
    if out is not None and out.suffix.lower() in _STORES:
        if store_path is not None:
            raise UsageError(f"-o {out}: results are not written as a store; --store {store_path} is one already")
        output.note(f"note: -o {out} is taken as the store; write --store {out}")
        store_path, out = out, None
    return store_path or Path(spec.stem + ".sqlite"), out


def _form(out: Path) -> str:
    """The format of a suffix.  Raises UsageError for an unknown suffix."""
    from accelerator_sim.sweeps.export import FORMATS

    form = out.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise UsageError(f"{out}: the suffix names no format; use {', '.join(f'.{each}' for each in FORMATS)}")
    return form


def _run(sweep: SweepPlan, store: Store, pool: Pool, goal: Goal, retry: bool) -> Summary:
    """Run a sweep, with its progress on standard error."""
    from accelerator_sim.cli.progress import ProgressLine
    from accelerator_sim.sweeps.sweep_run import run_sweep

    with ProgressLine("results") as line:
        begun: dict[int, tuple[float, int]] = {}

        def show(state: SweepState) -> None:
            if state.stage not in begun:  # its first result: what was there before costs nothing
                begun[state.stage] = time.monotonic(), state.done
                return
            start, done = begun[state.stage]
            line(state.done, state.results, speed(state, (state.done - done) / (time.monotonic() - start), goal))

        return run_sweep(sweep, store, pool, show, retry)


def _show_sweep(store: Store, name: str, goals: list[Goal], form: str, out: Path | None) -> None:
    """Write all results of a sweep; on a terminal its front."""
    from accelerator_sim.report.pareto_text import render_front
    from accelerator_sim.sweeps.database import MACS
    from accelerator_sim.sweeps.export import export
    from accelerator_sim.sweeps.records import each_point, front_in

    if form != "table":
        with output.opened(out) as stream:
            export(lambda: store.each(name), form, stream)
        if out is not None:
            output.note(f"wrote {out}")
        return
    stage, _ = store.last_stage(name)
    best = {row["point"]: row for row in front_in(store, name, goals)}
    fields = [goal.field for goal in goals] + [MACS[0]]
    rows = [  # of all points no more than what is drawn
        best.get(row["point"]) or {field: row.get(field) for field in fields}
        for row in each_point(store.each(name, stage))
    ]
    linked = store.about(name).linked
    output.write(render_front(rows, goals, output.width(), output.on_terminal(), linked), None)


@command.command("best")
@click.argument("store", type=click.Path(path_type=Path))
@click.option(
    "--by",
    metavar="RESULT",
    help="Best first; -RESULT reverses the order.  [default: the sweep's first objective, else edp]",
)
@click.option(
    "-n", "count", type=click.IntRange(min=1), default=10, show_default=True, metavar="N", help="Number of points."
)
@click.option("--sweep", "name", metavar="NAME", help="Of the sweeps in the store, this one.")
@_format
@shared_options.output_option
def best(store: Path, by: str | None, count: int, name: str | None, asked: str | None, out: Path | None) -> None:
    """List the best points of a store by one result."""
    from accelerator_sim.sweeps import records

    output.check_outputs([out], [str(store)])
    _goals(by or "edp", most=1)
    with _opened(store) as opened:
        sweeps = _sweeps(opened, name)
        about = records.about_all(opened, sweeps)
        (goal,) = _goals(by or (about.objectives[0] if about.objectives else "edp"), most=1)
        rows = [row for each in sweeps for row in records.best_in(opened, each, goal, count)]
    _show_records(records.best({row["key"]: row for row in rows}.values(), goal, count), [goal], about, asked, out)


@command.command("front")
@click.argument("store", type=click.Path(path_type=Path))
@click.option(
    "--pareto",
    metavar="X,Y...",
    help="Two or more results.  [default: the sweep's objectives, else latency,energy_total]",
)
@click.option("--sweep", "name", metavar="NAME", help="Of the sweeps in the store, this one.")
@_format
@shared_options.output_option
def front(store: Path, pareto: str | None, name: str | None, asked: str | None, out: Path | None) -> None:
    """List the Pareto front of a store: the points that no other point dominates."""
    from accelerator_sim.sweeps import records

    output.check_outputs([out], [str(store)])
    _goals(pareto or "edp")
    with _opened(store) as opened:
        sweeps = _sweeps(opened, name)
        about = records.about_all(opened, sweeps)
        goals = _goals(pareto or ",".join(about.objectives or ("latency", "energy_total")))
        rows = [row for each in sweeps for row in records.front_in(opened, each, goals)]
    _show_records(records.front_of({row["key"]: row for row in rows}.values(), goals), goals, about, asked, out)


@command.command("export")
@click.argument("store", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    required=True,
    help="The file to write, in the format of its suffix .csv, .tsv, .json or .parquet.",
)
@click.option("--sweep", "name", metavar="NAME", help="Of the sweeps in the store, this one.")
def export_command(store: Path, out: Path, name: str | None) -> None:
    """Write all results of a store to a file for other programs."""
    from accelerator_sim.sweeps.export import export

    output.check_outputs([out], [str(store)])
    form = _form(out)
    with _opened(store) as opened:
        sweeps = _sweeps(opened, name)
        with output.opened(out) as stream:
            export(lambda: (row for each in sweeps for row in opened.each(each)), form, stream)


def _show_records(rows: list[Row], goals: list[Goal], about: About, asked: str | None, out: Path | None) -> None:
    from accelerator_sim.report.pareto_text import render_records
    from accelerator_sim.sweeps.export import export

    form = output.pick_format(asked, out)
    if form == "table":
        color = out is None and output.on_terminal()
        output.write(render_records(rows, goals, output.width(), color, about.linked), out)
    else:
        with output.opened(out) as stream:
            export(lambda: rows, form, stream)
    if out is not None:
        output.note(f"wrote {out}")


def _opened(path: Path) -> Store:
    """Open a store for reading only."""
    from accelerator_sim.sweeps.store import Store

    if not is_file(path):
        raise UsageError(f"{path}: no such store")
    return Store(path, read_only=True)


def _sweeps(store: Store, name: str | None) -> list[str]:
    names = store.sweeps()
    if name is None:
        return names
    matches = [each for each in names if each.startswith(name)]
    if len(matches) != 1:
        raise UsageError(
            f"--sweep {name}: {len(matches)} sweeps begin with this; the store has {', '.join(names) or 'none'}"
        )
    return matches


def _goals(text: str, most: int = 8) -> list[Goal]:
    from accelerator_sim.sweeps.records import goal_of

    words = text.split(",")
    if len(words) > most:
        raise UsageError(f"{text!r}: at most {most} result{'s' if most > 1 else ''}")
    try:
        return [goal_of(word) for word in words]
    except ValueError as error:
        raise UsageError(str(error)) from None


def _cluster(address: str) -> Pool:
    from accelerator_sim.sweeps.cluster import cluster

    return cluster(address)


def _origin(sweep: SweepPlan, spec: Path, outputs: list[Path | None]) -> Provenance:
    """The origin stated on a page: all files that are read, hashed before the run begins."""
    from accelerator_sim.cli.command_line import command_line
    from accelerator_sim.results.provenance import Provenance, machine_files, source_file, workload_files
    from accelerator_sim.sweeps.planner import base_file, network_file
    from accelerator_sim.technology.machine_file import read_machine
    from accelerator_sim.workload.network_loader import load_network

    base = base_file(sweep)
    axes = {name: [value[at] for value in axis.values] for axis in sweep.axes for at, name in enumerate(axis.names)}
    names = list(dict.fromkeys([*sweep.spec.workloads, *axes.get("workload", ())]))
    paths = {name: network_file(sweep, name) for name in names}
    output.check_outputs(outputs, [str(base), *paths.values()])
    machine, _ = read_machine(base)
    sources = [(f"architecture {machine.name}", machine.source)]
    files = [source_file("sweep", str(spec), spec)]
    files += [_named(file, str(base), sweep.spec.architecture) for file in machine_files(str(base))]
    for table in axes.get("technology", ()):
        try:
            files += machine_files(str(base), [("technology", table)])[1:]
        except AcceleratorSimError:  # of the points that have it
            continue
    for name, file in paths.items():
        network = load_network(file)
        sources.append((f"workload {network.name}", network.source))
        files += [_named(each, file, name) for each in workload_files(file, network)]
    return Provenance(command_line(), (), tuple(dict.fromkeys(files)), tuple(sources))


def _named(file: SourceFile, path: str, name: str) -> SourceFile:
    """A file by its name as given, without the folder where it was found."""
    return replace(file, name=name + file.name.removeprefix(path)) if file.name.startswith(path) else file
