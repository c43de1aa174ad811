"""Where the figures of a report come from: the command, the versions, and the bytes of the files that were read."""

from __future__ import annotations

import hashlib
import platform
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from accelerator_sim.baseline.device import software_file
from accelerator_sim.files.data import resolve
from accelerator_sim.files.paths import is_file
from accelerator_sim.files.yaml_tree import load_document
from accelerator_sim.technology.machine_file import technology_file
from accelerator_sim.technology.technology import base_file
from accelerator_sim.version import __version__
from accelerator_sim.workload.formats.folder import folder_files
from accelerator_sim.workload.network import Network


@dataclass(frozen=True)
class SourceFile:
    """A file that was read: what it is, the name that it was asked for by, and the hash of its bytes.

    `sha256` is None for what cannot be read a second time, a pipe for instance.
    """

    role: str
    name: str
    sha256: str | None


@dataclass(frozen=True)
class Provenance:
    """How a result came about, as far as the result itself does not contain it.

    command: the words of the command line; overrides: values that replace those of the
    architecture file; sources: the origin of the values as stated in files, by role.  No time of day is held, so that
    the same input gives the same report.
    """

    command: tuple[str, ...]
    overrides: tuple[tuple[str, str], ...]
    files: tuple[SourceFile, ...]
    sources: tuple[tuple[str, str], ...] = ()

    @property
    def command_line(self) -> str:
        """The command as a shell takes it."""
        return shlex.join(self.command)

    @property
    def versions(self) -> tuple[tuple[str, str], ...]:
        """The versions of the program and of what its numbers depend on."""
        others = ((name, metadata.version(name)) for name in ("numpy", "numba"))
        return ("accelerator-sim", __version__), ("Python", platform.python_version()), *others


def source_file(role: str, name: str, path: Path) -> SourceFile:
    """Return the record of a file that is `path` and was asked for as `name`.  Raises OSError."""
    if not is_file(path):
        return SourceFile(role, name, None)
    with path.open("rb") as stream:
        return SourceFile(role, name, hashlib.file_digest(stream, "sha256").hexdigest())


def workload_files(name_or_path: str, network: Network) -> list[SourceFile]:
    """Return the file of a network, or those of its folder, of its parts, and of the tensors of its densities."""
    path = resolve("workloads", name_or_path, "workload")
    if path.is_dir():
        hashed = [source_file("workload", str(Path(name_or_path, file.name)), file) for file in folder_files(path)[0]]
    else:
        hashed = [source_file("workload", name_or_path, path)]
    hashed += [source_file("workload, part", Path(file).name, Path(file)) for file in network.parts]
    tensors = [t for layer in network.layers for t in (layer.density.tensor_iact, layer.density.tensor_weight) if t]
    for file in dict.fromkeys(file for file, _ in tensors):
        hashed.append(source_file("tensor", Path(file).name, Path(file)))
    return hashed


def baseline_files(name_or_path: str) -> list[SourceFile]:
    """Return the file of a baseline, and that of the software that it names."""
    path = resolve("arch_configs", name_or_path, "baseline", "baselines")
    hashed = [source_file("baseline", name_or_path, path)]
    named = load_document(path).raw.get("software")
    software = software_file(path, named) if isinstance(named, str) else None
    return [*hashed, source_file("software", str(named), software)] if software else hashed


def machine_files(name_or_path: str, overrides: Sequence[tuple[str, str]] = ()) -> list[SourceFile]:
    """Return the file of an architecture, the technology table that it names, and the one that this is scaled from."""
    path = resolve("arch_configs", name_or_path, "architecture")
    name, table = technology_file(path, overrides)
    hashed = [source_file("architecture", name_or_path, path), source_file("technology", name, table)]
    base = base_file(table)
    if base is not None:
        hashed.append(source_file("technology, scaled from", *base))
    return hashed
