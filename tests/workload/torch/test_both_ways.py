"""A module gives the same layers as its export to ONNX: MACs, shapes, zeros of weights, measured activations."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

import accelerator_sim as sim  # noqa: E402
from accelerator_sim.workload.layer import Layer  # noqa: E402
from accelerator_sim.workload.network import Network  # noqa: E402
from tests.workload.torch import structures as nets  # noqa: E402

pytestmark = pytest.mark.slow

Make = Callable[[], tuple[Any, Any]]
"""A model, and what it is called with."""


def images(*shape: int) -> Any:
    torch.manual_seed(1)
    return torch.randn(*shape)


def words(*shape: int) -> Any:
    torch.manual_seed(1)
    return torch.randint(0, 100, shape)


MODELS: dict[str, Make] = {
    "resnet18": lambda: (nets.seeded(nets.ResNet18, 8, 10), images(2, 3, 32, 32)),
    "vgg16": lambda: (nets.seeded(nets.Vgg16, 4, 1, 16, 10), images(1, 3, 32, 32)),
    "mobilenet_v2": lambda: (nets.seeded(nets.MobileNetV2, 4, 10), images(2, 3, 32, 32)),
    "mobilenet_v3_small": lambda: (nets.seeded(nets.MobileNetV3Small, 4, 10), images(1, 3, 64, 64)),
    "vision_transformer": lambda: (nets.seeded(nets.VisionTransformer, 16, 2, 2, 32, 8), images(2, 3, 32, 32)),
    "bert": lambda: (nets.seeded(nets.Bert, 16, 2, 2, 100), words(2, 7)),
    "gpt2": lambda: (nets.seeded(nets.Gpt2, 16, 2, 2, 100), words(1, 9)),
    "tagger": lambda: (nets.seeded(nets.Tagger), words(3, 6)),
    "speech": lambda: (nets.seeded(nets.Speech), images(2, 1, 200)),
    "video": lambda: (nets.seeded(nets.Video), images(1, 3, 4, 16, 16)),
    "unet": lambda: (nets.seeded(nets.UNet), images(1, 3, 16, 16)),
    "deeplab": lambda: (nets.seeded(nets.DeepLab), images(1, 3, 32, 32)),
    "llama": lambda: (nets.seeded(nets.Llama), words(1, 6)),
    "swin": lambda: (nets.seeded(nets.Swin), images(1, 3, 16, 16)),
    "shuffle": lambda: (nets.seeded(nets.Shuffle), images(1, 3, 16, 16)),
    "convnext": lambda: (nets.seeded(nets.ConvNext), images(2, 3, 32, 32)),
}


def by_onnx(model: Any, example: Any, folder: Path, measure: bool, opset: int | None = 23) -> Network:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = str(folder / "m.onnx")
        torch.onnx.export(model, (example,), file, input_names=["x"], opset_version=opset, verbose=False)
    inputs = folder / "x.npz"
    np.savez(inputs, x=example.numpy())
    return sim.load_network(str(folder / "m.onnx"), sim.Choices(inputs=inputs if measure else None))


def shape(layer: Layer) -> tuple[object, ...]:
    return (
        layer.op, layer.macs, layer.N, layer.G, layer.M, layer.C, layer.D, layer.H, layer.W, layer.T, layer.R, layer.S,
        layer.stride_d, layer.stride, layer.dilation, layer.padding_d, layer.padding, layer.transposed,
        layer.output_padding, layer.output_padding_d, layer.weight_bits,
    )  # fmt: skip


def shape_of_traffic(layer: Layer) -> tuple[str, int, int]:
    return layer.op, layer.iact_words, layer.oact_words


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("measure", [False, True], ids=["assumed", "measured"])
def test_must_hold_both_ways_give_the_same_layers(name: str, measure: bool, tmp_path: Path) -> None:
    model, example = MODELS[name]()
    ours, theirs = sim.from_torch(model, example, measure), by_onnx(model, example, tmp_path, measure)
    assert (ours.batch, ours.macs) == (theirs.batch, theirs.macs)
    assert ours.macs > 0
    mine, other = ([layer for layer in network.layers if layer.is_mac] for network in (ours, theirs))
    assert [shape(layer) for layer in mine] == [shape(layer) for layer in other]
    for layer, same in zip(mine, other, strict=True):
        where, one, two = (layer.name, same.name), layer.density, same.density
        assert one.weight == pytest.approx(two.weight, abs=2e-3), where  # ties, where a normalisation is folded in
        assert one.iact == pytest.approx(two.iact, abs=1e-3), where
        assert one.oact == two.oact, where
        if one.profile_iact:  # what is inside a recurrence of several layers is dense, and not looked at
            assert np.allclose(one.profile_iact, two.profile_iact, atol=2e-2), where
    moved, also = ([shape_of_traffic(x) for x in net.layers if not x.is_mac] for net in (ours, theirs))
    assert moved == also
    assert ours.uncounted == ()
    assert "UNKNOWN" not in ours.notes


@pytest.mark.parametrize("name", ["vision_transformer", "gpt2", "convnext"])
def test_must_hold_macs_are_those_of_the_default_operator_set(name: str, tmp_path: Path) -> None:
    """It writes attention as single products, so the names differ and so does what is moved around them."""
    model, example = MODELS[name]()
    ours, theirs = sim.from_torch(model, example, False), by_onnx(model, example, tmp_path, False, opset=None)
    mine, other = (
        Counter((x.op, x.macs, x.G, x.M, x.C, x.W) for x in net.layers if x.is_mac) for net in (ours, theirs)
    )
    assert mine == other


FULL: dict[str, Make] = {
    "resnet18": lambda: (nets.ResNet18(), torch.zeros(1, 3, 224, 224)),
    "vgg16": lambda: (nets.Vgg16(), torch.zeros(1, 3, 224, 224)),
    "mobilenet_v2": lambda: (nets.MobileNetV2(), torch.zeros(1, 3, 224, 224)),
    "mobilenet_v3_small": lambda: (nets.MobileNetV3Small(), torch.zeros(1, 3, 224, 224)),
    "vit_b16": lambda: (nets.VisionTransformer(), torch.zeros(1, 3, 224, 224)),
    "bert_base": lambda: (nets.Bert(), torch.zeros(1, 128, dtype=torch.long)),
    "gpt2_prefill": lambda: (nets.Gpt2(), torch.zeros(1, 128, dtype=torch.long)),
}


def test_must_hold_a_block_of_gpt2_is_what_is_listed_by_hand() -> None:
    """Eleven layers, as the built-in network has them: nothing between the products but what computes."""
    with torch.device("meta"):
        network = sim.from_torch(nets.Gpt2(blocks=2), torch.zeros(1, 128, dtype=torch.long), measure=False)
    listed = [layer for layer in sim.load_network("gpt2_prefill").layers if layer.name.startswith("h.1.")]
    ours = [layer for layer in network.layers if layer.name.startswith("h.1")]
    assert [(layer.op, layer.macs) for layer in ours] == [(layer.op, layer.macs) for layer in listed]


@pytest.mark.parametrize("name", FULL)
def test_must_hold_published_networks_have_the_macs_of_the_built_in_ones(name: str) -> None:
    """Those are written after their papers, and counted apart from this program; only shapes are needed here."""
    with torch.device("meta"):
        model, example = FULL[name]()
    network = sim.from_torch(model, example, measure=False)
    assert network.macs == sim.load_network(name).macs
    assert all(layer.density.tensor_weight is None for layer in network.layers)
