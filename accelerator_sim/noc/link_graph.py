"""The network of one data type as a graph: GLB ports, routers, bends and PEs are nodes, links are directed edges.

Runs walk the links themselves (`shortest_ways`), which saves them the import of networkx.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from accelerator_sim.architecture.networks import OnChipNetwork, Site
from accelerator_sim.architecture.wire_links import ClusterPlace, LinkPart

if TYPE_CHECKING:
    import networkx as nx

Joined = TypeVar("Joined", bound=Hashable)


def shortest_ways(links: Iterable[tuple[Joined, Joined]], start: Joined) -> dict[Joined, tuple[Joined, ...]]:
    """Find a way with the fewest links from a node to each node that it reaches, itself included.

    links: directed, start and end; start: the node.
    """
    following: dict[Joined, list[Joined]] = {}
    for begin, end in links:
        following.setdefault(begin, []).append(end)
    ways: dict[Joined, tuple[Joined, ...]] = {start: (start,)}
    frontier = [start]
    for node in frontier:  # grows on the way: nearest nodes first
        for end in following.get(node, ()):
            if end not in ways:
                ways[end] = (*ways[node], end)
                frontier.append(end)
    return ways


def network_graph(network: OnChipNetwork, site: Site) -> nx.MultiDiGraph[Any]:
    """Build the network of a data type, link by link.

    network, site: of the data type (`Architecture.network`, `Architecture.site`).  Nodes are
    `architecture.wire_links.NetworkNode`; edges carry `width` (bits), `length` (metres), `part` (`LinkPart`) and
    `source` (the number of the router or port that drives the wires: wires of several sources run side by side).

    Source: JETCAS 2019 Table II and Fig. 11 (mesh), III-A (unicast, broadcast, all-to-all); JSSC 2017 IV-C (bus).
    """
    import networkx as nx

    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(tensor=site.tensor, kind=network.kind)
    for link in network.links(site):
        graph.add_edge(link.start, link.end, width=link.bits, length=link.length_m, part=link.part, source=link.source)
    return graph


def cluster_graph(network: OnChipNetwork, site: Site) -> nx.DiGraph[Any]:
    """The mesh as streams see it: clusters, and between two of them one link that all their routers share.

    network, site: of the data type.  Nodes are (row, column) of clusters; edges carry `width` (bits of all routers
    together) and `part` (`LinkPart`).  A flat network has one cluster and no link.
    """
    import networkx as nx

    graph: nx.DiGraph[Any] = nx.DiGraph(tensor=site.tensor, kind=network.kind)
    array = site.clusters
    graph.add_nodes_from((row, column) for row in range(array.rows) for column in range(array.columns))
    widths: Counter[tuple[ClusterPlace, ClusterPlace, LinkPart]] = Counter()
    for link in network.links_of_mesh(site):
        widths[link.start.cluster, link.end.cluster, link.part] += link.bits
    for (start, end, part), width in widths.items():
        graph.add_edge(start, end, width=width, part=part)
    return graph


def wires_in(network: OnChipNetwork, site: Site) -> Counter[tuple[int, float]]:
    """Links of a network by their bits and their length in metres, counted one by one.

    network, site: of the data type.
    """
    return Counter((link.bits, link.length_m) for link in network.links(site))
