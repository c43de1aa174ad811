"""The networks of an architecture, as `show noc` prints them: a table of links, a picture of the mesh, or the graph."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.architecture.wire_links import ClusterPlace, LinkPart, NetworkNode, NodeKind
from accelerator_sim.files.text import printable
from accelerator_sim.noc.link_graph import cluster_graph, network_graph
from accelerator_sim.report.columns import Column, fitted, table
from accelerator_sim.report.json import encode
from accelerator_sim.report.tables import paint
from accelerator_sim.results.tabular import Row, rows_text

if TYPE_CHECKING:
    import networkx as nx

SCHEMA = "accelerator-sim/noc/1"
MOST_ROWS = 32
"""Rows of clusters that are drawn: what a terminal shows at once."""
_GAP = 4


@dataclass(frozen=True)
class LinkKind:
    """Links of one data type that are alike: their part of the network, number, wires and length."""

    tensor: str
    part: LinkPart
    links: int
    bits: int
    length_m: float

    @property
    def bit_metres(self) -> float:
        """Total wire length, each bit counted."""
        return self.links * self.bits * self.length_m

    def row(self) -> Row:
        """Return the links as plain data, in SI units."""
        return {
            "tensor": self.tensor,
            "part": self.part.value,
            "links": self.links,
            "bits": self.bits,
            "length_m": self.length_m,
            "wire_bit_m": self.bit_metres,
        }


_COLUMNS: list[Column[LinkKind]] = [
    Column("data type", lambda kind: kind.tensor, 0, left=True),
    Column("part", lambda kind: kind.part.value, 1, left=True),
    Column("links", lambda kind: f"{kind.links:,}", 2),
    Column("bits", lambda kind: str(kind.bits), 3),
    Column("length, mm", lambda kind: f"{kind.length_m * 1e3:.3g}", 4),
    Column("wire, bit m", lambda kind: _metres(kind.bit_metres), 5),
]


def _metres(value: float) -> str:
    """Three digits, and all of those before the point."""
    return f"{value:,.0f}" if value >= 100.0 else f"{value:.3g}"


def link_kinds(architecture: Architecture) -> list[LinkKind]:
    """Return all links of a machine, alike ones together."""
    return [kind for tensor, graph in _graphs(architecture).items() for kind in _kinds_in(tensor, graph)]


def _graphs(architecture: Architecture) -> dict[str, nx.MultiDiGraph[Any]]:
    return {tensor: network_graph(architecture.network(tensor), architecture.site(tensor)) for tensor in TENSORS}


def _kinds_in(tensor: str, graph: nx.MultiDiGraph[Any]) -> list[LinkKind]:
    alike = Counter((d["part"], d["width"], d["length"]) for *_, d in graph.edges(data=True))
    kinds = [LinkKind(tensor, part, links, bits, length) for (part, bits, length), links in alike.items()]
    return sorted(kinds, key=lambda kind: list(LinkPart).index(kind.part))


def dumps_rows(architecture: Architecture, delimiter: str) -> str:
    """Return delimited text, one row per kind of link."""
    return rows_text([kind.row() for kind in link_kinds(architecture)], delimiter)


def dumps_json(architecture: Architecture) -> str:
    """Return JSON in the schema "accelerator-sim/noc/1": each graph as networkx's `node_link_graph` reads it."""
    data = {"schema": SCHEMA, "architecture": architecture.name}
    return encode(data | {"networks": {tensor: _plain(graph) for tensor, graph in _graphs(architecture).items()}})


def _plain(graph: nx.MultiDiGraph[Any]) -> dict[str, Any]:
    nodes = [
        {"id": _name(node), "kind": node.kind.value, "cluster": list(node.cluster), "place": list(node.place)}
        for node in graph
    ]
    edges = [
        {
            "source": _name(start),
            "target": _name(end),
            "key": key,
            "width_bits": data["width"],
            "length_m": data["length"],
            "part": data["part"].value,
            "driver": data["source"],
        }
        for start, end, key, data in graph.edges(keys=True, data=True)
    ]
    return {"directed": True, "multigraph": True, "graph": dict(graph.graph), "nodes": nodes, "edges": edges}


