"""Densities as a network file gives them: a number, a list with one number per channel, or a tensor in a file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from accelerator_sim.files.errors import did_you_mean
from accelerator_sim.workload.tensor_file import TensorFile, open_tensor
from accelerator_sim.workload.tensor_values import MODELS, read_model_tensor

if TYPE_CHECKING:
    pass


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
    """The density of a tensor in a file: NaN until its header was compared with the layer (`measured`)."""

    header: TensorFile = field(kw_only=True)

    @property
    def tensor(self) -> tuple[str, str]:
        """File and key of the tensor."""
        return str(self.header.file), self.header.key

    def measured(self, shape: tuple[int, ...], axis: int, block: int, description: str) -> TensorProfile:
        """Return the profile with the density of a tensor that has `shape`, as for `tensor_of_shape`.

        Raises ValueError where the tensor has another shape, and where its values cannot be read.
        """
        self.header.compare(shape, axis, block, description)
        return replace(self, mean=self.header.density) if math.isnan(self.mean) else self


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
    if name.lower().endswith(MODELS):
        import numpy as np  # not needed, and slow to import, where all densities are numbers

        values = read_model_tensor(folder / name, key or "", name)
        whole = TensorFile(folder / name, key or "", name, values.shape, values.dtype, False)
        return TensorProfile(float(np.count_nonzero(values) / max(values.size, 1)), header=whole)
    return TensorProfile(math.nan, header=open_tensor(folder / name, key, name))


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
