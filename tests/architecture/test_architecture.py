"""Architecture files: every built-in one loads, the schema is up to date, and each rule has its message."""

from __future__ import annotations

import json

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture, schema
from accelerator_sim.files.data import builtin_names, data_dir
from accelerator_sim.files.errors import InvalidFile, UsageError

NAMES = builtin_names("arch_configs")


@pytest.mark.parametrize("name", NAMES)
def test_every_builtin_architecture_loads(name: str) -> None:
    architecture = load_architecture(name)
    assert architecture.name == name
    assert architecture.pes >= 16
    assert architecture.macs_per_cycle == architecture.pes * architecture.pe.macs_per_cycle


def test_published_sizes() -> None:
    """JETCAS 2019 Tables III and IV; JSSC 2017 Fig. 2."""
    v2, v1 = load_architecture("eyeriss_v2"), load_architecture("eyeriss_v1")
    assert (v2.pes, v2.macs_per_cycle, v2.flat) == (192, 384, False)
    assert (v1.pes, v1.macs_per_cycle, v1.flat) == (168, 168, True)
    assert v2.pe.spad.weight.values == 192
    assert v1.pe.spad.weight.values == 224


def test_the_schema_file_is_up_to_date() -> None:
    path = data_dir("arch_configs") / "schemas" / "architecture.schema.json"
    assert json.loads(path.read_text()) == schema()


def test_models_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_architecture("eyeriss_v2").clock = 1.0  # type: ignore[misc]


def refused(name: str, *overrides: tuple[str, str]) -> str:
    """The message for a built-in machine with changes."""
    with pytest.raises(InvalidFile) as caught:
        load_architecture(name, overrides)
    return str(caught.value)


