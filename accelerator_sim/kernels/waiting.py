"""What a PE waited for between two issues: of one PE (int64), or of the PEs of a block (vectors)."""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.vectors import larger, smaller


class Arrival(NamedTuple):
    """From when on what an issue needs was there: the weights, its iact in the FIFO, and its iact in the SPad."""

    weights: Any
    seen: Any
    written: Any


class Waits(NamedTuple):
    """When a wait went over from one cause to the next: for weights, for the iact, for its way into the SPad.

    From `written` on, the PE's own pipeline is what it waits for.
    """

    weights: Any
    seen: Any
    written: Any


@kernel(spliced=True)
def until(time, begin, end):
    """Clip a time to a span."""
    return smaller(larger(time, begin), end)


@kernel(spliced=True)
def waits_of(begin, end, arrival):
    """Divide the time between two issues by what the iact that ended it was waiting for."""
    weights = until(arrival.weights, begin, end)
    seen = until(arrival.seen, weights, end)
    return Waits(weights, seen, until(arrival.written, seen, end))
