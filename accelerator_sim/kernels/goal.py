"""What a search looks for, the best mapping so far, and what of a layer no tiles change: its time on the whole."""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.compile import kernel

SLACK = 1.0 - 1e-12
"""Bounds are lowered by rounding errors of this size before they prune."""


class Cost(NamedTuple):
    """What a mapping costs, or at least costs, float64."""

    cycles: Any
    joules: Any
    bits: Any
    """Off-chip."""


class Transfers(NamedTuple):
    """What the off-chip channel reads, float64."""

    hidden: Any
    shown: Any
    """Cycles beside the computation, and cycles in which the array waits."""
    requests: Any
    """Requests whose latency the array waits for."""


@kernel(helper=True, reference_counts=False)
def key(objective, cost):
    """What an objective compares, and what breaks its ties."""
    if objective == at.ENERGY:
        return cost.joules, cost.cycles
    if objective == at.CYCLES:
        return cost.cycles, cost.joules
    if objective == at.EDP:
        return cost.joules * cost.cycles, cost.cycles
    return cost.bits, cost.cycles


@kernel(helper=True, reference_counts=False)
def cannot_win(first, second, values):
    """Whether a lower bound (two parts of a key) rules out everything better than `values`."""
    if first * SLACK > values[0]:
        return True
    return first >= values[0] and (second * SLACK > values[1] or values[1] <= 0.0)


@kernel(helper=True, reference_counts=False)
def channel_cycles(packed, bits):
    """Cycles in which the off-chip channel moves so many bits."""
    return bits / 8.0 * packed.f[at.BYTE_CYCLES]


@kernel(helper=True, reference_counts=False)
def all_cycles(packed, spatial, busy, weight_fill, iact_fill, transfers):
    """Cycles of the layer (not rounded): of the busiest of what works side by side, and what nothing hides.

    busy: cycles of the busiest PE, port or bank; weight_fill, iact_fill: cycles in which PEs are filled.
    """
    n, f = packed.n, packed.f
    serial = n[at.CONFIG] + f[at.LATENCY] * transfers.requests
    if n[at.HIDE_WEIGHT]:
        busy = max(busy, weight_fill)
    else:
        serial += weight_fill
    if not n[at.HIDE_FILL]:
        serial += iact_fill
    serial += transfers.shown
    late = 0.0
    if n[at.HIDE_OACT]:
        late = spatial.output_cycles
    else:
        serial += spatial.output_cycles
    hidden = transfers.hidden
    return max(busy, max(hidden, late) if n[at.DUPLEX] else hidden + late) + serial


@kernel(helper=True, reference_counts=False)
def unlimited_cycles(packed, busy, weight_fill, requests):
    """The same with an off-chip channel without a limit, and with PEs that are never waited for to be filled."""
    n = packed.n
    serial = n[at.CONFIG] + packed.f[at.LATENCY] * requests
    if n[at.HIDE_WEIGHT]:
        return max(busy, weight_fill) + serial
    return busy + (serial + weight_fill)


@kernel(helper=True, reference_counts=False)
def step_joules(spatial, active):
    """Joules of a cycle with so many active PEs."""
    return spatial.idle_joules + active * spatial.active_joules
