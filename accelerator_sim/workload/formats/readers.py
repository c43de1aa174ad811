"""Which reader a workload file is for: by its suffix, and YAML by its content."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from accelerator_sim.files.errors import AcceleratorSimError, InvalidFile, Problem, UsageError, did_you_mean
from accelerator_sim.files.kinds import FileKind, instead_of
from accelerator_sim.files.yaml_tree import read_text
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.formats.folder import read_folder
from accelerator_sim.workload.formats.scalesim import read_topology
from accelerator_sim.workload.formats.timeloop import is_problem, read_problem
from accelerator_sim.workload.formats.zigzag import is_workload, read_layers
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_file import read_network


def _yaml(path: Path, choices: Choices) -> Network:
    text = read_text(path)
    if is_problem(text):
        return read_problem(path)
    if is_workload(text):
        return read_layers(path)
    with instead_of(path, FileKind.NETWORK, f"a workload is required: {READABLE}"):
        return read_network(path)


def _csv(path: Path, choices: Choices) -> Network:
    return read_topology(path)


def _onnx(path: Path, choices: Choices) -> Network:
    try:
        from accelerator_sim.workload.onnx.reader import read_onnx
    except ImportError as error:
        message = f"{path}: ONNX files need the package onnx; install it with: pip install 'accelerator-sim[onnx]'"
        raise AcceleratorSimError(f"{message} ({error})") from None
    return read_onnx(path, choices)


def _export(path: Path, choices: Choices) -> Network:
    if not path.exists():
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InvalidFile([Problem(str(path), None, None, "", f"no such file{did_you_mean(path.name, siblings)}")])
    try:
        from accelerator_sim.workload.torch.torch_network import network_of_export
    except ImportError as error:
        message = f"{path}: .pt2 files need the package torch; install it with: pip install 'accelerator-sim[torch]'"
        raise AcceleratorSimError(f"{message} ({error})") from None
    return network_of_export(path, choices)


READERS: Mapping[str, Callable[[Path, Choices], Network]] = MappingProxyType(
    {".yaml": _yaml, ".yml": _yaml, ".json": _yaml, ".csv": _csv, ".onnx": _onnx, ".pt2": _export}
)
"""The reader of each suffix."""

_WEIGHTS_ALONE = (
    "a PyTorch file of weights or of a pickled module, without the graph; with the model in Python, two lines export"
    " it:\n    program = torch.export.export(model.eval(), (torch.zeros(1, 3, 224, 224),))  # an input of its own size"
    '\n    torch.export.save(program, "{stem}.pt2")\n'
)
_KNOWN = {
    ".cfg": "a configuration, as SCALE-Sim has it for its machine",
    ".py": "a Python program, as ZigZag and Stream have it for workloads: write what it makes as YAML",
    ".pt": _WEIGHTS_ALONE,
    ".pth": _WEIGHTS_ALONE,
    ".tflite": "a TensorFlow Lite file: convert it to ONNX",
    ".pb": "a TensorFlow graph: convert it to ONNX",
    ".h5": "a Keras file: convert it to ONNX",
    ".keras": "a Keras file: convert it to ONNX",
}
"""Suffixes of files that people have, and what to do with them."""

READABLE = (
    "network files (.yaml), ONNX files (.onnx), exports of PyTorch (.pt2), Timeloop problems (.yaml), ZigZag and Stream"
    " workloads (.yaml), SCALE-Sim topologies (.csv), and folders of Timeloop problems or SCALE-Sim topologies"
)
"""Kinds of file that there are readers for, in words."""


def read_workload(path: Path | str, choices: Choices | None = None) -> Network:
    """Read any workload file, or folder of them.  Raises InvalidFile, and UsageError for choices of another format."""
    file_or_folder, chosen = Path(path), choices or Choices()
    if chosen.of_graphs() and READERS.get(file_or_folder.suffix.lower()) not in (_onnx, _export):
        raise UsageError(
            f"--{chosen.of_graphs()[0]} is for .onnx and .pt2 files only; {file_or_folder.name} is not one"
        )
    if _is_folder(file_or_folder):
        return read_folder(path)
    suffix = file_or_folder.suffix.lower()
    if suffix not in READERS and re.fullmatch(r"\.[a-z][a-z0-9]*", suffix):
        known = _KNOWN.get(suffix, "").replace("{stem}", file_or_folder.stem)
        prefix = f"this is {known}; ".replace("\n; ", "\n") if known else ""
        message = (
            f"{prefix}no workload is read from files with the suffix {file_or_folder.suffix!r}; allowed: {READABLE}"
        )
        raise InvalidFile([Problem(str(path), None, None, "", message)])
    return READERS.get(suffix, _yaml)(file_or_folder, chosen)


def is_foreign(path: Path) -> bool:
    """Whether a path stands for the workload of another tool, valid or not, and not for one of our own YAML files."""
    if _is_folder(path) or path.suffix.lower() in _KNOWN or READERS.get(path.suffix.lower(), _yaml) is not _yaml:
        return True
    text = read_text(path)
    return is_problem(text) or is_workload(text)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
