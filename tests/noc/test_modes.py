"""Multicast trees against the mesh as a graph, and the names of the modes."""

from __future__ import annotations

import itertools
from typing import Any

import hypothesis.strategies as st
import networkx as nx
import pytest
from hypothesis import given, settings

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.architecture.wire_links import LinkPart, NetworkNode, NodeKind
from accelerator_sim.files.errors import CheckFailed
from accelerator_sim.mapping.mapping import Factors, Mapping
from accelerator_sim.noc.link_graph import cluster_graph, network_graph
from accelerator_sim.noc.modes import SHARED, links_used, mode_of, streams
from accelerator_sim.noc.routes import MeshRoutes, routes_of
from tests.oracles.strategies import machine
from tests.oracles.walker import indices

TENSORS = ("iact", "weight", "psum")


def grid(rows: int, columns: int) -> Architecture:
    """Eyeriss v2 with another cluster array."""
    return machine("eyeriss_v2", {"cluster_array": f"{{rows: {rows}, columns: {columns}}}"})


@st.composite
def cluster_mappings(draw: st.DrawFn) -> Mapping:
    """Factors on the two axes of the cluster array."""
    axes = []
    for dimensions in ("GNQPMC", "GNQPM"):
        parts, left = {}, 8
        for dimension in draw(st.permutations(dimensions)):
            parts[dimension] = draw(st.integers(1, min(left, 3)))
            left //= parts[dimension]
        axes.append(Factors(**parts))
    return Mapping(cluster_rows=axes[0], cluster_columns=axes[1])


def needs(mapping: Mapping, tensor: str) -> dict[tuple[int, int], tuple[int, ...]]:
    """What each cluster of a full pass needs, as the parts of all dimensions that are not shared."""
    found = {}
    pairs = itertools.product(enumerate(indices(mapping.cluster_rows)), enumerate(indices(mapping.cluster_columns)))
    for (i, up), (j, along) in pairs:
        part = {d: up[d] * getattr(mapping.cluster_columns, d) + along[d] for d in "GNQPMC"}
        found[i, j] = tuple(part[d] for d in "GNQPMC" if d not in SHARED[tensor])
    return found


@pytest.mark.parametrize("tensor", TENSORS)
@settings(max_examples=200)
@given(mapping=cluster_mappings())
def test_streams_of_a_full_pass(mapping: Mapping, tensor: str) -> None:
    rows, columns = mapping.cluster_rows.used, mapping.cluster_columns.used
    routes = routes_of(grid(rows, columns), tensor)
    needed = needs(mapping, tensor)
    served: list[tuple[int, int]] = []
    for stream in streams(mapping, tensor, routes):
        assert all(link in routes.links for link in stream.links)
        assert len(set(stream.links)) == len(stream.links)
        tree: nx.DiGraph[Any] = nx.DiGraph(list(stream.links))
        tree.add_node(stream.source)
        assert set(stream.targets) <= {stream.source} | nx.descendants(tree, stream.source)
        assert all(degree <= 1 for _, degree in tree.in_degree()), "a router gets a word from one side only"
        assert len({needed[target] for target in stream.targets}) == 1, "all targets need the same words"
        assert stream.source in stream.targets
        served += stream.targets
    assert sorted(served) == sorted(needed), "each cluster is served once"


@pytest.mark.parametrize("tensor", TENSORS)
@settings(max_examples=300)
@given(mapping=cluster_mappings())
def test_links_used_are_the_links_of_all_streams(mapping: Mapping, tensor: str) -> None:
    routes = routes_of(grid(mapping.cluster_rows.used, mapping.cluster_columns.used), tensor)
    links = {link for stream in streams(mapping, tensor, routes) for link in stream.links}
    assert links_used(mapping, tensor) == len(links)


@settings(max_examples=200)
@given(cluster_mappings())
def test_no_words_are_sent_twice_but_where_the_mesh_cannot_join_targets(mapping: Mapping) -> None:
    """One stream a need; weights one a need and row of clusters, or one a cluster that shares its row with filters."""
    architecture = grid(mapping.cluster_rows.used, mapping.cluster_columns.used)
    for tensor in ("iact", "psum"):
        assert len(list(streams(mapping, tensor, routes_of(architecture, tensor)))) == len(
            set(needs(mapping, tensor).values())
        )
    needed = needs(mapping, "weight")
    if mapping.cluster_columns.M * mapping.cluster_columns.G == 1:
        expected = len({(row, need) for (row, _), need in needed.items()})
    else:
        expected = len(needed)
    assert len(list(streams(mapping, "weight", routes_of(architecture, "weight")))) == expected


MODES = [
    ({}, {}, "unicast", "unicast", "unicast"),
    ({"M": 8}, {"M": 2}, "broadcast", "unicast", "unicast"),
    ({"M": 8}, {"P": 2}, "vertical_multicast", "horizontal_multicast", "unicast"),
    ({"P": 8}, {"M": 2}, "horizontal_multicast", "unicast", "unicast"),
    ({"P": 2, "M": 4}, {"M": 2}, "grouped_multicast", "unicast", "unicast"),
    ({"M": 4, "C": 2}, {"M": 2}, "interleaved_multicast", "unicast", "chain"),
    ({"P": 8}, {"P": 2}, "unicast", "horizontal_multicast", "unicast"),
    ({}, {"P": 2}, "unicast", "broadcast", "unicast"),
    ({"G": 8}, {"G": 2}, "unicast", "unicast", "unicast"),
    ({"C": 8}, {"M": 2}, "horizontal_multicast", "unicast", "chain"),
]


