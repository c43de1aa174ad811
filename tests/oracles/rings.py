"""Multicast trees over clusters, on lines and on rings, by listing every way to split the targets over two arms."""

from __future__ import annotations

from accelerator_sim.architecture.architecture import Architecture

Cluster = tuple[int, int]
Step = tuple[int, int]


def steps_to(targets: set[int], size: int) -> list[Step]:
    """Links from 0 to some positions; size: positions of the ring, 0 for a line.

    The way with the fewest links; then the one whose farthest target is nearest; then the fewest links backwards.
    """
    far = sorted(targets | {0})
    ways: list[tuple[int, int, int, list[Step]]] = []
    for split in range(1, len(far) + 1) if size else [len(far)]:
        forward = [(i, i + 1) for i in range(far[split - 1])]
        first_back = far[split] if split < len(far) else size
        backward = [(i % size, i - 1) for i in range(size, first_back, -1)] if size else []
        depth = max(len(forward), len(backward))
        ways.append((len(forward) + len(backward), depth, len(backward), forward + backward))
    return min(ways)[3]


def rings_of(architecture: Architecture, tensor: str) -> tuple[int, int]:
    """Clusters of a ring along a column and along a row, by the file: 0 where there is none."""
    network, array = getattr(architecture.noc, tensor), architecture.cluster_array
    if not getattr(network, "torus", False):
        return 0, 0
    down = array.rows if {"north", "south"} <= set(network.directions) else 0
    along = array.columns if "horizontal" in network.directions else 0
    return down if down > 2 else 0, along if along > 2 else 0


def tree(clusters: list[Cluster], rings: tuple[int, int] = (0, 0)) -> list[tuple[Cluster, Cluster]]:
    """Links from the first cluster to all others: along its column, then along each row."""
    (row, column), (ring_rows, ring_columns) = min(clusters), rings

    def down(i: int) -> int:
        return (row + i) % ring_rows if ring_rows else row + i

    def along(j: int) -> int:
        return (column + j) % ring_columns if ring_columns else column + j

    links = [((down(a), column), (down(b), column)) for a, b in steps_to({i - row for i, _ in clusters}, ring_rows)]
    for i in sorted({i for i, _ in clusters}):
        own = {j - column for at, j in clusters if at == i}
        links += [((i, along(a)), (i, along(b))) for a, b in steps_to(own, ring_columns)]
    return links


def hops(clusters: list[Cluster], rings: tuple[int, int] = (0, 0)) -> dict[Cluster, int]:
    """Links from the first cluster to each of the others."""
    far = {min(clusters): 0}
    links = tree(clusters, rings)
    while any(end not in far for _, end in links):
        for start, end in links:
            if start in far:
                far.setdefault(end, far[start] + 1)
    return {cluster: far[cluster] for cluster in clusters}
