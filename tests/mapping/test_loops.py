"""Windows and normal forms against listings of every input and every multiply-accumulate."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings

from accelerator_sim.mapping.loops import Window, loops_of
from accelerator_sim.workload.layer import Layer
from tests.oracles import naive
from tests.oracles.strategies import layers


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """One dimension of a sliding window, as a layer may have it."""
    taps, stride, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(1, 3))
    size, before, after = draw(st.integers(1, 20)), draw(st.integers(0, 6)), draw(st.integers(0, 6))
    extent = (taps - 1) * dilation + 1
    assume(extent <= size + before + after)
    return Window((size + before + after - extent) // stride + 1, taps, stride, dilation, size, before)


@settings(max_examples=400)
@given(windows(), st.integers(1, 25))
def test_inputs_of_tiles_and_runs(window: Window, number: int) -> None:
    blocks = min(number, window.outputs)
    assert window.touched(window.outputs, blocks) == naive.touched(window, window.outputs, blocks)
    assert window.fetched(number) == naive.fetched(window, number)
    assert window.touched_inside == naive.touched_inside(window)
    assert window.spanned_inside == sum(
        len({i for i in naive.window_inputs(window, [o]) if 0 <= i < window.size}) for o in range(window.outputs)
    )


@settings(max_examples=300)
@given(windows(), st.data())
def test_rows_streamed_to_strips(window: Window, data: st.DataObject) -> None:
    strips = data.draw(st.integers(1, window.outputs))
    taps = data.draw(st.integers(1, window.taps))
    assert window.streamed(window.outputs, strips, taps) == naive.streamed(window, window.outputs, strips, taps)


@settings(max_examples=300)
@given(layers(most_macs=10**9, largest=20))
def test_the_normal_form_keeps_work_psums_and_weights(layer: Layer) -> None:
    loops = loops_of(layer)
    assert loops.macs == layer.macs
    assert loops.weights == layer.weight_words
    assert loops.outputs == layer.oact_total_words
    if loops.positions:
        assert (loops.N, loops.P, loops.R, loops.S) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Layer("pointwise", "conv", N=2, M=8, C=4, H=5, W=7), (2 * 5 * 7, 4)),
        (Layer("patches", "conv", M=8, C=3, H=32, W=32, R=16, S=16, stride=(16, 16)), (4, 3 * 256)),
        (Layer("fc", "fc", N=3, M=10, C=16, H=2, W=2, R=2, S=2), (3, 64)),
        (Layer("gemm", "gemm", M=5, C=6, W=7), (7, 6)),
        (Layer("deep", "conv", M=2, C=3, H=4, W=4, D=5, T=2), (4 * 16, 6)),
    ],
)
def test_layers_without_a_sliding_window_are_positions(layer: Layer, expected: tuple[int, int]) -> None:
    loops = loops_of(layer)
    assert loops.positions
    assert expected == (loops.Q, loops.C)


def test_a_padded_or_overlapping_window_slides() -> None:
    assert not loops_of(Layer("conv", "conv", H=5, W=5, R=3, S=3)).positions
    assert not loops_of(Layer("conv", "conv", H=5, W=5, padding=(1, 0, 0, 0))).positions
    assert not loops_of(Layer("conv", "conv", H=6, W=6, R=3, S=3, stride=(3, 2))).positions
