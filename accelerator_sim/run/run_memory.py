"""What runs of layers found that other runs need too: of machines that differ in little, most is the same."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from accelerator_sim.energy.account import EnergyBreakdown
from accelerator_sim.files.recent import Recent
from accelerator_sim.files.vocabulary import Masks
from accelerator_sim.mapping.loops import loops_of
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.mapping.search_memory import SearchMemory
from accelerator_sim.simulation.analytical import Load
from accelerator_sim.simulation.engines import TimedLayer
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
MOST_LAYERS = 64 << 20
"""Bytes of what is kept of the mappings of layers that the event engine ran: of a hundred layers on 192 PEs."""
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


@dataclass(frozen=True, eq=False)
class KnownRun:
    """A mapping that the event engine ran, on some machine of a layout.

    energies: by family of machines, with the clock and the leakage of one of them.
    """

    timed: TimedLayer
    energies: dict[str, EnergyBreakdown] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        kinds, passes = self.timed.times.of_kinds, self.timed.times.passes
        arrays = [passes.kind, passes.types, passes.machine.place, *(() if kinds is None else (kinds.spent,))]
        size: int = 8 * passes.kind.nbytes + sum(array.nbytes for array in arrays)
        return ESTIMATE_BYTES + size


@dataclass(eq=False)
class LayerMemory:
    """What is known of a layer with its zeros under mappings, on machines of one layout.

    counted: what masks hold, without the masks; checked: the mappings whose laws were checked.
    """

    counted: dict[Mapping, Stored] = field(default_factory=dict)
    forecasts: dict[Mapping, Forecast | None] = field(default_factory=dict)
    runs: dict[Mapping, KnownRun] = field(default_factory=dict)
    checked: set[Mapping] = field(default_factory=set)

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        runs = sum(run.size for run in list(self.runs.values()))
        return runs + ESTIMATE_BYTES * (1 + len(self.counted) + len(self.forecasts))


class RunMemory:
    """What runs of layers found, up to two hundred megabytes.

    passes: what the passes of layers took; searches: what is known of searches for their mappings; estimates: by
    layout of machines, layer and mapping; layers: by layout, layer, seed and how zeros are drawn.  May be used by
    several threads.
    """

    def __init__(self) -> None:
        self.passes = PassMemory()
        self.searches = SearchMemory()
        self.estimates: Recent[CheckedEstimate] = Recent(MOST_ESTIMATES)
        self.layers: Recent[LayerMemory] = Recent(MOST_LAYERS)
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
