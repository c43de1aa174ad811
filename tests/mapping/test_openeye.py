"""The rules of the mapper of an open RTL: what they give, what they say nothing about, and that it fits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.mapping.file import load_plan, mapping_file
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.mapping import Encoding, Factors, Mapping
from accelerator_sim.mapping.openeye import filters_per_pe, mapped, maps_for
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network

LARGE, SMALL = load_architecture("openeye_192"), load_architecture("openeye_48")


def conv(filters: int, channels: int, size: int, **more: object) -> Layer:
    fields = {"R": 3, "S": 3, "padding": (1, 1, 1, 1)} | more
    return Layer("conv", "conv", M=filters, C=channels, H=size, W=size, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("layer", "filters", "channels", "windows"),
    [
        # as the mapper that comes with the RTL gives them
        (conv(8, 4, 8), 8, 4, 4),
        (conv(32, 4, 8), 16, 4, 4),
        (conv(14, 8, 12), 14, 4, 9),
        (conv(12, 4, 20), 12, 4, 25),
        (conv(8, 4, 24), 8, 4, 36),  # 36 windows of 4 channels just fit into the banks
        (conv(8, 4, 32), 8, 4, 32),  # 64 do not
        (conv(16, 1, 16), 16, 1, 16),
        (conv(8, 4, 16, stride=(2, 2), padding=(0, 1, 0, 1)), 8, 4, 4),
    ],
)
def test_convolutions_on_four_clusters(layer: Layer, filters: int, channels: int, windows: int) -> None:
    mapping = mapped(problem_of(layer, SMALL))
    assert mapping is not None
    assert (filters, channels, windows) == (mapping.M0, mapping.C0, mapping.N0 * mapping.P0 * mapping.Q0)
    assert mapping.pe_rows == Factors(R=3)
    assert mapping.pe_columns == Factors(P=4)
    assert mapping.iact_encoding is mapping.weight_encoding is Encoding.CSC


def test_a_fully_connected_layer() -> None:
    mapping = mapped(problem_of(Layer("fc", "fc", M=300, C=72), LARGE))
    assert mapping == Mapping(
        cluster_rows=Factors(M=8), cluster_columns=Factors(M=2), pe_rows=Factors(C=3), M0=16, C0=12, S0=1,
        iact_encoding=Encoding.CSC, weight_encoding=Encoding.CSC,
    )  # fmt: skip


def test_a_depthwise_layer_takes_a_channel_a_pass() -> None:
    problem = problem_of(conv(1, 1, 16, G=8), LARGE)
    mapping = mapped(problem)
    assert mapping is not None
    assert Tiling(problem, mapping).passes == 8


@pytest.mark.parametrize(
    "layer",
    [
        conv(8, 4, 8, R=1, S=1, padding=(0, 0, 0, 0)),
        conv(8, 4, 8, R=5, S=5),
        conv(7, 4, 8),  # an odd number of filters
        conv(18, 4, 8),  # nine in a PE
        conv(8, 4, 8, G=2),
        Layer("fc", "fc", M=16, C=36, N=2),
    ],
)
def test_layers_that_the_rtl_cannot_run(layer: Layer) -> None:
    assert mapped(problem_of(layer, LARGE)) is None


def test_filters_in_a_pe() -> None:
    """M / ceil(3 M C0 / 192), 16 at most: the reference of the RTL."""
    known = {(8, 4): 8, (32, 4): 16, (48, 4): 16, (14, 4): 14, (10, 4): 10, (16, 1): 16, (64, 1): 16, (1, 1): 1}
    assert {key: filters_per_pe(*key) for key in known} == known


def test_machines_that_the_rules_are_for() -> None:
    assert all(maps_for(load_architecture(name)) for name in ("openeye_192", "openeye_48", "eyeriss_v2"))
    network = load_network("openeye_192_layers")
    for name in ("eyeriss_v1", "eyeriss_v1_5"):
        with pytest.raises(InvalidFile, match=r"compiler: is for clusters of PEs with csc, and GLB banks"):
            load_plan(mapping_file("openeye"), load_architecture(name), network)


def test_layers_that_the_rules_leave_are_searched() -> None:
    network = load_network("mobilenet_v1_0.5_128")
    plan = load_plan(mapping_file("openeye"), LARGE, network)
    mapped_ones = plan.mappings
    assert "PW2" not in mapped_ones
    assert "filters of 1 x 1 at several positions" in plan.refused["PW2"]
    assert plan.note.startswith("the rules do not map 13 layers, whose mappings are searched: PW2, PW3")
    assert mapped_ones.keys() | plan.refused.keys() == {layer.name for layer in network.layers if layer.is_mac}
    assert {layer.name for layer in network.layers if layer.name.startswith("DW")} <= mapped_ones.keys()


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (Layer("x", "conv", M=8, C=4, H=8, W=8, R=5, S=5), "filters of 5 x 5; the RTL runs 3 x 3"),
        (Layer("x", "conv", G=2, M=8, C=4, H=8, W=8, R=3, S=3), "groups of 4 channels and 8 filters"),
        (Layer("x", "conv", M=7, C=4, H=8, W=8, R=3, S=3), "7 filters would be an odd number in a PE"),
        (Layer("x", "fc", N=4, M=8, C=4), "at several positions"),
    ],
)
def test_layers_that_the_rtl_cannot_run_are_named_with_the_reason(layer: Layer, reason: str) -> None:
    plan = load_plan(mapping_file("openeye"), LARGE, Network("one", "made up", (layer,), ""))
    assert plan.mappings == {}
    assert reason in plan.refused["x"]
    assert reason in plan.note


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_what_is_mapped_fits_and_leaves_no_window_out(data: st.DataObject) -> None:
    def whole(least: int, most: int) -> int:
        return data.draw(st.integers(least, most))

    layer = Layer(
        "drawn", "conv", N=whole(1, 3), M=2 * whole(1, 40), C=whole(1, 12), H=whole(3, 40), W=whole(3, 40), R=3, S=3,
        stride=(whole(1, 2), whole(1, 2)), padding=(1, 1, 1, 1),
    )  # fmt: skip
    machine = data.draw(st.sampled_from([LARGE, SMALL, load_architecture("eyeriss_v2")]))
    mapping = mapped(problem_of(layer, machine))
    if mapping is not None:
        problem = problem_of(layer, machine, mapping.iact_encoding, mapping.weight_encoding)
        tiling = Tiling(problem, mapping)
        assert broken_limits(tiling) == []
        clusters = machine.cluster_array.count
        windows = layer.N * -(-problem.loops.P // 4) * problem.loops.Q
        d = tiling.deals
        busiest = d.N.steps * d.P.steps * d.Q.steps
        assert -(-windows // clusters) <= busiest <= windows
