"""A small ONNX file, for pages that begin with a model of the reader's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_model(path: Path, batch: str | int) -> None:
    """Write a convolution and a product with real weights, half of them zero; the batch has a symbol or a number."""
    rng = np.random.default_rng(0)

    def tensor(name: str, *shape: int) -> onnx.TensorProto:
        values = rng.standard_normal(shape).astype(np.float32)
        return numpy_helper.from_array(np.where(rng.random(shape) < 0.5, 0.0, values).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["features"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["features"], ["active"], "relu"),
        helper.make_node("GlobalAveragePool", ["active"], ["pooled"], "pool"),
        helper.make_node("Flatten", ["pooled"], ["flat"], "flatten"),
        helper.make_node("Gemm", ["flat", "w2"], ["scores"], "fc"),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, 16, 16])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, 10])
    weights = [tensor("w1", 8, 3, 3, 3), tensor("w2", 8, 10)]
    graph = helper.make_graph(nodes, "model", [image], [scores], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
