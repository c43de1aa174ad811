"""A convolutional network at another width and for another size of picture.

The two multipliers of Howard et al., "MobileNets", arXiv:1704.04861, 3.3 and 3.4: width thins all layers alike, except
the picture at the beginning and the classes at the end; resolution shrinks every picture alike.  Half a row is a row,
as it is to a window with padding.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil

from accelerator_sim.files.errors import UsageError
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network

_ALLOWED = ("conv", "fc", "pool", "add", "mul", "activation", "norm", "softmax")


def resize(network: Network, width: float = 1.0, resolution: int | None = None) -> Network:
    """Return a network whose channels are multiplied by `width` and whose input has `resolution` rows.

    Raises UsageError if the result is not a network: for sizes that are not whole, and for layers without such a rule.
    """
    macs = [layer for layer in network.layers if layer.is_mac]
    if not macs or macs[0].op != "conv":
        raise UsageError(f"{network.name}: only convolutional networks have a width and a resolution")
    thinner = Fraction(str(width))
    smaller = Fraction(resolution or macs[0].H, macs[0].H)
    first, last = macs[0].name, macs[-1].name
    layers: list[Layer] = []
    before: tuple[Layer, Layer] | None = None
    following = iter([*macs[1:], None])
    after: Layer | None = macs[0]
    for at, layer in enumerate(network.layers):
        if layer.op not in _ALLOWED or layer.D > 1 or layer.T > 1:
            raise UsageError(f"{network.name}: layer {layer.name} ({layer.op}) has no rule for width and resolution")
        try:
            if layer.is_mac:
                made = _window(layer, thinner, smaller, layer.name == first, layer.name == last)
                before, after = (layer, made), next(following)
            else:
                ends = before is not None and before[0].name == last
                on = at + 1 < len(network.layers) and not network.layers[at + 1].is_mac and layer.op != "pool"
                made = _words(layer, Fraction(1) if ends else thinner, before, None if on else _sized(after, smaller))
        except ValueError as error:
            raise UsageError(f"{network.name} at width {width:g}, resolution {resolution}: {error}") from None
        layers.append(made)
    suffix = f"_{width:g}_{resolution or macs[0].H}"
    notes = f"{network.notes} Resized from {network.name}.".strip()
    return replace(network, name=network.name + suffix, layers=tuple(layers), notes=notes)


def _window(layer: Layer, thinner: Fraction, smaller: Fraction, first: bool, last: bool) -> Layer:
    # without what belongs to single channels and weights
    density = replace(layer.density, profile_iact=(), profile_weight=(), tensor_iact=None, tensor_weight=None)
    if layer.G > 1:
        if layer.C > 1 or layer.M > 1:
            raise ValueError(f"layer {layer.name} has {layer.G} groups of channels, which width does not divide")
        changed = replace(layer, G=_whole(layer.G * thinner, layer, "channels"), density=density)
    else:
        channels = layer.C if first else _whole(layer.C * thinner, layer, "channels")
        filters = layer.M if last else _whole(layer.M * thinner, layer, "filters")
        changed = replace(layer, C=channels, M=filters, density=density)
    if layer.H == layer.W == 1:
        return changed
    if layer.op == "fc":
        raise ValueError(f"layer {layer.name} reads a picture of {layer.H} x {layer.W}, to which its weights belong")
    changed = replace(changed, H=ceil(layer.H * smaller), W=ceil(layer.W * smaller))
    if (ceil(layer.P * smaller), ceil(layer.Q * smaller)) != (changed.P, changed.Q):
        raise ValueError(f"layer {layer.name} would write {changed.P} rows where {float(layer.P * smaller):g} are read")
    return changed


def _sized(layer: Layer | None, smaller: Fraction) -> Fraction:
    """How much smaller the picture is that a layer reads; 1 for none."""
    if layer is None or layer.H == layer.W == 1:
        return Fraction(1)
    return Fraction(ceil(layer.H * smaller) * ceil(layer.W * smaller), layer.H * layer.W)


def _words(layer: Layer, thinner: Fraction, before: tuple[Layer, Layer] | None, after: Fraction | None) -> Layer:
    """A layer that moves words: what it reads is as large as what was written, what it writes as what is read next.

    after: how much smaller that is; None for a layer whose picture is handed on as it is.
    """
    if before is None:
        raise ValueError(f"layer {layer.name} stands before the first convolution")
    old, new = before
    area = Fraction(new.P * new.Q, old.P * old.Q)
    reads, writes = thinner * area, thinner * (area if after is None else after)
    return replace(
        layer,
        iact_words=_whole(layer.iact_words * reads, layer, "words"),
        oact_words=_whole(layer.oact_words * writes, layer, "words"),
    )


def _whole(value: Fraction, layer: Layer, dimension: str) -> int:
    if value.denominator != 1 or value < 1:
        raise ValueError(f"layer {layer.name} would have {float(value):g} {dimension}")
    return int(value)
