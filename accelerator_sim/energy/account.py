"""The account: what a machine did, times what each of its actions costs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.simulation.outcome import Access, Counts, NocUse, Outcome
from accelerator_sim.technology.actions import ActionEnergies, MissingEnergy
from accelerator_sim.technology.energy_unit import EnergyUnit, EnergyUnitError

COMPONENTS = ("mac", "spad", "noc", "glb", "dram", "clock", "leakage")
"""What energy is spent in, in the order of results."""


@dataclass(frozen=True)
class EnergyBreakdown:
    """Energy by component, in `unit`.  `EnergyBreakdown(unit)` is nothing, to begin a sum with.

    Names that end in `_j` are joules and raise EnergyUnitError where `unit` is another one; those in `_macs` likewise.
    """

    unit: EnergyUnit
    mac: float = 0.0
    spad: float = 0.0
    noc: float = 0.0
    glb: float = 0.0
    dram: float = 0.0
    clock: float = 0.0
    leakage: float = 0.0

    @property
    def chip(self) -> float:
        """Energy of the chip alone, as the papers count."""
        return self.mac + self.spad + self.noc + self.glb + self.clock + self.leakage

    @property
    def total(self) -> float:
        """Energy of the chip and of its DRAM."""
        return self.chip + self.dram

    @property
    def chip_j(self) -> float:
        """Joules of the chip alone."""
        return self.unit.joules(self.chip)

    @property
    def dram_j(self) -> float:
        """Joules of the DRAM."""
        return self.unit.joules(self.dram)

    @property
    def chip_macs(self) -> float:
        """Energy of the chip alone in multiples of one MAC."""
        return self.unit.macs(self.chip)

    @property
    def dram_macs(self) -> float:
        """Energy of the DRAM in multiples of one MAC."""
        return self.unit.macs(self.dram)

    def as_dict(self) -> dict[str, float]:
        """The components in their fixed order."""
        return {part: getattr(self, part) for part in COMPONENTS}

    def __add__(self, other: EnergyBreakdown) -> EnergyBreakdown:
        if self.unit is not other.unit:
            raise EnergyUnitError(f"energies in {self.unit} and in {other.unit} cannot be added")
        sums = {name: value + getattr(other, name) for name, value in self.as_dict().items()}
        return EnergyBreakdown(self.unit, **sums)


class ChipAndDram:
    """What has energies of a chip and its DRAM.  Each raises EnergyUnitError where energies are in another unit."""

    energy: EnergyBreakdown

    @property
    def energy_j(self) -> float:
        """Joules of the chip."""
        return self.energy.chip_j

    @property
    def energy_dram_j(self) -> float:
        """Joules of the DRAM."""
        return self.energy.dram_j

    @property
    def energy_macs(self) -> float:
        """Energy of the chip in multiples of one MAC."""
        return self.energy.chip_macs

    @property
    def energy_dram_macs(self) -> float:
        """Energy of the DRAM in multiples of one MAC."""
        return self.energy.dram_macs


def account(outcome: Outcome, actions: ActionEnergies, architecture: Architecture) -> EnergyBreakdown:
    """Return the energy of an outcome, as `account_of` its counts and cycles."""
    return account_of(outcome.counts, outcome.timing.cycles, actions, architecture)


def account_of(counts: Counts, cycles: int, actions: ActionEnergies, architecture: Architecture) -> EnergyBreakdown:
    """Return the energy of a layer, in the unit of the actions.

    Accesses at the levels `noc` and `mac` repeat what the networks and the issued MACs say, and are charged there.
    Raises MissingEnergy for a level or data type that has no energy.
    """
    executed = counts.macs_issued - counts.macs_gated
    mac = executed * actions.mac + counts.macs_gated * actions.mac_gated
    energy = EnergyBreakdown(actions.unit, mac=mac, **_moved(counts, actions, architecture))
    return with_time(energy, counts, cycles, actions, architecture)


def with_time(
    energy: EnergyBreakdown, counts: Counts, cycles: int, actions: ActionEnergies, architecture: Architecture
) -> EnergyBreakdown:
    """Return an energy with the clock and the leakage of some cycles; all else is that of its counts."""
    return replace(
        energy,
        clock=counts.active_pes * cycles * actions.clock_active + counts.idle_pes * cycles * actions.clock_idle,
        leakage=actions.leakage_w * cycles / architecture.clock,
    )


def account_moves(counts: Counts, actions: ActionEnergies, architecture: Architecture) -> EnergyBreakdown:
    """Return the energy of the words that are moved and kept alone: no MACs, clock or leakage.

    Raises as `account`.
    """
    return EnergyBreakdown(actions.unit, **_moved(counts, actions, architecture))


def _moved(counts: Counts, actions: ActionEnergies, architecture: Architecture) -> dict[str, float]:
    charged = {"spad": 0.0, "glb": 0.0, "dram": 0.0, "noc": 0.0, "mac": 0.0}
    for access in counts.accesses:
        if access.level not in charged:
            raise MissingEnergy(
                f"level {access.level!r} of {access.tensor} has no energy in technology {actions.technology};"
                f" known levels: {', '.join(charged)}"
            )
        charged[access.level] += access_energy(access, actions, architecture)
    networks = sum((network_energy(use, actions, architecture) for use in counts.noc), 0.0)
    networks += 8.0 * sum(counts.dram_bytes.values()) * actions.interface_bit
    return {level: charged[level] for level in ("spad", "glb", "dram")} | {"noc": networks}


def access_energy(access: Access, actions: ActionEnergies, architecture: Architecture) -> float:
    """Energy of the reads and writes of one memory; none for the levels that are charged elsewhere."""
    tensor, bits = access.tensor, access.word_bits
    if tensor not in TENSORS:
        raise MissingEnergy(f"action {access.level}.{tensor} has no energy in technology {actions.technology}")
    if access.level == "dram":
        return (access.reads * actions.dram_read_bit + access.writes * actions.dram_write_bit) * bits
    if access.level == "spad":
        (read, write), native = actions.spad_access(tensor), getattr(architecture.pe.spad, tensor).width
    elif access.level == "glb":
        (read, write), native = actions.glb_access(tensor), getattr(architecture.precision, tensor)
    else:
        return 0.0
    name = f"{access.level}.{tensor}"
    read *= _share(actions, f"{name}.read", bits, native)
    write *= _share(actions, f"{name}.write", bits, native)
    return access.reads * read + access.writes * write


def network_energy(use: NocUse, actions: ActionEnergies, architecture: Architecture) -> float:
    """Energy of what one data type did on its network."""
    deliver = actions.delivery(use.tensor)
    deliver *= _share(actions, f"noc.deliver.{use.tensor}", use.word_bits, getattr(architecture.precision, use.tensor))
    hops = use.word_hops * use.word_bits * actions.noc_hop_bit[use.tensor]
    local = actions.noc_local * _share(actions, "noc.local", use.word_bits, architecture.precision.psum)
    return hops + use.delivered * deliver + use.local_hops * local


def _share(actions: ActionEnergies, action: str, bits: int, native_bits: int) -> float:
    """Return how much a word of `bits` costs of one of the native width, e.g. 12-bit CSC pairs in an 8-bit table."""
    return 1.0 if bits == native_bits or action in actions.fixed_width else bits / native_bits
