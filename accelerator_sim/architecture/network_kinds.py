"""All kinds of network on chip that an architecture file may name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accelerator_sim.architecture.all_to_all import AllToAll
from accelerator_sim.architecture.networks import Broadcast, FlatNetwork, HierarchicalMesh, MulticastBus, Unicast

AnyOnChipNetwork = Annotated[
    HierarchicalMesh | MulticastBus | Broadcast | Unicast | AllToAll, Field(discriminator="kind")
]

FLAT: tuple[type[FlatNetwork], ...] = (MulticastBus, Unicast, Broadcast, AllToAll)
"""The flat kinds."""
