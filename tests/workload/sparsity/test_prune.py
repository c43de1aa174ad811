"""Pruning: shares, structure, real weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from accelerator_sim.files.errors import UsageError
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network
from accelerator_sim.workload.onnx.weights import quantise
from accelerator_sim.workload.pattern import draw
from accelerator_sim.workload.sparsity.prune import parse_rule, prunable, prune
from tests.workload.onnx.conftest import model_of, random, read


def left(network: Network) -> float:
    """Density of all weights together."""
    layers = [layer for layer in network.layers if prunable(layer)]
    return sum(x.density.weight * x.weight_words for x in layers) / sum(x.weight_words for x in layers)


@pytest.mark.parametrize(
    ("rule", "density"), [("magnitude:0.9", 0.1), ("erk:0.8", 0.2), ("lottery:10", 0.8**10), ("lottery:0", 1.0)]
)
def test_what_is_left_of_a_whole_network(rule: str, density: float) -> None:
    assert left(prune(load_network("resnet18"), parse_rule(rule))) == pytest.approx(density, abs=1e-6)


def test_lottery_leaves_more_where_weights_are_larger() -> None:
    pruned = {layer.name: layer for layer in prune(load_network("resnet18"), parse_rule("lottery:8")).layers}
    assert pruned["conv1"].density.weight > pruned["layer4.0.conv2"].density.weight
    assert "pruned by lottery:8, drawn" in pruned["conv1"].density.source


def test_products_of_activations_have_no_weights() -> None:
    before, after = load_network("bert_base"), prune(load_network("bert_base"), parse_rule("magnitude:0.5"))
    for a, b in zip(before.layers, after.layers, strict=True):
        assert (a == b) == (not prunable(a))
    assert "Pruned: magnitude:0.5." in after.notes


def test_a_published_effectual_fraction_holds_no_longer() -> None:
    pruned = prune(load_network("mobilenet_v1_0.5_128_sparse"), parse_rule("magnitude:0.9"))
    assert {layer.effectual_fraction for layer in pruned.layers if layer.is_mac} == {None}


def test_n_of_m(tmp_path: Path) -> None:
    layer = Layer("conv", "conv", C=10, M=6, H=5, W=5, R=3, S=3, density=Density(iact=0.5))
    (pruned,) = prune(Network("n", "s", (layer,), "n.yaml"), parse_rule("nm:2:4")).layers
    assert pruned.density.weight == pytest.approx((2 + 2 + 1) / 10)
    for masks in ("channels", "uniform"):
        mask = draw(pruned, seed=3, masks=masks).weight_mask  # type: ignore[arg-type]
        assert mask is not None
        counts = [mask[:, begin : begin + 4].sum(axis=1) for begin in (0, 4, 8)]
        assert [set(np.unique(count)) for count in counts] == [{2}, {2}, {1}]
    assert not np.array_equal(draw(pruned, seed=3).weight_mask, draw(pruned, seed=4).weight_mask)


def test_n_of_m_leaves_a_sparser_layer_alone() -> None:
    layer = Layer("conv", "conv", C=8, M=6, H=5, W=5, density=Density(weight=0.2))
    assert prune(Network("n", "s", (layer,), "n.yaml"), parse_rule("nm:2:4")).layers == (layer,)


# --- real weights ----------------------------------------------------------------------------------------------------
def real(tmp_path: Path) -> tuple[Network, np.ndarray, np.ndarray]:
    w, v = random(8, 4, 3, 3, seed=1), 0.1 * random(8, 8, 1, 1, seed=3)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="one"),
        helper.make_node("Conv", ["a", "v"], ["y"], name="two"),
    ]
    path = tmp_path / "net.onnx"
    path.write_bytes(model_of(nodes, {"x": [1, 4, 8, 8]}, ["y"], {"w": w, "v": v}).SerializeToString())
    return read(path), w, v


def test_real_weights_lose_their_smallest_magnitudes(tmp_path: Path) -> None:
    network, w, v = real(tmp_path)
    pruned = prune(network, parse_rule("magnitude:0.75"))
    for layer, values in zip(pruned.layers, (w, v), strict=True):
        mask = draw(layer, seed=0).weight_mask
        assert mask is not None
        kept = np.sort(np.abs(values), axis=None)[values.size // 4 * 3 :].min()
        assert np.array_equal(mask.reshape(values.shape), np.abs(values) >= kept)
        assert layer.density.weight == pytest.approx(0.25)


def test_lottery_takes_the_largest_of_all_real_weights(tmp_path: Path) -> None:
    network, w, v = real(tmp_path)
    pruned = prune(network, parse_rule("lottery:3"))
    everything = np.sort(np.abs(np.concatenate((w.ravel(), v.ravel()))))
    limit = everything[round((1 - 0.8**3) * everything.size)]
    for layer, values in zip(pruned.layers, (w, v), strict=True):
        assert layer.density.weight == pytest.approx(np.count_nonzero(np.abs(values) >= limit) / values.size, abs=0.02)
    assert pruned.layers[0].density.weight > pruned.layers[1].density.weight


def test_the_largest_n_of_m_real_weights_are_left(tmp_path: Path) -> None:
    network, w, _ = real(tmp_path)
    (layer, _) = prune(network, parse_rule("nm:1:4")).layers
    mask = draw(layer, seed=0).weight_mask
    assert mask is not None
    assert np.array_equal(mask[:, :, 0].argmax(axis=1), np.abs(quantise(w)).argmax(axis=1))
    assert set(np.unique(mask.sum(axis=1))) == {1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("magnitud:0.9", "unknown pruning 'magnitud:0.9'; did you mean 'magnitude'?; write magnitude:0.9, erk:0.9,"),
        ("magnitude", "pruning 'magnitude' cannot be read; write magnitude:0.9"),
        ("magnitude:x", "pruning 'magnitude:x' cannot be read"),
        ("magnitude:1", "pruning 'magnitude:1': 1 is not allowed; a share from 0 to less than 1 is required"),
        ("erk:nan", "pruning 'erk:nan' cannot be read"),
        ("lottery:101", "pruning 'lottery:101': 101 rounds are not allowed; 0 to 100 are"),
        ("lottery:1.5", "pruning 'lottery:1.5' cannot be read"),
        ("nm:4:2", "pruning 'nm:4:2' is not allowed; N of M with 1 <= N <= M <= 64"),
        ("nm:2", "pruning 'nm:2' cannot be read"),
    ],
)
def test_rules_that_are_none(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rule(text)
    assert str(caught.value).startswith(message)


def test_shares_of_he() -> None:
    # One layer: the threshold decides nothing, and the share is 0.8^K exactly.
    layer = Layer("fc", "fc", C=100, M=10)
    (pruned,) = prune(Network("n", "s", (layer,), "n.yaml"), parse_rule("lottery:5")).layers
    assert pruned.density.weight == pytest.approx(0.8**5)
