"""What is built in, by kind: names, and of each what it is in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.baseline.measured_device import load_baseline
from accelerator_sim.files.data import builtin_names
from accelerator_sim.files.text import printable
from accelerator_sim.footprint.figures import load_figures
from accelerator_sim.mapping.file import mapping_file, read_mappings
from accelerator_sim.report.columns import EXTRA, Column, fitted, table
from accelerator_sim.report.json import encode
from accelerator_sim.report.tables import paint
from accelerator_sim.results.tabular import rows_text
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.sparsity.table import source_of, table_names

SCHEMA = "accelerator-sim/list/1"
Described = tuple[str, str]
"""A name and what it is."""


def _architectures() -> Iterable[Described]:
    return ((name, load_architecture(name).size_text) for name in builtin_names("arch_configs"))


def _technologies() -> Iterable[Described]:
    return ((name, load_technology(name).source) for name in builtin_names("arch_configs", "technologies"))


def _baselines() -> Iterable[Described]:
    return ((name, load_baseline(name).title) for name in builtin_names("arch_configs", "baselines"))


def _mappings() -> Iterable[Described]:
    return ((name, read_mappings(mapping_file(name))[1].source) for name in builtin_names("arch_configs", "mappings"))


def _densities() -> Iterable[Described]:
    return ((name, source_of(name)) for name in table_names())


def _grids() -> Iterable[Described]:
    for name, grid in load_figures().grids.items():
        price = "" if grid.price is None else f", {grid.price:g} $/kWh"
        yield name, f"{grid.intensity:g} g CO2e/kWh{price}; {grid.source}"


KINDS: Mapping[str, Callable[[], Iterable[Described]]] = {
    "architectures": _architectures,
    "technologies": _technologies,
    "baselines": _baselines,
    "mappings": _mappings,
    "densities": _densities,
    "grids": _grids,
}
"""Kinds of built-in things but the networks, which have a table of their own."""


def dumps(described: Sequence[Described], kind: str, form: str, width: int = 80, color: bool = False) -> str:
    """Return what is built in of a kind as a "table", "tsv" or "json"."""
    if form == "table":
        room = max(width - max((len(name) for name, _ in described), default=0) - 2, 20)
        columns = [
            Column[Described]("name", lambda each: each[0], 0, left=True),
            Column[Described]("what it is", lambda each: _cut(each[1], room), EXTRA, left=True),
        ]
        return paint([table(fitted(columns, described, width))], width, color)
    rows = [{"name": name, "description": text} for name, text in described]
    if form == "json":
        return encode({"schema": SCHEMA, "kind": kind, "names": rows})
    return rows_text(rows)


def _cut(text: str, width: int) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 1].rstrip(" ,;:") + "…"
