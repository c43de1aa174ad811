"""What every layer of a run has in common: the machine, what mappings are chosen for, the engine."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.likeness import but_for_channel, but_for_memories
from accelerator_sim.energy.account import EnergyBreakdown, account
from accelerator_sim.files.vocabulary import Fidelity, Masks, Objective, word
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.search import Found, SearchOptions, find_mappings
from accelerator_sim.run.run_memory import RunMemory
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.technology.actions import ActionEnergies
from accelerator_sim.workload.layer import Layer


@dataclass(frozen=True)
class RunSetup:
    """What every layer runs on, what its mapping is chosen for, and how it is run.

    fidelity: the engine; verify: carry values and compare the outputs (with the clock-by-clock engine); masks: how
    zeros are drawn from densities; refine: mappings that the event engine runs at most, to keep the best of them (None:
    few); memory: what other runs found.
    """

    architecture: Architecture
    actions: ActionEnergies
    objective: Objective
    constraints: Constraints = field(default_factory=Constraints)
    fidelity: Fidelity = Fidelity.ANALYTICAL
    verify: bool = False
    seed: int = 0
    masks: Masks = Masks.CHANNELS
    refine: int | None = None
    memory: RunMemory | None = None

    @property
    def counts_traffic(self) -> bool:
        """Whether fewer words off-chip may be worth cycles."""
        return self.objective is not Objective.LATENCY or self.architecture.dram.bandwidth < math.inf

    @cached_property
    def family(self) -> str:
        """The machine whatever its off-chip bandwidth: what stands for it in a memory."""
        return f"{but_for_channel(self.architecture)} {self.actions!r}"

    @cached_property
    def layout(self) -> str:
        """The machine whatever its off-chip bandwidth, its energies and how much its SPads hold."""
        return but_for_memories(self.architecture)

    def find(self, layer: Layer, options: SearchOptions) -> list[Found]:
        """Find the best mappings of a layer, the same with a memory as without.  Raises as `find_mappings`."""
        machine = self.architecture, self.actions
        if self.memory is None:
            return find_mappings(layer, *machine, self.objective, options)
        return self.memory.searches.find(layer, *machine, self.objective, options, self.family)

    def __post_init__(self) -> None:
        for name, kind in (("objective", Objective), ("fidelity", Fidelity), ("masks", Masks)):
            object.__setattr__(self, name, word(kind, getattr(self, name), name))

    def account(self, outcome: Outcome) -> EnergyBreakdown:
        """The energy of an outcome on this machine."""
        return account(outcome, self.actions, self.architecture)
