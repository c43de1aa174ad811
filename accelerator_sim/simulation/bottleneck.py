"""The bottleneck estimate of time: the busiest of the resources that work side by side, and what nothing hides."""

from __future__ import annotations

from dataclasses import dataclass

from accelerator_sim.kernels.causes import Cause
from accelerator_sim.kernels.rounding import CYCLE_SLIP, whole_cycles
from accelerator_sim.simulation.outcome import WAITS, Bound, Resource, Timing


@dataclass(frozen=True)
class Bottleneck:
    """Busy cycles of the resources that work side by side, and cycles that nothing hides."""

    side: dict[Resource, float]
    serial: dict[Resource, float]

    @property
    def busiest(self) -> Resource:
        """The resource that takes longest of those that work side by side."""
        return max(self.side, key=lambda resource: self.side[resource])

    @property
    def longest(self) -> Resource:
        """The busiest resource, or what nothing hides if that takes longer."""
        longest = max(self.serial, key=lambda resource: self.serial[resource])
        return longest if self.serial[longest] > self.side[self.busiest] else self.busiest

    @property
    def timing(self) -> Timing:
        """The estimate."""
        bound = self.longest
        return Timing(
            cycles=whole_cycles(self.side[self.busiest] + sum(self.serial.values())),
            bound_by=Bound.PE if bound is Resource.PE else Bound(WAITS[bound].value),
            exposed_cycles=self._exposed(),
            resource_cycles={r: whole_cycles(n) for r, n in (self.side | self.serial).items() if n > CYCLE_SLIP},
        )

    def _exposed(self) -> dict[Cause, int]:
        """Cycles in which the PEs wait: for what nothing hides, and for a resource that is busier than they are."""
        waiting = {**self.serial, self.busiest: self.side[self.busiest] - self.side[Resource.PE]}
        cycles_by_cause: dict[Cause, int] = {}
        for resource, cycles in waiting.items():
            if cycles > CYCLE_SLIP:
                cycles_by_cause[WAITS[resource]] = cycles_by_cause.get(WAITS[resource], 0) + whole_cycles(cycles)
        return cycles_by_cause
