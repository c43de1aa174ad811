"""Masks and operands: exact counts, what they are correlated with, and what is taken from tensors."""

import itertools
import math
import re
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from accelerator_sim.files.errors import UsageError
from accelerator_sim.workload import pattern as module
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network_file import read_network
from accelerator_sim.workload.network_loader import load_network
from accelerator_sim.workload.pattern import Operands, Pattern, draw, effectual_macs, values, weight_spread
from tests.oracles.strategies import layers

SPARSE = [layer for layer in load_network("mobilenet_v1_0.5_128_sparse").layers if layer.is_mac]
ALEXNET = [layer for layer in load_network("alexnet_sparse").layers if layer.is_mac]
NARROW = Layer("x", "conv", M=3, C=2, H=4, W=5)


def conv(**fields: Any) -> Layer:
    return Layer("x", "conv", **fields)


def iacts(layer: Layer, pattern: Pattern) -> NDArray[np.uint8]:
    shape = (layer.N, layer.G * layer.C, layer.D, layer.H, layer.W)
    return np.ones(shape, np.uint8) if pattern.iact_mask is None else pattern.iact_mask


def weights(layer: Layer, pattern: Pattern) -> NDArray[np.uint8]:
    shape = (layer.G * layer.M, layer.C, layer.T, layer.R, layer.S)
    return np.ones(shape, np.uint8) if pattern.weight_mask is None else pattern.weight_mask


def channels(layer: Layer, pattern: Pattern) -> NDArray[np.float64]:
    """Density of every iact channel."""
    return iacts(layer, pattern).mean(axis=(0, 2, 3, 4))


def columns(layer: Layer, pattern: Pattern) -> NDArray[np.float64]:
    """Density of every weight column."""
    parts = weights(layer, pattern).reshape(layer.G, layer.M, layer.C, -1)
    return parts.mean(axis=(1, 3)).reshape(-1)


def count_by_loops(layer: Layer, pattern: Pattern, count_padding: bool) -> int:
    x, w, count = iacts(layer, pattern), weights(layer, pattern), 0
    outputs = itertools.product(range(layer.N), range(layer.depth_out), range(layer.P), range(layer.Q))
    taps = itertools.product(range(layer.C), range(layer.T), range(layer.R), range(layer.S))
    for (n, o, p, q), (c, t, r, s) in itertools.product(outputs, list(taps)):
        d = o * layer.stride_d - layer.padding_d[0] + t
        h = p * layer.stride[0] - layer.padding[0] + r * layer.dilation[0]
        v = q * layer.stride[1] - layer.padding[2] + s * layer.dilation[1]
        inside = 0 <= d < layer.D and 0 <= h < layer.H and 0 <= v < layer.W
        for g, m in itertools.product(range(layer.G), range(layer.M)):
            iact = x[n, g * layer.C + c, d, h, v] if inside else count_padding
            count += bool(iact) and bool(w[g * layer.M + m, c, t, r, s])
    return count


def same(one: Pattern, other: Pattern) -> bool:
    return np.array_equal(one.iact_mask, other.iact_mask) and np.array_equal(one.weight_mask, other.weight_mask)


# --- counting --------------------------------------------------------------------------------------------------------
@settings(max_examples=60)
@given(layers(), st.sampled_from(["channels", "uniform"]), st.booleans())
def test_effectual_macs_are_those_counted_one_by_one(layer: Layer, masks: Any, count_padding: bool) -> None:
    pattern = draw(layer, 7, masks)
    assert effectual_macs(layer, pattern, count_padding) == count_by_loops(layer, pattern, count_padding)


def test_effectual_macs_with_padding_in_depth() -> None:
    layer = conv(N=2, C=2, M=3, D=4, H=3, W=3, T=3, R=2, S=2, stride_d=2, padding_d=(1, 2), padding=(1, 0, 0, 1))
    layer = replace(layer, density=Density(0.5, 0.5))
    for count_padding in (False, True):
        pattern = draw(layer, 0)
        assert effectual_macs(layer, pattern, count_padding) == count_by_loops(layer, pattern, count_padding)


def test_all_macs_are_effectual_without_zeros() -> None:
    layer = conv(N=2, G=2, M=3, C=2, H=5, W=4, R=3, S=2, padding=(1, 1, 1, 1))
    assert effectual_macs(layer, Pattern(), count_padding=True) == layer.macs
    assert effectual_macs(layer, Pattern(), count_padding=False) < layer.macs


