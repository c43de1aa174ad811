"""`accelerator-sim check`."""

from __future__ import annotations

from pathlib import Path

import click

from accelerator_sim.cli import shared_options
from accelerator_sim.cli.error_messages import print_error
from accelerator_sim.files.errors import InvalidFile, Problem
from accelerator_sim.files.kinds import TELLING, foreign_kind, own_kind
from accelerator_sim.files.text import printable


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--workload",
    type=shared_options.NameOrFile("workload"),
    metavar="WORKLOAD",
    help="Check mapping files for this network.",
)
@shared_options.arch_option
@click.pass_context
def command(ctx: click.Context, files: tuple[Path, ...], workload: str | None, arch: str) -> None:
    """Check architecture, network, technology, baseline, mapping and sweep files.

    Timeloop problems, SCALE-Sim topologies and folders of them are checked as networks.
    """
    from accelerator_sim.workload.network import WorkNotCounted

    codes: list[int] = []
    for path in files:
        try:
            click.echo(printable(f"{path}: OK ({_checked(path, workload, arch)})"))
        except InvalidFile as error:
            print_error(error)
            codes.insert(0, error.exit_code)  # outranks a file that is valid and not counted whole
        except WorkNotCounted as error:
            click.echo(f"{path}: {error}", err=True)
            codes.append(error.exit_code)
    ctx.exit(codes[0] if codes else 0)


def _checked(path: Path, workload: str | None, arch: str) -> str:
    """Read a file as what it is and return that in words.

    Raises InvalidFile, and WorkNotCounted for a network with an operator that may multiply and is not counted.
    """
    from accelerator_sim.files.yaml_tree import load_document
    from accelerator_sim.workload.formats.readers import is_foreign, read_workload

    if is_foreign(path):
        network = read_workload(path)
        network.require_counted()
        return f"network {network.name}, {len(network.layers)} layers, {network.macs_text}; {network.source}"
    keys = load_document(path).raw
    kind = own_kind(keys)
    foreign = foreign_kind(keys) if kind in (None, "sweep") else None  # both have a key "architecture"
    if foreign:
        raise InvalidFile([Problem(str(path), 1, 1, "", f"this is {foreign}; files of this kind are not read")])
    if kind == "architecture":
        from accelerator_sim.technology.machine_file import read_machine

        architecture, _ = read_machine(path)
        return f"architecture {architecture.name}, {architecture.pes} PEs"
    if kind == "network":
        from accelerator_sim.workload.network_file import read_network

        network = read_network(path)
        network.require_counted()
        return f"network {network.name}, {len(network.layers)} layers, {network.macs_text}"
    if kind == "technology":
        from accelerator_sim.technology.technology import load_technology

        # With its folder, so that a file without a suffix is not taken for a built-in name.
        return f"technology {load_technology(str(path) if path.is_absolute() else f'./{path}').name}"
    if kind == "baseline":
        from accelerator_sim.baseline.measured_device import MeasuredDevice, read_baseline

        device = read_baseline(path)
        if isinstance(device, MeasuredDevice):
            return f"baseline {device.name}, measured on {', '.join(device.networks)}"
        return f"baseline {device.name}, {', '.join(device.precisions)}, stacks {', '.join(device.family.stacks)}"
    if kind == "software":
        from accelerator_sim.baseline.device import Software
        from accelerator_sim.files.model import load_model

        software = load_model(Software, load_document(path))
        return f"software {software.name}, stacks {', '.join(software.stacks)}"
    if kind == "sweep":
        from accelerator_sim.sweeps.planner import SweepPlanner
        from accelerator_sim.sweeps.spec import load_sweep

        sweep = load_sweep(path)
        SweepPlanner(sweep)
        return f"sweep, {sweep.grid_size:,} combinations of {len(sweep.axes)} axes, mode {sweep.spec.mode}"
    if kind == "mapping":
        return _mapping(path, workload, arch)
    known = "; ".join(f"{name}: {', '.join(sorted(words))}" for name, words in TELLING.items())
    shown = ", ".join(str(key) for key in list(keys)[:8])
    message = f"cannot tell the kind of this file from its keys ({shown}); keys that identify a kind: {known}"
    raise InvalidFile([Problem(str(path), 1, 1, "", message)])


def _mapping(path: Path, workload: str | None, arch: str) -> str:
    from accelerator_sim.files.model import load_model
    from accelerator_sim.files.yaml_tree import load_document
    from accelerator_sim.mapping.file import MappingFile, load_plan
    from accelerator_sim.mapping.legality import broken_limits
    from accelerator_sim.simulation.schedule import Schedule
    from accelerator_sim.technology.machine_file import load_machine
    from accelerator_sim.workload.network_loader import load_network
    from accelerator_sim.workload.phases import dense_phases

    document = load_document(path)
    if workload is None:
        count = len(load_model(MappingFile, document).layers)
        return f"mapping of {count} layer(s); with --workload, checked against its layers and the limits of --arch"
    network, (architecture, _) = load_network(workload), load_machine(arch)
    mappings = load_plan(path, architecture, network).mappings
    layers = {phase.name: phase for layer in network.layers for phase in dense_phases(layer)}
    problems = []
    for name, mapping in mappings.items():
        try:
            broken = broken_limits(Schedule.of_layer(layers[name], architecture, mapping))
        except ValueError as error:
            broken = [str(error)]
        of_whole = ("layers", name) not in document.positions  # given once for all phases of a layer
        line, column = document.position(("layers", name.rpartition(":")[0] if of_whole else name))
        problems += [Problem(str(path), line, column, f"layers.{name}", limit) for limit in broken]
    if problems:
        raise InvalidFile(problems)
    return f"mapping of {len(mappings)} layer(s) of {network.name} on {architecture.name}"
