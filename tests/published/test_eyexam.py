"""What bounds layers of v1 and v2, as the papers say: JETCAS 2019 II, V-B; arXiv:1807.07928v1 (Eyexam) and Fig. 4."""

from __future__ import annotations

import pytest

from accelerator_sim.dataflow.rules import DATAFLOWS
from accelerator_sim.eyexam.explain import explain
from accelerator_sim.eyexam.findings import LayerExplanation
from accelerator_sim.eyexam.parallelism import parallelism, steps_on_lanes
from accelerator_sim.mapping.loops import loops_of
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network_loader import load_network

PES = 192


def layers_of(network: str, architecture: str, *globs: str) -> list[LayerExplanation]:
    selected = load_network(network).select(globs)
    return explain(selected, *load_machine(architecture), Options()).explained


@pytest.mark.parametrize(
    ("network", "glob", "port"),
    [("alexnet", "FC*", "weight_port"), ("mobilenet_v1_0.5_128", "FC", "weight_port"),
     ("mobilenet_v1_0.5_128", "DW*", "iact_port")],
)  # fmt: skip
def test_v1_is_bound_by_the_bandwidth_of_its_network(network: str, glob: str, port: str) -> None:
    """JETCAS V-B: fully connected and depthwise layers starve on the flat multicast network of v1."""
    for layer in layers_of(network, "eyeriss_v1_192", glob):
        assert layer.cause == (6, port), layer.result.layer.name
        assert layer.bounds.cycles[5] > 8 * layer.bounds.cycles[4]
        assert layer.bounds.lost[5] > 0.7 * sum(layer.bounds.lost)


@pytest.mark.parametrize("architecture", ["eyeriss_v2", "eyeriss_v1_5"])
def test_depthwise_layers_are_not_bound_by_the_hierarchical_mesh(architecture: str) -> None:
    """JETCAS III: the hierarchical mesh delivers unique iacts to all PEs, so that step 6 is no longer what binds."""
    for layer in layers_of("mobilenet_v1_0.5_128", architecture, "DW*"):
        assert layer.bounds.binding != 6, layer.result.layer.name
        assert layer.bounds.cycles[5] < 2.0 * layer.bounds.cycles[4]


def test_fully_connected_layers_gain_what_the_ports_give() -> None:
    """The mesh gives a batch-1 layer 144 weights per cycle (16 clusters x 3 ports x 3 weights) where v1 has 3.

    One MAC a PE then runs at 75% of its peak, two at 37.5%: JETCAS V-B has v2 only marginally faster than v1.5 there,
    "still bandwidth-bound", so on v2 these layers stay at step 6, at 48 times the bound of v1.
    """
    for name, share in (("eyeriss_v1_5", 0.75), ("eyeriss_v2", 0.375)):
        for layer in layers_of("alexnet", name, "FC6", "FC7"):
            peak = load_machine(name)[0].macs_per_cycle
            bound = layer.bounds.rate(6, effectual=name == "eyeriss_v2")
            assert bound <= 144 * 1.001
            if name == "eyeriss_v1_5":
                assert bound / peak == pytest.approx(share, rel=0.01)
    v1, v2 = (layers_of("alexnet", name, "FC6")[0].bounds for name in ("eyeriss_v1_192", "eyeriss_v2"))
    assert v2.rate(6) / v1.rate(6) == pytest.approx(48, rel=0.01)
    assert v2.active == pytest.approx(1.0)


@pytest.mark.parametrize("flow", ["nlr", "ws"])
def test_depthwise_layers_starve_spatial_accumulation_arrays(flow: str) -> None:
    """Fig. 4: an array that unrolls channels and filters has next to nothing to unroll in a depthwise layer."""
    for layer in load_network("mobilenet_v1_0.5_128").select(("DW*",)).layers:
        found = {each.dataflow: each for each in parallelism(loops_of(layer), PES)}
        assert found[flow].unlimited == found[flow].on_lanes == (9 if flow == "ws" else 1)
        assert found["rs"].on_lanes > 0.95 * PES


def test_row_stationary_survives_what_shrinks() -> None:
    """Eyexam's conclusion: a dataflow must survive any dimension that shrinks; RS+ fills PEs from groups or images."""
    for layer in (
        Layer("groups", "conv", G=192, H=3, W=3, R=3, S=3),
        Layer("images", "conv", N=192, H=3, W=3, R=3, S=3),
        Layer("filters", "fc", C=1, M=192),
        Layer("channels", "fc", C=192, M=1),
    ):
        loops = loops_of(layer)
        assert layer.macs / steps_on_lanes(loops, DATAFLOWS["rs"], PES) == PES, layer.name
