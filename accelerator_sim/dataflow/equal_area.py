"""The same silicon for every dataflow: what its PEs do not need of their register files becomes global buffer.

ISCA 2016 (VI-B) gives every dataflow the storage area of #PE x area(512 B RF) + area(#PE x 512 B GLB).  Row stationary
is what a machine was sized for and keeps it as it is; any other dataflow gets the words that it needs in a PE, and the
largest GLB that then fits the area of the RFs and the GLB together.

Areas are those of `technology.area`.  The machine of that paper has its own: a GLB that is handed out by the word has
no banks to count, so for normalised technologies the areas are those of the study, from memories of a 65 nm process.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from accelerator_sim.architecture.architecture import TENSORS, Architecture, Glb, SPads
from accelerator_sim.architecture.networks import Tensor
from accelerator_sim.dataflow.nest_space import spad_words
from accelerator_sim.dataflow.rules import Dataflow
from accelerator_sim.files.errors import AcceleratorSimError
from accelerator_sim.mapping.loops import loops_of
from accelerator_sim.technology.area import area_of
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.workload.layer import Layer

STUDY_AREA = (
    (2, 103.47), (4, 172.07), (8, 177.07), (16, 169.89), (32, 96.06), (64, 59.15), (128, 39.94), (256, 27.48),
    (512, 20.87), (1024, 16.14), (2048, 13.89), (4096, 12.70),
)  # fmt: skip
"""Bytes of a memory, and square micrometres of it a byte; between them on a line, beyond them as at the ends.

Source: helpers/get_storage_area_from_size of the repository eyeriss-dataflow ("CNN Flow Analysis").  It has the
energies, dataflows and storage budget of ISCA 2016 and is assumed to be the program of that study, which the paper does
not state.
"""

MOST_GROWTH = 64
"""Times by which a GLB may grow at most."""


def equal_area(architecture: Architecture, flow: Dataflow, layers: Iterable[Layer], unit: EnergyUnit) -> Architecture:
    """Return the machine for a dataflow on the storage area of `architecture`, for layers that are all to run on it.

    unit: that of its technology table; in MACs, the machine is the study's.  Raises AcceleratorSimError where the words
    that the dataflow needs in its PEs leave no area for a GLB.
    """
    if flow.rows:
        return architecture
    needs = [spad_words(loops_of(layer), flow) for layer in layers if layer.is_mac]
    need: dict[Tensor, int] = {t: max((n[t] for n in needs), default=0) for t in TENSORS}
    small = architecture.model_copy(
        update={"pe": architecture.pe.model_copy(update={"spad": _spads(architecture.pe.spad, need)})}
    )
    if unit is EnergyUnit.MAC and architecture.glb.shared is not None:
        return _by_the_study(architecture, small, need)
    budget = _storage(architecture)
    glb = _largest(small, lambda machine: _storage(machine) <= budget)
    return small.model_copy(update={"glb": glb})


def _spads(spad: SPads, need: dict[Tensor, int]) -> SPads:
    """SPads of the given numbers of words.  A pad has at least one word in the model, also where none is needed."""
    pads: dict[str, Any] = {}
    for t in TENSORS:
        own = getattr(spad, t)
        depth = max(1, math.ceil(need[t] / own.values_per_word))
        pads[t] = own if own.depth is None else own.model_copy(update={"depth": depth})
    if spad.shared is not None:
        pads["shared"] = max(1, _bytes(spad, need))
    return spad.model_copy(update=pads)


def _bytes(spad: SPads, need: dict[Tensor, int]) -> int:
    bits: int = sum(need[t] * getattr(spad, t).width for t in TENSORS)
    return math.ceil(bits / 8)


# --- the machine of the study ----------------------------------------------------------------------------------------
def study_area(size: float) -> float:
    """Square micrometres of a memory of `size` bytes in the study."""
    sizes = [point[0] for point in STUDY_AREA]
    if size <= sizes[0] or size >= sizes[-1]:
        return size * STUDY_AREA[0 if size <= sizes[0] else -1][1]
    right = bisect_right(sizes, size)
    (low, at_low), (high, at_high) = STUDY_AREA[right - 1], STUDY_AREA[right]
    return size * (at_low + (at_high - at_low) * (size - low) / (high - low))


def _by_the_study(architecture: Architecture, small: Architecture, need: dict[Tensor, int]) -> Architecture:
    spad, shared, count = architecture.pe.spad, architecture.glb.shared, architecture.cluster_array.count
    assert shared is not None
    before = spad.operand_bits / 8
    buffer = shared.bits // 8 * count
    budget = architecture.pes * study_area(before) + study_area(buffer)
    left = budget - architecture.pes * study_area(_bytes(spad, need))
    size = left / STUDY_AREA[-1][1]
    banks = int(size / (shared.size * count))
    if size < STUDY_AREA[-1][0]:
        raise AcceleratorSimError(f"{architecture.name}: {_bytes(spad, need)} B in each PE leave no area for a GLB")
    glb = small.glb.model_copy(update={"shared": shared.model_copy(update={"banks": banks})})
    return small.model_copy(update={"glb": glb})


# --- any other machine -----------------------------------------------------------------------------------------------
def _storage(architecture: Architecture) -> float:
    """Square micrometres at 65 nm of the SPads and the GLB."""
    parts = area_of(architecture, None).parts
    return parts["spad"].um2 + parts["glb"].um2


def _largest(machine: Architecture, fits: Callable[[Architecture], bool]) -> Glb:
    """The largest GLB that fits: more banks to hand out, or larger ones where each data type has its own."""

    def grown(steps: int) -> Architecture:
        return machine.model_copy(update={"glb": _grown(machine.glb, steps / 1024.0)})

    low, high = 1024, 1024 * MOST_GROWTH
    if not fits(grown(low)):
        raise AcceleratorSimError(f"{machine.name}: its PEs need so much that no area is left for its GLB")
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(grown(middle)) else (low, middle - 1)
    return grown(low).glb


def _grown(glb: Glb, times: float) -> Glb:
    sizes: dict[str, Any] = {}
    for t in TENSORS:
        store = getattr(glb, t)
        if store is not None and store.banks:
            sizes[t] = store.model_copy(update={"size": int(store.size * times)})
    if glb.shared is not None:
        sizes["shared"] = glb.shared.model_copy(update={"banks": int(glb.shared.banks * times)})
    return glb.model_copy(update=sizes)
