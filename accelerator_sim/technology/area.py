"""Logic gates, memory and silicon area of an architecture: an estimate, so that growing has its price.

Logic is counted in NAND2 equivalents from the structure of the machine, memory in bits of SRAM, both by component.
Every constant stands in `technology/area.yaml` with its origin; what no library or paper gives is fitted, for all
machines alike, to the published totals and shares of Chen et al., JSSC 52(1) 2017 and IEEE JETCAS 9(2) 2019.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from accelerator_sim.architecture.architecture import TENSORS, Architecture, GlbStore
from accelerator_sim.architecture.networks import Tensor
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.model import FileModel, load_model
from accelerator_sim.files.yaml_tree import load_document
from accelerator_sim.technology.scaling import INTERPOLATED
from accelerator_sim.technology.technology import checked_source

FILE = Path(__file__).parent / "area.yaml"

COMPONENTS = ("pe_datapath", "pe_control", "spad", "noc_iact", "noc_weight", "noc_psum", "glb", "top")
"""Parts that an area is reported in: multiply-accumulators; pipeline, FIFOs and control of the PEs; their scratch pads;
one network per data type; global buffer with its ports; configuration of the whole."""

ESTIMATE = "estimate: counted from the structure, fitted to two 65 nm chips"


class Constant(FileModel):
    """One number and its origin."""

    value: Annotated[float, Field(gt=0)]
    source: str = Field(description="a citation with its year, assumed, or fitted to")

    @field_validator("source")
    @classmethod
    def _named(cls, source: str) -> str:
        return checked_source(source)


class Gates(FileModel):
    """Logic, in NAND2 equivalents."""

    register_bit: Constant = Field(description="a flip-flop of a pipeline, FIFO or configuration register")
    mux_input: Constant = Field(description="one bit of one more input of a multiplexer")
    adder_bit: Constant = Field(description="one full adder: a cell of a multiplier, a bit of an adder")
    spad_bit: Constant = Field(description="a bit of a SPad made of logic, with one port to read and one to write")
    spad_bit_port: Constant = Field(description="what each further pair of ports adds to such a bit")
    pe_control: Constant = Field(description="state machines, counters and configuration of one PE")


class SquareMicrons(FileModel):
    """Silicon at 65 nm in square micrometres, with the space that placement leaves empty."""

    gate: Constant = Field(description="one NAND2 equivalent")
    sram_bit: Constant = Field(description="one bit of an SRAM macro")
    sram_edge: Constant = Field(description="periphery of a macro, for each square root of a bit: it lines two sides")


class Sram(FileModel):
    """Rules of SRAM macros."""

    least_bits: Constant = Field(description="a smaller macro takes as much space as this one")
    port: Constant = Field(description="growth of a macro with each port after the first")


class Node(FileModel):
    """Area of a circuit at one node."""

    nm: Annotated[int, Field(gt=0)] = Field(description="feature size in nanometres")
    area: Annotated[float, Field(gt=0)] = Field(description="over the area of the same circuit at 65 nm")


class Nodes(FileModel):
    """Area of the same circuit at other nodes."""

    source: str = Field(min_length=1)
    list: list[Node]

    @property
    def area(self) -> dict[int, float]:
        """Area over that at 65 nm, by node in nanometres."""
        return {node.nm: node.area for node in self.list}


class AreaFigures(FileModel):
    """The file."""

    gates: Gates
    um2: SquareMicrons
    sram: Sram
    nodes: Nodes


@cache
def load_area_figures() -> AreaFigures:
    """Read the constants."""
    return load_model(AreaFigures, load_document(FILE))


@dataclass(frozen=True)
class Part:
    """One component: logic in NAND2 equivalents, bits kept in SRAM, and both in square micrometres at 65 nm."""

    gates: float = 0.0
    sram_bits: int = 0
    um2: float = 0.0

    def __add__(self, other: Part) -> Part:
        return Part(self.gates + other.gates, self.sram_bits + other.sram_bits, self.um2 + other.um2)

    def times(self, count: int) -> Part:
        """Return so many of it."""
        return Part(self.gates * count, self.sram_bits * count, self.um2 * count)


@dataclass(frozen=True)
class Area:
    """The estimated size of a machine.

    `parts` has every name of COMPONENTS.  `shrink` is the area of a circuit at the node over that at 65 nm; None where
    no rule is known, and then there are no square millimetres either.
    """

    parts: dict[str, Part]
    shrink: float | None
    estimate: str = ESTIMATE

    @property
    def gates(self) -> dict[str, float]:
        """Logic by component, in NAND2 equivalents."""
        return {name: part.gates for name, part in self.parts.items()}

    @property
    def total(self) -> Part:
        """The sum of all components."""
        return sum(self.parts.values(), Part())

    @property
    def total_kgates(self) -> float:
        """Logic of the whole in thousands of NAND2 equivalents, SRAM excluded."""
        return self.total.gates / 1e3

    @property
    def sram_bits(self) -> int:
        """Bits kept in SRAM macros."""
        return self.total.sram_bits

    @property
    def mm2(self) -> float | None:
        """Square millimetres of the core at its node; None where the node has no rule."""
        return self._mm2(self.total)

    def _mm2(self, part: Part) -> float | None:
        return None if self.shrink is None else part.um2 * self.shrink / 1e6

    def as_dict(self) -> dict[str, Any]:
        """Return the sums, and each component's share of them, as plain data."""
        return self._numbers(self.total) | {
            "estimate": True,
            "by_component": {name: self._numbers(part) for name, part in self.parts.items()},
        }

    def _numbers(self, part: Part) -> dict[str, Any]:
        return {"kgates": part.gates / 1e3, "sram_bits": part.sram_bits, "mm2": self._mm2(part)}


