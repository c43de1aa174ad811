"""Densities of activations on real inputs: the network is run by onnxruntime where it is, or by onnx's reference."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from onnx.reference import ReferenceEvaluator

from accelerator_sim.workload.onnx.graph import Graph
from accelerator_sim.workload.onnx.unreadable import Unreadable, guarded, one_line, problem
from accelerator_sim.workload.tensor_values import read_tensor

Feeds = dict[str, NDArray[Any]]
Run = Callable[[Feeds], list[NDArray[Any]]]


def measure(graph: Graph, file: Path, tensors: Mapping[str, int]) -> dict[str, NDArray[np.float64]]:
    """Return the density of each channel of some tensors, over all inputs that a .npz file holds.

    tensors: the axis that counts channels, by name.  Raises InvalidFile where an input is missing or does not fit, and
    where the network cannot be run.
    """
    model = _loaded(graph)
    # Unrolled loops and inlined functions have tensors that the file does not know.
    there = {value.name for value in model.graph.input} | {out for node in model.graph.node for out in node.output}
    wanted = {name: axis for name, axis in tensors.items() if name in there}
    return channel_densities(graph, file, _runner(model, list(wanted)), wanted)


def channel_densities(graph: Graph, file: Path, run: Run, tensors: Mapping[str, int]) -> dict[str, NDArray[np.float64]]:
    """Return the density of each channel of the tensors that `run` returns, over all inputs that a .npz file holds.

    run: from inputs by name to the values of the tensors, in their order; tensors: the axis that counts channels.
    Raises InvalidFile where an input is missing or does not fit, and where the network cannot be run.
    """
    count = ChannelCount(tensors)
    for feeds in _batches(graph, file):
        try:
            results = run(feeds)
        except Exception as error:  # errors of an operator or of the runtime are of many types
            raise problem(graph.file, "", f"the network cannot be run on {file.name}: {one_line(error)}") from None
        count.add(results)
    return count.densities()


class ChannelCount:
    """Values that are not zero, and all of them, by channel of some tensors.

    tensors: the axis that counts channels, by name.
    """

    def __init__(self, tensors: Mapping[str, int]) -> None:
        self._axes = tensors
        self._filled: dict[str, NDArray[np.int64]] = {}
        self._seen = dict.fromkeys(tensors, 0)

    def add(self, values: Sequence[NDArray[Any]]) -> None:
        """Count the values of all tensors, in their order, of one more run."""
        for (name, place), value in zip(self._axes.items(), values, strict=True):
            axis = place % value.ndim
            others = tuple(at for at in range(value.ndim) if at != axis)
            count = np.count_nonzero(value, axis=others)
            self._filled[name] = self._filled.get(name, np.zeros_like(count)) + count
            self._seen[name] += value.size // value.shape[axis]

    def densities(self) -> dict[str, NDArray[np.float64]]:
        """Return the share of values that are not zero in each channel, of the tensors that were counted."""
        return {name: np.asarray(self._filled[name] / seen) for name, seen in self._seen.items() if seen}


def _batches(graph: Graph, file: Path) -> Iterator[Feeds]:
    """The inputs, as many samples at a time as the network takes."""
    arrays: Feeds = {}
    for name in graph.inputs:
        try:
            arrays[name], _ = read_tensor(file, name if len(graph.inputs) > 1 else None, file.name)
        except ValueError as error:
            raise problem(file, name, str(error)) from None
    counts = set()
    for name, value in arrays.items():
        shape = graph.shapes[name]
        if value.ndim != len(shape) or value.shape[1:] != shape[1:] or value.shape[0] % max(shape[0], 1):
            wanted = " x ".join(map(str, shape))
            held_shape = " x ".join(map(str, value.shape))
            raise problem(file, name, f"holds {held_shape}; input {name!r} is {wanted}, or multiples of its first size")
        counts.add(value.shape[0] // shape[0])
    if len(counts) > 1:
        raise problem(file, "", f"the inputs hold different numbers of samples: {sorted(counts)}")
    for number in range(counts.pop() if counts else 0):
        feeds = {}
        for name, value in arrays.items():
            size = graph.shapes[name][0]
            kind = helper.tensor_dtype_to_np_dtype(graph.types.get(name, onnx.TensorProto.FLOAT))
            feeds[name] = value[number * size : (number + 1) * size].astype(kind)
        yield feeds


def _loaded(graph: Graph) -> onnx.ModelProto:
    try:
        return onnx.load(graph.file)
    except Exception as error:
        raise Unreadable("", f"cannot be run without its weights: {one_line(error)}") from None


def _runner(model: onnx.ModelProto, wanted: Sequence[str]) -> Run:
    known = {value.name for value in model.graph.input}
    del model.graph.output[:]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in wanted if name not in known)
    computed = [name for name in wanted if name not in known]
    try:
        runtime: Any = importlib.import_module("onnxruntime")
        session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    except Exception:  # it is not there, or does not take the model
        session = guarded("", lambda: ReferenceEvaluator(model))

    def run(feeds: Feeds) -> list[NDArray[Any]]:
        values = dict(zip(computed, session.run(computed, feeds), strict=True)) if computed else {}
        return [np.asarray(values[name] if name in values else feeds[name]) for name in wanted]

    return run
