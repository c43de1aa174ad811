"""Layers and networks are called what people call them."""

from __future__ import annotations

import onnx
import pytest
from onnx import helper

from accelerator_sim.workload.onnx.labels import module_of, node_names
from tests.workload.onnx.conftest import Build, model_of, random, read


def node(op: str = "Conv", name: str = "", **metadata: str) -> onnx.NodeProto:
    made = helper.make_node(op, ["x", "w"], ["y"], name=name)
    for key, value in metadata.items():
        made.metadata_props.add(key=key.replace("__", "."), value=value)
    return made


SCOPES = "pkg__torch__onnx__name_scopes"


@pytest.mark.parametrize(
    ("made", "module"),
    [
        (node(**{SCOPES: "['', 'layer1', 'layer1.0', 'layer1.0.conv1', 'conv2d_3']"}), "layer1.0.conv1"),
        (node(**{SCOPES: "['', 'add_5']"}, name="node_add_5"), ""),
        (node(namespace=": m.Net/layer1: nn.Sequential/layer1.0: m.Block/conv2d: aten.conv2d.default"), "layer1.0"),
        (node(name="/layer1/layer1.0/conv1/Conv"), "layer1.0.conv1"),
        (node(name="/features/features.0/features.0.1/Conv_1"), "features.0.1"),
        (node("MatMul", "/encoder/layer.0/attention/self/MatMul_2"), "encoder.layer.0.attention.self"),
        (node("FusedMatMul", "/s/MatMul/MatMulScaleFusion/"), "s"),
        (node(name="fused /c1/Conv"), "c1"),
        (node(name="/Conv"), ""),
        (node(name="resnet/conv1/Conv2D"), ""),
        (node(**{SCOPES: "not a list"}, name="a"), ""),
        (node(**{SCOPES: "['', 1, 2]"}, name="a"), ""),
        (node(**{SCOPES: "[" * 5000}, name="a"), ""),
    ],
)  # fmt: skip
def test_modules(made: onnx.NodeProto, module: str) -> None:
    assert module_of(made) == module


def test_of_the_nodes_of_a_module_the_product_has_its_name() -> None:
    made = [node("Transpose", "/fc/Transpose"), node("MatMul", "/fc/MatMul"), node("Add", "/fc/Add"), node("Relu", "r")]
    assert node_names(made, [False, True, False, False]) == ["fc#2", "fc", "fc#3", "r"]
    twice = [node("MatMul", "/fc/MatMul"), node("MatMul", "/fc/MatMul_1"), node("MatMul", "fc#2")]
    assert node_names(twice, [True, True, True]) == ["fc", "fc#2", "fc#2#2"]


@pytest.mark.parametrize(
    ("graph", "name"), [("main_graph", "small"), ("torch-jit-export", "small"), ("", "small"), ("resnet", "resnet")]
)
def test_networks(written: Build, graph: str, name: str) -> None:
    path = written(
        [node(name="/stem/conv/Conv")], {"x": [1, 4, 3, 3]}, ["y"], {"w": random(4, 4, 1, 1)}, name="small.onnx"
    )
    model = onnx.load(path)
    model.graph.name = graph
    path.write_bytes(model.SerializeToString())
    network = read(path)
    assert (network.name, [layer.name for layer in network.layers]) == (name, ["stem.conv"])


def test_models_of_tests_have_names_of_their_own() -> None:
    assert model_of([node()], {"x": [1]}, ["y"]).graph.name == "net"
