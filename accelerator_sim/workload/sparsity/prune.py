"""Pruning by rule: which part of the weights of each layer is left, and where.

- magnitude:S - each layer keeps the largest 1 - S of its weights.
- erk:S - 1 - S of all weights are left, of each layer in proportion to (n_in + n_out + r + s) / (n_in n_out r s), as in
  RigL (Evci et al., ICML 2020); layers that would need more than all of theirs stay dense.
- lottery:K - K rounds of iterative magnitude pruning, each of which leaves 0.8 of what there is (Frankle and Carbin,
  ICLR 2019): the largest 0.8^K of all weights together.
- nm:N:M - of each M neighbouring input channels of a filter and tap, the largest N (NVIDIA's 2:4).

Real weights lose their smallest magnitudes.  Weights that are only drawn have none: a share of each layer is left, by
`lottery` as if they were normal with the standard deviation sqrt(2 / fan-in) of He et al. (ICCV 2015): assumed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accelerator_sim.files.errors import UsageError, did_you_mean
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.tensor_values import MODELS, weights_file

LEFT_A_ROUND = 0.8
_BINS = 1 << 16
_ALLOWED = "magnitude:0.9, erk:0.9, lottery:10 or nm:2:4"


@dataclass(frozen=True)
class PruningRule:
    """A parsed rule: its kind and its numbers."""

    kind: str
    numbers: tuple[float, ...]
    text: str


def parse_rule(text: str) -> PruningRule:
    """Read a rule such as "magnitude:0.9".  Raises UsageError, naming what is allowed."""
    kind, _, rest = text.partition(":")
    wanted = {"magnitude": 1, "erk": 1, "lottery": 1, "nm": 2}
    if kind not in wanted:
        raise UsageError(f"unknown pruning {text!r}{did_you_mean(kind, wanted)}; write {_ALLOWED}")
    try:
        numbers = tuple(float(word) for word in rest.split(":"))
    except ValueError:
        numbers = ()
    whole = kind in ("magnitude", "erk") or all(number == int(number) for number in numbers if math.isfinite(number))
    if len(numbers) != wanted[kind] or not all(map(math.isfinite, numbers)) or not whole:
        raise UsageError(f"pruning {text!r} cannot be read; write {_ALLOWED}")
    if kind in ("magnitude", "erk") and not 0.0 <= numbers[0] < 1.0:
        raise UsageError(f"pruning {text!r}: {numbers[0]:g} is not allowed; a share from 0 to less than 1 is required")
    if kind == "lottery" and not 0 <= numbers[0] <= 100:
        raise UsageError(f"pruning {text!r}: {numbers[0]:g} rounds are not allowed; 0 to 100 are")
    if kind == "nm" and not 1 <= numbers[0] <= numbers[1] <= 64:
        raise UsageError(f"pruning {text!r} is not allowed; N of M with 1 <= N <= M <= 64")
    return PruningRule(kind, numbers, text)


def prune(network: Network, rule: PruningRule) -> Network:
    """Return a network with pruned weights.  Products of activations have none and stay as they are."""
    pruned = [layer for layer in network.layers if prunable(layer)]
    if rule.kind == "nm":
        n, m = int(rule.numbers[0]), int(rule.numbers[1])
        changed = {layer.name: _structured(layer, n, m, rule) for layer in pruned}
    else:
        left = _SHARES[rule.kind](pruned, rule.numbers[0])
        limits = _limits(pruned, rule.numbers[0]) if rule.kind == "lottery" else [None] * len(pruned)
        changed = {
            layer.name: _thinned(layer, share, limit, rule)
            for layer, share, limit in zip(pruned, left, limits, strict=True)
        }
    notes = f"{network.notes} Pruned: {rule.text}.".strip()
    return replace(network, layers=tuple(changed.get(layer.name, layer) for layer in network.layers), notes=notes)


def prunable(layer: Layer) -> bool:
    """Whether a layer has weights."""
    return layer.is_mac and layer.op != "matmul"


# --- shares ----------------------------------------------------------------------------------------------------------
def _uniform(layers: Sequence[Layer], sparsity: float) -> list[float]:
    return [1.0 - sparsity] * len(layers)


def erk(layers: Sequence[Layer], sparsity: float) -> list[float]:
    """Return the density of each layer by the Erdos-Renyi-Kernel rule, all together 1 - sparsity."""
    sizes = [layer.weight_words for layer in layers]
    raw = [_erk_ratio(layer) for layer in layers]
    dense: set[int] = set()
    while True:
        left = (1.0 - sparsity) * sum(sizes) - sum(sizes[i] for i in dense)
        share = sum(raw[i] * sizes[i] for i in range(len(layers)) if i not in dense)
        if share <= 0:
            return [1.0] * len(layers)
        scale = max(left, 0.0) / share
        over = {i for i in range(len(layers)) if i not in dense and scale * raw[i] > 1.0}
        if not over:
            return [1.0 if i in dense else scale * raw[i] for i in range(len(layers))]
        dense.add(max(over, key=lambda i: raw[i]))


def _erk_ratio(layer: Layer) -> float:
    channels, filters = layer.C, layer.G * layer.M
    taps: tuple[int, ...] = (layer.R, layer.S)
    if layer.op in ("fc", "gemm"):
        channels, taps = layer.C * layer.R * layer.S, ()
    return (channels + filters + sum(taps)) / (channels * filters * math.prod(taps))


def _lottery(layers: Sequence[Layer], rounds: float) -> list[float]:
    """Return the density of each layer when the largest of all weights, normal by fan-in, are left."""
    wanted = LEFT_A_ROUND**rounds * sum(layer.weight_words for layer in layers)
    spreads = [math.sqrt(2.0 / (layer.C * layer.T * layer.R * layer.S)) for layer in layers]

    def left(limit: float) -> list[float]:
        return [math.erfc(limit / (spread * math.sqrt(2.0))) for spread in spreads]

    low, high = 0.0, 40.0
    for _ in range(200):
        middle = (low + high) / 2.0
        total = sum(share * layer.weight_words for share, layer in zip(left(middle), layers, strict=True))
        low, high = (middle, high) if total > wanted else (low, middle)
    return left(low)


_SHARES: dict[str, Callable[[Sequence[Layer], float], list[float]]] = {
    "magnitude": _uniform,
    "erk": erk,
    "lottery": _lottery,
}


# --- layers ----------------------------------------------------------------------------------------------------------
def _thinned(layer: Layer, share: float, limit: float | None, rule: PruningRule) -> Layer:
    """A layer with that share of its weights left; limit: the magnitude up to which real ones go, found if None."""
    reference = _real(layer)
    if reference is None:
        return _with(layer, min(layer.density.weight, share), rule, "drawn")
    import numpy as np

    from accelerator_sim.workload.onnx.weights import plain_weights

    path, held = reference
    if limit is None:
        magnitudes = np.abs(plain_weights(weights_file(path), held)).ravel()
        gone = magnitudes.size - round(share * magnitudes.size)
        limit = float(np.partition(magnitudes, gone - 1)[gone - 1]) if gone else 0.0
    return _with_real(layer, path, replace(held, threshold=limit), rule)


def _structured(layer: Layer, n: int, m: int, rule: PruningRule) -> Layer:
    reference = _real(layer)
    if reference is not None:
        path, held = reference
        return _with_real(layer, path, replace(held, keep=(n, m)), rule)
    whole, rest = divmod(layer.C, m)
    kept = whole * n + min(rest, -(-n * rest // m))
    share = kept / layer.C
    if layer.density.weight < share:
        return layer  # there are fewer than the rule leaves
    thinned = _with(layer, share, rule, "drawn")
    return replace(thinned, density=replace(thinned.density, kept_channels=(n, m)))


def _real(layer: Layer) -> tuple[Path, Any] | None:
    """The file and the reference of weights that a model holds."""
    held = layer.density.tensor_weight
    if held is None or not held[0].lower().endswith(MODELS):
        return None
    from accelerator_sim.workload.onnx.weights import Reference

    return Path(held[0]), Reference.parse(held[1])


def _limits(layers: Sequence[Layer], rounds: float) -> list[float | None]:
    """The magnitude that the largest 0.8^K of all real weights exceed; None where layers have none."""
    references = [_real(layer) for layer in layers]
    if not any(references):
        return [None] * len(layers)
    if not all(references):
        raise UsageError("lottery prunes all layers together, but only some have real weights; add --no-weights")
    import numpy as np

    from accelerator_sim.workload.onnx.weights import plain_weights

    edges = np.concatenate(([0.0], np.logspace(-12, 6, _BINS)))
    counts = np.zeros(_BINS, dtype=np.int64)
    for reference in references:
        assert reference is not None
        path, held = reference
        counts += np.histogram(np.abs(plain_weights(weights_file(path), held)), bins=edges)[0]
    below = np.cumsum(counts) / max(int(counts.sum()), 1)
    at = int(np.searchsorted(below, 1.0 - LEFT_A_ROUND**rounds))
    return [float(edges[at])] * len(layers)


def _with(layer: Layer, share: float, rule: PruningRule, how: str) -> Layer:
    source = f"{layer.density.source}; weights pruned by {rule.text}, {how}"
    density = replace(layer.density, weight=share, profile_weight=(), tensor_weight=None, source=source)
    return replace(layer, density=density, effectual_fraction=None)


def _with_real(layer: Layer, path: Path, reference: Any, rule: PruningRule) -> Layer:
    import numpy as np

    from accelerator_sim.workload.onnx.weights import read_weights

    key = reference.key()
    values = read_weights(weights_file(path), key)
    share = int(np.count_nonzero(values)) / max(values.size, 1)
    source = f"{layer.density.source}; pruned by {rule.text}"
    density = replace(layer.density, weight=share, profile_weight=(), tensor_weight=(str(path), key), source=source)
    return replace(layer, density=density, effectual_fraction=None)
