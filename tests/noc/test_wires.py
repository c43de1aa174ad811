"""Wires of every network, counted link by link, and how far the words of a pass go on a flat array."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import networkx as nx
import pytest
from hypothesis import assume, given, settings

from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.architecture.grid import Grid, path_links, private_links, tree_links
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.architecture.networks import HierarchicalMesh
from accelerator_sim.files.vocabulary import NocName
from accelerator_sim.noc.alternatives import KINDS, alternatives
from accelerator_sim.noc.link_graph import cluster_graph, network_graph, wires_in
from accelerator_sim.noc.wires import source_words, wires_of
from accelerator_sim.simulation.reach import reach_of
from accelerator_sim.simulation.schedule import Schedule
from tests.oracles.strategies import Case, cases, machine
from tests.oracles.walker import Walk


def tree(grid: Grid) -> nx.DiGraph[object]:
    """The trunk and the lines of an array, with the port at the middle of the trunk."""
    graph: nx.DiGraph[object] = nx.DiGraph()
    middle = (grid.rows - 1) // 2
    graph.add_edge("glb", ("trunk", middle))
    for row in range(grid.rows):
        if row != middle:
            graph.add_edge(("trunk", row + (1 if row < middle else -1)), ("trunk", row))
        graph.add_edge(("trunk", row), (row, 0))
        for column in range(1, grid.columns):
            graph.add_edge((row, column - 1), (row, column))
    return graph


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (4, 1), (3, 4), (12, 16), (24, 8)])
def test_links_of_a_tree_and_of_ways_of_their_own(rows: int, columns: int) -> None:
    grid = Grid(rows=rows, columns=columns)
    graph = tree(grid)
    assert tree_links(grid) == graph.number_of_edges()
    far = {
        place: nx.shortest_path_length(graph, "glb", place) for place in itertools.product(range(rows), range(columns))
    }
    assert {place: path_links(grid, *place) for place in far} == far
    assert private_links(grid) == sum(far.values())


@pytest.mark.parametrize("tensor", TENSORS)
@pytest.mark.parametrize("name", ["eyeriss_v2", "eyeriss_v1_5", "eyeriss_v2_1024"])
def test_links_between_clusters_are_those_of_the_topology(name: str, tensor: str) -> None:
    architecture = load_architecture(name)
    network, site = architecture.network(tensor), architecture.site(tensor)
    assert isinstance(network, HierarchicalMesh)
    assert network.links_between(site.clusters) == cluster_graph(network, site).number_of_edges()


@settings(max_examples=100)
@given(case=cases())
def test_wires_in_closed_form_are_those_of_the_graph(case: Case) -> None:
    architecture = case.problem.architecture
    for tensor in TENSORS:
        network, site = architecture.network(tensor), architecture.site(tensor)
        walked, wires = wires_in(network, site), wires_of(architecture, tensor)
        graph = network_graph(network, site)
        assert walked == Counter((data["width"], data["length"]) for _, _, data in graph.edges(data=True))
        assert sum(walked.values()) == wires.links
        assert sum(bits * links for (bits, _), links in walked.items()) == wires.link_bits
        lengths = sum(bits * length * links for (bits, length), links in walked.items())
        assert lengths * 1e3 == pytest.approx(wires.bit_mm)


def test_the_wires_of_eyeriss_v2_by_hand() -> None:
    """JETCAS 2019 Table II: 3 iact, 3 weight and 4 psum routers in each of 8 x 2 clusters of 3 x 4 PEs."""
    architecture = load_architecture("eyeriss_v2")
    pitch = 1e-3 / math.sqrt(12)
    assert architecture.site("iact").pitch_m == pytest.approx(pitch)
    between = {"iact": 3 * (2 * 14 + 2 * 8), "weight": 3 * 2 * 8, "psum": 4 * 14}
    inside = {"iact": 48 * (1 + 3 + 12), "weight": 48 * (1 + 4), "psum": 64 * (1 + 1 + 1 + 3)}
    for tensor, bits in (("iact", 24), ("weight", 24), ("psum", 40)):
        wires = wires_of(architecture, tensor)
        assert wires.links == between[tensor] + inside[tensor]
        assert wires.link_bits == bits * wires.links
        assert wires.bit_mm == pytest.approx(bits * (between[tensor] * 1.0 + inside[tensor] * pitch * 1e3))
    assert [source_words(architecture, tensor) for tensor in TENSORS] == [144, 144, 128]


def test_the_wires_of_flat_networks() -> None:
    grid = "{rows: 2, columns: 3}"
    bus = machine("eyeriss_v1", {"pe_cluster": grid, "noc.iact": "{kind: multicast_bus, words_per_cycle: 5}"})
    wires = wires_of(bus, "iact")
    assert (wires.links, wires.link_bits) == (8, 8 * 5 * 16)
    assert wires_of(bus, "psum").links == 2 * 8  # in and out
    change = {f"noc.{t}": f"{{kind: unicast, words_per_cycle: {n}}}" for t, n in zip(TENSORS, (12, 2, 5), strict=True)}
    private = machine("eyeriss_v1", {"pe_cluster": grid, **change})
    links = 2 + 3 + 4 + 3 + 4 + 5
    assert [wires_of(private, t).links for t in TENSORS] == [links, links, 2 * links]
    # 12 words over 6 links are two each; 2 are one in 3 cycles, over 16 / 3 wires; 5 are one in 2 cycles
    assert [wires_of(private, t).link_bits for t in TENSORS] == [links * 32, links * 6, 2 * links * 8]
    assert [source_words(private, t) for t in TENSORS] == [12, 2, 3]


MESHES = [
    {},
    {"cluster_array": "{rows: 1, columns: 1}"},
    {"cluster_array": "{rows: 4, columns: 4}", "noc.iact.port_width": "12 b"},
    {"noc.weight.port_width": "12 b", "noc.psum.port_width": "20 b", "cluster_array": "{rows: 16, columns: 4}"},
    {"noc.iact.routers": "12", "noc.weight.port_width": "480 b", "noc.psum.port_width": "800 b"},
]


@pytest.mark.parametrize("change", MESHES)
@pytest.mark.parametrize("name", ["bus", "unicast", "broadcast"])
def test_alternatives_have_as_many_links_and_no_wider_one_would(name: str, change: dict[str, str]) -> None:
    mesh = machine("eyeriss_v2", change)
    flat = alternatives(mesh, [name])[name]
    assert flat.pes == mesh.pes
    assert flat.noc.iact.kind == KINDS[NocName(name)].kind_name()
    assert flat.cluster_array.count == 1
    assert flat.site("iact").pitch_m == pytest.approx(mesh.site("iact").pitch_m)
    banks = {t: getattr(mesh.glb, t).banks * mesh.cluster_array.count for t in ("iact", "psum")}
    assert {t: getattr(flat.glb, t).banks for t in banks} == banks
    for tensor in TENSORS:
        budget = wires_of(mesh, tensor).link_bits
        network = getattr(flat.noc, tensor)
        words = network.words_per_cycle
        # The least that a network can be: one word a cycle; one wire a PE.
        least = words == 1 if name != "unicast" else wires_of(flat, tensor).bundles[0].bits == 1
        assert wires_of(flat, tensor).link_bits <= budget or least
        size = wires_of(flat, tensor).link_bits
        faster = _faster(flat, tensor)
        assert wires_of(faster, tensor).link_bits > max(budget, size)


def _faster(flat: Architecture, tensor: str) -> Architecture:
    """The machine with the next faster network of a data type."""
    network = getattr(flat.noc, tensor)
    words = network.words_per_cycle
    while True:
        words += 1
        wider = network.model_copy(update={"words_per_cycle": words})
        if wider.flit(flat.pes) != network.flit(flat.pes):
            noc = flat.noc.model_copy(update={tensor: wider})
            return flat.model_copy(update={"noc": noc})


def test_the_mesh_itself_is_not_touched() -> None:
    mesh = load_architecture("eyeriss_v2")
    found = alternatives(mesh, ["bus", "mesh", "bus"])
    assert list(found) == ["bus", "mesh"]
    assert found["mesh"] is mesh
    assert isinstance(mesh.noc.iact, HierarchicalMesh)


@settings(max_examples=150)
@given(case=cases())
def test_reach_against_a_walk(case: Case) -> None:
    """Rows that streams go to, and links to the PEs, over the places that work in the first pass."""
    assume(case.problem.architecture.flat)
    schedule = Schedule(case.problem, case.mapping)
    loops, mapping, architecture = schedule.loops, schedule.mapping, schedule.problem.architecture
    walk = Walk(loops, mapping, architecture)
    dealt = {d: walk.dealt(d, walk.tiles(d)[0]) for d in "GNMCPQR"}
    shares = [(place, {d: dealt[d][place.part[d]] for d in "GNMCPQR"}) for place in walk.places]
    busy = [(place, share) for place, share in shares if all(share.values())]
    taps = len({share["R"][0] for _, share in busy})
    joined = loops.rows.dilation == 1 and loops.rows.stride < taps
    iacts: dict[object, set[int]] = {}
    weights: dict[object, set[int]] = {}
    for place, share in busy:
        p, r = place.part["P"][1], share["R"][0]
        line = (p * loops.rows.stride + r,) if joined else (p, r)
        iacts.setdefault((*(tuple(share[d]) for d in "GNQC"), line), set()).add(place.row)
        weights.setdefault(tuple(tuple(share[d]) for d in "GMCR"), set()).add(place.row)
    reach = reach_of(schedule)
    for tensor, streams in (("iact", iacts), ("weight", weights)):
        assert reach.rows[tensor] == pytest.approx(sum(map(len, streams.values())) / len(streams))
    ways = [path_links(architecture.pe_cluster, place.row, place.column) for place, _ in busy]
    assert reach.links["iact"] == reach.links["weight"] == pytest.approx(sum(ways) / len(ways))
    chains: dict[object, list[tuple[int, int]]] = {}
    for (place, share), way in zip(busy, ways, strict=True):
        chains.setdefault(tuple(tuple(share[d]) for d in "GNMPQ"), []).append((place.row, way))
    assert reach.links["psum"] == pytest.approx(sum(min(chain)[1] for chain in chains.values()) / len(chains))
    assert reach.links_back == pytest.approx(sum(max(chain)[1] for chain in chains.values()) / len(chains))


def test_a_mesh_has_no_reach() -> None:
    from accelerator_sim.mapping.mapping import Mapping
    from accelerator_sim.mapping.problem import problem_of
    from accelerator_sim.workload.layer import Layer

    schedule = Schedule(problem_of(Layer("fc", "fc", C=4, M=4), load_architecture("eyeriss_v2")), Mapping())
    with pytest.raises(ValueError, match="eyeriss_v2 is not flat"):
        reach_of(schedule)
