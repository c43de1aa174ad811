"""Layers that follow one another again and again, as the blocks of a transformer do: shown once, with their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accelerator_sim.files.text import printable
from accelerator_sim.report.html.svg import NAME_CHARACTERS
from accelerator_sim.report.numbers import shortened
from accelerator_sim.results.layer_result import LayerResult

LONGEST = 64
"""Layers of the longest block that is looked for."""
LEAST_SAVED = 4
"""Layers that a fold has to save: fewer are shown one by one."""


@dataclass(frozen=True)
class Fold:
    """A layer that stands for itself and for equal ones in the blocks that follow: its index, and how many they are."""

    index: int
    layer: LayerResult
    times: int = 1

    @property
    def label(self) -> str:
        """Its name as far as there is room for it, with the number of layers that it stands for."""
        return shortened(printable(self.layer.layer.name), NAME_CHARACTERS - len(self.suffix)) + self.suffix

    @property
    def suffix(self) -> str:
        """The number of layers that it stands for; nothing for one."""
        return f" ×{self.times}" if self.times > 1 else ""


def folded(layers: Sequence[LayerResult]) -> list[Fold]:
    """Return the layers with equal blocks in a row folded into their first one.

    layers: in their order.  Layers are equal where all but their names and their place is.
    """
    kinds: dict[object, int] = {}
    keys = [kinds.setdefault(_key(layer), len(kinds)) for layer in layers]
    out: list[Fold] = []
    at = 0
    while at < len(layers):
        length, times = _block(keys, at)
        out += [Fold(index, layers[index], times) for index in range(at, at + length)]
        at += length * times
    return out


def _block(keys: Sequence[int], at: int) -> tuple[int, int]:
    """The length and the number of the equal blocks that begin at a place, those that save most; (1, 1) for none."""
    best, saved = (1, 1), LEAST_SAVED - 1
    for length in range(1, min(LONGEST, (len(keys) - at) // 2) + 1):
        end = at + length
        while end < len(keys) and keys[end] == keys[end - length]:
            end += 1
        times = (end - at) // length
        if length * (times - 1) > saved:
            best, saved = (length, times), length * (times - 1)
    return best


def _key(layer: LayerResult) -> object:
    timing = None if layer.outcome is None else layer.outcome.timing.cycles
    return layer.layer.unnamed, layer.status, layer.mapping, timing, layer.energy
