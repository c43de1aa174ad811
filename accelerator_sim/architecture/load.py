"""Reading architecture files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.data import resolve
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.kinds import FileKind, instead_of
from accelerator_sim.files.model import load_model
from accelerator_sim.files.yaml_tree import Document, load_document


def load_architecture(name_or_path: str, overrides: Sequence[tuple[str, str]] = ()) -> Architecture:
    """Load a built-in architecture by name, or one from a file.

    name_or_path: a built-in name, or the path of a YAML file; overrides: pairs of a dotted YAML path and a value in
    YAML, such as ("dram.bandwidth", "25.6 GB/s").

    Raises UsageError for an unknown name and InvalidFile, with every error, for a bad file or override.

    >>> import accelerator_sim
    >>> accelerator_sim.load_architecture("eyeriss_v2", [("cluster_array.rows", "4")]).pes
    96
    """
    listed = isinstance(overrides, Sequence) and all(
        isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(each, str) for each in pair)
        for pair in overrides
    )
    if not listed:
        example = '("dram.bandwidth", "25.6 GB/s")'
        raise UsageError(f"overrides is {overrides!r}; a list of pairs of texts such as {example} is required")
    return read_architecture(resolve("arch_configs", name_or_path, "architecture"), overrides)


def read_architecture(
    path: Path, overrides: Sequence[tuple[str, str]] = (), document: Document | None = None
) -> Architecture:
    """Read an architecture file.

    document: what the file holds, where it was read before.  Raises InvalidFile with every error in it.
    """
    with instead_of(path, FileKind.ARCHITECTURE, "an architecture is required"):
        return load_model(Architecture, document or load_document(path), overrides)


def schema() -> dict[str, Any]:
    """JSON schema of the file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Architecture.model_json_schema()
