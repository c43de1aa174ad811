"""Which clusters share a stream, in which mode, and over which links: it all follows from the mapping.

Clusters are numbered on each axis in mixed radix, outermost dimension first: G, N, Q, P, M, C on cluster rows and G,
N, Q, P, M on cluster columns.  So clusters that differ in their filters only (and share iacts) are neighbours, and
clusters that differ in their output rows only (and share weights) are interleaved, as in JETCAS 2019 Fig. 9.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from accelerator_sim.architecture.wire_links import ClusterPlace
from accelerator_sim.mapping.mapping import Factors, Mapping
from accelerator_sim.noc.routes import MeshLink, MeshRoutes

ORDER = ("G", "N", "Q", "P", "M", "C")
SHARED = {"iact": ("M",), "weight": ("N", "Q", "P"), "psum": ("C",)}
"""The dimensions along which clusters need the same words (for psums: along which they add to the same sums)."""


@dataclass(frozen=True)
class Stream:
    """Words that one source cluster sends to its targets over a static tree of mesh links."""

    tensor: str
    source: ClusterPlace
    targets: tuple[ClusterPlace, ...]
    links: tuple[MeshLink, ...]


def position(factors: Factors, index: dict[str, int]) -> int:
    """Place on an axis of the part `index` of each dimension (missing ones: 0)."""
    place = 0
    for dimension in ORDER:
        place = place * int(getattr(factors, dimension)) + index.get(dimension, 0)
    return place


def _positions(factors: Factors, shared: tuple[str, ...]) -> Iterator[list[int]]:
    """Groups of positions on one axis that differ in the shared dimensions only."""
    sizes = [getattr(factors, d) for d in ORDER]
    weights = [1] * len(ORDER)
    for i in range(len(ORDER) - 2, -1, -1):
        weights[i] = weights[i + 1] * sizes[i + 1]
    own = [i for i, d in enumerate(ORDER) if d not in shared]
    same = [i for i, d in enumerate(ORDER) if d in shared]
    for fixed in itertools.product(*(range(sizes[i]) for i in own)):
        base = sum(index * weights[i] for index, i in zip(fixed, own, strict=True))
        yield [
            base + sum(index * weights[i] for index, i in zip(free, same, strict=True))
            for free in itertools.product(*(range(sizes[i]) for i in same))
        ]


def streams(mapping: Mapping, tensor: str, routes: MeshRoutes) -> Iterator[Stream]:
    """The streams of one data type in a full pass: source cluster, target clusters, tree of links.

    mapping: of the layer; tensor: "iact", "weight" or "psum"; routes: those of its network.  A psum stream is a chain:
    it runs through all its clusters and adds up on the way.
    """
    shared = SHARED[tensor]
    for rows in _positions(mapping.cluster_rows, shared):
        for columns in _positions(mapping.cluster_columns, shared):
            targets = tuple(itertools.product(rows, columns))
            if tensor == "psum":
                yield Stream(tensor, targets[0], targets, tuple(routes.chain(targets)))
            elif tensor == "iact":
                yield Stream(tensor, targets[0], targets, tuple(routes.tree(targets[0], targets)))
            elif mapping.cluster_columns.M * mapping.cluster_columns.G == 1:  # as Schedule.weight_multicast
                for row in rows:  # no vertical links: each row of clusters has its own source
                    along = tuple((row, column) for column in columns)
                    yield Stream(tensor, along[0], along, tuple(routes.tree(along[0], along)))
            else:
                for target in targets:
                    yield Stream(tensor, target, (target,), ())


def mode_of(mapping: Mapping, tensor: str, kind: str = "hierarchical_mesh") -> str:
    """Name of the mode in which a data type travels between clusters (JETCAS 2019 III-B).

    On a mesh one of `unicast`, `horizontal_multicast`, `vertical_multicast`, `grouped_multicast`,
    `interleaved_multicast`, `broadcast` (iact and weight), `chain` (psums added up over clusters); a flat network has
    one mode, that of its kind.
    """
    if kind != "hierarchical_mesh":
        return kind
    rows, columns = mapping.cluster_rows, mapping.cluster_columns
    if tensor == "psum":
        return "chain" if rows.C > 1 else "unicast"
    if tensor == "weight":
        down = 1
        along = columns.N * columns.P * columns.Q if columns.M * columns.G == 1 else 1
        apart = False
    else:
        down, along, apart = rows.M, columns.M, rows.C > 1
    if down * along == 1:
        return "unicast"
    if down * along == rows.used * columns.used:
        return "broadcast"
    if apart and down > 1:
        return "interleaved_multicast"
    if down == 1:
        return "horizontal_multicast"
    return "vertical_multicast" if along == 1 else "grouped_multicast"


def links_used(mapping: Mapping, tensor: str, ring_rows: int = 1) -> int:
    """Mesh links that carry a data type in a full pass.

    mapping: of the layer; tensor: "iact", "weight" or "psum"; ring_rows: clusters on a ring along a column, 1 for none.
    """
    rows, columns = mapping.cluster_rows, mapping.cluster_columns
    if tensor == "psum":
        return rows.used // rows.C * (rows.C - 1) * columns.used
    if tensor == "weight":
        if columns.M * columns.G > 1:
            return 0
        return rows.used * (columns.used - 1)
    down = rows.used // (rows.M * rows.C) * (rows.M * rows.C - 1) if rows.M > 1 else 0  # interleaved trees overlap
    if ring_rows > 1 and rows.M > 2 and ring_rows == rows.M * rows.C:  # and have two arms, each of which overlaps
        down += rows.C - 1
    return columns.used // columns.M * (down + rows.used * (columns.M - 1))
