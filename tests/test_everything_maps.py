"""Every built-in network maps completely on every built-in architecture."""

from __future__ import annotations

import pytest

import accelerator_sim
from accelerator_sim.files.data import builtin_names
from tests.layers_of import sample_of

NETWORKS = builtin_names("workloads")
ARCHITECTURES = builtin_names("arch_configs")
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
