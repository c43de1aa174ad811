"""The all-to-all network of Chen et al., "Eyeriss v2", IEEE JETCAS 9(2) 2019, III-A: reuse and bandwidth, at a cost.

Every port of the GLB reaches every PE over wires of its own, and a PE selects the port that it listens to.  So a word
that is sent once serves all PEs that need it, and as many ports send at a time as there are; but with both numbers
growing, wires and multiplexers grow with their product.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from accelerator_sim.architecture.grid import Count, Grid, tree_links
from accelerator_sim.architecture.networks import (
    FlatNetwork,
    HierarchicalMesh,
    Site,
    Switches,
    Travel,
    identity_bits,
)


class AllToAll(FlatNetwork):
    """A crossbar from the ports of the GLB to all PEs."""

    alternative: ClassVar[str] = "all_to_all"
    kind: Literal["all_to_all"]
    ports: Count = Field(description="ports of the GLB, each of which sends words of its own to any set of PEs")
    words_per_cycle: Count = Field(description="words that each port sends in a cycle")

    @classmethod
    def in_place_of(cls, mesh: HierarchicalMesh, site: Site) -> dict[str, int]:
        """As many ports as the mesh has routers, as wide as theirs: equal bandwidth, whatever links that takes."""
        return {
            "ports": mesh.routers * site.clusters.count,
            "words_per_cycle": max(1, mesh.port_width // site.word_bits),
        }

    def sources(self, pes: int) -> int:
        """Each port."""
        return self.ports

    @property
    def trees(self) -> int:
        """A tree for each port."""
        return self.ports

    def links_once(self, grid: Grid) -> int:
        """A tree to all PEs for each port."""
        return self.ports * tree_links(grid)

    def switches(self, site: Site, stored_bits: int) -> Switches:
        """Each PE selects one of the ports, by a setting."""
        words, _ = self.flit(site.pes.count)
        selected = (self.ports - 1) * words * stored_bits * site.pes.count
        return Switches((selected,), site.pes.count * identity_bits(self.ports), site.ways)

    def drive(self, site: Site, travel: Travel) -> tuple[float, float]:
        """The whole tree of its port; a word passes the multiplexer of each PE of the rows that it goes to."""
        links = float(travel.into * tree_links(site.pes) + self.back(site, travel))
        return links, travel.into * travel.rows * site.pes.columns + travel.out
