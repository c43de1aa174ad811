"""The values of tensors in .npy, .npz and .onnx files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelerator_sim.workload.tensor_file import TensorFile, open_tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_tensor(path: Path, key: str | None, name: str) -> tuple[NDArray[Any], str]:
    """Return the numbers in a .npy, .npz or .onnx file, called `name` in messages, and their key ("" in a .npy file).

    Raises ValueError when they cannot be read.
    """
    if path.suffix.lower() == ".onnx":
        return read_onnx_tensor(path, key or "", name), key or ""
    tensor = open_tensor(path, key, name)
    return tensor.values(), tensor.key


def read_onnx_tensor(path: Path, key: str, name: str) -> NDArray[Any]:
    """Return weights of an ONNX file, called `name` in messages.  Raises ValueError when they cannot be read."""
    from accelerator_sim.workload.onnx.weights import read_weights  # it needs the package onnx

    try:
        return read_weights(path, key)
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
    if file.lower().endswith(".onnx"):
        values = read_onnx_tensor(Path(file), key, file)
        tensor = TensorFile(Path(file), key, file, values.shape, values.dtype, False)
        tensor.compare(shape, axis, block, description)
    else:
        tensor = open_tensor(Path(file), key or None, file)
        tensor.compare(shape, axis, block, description)
        values = tensor.values()
    held = tensor.held(shape, axis)
    one = (*shape[:axis], held, *shape[axis + 1 :])
    return np.take(values.reshape(one), np.arange(shape[axis]) % held, axis=axis)
