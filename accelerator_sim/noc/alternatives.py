"""The flat networks that could stand in the place of a hierarchical mesh, with as many links (JETCAS 2019 III-A).

PEs, GLB and everything else stay; PEs stand where they stood, in one array.  Links times their wires (`noc.wires`) are
those of the mesh of the same data type, or as many fewer as whole words and wires make it:

- *bus*, *broadcast*: as many words a cycle as the tree to all PEs can be wide;
- *unicast*: a link to each PE as wide as all of them can be: whole words, or a word in several cycles.

Where not even that much is to be had (one word a cycle; one wire a PE), the network gets it all the same, and has more
links than the mesh.  Widths are those of raw words, and what the ports of the GLB could read does not limit a flat
network.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from accelerator_sim.architecture.model import (
    TENSORS,
    Architecture,
    Broadcast,
    GlbStore,
    Grid,
    MulticastBus,
    Unicast,
)
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.vocabulary import NocName, words
from accelerator_sim.noc.wires import private_links, tree_links, ways, wires_of

KINDS = {
    NocName.MESH: "hierarchical_mesh",
    NocName.BUS: "multicast_bus",
    NocName.UNICAST: "unicast",
    NocName.BROADCAST: "broadcast",
}
"""Kinds of network by the names that they are asked for."""
MADE: dict[NocName, Any] = {
    NocName.BUS: MulticastBus,
    NocName.UNICAST: Unicast,
    NocName.BROADCAST: Broadcast,
}


def alternatives(architecture: Architecture, names: str | Iterable[str]) -> dict[str, Architecture]:
    """Return the machine with each of some networks (`KINDS`), in the order asked for.

    Raises UsageError for an unknown name, for none, and for an architecture that has no mesh to begin with.
    """
    wanted = words(NocName, names, "networks")
    if architecture.flat:
        raise UsageError(
            f"{architecture.name} has a flat network ({architecture.noc.iact.kind}); networks of equal link count are"
            " made from a hierarchical mesh, as that of eyeriss_v2 or eyeriss_v1_5"
        )
    return {name.value: architecture if name is NocName.MESH else _flat(architecture, name) for name in wanted}


def _flat(architecture: Architecture, name: NocName) -> Architecture:
    """The machine with a flat network of as many links."""
    array, cluster = architecture.cluster_array, architecture.pe_cluster
    grid = Grid(rows=array.rows * cluster.rows, columns=array.columns * cluster.columns)
    # `hop_length` is the side of a cluster: of the one that is left, so that PEs are as far apart as they were.
    noc: dict[str, Any] = {"hop_length": architecture.noc.hop_length * array.count**0.5}
    for tensor in TENSORS:
        noc[tensor] = MADE[name](kind=KINDS[name], words_per_cycle=equal_words(architecture, tensor, name, grid))
    glb, shared = architecture.glb, architecture.glb.shared
    banks: dict[str, Any] = {tensor: _all_banks(getattr(glb, tensor), array.count) for tensor in TENSORS}
    if shared is not None:
        banks["shared"] = shared.model_copy(update={"banks": shared.banks * array.count})
    return architecture.model_copy(
        update={
            "name": f"{architecture.name}_{name.value}",
            "source": f"{architecture.source}; its mesh replaced by {KINDS[name]} networks of equal link count",
            "cluster_array": Grid(rows=1, columns=1),
            "pe_cluster": grid,
            "glb": glb.model_copy(update=banks),
            "noc": architecture.noc.model_copy(update=noc),
        }
    )


def _all_banks(store: GlbStore | None, clusters: int) -> GlbStore | None:
    return store and store.model_copy(update={"banks": store.banks * clusters})


def equal_words(architecture: Architecture, tensor: str, name: str, grid: Grid) -> int:
    """Words per cycle of a flat network with as many wires of link as the mesh of a data type has, at least 1."""
    budget = wires_of(architecture, tensor).link_bits // ways(tensor)
    word = int(getattr(architecture.precision, tensor))
    if name != "unicast":
        return max(1, budget // (tree_links(grid) * word))
    width = max(1, budget // private_links(grid))
    if width >= word:
        return grid.count * (width // word)
    cycles = -(-word // width)
    words = -(-grid.count // cycles)
    return words if -(-grid.count // words) == cycles else max(1, grid.count // cycles)