def test_counting_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = conv(N=2, M=300, C=5, H=6, W=6, R=3, S=3, density=Density(0.5, 0.5))
    pattern = draw(layer, 0)
    whole = effectual_macs(layer, pattern, count_padding=False)
    monkeypatch.setattr(module, "_CHUNK", 100)
    assert effectual_macs(layer, pattern, count_padding=False) == whole == count_by_loops(layer, pattern, False)


# --- drawing ---------------------------------------------------------------------------------------------------------
@given(layers(), st.sampled_from(["channels", "uniform"]), st.integers(0, 5))
def test_masks_have_the_shape_and_the_exact_count(layer: Layer, masks: Any, seed: int) -> None:
    pattern = draw(layer, seed, masks)
    least = layer.effectual_fraction or 0.0
    for mask, dense, density in (
        (pattern.iact_mask, iacts(layer, Pattern()), layer.density.iact),
        (pattern.weight_mask, weights(layer, Pattern()), layer.density.weight),
    ):
        count = dense.size if mask is None else np.count_nonzero(mask)
        assert count == pytest.approx(max(density, least) * dense.size, abs=0.5 + 1e-9)
        if mask is not None:
            assert (mask.shape, mask.dtype, mask.max(initial=0) <= 1) == (dense.shape, np.uint8, True)
            assert not mask.all()


def test_no_mask_without_zeros() -> None:
    profile = replace(NARROW, density=Density(profile_iact=(1.0, 1.0), profile_weight=(1.0, 1.0)))
    for layer, masks in itertools.product((NARROW, profile), ("channels", "uniform")):
        pattern = draw(layer, 0, masks)
        assert (pattern.iact_mask, pattern.weight_mask) == (None, None)


def test_no_values_but_zeros() -> None:
    pattern = draw(replace(NARROW, density=Density(0.0, 0.0)), 0)
    assert (iacts(NARROW, pattern).sum(), weights(NARROW, pattern).sum()) == (0, 0)


def test_masks_follow_seed_shape_and_densities_but_not_the_name() -> None:
    layer = conv(M=20, C=20, H=8, W=8, density=Density(0.5, 0.5))
    first = draw(layer, 3)
    assert same(first, draw(replace(layer, name="other", density=Density(0.5, 0.5, 0.1, "elsewhere")), 3))
    assert not same(first, draw(layer, 4))
    assert not same(first, draw(layer, 3, "uniform"))
    other = draw(conv(M=20, C=20, H=8, W=8, R=1, S=1, padding=(0, 0, 0, 1), density=Density(0.5, 0.5)), 3)
    assert not np.array_equal(other.iact_mask, first.iact_mask)


def test_masks_stay_as_they_are() -> None:
    """On every platform; a new version of numpy may change them, and should be noticed."""
    pattern = draw(conv(M=2, C=2, H=4, W=4, density=Density(0.5, 0.5)), 0)
    bits = [np.packbits(mask).tobytes().hex() for mask in (iacts(NARROW, pattern), weights(NARROW, pattern))]
    assert bits == ["feff0020", "90"]


@pytest.mark.parametrize("mean", [0.02, 0.25, 0.6, 0.95])
def test_channels_are_spread_and_correlated(mean: float) -> None:
    layer = conv(M=128, C=512, H=16, W=16, density=Density(mean, 0.5))
    drawn = [draw(layer, seed) for seed in range(4)]
    spread = np.mean([channels(layer, p).std() for p in drawn])
    assert spread == pytest.approx(min(0.35, 0.9 * math.sqrt(mean * (1 - mean))), rel=0.15)
    assert np.mean([columns(layer, p).std() for p in drawn]) == pytest.approx(weight_spread(0.5), rel=0.15)
    if 0.2 < mean < 0.8:
        both = [np.corrcoef(channels(layer, p), columns(layer, p))[0, 1] for p in drawn]
        assert np.mean(both) == pytest.approx(0.42, abs=0.07)


def test_uniform_masks_have_no_channels() -> None:
    layer = conv(M=128, C=512, H=16, W=16, density=Density(0.6, 0.5))
    pattern = draw(layer, 0, "uniform")
    assert channels(layer, pattern).std() == pytest.approx(math.sqrt(0.6 * 0.4 / 256), rel=0.15)
    assert abs(np.corrcoef(channels(layer, pattern), columns(layer, pattern))[0, 1]) < 0.15
    assert effectual_macs(layer, pattern, False) == pytest.approx(0.3 * layer.macs, rel=0.01)


