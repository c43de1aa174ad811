"""Densities as a network file gives them: a number, a list with one number per channel, or a tensor in a file."""

from __future__ import annotations

import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from accelerator_sim.files.errors import did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Profile:
    """A density and, where it was given per channel, the density of each channel."""

    mean: float
    channels: tuple[float, ...] = ()

    @property
    def tensor(self) -> tuple[str, str] | None:
        """File and key of the tensor that it was given by, if it was."""
        return None


@dataclass(frozen=True)
class TensorProfile(Profile):
    """The density of a tensor in a file."""

    file: str = ""
    key: str = ""

    @property
    def tensor(self) -> tuple[str, str]:
        """File and key of the tensor."""
        return self.file, self.key


def _fraction(value: Any, where: str = "") -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{where}a density must be a number between 0 and 1")
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{where}{value} is not allowed; a density must be between 0 and 1")
    return float(value)


def _read(value: Any, info: ValidationInfo) -> Profile:
    if isinstance(value, Profile):
        return value
    if isinstance(value, dict):
        return _profile_of_tensor(value, (info.context or {}).get("folder", Path()))
    if isinstance(value, list):
        if not value:
            raise ValueError("an empty list; give one density per channel")
        channels = tuple(_fraction(item, f"channel {i}: ") for i, item in enumerate(value))
        return Profile(math.fsum(channels) / len(channels), channels)
    return Profile(_fraction(value))


def _profile_of_tensor(reference: dict[str, Any], folder: Path) -> Profile:
    """Return the fraction of non-zeros in the tensor that {file: x.npy} or {file: x.npz, key: name} refers to."""
    unknown = [key for key in reference if key not in ("file", "key")]
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; allowed: file, key{did_you_mean(unknown[0], ('file', 'key'))}")
    name, key = reference.get("file"), reference.get("key")
    if not isinstance(name, str) or not isinstance(key, str | None):
        raise ValueError("a tensor is given as {file: x.npy} or {file: x.npz, key: name}")
    tensor, key = read_tensor(folder / name, key, name)

    import numpy as np  # not needed, and slow to import, where all densities are numbers

    return TensorProfile(float(np.count_nonzero(tensor) / tensor.size), file=str(folder / name), key=key)


def read_tensor(path: Path, key: str | None, name: str) -> tuple[NDArray[Any], str]:
    """Return the numbers in a .npy or .npz file, called `name` in messages, and their key ("" in a .npy file).

    Raises ValueError when they cannot be read.
    """
    if not path.is_file():
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ValueError(f"no such tensor file {name!r}{did_you_mean(path.name, siblings)}")

    if path.suffix.lower() == ".onnx":
        from accelerator_sim.workload.onnx.weights import read_weights  # it needs the package onnx

        try:
            return read_weights(path, key or ""), key or ""
        except OSError as error:
            raise ValueError(f"{name!r} cannot be read: {error}") from None

    import numpy as np

    member = ""
    try:
        # Never pickles: they can run code.
        with path.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if isinstance(loaded, np.lib.npyio.NpzFile):
                member = _member(name, key, list(loaded.files))
                tensor = loaded[member]
            elif key is not None:
                raise _NotThere(f"{name!r} holds one tensor without a name; leave out key")
            else:
                tensor = loaded
        if not isinstance(tensor, np.ndarray) or tensor.size == 0 or tensor.dtype.kind not in "biufc":
            raise _NotThere(f"{name!r} holds no numbers")
        return tensor, member
    except _NotThere:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, MemoryError) as error:
        raise ValueError(f"{name!r} is not a readable .npy or .npz file: {error}") from None


def tensor_of_shape(
    reference: tuple[str, str], shape: tuple[int, ...], axis: int, block: int, what: str
) -> NDArray[Any]:
    """Read a tensor that has `shape`, but for dimensions of one, and repeat it along `axis` where that is shorter.

    Along `axis` it must hold whole blocks of `block`.  Raises ValueError when it cannot be read, or does not fit.
    """
    import numpy as np

    file, key = reference
    tensor, _ = read_tensor(Path(file), key or None, file)
    held = tensor.size * shape[axis] // math.prod(shape)
    one = (*shape[:axis], held, *shape[axis + 1 :])
    if held % block or held > shape[axis] or [n for n in tensor.shape if n != 1] != [n for n in one if n != 1]:
        found = " x ".join(map(str, tensor.shape)) or "one number"
        wanted = " x ".join(map(str, shape))
        raise ValueError(f"{file!r} holds a tensor of {found}; {what} are {wanted} (a 1 may be left out)")
    return np.take(tensor.reshape(one), np.arange(shape[axis]) % held, axis=axis)


class _NotThere(ValueError):
    """The file is readable, but does not hold what is asked of it."""


def _member(name: str, key: str | None, members: list[str]) -> str:
    if key is None and len(members) == 1:
        return members[0]
    if key is None:
        raise _NotThere(f"{name!r} holds {len(members)} tensors; give key: one of {', '.join(members)}")
    if key not in members:
        raise _NotThere(f"{name!r} has no tensor {key!r}; it holds {', '.join(members)}{did_you_mean(key, members)}")
    return key


_NUMBER = {"type": "number", "minimum": 0, "maximum": 1}
_TENSOR = {
    "type": "object",
    "properties": {"file": {"type": "string"}, "key": {"type": "string"}},
    "required": ["file"],
    "additionalProperties": False,
}

DensityValue = Annotated[
    Profile,
    PlainValidator(_read),
    WithJsonSchema(
        {
            "description": "a density between 0 and 1, a list of one per channel, or a tensor: {file: x.npy}",
            "anyOf": [_NUMBER, {"type": "array", "items": _NUMBER, "minItems": 1}, _TENSOR],
        }
    ),
]
"""Reads to a Profile; a file's path is taken from `folder` in the validation context."""
