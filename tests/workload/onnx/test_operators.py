"""Every operator made of multiply-accumulates: its MACs against a naive loop nest whose result is the reference's, and
simulated to the end."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.network import Network
from tests.oracles import loops
from tests.workload.onnx.conftest import Build, evaluated, random, read

CONVOLUTIONS = [  # input, filters, strides, pads, dilations, groups
    ((1, 3, 9), (4, 3, 3), [2], [(1, 0)], [1], 1),
    ((2, 4, 7, 8), (6, 2, 3, 2), [1, 2], [(1, 2), (0, 1)], [1, 2], 2),
    ((1, 4, 6, 6), (4, 1, 3, 3), [1, 1], [(1, 1), (1, 1)], [1, 1], 4),
    ((1, 2, 5, 5), (3, 2, 1, 1), [2, 2], [(0, 0), (0, 0)], [1, 1], 1),
    ((1, 2, 4, 5, 6), (3, 2, 2, 3, 3), [1, 2, 1], [(1, 0), (1, 1), (0, 1)], [1, 1, 1], 1),
    ((1, 1, 6, 4, 4), (2, 1, 2, 3, 3), [2, 1, 1], [(1, 1), (0, 0), (0, 0)], [2, 1, 1], 1),
]


def simulated(network: Network, path: Path) -> None:
    """Every layer runs, and executes its MACs."""
    result = simulate_network(network, *load_machine("eyeriss_v2"), Options(Objective.LATENCY))
    assert [layer.error for layer in result.layers if layer.error] == []
    assert result.totals.macs == network.macs
    assert path.is_file()


def onnx_pads(pads: list[tuple[int, int]]) -> list[int]:
    return [a for a, _ in pads] + [b for _, b in pads]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=lambda case: f"{len(case[0]) - 2}-D x{case[5]}")
def test_conv(written: Build, case: tuple[Any, ...]) -> None:
    shape, filters, strides, pads, dilations, groups = case
    x, w = random(*shape), random(*filters, seed=1)
    attributes = {"strides": strides, "pads": onnx_pads(pads), "dilations": dilations, "group": groups}
    path = written([helper.make_node("Conv", ["x", "w"], ["y"], **attributes)], {"x": shape}, ["y"], {"w": w})
    y, count = loops.conv(x, w, strides, pads, dilations, groups)
    np.testing.assert_allclose(y, evaluated(path, {"x": x})[0], rtol=1e-4, atol=1e-5)
    network = read(path)
    assert network.macs == count
    assert network.layers[0].oact_total_words == y.size
    simulated(network, path)


@pytest.mark.parametrize("auto", ["SAME_UPPER", "SAME_LOWER", "VALID"])
def test_conv_with_automatic_padding(written: Build, auto: str) -> None:
    x, w = random(1, 2, 7, 6), random(3, 2, 4, 3, seed=1)
    node = helper.make_node("Conv", ["x", "w"], ["y"], strides=[2, 1], auto_pad=auto)
    path = written([node], {"x": x.shape}, ["y"], {"w": w})
    pads = {"SAME_UPPER": [(1, 2), (1, 1)], "SAME_LOWER": [(2, 1), (1, 1)], "VALID": [(0, 0), (0, 0)]}[auto]
    y, count = loops.conv(x, w, [2, 1], pads, [1, 1], 1)
    np.testing.assert_allclose(y, evaluated(path, {"x": x})[0], rtol=1e-4, atol=1e-5)
    network = read(path)
    assert (network.macs, network.layers[0].padding) == (count, (*pads[0], *pads[1]))


@pytest.mark.parametrize("opset", [7, 13, 18])
def test_a_pad_before_a_convolution_is_folded_in(written: Build, opset: int) -> None:
    x, w = random(1, 2, 5, 5), random(3, 2, 3, 3, seed=1)
    around = [0, 0, 1, 0, 0, 0, 2, 1]
    if opset < 11:
        pad, constants = helper.make_node("Pad", ["x"], ["p"], pads=around), {"w": w}
    else:
        pad = helper.make_node("Pad", ["x", "pads"], ["p"])
        constants = {"w": w, "pads": np.array(around, dtype=np.int64)}
    path = written([pad, helper.make_node("Conv", ["p", "w"], ["y"])], {"x": x.shape}, ["y"], constants, opset=opset)
    y, count = loops.conv(x, w, [1, 1], [(1, 2), (0, 1)], [1, 1], 1)
    np.testing.assert_allclose(y, evaluated(path, {"x": x})[0], rtol=1e-4, atol=1e-5)
    network = read(path)
    assert [layer.op for layer in network.layers] == ["conv"]
    assert (network.macs, network.layers[0].padding) == (count, (1, 2, 0, 1))


def test_a_pad_of_something_else_than_zeros_stays(written: Build) -> None:
    pad = helper.make_node("Pad", ["x", "pads"], ["p"], mode="reflect")
    constants = {"w": random(3, 2, 3, 3), "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64)}
    path = written([pad, helper.make_node("Conv", ["p", "w"], ["y"])], {"x": [1, 2, 5, 5]}, ["y"], constants)
    assert [layer.op for layer in read(path).layers] == ["other", "conv"]


TRANSPOSED = [  # input, filters, strides, pads, dilations, output padding, groups
    ((1, 3, 4, 4), (3, 2, 3, 3), [2, 2], [(1, 1), (1, 1)], [1, 1], [1, 1], 1),
    ((1, 4, 3, 5), (4, 1, 2, 3), [1, 3], [(0, 0), (0, 1)], [1, 2], [0, 0], 2),
    ((2, 2, 5), (2, 3, 4), [2], [(1, 2)], [1], [0], 1),
    ((1, 2, 4, 4), (2, 2, 1, 1), [1, 1], [(1, 0), (0, 1)], [1, 1], [0, 0], 1),
]


@pytest.mark.parametrize("case", TRANSPOSED)
def test_conv_transpose(written: Build, case: tuple[Any, ...]) -> None:
    shape, filters, strides, pads, dilations, extra, groups = case
    x, w = random(*shape), random(*filters, seed=1)
    attributes = {
        "strides": strides, "pads": onnx_pads(pads), "dilations": dilations, "output_padding": extra, "group": groups,
    }  # fmt: skip
    path = written([helper.make_node("ConvTranspose", ["x", "w"], ["y"], **attributes)], {"x": shape}, ["y"], {"w": w})
    y, count = loops.conv_transpose(x, w, strides, pads, dilations, extra, groups)
    if groups == 1:  # the reference knows no others
        np.testing.assert_allclose(y, evaluated(path, {"x": x})[0], rtol=1e-4, atol=1e-5)
    network = read(path)
    (layer,) = network.layers
    assert (layer.macs, layer.oact_total_words) == (count, y.size)
    assert (layer.transposed, layer.density.iact) == (True, 1.0)
    simulated(network, path)


@pytest.mark.parametrize(("a", "b"), list(itertools.product([0, 1], [0, 1])))
def test_gemm(written: Build, a: int, b: int) -> None:
    x, w = random(5, 7), random(7, 4, seed=1)
    node = helper.make_node("Gemm", ["x", "w"], ["y"], transA=a, transB=b)
    given = x.T.copy() if a else x
    path = written([node], {"x": given.shape}, ["y"], {"w": w.T.copy() if b else w})
    y, count = loops.matmul(x, w)
    np.testing.assert_allclose(y, evaluated(path, {"x": given})[0], rtol=1e-4, atol=1e-5)
    network = read(path)
    # The first dimension is a batch of single rows, unless it is the one that is summed over.
    assert (network.macs, network.layers[0].op) == (count, "gemm" if a else "fc")
    simulated(network, path)


PRODUCTS = [
    ((6, 5), (5, 4)), ((2, 6, 5), (5, 4)), ((2, 3, 6, 5), (2, 3, 5, 4)), ((2, 3, 6, 5), (1, 3, 5, 4)),
    ((3, 6, 5), (2, 1, 5, 4)), ((5,), (5, 4)), ((3, 6, 5), (5,)), ((1, 5), (3, 5, 4)),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), PRODUCTS)
@pytest.mark.parametrize("constant", ["", "w", "x"])
def test_matmul(written: Build, left: tuple[int, ...], right: tuple[int, ...], constant: str) -> None:
    values = {"x": random(*left), "w": random(*right, seed=1)}
    inputs = {name: value.shape for name, value in values.items() if name != constant}
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    path = written([node], inputs, ["y"], {name: values[name] for name in constant})
    y, count = loops.matmul(values["x"], values["w"])
    np.testing.assert_allclose(y, evaluated(path, {n: values[n] for n in inputs})[0], rtol=1e-4, atol=1e-5)
    network = read(path)
    assert network.macs == count
    assert network.layers[0].oact_total_words == y.size
    assert (network.layers[0].op == "matmul") == (not constant)
    simulated(network, path)


EQUATIONS = [
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)), ("bhqd,bhkd->bhqk", (1, 2, 3, 4), (1, 2, 5, 4)),
    ("ij,jk->ki", (3, 4), (4, 5)), ("abc,cd->abd", (2, 3, 4), (4, 5)), ("i,j->ij", (3,), (4,)),
]  # fmt: skip


@pytest.mark.parametrize(("equation", "left", "right"), EQUATIONS)
def test_einsum(written: Build, equation: str, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    x, w = random(*left), random(*right, seed=1)
    node = helper.make_node("Einsum", ["x", "w"], ["y"], equation=equation)
    path = written([node], {"x": left, "w": right}, ["y"])
    y, count = loops.einsum(equation, x, w)
    np.testing.assert_allclose(y, evaluated(path, {"x": x, "w": w})[0], rtol=1e-4, atol=1e-5)
    network = read(path)
    assert network.macs == count
    simulated(network, path)


def test_an_einsum_of_one_operand_is_not_a_product(written: Build) -> None:
    node = helper.make_node("Einsum", ["x"], ["y"], equation="ij->ji")
    network = read(written([node], {"x": [3, 4]}, ["y"]))
    assert (network.macs, network.layers[0].op) == (0, "other")
    assert "Not a product, counted by the words moved: Einsum_0 (Einsum)." in network.notes


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("directions", [1, 2])
def test_recurrent(written: Build, kind: str, directions: int) -> None:
    steps, batch, inputs, hidden = 3, 2, 4, 5
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    x = random(steps, batch, inputs)
    w, r = random(directions, gates * hidden, inputs, seed=2), random(directions, gates * hidden, hidden, seed=4)
    attributes: dict[str, Any] = {"hidden_size": hidden, "direction": ("forward", "bidirectional")[directions - 1]}
    if kind == "GRU":
        attributes["linear_before_reset"] = 1
    node = helper.make_node(kind, ["x", "w", "r"], ["", "h"], **attributes)
    path = written([node], {"x": x.shape}, ["h"], {"w": w, "r": r})
    last, count = loops.recurrent(kind, x, w, r)
    if directions == 1:  # the reference of some versions knows one direction only
        np.testing.assert_allclose(last, evaluated(path, {"x": x})[0], rtol=1e-4, atol=1e-5)
    network = read(path)
    assert network.macs == count
    assert sum(".state." in layer.name for layer in network.layers) == steps * directions
    simulated(network, path)


@pytest.mark.parametrize("heads", [(4, 4), (4, 2)])
@pytest.mark.parametrize("flat", [False, True])
def test_attention(written: Build, heads: tuple[int, int], flat: bool) -> None:
    (queries, pairs), rows, length, size = heads, 3, 5, 4
    q, k, v = random(2, queries, rows, size), random(2, pairs, length, size), random(2, pairs, length, size)
    scores, first = loops.matmul(q, np.repeat(k, queries // pairs, axis=1).swapaxes(2, 3) / size**0.5)
    share = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    y, second = loops.matmul(share, np.repeat(v, queries // pairs, axis=1))
    more = {"q_num_heads": queries, "kv_num_heads": pairs} if flat else {}
    given = [x.swapaxes(1, 2).reshape(2, x.shape[2], -1) if flat else x for x in (q, k, v)]
    node = helper.make_node("Attention", ["q", "k", "v"], ["y"], **more)
    path = written([node], dict(zip("qkv", (x.shape for x in given), strict=True)), ["y"], opset=23, ir=11)
    found = evaluated(path, dict(zip("qkv", given, strict=True)))[0]
    np.testing.assert_allclose(y.swapaxes(1, 2).reshape(2, rows, -1) if flat else y, found, rtol=1e-4, atol=1e-5)
    network = read(path)
    assert network.macs == first + second
    assert [layer.op for layer in network.layers] == ["matmul", "softmax", "matmul"]
    simulated(network, path)


def test_quantised_convolutions(written: Build) -> None:
    x, w = np.ones((1, 2, 5, 5), np.uint8), np.ones((3, 2, 3, 3), np.int8)
    scale, zero = np.array(0.1, np.float32), np.array(0, np.uint8)
    zero_w = np.array(0, np.int8)
    constants = {"w": w, "s": scale, "z": zero, "zw": zero_w}
    _, count = loops.conv(x, w, [1, 1], [(0, 0)] * 2, [1, 1], 1)
    for op, operands in (
        ("ConvInteger", ["x", "w", "z", "zw"]),
        ("QLinearConv", ["x", "s", "z", "w", "s", "zw", "s", "z"]),
    ):
        path = written(
            [helper.make_node(op, operands, ["y"])], {"x": x.shape}, ["y"], constants, kind=TensorProto.UINT8
        )
        network = read(path)
        assert (network.macs, network.layers[0].density.weight) == (count, 1.0)
        assert "iacts uint8, weights int8 (1 layers)" in network.notes
        simulated(network, path)


def test_quantised_products(written: Build) -> None:
    scale, zero, zero_w = np.array(0.1, np.float32), np.array(0, np.uint8), np.array(0, np.int8)
    constants = {"w": np.ones((4, 3), np.int8), "s": scale, "z": zero, "zw": zero_w}
    _, count = loops.matmul(np.ones((2, 4)), np.ones((4, 3)))
    cases = (
        ("MatMulInteger", ["x", "w", "z", "zw"], ""), ("QLinearMatMul", ["x", "s", "z", "w", "s", "zw", "s", "z"], ""),
        ("QGemm", ["x", "s", "z", "w", "s", "zw", "", "s", "z"], "com.microsoft"),
    )  # fmt: skip
    for op, operands, domain in cases:
        node = helper.make_node(op, operands, ["y"], domain=domain)
        more: dict[str, Any] = {"domains": [domain]} if domain else {}
        path = written([node], {"x": [2, 4]}, ["y"], constants, kind=TensorProto.UINT8, **more)
        network = read(path)
        assert (network.macs, network.layers[0].op) == (count, "fc"), op
        simulated(network, path)


def test_qdq(written: Build) -> None:
    w = np.array([[3, 0, -2], [0, 0, 5]], np.int8).reshape(2, 3, 1, 1)
    constants = {"w": w, "s": np.array(0.1, np.float32), "z": np.array(0, np.int8)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("DequantizeLinear", ["w", "s", "z"], ["v"]),
        helper.make_node("Conv", ["d", "v"], ["y"], name="conv"),
    ]
    path = written(nodes, {"x": [1, 3, 4, 4]}, ["y"], constants)
    network = read(path)
    (layer,) = network.layers
    assert (layer.name, layer.macs, layer.density.weight) == ("conv", 2 * 3 * 16, 0.5)
    assert "Number formats in the file: iacts int8, weights int8 (1 layers)" in network.notes
    simulated(network, path)
