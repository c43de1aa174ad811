"""What runs of layers found that other runs need too: of machines that differ in little, most is the same."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from accelerator_sim.energy.account import EnergyBreakdown
from accelerator_sim.files.recent import Recent
from accelerator_sim.files.vocabulary import Masks
from accelerator_sim.mapping.loops import loops_of
from accelerator_sim.mapping.search_memory import SearchMemory
from accelerator_sim.simulation.analytical import Load
from accelerator_sim.simulation.event import PassMemory
from accelerator_sim.simulation.forecast import Forecast
from accelerator_sim.simulation.operands import normal_masks
from accelerator_sim.simulation.outcome import Counts
from accelerator_sim.simulation.stored import Stored
from accelerator_sim.workload.arrays import Mask
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.pattern import Pattern, draw

MOST_MASKS = 32 << 20
"""Bytes of masks that are kept: those of a network for phones."""
MOST_ESTIMATES = 16 << 20
"""Bytes of estimates that are kept: 4,000."""
ESTIMATE_BYTES = 4 << 10
"""What an estimate, or what was counted of masks, takes, about."""

NormalMasks = tuple[Mask | None, Mask | None]
"""Masks of the iacts and the weights of a layer, [G, N, H, W, C] and [G, R, S, C, M] of its loops."""


@dataclass(frozen=True)
class CheckedEstimate:
    """A layer with a mapping on machines of one layout, checked, as far as they share it.

    energies: by family of machines, with the clock and the leakage of one of them.
    """

    load: Load
    counts: Counts
    energies: dict[str, EnergyBreakdown] = field(default_factory=dict)


class RunMemory:
    """What runs of layers found, up to a hundred megabytes.

    passes: what the passes of layers took; searches: what is known of searches for their mappings; estimates: by
    layout of machines, layer and mapping; counted: what was counted of the masks of layers whose
    laws were checked, likewise and by seed; forecasts: likewise.  May be used by several threads.
    """

    def __init__(self) -> None:
        self.passes = PassMemory()
        self.searches = SearchMemory()
        self.estimates: Recent[CheckedEstimate] = Recent(MOST_ESTIMATES)
        self.counted: Recent[Stored] = Recent(MOST_ESTIMATES)
        self.forecasts: Recent[tuple[Forecast | None]] = Recent(MOST_ESTIMATES)
        self._masks: Recent[tuple[Pattern, NormalMasks]] = Recent(MOST_MASKS)

    def masks(self, layer: Layer, seed: int, masks: Masks) -> tuple[Pattern, NormalMasks]:
        """Draw the zeros of a layer, as `draw` does, unless they are known; also in normal form.

        seed: of the random generator; masks: how zeros are drawn.  Raises as `draw`.
        """
        key: Hashable = layer.unnamed, seed, masks
        known = self._masks.get(key)
        if known is None:
            known = drawn_masks(layer, seed, masks)
            arrays = (known[0].iact_mask, known[0].weight_mask, *known[1])
            self._masks.put(key, known, 1024 + sum(mask.nbytes for mask in arrays if mask is not None))
        return known


def drawn_masks(layer: Layer, seed: int, masks: Masks) -> tuple[Pattern, NormalMasks]:
    """Draw the zeros of a layer, as `draw` does; also in normal form."""
    pattern = draw(layer, seed, masks)
    return pattern, normal_masks(layer, loops_of(layer), pattern)
