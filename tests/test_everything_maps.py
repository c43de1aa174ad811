"""Every built-in network maps completely on every built-in architecture, and so do filters of any size."""

from __future__ import annotations

import pytest

import accelerator_sim
from accelerator_sim.files.data import builtin_names
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import Network
from tests.layers_of import sample_of

NETWORKS = builtin_names("workloads")
ARCHITECTURES = builtin_names("arch_configs")
pytestmark = pytest.mark.filterwarnings("ignore:isca16_normalised is normalised")
QUICK = {"mobilenet_v3_small"}
"""Depthwise, with channel attention: on all architectures in every run."""
MOST = 10
"""Layers of each of the other networks whose exact times are found; the estimate stands in for the rest."""


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    "network", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS]
)
def test_all_layers_run(network: str, architecture: str) -> None:
    """Each layer has a legal mapping, and keeps the laws (a broken one raises CheckFailed)."""
    result = accelerator_sim.simulate(network, architecture, fidelity="event" if network in QUICK else "analytical")
    assert [layer.error for layer in result.failed] == []
    if network not in QUICK:
        assert accelerator_sim.simulate(sample_of(network, MOST), architecture).failed == ()
    assert result.totals.macs == sum(layer.macs for layer in accelerator_sim.load_network(network).layers)


SPARSE = Density(0.5, 0.6, 1.0, "drawn")
LARGE = (
    Layer("31x31", "conv", M=4, C=2, H=34, W=34, R=31, S=31, density=SPARSE),
    Layer("31x31dw", "conv", G=3, H=33, W=33, R=31, S=31, padding=(3, 3, 3, 3)),
    Layer("1x17", "conv", M=4, C=2, W=100, S=17),
    Layer("1x31", "conv", M=4, C=2, W=100, S=31, density=SPARSE),
    Layer("1x128", "conv", M=4, C=2, W=200, S=128, density=SPARSE),
    Layer("1x256", "conv", M=4, C=2, W=300, S=256, padding=(0, 0, 127, 128)),
    Layer("41x11", "conv", M=8, C=1, H=81, W=50, R=41, S=11, stride=(2, 2), padding=(20, 20, 5, 5), density=SPARSE),
    Layer("11x41", "conv", M=8, C=1, H=50, W=81, R=11, S=41, stride=(2, 2), padding=(5, 5, 20, 20)),
    Layer("5x5x5", "conv", M=4, C=2, H=9, W=9, R=5, S=5, D=6, T=5),
    Layer("windows apart in each pass", "conv", M=4, C=3, W=200, S=40, stride=(1, 20), padding=(0, 0, 3, 3)),
    Layer("dilated", "conv", M=4, C=3, H=40, W=50, R=7, S=7, dilation=(4, 6)),
    Layer("far", "conv", M=4, C=3, H=33, W=33, R=3, S=3, dilation=(36, 36), padding=(36, 36, 36, 36), density=SPARSE),
    Layer("2x2/2", "conv", M=4, C=3, H=7, W=7, R=2, S=2, stride=(2, 2), transposed=True, density=SPARSE),
    Layer(
        "3x3/2",
        "conv",
        M=4,
        C=3,
        H=7,
        W=7,
        R=3,
        S=3,
        stride=(2, 2),
        padding=(1, 1, 1, 1),
        output_padding=(1, 1),
        transposed=True,
    ),
    Layer("4x4/2dw", "conv", G=6, H=7, W=7, R=4, S=4, stride=(2, 2), padding=(1, 1, 1, 1), transposed=True),
    Layer(
        "9x9/4",
        "conv",
        M=2,
        C=3,
        H=6,
        W=6,
        R=9,
        S=9,
        stride=(4, 4),
        padding=(4, 4, 4, 4),
        output_padding=(3, 3),
        transposed=True,
    ),
    Layer(
        "33/9",
        "conv",
        G=2,
        M=2,
        C=3,
        W=20,
        S=33,
        stride=(1, 9),
        padding=(0, 0, 12, 12),
        output_padding=(0, 5),
        transposed=True,
    ),
)
"""Filters that no PE of most machines holds whole, dilated and transposed ones."""
STEPPED = 256
"""PEs of machines on which the values of all outputs are checked."""


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_filters_of_any_size_run(architecture: str) -> None:
    """They keep the laws; both engines take the same time, and all outputs are right to the bit."""
    network = Network(name="large filters", source="drawn", file="", layers=LARGE)
    result = accelerator_sim.simulate(network, architecture)
    assert [layer.error for layer in result.failed] == []
    if accelerator_sim.load_architecture(architecture).pes <= STEPPED:
        stepped = accelerator_sim.simulate(network, architecture, verify=True)
        assert stepped.verified == sum(layer.oact_total_words for layer in LARGE)
        assert stepped.totals.cycles == result.totals.cycles