def area_nodes() -> tuple[int, ...]:
    """Nodes that an area can be given for, in nanometres, the largest first."""
    table = load_area_figures().nodes.area
    between = {int(node) for node, ends in INTERPOLATED.items() if all(end in table for end in ends)}
    return tuple(sorted(table.keys() | between, reverse=True))


def area_shrink(node_nm: float) -> float:
    """Return the area of a circuit at a node, in nanometres, as a multiple of that at 65 nm.

    Between tabled nodes (28, 12, 8 nm): the straight line of log area over log node, as for energy (assumed).
    Raises UsageError for a node without a rule, naming those that have one.
    """
    table = load_area_figures().nodes.area
    if node_nm not in area_nodes():
        known = ", ".join(map(str, area_nodes()))
        raise UsageError(f"{node_nm:g} nm has no area; known nodes: {known} nm")
    if node_nm in table:
        return table[int(node_nm)]
    upper, lower = (int(end) for end in INTERPOLATED[node_nm])
    share = math.log(upper / node_nm) / math.log(upper / lower)
    return float(table[upper] ** (1.0 - share) * table[lower] ** share)


def area_of(architecture: Architecture, node_nm: float | None, figures: AreaFigures | None = None) -> Area:
    """Return the estimated area of an architecture at a node in nanometres (None: gates and bits only).

    `figures` are other constants than those of the file.  Raises UsageError for a node without a rule.
    """
    shrink = None if node_nm is None else area_shrink(node_nm)
    count = _ArchitectureParts(architecture, figures or load_area_figures())
    parts = {
        "pe_datapath": count.datapath().times(architecture.pes),
        "pe_control": count.control().times(architecture.pes),
        "spad": count.spads().times(architecture.pes),
        **{f"noc_{tensor}": count.network(tensor) for tensor in TENSORS},
        "glb": count.glb().times(architecture.cluster_array.count),
        "top": count.registers(architecture.configuration.bits),
    }
    return Area(parts, shrink)


def area_at(architecture: Architecture, node_nm: float) -> Area:
    """Return the area at any node: at one without a rule, gates and bits but no square millimetres."""
    return area_of(architecture, node_nm if node_nm in area_nodes() else None)


