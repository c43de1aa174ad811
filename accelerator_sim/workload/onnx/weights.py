"""The weights that an ONNX file holds, as the integers that an 8-bit machine computes with.

A float is quantised symmetrically with one scale per filter, s = max |w| / 127, and becomes round(w / s): values below
half a step become zero, and a zero stays one.  Integers (QLinearConv, DequantizeLinear) are taken minus their zero
point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from accelerator_sim.workload.onnx.graph import Graph, attribute
from accelerator_sim.workload.onnx.piece import Layout, WeightSource, stored_bits
from accelerator_sim.workload.onnx.tensors import bits_of, dense, external_place
from accelerator_sim.workload.onnx.wire import Payload, read_stripped

MOST_BYTES = 1 << 30
"""Bytes of weights of a network up to which they are read without being asked for."""
LARGEST = 127
_SEPARATOR = ";"
_BYTE = 8
_NOT_REAL = (onnx.TensorProto.STRING, onnx.TensorProto.COMPLEX64, onnx.TensorProto.COMPLEX128)
"""Element types that no integer stands for."""
_STORED = {"raw_data", "float_data", "double_data"}
"""Fields whose payload is the plain array of numbers."""


@dataclass(frozen=True)
class Reference:
    """Weights in a file: the constant, its zero point, how it is turned, and what is pruned of it.

    threshold: magnitudes up to it are zero (of floats, before they are quantised); keep: N of each M channels, the
    largest, as in (2, 4); (0, 0) for all.
    """

    tensor: str
    layout: Layout
    groups: int = 1
    part: int | None = None
    permutation: tuple[int, ...] = ()
    zero_point: int = 0
    threshold: float = 0.0
    keep: tuple[int, int] = (0, 0)

    def key(self) -> str:
        """Return the reference as text, which `parse` reads."""
        words = (
            self.layout, str(self.groups), "" if self.part is None else str(self.part),
            ",".join(map(str, self.permutation)),
            str(self.zero_point), repr(self.threshold), ":".join(map(str, self.keep)), self.tensor,
        )  # fmt: skip
        return _SEPARATOR.join(words)

    @staticmethod
    def parse(key: str) -> Reference:
        """Read what `key` wrote.  Raises ValueError for other text."""
        layout, groups, part, permutation, zero, threshold, keep, tensor = key.split(_SEPARATOR, 7)
        n, m = keep.split(":")
        return Reference(
            tensor, cast(Layout, layout), int(groups), int(part) if part else None,
            tuple(int(axis) for axis in permutation.split(",") if axis), int(zero), float(threshold), (int(n), int(m)),
        )  # fmt: skip


def reference_of(graph: Graph, source: WeightSource) -> Reference | None:
    """Follow a constant to the tensor that the file holds.  None if it holds none, e.g. for a constant fill."""
    name, permutation, zero = source.tensor, (), 0
    while name not in graph.initializers:
        at = graph.producers.get(name)
        if at is None:
            return None
        node = graph.nodes[at]
        if node.op_type == "DequantizeLinear":
            if len(node.input) > 2 and node.input[2]:
                point = graph.value(node.input[2])
                if point is None or len(np.unique(point)) > 1:
                    return None
                zero = int(point.flat[0]) if point.size else 0
        elif node.op_type == "Transpose" and not permutation:
            rank = len(graph.shapes.get(node.input[0], ()))
            permutation = tuple(attribute(node, "perm", list(range(rank))[::-1]))
        elif node.op_type not in ("Identity", "Cast"):
            return None
        name = node.input[0]
    payload = graph.payloads.get(name)
    if (
        name not in graph.stored
        or graph.initializers[name].data_type in _NOT_REAL
        or (payload is not None and payload.field not in _STORED)
    ):
        return None
    return Reference(name, source.layout, source.groups, source.part, permutation, zero)


def bytes_of(graph: Graph, reference: Reference) -> int:
    """Bytes of the tensor that a reference leads to."""
    tensor = graph.initializers[reference.tensor]
    return int(math.prod(tensor.dims) * _dtype(tensor).itemsize)


def packed_bits(graph: Graph, source: WeightSource) -> float | None:
    """Return the bits that a file keeps per weight where it dequantises words of less than a byte, scales included."""
    name = source.tensor
    while (at := graph.producers.get(name)) is not None:
        node = graph.nodes[at]
        if node.op_type == "DequantizeLinear":
            if bits_of(graph.types.get(node.input[0], onnx.TensorProto.FLOAT)) >= _BYTE:
                return None
            return stored_bits(graph, node.input, math.prod(graph.shape(node.input[0], name)))
        if node.op_type not in ("Identity", "Cast", "Transpose", "Reshape"):
            return None
        name = node.input[0]
    return None


def read_weights(path: Path, key: str) -> NDArray[Any]:
    """Return quantised weights, [filters of all groups, channels of a group, taps...].

    Raises ValueError for a reference that leads nowhere, OSError for a file that cannot be read.
    """
    reference = Reference.parse(key)
    values = plain_weights(path, reference)
    if values.dtype.kind == "f":
        pruned = np.where(np.abs(values) <= reference.threshold, 0.0, values) if reference.threshold else values
        quantised = quantise(pruned)
    else:
        wide = values.astype(np.int32) - reference.zero_point
        quantised = np.where(np.abs(wide) <= reference.threshold, 0, wide) if reference.threshold else wide
    if reference.keep[1]:
        quantised = keep_largest(quantised, *reference.keep)
    fits = np.abs(quantised).max(initial=0) <= LARGEST
    return quantised.astype(np.int8 if fits else np.int16)


def plain_weights(path: Path, reference: Reference) -> NDArray[Any]:
    """Return weights as the file holds them, in the same order as `read_weights`."""
    values = _tensor(path, reference.tensor)
    if reference.permutation:
        values = values.transpose(reference.permutation)
    if reference.part is not None:
        values = values[reference.part]
    if reference.layout == "filters last":
        return np.ascontiguousarray(values.reshape(values.shape[-2:]).T)
    if reference.layout == "transposed":
        by_group = values.reshape(reference.groups, -1, *values.shape[1:]).swapaxes(1, 2)
        return np.ascontiguousarray(by_group.reshape(-1, *by_group.shape[2:]))
    return np.ascontiguousarray(values)


def quantise(values: NDArray[Any]) -> NDArray[np.int32]:
    """Return floats as integers of 8 bits, one scale per filter (the first axis); not finite numbers become zero."""
    flat = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0).reshape(len(values), -1)
    scale = np.abs(flat).max(axis=1, keepdims=True, initial=0.0) / LARGEST
    steps = np.divide(flat, scale, out=np.zeros_like(flat), where=scale > 0)
    return np.asarray(np.rint(steps), dtype=np.int32).reshape(values.shape)


def keep_largest(values: NDArray[Any], n: int, m: int) -> NDArray[Any]:
    """Return filters with the largest `n` of each `m` neighbouring channels left, and as large a share of a rest."""
    filters, channels = values.shape[0], values.shape[1] if values.ndim > 1 else 1
    flat = values.reshape(filters, channels, -1)
    out = np.zeros_like(flat)
    for begin in range(0, channels, m):
        block = flat[:, begin : begin + m]
        kept = min(block.shape[1], -(-n * block.shape[1] // m))
        order = np.argsort(-np.abs(block.astype(np.float64)), axis=1, kind="stable")[:, :kept]
        np.put_along_axis(out[:, begin : begin + m], order, np.take_along_axis(block, order, axis=1), axis=1)
    return out.reshape(values.shape)


# --- the file --------------------------------------------------------------------------------------------------------
def _tensor(path: Path, name: str) -> NDArray[Any]:
    status = path.stat()
    tensors, payloads = _opened(path, status.st_mtime_ns, status.st_size)
    if name not in tensors:
        raise ValueError(f"{str(path)!r} holds no constant {name!r}")
    tensor, payload = tensors[name], payloads.get(name)
    shape = tuple(tensor.dims)
    if payload is not None:
        dtype = _dtype(tensor)
        if payload.size != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"constant {name!r} has {payload.size} bytes for a shape of {list(shape)}")
        return np.memmap(path, dtype=dtype, mode="r", offset=payload.begin, shape=shape)
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        where, begin = external_place(tensor, path)
        if bits_of(tensor.data_type) < 8:
            raise ValueError(f"constant {name!r} lies in another file in {bits_of(tensor.data_type)} bits")
        return np.memmap(where, dtype=_dtype(tensor), mode="r", offset=begin, shape=shape)
    return numpy_helper.to_array(tensor)


@lru_cache(maxsize=2)
def _opened(path: Path, modified: int, size: int) -> tuple[dict[str, onnx.TensorProto], dict[str, Payload]]:
    """The constants of a file, large ones without their data; read again when the file has changed."""
    text, payloads = read_stripped(path)
    graph = onnx.load_model_from_string(text).graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    return tensors | {sparse.values.name: dense(sparse) for sparse in graph.sparse_initializer}, payloads


def _dtype(tensor: onnx.TensorProto) -> np.dtype[Any]:
    return helper.tensor_dtype_to_np_dtype(tensor.data_type)
