"""Ways over a ring of clusters: the kernel, the graph, and every way to split the targets over two arms."""

from __future__ import annotations

import itertools

import hypothesis.strategies as st
import networkx as nx
import numpy as np
import pytest
from hypothesis import given

from accelerator_sim.architecture.networks import HierarchicalMesh
from accelerator_sim.kernels.ring import forward_reach, links_to
from accelerator_sim.noc.routes import MeshRoutes, routes_of
from tests.oracles.rings import hops, steps_to, tree
from tests.oracles.strategies import machine

TORUS = "torus: true, directions: [north, south, horizontal]"


def distances(targets: set[int], size: int) -> dict[int, int]:
    """Links from 0 to each target, by the steps that the oracle lists."""
    graph = nx.DiGraph(steps_to(targets, size))
    graph.add_node(0)
    return {target: nx.shortest_path_length(graph, 0, target % size) for target in targets}


@given(data=st.data())
def test_the_kernel_takes_the_way_of_the_oracle(data: st.DataObject) -> None:
    size = data.draw(st.integers(3, 12))
    targets = data.draw(st.sets(st.integers(1, size - 1)))
    wanted = np.zeros(size, np.uint8)
    wanted[[0, *targets]] = 1
    forward = forward_reach(wanted, size)
    assert {t: links_to(t, forward, size) for t in targets} == distances(targets, size)


def test_a_full_ring_is_halved() -> None:
    assert distances(set(range(1, 8)), 8) == {1: 1, 2: 2, 3: 3, 4: 4, 5: 3, 6: 2, 7: 1}
    assert distances({2, 4, 6}, 8) == {2: 2, 4: 4, 6: 2}
    assert distances({1, 2, 3}, 8) == {1: 1, 2: 2, 3: 3}, "the other way round would cross more links"


def test_no_way_over_a_ring_has_fewer_links_than_the_line() -> None:
    """For targets evenly spaced from the source on, as the clusters of a stream are: the docstring of the kernel."""
    for size, step, count in itertools.product(range(3, 13), range(1, 6), range(1, 7)):
        if count * step <= size:
            targets = {step * i for i in range(count)}
            assert len(steps_to(targets, size)) == len(steps_to(targets, 0)) == step * (count - 1)


@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (3, 3), (8, 2), (4, 5)])
def test_the_graph_has_the_trees_of_the_oracle(rows: int, columns: int) -> None:
    change = {
        "cluster_array": f"{{rows: {rows}, columns: {columns}}}",
        "noc.iact": f"{{kind: hierarchical_mesh, port_width: 24 b, {TORUS}}}",
    }
    routes = routes_of(machine("eyeriss_v2", change), "iact")
    rings = tuple(size if size > 2 else 0 for size in (rows, columns))
    for first in itertools.product(range(rows), range(columns)):
        targets = list(itertools.product(range(first[0], rows), range(first[1], columns)))[:: rows - 1]
        assert sorted(routes.tree(first, targets)) == sorted(tree(targets, (rings[0], rings[1])))


def test_a_torus_of_eyeriss_v2() -> None:
    """8 x 2 clusters: columns are rings, rows of two are not; folded rings are twice as long per link."""
    architecture = machine("eyeriss_v2", {"noc.iact": f"{{kind: hierarchical_mesh, port_width: 24 b, {TORUS}}}"})
    network, site = architecture.network("iact"), architecture.site("iact")
    assert isinstance(network, HierarchicalMesh)
    ring = network.ring(site.clusters)
    assert (ring.rows, ring.columns) == (8, 1)
    assert network.hop_m(site) == 2 * site.hop_m
    assert network.links_between(site.clusters) == 2 * 8 * 2 + 2 * 8 == len(MeshRoutes(network, site).links)
    column = [(row, 0) for row in range(8)]
    assert max(hops(column, (8, 0)).values()) == 4
    assert len(routes_of(architecture, "iact").tree((0, 0), column)) == 7
    mesh = machine("eyeriss_v2", {})
    assert mesh.network("iact").hop_m(mesh.site("iact")) == site.hop_m
    assert mesh.network("iact").ring(site.clusters).count == 1
