"""Small ONNX models, written to files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.onnx.reader import read_onnx

Shape = Sequence[int | str | None]
Build = Callable[..., Path]

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
"""Networks that the package onnx carries for its own tests."""


def model_of(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Shape],
    outputs: Sequence[str],
    constants: Mapping[str, NDArray[Any]] | None = None,
    opset: int = 17,
    kind: int = TensorProto.FLOAT,
    domains: Sequence[str] = (),
    ir: int = 9,
) -> onnx.ModelProto:
    """Return a model of nodes."""
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir)


@pytest.fixture
def written(tmp_path: Path) -> Build:
    """Return a function that writes a model and returns its path."""

    def write(*args: Any, name: str = "net.onnx", **more: Any) -> Path:
        path = tmp_path / name
        path.write_bytes(model_of(*args, **more).SerializeToString())
        return path

    return write


def read(
    path: Path, bind: Mapping[str, int] | None = None, strict: bool = False, weights: bool | None = None
) -> Network:
    """Read a file."""
    return read_onnx(path, Choices(bind or {}, strict, weights))


def random(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """Numbers without a zero."""
    drawn = np.random.default_rng(seed).uniform(0.1, 1.0, shape)
    return (drawn * np.random.default_rng(seed + 1).choice([-1, 1], shape)).astype(np.float32)


def evaluated(path: Path, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """The outputs by onnx's reference."""
    results: Any = ReferenceEvaluator(str(path)).run(None, dict(feeds))
    return [np.asarray(result) for result in results]
