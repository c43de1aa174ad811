"""Array times of the OpenEye RTL in closed form, as read from its runs under Verilator.

It knows windows, words and zeros, and nothing of mappings, streams or engines: a window is four neighbouring output
rows of one column, a transmission is n windows of each cluster that share a set of weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TAPS = 3
COLUMNS = 4
"""PE columns, on which the output rows of a window lie."""
BANKS = 3
"""Banks of iacts, each of which sends a word in a cycle."""


@dataclass(frozen=True)
class Transmission:
    """What the PEs do with one set of weights: filters and channels in a PE, filter stride, and the PEs' work.

    `work`: for each window, the non-zero weights that each non-zero iact of each PE of the chip meets.
    """

    filters: int
    channels: int
    stride: int
    work: Sequence[Sequence[Sequence[int]]]
    fully_connected: bool = False

    @property
    def load(self) -> int:
        """Cycles in which the iacts of a window, zeros too, and their addresses are sent."""
        if self.fully_connected:
            return 2 + 12
        rounds = -(-((COLUMNS - 1) * self.stride + TAPS) // BANKS)
        return rounds * (self.channels + 1 + TAPS * self.channels)

    @property
    def drain(self) -> int:
        """Cycles from the end of a window in the PEs to its last psum in the GLB."""
        return 12 + -(-self.filters // 2)

    def cycles(self) -> int:
        """Cycles from the compute pulse to the last psum."""
        windows = [max(5 + sum(max(2, -(-met // 2)) for met in pe) for pe in window) for window in self.work]
        between = max(self.load + (1 if self.filters == 2 else 3), self.drain + 1)
        return self.load + 4 + sum(windows) + (len(windows) - 1) * between + self.drain


def weight_cycles(columns: Sequence[int]) -> int:
    """Cycles in which the fullest PE gets its weights, of so many non-zeros by column (a channel of a tap)."""
    return len(columns) + 2 + sum(-(-entries // 2) for entries in columns)
