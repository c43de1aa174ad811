"""A technology table: the energy of every action of the machine, each with the source of its value.

A table stands in a YAML file of its own, or is derived from one by a node and a voltage:

name: cmos28_8b
source: scaled from the 65 nm table
scaled_from: cmos65_8b
node: 28 nm
voltage: 0.9 V
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import pydantic
from pydantic import Field, ValidationInfo, field_validator, model_validator

from accelerator_sim.files.data import looks_like_path, resolve
from accelerator_sim.files.errors import InvalidFile, Problem, UsageError
from accelerator_sim.files.model import FileModel, load_model
from accelerator_sim.files.units import Bits, Bytes, Joules, Metres, Volts, Watts
from accelerator_sim.files.yaml_tree import Document, load_document
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.technology.scaling import NOMINAL_V, energy_ratio

_CITATION = re.compile(r"\b(?:19|20)[0-9]{2}\b|\bassumed\b|\bfitted to\b", re.IGNORECASE)
_REASON = re.compile(r"\bzero because\b", re.IGNORECASE)
DEFAULT_EXPONENT = 0.5
"""Growth of the energy per access with the size of a memory: about its square root (CACTI 7, 65 nm to 22 nm)."""


def checked_source(source: str, value: float | None = None) -> str:
    if value == 0.0:
        if not _REASON.search(source):
            raise ValueError("an energy of zero needs its reason; write 'zero because ...'")
        return source
    if not _CITATION.search(source):
        raise ValueError("names no origin; cite a publication and its year, or write 'assumed: ...' or 'fitted to ...'")
    return source


class Action(FileModel):
    """The energy of one event."""

    energy: Joules = Field(description="energy of one event")
    source: str = Field(description="where the value comes from: a citation with its year, assumed, or fitted to")

    @field_validator("source")
    @classmethod
    def _named(cls, source: str, info: ValidationInfo) -> str:
        return checked_source(source, info.data.get("energy"))


class Transfer(Action):
    """The energy of moving one word."""

    width: Bits | None = Field(
        default=None, description="bits that the energy holds for, others in proportion; left out: any word costs this"
    )

    def of_word(self, bits: int) -> float:
        """Return the joules of a word of `bits`."""
        return self.energy if self.width is None else self.energy * bits / self.width


class MemoryAccess(Transfer):
    """The energy of reading or writing one word of a memory."""

    size: Bytes | None = Field(
        default=None, description="size of the memory that the energy holds for; left out: any size costs this"
    )
    exponent: float | None = Field(
        default=None, ge=0.0, le=2.0, description=f"energy grows as size to this power; {DEFAULT_EXPONENT} if left out"
    )

    @model_validator(mode="after")
    def _sized(self) -> MemoryAccess:
        if self.exponent is not None and self.size is None:
            raise ValueError("exponent without a size; give the size of the memory that the energy holds for")
        return self

    def of_access(self, bits: int, size_bytes: float) -> float:
        """Return the joules of accessing a word of `bits` in a memory of `size_bytes`."""
        energy = self.of_word(bits)
        if self.size is None:
            return energy
        exponent = DEFAULT_EXPONENT if self.exponent is None else self.exponent
        return float(energy * (size_bytes / self.size) ** exponent)


class DramAccess(Action):
    """The energy of reading or writing off-chip."""

    width: Bits = Field(description="bits that the energy holds for: 1 b where it is given per bit")

    @property
    def per_bit(self) -> float:
        """Joules per bit."""
        return self.energy / self.width


class PerGates(FileModel):
    """A value of one PE that grows with its logic."""

    gates: Annotated[int, Field(ge=1, le=1 << 40)] | None = Field(
        default=None,
        description="logic gates of the PE that the value holds for, others in proportion; left out: any PE has this",
    )

    def growth(self, gates: float) -> float:
        """Return what the value is multiplied by for a PE of so many gates."""
        return 1.0 if self.gates is None else gates / self.gates


class Clocked(Action, PerGates):
    """The energy of a clock cycle of one PE; it grows with the logic that the clock reaches."""


class StaticPower(FileModel):
    """A power that flows whether or not anything happens."""

    power: Watts = Field(description="power of one unit")
    source: str = Field(description="where the value comes from: a citation with its year, assumed, or fitted to")

    @field_validator("source")
    @classmethod
    def _named(cls, source: str, info: ValidationInfo) -> str:
        return checked_source(source, info.data.get("power"))


class PePower(StaticPower, PerGates):
    """The static power of one PE."""


class Mac(FileModel):
    """A multiply-accumulate of operands of `word_bits`."""

    issued: Action = Field(description="a MAC whose operands are both non-zero")
    gated: Action = Field(description="a MAC that is gated because an operand is zero")
    control: Transfer = Field(
        description="control and pipeline registers of the PE that switch with a MAC; width: bits of an iact, a weight"
        " and a psum, which they hold"
    )


class MemoryActions(FileModel):
    """The two accesses of a memory."""

    read: MemoryAccess = Field(description="energy of reading a word")
    write: MemoryAccess = Field(description="energy of writing a word")


class MemoryLevel(FileModel):
    """One memory level, by data type."""

    iact: MemoryActions
    weight: MemoryActions
    psum: MemoryActions


class Hop(FileModel):
    """A bit that goes from one cluster to the next."""

    router: Action = Field(description="energy of one bit through one router")
    wire: Action = Field(description="energy of one bit over one millimetre; noc.hop_length says how long a hop is")


class Deliver(FileModel):
    """A word that goes from a router or bus into a PE; psums: between the GLB and the end of a PE column."""

    iact: Transfer
    weight: Transfer
    psum: Transfer


class NocActions(FileModel):
    """The on-chip networks."""

    hop: Hop
    deliver: Deliver
    local: Transfer = Field(description="energy of one psum from a PE to the next of its column")


class DramActions(FileModel):
    """The off-chip memory and the channel to it."""

    read: DramAccess = Field(description="energy of reading")
    write: DramAccess = Field(description="energy of writing")
    interface: DramAccess | None = Field(
        default=None,
        description="energy of the chip's own interface to it (pads, FIFOs, codecs), counted with the networks of the"
        " chip; left out: none",
    )


class Clock(FileModel):
    """Clock distribution and control, per PE and cycle."""

    active: Clocked = Field(description="energy of a cycle of a PE that the mapping uses")
    idle: Clocked = Field(description="energy of a cycle of a PE that is clock-gated")


class Leakage(FileModel):
    """Static power."""

    pe: PePower = Field(description="power of the logic of one PE")
    sram: StaticPower = Field(description="power of one KiB of memory on the chip, SPads included")


class Technology(FileModel):
    """Energy per action in one process at one voltage.  One file of `arch_configs/technologies/`."""

    name: str = Field(min_length=1, description="name of the table")
    source: str = Field(min_length=1, description="what the table describes and where it comes from")
    node: Metres = Field(description="feature size of the process")
    voltage: Volts = Field(description="supply voltage")
    word_bits: Bits = Field(description="operand width that mac holds for")
    normalised: bool = Field(
        default=False, description="true: energies are multiples of one 16-bit MAC, which is written as 1 pJ"
    )
    mac: Mac
    spad: MemoryLevel
    glb: MemoryLevel
    noc: NocActions
    dram: DramActions
    clock: Clock
    leakage: Leakage

    @property
    def node_nm(self) -> float:
        """Feature size in nanometres."""
        return _nanometres(self.node)

    @property
    def energy_unit(self) -> EnergyUnit:
        """What energies that follow from the table are counted in."""
        return EnergyUnit.MAC if self.normalised else EnergyUnit.JOULE

    def require_joules(self, machine: str) -> None:
        """Raise UsageError where energies are not joules, for what compares them with others.

        machine: name of the architecture that uses the table.
        """
        if self.energy_unit is not EnergyUnit.JOULE:
            raise UsageError(
                f"{machine} has energies in multiples of one MAC ({self.name}), which are not joules to compare; set"
                " another technology"
            )


class ScaledTechnology(FileModel):
    """A table that follows from another one by the scaling equations of Stillmaker and Baas (2017)."""

    name: str = Field(min_length=1, description="name of the table")
    source: str = Field(default="", description="anything to add to the source of the table that is scaled")
    scaled_from: str = Field(min_length=1, description="the table to scale: a built-in name or a file")
    node: Metres = Field(description="feature size to scale to")
    voltage: Volts | None = Field(default=None, description="supply voltage to scale to; the usual one if left out")


def _nanometres(metres: float) -> float:
    return round(metres * 1e9, 6)


def load_technology(name_or_path: str) -> Technology:
    """Return a built-in technology table, or the one in a YAML file, scaled if it is a `scaled_from` table.

    Raises UsageError for an unknown name; InvalidFile for a file with a missing action, an energy without an origin,
    or a node without a scaling rule.
    """
    path = resolve("arch_configs", name_or_path, "technology", "technologies")
    document = load_document(path)
    if isinstance(document.raw, dict) and "scaled_from" in document.raw:
        return _load_scaled(document, path)
    return load_model(Technology, document)


def _load_scaled(document: Document, path: Path) -> Technology:
    wanted = load_model(ScaledTechnology, document)
    name, base_path = _base(wanted, path)
    base_document = load_document(base_path)
    if isinstance(base_document.raw, dict) and "scaled_from" in base_document.raw:
        original = base_document.raw["scaled_from"]
        raise _problem(document, "scaled_from", f"{name!r} is scaled itself, from {original!r}; name that one")
    base = load_model(Technology, base_document)
    if base.energy_unit is not EnergyUnit.JOULE:
        raise _problem(document, "scaled_from", f"{name!r} is normalised; it has no joules to scale")
    try:
        return scaled(base, wanted.name, wanted.node, wanted.voltage, wanted.source)
    except ValueError as error:
        raise _problem(document, "node", str(error)) from None


def base_file(path: Path) -> tuple[str, Path] | None:
    """Return the table that the table in a file is scaled from, its name and its file; None for one that is not scaled.

    Raises InvalidFile.
    """
    document = load_document(path)
    if not (isinstance(document.raw, dict) and "scaled_from" in document.raw):
        return None
    wanted = load_model(ScaledTechnology, document)
    return wanted.scaled_from, _base(wanted, path)[1]


def _base(wanted: ScaledTechnology, path: Path) -> tuple[str, Path]:
    """Return the name (a relative file: its path) and the file of the table that one in `path` is scaled from."""
    name = wanted.scaled_from
    if looks_like_path(name) and not Path(name).is_absolute():
        name = str(path.parent / name)
    return name, resolve("arch_configs", name, "technology", "technologies")


def _problem(document: Document, key: str, message: str) -> InvalidFile:
    line, column = document.position((key,))
    return InvalidFile([Problem(document.file, line, column, key, message)])


def scaled(base: Technology, name: str, node: float, voltage: float | None = None, source: str = "") -> Technology:
    """Return a table for another node (in metres) and voltage (in volts; None: the usual one of the node).

    Every energy on the chip is multiplied by one ratio, even wires, though they gain less than logic does.  Leakage is
    multiplied by the same ratio (assumed: its share of the chip's power stays as it is); off-chip energies stay.
    Raises ValueError for a node or a voltage that has no rule, and for a normalised table, which has no joules.
    """
    if base.energy_unit is not EnergyUnit.JOULE:
        raise ValueError(f"{base.name!r} is normalised; it has no joules to scale")
    to_nm = _nanometres(node)
    to_v = NOMINAL_V.get(to_nm, base.voltage) if voltage is None else voltage
    ratio = energy_ratio(base.node_nm, base.voltage, to_nm, to_v)
    rule = (
        f"x {ratio:.4g} from {base.node_nm:g} nm {base.voltage:g} V to {to_nm:g} nm {to_v:g} V"
        " (Stillmaker and Baas, Integration 58, 2017)"
    )
    head = {
        "name": name,
        "source": "; ".join(part for part in (source, f"{base.name} {rule}", base.source) if part),
        "node": node,
        "voltage": to_v,
    }
    parts = {part: _multiplied(getattr(base, part), ratio, rule) for part in ("mac", "spad", "glb", "noc", "clock")}
    leakage = _multiplied(base.leakage, ratio, f"{rule}, assumed to hold for leakage too")
    return base.model_copy(update=head | parts | {"leakage": leakage})


def _multiplied(part: pydantic.BaseModel, ratio: float, note: str) -> pydantic.BaseModel:
    """Return a part of a table with every energy and power below it multiplied."""
    if isinstance(part, Action | StaticPower):
        key = "energy" if isinstance(part, Action) else "power"
        value = getattr(part, key)
        source = f"{part.source}; {note}" if value else part.source
        return part.model_copy(update={key: value * ratio, "source": source})
    fields = {name: getattr(part, name) for name in type(part).model_fields}
    return part.model_copy(update={name: _multiplied(value, ratio, note) for name, value in fields.items()})


def schema() -> dict[str, Any]:
    """Return the JSON schema of a technology file."""
    return pydantic.TypeAdapter(Technology | ScaledTechnology).json_schema()
