"""Which operands of a layer are zero, and the operands themselves: drawn from a seed, or taken from tensors.

Real iact sparsity is nearly binary per channel (standard deviation of the channel densities 0.26 to 0.40 in the masks
of sparse MobileNet that the Sparseloop artifact, MICRO 2022, holds), and the weight columns of busy channels are denser
(correlation 0.3 to 0.6 there).  Masks "channels" have both; masks "uniform" have neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import NDArray

from accelerator_sim.files.vocabulary import SEED, Masks, MasksWord, word
from accelerator_sim.workload.arrays import Floats, Ints, Mask, laid_out
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.operand_shapes import iact_shape, tensor_layout, weight_shape
from accelerator_sim.workload.phase_operands import phase_iacts, phase_weights
from accelerator_sim.workload.phases import PhaseLayer
from accelerator_sim.workload.tensor_values import tensor_of_shape

OperandValues = NDArray[np.int8] | NDArray[np.int16]

IACT_SPREAD = 0.35
"""Standard deviation of the densities of iact channels, as in the masks of the artifact."""
WEIGHT_SPREAD = 0.15
"""Standard deviation of the densities of weight columns, as a share of the widest, sqrt(w (1 - w)): fitted to the
effectual MACs of the eight point-wise layers of the artifact whose masks are published, at this correlation."""
CORRELATION = 0.45
"""Correlation of the ranks of the two, as in those masks, where no effectual fraction is given."""
WIDEST = 0.9
"""A spread is at most this share of the widest that a mean between 0 and 1 allows: assumed."""

LARGEST_DRAW = 10**9
"""Words that masks are drawn for: numpy draws no more from a hypergeometric distribution."""
_CHUNK = 1 << 22  # words at a time, to bound memory
_SWAPS = 500  # at most
_TOLERANCE = 1e-4  # of an effectual fraction: 100 times closer than it is worth
_IACT, _WEIGHT, _SWAP, _IACT_VALUES, _WEIGHT_VALUES = range(5)


@dataclass(frozen=True, eq=False)
class Pattern:
    """Masks of a layer: 1 where an operand is not zero; None: nowhere zero.  Shapes as in `Operands`."""

    iact_mask: Mask | None = None
    weight_mask: Mask | None = None


@dataclass(frozen=True, eq=False)
class Operands:
    """Values of a layer in its own shape: iacts [N, G x C, D, H, W], weights [G x M, C, T, R, S]."""

    iact: OperandValues
    weight: OperandValues


def draw(layer: Layer, seed: int, masks: Masks | MasksWord = "channels") -> Pattern:
    """Draw the masks of a layer from a seed; layers of equal shape and densities get equal masks.

    - A tensor gives its own mask, and a profile the density of every channel; other operands have the density of the
      layer, exact except for rounding to whole words.
    - "uniform": the non-zeros are anywhere with equal probability (or anywhere in their channel, with a profile).
    - "channels": densities of iact channels and of weight columns (one per input channel, over all filters and taps)
      from Beta distributions, correlated; within them the places are uniform.

    With a published `effectual_fraction`, masks "channels" choose the columns such that the MACs whose operands are
    both non-zero, padding taps counted as non-zero iacts as the published counts do, are that fraction of all: through
    the correlation, then by a share of columns that are full or empty, last by moving single weights.  It is reached
    as nearly as the channels allow, unless a profile or a tensor fixes the weights.

    A fraction above the density of an operand contradicts it: such a count takes no notice of the zeros of that
    operand (DW11 of the sparse MobileNet: iacts .4915, weights .9505, fraction 1).  The density is then raised to the
    fraction, unless a profile or a tensor gives it.

    Raises UsageError for other words than those of `Masks`, ValueError for a layer without multiply-accumulates, and
    for a tensor that does not fit the layer.
    """
    masks = word(Masks, masks, "masks")
    if isinstance(layer, PhaseLayer):
        return _of_phase(layer, draw(layer.of, seed, masks))
    if not layer.is_mac:
        raise ValueError(f"layer {layer.name} ({layer.op}) has no multiply-accumulates to draw operands for")
    iact, weight = _Operand(layer, "iact"), _Operand(layer, "weight")
    SEED.check(seed)
    if iact.dense and weight.dense:
        return Pattern()
    for noun, words in (("iacts", layer.iact_total_words), ("weights", layer.weight_words)):
        if words > LARGEST_DRAW:
            raise ValueError(
                f"layer {layer.name} has {words} {noun}; masks are drawn for no more than {LARGEST_DRAW} words"
            )
    rng = [default_rng(sequence) for sequence in _seeds(layer, seed)]
    if masks is Masks.UNIFORM:
        return Pattern(iact.uniform(rng[_IACT]), weight.uniform(rng[_WEIGHT]))
    if weight.fixed and not iact.fixed:
        weight_mask = weight.mask(rng[_WEIGHT], weight.given())
        columns = _filled(layer, weight_mask).sum(axis=(1, 2, 3))
        return Pattern(iact.mask(rng[_IACT], _beta(rng[_IACT], iact, IACT_SPREAD, columns, CORRELATION)), weight_mask)
    iact_mask = iact.mask(rng[_IACT], iact.given() if iact.fixed else _iact_densities(rng[_IACT], layer, iact, weight))
    if weight.fixed:
        return Pattern(iact_mask, weight.mask(rng[_WEIGHT], weight.given()))
    met = _met(layer, iact_mask, count_padding=True)
    weight_mask = weight.mask(rng[_WEIGHT], _columns(rng[_WEIGHT], layer, weight, met))
    if weight_mask is not None and layer.effectual_fraction is not None:
        _swap(rng[_SWAP], layer, weight_mask, met, round(layer.effectual_fraction * layer.macs))
    return Pattern(iact_mask, weight_mask)


def values(layer: Layer, pattern: Pattern, seed: int, iact_bits: int = 8, weight_bits: int = 8) -> Operands:
    """Return operands with the zeros of `pattern` and, elsewhere, signed integers that are not zero.

    They are drawn between plus and minus 2^(bits - 1) - 1, or are those of the tensor that the layer refers to, where
    it has the same zeros and holds integers that fit.  Operands wider than 16 bits have values of 16 bits.
    """
    if isinstance(layer, PhaseLayer):
        return _values_of_phase(layer, pattern, values(layer.of, _read(layer.of), seed, iact_bits, weight_bits))
    rng = [default_rng(sequence) for sequence in _seeds(layer, seed)]
    return Operands(
        _values(rng[_IACT_VALUES], _Operand(layer, "iact"), pattern.iact_mask, iact_bits),
        _values(rng[_WEIGHT_VALUES], _Operand(layer, "weight"), pattern.weight_mask, weight_bits),
    )


def _of_phase(layer: PhaseLayer, whole: Pattern) -> Pattern:
    """Take the masks of phases from those of the whole layer."""
    iact = None if whole.iact_mask is None else phase_iacts(layer, whole.iact_mask)
    weight = None if whole.weight_mask is None else phase_weights(layer, whole.weight_mask)
    return Pattern(*(None if mask is None or mask.all() else mask for mask in (iact, weight)))


def _read(layer: Layer) -> Pattern:
    """The masks of the tensors that a layer refers to; other operands are taken as nowhere zero."""
    operands = _Operand(layer, "iact"), _Operand(layer, "weight")
    return Pattern(*((each.tensor() != 0).astype(np.uint8) if each.reference else None for each in operands))


def _values_of_phase(layer: PhaseLayer, pattern: Pattern, whole: Operands) -> Operands:
    """Take the values of phases from those of the whole layer, with the zeros of a pattern."""
    iact, weight = phase_iacts(layer, whole.iact), phase_weights(layer, whole.weight)
    return Operands(
        iact if pattern.iact_mask is None else iact * pattern.iact_mask.view(np.int8),
        weight if pattern.weight_mask is None else weight * pattern.weight_mask.view(np.int8),
    )


def effectual_macs(layer: Layer, pattern: Pattern, count_padding: bool) -> int:
    """Count the MACs whose operands are both non-zero; padding counts as non-zero iacts if `count_padding`."""
    return int(np.vdot(_met(layer, pattern.iact_mask, count_padding), _filled(layer, pattern.weight_mask)))


class _Operand:
    """One of the operands: its density and its shape, as `channels` rows of `length` words."""

    def __init__(self, layer: Layer, name: Literal["iact", "weight"]) -> None:
        self.layer = layer
        self.name = name
        self.shape = iact_shape(layer) if name == "iact" else weight_shape(layer)
        self.channels = layer.G * layer.C
        self.length = math.prod(self.shape) // self.channels
        self.profile: tuple[float, ...] = getattr(layer.density, f"profile_{name}")
        self.reference: tuple[str, str] | None = getattr(layer.density, f"tensor_{name}")
        self.kept = layer.density.kept_channels if name == "weight" else None
        self.fixed = bool(self.profile or self.reference or self.kept)
        self.density: float = getattr(layer.density, name)
        if not self.fixed:
            self.density = max(self.density, layer.effectual_fraction or 0.0)

    @property
    def dense(self) -> bool:
        """Whether no value is zero, so that there is nothing to draw."""
        return not self.fixed and self.density == 1.0

    @property
    def total(self) -> int:
        """Words that are not zero."""
        return round(math.fsum(self.profile) * self.length if self.profile else self.density * math.prod(self.shape))

    def uniform(self, rng: Generator) -> Mask | None:
        """Return a mask without structure, beyond what is given."""
        if self.fixed or self.density == 1.0:
            return self.mask(rng, self.given())
        counts = rng.multivariate_hypergeometric([self.length] * self.channels, self.total, method="marginals")
        return self._shaped(_places(rng, counts, self.length))

    def given(self) -> Floats:
        """Return the densities of the channels without a draw."""
        return np.array(self.profile) if self.profile else np.full(self.channels, self.density)

    def mask(self, rng: Generator, densities: Floats) -> Mask | None:
        """Return the mask of the tensor if there is one, or one of these densities (largest remainders)."""
        if self.reference:
            mask = (self.tensor() != 0).astype(np.uint8)
            return None if mask.all() else mask
        if self.kept:
            return self._structured(rng, *self.kept)
        if np.all(densities == 1.0):
            return None
        exact = densities * self.length
        counts = exact.astype(np.int64)
        counts[np.argsort(counts - exact, kind="stable")[: max(0, self.total - int(counts.sum()))]] += 1
        return self._shaped(_places(rng, counts, self.length))

    def _structured(self, rng: Generator, n: int, m: int) -> Mask | None:
        """N of each M channels, drawn for each filter and tap; of a rest, as large a share."""
        mask = np.zeros(self.shape, np.uint8)
        for begin in range(0, self.shape[1], m):
            block = mask[:, begin : begin + m]
            kept = min(block.shape[1], -(-n * block.shape[1] // m))
            ranks = np.argsort(np.argsort(rng.random(block.shape), axis=1), axis=1)
            block[...] = ranks < kept
        return None if mask.all() else mask

    def _shaped(self, rows: Mask) -> Mask | None:
        if rows.all():
            return None
        layer, iact = self.layer, self.name == "iact"
        blocks = (1, self.channels, layer.N, -1) if iact else (layer.G, layer.C, layer.M, -1)
        return laid_out(rows.reshape(blocks).swapaxes(1, 2), 2).reshape(self.shape)

    def tensor(self) -> NDArray[Any]:
        """Return the tensor in the shape of the operand; a batch repeats the images, or the pairs of a matmul."""
        assert self.reference is not None
        description = f"the {self.name}s of layer {self.layer.name}"
        return tensor_of_shape(self.reference, *tensor_layout(self.layer, self.name), description)


def _seeds(layer: Layer, seed: int) -> list[SeedSequence]:
    """Return independent seeds for each draw: of `seed`, the shape and the densities, and not of the name."""
    shape = (*iact_shape(layer), *weight_shape(layer), *layer.stride, *layer.padding, *layer.dilation, layer.stride_d)
    if layer.transposed:
        shape += (1, *layer.output_padding, layer.output_padding_d)
    densities = (layer.density.iact, layer.density.weight, layer.effectual_fraction or 0.0)
    return SeedSequence([seed, *shape, *layer.padding_d, *(round(d * 2**53) for d in densities)]).spawn(5)


def _beta(rng: Generator, operand: _Operand, spread: float, other: NDArray[Any], correlation: float) -> Floats:
    """Return densities of the channels from a Beta distribution, their mean exact, in ranks correlated with `other`."""
    mean, n = operand.density, operand.channels
    if not 0.0 < mean < 1.0:
        return np.full(n, mean)
    spread = min(spread, WIDEST * math.sqrt(mean * (1 - mean)))
    size = mean * (1 - mean) / spread**2 - 1
    drawn = np.sort(rng.beta(mean * size, (1 - mean) * size, n))
    normal = np.empty(n)
    normal[np.lexsort((rng.random(n), other))] = np.sort(rng.standard_normal(n))
    normal = correlation * normal + math.sqrt(1 - correlation**2) * rng.standard_normal(n)
    densities = np.empty(n)
    densities[np.argsort(normal)] = drawn
    drawn_mean = float(densities.mean())
    if drawn_mean > mean:
        return densities * (mean / drawn_mean)
    return 1 - (1 - densities) * ((1 - mean) / (1 - drawn_mean))


def _packed(order: NDArray[Any], mean: float) -> Floats:
    """Return densities with that mean that are 1 where `order` is largest, else 0."""
    packed = np.empty(len(order))
    packed[np.argsort(-order, kind="stable")] = np.clip(mean * len(order) - np.arange(len(order)), 0.0, 1.0)
    return packed


def _blend(densities: Floats, extreme: Floats, gain: Floats, wanted: float) -> Floats:
    """Mix densities with an extreme of the same mean such that mean(gain x densities) is `wanted`, or nearest to it."""
    start = float(np.mean(gain * densities))
    missing, span = wanted - start, float(np.mean(gain * extreme)) - start
    if abs(missing) <= _TOLERANCE * wanted or abs(span) < 1e-9:  # near enough, or equal gains: nothing to choose
        return densities
    return densities + min(max(missing / span, 0.0), 1.0) * (extreme - densities)


def _iact_densities(rng: Generator, layer: Layer, iact: _Operand, weight: _Operand) -> Floats:
    """Return densities of iact channels: as spread as usual, or more where the effectual fraction asks for it."""
    densities = _beta(rng, iact, IACT_SPREAD, np.zeros(iact.channels), 0.0)
    inside = effectual_macs(layer, Pattern(), count_padding=False) / layer.macs
    if layer.effectual_fraction is None or not inside:
        return densities
    wanted = (layer.effectual_fraction - (1 - inside) * weight.density) / inside
    sign = 1 if wanted > iact.density * weight.density else -1
    columns = _packed(sign * densities, weight.density)
    if sign * (wanted - float(np.mean(columns * densities))) <= 0:
        return densities
    return _blend(densities, _packed(densities, iact.density), columns, wanted)


def weight_spread(density: float) -> float:
    """Standard deviation of the densities of weight columns, given their mean."""
    return WEIGHT_SPREAD * math.sqrt(density * (1 - density))


def _columns(rng: Generator, layer: Layer, weight: _Operand, met: Ints) -> Floats:
    """Return densities of weight columns, given the iacts that each tap of each channel meets."""
    gain = met.mean(axis=(1, 2, 3)) / (layer.N * layer.depth_out * layer.P * layer.Q)
    fraction = layer.effectual_fraction
    if fraction is None:
        return _beta(rng, weight, weight_spread(weight.density), gain, CORRELATION)
    mean = weight.density
    missing = fraction - float(gain.mean()) * mean
    spread = float(gain.std()) * weight_spread(mean)
    densities = _beta(
        rng, weight, weight_spread(mean), gain, min(max(missing / spread, -0.95), 0.95) if spread else 0.0
    )
    sign = 1 if fraction > float(np.mean(gain * densities)) else -1
    return _blend(densities, _packed(sign * gain, mean), gain, fraction)


def _swap(rng: Generator, layer: Layer, mask: Mask, met: Ints, target: int) -> None:
    """Move single weights of `mask` to other taps or channels, while that brings the effectual MACs nearer."""
    gains, filled = met.reshape(-1), _filled(layer, mask).reshape(-1)
    view = mask.reshape(layer.G, layer.M, layer.C, -1)
    taps = view.shape[3]
    for _ in range(_SWAPS):
        missing = target - int(np.vdot(gains, filled))
        if abs(missing) <= _TOLERANCE * target:
            return
        sources, free = np.flatnonzero(filled > 0), np.flatnonzero(filled < layer.M)
        if not len(sources) or not len(free):
            return
        free = free[np.argsort(gains[free], kind="stable")]
        after = np.searchsorted(gains[free], gains[sources] + missing)
        pairs = np.stack((np.minimum(after, len(free) - 1), np.maximum(after - 1, 0)))
        left = np.abs(missing + gains[sources] - gains[free[pairs]])
        best, source = divmod(int(left.argmin()), len(sources))
        if left[best, source] >= abs(missing):
            return
        for cell, old in ((int(sources[source]), 1), (int(free[pairs[best, source]]), 0)):
            group, channel = divmod(cell // taps, layer.C)
            filters = view[group, :, channel, cell % taps]
            filters[rng.choice(np.flatnonzero(filters == old))] = 1 - old
            filled[cell] += 1 - 2 * old


def _places(rng: Generator, counts: Ints, length: int) -> Mask:
    """Return rows of `length` with exactly so many ones each, at uniformly random places.

    The ones are where random keys are smallest.  Only the keys near the expected border are sorted.
    """
    mask = np.empty((len(counts), length), dtype=np.uint8)
    for start in range(0, len(counts), max(1, _CHUNK // length)):
        chunk = slice(start, start + max(1, _CHUNK // length))
        wanted = counts[chunk]
        keys = rng.integers(0, 1 << 32, size=(len(wanted), length), dtype=np.uint32)
        doubt = 5 * np.sqrt(wanted * (1 - wanted / length)) + 5
        if not _smallest(keys, wanted, doubt, mask[chunk]):
            _smallest(keys, wanted, np.full(len(wanted), float(length)), mask[chunk])
    return mask


def _smallest(keys: NDArray[np.uint32], wanted: Ints, doubt: Floats, mask: Mask) -> bool:
    """Mark the `wanted` smallest keys of every row; False if the border is not within `doubt` of its place."""
    rows, length = keys.shape
    low, high = (np.clip((wanted + d) * (2.0**32 / length), 0, 2**32 - 1).astype(np.uint32) for d in (-doubt, doubt))
    np.less(keys, low[:, None], out=mask.view(np.bool_))
    near = np.flatnonzero((keys - low[:, None]) <= (high - low)[:, None])
    row = near // length
    missing, available = wanted - np.count_nonzero(mask, axis=1), np.bincount(row, minlength=rows)
    if np.any(missing < 0) or np.any(missing > available):
        return False
    order = np.argsort((row << 32) | keys.reshape(-1)[near], kind="stable")
    rank = np.arange(len(row)) - np.repeat(np.cumsum(available) - available, available)
    mask.reshape(-1)[near[order[rank < np.repeat(missing, available)]]] = 1
    return True


def _values(rng: Generator, operand: _Operand, mask: Mask | None, bits: int) -> OperandValues:
    limit = max(1, 2 ** (min(bits, 16) - 1) - 1)
    kind: Any = np.int8 if bits <= 8 else np.int16
    if operand.reference:
        tensor = operand.tensor()
        whole = tensor.dtype.kind in "iu" and int(tensor.min()) >= -limit - 1 and int(tensor.max()) <= limit
        if whole and np.array_equal(tensor != 0, np.broadcast_to(np.uint8(1) if mask is None else mask, tensor.shape)):
            return tensor.astype(kind)
    drawn: NDArray[Any] = rng.integers(-limit, limit, size=operand.shape, dtype=kind)
    drawn += drawn >= 0
    if mask is not None:
        drawn *= mask.view(np.int8)
    return drawn


def _filled(layer: Layer, mask: Mask | None) -> Ints:
    """Count the non-zero weights of all filters [G x C, T, R, S] at every tap of every channel."""
    shape = (layer.G * layer.C, layer.T, layer.R, layer.S)
    if mask is None:
        return np.full(shape, layer.M, dtype=np.int64)
    parts = mask.reshape(layer.G, layer.M, -1)
    filled = np.zeros((layer.G, parts.shape[2]), dtype=np.int64)
    for start in range(0, layer.M, 255):  # as many as a byte counts
        filled += parts[:, start : start + 255].sum(axis=1, dtype=np.uint8)
    return filled.reshape(shape)


def _hits(layer: Layer) -> list[Floats]:
    """Return for depth, rows and columns which input (first index) some output reads through which tap (second)."""
    hits = []
    for outputs, taps, stride, dilation, size, before in (
        (layer.depth_out, layer.T, layer.stride_d, 1, layer.D, layer.padding_d[0]),
        (layer.P, layer.R, layer.stride[0], layer.dilation[0], layer.H, layer.padding[0]),
        (layer.Q, layer.S, layer.stride[1], layer.dilation[1], layer.W, layer.padding[2]),
    ):
        places, apart = np.arange(size)[:, None], np.arange(taps) * dilation
        if layer.transposed:
            output = places * stride + apart - before
            hits.append(((output >= 0) & (output < outputs)).astype(np.float64))
            continue
        inputs = places + before - apart
        hits.append(((inputs % stride == 0) & (inputs >= 0) & (inputs < outputs * stride)).astype(np.float64))
    return hits


def _met(layer: Layer, mask: Mask | None, count_padding: bool) -> Ints:
    """Count the non-zero iacts [G x C, T, R, S] that every tap of every channel meets over all outputs of a filter."""
    depth, rows, columns = _hits(layer)
    channels = layer.G * layer.C
    inside = layer.N * np.einsum("t,r,s->trs", depth.sum(axis=0), rows.sum(axis=0), columns.sum(axis=0))
    met = np.repeat(inside[None], channels, axis=0)
    if mask is not None:
        step = max(1, _CHUNK * channels // mask.size)
        for start in range(0, channels, step):
            by_row = (mask[:, start : start + step] @ columns).sum(axis=0)
            met[start : start + step] = np.einsum("cdrs,dt->ctrs", rows.T @ by_row, depth)
    if count_padding:
        met += layer.macs // (channels * layer.M * layer.T * layer.R * layer.S) - inside
    return met.astype(np.int64)
