"""A network as text in the form of a tool, with remarks on what that form cannot express."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from accelerator_sim.workload.layer import Layer


@dataclass(frozen=True)
class Written:
    """Files by name, and remarks: what was left out or changed, each with its layers."""

    files: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...] = ()


class Remarks:
    """Remarks on layers, gathered so that each is made once."""

    def __init__(self) -> None:
        self._layers: dict[str, list[str]] = {}

    def add(self, layer: Layer, remarks: Iterable[str]) -> None:
        """Note remarks on a layer."""
        for remark in remarks:
            self._layers.setdefault(remark, []).append(layer.name)

    def lines(self) -> tuple[str, ...]:
        """Return each remark with its layers."""
        return tuple(f"{remark}: {', '.join(map(one_line, names))}" for remark, names in self._layers.items())


LEFT_OUT = "left out, having no multiply-accumulates"


def unsaid(layer: Layer) -> list[str]:
    """Return the properties of a layer with multiply-accumulates that neither Timeloop nor SCALE-Sim can express."""
    density = layer.density
    facts = (
        (any(layer.padding) or any(layer.padding_d), "the padding is counted as part of the input"),
        (density.tensor_iact or density.tensor_weight, "the mean density stands for the tensor"),
        (density.profile_iact or density.profile_weight, "the mean density stands for that of each channel"),
        (layer.effectual_fraction is not None, "effectual_fraction is left out"),
        (layer.reads, "what it reads is left out"),
    )
    return [text for holds, text in facts if holds]


def one_line(text: str) -> str:
    """Return text for a comment or a message, without line breaks and control characters."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text)
