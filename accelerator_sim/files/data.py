"""Where the built-in architectures and workloads are, and what a name on the command line stands for."""

from __future__ import annotations

from pathlib import Path

from accelerator_sim.files.errors import UsageError, did_you_mean
from accelerator_sim.files.vocabulary import place

_PATH_SUFFIXES = (".yaml", ".yml", ".onnx", ".pt2", ".csv", ".json")


def data_dir(kind: str) -> Path:
    """Return the folder of the built-in files of a kind, "arch_configs" or "workloads".

    In a wheel it lies in the package, in a checkout beside it.  Raises FileNotFoundError for an unknown kind.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_data" / kind, package.parent / kind):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installation has no folder {kind!r}")


def builtin_names(kind: str, subdir: str = "") -> list[str]:
    """Return the names of the built-in files of a kind, sorted; none when the folder does not exist."""
    folder = data_dir(kind) / subdir
    return sorted(path.stem for path in folder.glob("*.yaml")) if folder.is_dir() else []


def looks_like_path(text: str) -> bool:
    """Whether a word stands for a file: it has a path separator or the suffix of a file that can be read."""
    return "/" in text or "\\" in text or text.lower().endswith(_PATH_SUFFIXES)


def resolve(kind: str, name_or_path: str, singular: str, subdir: str = "") -> Path:
    """Return the file that a built-in name or a path stands for.

    A path need not exist: whoever reads it reports that.  `singular` is the word for messages, e.g. "workload".
    Raises UsageError for a word that is neither a built-in name nor a path, and for a value that is not text.
    """
    name_or_path = place(name_or_path, singular)
    names = builtin_names(kind, subdir)
    if name_or_path in names:
        return data_dir(kind) / subdir / f"{name_or_path}.yaml"
    path = Path(name_or_path)
    if looks_like_path(name_or_path) or (name_or_path and _exists(path)):
        return path
    plural = singular[:-1] + "ies" if singular.endswith("y") else singular + "s"
    raise UsageError(
        f"unknown {singular} {name_or_path!r}: neither a built-in name nor a file{did_you_mean(name_or_path, names)}"
        f" (`accelerator-sim list {plural}` shows the built-in names)"
    )


def _exists(path: Path) -> bool:
    try:
        return path.is_file() or path.is_dir()
    except (OSError, ValueError):
        return False
