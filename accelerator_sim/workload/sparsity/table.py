"""Densities of a network's layers from a CSV file, or from one of the tables that are built in (NETWORK/NAME).

    # source: where the figures come from
    layer,weight,iact,oact,effectual
    CONV1,0.84,1.0,0.88,0.84

Each column after `layer` may be left out, and a cell may be empty: then the layer keeps its value.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from accelerator_sim.files.data import data_dir, looks_like_path
from accelerator_sim.files.errors import InvalidFile, Problem, UsageError, did_you_mean
from accelerator_sim.files.paths import is_file
from accelerator_sim.files.yaml_tree import read_text
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import Network

COLUMNS = ("weight", "iact", "oact", "effectual")
_SOURCE = "# source:"


def table_names() -> list[str]:
    """The built-in tables, as NETWORK/NAME."""
    folder = data_dir("workloads") / "densities"
    return sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.glob("*/*.csv"))


def resolve_table(name_or_path: str) -> Path:
    """Return the file of a built-in table, or the path itself.  Raises UsageError for a name that is neither."""
    names = table_names()
    if name_or_path in names:
        return data_dir("workloads") / "densities" / f"{name_or_path}.csv"
    path = Path(name_or_path)
    if path.suffix.lower() == ".csv" or is_file(path) or (looks_like_path(name_or_path) and path.parent.is_dir()):
        return path
    hint = did_you_mean(name_or_path, names)
    raise UsageError(
        f"unknown densities {name_or_path!r}: neither a built-in table nor a .csv file{hint};"
        f" built in: {', '.join(names)}"
    )


def source_of(name: str) -> str:
    """Return where a built-in table comes from: its first line, where that says so."""
    first = read_text(resolve_table(name)).partition("\n")[0]
    return first.removeprefix("# source:").strip() if first.startswith("# source:") else "not stated"


def with_densities(network: Network, path: Path) -> Network:
    """Return a network with the densities of a file.  Raises InvalidFile with everything that is wrong with it."""
    given, source = _read(path, {layer.name: layer for layer in network.layers})
    changed = (_changed(layer, given.get(layer.name, {}), source) for layer in network.layers)
    return replace(network, layers=tuple(changed))


def _read(path: Path, layers: Mapping[str, Layer]) -> tuple[dict[str, dict[str, float]], str]:
    source = path.name
    lines = read_text(path).splitlines()
    problems: list[Problem] = []

    def wrong(line: int, where: str, message: str) -> None:
        problems.append(Problem(str(path), line, None, where, message))

    header: list[str] | None = None
    given: dict[str, dict[str, float]] = {}
    for number, line in enumerate(lines, start=1):
        if line.lower().startswith(_SOURCE):
            source = line[len(_SOURCE) :].strip() or source
        if not line.strip() or line.startswith("#"):
            continue
        try:
            cells = [cell.strip() for cell in next(csv.reader([line]))]
        except csv.Error as error:  # a cell of more than 128 KiB
            wrong(number, "", f"is not a line of CSV: {error}")
            continue
        if header is None:
            header = cells
            for name in cells[1:]:
                if name not in COLUMNS:
                    wrong(number, name, f"unknown column{did_you_mean(name, COLUMNS)}; allowed: {', '.join(COLUMNS)}")
            if not cells or cells[0] != "layer" or len(set(cells)) != len(cells):
                wrong(number, "", f"the first line names columns: layer, and any of {', '.join(COLUMNS)}, each once")
            continue
        if len(cells) != len(header):
            wrong(number, "", f"{len(cells)} cells for {len(header)} columns")
            continue
        name = cells[0]
        if name not in layers:
            wrong(number, "layer", f"no layer {name!r}{did_you_mean(name, layers)}")
        elif not layers[name].is_mac:
            wrong(number, "layer", f"layer {name!r} ({layers[name].op}) has no multiply-accumulates")
        elif name in given:
            wrong(number, "layer", f"a second row of layer {name!r}")
        given[name] = {}
        for column, cell in zip(header[1:], cells[1:], strict=True):
            if cell:
                try:
                    given[name][column] = _fraction(cell)
                except ValueError as error:
                    wrong(number, f"{name}.{column}", str(error))
    if header is None:
        wrong(1, "", "is empty; a first line with the columns is required")
    if problems:
        raise InvalidFile(problems)
    return given, source


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number; a density between 0 and 1 is required") from None
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{text} is not allowed; a density must be between 0 and 1")
    return value


def _changed(layer: Layer, given: Mapping[str, float], source: str) -> Layer:
    if not given:
        return layer
    old = layer.density
    density = Density(
        iact=given.get("iact", old.iact),
        weight=given.get("weight", old.weight),
        oact=given.get("oact", old.oact),
        source="; ".join(dict.fromkeys((f"{', '.join(given)}: {source}", old.source))),
        profile_iact=() if "iact" in given else old.profile_iact,
        profile_weight=() if "weight" in given else old.profile_weight,
        tensor_iact=None if "iact" in given else old.tensor_iact,
        tensor_weight=None if "weight" in given else old.tensor_weight,
    )
    stale = "iact" in given or "weight" in given
    fraction = given.get("effectual", None if stale else layer.effectual_fraction)
    return replace(layer, density=density, effectual_fraction=fraction)
