"""What a machine did while it ran one layer: the one result type of every engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Level = Literal["dram", "glb", "noc", "spad", "mac"]
LEVELS: tuple[Level, ...] = ("dram", "glb", "noc", "spad", "mac")


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
class Activity:
    """Cycles, accesses and traffic of one layer on one machine.

    `macs_issued` counts the multiply-accumulates that took a cycle slot, `macs_gated` those of them whose operand was
    zero, so that nothing switched; `effectual_macs` those with both operands non-zero.
    """

    cycles: int
    bound_by: str
    stalls: dict[str, int]
    active_pes: int
    macs: int
    effectual_macs: int
    macs_issued: int
    macs_gated: int
    pe_cycles_active: int
    pe_cycles_idle: int
    accesses: tuple[Access, ...]
    noc: tuple[NocUse, ...]
    dram_bytes: dict[str, int]
    resources: dict[str, int] = field(default_factory=dict)
    """Cycles that each resource is busy (the terms of the bottleneck; empty where the machine was stepped)."""
    pe_busy: tuple[int, ...] = ()
    """Cycles in which each PE multiplies, cluster by cluster, row by row (empty for a bottleneck estimate)."""
    fifo_marks: dict[str, int] = field(default_factory=dict)
    """Most entries that any input FIFO of a data type has held (empty for a bottleneck estimate)."""
    utilization_over_time: tuple[float, ...] = ()
    """Busy PEs over all PEs, in equal parts of the layer's time (empty for a bottleneck estimate)."""

    def access(self, level: Level, tensor: str) -> Access:
        """The record of one level and tensor.  Raises KeyError where there is none."""
        for record in self.accesses:
            if (record.level, record.tensor) == (level, tensor):
                return record
        raise KeyError(f"no access of {tensor} at level {level}")
