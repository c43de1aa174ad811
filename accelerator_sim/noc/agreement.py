"""Whether the closed forms of a network agree with its graph.

Closed forms (`OnChipNetwork.bundles`, `links_used`, the hops of `Schedule`) are what searches and engines read; the
graph is what they stand for.  `simulation.laws` asks for both in every run on a small array.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.architecture.grid import path_links
from accelerator_sim.architecture.networks import OnChipNetwork, Site
from accelerator_sim.architecture.wire_links import NetworkNode, NodeKind
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.noc.link_graph import shortest_ways, wires_in
from accelerator_sim.noc.modes import links_used, streams
from accelerator_sim.noc.routes import MeshRoutes, routes_of

Agreement = tuple[str, float, float]
"""What is compared, by the closed form, and by the graph."""


def wire_agreements(architecture: Architecture) -> Iterator[Agreement]:
    """Compare links, wires and distances of all networks of a machine."""
    for tensor in TENSORS:
        yield from _wires(architecture.network(tensor), architecture.site(tensor))


@lru_cache(maxsize=64)
def _wires(network: OnChipNetwork, site: Site) -> tuple[Agreement, ...]:
    """The comparisons of one network, made once for every network."""
    counted: Counter[tuple[int, float]] = Counter()
    for bundle in network.bundles(site):
        counted[bundle.bits, bundle.length_m] += bundle.links
    walked = wires_in(network, site)
    found: list[Agreement] = [
        (f"{site.tensor} links of {bits} b and {length * 1e3:g} mm", counted[bits, length], walked[bits, length])
        for bits, length in sorted(counted | walked)
    ]
    if network.flat:
        port = NetworkNode(NodeKind.PORT, (0, 0), (0,))
        ways = shortest_ways(((link.start, link.end) for link in network.links(site)), port)
        for row in range(site.pes.rows):
            for column in range(site.pes.columns):
                pe = NetworkNode(NodeKind.PE, (0, 0), (row, column))
                walked_links = len(ways[pe]) - 1
                found.append(
                    (f"{site.tensor} links to PE {row}, {column}", path_links(site.pes, row, column), walked_links)
                )
    return tuple(found)


def stream_agreements(architecture: Architecture, mapping: Mapping) -> Iterator[Agreement]:
    """Compare the links in use and the clusters served in a full pass of a mapping.

    Raises CheckFailed where the mesh has no way to a cluster that needs words.
    """
    clusters = Mapping(mapping.cluster_rows, mapping.cluster_columns)
    for tensor in () if architecture.flat else TENSORS:
        ring = architecture.network(tensor).ring(architecture.cluster_array)
        yield from _streams(clusters, tensor, routes_of(architecture, tensor), ring.rows)


@lru_cache(maxsize=1 << 12)
def _streams(mapping: Mapping, tensor: str, routes: MeshRoutes, ring_rows: int) -> tuple[Agreement, ...]:
    """The comparisons of one data type, made once for all mappings that use the clusters alike."""
    served = list(streams(mapping, tensor, routes))
    links = {link for stream in served for link in stream.links}
    clusters = mapping.cluster_rows.used * mapping.cluster_columns.used
    return (
        (f"{tensor} links in use", links_used(mapping, tensor, ring_rows), len(links)),
        (f"clusters that a {tensor} stream serves", clusters, sum(len(stream.targets) for stream in served)),
    )
