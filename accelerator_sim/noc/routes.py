"""Static routes over the mesh of clusters: found on its graph, one axis after the other.

A multicast tree goes from its source along a column of clusters and then, in each row that has targets, along the row
(dimension order, as in JETCAS 2019 Fig. 9).  On each axis it takes the way with the fewest links; among those the one
whose farthest target is nearest; among those the one with the fewest links backwards (to the north, to the left).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.networks import OnChipNetwork, Site
from accelerator_sim.architecture.wire_links import ClusterPlace, LinkPart
from accelerator_sim.files.errors import CheckFailed
from accelerator_sim.noc.link_graph import shortest_ways

AxisStep = tuple[int, int]
"""Positions on an axis that a link joins."""
AxisLinks = tuple[AxisStep, ...]
"""The links of a row or a column of clusters."""


class MeshLink(NamedTuple):
    """A link between two clusters."""

    start: ClusterPlace
    end: ClusterPlace


class MeshRoutes:
    """The ways over the mesh of one data type."""

    def __init__(self, network: OnChipNetwork, site: Site) -> None:
        """Lay out the mesh.

        network, site: of the data type (`Architecture.network`, `Architecture.site`).
        """
        self.links = {(link.start.cluster, link.end.cluster): link.part for link in network.links_of_mesh(site)}
        self.name = f"noc.{site.tensor}"
        # Every column of clusters is wired as the first one, and every row as the first one.
        self._rows = self._axis(0, (LinkPart.NORTH, LinkPart.SOUTH))
        self._columns = self._axis(1, (LinkPart.HORIZONTAL,))

    def _axis(self, at: int, parts: tuple[LinkPart, ...]) -> AxisLinks:
        """The links of the first column (at: 0) or row (at: 1) of clusters."""
        links = self.links.items()
        return tuple(sorted((a[at], b[at]) for (a, b), part in links if part in parts and a[1 - at] == 0))

    def tree(self, source: ClusterPlace, targets: Iterable[ClusterPlace]) -> list[MeshLink]:
        """The links of the multicast tree from a source to its targets, each link once, from the source outwards.

        Raises CheckFailed where the mesh has no way to a target.
        """
        rows: dict[int, set[int]] = {}
        for row, column in targets:
            rows.setdefault(row, set()).add(column)
        down = self._way(self._rows, source[0], rows, "rows")
        hops = [MeshLink((a, source[1]), (b, source[1])) for a, b in down]
        for row, columns in sorted(rows.items()):
            along = self._way(self._columns, source[1], columns, "columns")
            hops += [MeshLink((row, a), (row, b)) for a, b in along]
        return hops

    def chain(self, places: Sequence[ClusterPlace]) -> list[MeshLink]:
        """The links from each place of a chain of psums to the next one.

        Raises CheckFailed where the mesh has no link.
        """
        hops = [MeshLink(start, end) for start, end in itertools.pairwise(places)]
        for hop in hops:
            if hop not in self.links:
                raise CheckFailed(f"{self.name}: no link leads from cluster {hop.start} to {hop.end}")
        return hops

    def _way(self, axis: AxisLinks, start: int, targets: Iterable[int], name: str) -> tuple[AxisStep, ...]:
        way = _axis_way(axis, start, tuple(sorted(set(targets))))
        if way is None:
            raise CheckFailed(
                f"{self.name}: no links lead from cluster {start} to {sorted(targets)}, counted in {name}"
            )
        return way


def routes_of(architecture: Architecture, tensor: str) -> MeshRoutes:
    """Return the ways over the mesh of one data type.

    architecture: the machine; tensor: "iact", "weight" or "psum".
    """
    return _routes(architecture.network(tensor), architecture.site(tensor))


_routes = lru_cache(maxsize=64)(MeshRoutes)
"""Made once for every mesh."""


@lru_cache(maxsize=1 << 14)
def _axis_way(axis: AxisLinks, start: int, targets: tuple[int, ...]) -> tuple[AxisStep, ...] | None:
    """The links from one position to others on a line or a ring; None if some cannot be reached.

    A tree on a ring leaves out at least one of its links, so all trees are found by leaving out each in turn.
    """
    places = {start, *itertools.chain.from_iterable(axis)}
    trees = [_tree_without(axis, cut, start, targets, len(places)) for cut in _cuts(axis, len(places))]
    found = [tree for tree in trees if tree is not None]
    return min(found).steps if found else None


class _Tree(NamedTuple):
    """A way to all targets, the best one first."""

    links: int
    farthest: int
    backward: int
    steps: tuple[AxisStep, ...]


def _cuts(axis: AxisLinks, places: int) -> set[frozenset[int]]:
    """Neighbours whose links to one another a tree may leave out; on a line: none."""
    pairs = {frozenset(link) for link in axis}
    return pairs if len(pairs) >= max(places, 3) else {frozenset()}


def _tree_without(
    axis: AxisLinks, cut: frozenset[int], start: int, targets: tuple[int, ...], places: int
) -> _Tree | None:
    """The tree if two neighbours are not joined; None if it cannot reach all targets."""
    ways = shortest_ways((link for link in axis if frozenset(link) != cut), start)
    if any(target not in ways for target in targets):
        return None
    steps = dict.fromkeys(step for t in targets for step in itertools.pairwise(ways[t]))
    backward = sum((b - a) % places != 1 for a, b in steps)
    return _Tree(len(steps), max(len(ways[t]) - 1 for t in targets), backward, tuple(steps))
