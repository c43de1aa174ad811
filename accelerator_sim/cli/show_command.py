"""`accelerator-sim show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from accelerator_sim.cli import output, shared_options
from accelerator_sim.files.errors import UsageError

if TYPE_CHECKING:
    from accelerator_sim.workload.choices import Choices


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    kind = str(ctx.params.get("kind", "architecture"))
    return shared_options.NameOrFile("architecture" if kind == "noc" else kind).shell_complete(ctx, param, incomplete)


@click.command()
@click.argument("kind", type=click.Choice([*shared_options.FOLDERS, "noc"]))
@click.argument("name", shell_complete=_complete)
@shared_options.set_option
@shared_options.workload_choices
@click.option(
    "--format",
    "asked",
    type=click.Choice(["table", "tsv", "yaml", "json"]),
    help="Workloads (table, tsv, yaml) and networks on chip (table, tsv, json): the default is a table on a terminal,"
    " else tab-separated.",
)
def command(choices: Choices, kind: str, name: str, overrides: tuple[tuple[str, str], ...], asked: str | None) -> None:
    """The content of an architecture, workload, technology, baseline or mapping; NAME may be a file.

    All but workloads are printed as files that can be edited and used.  `show noc` shows the networks on chip of an
    architecture: links, wires and how clusters are joined; as JSON, the graph of each.
    """
    if overrides and kind not in ("architecture", "noc"):
        raise UsageError("--set is for architectures and their networks (noc) only")
    if kind != "workload" and choices != type(choices)():
        raise UsageError("choices of a workload (--bind, --densities, --prune...) are for workloads only")
    if asked is not None and asked not in _FORMATS[kind]:
        raise UsageError(f"show {kind} has no --format {asked}; allowed: {', '.join(_FORMATS[kind])}")
    if kind == "architecture":
        text = _architecture(name, overrides)
    elif kind == "noc":
        text = _noc(name, overrides, output.pick_format(asked, None))
    elif kind == "technology":
        text = _technology(name)
    elif kind == "baseline":
        text = _baseline(name)
    elif kind == "mapping":
        text = _mapping(name)
    else:
        text = _workload(name, choices, output.pick_format(asked, None))
    click.echo(text, nl=False)


_FORMATS = {
    "architecture": ("yaml",),
    "technology": ("yaml",),
    "baseline": ("yaml",),
    "mapping": ("yaml",),
    "workload": ("table", "tsv", "yaml"),
    "noc": ("table", "tsv", "json"),
}
"""Forms of each kind of content."""


def _noc(name: str, overrides: tuple[tuple[str, str], ...], form: str) -> str:
    from accelerator_sim.architecture.load import load_architecture
    from accelerator_sim.report import network_graph

    architecture = load_architecture(name, overrides)
    if form == "json":
        return network_graph.dumps_json(architecture)
    if form == "tsv":
        return network_graph.dumps_rows(architecture, "\t")
    return network_graph.render_noc(architecture, output.width(), output.on_terminal())


def _architecture(name: str, overrides: tuple[tuple[str, str], ...]) -> str:
    """Return the file with its comments (the sources), below the numbers derived from it."""
    from accelerator_sim.architecture.following import followed
    from accelerator_sim.files.data import resolve
    from accelerator_sim.files.yaml_tree import load_document, read_text
    from accelerator_sim.report.area_text import area_lines, area_text
    from accelerator_sim.report.numbers import si
    from accelerator_sim.report.yaml_text import as_yaml
    from accelerator_sim.technology.area import ESTIMATE, area_at
    from accelerator_sim.technology.machine_file import load_machine

    architecture, technology = load_machine(name, overrides)
    clusters = architecture.cluster_array.count
    area = area_at(architecture, technology.node_nm)
    derived = [
        f"{architecture.pes} PEs in {clusters} cluster(s), {architecture.macs_per_cycle} MACs per cycle,"
        f" peak {si(architecture.macs_per_cycle * architecture.clock, 'MAC/s')}",
        f"GLB {architecture.glb_bytes / 1024:g} KiB, all memory on the chip {architecture.memory_bytes / 1024:.1f} KiB",
        f"technology {technology.name}: {technology.node_nm:g} nm, {technology.voltage:g} V",
        f"area {area_text(area, technology.node_nm)} ({ESTIMATE})",
        *(f"  {line}" for line in area_lines(area)),
    ]
    if overrides:
        body = as_yaml(architecture)
    else:
        path = resolve("arch_configs", name, "architecture")
        following = followed(load_document(path).raw)
        if following:
            derived.append(
                f"left out, so that they follow the PEs: {', '.join(f'{k} {v}' for k, v in following.items())}"
            )
        lines = read_text(Path(path)).splitlines(keepends=True)
        body = "".join(line for line in lines if not line.startswith("# yaml-language-server:"))
    return "".join(f"# {line}\n" for line in derived) + body


def _technology(name: str) -> str:
    from accelerator_sim.report.yaml_text import as_yaml
    from accelerator_sim.technology.technology import load_technology

    return as_yaml(load_technology(name))


def _baseline(name: str) -> str:
    """Return the file with its software included, so that the printed file needs no other."""
    from accelerator_sim.baseline.measured_device import load_baseline
    from accelerator_sim.report.yaml_text import as_yaml

    return as_yaml(load_baseline(name))


def _mapping(name: str) -> str:
    """Return the file with its comments, which say where the mappings come from."""
    from accelerator_sim.files.yaml_tree import read_text
    from accelerator_sim.mapping.file import mapping_file, read_mappings

    path = mapping_file(name)
    read_mappings(path)
    return read_text(path)


def _workload(name: str, choices: Choices, form: str) -> str:
    from accelerator_sim.workload.network_loader import load_network

    network = load_network(name, choices)
    if form == "yaml":
        from accelerator_sim.files.yaml_tree import read_text
        from accelerator_sim.workload.formats.network_writer import write_network
        from accelerator_sim.workload.formats.readers import is_foreign

        path = Path(network.file)
        changed = is_foreign(path) or choices.densities is not None or choices.prune is not None
        return write_network(network).files[0][1] if changed else read_text(path)
    if form == "tsv":
        from accelerator_sim.results.layer_rows import SHAPE_COLUMNS, shape_row
        from accelerator_sim.results.tabular import rows_text

        return rows_text(map(shape_row, network.layers), columns=SHAPE_COLUMNS)
    from accelerator_sim.report import tables

    return tables.render_network(network, output.width(), output.on_terminal())
