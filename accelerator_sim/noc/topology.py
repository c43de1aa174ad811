"""The mesh of one data type as a graph: clusters are nodes, mesh links are directed edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.networks import FlatNetwork

if TYPE_CHECKING:
    import networkx as nx


def topology(architecture: Architecture, tensor: str) -> nx.DiGraph[Any]:
    """Build the network of a data type.

    Nodes are (row, column) clusters, with attribute `routers`; edges carry `width` (bits per cycle, all routers of the
    cluster together) and `direction`.  A flat network is a star, or several: a port of the GLB ("glb"; several
    ports: ("glb", number)) with an edge to every PE, named ("pe", row, column).

    Source: JETCAS 2019 Table II (mesh), JSSC 2017 IV-C (bus).
    """
    import networkx as nx

    network = getattr(architecture.noc, tensor)
    graph: nx.DiGraph[Any] = nx.DiGraph(tensor=tensor, kind=network.kind)
    if isinstance(network, FlatNetwork):
        words, cycles = network.flit(architecture.pes)
        bits = -(-getattr(architecture.precision, tensor) * words // cycles)
        for port in network.ports_of_glb():
            for row in range(architecture.pe_cluster.rows):
                for column in range(architecture.pe_cluster.columns):
                    graph.add_edge(port, ("pe", row, column), width=bits, direction=network.edge)
        return graph
    rows, columns = architecture.cluster_array.rows, architecture.cluster_array.columns
    width = network.port_width * network.routers
    steps = {"north": [(-1, 0)], "south": [(1, 0)], "horizontal": [(0, -1), (0, 1)]}
    for row in range(rows):
        for column in range(columns):
            graph.add_node((row, column), routers=network.routers)
            for direction in network.directions:
                for down, right in steps[direction]:
                    target = (row + down, column + right)
                    if 0 <= target[0] < rows and 0 <= target[1] < columns:
                        graph.add_edge((row, column), target, width=width, direction=direction)
    return graph
