"""Operators that may multiply and that nobody counts: their layers fail by name, and no sum goes past them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from onnx import helper

from accelerator_sim.baseline.device import load_device
from accelerator_sim.baseline.roofline import run_baseline
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.formats.network_writer import write_network
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import WorkNotCounted
from accelerator_sim.workload.network_loader import load_network
from tests.workload.onnx.conftest import Build, random, read
from tests.workload.onnx.test_reader import messages


def unknown(written: Build, **more: Any) -> Path:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv"),
        helper.make_node("Flatten", ["a"], ["f"]),
        helper.make_node("SecretMatMul", ["f", "m"], ["y"], name="secret", domain="vendor.x"),
    ]
    constants = {"w": random(4, 3, 3, 3), "m": random(144, 10)}
    return written(nodes, {"x": [1, 3, 8, 8]}, ["y"], constants, domains=["vendor.x"])


def test_an_unknown_operator_with_a_weight_is_a_failed_layer(written: Build) -> None:
    network = read(unknown(written))
    assert [(layer.name, layer.uncounted) for layer in network.uncounted] == [("secret", "vendor.x.SecretMatMul")]
    assert "NOT COUNTED, for they may multiply: secret (vendor.x.SecretMatMul)." in network.notes
    result = simulate_network(network, *load_machine("eyeriss_v2"), Options(fidelity="analytical"))
    assert [layer.status for layer in result.layers] == ["ok", "failed"]
    assert result.layers[1].error == (
        "layer secret: operator vendor.x.SecretMatMul may multiply and is not counted; export the network without it,"
        " or select the other layers with --layer"
    )
    assert (result.exit_code, result.complete) == (5, False)


@pytest.mark.parametrize(
    ("inputs", "constants", "fails"),
    [
        ({"x": [2, 3], "z": [2, 3]}, {}, True),  # two operands of two dimensions
        ({"x": [2, 3], "z": [3]}, {}, False),
        ({"x": [2, 3]}, {"z": random(3)}, False),
        ({"x": [3]}, {"z": random(3, 4)}, True),  # a weight of two dimensions
        ({"x": [2, 3]}, {"z": random(1)}, False),
    ],
)
def test_what_may_multiply(
    written: Build, inputs: dict[str, list[int]], constants: dict[str, object], fails: bool
) -> None:
    node = helper.make_node("Magic", ["x", "z"], ["y"], name="spell", domain="mine")
    network = read(written([node], inputs, ["y"], constants, domains=["mine"]))
    assert [layer.name for layer in network.uncounted] == (["spell"] if fails else [])


@pytest.mark.parametrize("op", ["SparseAttention", "LongformerAttention", "GatedDeltaNet", "WordConvEmbedding"])
def test_known_operators_that_are_not_counted_fail_by_name(written: Build, op: str) -> None:
    node = helper.make_node(op, ["x", "z"], ["y"], name="node", domain="com.microsoft")
    network = read(written([node], {"x": [3], "z": [3]}, ["y"], domains=["com.microsoft"]))
    assert [layer.uncounted for layer in network.uncounted] == [f"com.microsoft.{op}"]


def test_an_optional_weight_makes_a_product(written: Build) -> None:
    for reads, fails in ((["x", "v", "g"], False), (["x", "v", "g", "w"], True)):
        node = helper.make_node("GatedAdd", reads, ["y"], name="node", domain="com.microsoft")
        inputs = {"x": [1, 4, 8], "v": [1, 4, 8], "g": [1, 4, 1]}
        network = read(written([node], inputs, ["y"], {"w": random(8, 1)}, domains=["com.microsoft"]))
        assert bool(network.uncounted) is fails


def test_strictness_refuses_it(written: Build) -> None:
    assert messages(unknown(written), strict=True) == (
        "secret: operator vendor.x.SecretMatMul may multiply and is not counted, and --strict is given"
    )


def test_elementwise_operators_of_two_operands_do_not_fail(written: Build) -> None:
    for op in ("Add", "Mul", "Sub", "Div", "Max", "Pow", "Mod", "PRelu"):
        node = helper.make_node(op, ["x", "z"], ["y"], name="node")
        assert read(written([node], {"x": [2, 3, 4], "z": [2, 3, 4]}, ["y"])).uncounted == ()


def test_sums_without_failed_layers_are_refused(written: Build) -> None:
    with pytest.raises(WorkNotCounted, match=r"not counted: secret \(vendor.x.SecretMatMul\)"):
        run_baseline(read(unknown(written)), load_device("jetson_tx2_maxq"))


def test_our_file_keeps_what_is_not_counted_and_the_bits_of_weights(written: Build, tmp_path: Path) -> None:
    node = helper.make_node(
        "MatMulNBits", ["x", "w", "s"], ["y"], name="fc", domain="com.microsoft", K=64, N=16, bits=4, block_size=32
    )
    constants = {"w": random(16, 2, 16).astype("uint8"), "s": random(16, 2)}
    packed = read(written([node], {"x": [4, 64]}, ["y"], constants, domains=["com.microsoft"]))
    for network in (packed, read(unknown(written))):
        (tmp_path / "net.yaml").write_text(write_network(network).files[0][1])
        back = load_network(str(tmp_path / "net.yaml"))
        assert back.batch == network.batch
        assert [(layer.uncounted, layer.weight_bits) for layer in back.layers] == [
            (layer.uncounted, layer.weight_bits) for layer in network.layers
        ]


def test_weights_of_few_bits_are_fetched_in_few_bits() -> None:
    machine = load_machine("eyeriss_v2")
    found = []
    for bits in (None, 4.5):
        layer = Layer("fc", "fc", C=256, M=64, weight_bits=bits)
        network = load_network("alexnet")
        result = simulate_network(type(network)("n", "s", (layer,), "f"), *machine, Options())
        (one,) = result.layers
        assert one.outcome is not None
        found.append(one.outcome.counts.dram_bytes["weight"])
    assert found == [256 * 64, 256 * 64 * 4.5 / 8]


@pytest.mark.parametrize("bits", [0.0, -1.0, 65.0])
def test_bits_of_a_weight_that_cannot_be(bits: float) -> None:
    with pytest.raises(ValueError, match=r"weight_bits is .*; it must be more than 0 and at most 64"):
        Layer("fc", "fc", C=4, M=4, weight_bits=bits)


def test_a_product_cannot_be_uncounted() -> None:
    with pytest.raises(ValueError, match="only traffic-only layers have an operator that is not counted"):
        Layer("fc", "fc", C=4, M=4, uncounted="x")
