"""The work of layers that ran, added up, and the rates that follow from it: once for networks, sweeps and figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.simulation.outcome import Outcome


@dataclass(frozen=True)
class LayerWork:
    """What adds up over layers: cycles, multiply-accumulates (all, effectual, issued) and off-chip bytes."""

    cycles: int = 0
    macs: int = 0
    effectual_macs: int = 0
    macs_issued: int = 0
    dram_bytes: int = 0

    def __add__(self, other: LayerWork) -> LayerWork:
        return LayerWork(
            self.cycles + other.cycles,
            self.macs + other.macs,
            self.effectual_macs + other.effectual_macs,
            self.macs_issued + other.macs_issued,
            self.dram_bytes + other.dram_bytes,
        )

    def utilization(self, architecture: Architecture) -> float:
        """MACs issued per cycle as a fraction of the peak; 0 where no time passes."""
        return self.macs_issued / (self.cycles * architecture.macs_per_cycle) if self.cycles else 0.0


@dataclass(frozen=True)
class Rates:
    """What follows from the work of a network; None where nothing ran, and where energies are not joules."""

    latency_s: float
    """Latency of the whole batch."""
    inferences_per_s: float | None
    inferences_per_j: float | None
    """Inferences per joule of the chip, without DRAM."""
    gops_per_w: float | None
    """The same; a MAC is two operations."""
    utilization: float


def work_of(outcome: Outcome) -> LayerWork:
    """Return the work of one layer."""
    counts = outcome.counts
    off_chip = sum(counts.dram_bytes.values())
    return LayerWork(outcome.timing.cycles, counts.macs, counts.effectual_macs, counts.macs_issued, off_chip)


def work_of_all(outcomes: Iterable[Outcome]) -> LayerWork:
    """Return the work of several layers."""
    return sum(map(work_of, outcomes), LayerWork())


def rates_of(work: LayerWork, chip_j: float | None, architecture: Architecture, batch: int) -> Rates:
    """Return the rates of a network.

    work: of all its layers; chip_j: joules of the chip, None where energies are not joules; architecture: the machine;
    batch: inferences that the work is of.
    """
    latency_s = work.cycles / architecture.clock
    return Rates(
        latency_s=latency_s,
        inferences_per_s=batch / latency_s if work.cycles else None,
        inferences_per_j=batch / chip_j if chip_j else None,
        gops_per_w=2.0 * work.macs / chip_j / 1e9 if chip_j else None,
        utilization=work.utilization(architecture),
    )