def test_a_profile_is_exact() -> None:
    density = Density(iact=0.5, weight=0.4, profile_iact=(0.25, 0.75), profile_weight=(1.0, 1 / 3))
    for masks in ("channels", "uniform"):
        pattern = draw(replace(NARROW, N=3, density=density), 1, masks)
        assert channels(NARROW, pattern).tolist() == [0.25, 0.75]
        assert columns(NARROW, pattern).tolist() == [1.0, 1 / 3]


@pytest.mark.parametrize("given_profile", ["iact", "weight"])
def test_the_other_operand_is_correlated_with_a_profile(given_profile: str) -> None:
    profile = tuple(i / 511 for i in range(512))
    layer = conv(M=128, C=512, H=16, W=16, density=Density(0.5, 0.5, **{f"profile_{given_profile}": profile}))
    pattern = draw(layer, 0)
    assert 0.3 < np.corrcoef(channels(layer, pattern), columns(layer, pattern))[0, 1] < 0.55


def test_one_position_a_channel() -> None:
    layer = Layer("x", "fc", C=512, M=100, density=Density(0.4318, 0.5))
    pattern = draw(layer, 0)
    assert sorted(set(channels(layer, pattern))) == [0, 1]
    assert iacts(layer, pattern).sum() == 221


def test_the_second_operand_of_a_matmul_is_drawn_as_weights() -> None:
    layer = Layer("x", "matmul", G=3, C=8, M=16, W=10, density=Density(0.5, 0.25))
    pattern = draw(layer, 0)
    assert weights(layer, pattern).shape == (48, 8, 1, 1, 1)
    assert weights(layer, pattern).sum() == 96