@dataclass(frozen=True)
class _ArchitectureParts:
    """The parts of one architecture."""

    architecture: Architecture
    figures: AreaFigures

    def logic(self, gates: float) -> Part:
        return Part(gates, 0, gates * self.figures.um2.gate.value)

    def registers(self, bits: int) -> Part:
        return self.logic(bits * self.figures.gates.register_bit.value)

    def muxes(self, inputs: int) -> Part:
        """`inputs`: bits of all inputs after the first."""
        return self.logic(inputs * self.figures.gates.mux_input.value)

    def word(self, tensor: Tensor) -> int:
        """Bits of one word inside the PE: a value, with its count where operands may be compressed."""
        csc = self.architecture.pe.csc
        return int(getattr(self.architecture.precision, tensor)) + (csc.count if csc and tensor != "psum" else 0)

    def lanes(self, tensor: Tensor) -> int:
        """Words that a PE handles in a cycle: all of its MACs share the iact."""
        return 1 if tensor == "iact" else self.architecture.pe.macs_per_cycle

    # --- the PE ------------------------------------------------------------------------------------------------------
    def datapath(self) -> Part:
        """Array multipliers, a cell for each pair of operand bits, and adders as wide as a psum."""
        p = self.architecture.precision
        cells = self.architecture.pe.macs_per_cycle * (p.iact * p.weight + p.psum)
        return self.logic(cells * self.figures.gates.adder_bit.value)

    def control(self) -> Part:
        """Registers of each pipeline stage and FIFO, as wide as the words that go through, and the rest of the PE.

        A FIFO is made as a SPad of logic is: one port to write, one to read.
        """
        pe, gates = self.architecture.pe, self.figures.gates
        wide = {tensor: self.word(tensor) * self.lanes(tensor) for tensor in TENSORS}
        fifos = sum(pe.fifo_depth[tensor] * bits for tensor, bits in wide.items()) * gates.spad_bit.value
        return self.registers(pe.pipeline_stages * sum(wide.values())) + self.logic(fifos + gates.pe_control.value)

    def spads(self) -> Part:
        """Pads of the PE, each of logic or SRAM, whichever is smaller.

        In a cycle every MAC reads and writes a psum and takes one weight of the word that is read.  Psum and iact pads
        are written while they are read; a weight pad only where the next weights load during computation.
        """
        pe, spad = self.architecture.pe, self.architecture.pe.spad
        pairs = {
            "iact": 1,
            "weight": math.ceil(pe.macs_per_cycle / spad.weight.values_per_word),
            "psum": math.ceil(pe.macs_per_cycle / spad.psum.values_per_word),
        }
        if spad.shared is not None:
            own = self.memory(8 * spad.shared, max(pairs.values()), 2 * max(pairs.values()))
        else:
            ways = {"iact": 2, "weight": 2 if self.architecture.overlap.weight_fill else 1, "psum": 2}
            own = Part()
            for tensor in TENSORS:
                own += self.memory(spad.bits_of(tensor), pairs[tensor], pairs[tensor] * ways[tensor])
        for pad in (spad.iact_address, spad.weight_address):
            if pad is not None:
                own += self.memory(pad.bits, 1, 2)
        return own

    def memory(self, bits: int, pairs: int, ports: int) -> Part:
        """A memory of logic with `pairs` of read and write ports, or an SRAM macro with `ports` of either kind."""
        gates = self.figures.gates
        logic = self.logic(bits * (gates.spad_bit.value + (pairs - 1) * gates.spad_bit_port.value))
        macro = self.macro(bits, ports)
        return macro if macro.um2 < logic.um2 else logic

    def macro(self, bits: int, ports: int) -> Part:
        """An SRAM macro: its cells, and a periphery that grows with its sides."""
        um2, sram = self.figures.um2, self.figures.sram
        laid = max(float(bits), sram.least_bits.value)
        cells = laid * um2.sram_bit.value + math.sqrt(laid) * um2.sram_edge.value
        return Part(0.0, bits, cells * (1.0 + (ports - 1) * sram.port.value))

    # --- networks ----------------------------------------------------------------------------------------------------
    def network(self, tensor: Tensor) -> Part:
        """Multiplexers and settings of the network of a data type."""
        switches = self.architecture.network(tensor).switches(self.architecture.site(tensor), self.word(tensor))
        part = sum((self.muxes(bits) for bits in switches.mux_bits), Part()) + self.registers(switches.setting_bits)
        part = part.times(switches.copies)
        if tensor == "psum":  # a PE takes psums from the network or from its neighbour
            part += self.muxes(self.word("psum") * self.lanes("psum")).times(self.architecture.pes)
        return part

    # --- the global buffer -------------------------------------------------------------------------------------------
    def glb(self) -> Part:
        """Banks of one cluster, each with the address and data registers of its ports."""
        glb, part = self.architecture.glb, Part()
        for store in (glb.iact, glb.weight, glb.psum):
            if store is not None and store.banks:
                assert store.size is not None
                bank = self.macro(8 * store.size, store.ports) + self.port(store, store.size).times(store.ports)
                part += bank.times(store.banks)
        if glb.shared is not None:
            part += self.memory(8 * glb.shared.size, 1, 1).times(glb.shared.banks)
            for store in (getattr(glb, tensor) for tensor in glb.shared.tensors):
                if store is not None:  # reads and writes go to different banks, each through a multiplexer over all
                    way = self.port(store, glb.shared.size) + self.muxes(store.port_width * (glb.shared.banks - 1))
                    part += way.times(store.ports)
        return part

    def port(self, store: GlbStore, size: int) -> Part:
        words = max(2, math.ceil(8 * size / store.port_width))
        return self.registers(store.port_width + math.ceil(math.log2(words)))
