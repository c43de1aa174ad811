"""`accelerator-sim convert`."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from accelerator_sim.cli import output, shared_options
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.paths import real

if TYPE_CHECKING:
    from accelerator_sim.workload.choices import Choices
    from accelerator_sim.workload.formats.written import Written
    from accelerator_sim.workload.network import Network

FORMS = ("yaml", "timeloop", "scalesim")


@click.command()
@shared_options.workload_argument
@click.option("--to", "form", type=click.Choice(FORMS), required=True, help="The tool whose files are written.")
@shared_options.layer_option
@shared_options.workload_choices
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write here: a file, or a new folder for timeloop.  Default, and -: standard output, if it is one file.",
)
def command(workload: str, choices: Choices, form: str, layers: tuple[str, ...], out: Path | None) -> None:
    """A network as a network file, as Timeloop problems or as a SCALE-Sim topology.

    WORKLOAD is a built-in name, or a file or folder of any kind that `simulate` reads.  What the other form cannot
    express is listed on standard error.
    """
    if out is not None and str(out) == "-":
        out = None
    if out is not None and not out.is_dir():
        output.check_outputs([out], [workload])

    from accelerator_sim.workload.network_loader import load_network

    network = load_network(workload, choices).select(layers)
    written = _written(network, form)
    if not written.files:
        raise UsageError(f"{network.name} has no layer with multiply-accumulates to write")
    single = len(written.files) == 1 and (out is None or form != "timeloop" or out.suffix.lower() in (".yaml", ".yml"))
    if single:
        output.check_outputs([out], [workload])
        output.write(written.files[0][1], out)
    elif out is None:
        raise UsageError(
            f"{len(written.files)} files; name a folder for them with -o, or choose one layer with --layer"
        )
    else:
        _write_folder(written, out)
    for remark in written.remarks:
        output.note(f"note: {remark}")
    if out is not None:
        count = "" if single else f", {len(written.files)} files"
        output.note(f"wrote {out}{count}")


def _written(network: Network, form: str) -> Written:
    if form == "timeloop":
        from accelerator_sim.workload.formats.timeloop_writer import write_problems

        return write_problems(network)
    if form == "scalesim":
        from accelerator_sim.workload.formats.scalesim_writer import write_topology

        return write_topology(network)
    from accelerator_sim.workload.formats.network_writer import write_network

    try:
        return write_network(network)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _write_folder(written: Written, folder: Path) -> None:
    """Write the files into a folder that is new or empty, all or none."""
    target = real(folder)
    if target.exists() and not target.is_dir():
        raise UsageError(f"cannot write {len(written.files)} files to {folder}: it is a file; name a folder")
    if target.is_dir() and any(target.iterdir()):
        raise UsageError(f"cannot write to {folder}: it is not empty, and its other files would also be read as layers")
    made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        for name, text in written.files:
            (made / name).write_text(text, encoding="utf-8")
        os.chmod(made, 0o777 & ~output.umask())
        os.replace(made, target)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