@pytest.mark.parametrize("chunk", [1 << 22, 7])
def test_every_place_is_equally_likely(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", chunk)
    rng = np.random.default_rng(0)
    rows = module._places(rng, np.full(12_000, 2), 5)
    found = Counter(tuple(np.flatnonzero(row)) for row in rows)
    assert set(found) == set(itertools.combinations(range(5), 2))
    assert all(1050 < count < 1350 for count in found.values())


def test_places_far_from_where_they_are_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    smallest, tried = module._smallest, []

    def doubtless(keys: Any, wanted: Any, doubt: Any, mask: Any) -> bool:
        tried.append(smallest(keys, wanted, doubt * (0.01 if not tried else 1), mask))
        return tried[-1]

    monkeypatch.setattr(module, "_smallest", doubtless)
    counts = np.arange(0, 1001, 10)
    rows = module._places(np.random.default_rng(0), counts, 1000)
    assert tried == [False, True]
    assert rows.sum(axis=1).tolist() == counts.tolist()


# --- published effectual fractions -----------------------------------------------------------------------------------
@pytest.mark.parametrize("layer", SPARSE, ids=lambda layer: layer.name)
def test_sparse_mobilenet_has_its_effectual_fractions(layer: Layer) -> None:
    assert layer.effectual_fraction is not None
    for seed in range(5):
        pattern = draw(layer, seed)
        assert effectual_macs(layer, pattern, True) == pytest.approx(layer.effectual_fraction * layer.macs, rel=1e-3)
        if layer.name != "DW11":
            assert iacts(layer, pattern).mean() == pytest.approx(layer.density.iact, abs=0.5 / layer.iact_total_words)
            assert weights(layer, pattern).mean() == pytest.approx(layer.density.weight, abs=0.5 / layer.weight_words)


def test_a_fraction_that_takes_no_notice_of_zeros() -> None:
    (layer,) = (layer for layer in SPARSE if layer.name == "DW11")
    for masks in ("channels", "uniform"):
        pattern = draw(layer, 0, masks)
        assert (pattern.iact_mask, pattern.weight_mask) == (None, None)


def test_columns_without_an_effect_keep_their_spread() -> None:
    (layer,) = (layer for layer in SPARSE if layer.name == "DW4")
    assert columns(layer, draw(layer, 0)).std() > 0.5 * weight_spread(layer.density.weight)


@pytest.mark.parametrize("fraction", [0.14, 0.2, 0.25, 0.3, 0.38, 0.46, 0.499])
@pytest.mark.parametrize("op", ["conv", "fc", "grouped", "padded"])
def test_any_possible_fraction_is_reached(op: str, fraction: float) -> None:
    layer = {
        "conv": conv(M=32, C=96, H=12, W=12),
        "fc": Layer("x", "fc", C=256, M=64),
        "grouped": conv(G=4, M=16, C=24, H=9, W=9, R=3, S=3, stride=(2, 2)),
        "padded": conv(M=32, C=96, H=12, W=12, R=3, S=3, padding=(1, 1, 1, 1)),
    }[op]
    if op == "padded":
        fraction = max(fraction, 0.16)  # padding counts as work: no less is possible
    layer = replace(layer, density=Density(0.5, 0.6), effectual_fraction=fraction)
    for seed in range(2):
        pattern = draw(layer, seed)
        assert effectual_macs(layer, pattern, True) == pytest.approx(fraction * layer.macs, rel=0.01)
        assert iacts(layer, pattern).mean() == pytest.approx(0.5, abs=1e-3)
        assert weights(layer, pattern).mean() == pytest.approx(0.6, abs=1e-3)


def test_iacts_become_binary_only_where_a_fraction_asks_for_it() -> None:
    layer = conv(M=32, C=96, H=12, W=12, density=Density(0.5, 0.6))
    usual = draw(replace(layer, effectual_fraction=0.33), 0)
    assert channels(layer, usual).std() == pytest.approx(0.35, rel=0.2)
    extreme = draw(replace(layer, effectual_fraction=0.5), 0)
    assert set(channels(layer, extreme)) == {0.0, 1.0}


def test_a_fraction_above_a_density_raises_it() -> None:
    layer = conv(M=32, C=100, H=10, W=10, density=Density(0.3, 0.95), effectual_fraction=0.8)
    pattern = draw(layer, 0)
    assert iacts(layer, pattern).mean() == pytest.approx(0.8)
    assert weights(layer, pattern).mean() == pytest.approx(0.95)
    assert effectual_macs(layer, pattern, True) == pytest.approx(0.8 * layer.macs, rel=0.01)


def test_a_fraction_that_is_out_of_reach_is_approached() -> None:
    layer = conv(M=32, C=100, H=10, W=10, density=Density(0.9, 0.9), effectual_fraction=0.5)
    pattern = draw(layer, 0)
    assert effectual_macs(layer, pattern, True) == pytest.approx(0.8 * layer.macs, rel=0.01)


def test_windows_that_see_padding_only() -> None:
    layer = conv(M=4, C=4, stride=(2, 2), padding=(1, 1, 0, 0), density=Density(0.5, 0.5), effectual_fraction=0.25)
    pattern = draw(layer, 0)
    assert effectual_macs(layer, pattern, False) == 0
    assert effectual_macs(layer, pattern, True) == 16


# --- tensors ---------------------------------------------------------------------------------------------------------
def with_tensors(folder: Path, layer: Layer, **tensors: NDArray[Any]) -> Layer:
    """The layer with densities that refer to tensors in a file."""
    np.savez(folder / "x.npz", **tensors)
    found = {
        **{what: float((tensor != 0).mean()) for what, tensor in tensors.items()},
        **{f"tensor_{what}": (str(folder / "x.npz"), what) for what in tensors},
    }
    return replace(layer, density=Density(**found))


X = (np.arange(40).reshape(2, 4, 5) % 3).astype(np.int8)
W = (np.arange(6).reshape(3, 2) % 4).astype(np.int8)


@pytest.mark.parametrize("shape", [(2, 4, 5), (1, 2, 4, 5), (1, 2, 1, 4, 5), (1, 1, 1, 2, 4, 5)])
@pytest.mark.parametrize("masks", ["channels", "uniform"])
def test_masks_of_tensors(shape: tuple[int, ...], masks: Any, tmp_path: Path) -> None:
    layer = with_tensors(tmp_path, NARROW, iact=X.reshape(shape), weight=W)
    pattern = draw(layer, 0, masks)
    assert np.array_equal(iacts(layer, pattern)[0, :, 0], X != 0)
    assert np.array_equal(weights(layer, pattern)[:, :, 0, 0, 0], W != 0)
    operands = values(layer, pattern, 0)
    assert np.array_equal(operands.iact[0, :, 0], X)
    assert np.array_equal(operands.weight[:, :, 0, 0, 0], W)


def test_tensors_of_a_network_file(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    (tmp_path / "net.yaml").write_text(
        "name: n\nsource: s\nlayers:\n"
        "  - {name: a, op: conv, C: 2, M: 3, H: 4, W: 5, kernel: 1, density: {iact: {file: x.npy}}}\n"
    )
    layer = read_network(tmp_path / "net.yaml").layers[0]
    assert np.array_equal(values(layer, draw(layer, 0), 0).iact[0, :, 0], X)


def test_a_tensor_without_zeros_needs_no_mask(tmp_path: Path) -> None:
    layer = with_tensors(tmp_path, NARROW, iact=np.full((2, 4, 5), 7))
    pattern = draw(layer, 0)
    assert pattern.iact_mask is None
    assert set(values(layer, pattern, 0).iact.reshape(-1)) == {7}


def test_a_batch_repeats_a_tensor(tmp_path: Path) -> None:
    layer = with_tensors(tmp_path, replace(NARROW, N=5), iact=np.stack((X, X[::-1])), weight=W)
    pattern = draw(layer, 0)
    for n in range(5):
        assert np.array_equal(iacts(layer, pattern)[n, :, 0], (X if n % 2 == 0 else X[::-1]) != 0)


def test_a_batch_repeats_the_pairs_of_a_matmul(tmp_path: Path) -> None:
    layer = Layer("x", "matmul", G=2, C=3, M=4, W=5)
    x, w = np.arange(30).reshape(2, 3, 5) % 2, np.arange(24).reshape(2, 4, 3) % 3
    layer = with_tensors(tmp_path, layer, iact=x.reshape(6, 5), weight=w.reshape(8, 3)).with_batch(3)
    pattern = draw(layer, 0)
    assert np.array_equal(iacts(layer, pattern).reshape(3, 2, 3, 5), np.stack([x != 0] * 3))
    assert np.array_equal(weights(layer, pattern).reshape(3, 2, 4, 3), np.stack([w != 0] * 3))


def test_weights_drawn_for_a_tensor_of_iacts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.random((64, 10, 10)) < rng.random((64, 1, 1))
    layer = with_tensors(tmp_path, conv(M=32, C=64, H=10, W=10), iact=x)
    layer = replace(layer, density=replace(layer.density, weight=0.5), effectual_fraction=0.3)
    pattern = draw(layer, 0)
    assert np.array_equal(iacts(layer, pattern)[0, :, 0], x)
    assert effectual_macs(layer, pattern, True) == pytest.approx(0.3 * layer.macs, rel=0.01)


@pytest.mark.parametrize(
    ("tensor", "found"),
    [
        (np.ones((2, 5, 4)), "2 x 5 x 4"),
        (np.ones((2, 2, 4, 5)), "2 x 2 x 4 x 5"),
        (np.ones((2, 4)), "2 x 4"),
        (np.ones((4, 2, 5, 2)), "4 x 2 x 5 x 2"),
        (np.array(1), "one number"),
    ],
)
def test_a_tensor_that_does_not_fit(tensor: NDArray[Any], found: str, tmp_path: Path) -> None:
    layer = with_tensors(tmp_path, NARROW, iact=tensor)
    wanted = "the iacts of layer x are 1 x 2 x 1 x 4 x 5 (a 1 may be left out)"
    message = f"{str(tmp_path / 'x.npz')!r} holds a tensor of {found}; {wanted}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        draw(layer, 0)


def test_weights_are_not_repeated(tmp_path: Path) -> None:
    layer = with_tensors(tmp_path, replace(NARROW, M=6), weight=W)
    with pytest.raises(ValueError, match="holds a tensor of 3 x 2; the weights of layer x are 6 x 2 x 1 x 1 x 1"):
        draw(layer, 0)


def test_pairs_of_a_matmul_are_whole(tmp_path: Path) -> None:
    layer = with_tensors(tmp_path, Layer("x", "matmul", G=4, C=3, M=4, W=5), weight=np.ones((6, 3)))
    with pytest.raises(ValueError, match="holds a tensor of 6 x 3; the weights of layer x are 16 x 3 x 1 x 1 x 1"):
        draw(layer, 0)


def test_a_tensor_that_is_gone(tmp_path: Path) -> None:
    layer = with_tensors(tmp_path, NARROW, weight=W)
    (tmp_path / "x.npz").unlink()
    with pytest.raises(ValueError, match="no such tensor file"):
        draw(layer, 0)


# --- values ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("bits", "limit", "kind"),
    [(1, 1, np.int8), (2, 1, np.int8), (4, 7, np.int8), (8, 127, np.int8), (9, 255, np.int16), (16, 32767, np.int16),
     (32, 32767, np.int16)],
)  # fmt: skip
def test_values_are_non_zero_and_in_range(bits: int, limit: int, kind: Any) -> None:
    layer = conv(M=300, C=300, H=20, W=20, density=Density(0.5, 0.5))
    for pattern in (draw(layer, 0), Pattern()):
        operands = values(layer, pattern, 0, iact_bits=bits, weight_bits=bits)
        for tensor, mask in ((operands.iact, iacts(layer, pattern)), (operands.weight, weights(layer, pattern))):
            assert (tensor.dtype, tensor.shape) == (kind, mask.shape)
            assert np.array_equal(tensor != 0, mask)
            assert -limit <= tensor.min() < -0.9 * limit
            assert 0.9 * limit < tensor.max() <= limit


def test_values_follow_the_seed() -> None:
    def drawn(seed: int, name: str) -> Operands:
        return values(replace(NARROW, name=name), Pattern(), seed)

    assert np.array_equal(drawn(0, "a").iact, drawn(0, "b").iact)
    assert not np.array_equal(drawn(0, "a").iact, drawn(1, "a").iact)
    assert not np.array_equal(drawn(0, "a").weight, drawn(1, "a").weight)


@pytest.mark.parametrize("tensor", [X * 0.5, X != 0, X.astype(np.int32) * 100, X.astype(np.uint64) << 40])
def test_tensors_that_are_only_masks(tensor: NDArray[Any], tmp_path: Path) -> None:
    layer = with_tensors(tmp_path, NARROW, iact=tensor)
    found = values(layer, draw(layer, 0), 0).iact[0, :, 0]
    assert np.array_equal(found != 0, tensor != 0)
    assert len(np.unique(found)) > 5


def test_a_tensor_gives_values_only_to_its_own_mask(tmp_path: Path) -> None:
    layer = with_tensors(tmp_path, NARROW, iact=X)
    assert values(layer, Pattern(), 0).iact.all()


def test_a_wider_tensor_fits_wider_operands(tmp_path: Path) -> None:
    wide = X.astype(np.int64) * -16384
    layer = with_tensors(tmp_path, NARROW, iact=wide)
    assert np.array_equal(values(layer, draw(layer, 0), 0, iact_bits=16).iact[0, :, 0], wide)


# --- refusals, speed -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("layer", "seed", "masks", "message"),
    [
        (NARROW, 0, "channel", "masks is 'channel'; allowed: channels, uniform"),
        (NARROW, -1, "channels", "seed is -1; a whole number from 0 to 9223372036854775807 is required"),
        (Layer("p", "pool", iact_words=1), 0, "channels",
         "layer p (pool) has no multiply-accumulates to draw operands for"),
        (Layer("x", "gemm", M=50_000, C=50_000, density=Density(weight=0.5)), 0, "channels",
         "layer x has 2500000000 weights; masks are drawn for no more than 1000000000 words"),
        (Layer("x", "gemm", W=50_000, C=50_000, density=Density(iact=0.5)), 0, "uniform",
         "layer x has 2500000000 iacts; masks are drawn for no more than 1000000000 words"),
    ],
)  # fmt: skip
def test_messages(layer: Layer, seed: int, masks: Any, message: str) -> None:
    with pytest.raises((ValueError, UsageError), match=f"^{re.escape(message)}"):
        draw(layer, seed, masks)


@pytest.mark.slow
def test_drawing_is_fast() -> None:
    """Several times what is measured, for slow machines."""
    start = time.perf_counter()
    for layer in SPARSE:
        draw(layer, 0)
    assert time.perf_counter() - start < 0.25
    start = time.perf_counter()
    for layer in ALEXNET:
        draw(layer, 0)
    assert time.perf_counter() - start < 2.0


@pytest.mark.slow
def test_counting_is_fast() -> None:
    networks = [layer for layer in load_network("vgg16").layers if layer.is_mac]
    layer = replace(max(networks, key=lambda layer: layer.iact_total_words), density=Density(0.5, 0.5))
    pattern = draw(layer, 0)
    start = time.perf_counter()
    effectual_macs(layer, pattern, count_padding=False)
    assert time.perf_counter() - start < 0.2
