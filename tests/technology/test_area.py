from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.files.data import builtin_names
from accelerator_sim.files.errors import UsageError
from accelerator_sim.technology.area import COMPONENTS, area_at, area_nodes, area_of, area_shrink, load_area_figures
from accelerator_sim.technology.scaling import INTERPOLATED

FIGURES = load_area_figures()
GATES, UM2, SRAM = FIGURES.gates, FIGURES.um2, FIGURES.sram


def test_every_component_by_hand(architecture: Architecture) -> None:
    """Two clusters of 12 PEs, as v2 but for the sizes that the fixture sets."""
    area = area_of(architecture, 65)
    gates = area.gates
    assert tuple(gates) == COMPONENTS
    mux, register, bit, port = (c.value for c in (GATES.mux_input, GATES.register_bit, GATES.spad_bit,
                                                  GATES.spad_bit_port))  # fmt: skip
    assert gates["pe_datapath"] == pytest.approx(24 * 2 * (8 * 8 + 20) * GATES.adder_bit.value)
    words = 12 + 2 * 12 + 2 * 20  # one iact and two weights with their counts, two psums
    assert gates["pe_control"] == pytest.approx(24 * (7 * words * register + 4 * words * bit + GATES.pe_control.value))
    # weights (2,304 b) go to SRAM; iacts, addresses and the psums with two pairs of ports are logic
    assert gates["spad"] == pytest.approx(24 * ((16 * 12 + 8 * 4) * bit + 32 * 20 * (bit + port)))
    # three routers of 4 x 4 ports; every PE selects one of three
    assert gates["noc_iact"] == pytest.approx(2 * (3 * 4 * 3 * 24 + 12 * 2 * 24) * mux)
    assert gates["noc_weight"] == pytest.approx(2 * 3 * 2 * 1 * 24 * mux)
    # four routers of 3 x 3 ports; every PE selects the network or its neighbour, two psums at a time
    assert gates["noc_psum"] == pytest.approx((2 * 4 * 3 * 2 * 40 + 24 * 2 * 20) * mux)
    # banks of 512 words of 24 b and 1,229 words of 40 b
    assert gates["glb"] == pytest.approx(2 * (3 * (24 + 9) + 4 * (40 + 11)) * register)
    assert gates["top"] == pytest.approx(architecture.configuration.bits * register)
    banks = 2 * 8 * (3 * 1536 + 4 * 6144)
    assert area.sram_bits == 24 * 96 * 24 + banks
    assert area.total_kgates == pytest.approx(sum(gates.values()) / 1e3)


def test_silicon_of_a_macro_and_of_logic(architecture: Architecture) -> None:
    area = area_of(architecture, 65)
    macro = 2304 * UM2.sram_bit.value + math.sqrt(2304) * UM2.sram_edge.value
    spad = area.parts["spad"]
    assert spad.um2 == pytest.approx(24 * macro + spad.gates * UM2.gate.value)
    assert area.mm2 == pytest.approx(sum(part.um2 for part in area.parts.values()) / 1e6)


def test_weights_that_load_during_computation_need_a_second_port(architecture: Architecture) -> None:
    hidden = architecture.overlap.model_copy(update={"weight_fill": True})
    area = area_of(architecture.model_copy(update={"overlap": hidden}), 65)
    macro = 2304 * UM2.sram_bit.value + math.sqrt(2304) * UM2.sram_edge.value
    more = area.parts["spad"].um2 - area_of(architecture, 65).parts["spad"].um2
    assert more == pytest.approx(24 * macro * SRAM.port.value)


def test_nodes() -> None:
    machine = load_architecture("eyeriss_v2")
    at = {node: area_of(machine, node).mm2 or 0.0 for node in area_nodes()}
    assert list(at.values()) == sorted(at.values(), reverse=True)
    assert at[45] / at[65] == pytest.approx(0.66)
    assert at[7] / at[65] == pytest.approx(0.039)
    upper, lower = INTERPOLATED[28]
    slope = math.log(area_shrink(upper) / area_shrink(lower)) / math.log(upper / lower)
    assert area_shrink(28) == pytest.approx(area_shrink(lower) * (28 / lower) ** slope)
    assert area_of(machine, 28).gates == area_of(machine, 65).gates


def test_an_unknown_node_names_the_known_ones() -> None:
    machine = load_architecture("eyeriss_v2")
    with pytest.raises(
        UsageError, match=r"^22 nm has no area; known nodes: 65, 45, 32, 28, 20, 16, 14, 12, 10, 8, 7 nm$"
    ):
        area_of(machine, 22)
    area = area_at(machine, 22)
    assert area.mm2 is None
    assert area.gates == area_of(machine, 65).gates
    assert {part["mm2"] for part in area.as_dict()["by_component"].values()} == {None}


@pytest.mark.parametrize("name", builtin_names("arch_configs"))
def test_every_built_in_architecture_has_an_area(name: str) -> None:
    machine = load_architecture(name)
    data = json.loads(json.dumps(area_of(machine, 65).as_dict()))
    assert data["estimate"] is True
    assert tuple(data["by_component"]) == COMPONENTS
    for quantity in ("kgates", "sram_bits", "mm2"):
        parts = [part[quantity] for part in data["by_component"].values()]
        assert min(parts) >= 0
        assert sum(parts) == pytest.approx(data[quantity])
        assert data[quantity] > 0
    assert data["sram_bits"] <= 8 * machine.memory_bytes


