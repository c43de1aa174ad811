"""Time and energy of a network on a device.

For each kernel: T = max(FLOP / (efficiency x peak), bytes / (share x bandwidth)) + launch cycles / clock, and for all
together E = static power x T + energy per FLOP x FLOP + energy per byte x bytes (Williams et al., CACM 52(4) 2009, for
the roofline; the energy model is linear in the measured quantities).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.baseline.device import BYTES, Device, Stack
from accelerator_sim.baseline.gpu_kernels import KINDS, Kernel, KernelKind, kernels_of
from accelerator_sim.files.vocabulary import NumberFormat
from accelerator_sim.workload.arrays import Floats
from accelerator_sim.workload.network import Network


@dataclass(frozen=True)
class Work:
    """The kernels of a network as arrays: index of the kind in KINDS, FLOP, and words, one entry per kernel."""

    kinds: NDArray[np.intp]
    flop: Floats
    words: Floats


def work_of(kernels: tuple[Kernel, ...]) -> Work:
    """Return kernels as arrays."""
    return Work(
        np.array([KINDS.index(kernel.kind) for kernel in kernels], dtype=np.intp),
        np.array([kernel.flop for kernel in kernels], dtype=np.float64),
        np.array([kernel.words for kernel in kernels], dtype=np.float64),
    )


def kernel_times(
    work: Work, device: Device, stack: Stack, precision: NumberFormat, batch: int
) -> tuple[Floats, Floats]:
    """Return the seconds that arithmetic and memory take of each kernel; the longer one counts."""
    peak = getattr(device.peak, precision)
    gain = 1.0 + stack.batch_gain * (1.0 - 1.0 / batch)
    efficiency = np.array([stack.efficiency[precision].of(kind) for kind in KINDS]) * gain
    arithmetic = work.flop / (efficiency[work.kinds] * peak)
    return arithmetic, work.words * BYTES[precision] / (stack.bandwidth * device.dram)


def run_time(work: Work, device: Device, stack: Stack, precision: NumberFormat, batch: int) -> float:
    """Return the seconds that all kernels take, one after the other."""
    arithmetic, memory = kernel_times(work, device, stack, precision, batch)
    return float(np.maximum(arithmetic, memory).sum()) + len(work.kinds) * stack.launch_cycles / device.clock


@dataclass(frozen=True)
class KernelResult:
    """One kernel on a device; `bound_by` is the longest part of its time."""

    layers: tuple[str, ...]
    kind: KernelKind
    flop: int
    dram_bytes: int
    latency_s: float
    bound_by: Literal["arithmetic", "memory", "launch"]


@dataclass(frozen=True)
class BaselineResult:
    """A network on a device, for the whole batch.  Energies are those inside `device.boundary`."""

    workload: str
    device: Device
    stack: str
    precision: NumberFormat
    batch: int
    kernels: tuple[KernelResult, ...]
    weak: bool
    """Whether the device or the stack is not fitted to measurements of it."""

    @cached_property
    def latency_s(self) -> float:
        """Seconds from input to output."""
        return sum(kernel.latency_s for kernel in self.kernels)

    @cached_property
    def flop(self) -> int:
        """Operations, two a multiply-accumulate."""
        return sum(kernel.flop for kernel in self.kernels)

    @cached_property
    def dram_bytes(self) -> int:
        """Bytes over the memory channel."""
        return sum(kernel.dram_bytes for kernel in self.kernels)

    @property
    def energy_parts(self) -> dict[str, float]:
        """Joules by cause."""
        return {
            "static": self.device.power.static * self.latency_s,
            "arithmetic": getattr(self.device.energy, self.precision) * self.flop,
            "dram": self.device.energy.dram * self.dram_bytes,
        }

    @property
    def energy_j(self) -> float:
        """Joules of the whole board."""
        return sum(self.energy_parts.values())

    @property
    def energy_net_j(self) -> float | None:
        """Joules above those of an idle board; None where its idle power is not known."""
        idle = self.device.power.idle
        return None if idle is None else self.energy_j - idle * self.latency_s


def run_baseline(
    network: Network, device: Device, batch: int = 1, precision: NumberFormat | None = None, stack: str | None = None
) -> BaselineResult:
    """Run a network (as loaded) on a device.

    batch: how often the network runs at a time; precision, stack: the defaults of the device if not given.  Raises
    UsageError where the device does not have them, and for a batch that is out of range, and WorkNotCounted for a
    network with work that nobody counts.
    """
    network.require_counted()
    name, software = device.stack(stack)
    format_ = device.pick_precision(precision, software, name)
    whole = network.with_batch(batch)
    batch, kernels = whole.batch, kernels_of(whole)
    arithmetic, memory = kernel_times(work_of(kernels), device, software, format_, batch)
    launch = software.launch_cycles / device.clock
    results = []
    for kernel, flop_s, dram_s in zip(kernels, arithmetic, memory, strict=True):
        parts: dict[Literal["arithmetic", "memory", "launch"], float]
        parts = {"arithmetic": float(flop_s), "memory": float(dram_s), "launch": launch}
        longest = max(parts, key=lambda part: parts[part])
        seconds = max(float(flop_s), float(dram_s)) + launch
        moved = kernel.words * BYTES[format_]
        results.append(KernelResult(kernel.layers, kernel.kind, kernel.flop, moved, seconds, longest))
    weak = "weak" in (device.evidence, software.evidence)
    return BaselineResult(network.name, device, name, format_, batch, tuple(results), weak)
