"""`accelerator-sim validate`."""

from __future__ import annotations

from pathlib import Path

import click

from accelerator_sim.cli import options, output
from accelerator_sim.files.errors import CheckFailed


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="Leave out the runs that take long.")
@options.jobs_option
@click.option(
    "--format",
    "asked",
    type=click.Choice(["table", "json", "csv", "tsv", "markdown"]),
    help="Default: a table on a terminal, else tab-separated (or by the suffix of -o).",
)
@click.option("-o", "--output", "out", type=click.Path(path_type=Path), metavar="FILE", help="Write the result here.")
@click.pass_context
def command(
    ctx: click.Context, names: tuple[str, ...], quick: bool, jobs: int, asked: str | None, out: Path | None
) -> None:
    """Published figures beside ours: published, ours, error, tolerance; misses first.

    NAME is a publication: eyeriss_v1, eyeriss_v2, isca16, scaling, sparseloop; all of them if none is given. The exit
    code is 4 when a figure is outside its tolerance.
    """
    output.check_outputs([out], [])

    from accelerator_sim.cli.kernels import warm
    from accelerator_sim.cli.progress import ProgressLine
    from accelerator_sim.report import scorecard
    from accelerator_sim.study.figures import load_publications
    from accelerator_sim.study.validate import evaluate, run_cases

    publications = load_publications(names)
    warm(jobs, "event")
    with ProgressLine("runs") as progress:
        card = evaluate(publications, run_cases(publications, quick, jobs, progress))
    form = output.pick_format(asked, out)
    if form == "json":
        text = scorecard.dumps_json(card)
    elif form == "markdown":
        text = scorecard.markdown(card)
    elif form == "table":
        text = scorecard.render(card, output.width(), out is None and output.on_terminal())
    else:
        text = scorecard.dumps_rows(card, "," if form == "csv" else "\t")
    output.write(text, out)
    missed = card.count("miss")
    if form != "table":
        click.echo(scorecard.summary(card), err=True)
    ctx.exit(CheckFailed.exit_code if missed else 0)
