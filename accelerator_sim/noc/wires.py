"""The wires of a network: how many links it has, and how long they are.

The floor plan is a grid.  `noc.hop_length` is the side of a cluster, its PEs share that square, and a PE with its part
of GLB and routers takes a pitch on a side.  A link is the wires between two neighbouring nodes of a network: a port of
the GLB, a router, a PE; wires that pass a PE are cut into links there, whether or not they stop.  Each kind of network
lays its own (`architecture.networks`).
"""

from __future__ import annotations

from dataclasses import dataclass

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.networks import Bundle


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


def wires_of(architecture: Architecture, tensor: str) -> Wires:
    """The wires of the network of one data type ("iact", "weight" or "psum"; psums without the way from PE to PE)."""
    return Wires(architecture.network(tensor).bundles(architecture.site(tensor)))


def source_words(architecture: Architecture, tensor: str) -> float:
    """Words that a network takes in per cycle at most: raw words, all sources together."""
    site = architecture.site(tensor)
    return architecture.network(tensor).words_per_cycle_in_all(tensor, site.word_bits, site)