MESH = "kind: hierarchical_mesh, routers: 3, port_width: 24 b"
RULES = [
    (
        "eyeriss_v2",
        [("pe.spad.iact", "{width: 12 b}")],
        "spad.iact has no depth and there is no spad.shared; give one of them",
    ),
    (
        "eyeriss_v2",
        [("glb.iact", "{banks: 3, port_width: 24 b}")],
        "banks without a size; give the size of one bank",
    ),
    (
        "eyeriss_v2",
        [("glb.psum", "{port_width: 40 b}")],
        "glb.psum has no banks and glb.shared does not hold it; give one of them",
    ),
    (
        "eyeriss_v2",
        [("glb.shared", "{banks: 4, size: 1 KiB, tensors: [iact]}")],
        "glb.iact has banks of its own and is in glb.shared too; give one of them",
    ),
    ("eyeriss_v2", [("glb.shared", "{banks: 4, size: 1 KiB, tensors: []}")], "glb.shared.tensors"),
    (
        "eyeriss_v2",
        [("noc.psum", "{kind: multicast_bus, words_per_cycle: 1}")],
        "networks of different kinds (hierarchical_mesh, multicast_bus); all three must be of one kind",
    ),
    ("eyeriss_v2", [("dram.compression", "rlc")], "compression is rlc; rlc_run and rlc_word are required"),
    (
        "eyeriss_v1",
        [("cluster_array", "{rows: 2, columns: 1}")],
        "noc.iact is a multicast_bus, which spans one cluster, but cluster_array has 2 x 1;"
        " use hierarchical_mesh or 1 x 1",
    ),
    (
        "eyeriss_v2",
        [(f"noc.{tensor}", "{kind: unicast, words_per_cycle: 1}") for tensor in ("iact", "weight", "psum")],
        "noc.iact is a unicast, which spans one cluster",
    ),
    (
        "eyeriss_v1",
        [("noc.weight", "{kind: broadcast, words_per_cycle: 1}")],
        "networks of different kinds (broadcast, multicast_bus); all three must be of one kind",
    ),
    ("eyeriss_v1", [("noc.iact", "{kind: unicast, words_per_cycle: 0}")], "words_per_cycle"),
    (
        "eyeriss_v2",
        [("noc.weight.port_width", "11 b")],
        "noc.weight.port_width is 11 b, narrower than one word of 12 b",
    ),
    ("eyeriss_v2", [("noc.psum.port_width", "19 b")], "noc.psum.port_width is 19 b, narrower than one word of 20 b"),
    ("eyeriss_v2", [("glb.iact.port_width", "11 b")], "glb.iact.port_width is 11 b, narrower than one word of 12 b"),
    ("eyeriss_v2", [("glb.psum.port_width", "19 b")], "glb.psum.port_width is 19 b, narrower than one word of 20 b"),
    (
        "eyeriss_v2",
        [("noc.weight.routers", "4")],
        "noc.weight has 4 routers for 3 PE rows; one router per row is required, which routers left out follows",
    ),
    (
        "eyeriss_v2",
        [("noc.psum.routers", "3")],
        "noc.psum has 3 routers for 4 PE columns; one router per column is required, which routers left out follows",
    ),
    (
        "eyeriss_v2",
        [("noc.iact", f"{{{MESH}, directions: [north, horizontal]}}")],
        "noc.iact.directions lacks south, which its multicasts take",
    ),
    (
        "eyeriss_v2",
        [("noc.weight", f"{{{MESH}, directions: []}}")],
        "noc.weight.directions lacks horizontal, which its multicasts take",
    ),
    (
        "eyeriss_v2",
        [("noc.psum.torus", "true")],
        "noc.psum.torus is true, but psums only go south to the next cluster; leave it out",
    ),
    (
        "eyeriss_v2",
        [("noc.iact", f"{{{MESH}, torus: true, directions: [south, horizontal]}}")],
        "noc.iact.torus is true, but directions lacks north; rings have links both ways",
    ),
    ("eyeriss_v2", [("noc.iact.kind", "ring")], "hierarchical_mesh"),
    ("eyeriss_v2", [("glb.iact.ports", "3")], "glb.iact.ports"),
    (
        "eyeriss_v2",
        [("glb.psum.access", "bursts")],
        "glb.psum.access: 'bursts' is not allowed; allowed: 'alternate' or 'burst'",
    ),
    ("eyeriss_v2", [("glb.iact.access", "burst")], "access"),
    (
        "eyeriss_v2",
        [("glb.psum.access", "burst"), ("glb.psum.ports", "2")],
        "glb.psum: access is burst, in which reads and writes of a bank take turns at its port, but ports is 2; use"
        " ports: 1, or access: alternate",
    ),
    ("eyeriss_v2", [("pe.macs_per_cycle", "0")], "pe.macs_per_cycle"),
    (
        "eyeriss_v2",
        [("pe.pipeline_stages", "1001")],
        "pe.pipeline_stages: 1001 is not allowed; it must be at most 1000",
    ),
    ("eyeriss_v2", [("clock", "200")], "clock"),
    ("eyeriss_v2", [("glb.psum.bank", "4")], "banks"),
]


@pytest.mark.parametrize(("name", "overrides", "message"), RULES)
def test_each_rule_has_its_message(name: str, overrides: list[tuple[str, str]], message: str) -> None:
    assert message in refused(name, *overrides)


def test_one_row_of_clusters_needs_no_vertical_links() -> None:
    architecture = load_architecture(
        "eyeriss_v2",
        [("cluster_array", "{rows: 1, columns: 2}"), ("noc.iact", f"{{{MESH}, directions: [horizontal]}}")],
    )
    assert isinstance(architecture, Architecture)


def test_an_unknown_architecture_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown architecture 'eyeriss_v3'.*did you mean"):
        load_architecture("eyeriss_v3")


def test_the_configuration_takes_its_cycles_or_its_bits_over_a_rate() -> None:
    assert load_architecture("eyeriss_v2").configuration.time == 267  # 2134 bits, 8 at a time
    assert load_architecture("eyeriss_v2", [("configuration.rate", "48 b")]).configuration.time == 45
    assert load_architecture("eyeriss_v2", [("configuration.cycles", "0")]).configuration.time == 0
    with pytest.raises(InvalidFile, match="its time is not given; give cycles, or the rate"):
        load_architecture("eyeriss_v2", [("configuration", "{bits: 5}")])
