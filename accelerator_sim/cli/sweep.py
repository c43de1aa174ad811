"""`accelerator-sim sweep`, and `sweep best`, `front` and `export` for what is in a store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from accelerator_sim.cli import options, output
from accelerator_sim.files.errors import AcceleratorSimError, UsageError

if TYPE_CHECKING:
    from accelerator_sim.study.provenance import Provenance, SourceFile
    from accelerator_sim.study.tabular import Row
    from accelerator_sim.study.workers import Pool
    from accelerator_sim.sweep.results import Goal
    from accelerator_sim.sweep.run import State, Summary
    from accelerator_sim.sweep.spec import Sweep
    from accelerator_sim.sweep.store import Store

MOST_TOLD = 20
"""Failed points that are listed one by one."""


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

    `sweep SPEC.yaml` (short for `sweep run SPEC.yaml`) runs what the store has not yet; `sweep best STORE` and `sweep
    front STORE` and `sweep export STORE` read what it has.
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
    "-o", "--store", "place", type=click.Path(path_type=Path), metavar="STORE", help="Default: SPEC with .sqlite."
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
@click.option("--pareto", metavar="X,Y", help="Results whose front is shown.  [default: the sweep's objectives]")
@click.option("--retry", is_flag=True, help="Run again what failed before.")
@click.option("--dry-run", is_flag=True, help="Tell how many points there are and about how long they take.")
@_format
@options.report_option
@click.pass_context
def run(
    ctx: click.Context,
    spec: Path,
    place: Path | None,
    jobs: int,
    cluster: str | None,
    pareto: str | None,
    retry: bool,
    dry_run: bool,
    asked: str | None,
    report: Path | None,
) -> None:
    """Run a sweep.  Run it again after an interruption: it goes on where it stopped."""
    place = place or Path(spec.stem + ".sqlite")
    output.check_outputs([place, report], [str(spec)])

    from accelerator_sim.cli.kernels import warm
    from accelerator_sim.cli.progress import ProgressLine
    from accelerator_sim.report.pareto import render_front
    from accelerator_sim.study.workers import pool_of
    from accelerator_sim.sweep.results import by_point, last_stage
    from accelerator_sim.sweep.run import run_sweep
    from accelerator_sim.sweep.spec import load_sweep
    from accelerator_sim.sweep.store import Store

    sweep = load_sweep(spec)
    goals = _goals(pareto or ",".join(sweep.spec.objectives))
    if dry_run:
        _tell_size(sweep, jobs)
        return
    origin = _origin(sweep, spec, [place, report]) if report else None
    fidelity = "event" if any(stage.fidelity != "analytical" for stage in sweep.stages) else "analytical"
    warm(2, "cycle" if any(stage.fidelity == "cycle" for stage in sweep.stages) else fidelity)
    pool = _cluster(cluster) if cluster else pool_of(jobs)
    store = Store(place)
    with ProgressLine("results") as line:
        begun: dict[int, tuple[float, int]] = {}

        def show(state: State) -> None:
            if state.stage not in begun:  # its first result: what was there before costs nothing
                begun[state.stage] = time.monotonic(), state.done
                return
            start, done = begun[state.stage]
            line(state.done, state.results, _speed(state, (state.done - done) / (time.monotonic() - start), goals[0]))

        summary = run_sweep(sweep, store, pool, show, retry)
    rows = store.rows(summary.name)
    if not summary.interrupted:
        _show(
            rows, lambda: render_front(by_point(last_stage(rows)), goals, output.width(), output.on_terminal()), asked
        )
    if report and origin:
        from accelerator_sim.report.html import sweep as page

        output.write(page.dumps(sweep, summary, rows, goals, origin), report)
        click.echo(f"wrote {report}", err=True)
    _tell(summary, place)
    store.close()
    ctx.exit(130 if summary.interrupted else 5 if summary.failed else 0)


@command.command("best")
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--by", default="edp", show_default=True, metavar="RESULT", help="Best first; -RESULT turns it.")
@click.option("-n", "count", type=click.IntRange(min=1), default=10, show_default=True, metavar="N", help="Points.")
@click.option("--sweep", "name", metavar="NAME", help="Of the sweeps in the store, this one.")
@_format
def best(store: Path, by: str, count: int, name: str | None, asked: str | None) -> None:
    """The best points of a store by one result."""
    from accelerator_sim.sweep import results

    (goal,) = _goals(by, most=1)
    opened = _opened(store)
    unique = {row["key"]: row for each in _sweeps(opened, name) for row in results.best_in(opened, each, goal, count)}
    _show_records(results.best(unique.values(), goal, count), [goal], asked)


@command.command("front")
@click.argument("store", type=click.Path(path_type=Path))
@click.option(
    "--pareto", default="latency,energy_total", show_default=True, metavar="X,Y...", help="Results, two or more."
)
@click.option("--sweep", "name", metavar="NAME", help="Of the sweeps in the store, this one.")
@_format
def front(store: Path, pareto: str, name: str | None, asked: str | None) -> None:
    """The points of a store that no other one beats."""
    from accelerator_sim.sweep import results

    goals = _goals(pareto)
    opened = _opened(store)
    unique = {row["key"]: row for each in _sweeps(opened, name) for row in results.front_in(opened, each, goals)}
    _show_records(results.front_of(unique.values(), goals), goals, asked)


@command.command("export")
@click.argument("store", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    required=True,
    help="By its suffix .csv, .tsv, .json or .parquet.",
)
@click.option("--sweep", "name", metavar="NAME", help="Of the sweeps in the store, this one.")
def export_command(store: Path, out: Path, name: str | None) -> None:
    """All results of a store as a file for other programs."""
    from accelerator_sim.sweep.export import FORMATS, export

    output.check_outputs([out], [str(store)])
    form = out.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise UsageError(f"{out}: the suffix says no format; use {', '.join(f'.{each}' for each in FORMATS)}")
    opened = _opened(store)
    rows: list[Row] = []
    for each in _sweeps(opened, name):
        rows += opened.rows(each)
    output.write(export(rows, form), out)


def _show_records(rows: list[Row], goals: list[Goal], asked: str | None) -> None:
    from accelerator_sim.report.pareto import render_records

    _show(rows, lambda: render_records(rows, goals, output.width(), output.on_terminal()), asked)


def _show(rows: list[Row], table: Callable[[], str], asked: str | None) -> None:
    """Write rows in the format that is asked for; `table` makes that of a terminal."""
    from accelerator_sim.sweep.export import export

    form = output.pick_format(asked, None)
    output.write(table() if form == "table" else export(rows, form), None)


def _opened(path: Path) -> Store:
    from accelerator_sim.sweep.store import Store

    if not path.is_file():
        raise UsageError(f"{path}: no such store")
    return Store(path)


def _sweeps(store: Store, name: str | None) -> list[str]:
    names = store.sweeps()
    if name is None:
        return names
    found = [each for each in names if each.startswith(name)]
    if len(found) != 1:
        raise UsageError(f"--sweep {name}: {len(found)} sweeps begin so; the store has {', '.join(names) or 'none'}")
    return found


def _goals(text: str, most: int = 8) -> list[Goal]:
    from accelerator_sim.sweep.results import goal_of

    words = text.split(",")
    if len(words) > most:
        raise UsageError(f"{text!r}: at most {most} result{'s' if most > 1 else ''}")
    try:
        return [goal_of(word) for word in words]
    except ValueError as error:
        raise UsageError(str(error)) from None


def _cluster(address: str) -> Pool:
    from accelerator_sim.sweep.cluster import cluster

    return cluster(address)


def _origin(sweep: Sweep, spec: Path, outputs: list[Path | None]) -> Provenance:
    """What a page says of where it comes from: all files that are read, hashed before the run begins."""
    from accelerator_sim.cli.command_line import command_line
    from accelerator_sim.study.machine import read_machine
    from accelerator_sim.study.provenance import Provenance, machine_files, source_file, workload_files
    from accelerator_sim.sweep.run import base_file, network_file
    from accelerator_sim.workload.network import load_network

    base = base_file(sweep)
    axes = {name: [value[at] for value in axis.values] for axis in sweep.axes for at, name in enumerate(axis.names)}
    names = list(dict.fromkeys([*sweep.spec.workloads, *axes.get("workload", ())]))
    found = {name: network_file(sweep, name) for name in names}
    output.check_outputs(outputs, [str(base), *found.values()])
    machine, _ = read_machine(base)
    sources = [(f"architecture {machine.name}", machine.source)]
    files = [source_file("sweep", str(spec), spec)]
    files += [_named(file, str(base), sweep.spec.architecture) for file in machine_files(str(base))]
    for table in axes.get("technology", ()):
        try:
            files += machine_files(str(base), [("technology", table)])[1:]
        except AcceleratorSimError:  # of the points that have it
            continue
    for name, file in found.items():
        network = load_network(file)
        sources.append((f"workload {network.name}", network.source))
        files += [_named(each, file, name) for each in workload_files(file, network)]
    return Provenance(command_line(), "channels", (), tuple(dict.fromkeys(files)), tuple(sources))


def _named(file: SourceFile, place: str, name: str) -> SourceFile:
    """A file under the name that it was asked for by, without the folder that it was found in."""
    return replace(file, name=name + file.name.removeprefix(place)) if file.name.startswith(place) else file


def _speed(state: State, rate: float, goal: Goal) -> str:
    left = f"{rate:.3g}/s, {_span((state.results - state.done) / rate)} left" if rate else ""
    best = "" if state.best is None else f", best {goal.field} {state.best:.3g}"
    return left + best


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _tell_size(sweep: Sweep, jobs: int) -> None:
    from accelerator_sim.sweep.run import estimate

    size = estimate(sweep)
    click.echo(f"{size.points:,} points, {size.results:,} results; {size.excluded} break a constraint", nl=False)
    click.echo(f" among the {size.tried} that were tried" if size.tried < size.points else "")
    if size.seconds is not None:
        span = _span(size.seconds * size.results / jobs)
        click.echo(f"about {span} with {jobs} job{'s' if jobs > 1 else ''}: {size.seconds:.2g} s a result as tried")
    for error in size.errors:
        click.echo(f"note: {error}", err=True)


def _tell(summary: Summary, place: Path) -> None:
    """Say on standard error what was done and what failed."""
    excluded = f", {summary.excluded} break a constraint" if summary.excluded else ""
    click.echo(
        f"{summary.points} points{excluded}: {summary.computed} results computed ({summary.layers} layers),"
        f" {summary.present} were there, in {_span(summary.seconds)}; {place}, sweep {summary.name}",
        err=True,
    )
    for point, workload, error in summary.failed[:MOST_TOLD]:
        click.echo(f"failed: point {point}, {workload}: {error}", err=True)
    if len(summary.failed) > MOST_TOLD:
        click.echo(f"failed: {len(summary.failed) - MOST_TOLD} more; table results has all of them", err=True)
    if summary.interrupted:
        click.echo("interrupted; the same command goes on from here", err=True)
