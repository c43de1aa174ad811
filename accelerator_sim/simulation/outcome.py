"""The result of one layer on one machine: what was counted, which all engines agree on, and how long it took."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from accelerator_sim.files.labelled import Labelled
from accelerator_sim.kernels.causes import Cause

Level = Literal["dram", "glb", "noc", "spad", "mac"]
LEVELS: tuple[Level, ...] = ("dram", "glb", "noc", "spad", "mac")


class Bound(StrEnum):
    """What binds a layer: the work of its PEs, or the cause for which they lose most cycles."""

    PE = "pe"
    PSUM_SERVICE = Cause.PSUM_SERVICE
    NO_WEIGHT = Cause.NO_WEIGHT
    NO_IACT = Cause.NO_IACT
    SPAD_FILL = Cause.SPAD_FILL
    PIPELINE = Cause.PIPELINE
    PSUM_IN = Cause.PSUM_IN
    PSUM_OUT = Cause.PSUM_OUT
    GLB_PORT = Cause.GLB_PORT
    IMBALANCE = Cause.IMBALANCE
    UNUSED = Cause.UNUSED
    DRAM = Cause.DRAM
    CONFIGURATION = Cause.CONFIGURATION

    @property
    def label(self) -> str:
        """How it is called for people: as the resource that works, or as the cause of the losses."""
        return Resource.PE.label if self is Bound.PE else Cause(self.value).label


class Resource(Labelled):
    """A part of the machine whose busy time the bottleneck estimate finds."""

    PE = "pe", "work of the PEs"
    IACT_PORT = "iact_port", "iact port"
    IACT_BANK = "iact_bank", "iact banks"
    PSUM_PORT = "psum_port", "psum port"
    PSUM_BANK = "psum_bank", "psum banks"
    WEIGHT_PORT = "weight_port", "weight port"
    WEIGHT_BANK = "weight_bank", "weight banks"
    WEIGHT_FILL = "weight_fill", "weight fill"
    IACT_FILL = "iact_fill", "iact fill"
    DRAM_IACT = "dram_iact", "fetching iacts"
    DRAM_OACT = "dram_oact", "writing outputs"
    DRAM_LATENCY = "dram_latency", "DRAM latency"
    CONFIGURATION = "configuration", "configuration"
    DRAM = "dram", "DRAM channel"


WAITS: dict[Resource, Cause] = {
    Resource.IACT_PORT: Cause.NO_IACT,
    Resource.IACT_BANK: Cause.GLB_PORT,
    Resource.PSUM_PORT: Cause.PSUM_OUT,
    Resource.PSUM_BANK: Cause.GLB_PORT,
    Resource.WEIGHT_PORT: Cause.NO_WEIGHT,
    Resource.WEIGHT_BANK: Cause.GLB_PORT,
    Resource.WEIGHT_FILL: Cause.NO_WEIGHT,
    Resource.IACT_FILL: Cause.NO_IACT,
    Resource.DRAM_IACT: Cause.DRAM,
    Resource.DRAM_OACT: Cause.DRAM,
    Resource.DRAM_LATENCY: Cause.DRAM,
    Resource.CONFIGURATION: Cause.CONFIGURATION,
    Resource.DRAM: Cause.DRAM,
}
"""Cause of the waits of PEs while a resource is busy."""


@dataclass(frozen=True)
class Access:
    """Words that one memory level read and wrote for one tensor.

    `reads` and `writes` count words of `word_bits` over the whole layer.  At level `noc`, `reads` are the words that
    sources inject and `writes` the words that targets receive; at level `mac`, `reads` are operands.
    """

    level: Level
    tensor: str
    reads: int
    writes: int
    word_bits: int

    @property
    def bits(self) -> int:
        """Bits read and written."""
        return (self.reads + self.writes) * self.word_bits


@dataclass(frozen=True)
class NocUse:
    """What one data type did on its network: words injected, links they crossed, words times links.

    `delivered` counts words that reach a PE; a broadcast reaches all PEs of the array, also those that drop the word.
    """

    tensor: str
    mode: str
    links_used: int
    words: int
    word_hops: int
    word_bits: int
    delivered: int
    local_hops: int = 0
    """Words handed from PE to PE inside a cluster (psums going up a column)."""


@dataclass(frozen=True)
class Verdict:
    """How the outputs of a stepped layer compare with an integer reference convolution."""

    outputs: int
    different: int
    overflows: int
    """Times that a psum left the range of its width; the sums are compared in full width all the same."""

    @property
    def equal(self) -> bool:
        """Whether every output is the same, bit for bit."""
        return self.different == 0


@dataclass(frozen=True)
class Counts:
    """Work and words of one layer: equal in all engines.

    `macs_issued` counts the multiply-accumulates that took a cycle slot, `macs_gated` those of them whose operand was
    zero, so that nothing switched; `effectual_macs` those with both operands non-zero.
    """

    active_pes: int
    idle_pes: int
    macs: int
    effectual_macs: int
    macs_issued: int
    macs_gated: int
    accesses: tuple[Access, ...]
    noc: tuple[NocUse, ...]
    dram_bytes: dict[str, int]

    def access(self, level: Level, tensor: str) -> Access:
        """The record of one level and tensor.  Raises KeyError where there is none."""
        for record in self.accesses:
            if (record.level, record.tensor) == (level, tensor):
                return record
        raise KeyError(f"no access of {tensor} at level {level}")


@dataclass(frozen=True)
class Timing:
    """The time of one layer.

    exposed_cycles: cycles in which the whole array waits, by cause; losses_pe_cycles: PE-cycles without a
    multiply-accumulate, by cause, over all PEs of the array, which with the busy ones add up to cycles x PEs (None for
    an estimate).
    """

    cycles: int
    bound_by: Bound
    exposed_cycles: dict[Cause, int]
    losses_pe_cycles: dict[Cause, int] | None = None
    resource_cycles: dict[Resource, int] = field(default_factory=dict)
    """Cycles that each resource is busy (the terms of the bottleneck; empty where the machine was stepped)."""
    pe_busy: tuple[int, ...] = ()
    """Cycles in which each PE multiplies, cluster by cluster, row by row (empty for an estimate)."""
    fifo_marks: dict[str, int] = field(default_factory=dict)
    """Most entries that any input FIFO of a data type has held (empty for an estimate)."""
    utilization_over_time: tuple[float, ...] = ()
    """Busy PEs over all PEs, in equal parts of the layer's time (empty for an estimate)."""

    def lost_cycles(self, pes: int) -> dict[Cause, float]:
        """Cycles lost by cause, in cycles of the whole array: the losses of its PEs over their number.

        pes: PEs of the array.  For an estimate: the cycles in which the whole array waits.
        """
        if self.losses_pe_cycles is None:
            return {cause: float(cycles) for cause, cycles in self.exposed_cycles.items()}
        return {cause: lost / pes for cause, lost in self.losses_pe_cycles.items()}


@dataclass(frozen=True)
class Outcome:
    """What an engine finds of one layer."""

    counts: Counts
    timing: Timing
    verdict: Verdict | None = None
    """How the outputs compare with a reference, where values were carried."""

    @property
    def pe_cycles_active(self) -> int:
        """PE-cycles of the PEs that a full pass uses."""
        return self.counts.active_pes * self.timing.cycles

    @property
    def pe_cycles_idle(self) -> int:
        """PE-cycles of the PEs that no pass uses."""
        return self.counts.idle_pes * self.timing.cycles