def _name(node: NetworkNode) -> str:
    places = ",".join(map(str, node.place))
    return f"{node.kind.value} {places} of cluster {','.join(map(str, node.cluster))}"


def render_noc(architecture: Architecture, width: int = 80, color: bool = False) -> str:
    """Return the networks in lines of at most `width` characters: links by their part, and how clusters are joined."""
    array, pes = architecture.cluster_array, architecture.pe_cluster
    graphs = _graphs(architecture)
    kinds = {tensor: _kinds_in(tensor, graph) for tensor, graph in graphs.items()}
    title = (
        f"{printable(architecture.name)}: {architecture.noc.iact.kind.replace('_', ' ')},"
        f" {array.rows} x {array.columns} clusters of {pes.rows} x {pes.columns} PEs"
    )
    parts: list[RenderableType] = [Text(title, style="bold", overflow="fold"), Text()]
    parts += [table(fitted(_COLUMNS, list(chain(*kinds.values())), width)), Text()]
    parts += [Text(_summary(tensor, graph, kinds[tensor]), overflow="fold") for tensor, graph in graphs.items()]
    if array.count > 1:
        parts += [Text(), *(Text(line) for line in mesh_picture(architecture, width))]
    return paint(parts, width, color)


def _summary(tensor: str, graph: nx.MultiDiGraph[Any], kinds: list[LinkKind]) -> str:
    """Return what a network consists of, in one line."""
    nodes = Counter(node.kind for node in graph)
    named = [
        f"{nodes[kind]:,} {kind.value}{'s' * (nodes[kind] != 1)}"
        for kind in (NodeKind.PORT, NodeKind.ROUTER, NodeKind.PE)
        if nodes[kind]
    ]
    wire = sum(kind.bit_metres for kind in kinds)
    return f"{tensor}: {', '.join(named)}, {graph.number_of_edges():,} links, {_metres(wire)} bit m of wire"


def mesh_picture(architecture: Architecture, width: int = 80) -> list[str]:
    """Return how clusters are joined, one picture per data type, side by side where there is room.

    `o` is a cluster; `--` and `|` are links in both directions, `v` and `^` links in one.
    """
    array = architecture.cluster_array
    if array.rows > MOST_ROWS or _GAP * array.columns > width:
        return [f"{array.rows} x {array.columns} clusters are too many to draw; --format json has every link"]
    pictures = [_picture(architecture, tensor) for tensor in TENSORS]
    wide = max(len(line) for picture in pictures for line in picture) + _GAP
    if wide * len(pictures) > width:
        return [line.rstrip() for picture in pictures for line in (*picture, "")][:-1]
    return ["".join(line.ljust(wide) for line in lines).rstrip() for lines in zip(*pictures, strict=True)]


def _picture(architecture: Architecture, tensor: str) -> list[str]:
    graph = cluster_graph(architecture.network(tensor), architecture.site(tensor))
    rows, columns = architecture.cluster_array.rows, architecture.cluster_array.columns

    def joined(a: ClusterPlace, b: ClusterPlace, both: str, there: str, back: str) -> str:
        ways = graph.has_edge(a, b), graph.has_edge(b, a)
        return {(True, True): both, (True, False): there, (False, True): back, (False, False): " "}[ways]

    lines = [tensor]
    for row in range(rows):
        links = [joined((row, c), (row, c + 1), "-", ">", "<") * (_GAP - 1) for c in range(columns - 1)]
        lines.append("o" + "".join(f"{link}o" for link in links))
        if row + 1 < rows:
            down = [joined((row, c), (row + 1, c), "|", "v", "^") for c in range(columns)]
            lines.append((" " * (_GAP - 1)).join(down))
    return lines
