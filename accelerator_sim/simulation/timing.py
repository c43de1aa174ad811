"""From the times of passes to the timing of a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.causes import CAUSES, Cause
from accelerator_sim.simulation.event import PassTimes
from accelerator_sim.simulation.machine import Machine
from accelerator_sim.simulation.outcome import Bound, Timing
from accelerator_sim.workload.arrays import Ints

BINS = 64
"""Parts of a layer's time for which the utilization is given."""


def timing_of(machine: Machine, times: PassTimes) -> Timing:
    """Where the cycles of all PEs went: busy ones and stalls by cause add up to cycles x PEs."""
    pes = machine.schedule.problem.architecture.pes
    lost = times.spent.sum(axis=1) + times.waits * machine.places
    lost[at.UNUSED] += (pes - machine.places) * times.cycles
    losses = _by_cause(lost)
    busy = np.zeros(pes, dtype=np.int64)
    busy[machine.place[at.X_PE]] = times.spent[at.BUSY]
    worst = max(losses, key=lambda cause: losses[cause], default=None)
    bound = Bound.PE if worst is None or busy.sum() >= losses[worst] else Bound(worst.value)
    return Timing(
        cycles=times.cycles,
        bound_by=bound,
        exposed_cycles=_by_cause(times.waits),
        losses_pe_cycles=losses,
        pe_busy=tuple(busy.tolist()),
        fifo_marks={"iact": times.iact_fifo, "psum": times.psum_fifo},
        utilization_over_time=_utilization(times, pes),
    )


def _by_cause(cycles: Ints) -> dict[Cause, int]:
    """Cycles by cause, without work and without causes that did not occur."""
    return {cause: int(n) for cause, n in zip(CAUSES, cycles, strict=True) if n and cause is not Cause.BUSY}


def _utilization(times: PassTimes, pes: int) -> tuple[float, ...]:
    """Busy PEs over all PEs in equal parts of the layer's time; a pass counts as evenly busy."""
    edges = np.linspace(0.0, times.cycles, BINS + 1)
    ends = np.column_stack([times.starts, times.starts + times.lengths]).ravel()
    done = np.column_stack([np.cumsum(times.busy) - times.busy, np.cumsum(times.busy)]).ravel()
    busy: Any = np.diff(np.interp(edges, ends, done))
    return tuple(round(float(n), 6) for n in busy * BINS / (times.cycles * pes))
