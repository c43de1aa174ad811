"""What onnxruntime saves of a model has the multiply-accumulates of the model."""

from __future__ import annotations

import pytest
from onnx import helper

from accelerator_sim.workload.network import Network
from accelerator_sim.workload.onnx.operators import BLOCKED
from tests.workload.onnx.conftest import Build, random, read
from tests.workload.onnx.mutants import DATA

FORMS = [
    ("cnn", "cnn_extended"), ("cnn", "cnn_all"), ("cat", "cat_all"), ("block", "block_all"), ("block", "block_dyn_all"),
    ("block", "block_bert"), ("mlp", "mlp_all"), ("matmuls", "matmuls_all"), ("qdq", "qdq_extended"), ("qdq",
    "qdq_all"), ("lstm", "lstm_dyn_all"), ("c1d", "c1d_all"), ("conv3d", "conv3d_all"),
]  # fmt: skip


def stored(name: str) -> Network:
    return read(DATA / "onnxruntime" / f"{name}.onnx")


@pytest.mark.parametrize(("plain", "optimised"), FORMS)
def test_must_hold_a_model_and_its_optimised_form_have_equal_macs(plain: str, optimised: str) -> None:
    one, other = stored(plain), stored(optimised)
    assert (one.macs, one.batch) == (other.macs, other.batch)
    assert other.macs > 0
    assert other.uncounted == ()
    assert "UNKNOWN" not in other.notes


def test_blocked_layers_have_the_channels_that_they_had() -> None:
    def shapes(network: Network) -> list[tuple[int, ...]]:
        return [(x.N, x.G, x.M, x.C, x.H, x.W, x.R, x.S, *x.padding) for x in network.layers if x.op == "conv"]

    assert shapes(stored("cnn_all")) == shapes(stored("cnn"))  # 3, 20 and 12 channels do not fill blocks of 16
    assert shapes(stored("cat_all")) == shapes(stored("cat"))  # 24 and 40 do not either, one behind a Concat


def test_a_factor_per_channel_is_a_normalisation(written: Build) -> None:
    """onnxruntime writes a BatchNormalization behind a Concat as a depthwise convolution of one tap."""
    for taps, op, macs in ((1, "norm", 0), (3, "conv", 16 * 36 * 9)):
        node = helper.make_node("Conv", ["x", "w"], ["y"], name="bn", domain=BLOCKED, group=16)
        size = 5 + taps
        path = written([node], {"x": [1, 16, size, size]}, ["y"], {"w": random(16, 1, taps, taps)}, domains=[BLOCKED])
        (layer,) = read(path).layers
        assert (layer.op, layer.macs) == (op, macs)


def test_fused_names_are_those_of_the_modules() -> None:
    names = {layer.name for layer in stored("block_all").layers if layer.is_mac}
    assert {"mq", "mk", "mv", "s", "ctx", "mo", "mf1", "mf2"} == names
