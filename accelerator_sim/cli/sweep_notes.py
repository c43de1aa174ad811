"""What `accelerator-sim sweep` reports besides the results: progress, duration, failures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from accelerator_sim.cli import output

if TYPE_CHECKING:
    from accelerator_sim.sweeps.records import Goal
    from accelerator_sim.sweeps.spec import SweepPlan
    from accelerator_sim.sweeps.sweep_run import Summary, SweepState

MOST_LISTED = 20
"""Reasons of failures that are listed."""


def speed(state: SweepState, rate: float, goal: Goal) -> str:
    """Return the rate of a sweep, the time that it still needs, and its best result so far."""
    left = f"{rate:.3g}/s, {span_text((state.results - state.done) / rate)} left" if rate else ""
    best = "" if state.best is None else f", best {goal.field} {state.best:.3g}"
    return left + best


def span_text(seconds: float) -> str:
    """Return a duration in a readable unit."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def print_size(sweep: SweepPlan, jobs: int) -> None:
    """Print how many points there are, and about how long they take."""
    from accelerator_sim.sweeps.size import estimate

    size = estimate(sweep)
    click.echo(f"{size.points:,} points, {size.results:,} results; {size.excluded} break a constraint", nl=False)
    click.echo(f" among the {size.tried} that were tried" if size.tried < size.points else "")
    own = {stage.fidelity for stage in sweep.stages}
    for fidelity, seconds in size.seconds.items():
        span = span_text(seconds * size.results / jobs)
        addition = "" if len(own) > 1 or fidelity not in own else ", as in the file"
        click.echo(
            f"about {span} with {jobs} job{'s' if jobs > 1 else ''} at fidelity {fidelity}{addition}:"
            f" {seconds:.2g} s per result as tried"
        )
    for text in (size.note, *size.errors):
        if text:
            output.note(f"note: {text}")


def print_summary(summary: Summary, store_path: Path) -> None:
    """Report on standard error what was done and what failed."""
    excluded = f", {summary.excluded} break a constraint" if summary.excluded else ""
    output.note(
        f"{summary.points} points{excluded}: {summary.computed} results computed ({summary.layers} layers),"
        f" {summary.present} were in the store, in {span_text(summary.seconds)}; {store_path}, sweep {summary.name}"
    )
    if summary.note:
        output.note(f"note: {summary.note}")
    elif summary.excluded and not summary.points:
        output.note("note: no combination meets the constraints; an unlimited value is more than any limit")
    for failure in summary.failed[:MOST_LISTED]:
        first = f"point {failure.point}, {failure.workload}"
        many = f"{failure.results:,} results" if failure.results > 1 else first
        example = f" (first: {first})" if failure.results > 1 else ""
        click.echo(f"failed: {many}: {failure.error}{example}", err=True)
    if len(summary.failed) > MOST_LISTED:
        left = sum(failure.results for failure in summary.failed[MOST_LISTED:])
        click.echo(f"failed: {left:,} more for other reasons; table results has all of them", err=True)
    if summary.interrupted:
        click.echo("interrupted; the same command resumes from here", err=True)
