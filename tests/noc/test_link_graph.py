"""Ways over links against networkx."""

from __future__ import annotations

import itertools
from typing import Any

import hypothesis.strategies as st
import networkx as nx
import pytest
from hypothesis import given

from accelerator_sim.architecture.architecture import TENSORS
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.noc.link_graph import cluster_graph, shortest_ways
from accelerator_sim.noc.routes import MeshRoutes

PLACES = st.integers(0, 7)


@given(links=st.lists(st.tuples(PLACES, PLACES), max_size=20), start=PLACES)
def test_ways_have_the_fewest_links(links: list[tuple[int, int]], start: int) -> None:
    graph: nx.DiGraph[Any] = nx.DiGraph(links)
    graph.add_node(start)
    ways = shortest_ways(links, start)
    assert {end: len(way) - 1 for end, way in ways.items()} == nx.single_source_shortest_path_length(graph, start)
    for end, way in ways.items():
        assert (way[0], way[-1]) == (start, end)
        assert all(graph.has_edge(*link) for link in itertools.pairwise(way))


@pytest.mark.parametrize("tensor", TENSORS)
@pytest.mark.parametrize("name", ["eyeriss_v2", "eyeriss_v2_1024", "eyeriss_v1"])
def test_routes_lie_on_the_mesh(name: str, tensor: str) -> None:
    architecture = load_architecture(name)
    network, site = architecture.network(tensor), architecture.site(tensor)
    assert set(MeshRoutes(network, site).links) == set(cluster_graph(network, site).edges)
