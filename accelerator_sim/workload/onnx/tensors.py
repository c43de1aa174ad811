"""The constants of a graph as the file holds them, also sparse ones; a size that does not fit a shape is an error."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from accelerator_sim.workload.onnx.unreadable import LONGEST, Unreadable
from accelerator_sim.workload.onnx.wire import Payload

LARGEST_SPARSE = 1 << 26
"""Elements of a sparse constant that are written out: 64 M, 256 MB of floats."""

_BITS = {
    onnx.TensorProto.INT4: 4, onnx.TensorProto.UINT4: 4, onnx.TensorProto.FLOAT4E2M1: 4,
    **{getattr(onnx.TensorProto, name): 2 for name in ("INT2", "UINT2") if hasattr(onnx.TensorProto, name)},
}  # fmt: skip
"""Bits of an element that is smaller than a byte."""


def bits_of(kind: int) -> int:
    """Return the bits of one element of a type.  Raises Unreadable for one that is not known."""
    if kind in _BITS:
        return _BITS[kind]
    try:
        return int(helper.tensor_dtype_to_np_dtype(kind).itemsize) * 8
    except Exception:  # KeyError, ValueError or TypeError, by the version of onnx
        raise Unreadable("", f"element type {kind} is not known") from None


def bytes_of(tensor: onnx.TensorProto) -> int:
    """Return the bytes that the values of a tensor take."""
    return -(-int(math.prod(tensor.dims)) * bits_of(tensor.data_type) // 8)


def check_tensor(tensor: onnx.TensorProto, payload: Payload | None, file: Path) -> None:
    """Check that the values of a constant are there, as many as its shape requires.

    Raises Unreadable, naming the constant, what is missing, and where it was looked for.
    """
    name = tensor.name
    if any(dim < 0 for dim in tensor.dims):
        raise Unreadable(name, f"a constant with a negative dimension: {list(tensor.dims)}")
    if tensor.data_type == onnx.TensorProto.STRING:
        _check_count(tensor, len(tensor.string_data), math.prod(tensor.dims))
        return
    try:
        wanted = bytes_of(tensor)
    except Unreadable as error:
        raise Unreadable(name, str(error)) from None
    if payload is not None:
        if payload.field == "raw_data" and payload.size != wanted:
            raise Unreadable(name, _unequal(tensor, payload.size, wanted))
    elif tensor.data_location == onnx.TensorProto.EXTERNAL:
        external_place(tensor, file)
    elif tensor.HasField("raw_data"):
        if len(tensor.raw_data) != wanted:
            raise Unreadable(name, _unequal(tensor, len(tensor.raw_data), wanted))
    else:
        _check_typed(tensor)


def _unequal(tensor: onnx.TensorProto, held: int, wanted: int) -> str:
    return f"a constant of {list(tensor.dims)} takes {wanted} bytes; the file holds {held}"


def _check_typed(tensor: onnx.TensorProto) -> None:
    """Check a tensor whose values are in a typed field: two for a complex number, one for a byte of small ones."""
    held = len(getattr(tensor, helper.tensor_dtype_to_field(tensor.data_type)))
    elements, bits = math.prod(tensor.dims), bits_of(tensor.data_type)
    complex_ = tensor.data_type in (onnx.TensorProto.COMPLEX64, onnx.TensorProto.COMPLEX128)
    wanted = -(-elements * min(bits, 8) // 8) * (2 if complex_ else 1)
    _check_count(tensor, held, wanted)


def _check_count(tensor: onnx.TensorProto, held: int, wanted: int) -> None:
    if not held and wanted:
        message = f"a constant of {list(tensor.dims)} without values; shapes alone are read with --no-weights"
        raise Unreadable(tensor.name, message)
    if held != wanted:
        raise Unreadable(tensor.name, f"a constant of {list(tensor.dims)} takes {wanted} values; the file holds {held}")


def external_place(tensor: onnx.TensorProto, file: Path) -> tuple[Path, int]:
    """Return the file and the first byte of a constant that is kept apart.

    Raises Unreadable where that file is missing, too short, or outside the folder of the model.
    """
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location, hint = entries.get("location", ""), "; shapes alone are read with --no-weights"
    shown = location if len(location) <= LONGEST else f"{location[:LONGEST]}..."
    if not location or "\0" in location:
        raise Unreadable(tensor.name, f"its values are in another file, which is not named{hint}")
    folder = file.parent.resolve()
    try:
        where = (folder / location).resolve()
        inside = where.is_relative_to(folder)
        size = where.stat().st_size if inside and where.is_file() else None
    except (OSError, RuntimeError, ValueError) as error:
        raise Unreadable(tensor.name, f"its values are in {shown!r}, which cannot be read: {error}{hint}") from None
    if not inside:
        message = f"its values are in {shown!r}, outside the folder of the model, where nothing is read{hint}"
        raise Unreadable(tensor.name, message)
    if size is None:
        raise Unreadable(tensor.name, f"its values are in {shown!r}, which is missing in {str(folder)!r}{hint}")
    begin, wanted = _whole(tensor.name, entries, "offset", 0), bytes_of(tensor)
    length = _whole(tensor.name, entries, "length", wanted)
    if length != wanted:
        raise Unreadable(tensor.name, _unequal(tensor, length, wanted).replace("the file holds", "its length is"))
    if begin + wanted > size:
        message = f"its values end at byte {begin + wanted} of {shown!r}, which has only {size}{hint}"
        raise Unreadable(tensor.name, message)
    return where, begin


def _whole(name: str, entries: dict[str, str], key: str, default: int) -> int:
    text = entries.get(key, "")
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise Unreadable(name, f"the {key} of its values is {text!r}; a number of bytes is required")
    return int(text)


def dense(sparse: onnx.SparseTensorProto) -> onnx.TensorProto:
    """Return a sparse constant with its zeros written out.  Raises Unreadable for one that contradicts itself."""
    name, dims = sparse.values.name, [int(dim) for dim in sparse.dims]
    if any(dim < 0 for dim in dims) or math.prod(dims) > LARGEST_SPARSE:
        raise Unreadable(name, f"a sparse constant of {dims}; 0 to {LARGEST_SPARSE} elements are read")
    try:
        values = onnx.numpy_helper.to_array(sparse.values)
        indices = onnx.numpy_helper.to_array(sparse.indices).astype(np.int64)
        if indices.ndim == 2:  # one row per value, one column per axis
            indices = np.ravel_multi_index(tuple(indices.T), tuple(dims))
        out = np.zeros(math.prod(dims), dtype=values.dtype)
        if len(indices) != len(values) or (
            indices.size and not 0 <= int(indices.min()) <= int(indices.max()) < out.size
        ):
            raise ValueError(f"{len(values)} values at {len(indices)} places")
        out[indices] = values
    except Exception as error:  # numpy's and onnx's own, for damaged values
        raise Unreadable(name, f"a sparse constant whose values do not fit {dims}: {error}") from None
    return onnx.numpy_helper.from_array(out.reshape(dims), name)
