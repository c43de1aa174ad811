"""The values of tensors in .npy, .npz, .onnx and .pt2 files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelerator_sim.workload.tensor_file import TensorFile, open_tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray


MODELS = (".onnx", ".pt2")
"""Suffixes of files whose weights are named by the constants of a graph."""


def weights_file(path: Path) -> Path:
    """Return the ONNX file that the weights of a model are read from: itself, or what an export was translated to.

    Raises InvalidFile for an export that cannot be read.
    """
    if path.suffix.lower() != ".pt2":
        return path
    from accelerator_sim.workload.torch.saved_export import weights_file_of_export  # it needs the package torch

    return weights_file_of_export(path)


def read_tensor(path: Path, key: str | None, name: str) -> tuple[NDArray[Any], str]:
    """Return the numbers in a file of tensors or of a model, called `name` in messages, and their key ("" in .npy).

    Raises ValueError when they cannot be read.
    """
    if path.suffix.lower() in MODELS:
        return read_model_tensor(path, key or "", name), key or ""
    tensor = open_tensor(path, key, name)
    return tensor.values(), tensor.key


def read_model_tensor(path: Path, key: str, name: str) -> NDArray[Any]:
    """Return weights of a model, called `name` in messages.  Raises ValueError when they cannot be read."""
    from accelerator_sim.workload.onnx.weights import read_weights  # it needs the package onnx

    try:
        return read_weights(weights_file(path), key)
    except OSError as error:
        raise ValueError(f"{name!r} cannot be read: {error}") from None


def tensor_of_shape(
    reference: tuple[str, str], shape: tuple[int, ...], axis: int, block: int, description: str
) -> NDArray[Any]:
    """Read a tensor that has `shape`, except for dimensions of one, and repeat it along `axis` where that is shorter.

    Along `axis` it must hold whole blocks of `block`.  Raises ValueError when it cannot be read, or does not fit.
    """
    import numpy as np

    file, key = reference
    if file.lower().endswith(MODELS):
        values = read_model_tensor(Path(file), key, file)
        tensor = TensorFile(Path(file), key, file, values.shape, values.dtype, False)
        tensor.compare(shape, axis, block, description)
    else:
        tensor = open_tensor(Path(file), key or None, file)
        tensor.compare(shape, axis, block, description)
        values = tensor.values()
    held = tensor.held(shape, axis)
    one = (*shape[:axis], held, *shape[axis + 1 :])
    return np.take(values.reshape(one), np.arange(shape[axis]) % held, axis=axis)
