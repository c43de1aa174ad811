"""`accelerator-sim validate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from accelerator_sim.cli import output, shared_options
from accelerator_sim.files.errors import CheckFailed, UsageError, did_you_mean

if TYPE_CHECKING:
    from accelerator_sim.report.residuals import Fit
    from accelerator_sim.validation.publications import Publication


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="Leave out the slow runs.")
@shared_options.jobs_option
@shared_options.output_options("markdown")
@click.pass_context
def command(
    ctx: click.Context, names: tuple[str, ...], quick: bool, jobs: int, asked: str | None, out: Path | None
) -> None:
    """Published figures beside ours: published, ours, error, tolerance; misses first.

    NAME is a publication (eie, eyeriss_v1, eyeriss_v2, isca16, rtl, scaling, sparseloop) or a set of measurements that
    baselines are fitted to (jetson, p40, raspberry_pi), whose points are listed with their residuals; all of them if
    none is given.  The exit code is 4 when something is outside its tolerance.
    """
    output.check_outputs([out], [])

    from accelerator_sim.baseline.measured import measured_names
    from accelerator_sim.validation.publications import load_publications, publication_names

    known = [*publication_names(), *measured_names()]
    for name in names:
        if name not in known:
            raise UsageError(f"no figures of {name!r}{did_you_mean(name, known)}; there are: {', '.join(known)}")
    sets = [name for name in names if name in measured_names()]
    papers = [name for name in names if name not in sets]
    if sets and papers:
        raise UsageError(f"{papers[0]} is a publication and {sets[0]} are measurements; validate them separately")
    form = output.pick_format(asked, out)
    fits = _fits(sets if names else measured_names())
    holds = all(fit.holds for fit in fits)
    if sets:
        output.write(_residuals(fits, form, out is None), out)
    else:
        holds = _figures(load_publications(papers), fits, quick, jobs, form, out) and holds
    ctx.exit(0 if holds else CheckFailed.exit_code)


def _fits(names: Sequence[str]) -> list[Fit]:
    from accelerator_sim.baseline.fit import residuals
    from accelerator_sim.baseline.measured import load_measured
    from accelerator_sim.report.residuals import Fit

    loaded = {name: load_measured(name) for name in names}
    return [Fit(name, described, residuals(described, points)) for name, (described, points) in loaded.items()]


def _residuals(fits: Sequence[Fit], form: str, to_stdout: bool) -> str:
    from accelerator_sim.report import residuals

    if form == "json":
        return residuals.dumps_json(fits)
    if form == "markdown":
        raise UsageError("--format markdown is for publications only")
    if form == "table":
        return "\n".join(residuals.render(fit, output.width(), to_stdout and output.on_terminal()) for fit in fits)
    return residuals.dumps_rows(fits, "," if form == "csv" else "\t")


def _figures(
    publications: Mapping[str, Publication],
    fits: Sequence[Fit],
    quick: bool,
    jobs: int,
    form: str,
    out: Path | None,
) -> bool:
    """Run publications and write their scorecard; whether all figures hold."""
    from accelerator_sim.cli.compiled_kernels import warm
    from accelerator_sim.cli.progress import ProgressLine
    from accelerator_sim.report import residuals, scorecard
    from accelerator_sim.validation.validate import evaluate, run_cases

    warm(jobs, "event")
    with ProgressLine("runs") as progress:
        card = evaluate(publications, run_cases(publications, quick, jobs, progress))
    if form == "json":
        text = scorecard.dumps_json(card)
    elif form == "markdown":
        text = scorecard.markdown(card)
    elif form == "table":
        text = scorecard.render(card, output.width(), out is None and output.on_terminal())
    else:
        text = scorecard.dumps_rows(card, "," if form == "csv" else "\t")
    output.write(text, out)
    if form != "table":
        click.echo(scorecard.summary(card), err=True)
    for fit in fits:
        click.echo(residuals.summary(fit), err=form != "table" or out is not None)
    return not card.count("miss")
