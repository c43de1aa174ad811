"""The torus: a mesh whose rows and columns of clusters are rings (its ways: tests/kernels/test_ring.py)."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.architecture.networks import HierarchicalMesh
from accelerator_sim.mapping.mapping import Factors, Mapping
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.noc.alternatives import alternatives
from accelerator_sim.noc.wires import source_words, wires_of
from accelerator_sim.simulation.engines import Cycle, Event
from accelerator_sim.simulation.laws import check
from accelerator_sim.simulation.links import link_words
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.pattern import Pattern
from tests.oracles.strategies import Case, cases, machine
from tests.oracles.walker import walk


def both(case_schedule: Schedule) -> tuple[Schedule, Schedule]:
    """The same schedule on the machine with a mesh, and closed to a torus."""
    problem = case_schedule.problem
    plain = {t: problem.architecture.network(t).model_copy(update={"torus": False}) for t in ("iact", "weight")}
    noc = problem.architecture.noc
    mesh = problem.architecture.model_copy(update={"noc": noc.model_copy(update=plain)})
    torus = alternatives(mesh, ["torus"])["torus"]
    mesh_and_torus = [
        Schedule(problem_of(problem.layer, a, problem.iact_encoding, problem.weight_encoding), case_schedule.mapping)
        for a in (mesh, torus)
    ]
    return mesh_and_torus[0], mesh_and_torus[1]


def run(schedule: Schedule) -> Outcome:
    """By the event engine, dense."""
    return Event().run(schedule, stored_pattern(schedule, Pattern()))


@settings(max_examples=80)
@given(case=cases())
def test_a_torus_has_the_word_hops_of_the_mesh(case: Case) -> None:
    """No tree has fewer links on a ring (docs/networks.md), so only the time on the way and the wires differ."""
    assume(not case.problem.architecture.flat)
    mesh, torus = both(Schedule(case.problem, case.mapping))
    for tensor in ("iact", "weight", "psum"):
        hops = sum(link_words(mesh, tensor).values())
        assert sum(link_words(torus, tensor).values()) == getattr(torus, f"{tensor}_hops") == hops
    of_mesh, of_torus = run(mesh).counts, run(torus).counts
    assert of_mesh.accesses == of_torus.accesses
    assert [use.word_hops for use in of_mesh.noc] == [use.word_hops for use in of_torus.noc]


INTERLEAVED = Mapping(cluster_rows=Factors(M=3, C=2), pe_rows=Factors(R=2), M0=2, C0=2)


def small_torus() -> Architecture:
    """Six clusters on one ring."""
    torus = "torus: true, directions: [north, south, horizontal]"
    change = {
        "cluster_array": "{rows: 6, columns: 1}",
        "noc.iact": f"{{kind: hierarchical_mesh, port_width: 24 b, {torus}}}",
    }
    return machine("eyeriss_v2", change)


@pytest.mark.parametrize("filters", [6, 5, 3])
def test_interleaved_trees_with_two_arms(filters: int) -> None:
    """Two streams of channels, each over three clusters of the ring; fewer filters leave clusters without work."""
    layer = Layer("conv", "conv", M=filters, C=4, H=5, W=5, R=2, S=2)
    schedule = Schedule(problem_of(layer, small_torus()), INTERLEAVED)
    stored = stored_pattern(schedule, Pattern())
    event, cycle = Event().run(schedule, stored), Cycle(None).run(schedule, stored)
    check(schedule, event)
    assert event == cycle
    walked = walk(schedule.loops, schedule.mapping, schedule.problem.architecture)
    assert walked.total["iact_hops"] == schedule.iact_hops > 0
    uses = {use.tensor: use.links_used for use in event.counts.noc}
    assert uses["iact"] == len(walked.iact_links) or filters < 6, "links in use are those of a full pass"


def test_words_arrive_sooner_over_longer_wires() -> None:
    """One word for 8 clusters of a column: 7 links to the last one on a mesh, 4 on a ring, each twice as long."""
    mesh = load_architecture("eyeriss_v2")
    torus = alternatives(mesh, ["torus"])["torus"]
    layer, mapping = Layer("word", "conv", M=16), Mapping(cluster_rows=Factors(M=8), M0=2)
    cycles = [run(Schedule(problem_of(layer, a), mapping)).timing.cycles for a in (mesh, torus)]
    assert cycles[0] - cycles[1] == 7 - 4
    technology = load_technology("cmos65_8b")
    hop = [resolve_actions(technology, a).noc_hop_bit for a in (mesh, torus)]
    router = technology.noc.hop.router.energy
    assert hop[1]["iact"] - router == pytest.approx(2 * (hop[0]["iact"] - router))
    assert hop[1]["weight"] == hop[0]["weight"], "rows of two clusters are no rings"
    assert hop[1]["psum"] == hop[0]["psum"]


def test_what_a_torus_changes_of_the_machine() -> None:
    mesh = load_architecture("eyeriss_v2")
    torus = alternatives(mesh, ["torus"])["torus"]
    assert torus.name == "eyeriss_v2_torus"
    assert torus.pes == mesh.pes
    for tensor in ("iact", "weight", "psum"):
        assert source_words(torus, tensor) == source_words(mesh, tensor)
        network = torus.network(tensor)
        assert isinstance(network, HierarchicalMesh)
        assert network.torus == (tensor != "psum")
    # two columns of clusters, three routers each: one link more each way, and links between clusters twice as long
    assert wires_of(torus, "iact").links - wires_of(mesh, "iact").links == 2 * 2 * 3
    longer = 24 * 1.0 * (2 * (2 * 16 + 2 * 8) - (2 * 14 + 2 * 8)) * 3
    assert wires_of(torus, "iact").bit_mm - wires_of(mesh, "iact").bit_mm == pytest.approx(longer)
