"""The account by wires: each network by hand, for one layer whose words are easily counted."""

from __future__ import annotations

import math

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.energy.wire_energy import driven, wire_energy
from accelerator_sim.mapping.mapping import Factors, Mapping
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.simulation.engines import estimate_of
from accelerator_sim.simulation.reach import reach_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Layer
from tests.oracles.strategies import machine

GRID = "{rows: 2, columns: 3}"
LAYER = Layer("fc", "fc", C=2, M=3)
"""Two channels and three filters, one to each of 2 x 3 PEs: 2 iacts, 6 weights, 3 psums."""


def flat(kind: str) -> Architecture:
    """Two rows of three PEs that are 2 mm apart."""
    change = {f"noc.{t}": f"{{kind: {kind}, words_per_cycle: 6}}" for t in ("iact", "weight", "psum")}
    hop = f"{2 * math.sqrt(6)!r} mm"
    return machine("eyeriss_v1", {"pe_cluster": GRID, "noc.hop_length": hop, "glb.psum_read_first": "true", **change})


def of(architecture: Architecture, mapping: Mapping) -> dict[str, tuple[float, float, int]]:
    """Links (of 2 mm) that a bit drives, switches that it passes and words from PE to PE, by data type."""
    schedule = Schedule(problem_of(LAYER, architecture), mapping)
    reach = reach_of(schedule) if architecture.flat else None
    outcome = estimate_of(schedule)
    found = {}
    for use in outcome.counts.noc:
        one = driven(schedule, use, reach)
        found[use.tensor] = one.bit_mm / use.word_bits / 2.0, one.switched_bits / use.word_bits, one.local_words
    technology = load_technology(architecture.technology)
    actions = resolve_actions(technology, architecture)
    hop = technology.noc.hop
    joules = sum(
        links * 2.0 * use.word_bits * hop.wire.energy
        + switches * use.word_bits * hop.router.energy
        + local * actions.noc_local
        for use in outcome.counts.noc
        for links, switches, local in [found[use.tensor]]
    )
    assert wire_energy(schedule, outcome, technology, actions) == pytest.approx(joules)
    return found


SPREAD = Mapping(pe_rows=Factors(C=2), pe_columns=Factors(M=3))
WAYS = (2, 3, 4, 3, 4, 5)
"""Links to the PEs, row by row: one to the trunk, one along it to the second row, one a column."""


def test_unicast() -> None:
    found = of(flat("unicast"), SPREAD)
    assert found["iact"] == pytest.approx((sum(WAYS), 0, 0))  # each of the two to three PEs
    assert found["weight"] == pytest.approx((sum(WAYS), 0, 0))
    assert found["psum"] == pytest.approx((sum(WAYS[:3]) + sum(WAYS[3:]), 0, 3))  # in below, out above


def test_a_bus_drives_its_trunk_and_the_lines_of_its_targets() -> None:
    found = of(flat("multicast_bus"), SPREAD)
    assert found["iact"] == pytest.approx((2 * (2 + 3), 2, 0))
    assert found["weight"] == pytest.approx((6 * (2 + 3), 6, 0))
    assert found["psum"] == pytest.approx((3 * 5 + 3 * 5, 6, 3))
    # With filters on rows, each iact goes to both of them.
    both = Mapping(pe_rows=Factors(M=2), pe_columns=Factors(M=2), C0=2)
    assert of(flat("multicast_bus"), both)["iact"] == pytest.approx((2 * (2 + 2 * 3), 4, 0))


def test_a_broadcast_drives_all_wires() -> None:
    found = of(flat("broadcast"), SPREAD)
    assert found["iact"] == pytest.approx((2 * 8, 0, 0))
    assert found["weight"] == pytest.approx((6 * 8, 0, 0))
    assert found["psum"] == pytest.approx((3 * 8 + 3 * 5, 0, 3))


def test_a_mesh_pays_its_hops_and_the_ways_inside_clusters() -> None:
    hop = f"{2 * math.sqrt(6)!r} mm"
    change = {
        "cluster_array": "{rows: 1, columns: 2}", "pe_cluster": GRID, "noc.hop_length": hop,
        "noc.weight.routers": "2", "noc.psum.routers": "3", "glb.psum_read_first": "true", "pe.macs_per_cycle": "1",
    }  # fmt: skip
    mesh = machine("eyeriss_v1_5", change)
    # Both clusters get both iacts over one hop; each has three of six filters.
    layer = Layer("fc", "fc", C=2, M=6)
    mapping = Mapping(cluster_columns=Factors(M=2), pe_rows=Factors(C=2), pe_columns=Factors(M=3))
    schedule = Schedule(problem_of(layer, mesh), mapping)
    uses = {use.tensor: driven(schedule, use, None) for use in estimate_of(schedule).counts.noc}
    iact, weight, psum = (uses[tensor] for tensor in ("iact", "weight", "psum"))
    side = 2 * math.sqrt(6)
    assert iact.bit_mm == pytest.approx(8 * (2.0 * (2 + 2 * 2 * 8) + 2 * side))
    assert iact.switched_bits == 8 * (2 + 2)
    assert weight.bit_mm == pytest.approx(8 * 2.0 * 12 * (1 + 3))
    assert weight.switched_bits == 8 * 12
    assert psum.bit_mm == pytest.approx(20 * 2.0 * (6 * 2 + 6 * (2 + 1)))
    assert psum.switched_bits == 20 * 12
    assert psum.local_words == 6


def test_the_account_of_a_run_charges_what_reaches_a_pe() -> None:
    """`noc.deliver` for every word of a bus or link that is needed, but for all PEs where it is broadcast."""
    delivered = {}
    for kind in ("multicast_bus", "unicast", "broadcast"):
        outcome = estimate_of(Schedule(problem_of(LAYER, flat(kind)), SPREAD))
        delivered[kind] = {use.tensor: (use.words, use.delivered) for use in outcome.counts.noc}
        assert outcome.counts.access("spad", "iact").writes == 6
        assert outcome.counts.access("glb", "iact").reads == (6 if kind == "unicast" else 2)
    assert delivered["multicast_bus"] == {"iact": (2, 6), "weight": (6, 6), "psum": (6, 6)}
    assert delivered["unicast"] == {"iact": (6, 6), "weight": (6, 6), "psum": (6, 6)}
    assert delivered["broadcast"] == {"iact": (2, 12), "weight": (6, 36), "psum": (6, 3 * 6 + 3)}