GROWN = {
    "eyeriss_v2": (
        ("cluster_array.rows",), ("cluster_array.columns",), ("pe_cluster.rows", "noc.weight.routers"),
        ("pe_cluster.columns", "noc.psum.routers"), ("noc.iact.port_width",), ("noc.weight.port_width",),
        ("noc.psum.port_width",), ("noc.iact.routers",), ("pe.spad.iact.depth",), ("pe.spad.weight.depth",),
        ("pe.spad.psum.depth",), ("pe.spad.weight.width",), ("pe.spad.iact_address.depth",), ("pe.macs_per_cycle",),
        ("pe.pipeline_stages",), ("pe.fifo_depth.psum",), ("glb.iact.banks",), ("glb.psum.size",),
        ("glb.psum.port_width",), ("configuration.bits",),
        ("precision.psum", "noc.psum.port_width", "glb.psum.port_width"),
    ),
    "eyeriss_v1": (
        ("pe_cluster.rows",), ("pe_cluster.columns",), ("noc.iact.words_per_cycle",), ("noc.weight.words_per_cycle",),
        ("pe.spad.psum.depth",), ("pe.spad.weight.depth",), ("pe.spad.iact.width",), ("precision.weight",),
        ("precision.iact",), ("glb.shared.banks",), ("glb.shared.size",), ("glb.iact.port_width",),
        ("glb.weight.banks",),
    ),
}  # fmt: skip
BITS = ("width", "precision", "size")


def _value(machine: Architecture, path: str) -> int:
    found: object = machine
    for name in path.split("."):
        found = found[name] if isinstance(found, dict) else getattr(found, name)
    assert isinstance(found, int)
    return found


def _grown(name: str, paths: tuple[str, ...], more: int) -> Architecture:
    machine = load_architecture(name)
    sets = []
    for path in paths:
        unit = " B" if path.endswith("size") else " b" if any(word in path for word in BITS) else ""
        sets.append((path, f"{_value(machine, path) + more}{unit}"))
    return load_architecture(name, sets)


@given(st.data())
def test_what_grows_never_shrinks_the_chip(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(GROWN)))
    paths = data.draw(st.sampled_from(GROWN[name]))
    less, more = sorted(data.draw(st.tuples(st.integers(0, 400), st.integers(0, 400))))
    small, large = (area_of(_grown(name, paths, by), 65) for by in (less, more))
    assert small.mm2 is not None
    assert large.mm2 is not None
    assert large.mm2 >= small.mm2 * (1 - 1e-12)


@pytest.mark.parametrize(("name", "paths"), [(name, paths) for name, all_paths in GROWN.items() for paths in all_paths])
def test_what_grows_has_a_price(name: str, paths: tuple[str, ...]) -> None:
    assert (area_of(_grown(name, paths, 200), 65).mm2 or 0) > (area_of(load_architecture(name), 65).mm2 or 0)


def test_dual_port_banks_and_compressed_operands_have_a_price() -> None:
    plain = area_of(load_architecture("eyeriss_v2"), 65)
    ports = area_of(load_architecture("eyeriss_v2", [("glb.psum.ports", "2")]), 65)
    assert ports.parts["glb"].um2 > plain.parts["glb"].um2
    dense = area_of(load_architecture("eyeriss_v2", [("pe.csc", "null")]), 65)
    assert dense.parts["pe_control"].gates < plain.parts["pe_control"].gates


def test_an_array_wider_than_two_clusters_has_links_to_both_sides() -> None:
    two, four = (load_architecture("eyeriss_v2", [("cluster_array.columns", str(n))]) for n in (2, 4))
    assert area_of(four, 65).gates["noc_weight"] == pytest.approx(2 * 3 * area_of(two, 65).gates["noc_weight"])


def test_flat_networks_have_the_logic_of_their_kind() -> None:
    """168 PEs: identities of buses and trees, a gate for each wire of a link; links of three cycles have a third."""
    figures = load_area_figures().gates
    mux, register = figures.mux_input.value, figures.register_bit.value
    found = {}
    for kind, words in (("multicast_bus", 1), ("broadcast", 1), ("unicast", 168), ("unicast", 56)):
        sets = [(f"noc.{t}", f"{{kind: {kind}, words_per_cycle: {words}}}") for t in ("iact", "weight", "psum")]
        found[kind, words] = area_of(load_architecture("eyeriss_v1", sets), 65).gates["noc_iact"]
    wires = 168 * 16 * mux
    assert found["multicast_bus", 1] == pytest.approx(wires + (12 * 4 + 168 * 4) * register)
    assert found["broadcast", 1] == pytest.approx(wires + 168 * (4 + 4) * register)
    assert found["unicast", 168] == pytest.approx(wires)
    assert found["unicast", 56] == pytest.approx(168 * 6 * mux)  # 16 bits in three cycles
