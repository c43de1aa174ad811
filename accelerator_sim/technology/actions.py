"""The energy of every action of one machine: a technology table applied to the widths and sizes of an architecture."""

from __future__ import annotations

from dataclasses import dataclass, replace

from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.files.errors import AcceleratorSimError
from accelerator_sim.technology.area import area_of
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.technology.technology import MemoryActions, Technology


class MissingEnergy(AcceleratorSimError):
    """Something happened in a machine that its technology table gives no energy for."""


@dataclass(frozen=True)
class ActionEnergies:
    """Energy per event of one architecture in one technology, in `unit`.

    `mac` is a MAC that switches, with the control of the PE that switches with it; `mac_gated` one that does not.

    `spad` holds (read, write) per word of that SPad, `glb` (read, write) per word of the data type's precision, in
    one bank; a data type that the GLB does not store is not in it.  `noc_deliver` is per word of the precision,
    `noc_hop_bit` (by data type: links of a torus are longer) and the two of the DRAM per bit, `noc_local` per word as
    wide as a psum, the clock per PE-cycle.  `interface_bit` is what the chip itself spends on a bit off-chip.
    `leakage_w` is the power of the whole chip, in `unit` per second.  `fixed_width` names the actions whose energy is
    the same for words of any width; that of all others grows in proportion.
    """

    mac: float
    mac_gated: float
    spad: dict[str, tuple[float, float]]
    glb: dict[str, tuple[float, float]]
    dram_read_bit: float
    dram_write_bit: float
    noc_hop_bit: dict[str, float]
    noc_deliver: dict[str, float]
    noc_local: float
    clock_active: float
    clock_idle: float
    leakage_w: float
    technology: str = ""
    architecture: str = ""
    fixed_width: frozenset[str] = frozenset()
    unit: EnergyUnit = EnergyUnit.JOULE
    interface_bit: float = 0.0

    def spad_access(self, tensor: str) -> tuple[float, float]:
        """Energies of reading and of writing a word of a SPad.  Raises MissingEnergy for an unknown data type."""
        if tensor not in self.spad:
            raise self._missing(f"spad.{tensor}.read")
        return self.spad[tensor]

    def glb_access(self, tensor: str) -> tuple[float, float]:
        """Energies of reading and of writing a word in the GLB.  Raises MissingEnergy for what it does not store."""
        if tensor not in self.glb:
            reason = f": no GLB bank of {self.architecture or 'the architecture'} holds {tensor}s"
            raise self._missing(f"glb.{tensor}.read", reason if tensor in TENSORS else "")
        return self.glb[tensor]

    def delivery(self, tensor: str) -> float:
        """Energy of handing a word over to a PE.  Raises MissingEnergy for an unknown data type."""
        if tensor not in self.noc_deliver:
            raise self._missing(f"noc.deliver.{tensor}")
        return self.noc_deliver[tensor]

    def _missing(self, action: str, reason: str = "") -> MissingEnergy:
        return MissingEnergy(f"action {action} has no energy in technology {self.technology or '(unnamed)'}{reason}")


