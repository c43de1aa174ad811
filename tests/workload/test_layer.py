"""Shapes, counts and refusals of layers."""

import itertools
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from accelerator_sim.workload.layer import Density, Layer, taps_inside


def conv(**sizes: Any) -> Layer:
    return Layer("x", "conv", **sizes)


def test_alexnet_conv2() -> None:
    layer = conv(G=2, M=128, C=48, H=27, W=27, R=5, S=5, padding=(2, 2, 2, 2))
    assert (layer.P, layer.Q, layer.macs) == (27, 27, 223_948_800)
    assert (layer.weight_words, layer.iact_total_words, layer.oact_total_words) == (307_200, 69_984, 186_624)


def test_asymmetric_padding_stride_and_dilation() -> None:
    layer = conv(H=10, W=9, R=3, S=2, stride=(2, 3), padding=(0, 1, 1, 0), dilation=(2, 3))
    assert (layer.P, layer.Q) == ((11 - 5) // 2 + 1, (10 - 4) // 3 + 1)


def test_fc() -> None:
    layer = Layer("x", "fc", M=10, C=4, H=6, W=6, R=6, S=6)
    assert (layer.P, layer.Q, layer.macs, layer.weight_words) == (1, 1, 1440, 1440)


def test_gemm() -> None:
    layer = Layer("x", "gemm", M=10, C=4, W=7)
    assert (layer.macs, layer.weight_words, layer.iact_total_words, layer.oact_total_words) == (280, 40, 28, 70)


def test_matmul_batches_both_operands() -> None:
    layer = Layer("x", "matmul", G=12, M=10, C=4, W=7).with_batch(3)
    assert (layer.G, layer.N) == (36, 1)
    assert (layer.macs, layer.weight_words) == (36 * 280, 36 * 40)


def test_matmul_batches_its_profile() -> None:
    layer = Layer("x", "matmul", C=2, density=Density(iact=0.5, profile_iact=(0.25, 0.75)))
    assert layer.with_batch(2).density.profile_iact == (0.25, 0.75, 0.25, 0.75)


@pytest.mark.parametrize("op", ["conv", "fc", "gemm"])
def test_weights_are_shared_in_a_batch(op: str) -> None:
    layer = Layer("x", op, M=10, C=4)
    batch = layer.with_batch(3)
    assert (batch.N, batch.weight_words, batch.macs) == (3, layer.weight_words, 3 * layer.macs)


def test_traffic_only() -> None:
    layer = Layer("x", "add", iact_words=20, oact_words=10)
    assert not layer.is_mac
    assert (layer.macs, layer.effectual_macs, layer.weight_words) == (0, 0, 0)
    assert (layer.iact_total_words, layer.oact_total_words) == (20, 10)
    assert (layer.with_batch(3).iact_words, layer.with_batch(3).oact_words) == (60, 30)


def test_3d_convolution() -> None:
    layer = conv(M=2, C=3, H=5, W=5, R=3, S=3, D=8, T=3, stride_d=2, padding_d=(1, 1))
    assert layer.depth_out == 4
    assert layer.macs == 2 * 3 * 4 * 3 * 3 * 3 * 3 * 3
    assert (layer.weight_words, layer.iact_total_words, layer.oact_total_words) == (162, 600, 72)


def test_effectual_macs() -> None:
    layer = conv(M=10, C=10, H=10, W=10, density=Density(iact=0.5, weight=0.25))
    assert layer.effectual_macs == 1250
    assert replace(layer, effectual_fraction=0.2).effectual_macs == 2000


def test_density_without_figures_says_so() -> None:
    assert Density().source == "assumed dense"


@given(st.data())
def test_counts_are_those_of_the_loops(data: st.DataObject) -> None:
    small = st.integers(1, 4)
    h, w, r, s, stride, dilation = (data.draw(small) for _ in range(6))
    padding = (data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2)), 0, 1)
    assume((r - 1) * dilation < h + padding[0] + padding[1] and (s - 1) * dilation < w + 1)
    layer = conv(H=h, W=w, R=r, S=s, stride=(stride, stride), padding=padding, dilation=(dilation, dilation))
    rows = [y for y in range(0, 99, stride) if y + (r - 1) * dilation < h + padding[0] + padding[1]]
    columns = [x for x in range(0, 99, stride) if x + (s - 1) * dilation < w + 1]
    assert len(rows) == layer.P
    assert len(columns) == layer.Q
    assert layer.macs == len(list(itertools.product(rows, columns, range(r), range(s))))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Layer("x", "cnov"), "unknown op 'cnov'; allowed: conv, fc"),
        (lambda: conv(M=0), "M is 0; it must be between 1 and 2147483648"),
        (lambda: conv(C=2**31 + 1), "C is 2147483649; it must be"),
        (lambda: conv(stride=(0, 1)), "stride is 0"),
        (lambda: conv(padding=(-1, 0, 0, 0)), "padding is -1; it must be between 0"),
        (lambda: conv(H=3, R=4), "the filter spans 4 in filter rows, more than H with padding, which is 3"),
        (lambda: conv(W=3, S=2, dilation=(1, 4)), "the filter spans 5 in filter columns, more than W with padding"),
        (lambda: conv(T=2), "the filter spans 2 in depth taps, more than D with padding, which is 1"),
        (lambda: Layer("x", "fc", H=2, W=2), "fc has 2 x 2 outputs a filter; its filter must cover the input"),
        (lambda: Layer("x", "gemm", H=2), "gemm keeps its rows in W; H, R and S must be 1"),
        (lambda: conv(effectual_fraction=1.5), "effectual_fraction is 1.5; it must be between 0 and 1"),
        (lambda: Density(iact=1.5), "density of iact is 1.5; it must be between 0 and 1"),
        (lambda: Density(oact=float("nan")), "density of oact is nan"),
        (lambda: Density(profile_weight=(2.0,)), "density of weight is 2.0"),
        (
            lambda: conv(C=3, density=Density(profile_iact=(0.5, 0.5))),
            "the density profile of iact has 2 entries for 3 input channels",
        ),
        (lambda: conv(N=2**31, M=2**31, C=2), "MACs are more than the 4611686018427387904 that are counted"),
        (lambda: Layer("x", "pool"), "pool reads and writes nothing; give the words that it moves"),
        (lambda: Layer("x", "pool", iact_words=-1), "iact_words is -1; it must be between 0"),
        (lambda: conv().with_batch(0), "batch is 0; it must be at least 1"),
    ],
)
def test_messages(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        make()


def test_a_batch_that_is_too_large_is_refused_before_profiles_are_repeated() -> None:
    density = Density(profile_iact=(0.5,) * 8, profile_weight=(0.5,) * 8)
    layer = Layer("scores", "matmul", G=4, M=2, C=2, density=density)
    with pytest.raises(ValueError, match="G is 8589934592"):
        layer.with_batch(1 << 31)


@settings(max_examples=300)
@given(*(st.integers(1, most) for most in (12, 9, 6, 6, 15)), st.integers(0, 12))
def test_taps_inside(outputs: int, taps: int, stride: int, dilation: int, size: int, before: int) -> None:
    places = [o * stride + t * dilation - before for o in range(outputs) for t in range(taps)]
    assert taps_inside(outputs, taps, stride, dilation, size, before) == sum(0 <= place < size for place in places)


def test_a_filter_of_billions_of_taps_is_counted_at_once() -> None:
    assert taps_inside(1 << 30, 1 << 30, 1, 1, 1 << 31, 0) == 1 << 60


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"N": None}, "N is None; a whole number is required"),
        ({"M": 1.5}, "M is 1.5; a whole number"),
        ({"C": float("nan")}, "C is nan; a whole number"),
        ({"H": True}, "H is True; a whole number"),
        ({"R": 1 << 40}, "R is 1099511627776; it must be between 1"),
        ({"stride": (1,)}, "stride is (1,); a tuple of 2 whole numbers"),
        ({"padding": None}, "padding is None; a tuple of 4"),
        ({"padding_d": (0, 0.5)}, "padding_d is 0.5; a whole number"),
        ({"density": 0.5}, "density is 0.5; a value of the type Density"),
        ({"effectual_fraction": "half"}, "effectual_fraction is 'half'; a number"),
        ({"reads": "conv"}, "reads is 'conv'; a tuple"),
        ({"name": []}, "name is []; a text"),
    ],
)
def test_values_of_another_type_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Layer(**{"name": "a", "op": "conv", **given})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"iact": None}, "density of iact is None"),
        ({"weight": float("nan")}, "density of weight is nan"),
        ({"profile_iact": None}, "profile_iact is None; a tuple"),
        ({"profile_weight": (0.5, 1.5)}, "density of weight is 1.5"),
        ({"kept_channels": (4, 2)}, "kept_channels is (4, 2); N of M"),
        ({"source": 3}, "source is 3; a text"),
    ],
)
def test_densities_of_another_type_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Density(**given)


def test_sizes_of_numpy_are_whole_numbers_of_python() -> None:
    size: Any = np.int32(1 << 20)
    assert Layer("a", "conv", C=size, M=size).macs == 1 << 40
