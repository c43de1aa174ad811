"""A folder of Timeloop problems or of SCALE-Sim topologies as one network, in the natural order of the file names."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from accelerator_sim.files.errors import InvalidFile, Problem
from accelerator_sim.files.yaml_tree import read_text
from accelerator_sim.workload.formats.images import batch_of
from accelerator_sim.workload.formats.scalesim import read_topology
from accelerator_sim.workload.formats.timeloop import is_base, is_problem, read_problem
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network

_YAML = (".yaml", ".yml")
_MOST = 10_000
_NUMBERED = re.compile(r"[0-9]+[_-](.+)", re.DOTALL)


def natural_order(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    """Sorting key of a file name: layer2 before layer10."""
    parts = re.split(r"([0-9]{1,100})", path.name, flags=re.ASCII)
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts if part], path.name


def folder_files(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the workload files of a folder in order, and the names of what else is in it.  Raises InvalidFile."""
    try:
        entries = [entry for _, entry in zip(range(_MOST + 1), folder.iterdir(), strict=False)]
        folders = {entry for entry in entries if entry.is_dir()}
    except OSError as error:
        raise _refused(folder, f"cannot be read: {error.strerror or error}") from None
    if len(entries) > _MOST:
        raise _refused(folder, f"holds more than {_MOST} files")
    seen = sorted((entry for entry in entries if not entry.name.startswith(".")), key=natural_order)
    files = [entry for entry in seen if entry.suffix.lower() in (*_YAML, ".csv") and entry not in folders]
    return files, [entry.name for entry in seen if entry not in files]


def read_folder(path: Path | str) -> Network:
    """Read a folder as one network.  Raises InvalidFile with what is wrong with any of its files."""
    folder = Path(path)
    files, others = folder_files(folder)
    if not files:
        raise _refused(folder, "is a folder without Timeloop problems (.yaml) or SCALE-Sim topologies (.csv)")
    topologies = [file for file in files if file.suffix.lower() == ".csv"]
    if topologies and len(topologies) < len(files):
        other = next(file for file in files if file not in topologies)
        message = (
            f"holds SCALE-Sim topologies ({topologies[0].name}) and YAML files ({other.name}); one kind is required"
        )
        raise _refused(folder, message)
    if not topologies:
        bases = [file for file in files if is_base(read_text(file))]
        files = [file for file in files if file not in bases]
        others = [*others, *(file.name for file in bases)]
    problems: list[Problem] = []
    parts: list[Network] = []
    for file in files:
        try:
            if not topologies and not is_problem(read_text(file)):
                raise _refused(
                    file, "is not a Timeloop problem, and a folder is read as those only; give the file itself"
                )
            parts.append(read_topology(file) if topologies else read_problem(file))
        except InvalidFile as error:
            problems += error.problems
    if problems:
        raise InvalidFile(problems)
    layers = _of_topologies(parts) if topologies else _of_problems(parts)
    first: dict[str, str] = {}
    for layer, source in layers:
        if layer.name in first:
            problems.append(
                Problem(source, None, None, "", f"a second layer {layer.name!r}; the first is in {first[layer.name]}")
            )
        first.setdefault(layer.name, source)
    if problems:
        raise InvalidFile(problems)
    kind = "SCALE-Sim topologies" if topologies else "Timeloop problems"
    name = folder.resolve().name or "folder"
    notes = list(dict.fromkeys(note for part in parts for note in part.notes.split("; ")))
    if others:
        notes.append(f"not read: {', '.join(others[:8])}{', ...' * (len(others) > 8)}")
    network_layers = tuple(layer for layer, _ in layers)
    source = f"{len(files)} {kind} in {name}"
    return Network(name, source, network_layers, str(path), "; ".join(notes), batch=batch_of(network_layers))


def _of_problems(parts: list[Network]) -> list[tuple[Layer, str]]:
    """Return the layers, named by the files without the numbers that put them in order, where all have one.

    Files of the library form have the kind of the operator for a name; they are called by their files.
    """
    layers = [(part.layers[0], part.file) for part in parts]
    if len({layer.name for layer, _ in layers}) < len(layers) and all("dnn_name" in part.notes for part in parts):
        layers = [(replace(layer, name=Path(file).stem), file) for layer, file in layers]
    matches = [_NUMBERED.fullmatch(layer.name) for layer, _ in layers]
    names = [match[1] for match in matches if match]
    if len(names) == len(layers) == len(set(names)):
        return [(replace(layer, name=name), file) for (layer, file), name in zip(layers, names, strict=True)]
    return layers


def _of_topologies(parts: list[Network]) -> list[tuple[Layer, str]]:
    """Return the layers; from several files, with the name of the file before their own."""
    layers = []
    for part in parts:
        for layer in part.layers:
            name = part.name if len(part.layers) == 1 else f"{part.name}.{layer.name}"
            layers.append((layer if len(parts) == 1 else replace(layer, name=name), part.file))
    return layers


def _refused(path: Path, message: str) -> InvalidFile:
    return InvalidFile([Problem(str(path), None, None, "", message)])