def resolve_actions(technology: Technology, architecture: Architecture) -> ActionEnergies:
    """Return the energy per event of an architecture in a technology, in the unit of its table.

    A MAC of other operands than `word_bits` is scaled by the product of the operand widths: the energy of an array
    multiplier grows about with the square of its width (the 45 nm table of Aladdin, Shao et al., ISCA 2014).
    """
    noc, deliver, clock = technology.noc, technology.noc.deliver, technology.clock
    gates = clocked_gates(architecture)
    precision, spad = architecture.precision, architecture.pe.spad
    multiplier = precision.iact * precision.weight / technology.word_bits**2
    sizes = {t: architecture.glb.bank_size(t) for t in TENSORS}
    energies = ActionEnergies(
        mac=technology.mac.issued.energy * multiplier + control_energy(technology, architecture),
        mac_gated=technology.mac.gated.energy * multiplier,
        spad={t: _pair(getattr(technology.spad, t), getattr(spad, t).width, spad.bits_of(t) / 8.0) for t in TENSORS},
        glb={
            t: _pair(getattr(technology.glb, t), getattr(precision, t), size)
            for t, size in sizes.items()
            if size is not None
        },
        dram_read_bit=technology.dram.read.per_bit,
        dram_write_bit=technology.dram.write.per_bit,
        interface_bit=technology.dram.interface.per_bit if technology.dram.interface is not None else 0.0,
        noc_hop_bit={
            t: noc.hop.router.energy + noc.hop.wire.energy * architecture.network(t).hop_m(architecture.site(t)) * 1e3
            for t in TENSORS
        },
        noc_deliver={t: getattr(deliver, t).of_word(getattr(precision, t)) for t in TENSORS},
        noc_local=noc.local.of_word(precision.psum),
        clock_active=clock.active.energy * clock.active.growth(gates),
        clock_idle=clock.idle.energy * clock.idle.growth(gates),
        leakage_w=(
            architecture.pes * technology.leakage.pe.power * technology.leakage.pe.growth(gates)
            + architecture.memory_bytes / 1024.0 * technology.leakage.sram.power
        ),
        technology=technology.name,
        architecture=architecture.name,
        fixed_width=_fixed_width(technology),
    )
    return _in_unit(energies, technology.energy_unit)


def clocked_gates(architecture: Architecture) -> float:
    """Logic gates of one PE with its share of networks and control: those of the file, else of the area model."""
    if architecture.pe.gates is not None:
        return float(architecture.pe.gates)
    return area_of(architecture, None).total.gates / architecture.pes


def control_energy(technology: Technology, architecture: Architecture) -> float:
    """Joules of control and pipeline registers for one MAC: in proportion to what they hold, shared by packed MACs."""
    precision, control = architecture.precision, technology.mac.control
    return control.of_word(precision.iact + precision.weight + precision.psum) / architecture.packing


def _in_unit(written: ActionEnergies, unit: EnergyUnit) -> ActionEnergies:
    """Energies as a table writes them, in the unit that it stands for."""
    if unit is EnergyUnit.JOULE:
        return written

    def energy(value: float) -> float:
        return value / unit.in_table

    def pairs(values: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        return {tensor: (energy(read), energy(write)) for tensor, (read, write) in values.items()}

    return replace(
        written,
        mac=energy(written.mac),
        mac_gated=energy(written.mac_gated),
        spad=pairs(written.spad),
        glb=pairs(written.glb),
        dram_read_bit=energy(written.dram_read_bit),
        dram_write_bit=energy(written.dram_write_bit),
        interface_bit=energy(written.interface_bit),
        noc_hop_bit={tensor: energy(value) for tensor, value in written.noc_hop_bit.items()},
        noc_deliver={tensor: energy(value) for tensor, value in written.noc_deliver.items()},
        noc_local=energy(written.noc_local),
        clock_active=energy(written.clock_active),
        clock_idle=energy(written.clock_idle),
        leakage_w=energy(written.leakage_w),
        unit=unit,
    )


def _pair(actions: MemoryActions, bits: int, size_bytes: float) -> tuple[float, float]:
    return actions.read.of_access(bits, size_bytes), actions.write.of_access(bits, size_bytes)


def _fixed_width(technology: Technology) -> frozenset[str]:
    """Return the names of the word-sized actions whose table entry has no width."""
    entries = {
        f"{level}.{t}.{way}": getattr(getattr(getattr(technology, level), t), way)
        for level in ("spad", "glb")
        for t in TENSORS
        for way in ("read", "write")
    }
    entries |= {f"noc.deliver.{t}": getattr(technology.noc.deliver, t) for t in TENSORS}
    entries["noc.local"] = technology.noc.local
    return frozenset(name for name, entry in entries.items() if entry.width is None)
