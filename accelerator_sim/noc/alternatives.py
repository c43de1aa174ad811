"""The flat networks that could stand in the place of a hierarchical mesh, with as many links (JETCAS 2019 III-A).

PEs, GLB and everything else stay; PEs stand where they stood, in one array.  Links times their wires (`noc.wires`) are
those of the mesh of the same data type, or as many fewer as whole words and wires make it:

- *bus*, *broadcast*: as many words per cycle as the tree to all PEs can be wide;
- *unicast*: a link to each PE as wide as all of them can be: whole words, or a word in several cycles.

A *torus* is not flat: it is the mesh itself, whose rows and columns of clusters are closed to rings (of iacts and
weights; psums only go south).  It has more links than the mesh, and longer ones.

Where not even that much is possible (one word per cycle; one wire per PE), the network gets it nevertheless, and has
more links than the mesh.  Widths are those of raw words, and what the ports of the GLB could read does not limit a flat
network.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from accelerator_sim.architecture.architecture import TENSORS, Architecture, GlbStore
from accelerator_sim.architecture.grid import Grid
from accelerator_sim.architecture.network_kinds import FLAT
from accelerator_sim.architecture.networks import FlatNetwork, HierarchicalMesh
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.vocabulary import NocName, words

KINDS: dict[NocName, type[FlatNetwork]] = {NocName(kind.alternative): kind for kind in FLAT}
"""Kinds of flat network by the names that they are asked for."""


def alternatives(architecture: Architecture, names: str | Iterable[str]) -> dict[str, Architecture]:
    """Return the machine with each of some networks (`NocName`), in the order asked for.

    Raises UsageError for an unknown name, for none, and for an architecture that has no mesh to begin with.
    """
    wanted = words(NocName, names, "networks")
    if architecture.flat:
        raise UsageError(
            f"{architecture.name} has a flat network ({architecture.noc.iact.kind}); networks of equal link count are"
            " made from a hierarchical mesh, as that of eyeriss_v2 or eyeriss_v1_5"
        )
    return {name.value: _with_network(architecture, name) for name in wanted}


def _with_network(architecture: Architecture, name: NocName) -> Architecture:
    if name is NocName.MESH:
        return architecture
    return _torus(architecture) if name is NocName.TORUS else _flat(architecture, name)


def _torus(architecture: Architecture) -> Architecture:
    """The machine with rings of clusters."""
    closed = {tensor: architecture.network(tensor).model_copy(update={"torus": True}) for tensor in ("iact", "weight")}
    return architecture.model_copy(
        update={
            "name": f"{architecture.name}_{NocName.TORUS.value}",
            "source": f"{architecture.source}; its mesh closed to a torus",
            "noc": architecture.noc.model_copy(update=closed),
        }
    )


def _flat(architecture: Architecture, name: NocName) -> Architecture:
    """The machine with a flat network of as many links."""
    array, kind = architecture.cluster_array, KINDS[name]
    # `hop_length` is the side of a cluster: of the one that is left, so that PEs are as far apart as they were.
    noc: dict[str, Any] = {"hop_length": architecture.noc.hop_length * array.count**0.5}
    for tensor in TENSORS:
        mesh = architecture.network(tensor)
        assert isinstance(mesh, HierarchicalMesh)
        noc[tensor] = kind(kind=kind.kind_name(), **kind.in_place_of(mesh, architecture.site(tensor)))
    glb, shared = architecture.glb, architecture.glb.shared
    banks: dict[str, Any] = {tensor: _all_banks(getattr(glb, tensor), array.count) for tensor in TENSORS}
    if shared is not None:
        banks["shared"] = shared.model_copy(update={"banks": shared.banks * array.count})
    return architecture.model_copy(
        update={
            "name": f"{architecture.name}_{name.value}",
            "source": f"{architecture.source}; its mesh replaced by {kind.kind_name()} networks of equal link count",
            "cluster_array": Grid(rows=1, columns=1),
            "pe_cluster": architecture.site("iact").array,
            "glb": glb.model_copy(update=banks),
            "noc": architecture.noc.model_copy(update=noc),
        }
    )


def _all_banks(store: GlbStore | None, clusters: int) -> GlbStore | None:
    return store and store.model_copy(update={"banks": store.banks * clusters})