@pytest.mark.parametrize(("rows", "columns", "iact", "weight", "psum"), MODES)
def test_names_of_the_modes(rows: dict[str, int], columns: dict[str, int], iact: str, weight: str, psum: str) -> None:
    mapping = Mapping(cluster_rows=Factors(**rows), cluster_columns=Factors(**columns))
    assert [mode_of(mapping, tensor) for tensor in TENSORS] == [iact, weight, psum]
    for kind in ("multicast_bus", "broadcast", "unicast"):
        assert {mode_of(mapping, tensor, kind) for tensor in TENSORS} == {kind}


@settings(max_examples=200)
@given(cluster_mappings())
def test_a_unicast_crosses_no_link_and_every_other_mode_does(mapping: Mapping) -> None:
    for tensor in TENSORS:
        assert (mode_of(mapping, tensor) == "unicast") == (links_used(mapping, tensor) == 0)


def test_the_mesh_of_eyeriss_v2() -> None:
    """JETCAS 2019 Table II: 3 iact, 3 weight and 4 psum routers a cluster; ports of 24, 24 and 40 bits."""
    architecture = load_architecture("eyeriss_v2")
    links = {"iact": 2 * 7 * 2 + 2 * 8, "weight": 2 * 8, "psum": 7 * 2}
    widths = {"iact": 72, "weight": 72, "psum": 160}
    for tensor in TENSORS:
        graph = cluster_graph(architecture.network(tensor), architecture.site(tensor))
        assert graph.number_of_nodes() == 16
        assert graph.number_of_edges() == links[tensor]
        assert {width for *_, width in graph.edges(data="width")} == {widths[tensor]}
    psums = cluster_graph(architecture.network("psum"), architecture.site("psum"))
    assert {part for *_, part in psums.edges(data="part")} == {LinkPart.SOUTH}


def pes_reached(architecture: Architecture, tensor: str, node: NetworkNode) -> set[tuple[int, ...]]:
    """Places in its own cluster of the PEs that a node leads to, without leaving the cluster."""
    graph = network_graph(architecture.network(tensor), architecture.site(tensor))
    own = nx.subgraph_view(graph, filter_node=lambda n: n.cluster == node.cluster)
    return {found.place for found in nx.descendants(own, node) if found.kind is NodeKind.PE}


def test_what_the_routers_of_eyeriss_v2_reach_in_their_cluster() -> None:
    """JETCAS 2019 Table II: an iact router all 12 PEs, a weight router one row, a psum router one column."""
    architecture = load_architecture("eyeriss_v2")
    array = set(itertools.product(range(3), range(4)))
    for number in range(3):
        router = NetworkNode(NodeKind.ROUTER, (5, 1), (number,))
        assert pes_reached(architecture, "iact", router) == array
        assert pes_reached(architecture, "weight", router) == {(number, column) for column in range(4)}
    psums = network_graph(architecture.network("psum"), architecture.site("psum"))
    for number in range(4):
        router = NetworkNode(NodeKind.ROUTER, (5, 1), (number,))
        assert pes_reached(architecture, "psum", router) == {(2, number)}, "psums enter at the bottom"
        assert nx.has_path(psums, NetworkNode(NodeKind.PE, (5, 1), (0, number)), router), "and leave at the top"


def test_the_bus_of_eyeriss_v1() -> None:
    architecture = load_architecture("eyeriss_v1")
    graph = network_graph(architecture.network("weight"), architecture.site("weight"))
    port = NetworkNode(NodeKind.PORT, (0, 0), (0,))
    assert sum(node.kind is NodeKind.PE for node in nx.descendants(graph, port)) == 168
    assert {width for *_, width in graph.edges(data="width")} == {64}


def test_flat_networks_of_other_kinds() -> None:
    grid = {"pe_cluster": "{rows: 2, columns: 3}"}
    for kind, words, width, part in (
        ("broadcast", 4, 4 * 16, LinkPart.LINE), ("unicast", 12, 2 * 16, LinkPart.OWN), ("unicast", 2, 6, LinkPart.OWN),
    ):  # fmt: skip
        change = {f"noc.{t}": f"{{kind: {kind}, words_per_cycle: {words}}}" for t in TENSORS}
        architecture = machine("eyeriss_v1", grid | change)
        graph = network_graph(architecture.network("weight"), architecture.site("weight"))
        assert {found for *_, found in graph.edges(data="width")} == {width}
        into_pes = {p for _, end, p in graph.edges(data="part") if end.kind is NodeKind.PE}
        assert into_pes == {part}


def test_a_way_that_the_mesh_lacks() -> None:
    """Files without the directions that multicasts take are refused, so the mesh is made without them here."""
    architecture = grid(2, 2)
    network, site = architecture.network("iact"), architecture.site("iact")
    cut = MeshRoutes(network.model_copy(update={"directions": ("south",)}), site)
    assert cut.tree((0, 0), [(1, 0)]) == [((0, 0), (1, 0))]
    with pytest.raises(CheckFailed, match=r"noc.iact: no links lead from cluster 0 to \[0, 1\], counted in columns"):
        cut.tree((0, 0), [(0, 0), (0, 1)])
    with pytest.raises(CheckFailed, match=r"noc.iact: no link leads from cluster \(0, 1\) to \(0, 0\)"):
        cut.chain([(0, 1), (0, 0)])
