"""Links, one by one: the nodes of a network and the wires between neighbours, as they lie on the floor plan of `grid`.

A wire that passes a PE is cut into links there, whether or not it stops.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from accelerator_sim.architecture.grid import Grid

ClusterPlace = tuple[int, int]
"""Row and column of a cluster."""


class NodeKind(StrEnum):
    """What stands at a node."""

    PORT = "port"
    """A port of the GLB (or of the way to the off-chip channel)."""
    ROUTER = "router"
    BEND = "bend"
    """Nothing: wires turn, branch or pass here."""
    PE = "PE"


class NetworkNode(NamedTuple):
    """A node: what it is, the cluster it is in, and which of that kind it is there.

    place: number of a port or a router; row and column of a PE; of a bend, the source of its wires and where it lies.
    """

    kind: NodeKind
    cluster: ClusterPlace
    place: tuple[int, ...]


class LinkPart(StrEnum):
    """The part of a network that a link belongs to."""

    PORT = "between GLB and router"
    TRUNK = "trunk"
    LINE = "line along PEs"
    OWN = "way of its own"
    ENTRY = "into a column of PEs"
    BACK = "back from the PEs"
    NORTH = "north"
    SOUTH = "south"
    HORIZONTAL = "horizontal"

    @property
    def between_clusters(self) -> bool:
        """Whether it joins routers of two clusters."""
        return self in (LinkPart.NORTH, LinkPart.SOUTH, LinkPart.HORIZONTAL)


class WireLink(NamedTuple):
    """`bits` wires from one node to its neighbour, over `length_m` metres; source: the number of what drives them."""

    start: NetworkNode
    end: NetworkNode
    bits: int
    length_m: float
    part: LinkPart
    source: int


class Wiring(NamedTuple):
    """How one source is wired inside a cluster: what all of its links have in common."""

    cluster: ClusterPlace
    pes: Grid
    bits: int
    pitch_m: float
    source: int

    def link(self, start: NetworkNode, end: NetworkNode, part: LinkPart) -> WireLink:
        """A link of it."""
        return WireLink(start, end, self.bits, self.pitch_m, part, self.source)

    def pe(self, row: int, column: int) -> NetworkNode:
        """A PE of the cluster."""
        return NetworkNode(NodeKind.PE, self.cluster, (row, column))

    def bend(self, *place: int) -> NetworkNode:
        """A bend of its wires."""
        return NetworkNode(NodeKind.BEND, self.cluster, (self.source, *place))

    def line(self, start: NetworkNode, row: int) -> Iterator[WireLink]:
        """From a node through all PEs of a row."""
        for column in range(self.pes.columns):
            here = self.pe(row, column)
            yield self.link(start, here, LinkPart.LINE)
            start = here

    def tree(self, root: NetworkNode) -> Iterator[WireLink]:
        """A trunk along one side, from its middle, and a line through every row (`grid.tree_links`)."""
        middle = (self.pes.rows - 1) // 2
        yield self.link(root, self.bend(middle), LinkPart.TRUNK)
        for row in range(self.pes.rows):
            if row != middle:
                before = row + 1 if row < middle else row - 1
                yield self.link(self.bend(before), self.bend(row), LinkPart.TRUNK)
            yield from self.line(self.bend(row), row)

    def way(self, root: NetworkNode, row: int, column: int) -> Iterator[WireLink]:
        """A way of its own to one PE: along the trunk, then along the row (`grid.path_links`)."""
        middle = (self.pes.rows - 1) // 2
        step = 1 if row >= middle else -1
        bends = [self.bend(line, -1) for line in range(middle, row + step, step)]
        nodes = [root, *bends, *(self.bend(row, passed) for passed in range(column)), self.pe(row, column)]
        for start, end in itertools.pairwise(nodes):
            yield self.link(start, end, LinkPart.OWN)

    def column_of_psums(self, router: NetworkNode, column: int) -> Iterator[WireLink]:
        """From a router into the bottom PE of a column, and back from the top over the length of the column."""
        yield self.link(router, self.pe(self.pes.rows - 1, column), LinkPart.ENTRY)
        passed = [self.bend(row) for row in range(1, self.pes.rows)]
        nodes = [self.pe(0, column), *passed, router]
        for start, end in itertools.pairwise(nodes):
            yield self.link(start, end, LinkPart.BACK)


def reversed_link(link: WireLink) -> WireLink:
    """The link the other way, as psums take it on their way out."""
    return link._replace(start=link.end, end=link.start)
