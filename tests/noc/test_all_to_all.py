"""The all-to-all network (JETCAS 2019 III-A): a bus for each port, and a cost that grows with the square."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import assume, given, settings

from accelerator_sim.architecture.all_to_all import AllToAll
from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.architecture.grid import Grid, tree_links
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.architecture.networks import FlatNetwork, MulticastBus
from accelerator_sim.architecture.wire_links import NodeKind
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.noc.alternatives import alternatives
from accelerator_sim.noc.link_graph import network_graph
from accelerator_sim.noc.wires import source_words, wires_of
from accelerator_sim.simulation.engines import Event
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from accelerator_sim.workload.pattern import Pattern
from tests.oracles.strategies import Case, cases


def with_networks(architecture: Architecture, kind: type[FlatNetwork], **settings_of: int) -> Architecture:
    """The machine with flat networks of one kind, as wide as they were."""
    noc = {
        t: kind(kind=kind.kind_name(), words_per_cycle=getattr(architecture.noc, t).words_per_cycle, **settings_of)
        for t in TENSORS
    }
    return architecture.model_copy(update={"noc": architecture.noc.model_copy(update=noc)})


@settings(max_examples=60)
@given(case=cases())
def test_one_port_is_a_bus_and_more_ports_of_iacts_never_take_longer(case: Case) -> None:
    """Not so with more ports of weights and psums, as with more of their bandwidth (docs/engines.md)."""
    architecture = case.problem.architecture
    assume(architecture.pooled)
    one = with_networks(architecture, AllToAll, ports=1)
    more = one.noc.model_copy(update={"iact": one.noc.iact.model_copy(update={"ports": 64})})
    cycles = []
    for machine in (with_networks(architecture, MulticastBus), one, one.model_copy(update={"noc": more})):
        problem = problem_of(case.problem.layer, machine, case.problem.iact_encoding, case.problem.weight_encoding)
        schedule = Schedule(problem, case.mapping)
        cycles.append(Event().run(schedule, stored_pattern(schedule, Pattern())).timing.cycles)
    assert cycles[0] == cycles[1] >= cycles[2]


@pytest.mark.parametrize("name", ["eyeriss_v1_5", "eyeriss_v2"])
def test_in_the_place_of_a_mesh_it_has_its_bandwidth(name: str) -> None:
    mesh = load_architecture(name)
    flat = alternatives(mesh, ["all_to_all"])["all_to_all"]
    for tensor in TENSORS:
        assert source_words(flat, tensor) == source_words(mesh, tensor)
        network = getattr(flat.noc, tensor)
        assert network.ports == getattr(mesh.noc, tensor).routers * mesh.cluster_array.count
        ways = 2 if tensor == "psum" else 1
        assert wires_of(flat, tensor).links == ways * network.ports * tree_links(flat.pe_cluster)
        graph = network_graph(network, flat.site(tensor))
        assert graph.number_of_edges() == wires_of(flat, tensor).links
        ports = [node for node in graph if node.kind is NodeKind.PORT]
        assert len(ports) == network.ports
        assert {len([n for n in nx.descendants(graph, port) if n.kind is NodeKind.PE]) for port in ports} == {flat.pes}


def test_its_wires_grow_with_the_square() -> None:
    links = []
    for rows in (8, 16):  # twice the clusters: twice the PEs, and twice the ports
        array = Grid(rows=rows, columns=2)
        mesh = load_architecture("eyeriss_v2").model_copy(update={"cluster_array": array})
        links.append(wires_of(alternatives(mesh, ["all_to_all"])["all_to_all"], "iact").links)
    assert links[1] == 4 * links[0]
