"""Width and resolution of a network."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accelerator_sim.files.errors import UsageError
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network
from accelerator_sim.workload.resize import resize


def shapes(network: Network) -> list[Layer]:
    return [replace(layer, name="", reads=(), density=network.layers[0].density) for layer in network.layers]


@pytest.mark.parametrize(
    ("name", "width", "resolution", "own"),
    [
        ("mobilenet_v1", 0.5, 128, "mobilenet_v1_0.5_128"),
        ("resnet50", 1.0, 168, "resnet50_168"),
        ("resnet50", 1.0, 112, "resnet50_112"),
        ("resnet50", 1.0, 84, "resnet50_84"),
        ("resnet18", 1.0, 112, "resnet18_112"),
        ("mobilenet_v2", 1.0, 84, "mobilenet_v2_84"),
    ],
)
def test_equals_the_table_of_its_own(name: str, width: float, resolution: int, own: str) -> None:
    """Networks that have tables of their own at other sizes, read off the networks themselves."""
    assert shapes(resize(load_network(name), width, resolution)) == shapes(load_network(own))


@pytest.mark.parametrize(
    ("width", "resolution", "millions"),
    [
        (1.0, 224, 569),
        (0.75, 224, 325),
        (0.5, 224, 149),
        (0.25, 224, 41),
        (1.0, 192, 418),
        (1.0, 160, 290),
        (1.0, 128, 186),
    ],
)
def test_mobilenets_of_the_paper(width: float, resolution: int, millions: int) -> None:
    """Howard et al., arXiv:1704.04861, Tables 6 and 7, which round to millions."""
    network = load_network("mobilenet_v1", Choices(width=width, resolution=resolution))
    assert network.macs / 1e6 == pytest.approx(millions, abs=1)
    assert network.name == f"mobilenet_v1_{width:g}_{resolution}"


@pytest.mark.parametrize(
    ("name", "width", "resolution", "message"),
    [
        ("bert_base", 0.5, None, "bert_base: only convolutional networks have a width and a resolution"),
        ("vgg16", 1.0, 112, "reads a picture of 7 x 7, to which its weights belong"),
        ("mobilenet_v1", 0.33, None, "layer CONV1 would have 10.56 filters"),
        ("mobilenet_v1", 0.001, None, "layer CONV1 would have 0.032 filters"),
        ("shufflenet_v2", 0.3, None, "would have"),
    ],
)
def test_refused(name: str, width: float, resolution: int | None, message: str) -> None:
    with pytest.raises(UsageError) as error:
        resize(load_network(name), width, resolution)
    assert message in str(error.value)
