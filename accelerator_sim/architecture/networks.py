"""The kinds of network on chip.  Each type owns what follows from its kind: sources, rates, wires, gates and energy.

A network carries the words of one data type between the GLB and the PEs.  The words of a *transfer* leave one *source*
together.  On a network that `multicasts`, a transfer serves every PE that needs its words; else each PE has transfers
of its own.  A *flat* network spans one cluster, without routers between; a mesh joins clusters.

To add a kind: a class here or in a module of its own, and its place in `network_kinds` (CONTRIBUTING.md).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, Strict

from accelerator_sim.architecture.grid import Count, Grid, private_links, tree_links
from accelerator_sim.architecture.wire_links import (
    ClusterPlace,
    LinkPart,
    NetworkNode,
    NodeKind,
    WireLink,
    Wiring,
    reversed_link,
)
from accelerator_sim.files.model import FileModel
from accelerator_sim.files.units import Bits

Tensor = Literal["iact", "weight", "psum"]

WIDE = 1 << 40
"""Bits of a port, or words per cycle, that no PE array can use up."""


def _without_default(schema: dict[str, Any]) -> None:
    """Drop the default from the schema of a value that follows others: `following` gives it, not the model."""
    schema.pop("default", None)


@dataclass(frozen=True)
class Bundle:
    """Links of equal width and length: `bits` wires each, over `length_m` metres."""

    links: int
    bits: int
    length_m: float


@dataclass(frozen=True)
class Switches:
    """What steers words: bits of multiplexer inputs after the first, and bits of settings, both `copies` times."""

    mux_bits: tuple[int, ...]
    setting_bits: int
    copies: int


@dataclass(frozen=True)
class Site:
    """Where a network lies, and what it carries.

    word_bits: of a raw word; pitch_m: side of a PE with its part of all else; hop_m: side of a cluster.
    """

    clusters: Grid
    pes: Grid
    tensor: str
    word_bits: int
    pitch_m: float
    hop_m: float

    @property
    def array(self) -> Grid:
        """All PEs in one grid."""
        return Grid(rows=self.clusters.rows * self.pes.rows, columns=self.clusters.columns * self.pes.columns)

    @property
    def ways(self) -> int:
        """Directions in which a flat network moves the data type: psums go in and out."""
        return 2 if self.tensor == "psum" else 1


@dataclass(frozen=True)
class Bank:
    """A GLB bank behind a port, and how many there are of it in a cluster."""

    port_width: int
    banks: int


@dataclass(frozen=True)
class Lanes:
    """Ways on which words travel side by side (mesh: of a cluster): their number, words of a flit, cycles of one."""

    count: int
    words: int
    turn: int


@dataclass(frozen=True)
class Travel:
    """Distances that the words of a layer travel.

    into, out: words towards the PEs, and from them; received: words that clusters receive; word_hops: words times links
    between clusters; rows: PE rows that a word goes to on a flat array; links, links_back: links on the way to one PE,
    and from it (means over the words).
    """

    into: float
    out: float
    received: float = 0.0
    word_hops: float = 0.0
    rows: float = 0.0
    links: float = 0.0
    links_back: float = 0.0


class OnChipNetwork(FileModel):
    """A network of one data type."""

    kind: str
    flat: ClassVar[bool] = True
    multicasts: ClassVar[bool] = True
    floods: ClassVar[bool] = False
    """Whether every word reaches every PE, and most of them drop it."""
    called: ClassVar[str] = "network"
    """How a change of it is called."""

    def link_bits(self, site: Site) -> int:
        """Links times their wires: what an equal number of links compares."""
        return sum(bundle.links * bundle.bits for bundle in self.bundles(site))

    @abstractmethod
    def words_per_cycle_of(self, tensor: str, word_bits: int, pes: int) -> float:
        """Words that its sources (mesh: of a cluster, psums of a column; unicast: the link of a PE) send per cycle."""

    @abstractmethod
    def words_per_cycle_in_all(self, tensor: str, word_bits: int, site: Site) -> float:
        """Words that the whole network takes in per cycle."""

    @abstractmethod
    def lanes(self, tensor: str, word_bits: int, pes: Grid, bank: Bank | None) -> Lanes:
        """Its lanes; bank: what the words rest in on their way, None if they go past the GLB."""

    @abstractmethod
    def bundles(self, site: Site) -> tuple[Bundle, ...]:
        """Its wires, counted in closed form."""

    @abstractmethod
    def links(self, site: Site) -> Iterator[WireLink]:
        """Its wires, link by link: what `bundles` counts."""

    def links_of_mesh(self, site: Site) -> Iterator[WireLink]:
        """Links between clusters, if there are any."""
        yield from ()

    def hop_m(self, site: Site) -> float:
        """Metres of a link between clusters (0 without clusters)."""
        return 0.0

    def ring(self, clusters: Grid) -> Grid:
        """Clusters on a ring along each axis, 1 where there is none."""
        return Grid(rows=1, columns=1)

    @abstractmethod
    def switches(self, site: Site, stored_bits: int) -> Switches:
        """What steers its words; stored_bits: of a word with its count where operands may be compressed."""

    @abstractmethod
    def drive(self, site: Site, travel: Travel) -> tuple[float, float]:
        """Links inside clusters that words drive, and switches that they pass."""

    @abstractmethod
    def widened(self) -> dict[str, Any]:
        """The settings that make it as wide as could be used."""


class HierarchicalMesh(OnChipNetwork):
    """Routers in every cluster, joined in a mesh (JETCAS III.B, Table II).

    Inside the cluster an iact router reaches every PE, a weight router one PE row, a psum router the two ends of one
    PE column.
    """

    flat: ClassVar[bool] = False
    kind: Literal["hierarchical_mesh"]
    routers: Count = Field(
        default=1,
        description="routers of this data type in a cluster; left out: iact and weight one per PE row, psum one per PE"
        " column",
        json_schema_extra=_without_default,
    )
    port_width: Bits = Field(description="bits per cycle of every port")
    words_per_cycle: Count | None = Field(
        default=None, description="words that a port takes in a cycle at most; left out: as many as fit its width"
    )
    directions: Annotated[tuple[Literal["north", "south", "horizontal"], ...], Strict(False)] = Field(
        default=(), description="mesh links that leave a router", json_schema_extra=_without_default
    )
    torus: bool = Field(
        default=False,
        description="links also join the last clusters of a row or column with the first ones; the rings are folded,"
        " so that a link spans two clusters (iact and weight)",
    )

    def words_of_port(self, width: int, word_bits: int) -> int:
        """Words that a port takes in a cycle, of those that fit a width."""
        return min(width // word_bits, self.words_per_cycle or WIDE)

    def words_per_cycle_of(self, tensor: str, word_bits: int, pes: int) -> float:
        """Words of all iact routers of a cluster, or of one weight or psum router, per cycle."""
        per_port = float(self.words_of_port(self.port_width, word_bits))
        return per_port * float(self.routers) if tensor == "iact" else per_port

    def words_per_cycle_in_all(self, tensor: str, word_bits: int, site: Site) -> float:
        """Words of all routers per cycle."""
        return float(self.words_of_port(self.port_width, word_bits) * self.routers * site.clusters.count)

    def lanes(self, tensor: str, word_bits: int, pes: Grid, bank: Bank | None) -> Lanes:
        """Lanes of a cluster: its iact routers, its columns of psums, one weight router per row; no more than banks."""
        count = {"iact": self.routers, "weight": 1, "psum": pes.columns}[tensor]
        if bank is None:
            return Lanes(count, self.words_of_port(self.port_width, word_bits), 1)
        words = self.words_of_port(min(self.port_width, bank.port_width), word_bits)
        return Lanes(min(count, bank.banks), words, 1)

    def links_between(self, clusters: Grid) -> int:
        """Links between the clusters, for one router per cluster: one each way."""
        ring = self.ring(clusters)
        vertical = (clusters.rows - (ring.rows == 1)) * clusters.columns
        horizontal = clusters.rows * (clusters.columns - (ring.columns == 1))
        own = set(self.directions)
        return vertical * len(own & {"north", "south"}) + 2 * horizontal * ("horizontal" in own)

    def links_inside(self, site: Site) -> int:
        """Links of one router inside its cluster, those to and from the GLB included.

        From an iact router a trunk and a line in every row lead to all PEs, from a weight router one line along its
        row; a psum router has a link to the bottom PE of its column and the way back from the top, which is as long as
        the column.
        """
        return {
            "iact": 1 + tree_links(site.pes),
            "weight": 1 + site.pes.columns,
            "psum": 2 + 1 + site.pes.rows,
        }[site.tensor]

    def bundles(self, site: Site) -> tuple[Bundle, ...]:
        """Wires inside clusters, and between them."""
        local = self.links_inside(site) * self.routers * site.clusters.count
        between = self.links_between(site.clusters) * self.routers
        return Bundle(local, self.port_width, site.pitch_m), Bundle(between, self.port_width, self.hop_m(site))

    def ring(self, clusters: Grid) -> Grid:
        """Clusters on a ring, 1 where there is none: those of a torus with links both ways, if more than two."""
        own = set(self.directions)
        down = self.torus and clusters.rows > 2 and {"north", "south"} <= own
        along = self.torus and clusters.columns > 2 and "horizontal" in own
        return _grid_of(clusters.rows if down else 1, clusters.columns if along else 1)

    def hop_m(self, site: Site) -> float:
        """The side of a cluster; of two where rings are folded (Dally and Towles, Interconnection Networks, 5.1)."""
        return site.hop_m * (1 if self.ring(site.clusters).count == 1 else 2)

    def links(self, site: Site) -> Iterator[WireLink]:
        """Links of every router inside its cluster, and those between clusters."""
        for row in range(site.clusters.rows):
            for column in range(site.clusters.columns):
                for number in range(self.routers):
                    wiring = Wiring((row, column), site.pes, self.port_width, site.pitch_m, number)
                    yield from self._links_of_router(wiring, site.tensor)
        yield from self.links_of_mesh(site)

    @staticmethod
    def _links_of_router(wiring: Wiring, tensor: str) -> Iterator[WireLink]:
        port = NetworkNode(NodeKind.PORT, wiring.cluster, (wiring.source,))
        router = NetworkNode(NodeKind.ROUTER, wiring.cluster, (wiring.source,))
        yield wiring.link(port, router, LinkPart.PORT)
        if tensor == "iact":
            yield from wiring.tree(router)
        elif tensor == "weight":
            yield from wiring.line(router, wiring.source)
        else:
            yield wiring.link(router, port, LinkPart.PORT)
            yield from wiring.column_of_psums(router, wiring.source)

    def links_of_mesh(self, site: Site) -> Iterator[WireLink]:
        """Links of every router to those of the neighbouring clusters."""
        steps = [(LinkPart.HORIZONTAL, 0, -1), (LinkPart.HORIZONTAL, 0, 1)]
        steps += [(LinkPart.NORTH, -1, 0), (LinkPart.SOUTH, 1, 0)]
        ring = self.ring(site.clusters)
        for row in range(site.clusters.rows):
            for column in range(site.clusters.columns):
                for part, down, right in steps:
                    end = _around(row + down, ring.rows), _around(column + right, ring.columns)
                    inside = 0 <= end[0] < site.clusters.rows and 0 <= end[1] < site.clusters.columns
                    if part in self.directions and inside:
                        yield from self._links_to((row, column), end, part, self.hop_m(site))

    def _links_to(self, start: ClusterPlace, end: ClusterPlace, part: LinkPart, metres: float) -> Iterator[WireLink]:
        for number in range(self.routers):
            first, second = (NetworkNode(NodeKind.ROUTER, cluster, (number,)) for cluster in (start, end))
            yield WireLink(first, second, self.port_width, metres, part, number)

    def switches(self, site: Site, stored_bits: int) -> Switches:
        """Routers of multiplexers without buffers: every destination port selects one source port (JETCAS Fig. 11).

        Ports of a router: its mesh links, the GLB, and the PEs; psums go in at one end of a column and out at the
        other.  An array wider than two clusters has links to both sides.  In a cluster any iact router reaches any PE.
        """
        links = len(set(self.directions))
        if "horizontal" in self.directions and site.clusters.columns > 2:
            links += 1
        ports = links + (2 if site.tensor == "psum" else 1)
        routers = self.routers * ports * (ports - 1) * self.port_width
        to_pes = (self.routers - 1) * self.port_width * site.pes.count if site.tensor == "iact" else 0
        return Switches((routers, to_pes), 0, site.clusters.count)

    def drive(self, site: Site, travel: Travel) -> tuple[float, float]:
        """The link from the GLB and, in each cluster that gets the word, all wires of the router to its PEs.

        A word passes a switch in the first router and one in each further one.
        """
        if site.tensor == "psum":
            links = travel.into * 2.0 + travel.out * (site.pes.rows + 1.0)
            return links, float(travel.into + travel.out + travel.word_hops)
        to_pes = tree_links(site.pes) if site.tensor == "iact" else site.pes.columns
        return travel.into + travel.received * to_pes, float(travel.into + travel.word_hops)

    def widened(self) -> dict[str, Any]:
        """Ports as wide as could be used."""
        return {"port_width": WIDE, "words_per_cycle": None}


class FlatNetwork(OnChipNetwork):
    """A network of one cluster, from the GLB to all PEs without routers between."""

    words_per_cycle: Count
    alternative: ClassVar[str]
    """How it is called where it stands in for a mesh."""

    @classmethod
    def kind_name(cls) -> str:
        """What `kind` is in a file."""
        (name,) = get_args(cls.model_fields["kind"].annotation)
        return str(name)

    @classmethod
    def in_place_of(cls, mesh: HierarchicalMesh, site: Site) -> dict[str, int]:
        """Its settings with as many links as a mesh has, or the least that it can be: one word per cycle.

        site: that of the mesh.  Links times their wires are no more than those of the mesh.
        """
        return {
            "words_per_cycle": max(1, mesh.link_bits(site) // site.ways // (tree_links(site.array) * site.word_bits))
        }

    def flit(self, pes: int) -> tuple[int, int]:
        """Words of a transfer of one source, and the cycles that it takes."""
        return self.words_per_cycle, 1

    def sources(self, pes: int) -> int:
        """Ports of the GLB that send independently."""
        return 1

    def words_per_cycle_of(self, tensor: str, word_bits: int, pes: int) -> float:
        """Words of all sources per cycle (where each PE has links of its own: of one)."""
        words, cycles = self.flit(pes)
        return float(words * (self.sources(pes) if self.multicasts else 1) / cycles)

    def words_per_cycle_in_all(self, tensor: str, word_bits: int, site: Site) -> float:
        """Words of all sources per cycle."""
        words, cycles = self.flit(site.pes.count)
        return float(words * self.sources(site.pes.count) / cycles)

    def lanes(self, tensor: str, word_bits: int, pes: Grid, bank: Bank | None) -> Lanes:
        """One for each source (where each PE has links of its own: its own); banks never limit it."""
        words, turn = self.flit(pes.count)
        return Lanes(self.sources(pes.count) if self.multicasts else 1, words, turn)

    def links_once(self, grid: Grid) -> int:
        """Links that lead to all PEs once."""
        return tree_links(grid)

    def bundles(self, site: Site) -> tuple[Bundle, ...]:
        """Its wires; psums have one network each way."""
        return (Bundle(site.ways * self.links_once(site.pes), self.bits_of_link(site), site.pitch_m),)

    def bits_of_link(self, site: Site) -> int:
        """Wires of a link: those of the words of a transfer, or as many as carry one over several cycles."""
        words, cycles = self.flit(site.pes.count)
        return -(-words * site.word_bits // cycles)

    def links(self, site: Site) -> Iterator[WireLink]:
        """The links of each source; psums have all of them once more, the other way."""
        for number in range(self.trees):
            wiring = Wiring((0, 0), site.pes, self.bits_of_link(site), site.pitch_m, number)
            root = NetworkNode(NodeKind.PORT, (0, 0), (number,))
            for link in self.links_from(root, wiring):
                yield from (link, reversed_link(link))[: site.ways]

    @property
    def trees(self) -> int:
        """Trees of wires, each from a port of its own."""
        return 1

    def links_from(self, root: NetworkNode, wiring: Wiring) -> Iterator[WireLink]:
        """The links that leave one port, to all PEs."""
        return wiring.tree(root)

    def settings(self, site: Site) -> int:
        """Configuration bits that select the words that a PE takes."""
        return 0

    def switches(self, site: Site, stored_bits: int) -> Switches:
        """Each PE selects one of the words of a transfer, or gates the wires that are its own."""
        words, cycles = self.flit(site.pes.count)
        selected = math.ceil(words * stored_bits / cycles) * site.pes.count
        return Switches((selected,), self.settings(site), site.ways)

    def back(self, site: Site, travel: Travel) -> float:
        """Links that psums on their way out drive: a trunk, and the line of their row."""
        return travel.out * (site.pes.rows + site.pes.columns)

    def widened(self) -> dict[str, Any]:
        """As many words per cycle as could be used."""
        return {"words_per_cycle": WIDE}


@lru_cache(maxsize=256)
def _grid_of(rows: int, columns: int) -> Grid:
    """A grid, made once: rings are asked for hundreds of times per layer."""
    return Grid(rows=rows, columns=columns)


def _around(position: int, ring: int) -> int:
    """A position on an axis; where it is a ring (of more than 1), positions beyond its end begin again."""
    return position % ring if ring > 1 else position


def identity_bits(count: int) -> int:
    """Bits of an identity among so many."""
    return max(1, math.ceil(math.log2(count)))


class MulticastBus(FlatNetwork):
    """The flat network of Eyeriss v1: a Y-bus and X-buses with multicast IDs (JSSC 2017 IV-C)."""

    called: ClassVar[str] = "bus"
    alternative: ClassVar[str] = "bus"
    kind: Literal["multicast_bus"]
    words_per_cycle: Count = Field(description="words that the bus carries in a cycle, each to any set of PEs")

    def settings(self, site: Site) -> int:
        """Identities of rows, and of PEs in their row."""
        return site.pes.rows * identity_bits(site.pes.rows) + site.pes.count * identity_bits(site.pes.columns)

    def drive(self, site: Site, travel: Travel) -> tuple[float, float]:
        """The whole trunk, and the lines of the rows that the word goes to, each behind a switch."""
        grid = site.pes
        links = travel.into * (grid.rows + travel.rows * grid.columns) + self.back(site, travel)
        return links, travel.into * travel.rows + travel.out


class Broadcast(FlatNetwork):
    """A tree of wires from the GLB to all PEs (JETCAS 2019 III-A): high reuse, low bandwidth.

    Its time is that of a bus; its energy that of all its wires, as PEs that do not need a word drop it.
    """

    floods: ClassVar[bool] = True
    alternative: ClassVar[str] = "broadcast"
    kind: Literal["broadcast"]
    words_per_cycle: Count = Field(description="words that the tree carries in a cycle, each to every PE of the array")

    def settings(self, site: Site) -> int:
        """Identities of PEs in the array."""
        return site.pes.count * (identity_bits(site.pes.rows) + identity_bits(site.pes.columns))

    def drive(self, site: Site, travel: Travel) -> tuple[float, float]:
        """The whole tree, whoever needs the word."""
        return float(travel.into * tree_links(site.pes) + self.back(site, travel)), 0.0


class Unicast(FlatNetwork):
    """A private link from the GLB to every PE (JETCAS 2019 III-A): high bandwidth, no reuse.

    A word goes to one PE; PEs that need the same word each get it by a transfer, and a read of the GLB, of their own.
    """

    multicasts: ClassVar[bool] = False
    alternative: ClassVar[str] = "unicast"
    kind: Literal["unicast"]
    words_per_cycle: Count = Field(
        description="words that all links carry together in a cycle, each to one PE: with one per PE or more, a link"
        " carries words_per_cycle / PEs (rounded down); with fewer, a word takes PEs / words_per_cycle cycles"
        " (rounded up)"
    )

    @classmethod
    def in_place_of(cls, mesh: HierarchicalMesh, site: Site) -> dict[str, int]:
        """Links as wide as all of them can be: whole words, or a word in several cycles; at least one wire."""
        grid, word = site.array, site.word_bits
        width = max(1, mesh.link_bits(site) // site.ways // private_links(grid))
        if width >= word:
            return {"words_per_cycle": grid.count * (width // word)}
        cycles = -(-word // width)
        words = -(-grid.count // cycles)
        exact = -(-grid.count // words) == cycles
        return {"words_per_cycle": words if exact else max(1, grid.count // cycles)}

    def flit(self, pes: int) -> tuple[int, int]:
        """Words that a PE's link carries at a time, and the cycles that they take."""
        return max(1, self.words_per_cycle // pes), max(1, -(-pes // self.words_per_cycle))

    def sources(self, pes: int) -> int:
        """A source for each PE."""
        return pes

    def links_once(self, grid: Grid) -> int:
        """Links of ways of their own."""
        return private_links(grid)

    def links_from(self, root: NetworkNode, wiring: Wiring) -> Iterator[WireLink]:
        """A way of its own to each PE, side by side with the others."""
        for number in range(wiring.pes.count):
            row, column = divmod(number, wiring.pes.columns)
            yield from wiring._replace(source=number).way(root, row, column)

    def drive(self, site: Site, travel: Travel) -> tuple[float, float]:
        """Its own way to its one PE."""
        return travel.into * travel.links + travel.out * travel.links_back, 0.0
