"""The wires of a network: how many links it has, how long they are, and which of them a word drives.

The floor plan is a grid.  `noc.hop_length` is the side of a cluster, its PEs share that square, and a PE with its part
of GLB and routers takes `pitch_m` on a side.  A link is the wires between two neighbouring nodes of a network: a port
of the GLB, a router, a PE; wires that pass a PE are cut into links there, whether or not they stop.

- *Flat*: the GLB stands at the middle of one side.  A trunk runs along that side, with a link to the first row and one
  from row to row; in each row a line of one link a PE leaves it (JSSC 2017 IV-C: Y-bus and X-buses).  A bus and a
  broadcast tree have these wires once, whatever the number of PEs that listen; a unicast network has wires of its own
  for each PE, all the way.
- *Mesh*: a cluster has the routers of JETCAS 2019 Table II, each one link from its GLB port.  From an iact router a
  trunk and a line in every row lead to all PEs of the cluster, from a weight router one line along its row of PEs; a
  psum router has a link to the bottom PE of its column and the way back from the top, which is as long as the column.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from accelerator_sim.architecture.model import Architecture, FlatNetwork, Grid, HierarchicalMesh


@dataclass(frozen=True)
class Bundle:
    """Links of equal width and length: `bits` wires each, over `length_m` metres."""

    links: int
    bits: int
    length_m: float


@dataclass(frozen=True)
class Wires:
    """All links of the network of one data type."""

    bundles: tuple[Bundle, ...]

    @property
    def links(self) -> int:
        """Links, of any width."""
        return sum(bundle.links for bundle in self.bundles)

    @property
    def link_bits(self) -> int:
        """Links times their wires: what an equal number of links compares."""
        return sum(bundle.links * bundle.bits for bundle in self.bundles)

    @property
    def bit_mm(self) -> float:
        """Millimetres of wire, that of every bit."""
        return sum(bundle.links * bundle.bits * bundle.length_m for bundle in self.bundles) * 1e3


def pitch_m(architecture: Architecture) -> float:
    """Side of a PE with its part of all else, in metres: that of a square of equal shares of a cluster."""
    return architecture.noc.hop_length / math.sqrt(architecture.pe_cluster.count)


def ways(tensor: str) -> int:
    """Directions in which a flat network moves a data type: psums go in and out."""
    return 2 if tensor == "psum" else 1


def tree_links(grid: Grid) -> int:
    """Links of a trunk along one side and of a line through every row."""
    return grid.rows + grid.rows * grid.columns


def path_links(grid: Grid, row: int, column: int) -> int:
    """Links on the way from the port, at the middle of the side, to the PE at (row, column)."""
    return 1 + abs(row - (grid.rows - 1) // 2) + 1 + column


def private_links(grid: Grid) -> int:
    """Links of ways of their own to all PEs."""
    return sum(path_links(grid, row, column) for row in range(grid.rows) for column in range(grid.columns))


def mesh_links(array: Grid, network: HierarchicalMesh) -> int:
    """Links between the clusters, for one router a cluster: one each way."""
    vertical, horizontal = (array.rows - 1) * array.columns, array.rows * (array.columns - 1)
    own = set(network.directions)
    return vertical * len(own & {"north", "south"}) + 2 * horizontal * ("horizontal" in own)


def local_links(architecture: Architecture, tensor: str) -> int:
    """Links of one router of a mesh inside its cluster, those to and from the GLB included."""
    grid = architecture.pe_cluster
    return {"iact": 1 + tree_links(grid), "weight": 1 + grid.columns, "psum": 2 + 1 + grid.rows}[tensor]


def wires_of(architecture: Architecture, tensor: str) -> Wires:
    """The wires of the network of one data type ("iact", "weight" or "psum"; psums without the way from PE to PE)."""
    network, pitch = getattr(architecture.noc, tensor), pitch_m(architecture)
    grid = architecture.pe_cluster
    if isinstance(network, FlatNetwork):
        words, cycles = network.flit(architecture.pes)
        bits = -(-words * getattr(architecture.precision, tensor) // cycles)
        links = private_links(grid) if network.kind == "unicast" else tree_links(grid)
        return Wires((Bundle(ways(tensor) * links, bits, pitch),))
    local = local_links(architecture, tensor) * network.routers * architecture.cluster_array.count
    between = mesh_links(architecture.cluster_array, network) * network.routers
    return Wires(
        (
            Bundle(local, network.port_width, pitch),
            Bundle(between, network.port_width, architecture.noc.hop_length),
        )
    )


def source_words(architecture: Architecture, tensor: str) -> float:
    """Words that a network takes in per cycle at most: raw words, all sources together."""
    network = getattr(architecture.noc, tensor)
    if isinstance(network, FlatNetwork):
        words, cycles = network.flit(architecture.pes)
        return words * architecture.pes / cycles if network.kind == "unicast" else float(words)
    per_port = network.port_width // getattr(architecture.precision, tensor)
    return float(per_port * network.routers * architecture.cluster_array.count)
