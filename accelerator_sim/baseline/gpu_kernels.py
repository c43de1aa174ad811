"""A network as the kernels that a GPU's inference library launches for it.

A library fuses biases, batch normalisation and activation functions into the convolution before them, and the addition
of a residual too, which then costs one more input to read.  Several 1 x 1 convolutions of the same input become one.
Everything else without multiply-accumulates is a kernel that only moves memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network

KernelKind = Literal["conv", "pointwise", "first", "depthwise", "memory"]
KINDS: tuple[KernelKind, ...] = ("conv", "pointwise", "first", "depthwise", "memory")
"""What efficiency depends on: filters of more than one tap; 1 x 1, fully connected and matrix products; convolutions of
at most three channels; depthwise; and no multiply-accumulates at all."""

FIRST_CHANNELS = 3
"""Channels of an image: a convolution of so few uses little of a processor's width."""


@dataclass(frozen=True)
class Kernel:
    """One launch: the layers that it computes, 2 FLOP a multiply-accumulate, and the words that it moves."""

    layers: tuple[str, ...]
    kind: KernelKind
    flop: int
    words: int


def kernels_of(network: Network) -> tuple[Kernel, ...]:
    """Return the kernels of a network (for its batch), in order."""
    kernels: list[Kernel] = []
    before: Layer | None = None
    shared: dict[tuple[str, ...], int] = {}
    for layer in network.layers:
        if before is not None and (words := _fused(layer, before)) is not None:
            last = kernels[-1]
            kernels[-1] = replace(last, layers=(*last.layers, layer.name), words=last.words + words)
            continue
        if layer.reads in shared and _joins(layer):
            at = shared[layer.reads]
            host, words = kernels[at], layer.weight_words + layer.oact_total_words
            kernels[at] = replace(
                host,
                layers=(*host.layers, layer.name),
                flop=host.flop + 2 * layer.macs,
                words=host.words + words,
            )
        else:
            if layer.reads and _joins(layer):
                shared[layer.reads] = len(kernels)
            kernels.append(Kernel((layer.name,), kind_of(layer), 2 * layer.macs, words_of(layer)))
        before = layer
    return tuple(kernels)


def kind_of(layer: Layer) -> KernelKind:
    """Return what the efficiency of a layer depends on."""
    if not layer.is_mac:
        return "memory"
    if layer.op == "conv" and layer.R * layer.S * layer.T > 1:
        if layer.G > 1 and layer.C == 1:
            return "depthwise"
        return "first" if layer.G * layer.C <= FIRST_CHANNELS else "conv"
    return "pointwise"


def words_of(layer: Layer) -> int:
    """Words of all operands and results, each moved once."""
    return layer.weight_words + layer.iact_total_words + layer.oact_total_words


def _fused(layer: Layer, before: Layer) -> int | None:
    """Words that a layer adds to the kernel of the one before it, or None where it is a kernel of its own."""
    if not before.is_mac or layer.oact_words != before.oact_total_words:
        return None
    if layer.op == "add" and layer.iact_words == 2 * layer.oact_words:
        return layer.oact_words
    return 0 if layer.op == "activation" and layer.iact_words == layer.oact_words else None


def _joins(layer: Layer) -> bool:
    """Whether a layer can be one with others that read the same."""
    return layer.op == "conv" and layer.stride == (1, 1) and kind_of(layer) == "pointwise"
