"""Dense phases: what a dilated or transposed layer is made of, against naive loops over the whole layer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

from accelerator_sim.simulation.operands import reference_outputs
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.pattern import draw, effectual_macs, values
from accelerator_sim.workload.phase_operands import phase_iacts, phase_weights, put_phase_outputs
from accelerator_sim.workload.phases import MOST_PHASES, PhaseLayer, dense_phases, is_dense, outputs_without_taps
from tests.oracles import loops
from tests.oracles.strategies import layers, spread_layers


def deconv(**fields: object) -> Layer:
    return Layer("up", "conv", **({"M": 2, "C": 3, "H": 5, "W": 5, "transposed": True} | fields))  # type: ignore[arg-type]


def spread_by_loops(layer: Layer, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The outputs of a layer by naive loops."""
    pads = [layer.padding_d, layer.padding[:2], layer.padding[2:]]
    strides, dilations = [layer.stride_d, *layer.stride], [1, *layer.dilation]
    if not layer.transposed:
        return loops.conv(x, w, strides, pads, dilations, layer.G)[0]
    extra = [layer.output_padding_d, *layer.output_padding]
    turned = w.reshape(layer.G, layer.M, *w.shape[1:]).swapaxes(1, 2).reshape(-1, layer.M, *w.shape[2:])
    return loops.conv_transpose(x, turned, strides, pads, dilations, extra, layer.G)[0]


@given(spread_layers(most_macs=600))
def test_the_reference_of_a_spread_layer_is_that_of_naive_loops(layer: Layer) -> None:
    operands = values(layer, draw(layer, 0), 0)
    made = reference_outputs(layer, operands.iact, operands.weight)
    wide = operands.iact.astype(np.int64), operands.weight.astype(np.int64)
    np.testing.assert_array_equal(made, spread_by_loops(layer, *wide))


@given(spread_layers())
def test_phases_make_up_the_layer_each_output_once(layer: Layer) -> None:
    pattern = draw(layer, 3)
    operands = values(layer, pattern, 3)
    whole = reference_outputs(layer, operands.iact, operands.weight)
    made, times = np.zeros_like(whole), np.zeros_like(whole)
    inside = met = 0
    for phase in dense_phases(layer):
        assert isinstance(phase, PhaseLayer)
        assert is_dense(phase)
        own = draw(phase, 3)
        of_phase = values(phase, own, 3)
        np.testing.assert_array_equal(of_phase.iact, phase_iacts(phase, operands.iact))
        np.testing.assert_array_equal(of_phase.weight, phase_weights(phase, operands.weight))
        outputs = reference_outputs(phase, of_phase.iact, of_phase.weight)
        put_phase_outputs(phase, outputs, made)
        one = np.zeros_like(times)
        put_phase_outputs(phase, np.ones_like(outputs), one)
        times += one
        inside += phase.inside_macs
        met += effectual_macs(phase, own, count_padding=False)
    np.testing.assert_array_equal(made, whole)
    assert times.max() <= 1
    assert int((times == 0).sum()) == outputs_without_taps(layer)
    assert inside == layer.inside_macs
    assert met == effectual_macs(layer, pattern, count_padding=False)


@given(layers())
def test_a_dense_layer_is_its_own_only_phase(layer: Layer) -> None:
    assert dense_phases(layer) == (layer,)
    assert outputs_without_taps(layer) == 0


@pytest.mark.parametrize(
    ("layer", "phases"),
    [
        (deconv(R=2, S=2, stride=(2, 2)), [(1, 8, 1, 1)]),
        (deconv(R=4, S=4, stride=(2, 2), padding=(1, 1, 1, 1)), [(1, 2, 2, 2)] * 4),
        (deconv(R=3, S=3, H=1, W=1), [(1, 18, 1, 1)]),
        (Layer("d", "conv", M=2, C=3, H=8, W=8, R=3, S=3, dilation=(2, 2), padding=(2, 2, 2, 2)), [(4, 2, 3, 3)]),
        (Layer("d", "conv", M=2, C=3, H=33, W=33, R=3, S=3, dilation=(36, 36), padding=(36,) * 4), [(1089, 2, 3, 3)]),
        (Layer("d", "conv", H=9, W=9, R=3, S=3, dilation=(2, 2), stride=(2, 2)), [(1, 1, 3, 3)]),
    ],
)  # fmt: skip
def test_images_filters_and_taps_of_phases(layer: Layer, phases: list[tuple[int, ...]]) -> None:
    assert [(phase.N, phase.M, phase.R, phase.S) for phase in dense_phases(layer)] == phases


def test_macs_of_a_transposed_layer_are_its_inputs_times_its_taps() -> None:
    layer = deconv(H=10, W=10, R=33, S=33, stride=(9, 9), padding=(12, 12, 12, 12))
    assert layer.macs == 10 * 10 * 33 * 33 * 2 * 3
    assert (layer.P, layer.Q) == (90, 90)
    assert sum(phase.macs for phase in dense_phases(layer)) == layer.macs


def test_names_of_phases() -> None:
    assert [phase.name for phase in dense_phases(deconv(R=2, S=2, stride=(2, 2)))] == ["up"]
    assert [phase.name for phase in dense_phases(deconv(R=3, S=2, stride=(2, 2)))] == ["up:1", "up:2"]


def test_too_many_phases_are_refused_by_name() -> None:
    layer = Layer("far", "conv", H=1, W=1 << 22, R=1, S=2, dilation=(1, 1 << 21))
    with pytest.raises(ValueError, match=f"layer far has 2,097,152 dense phases .* at most {MOST_PHASES:,}"):
        dense_phases(layer)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"padding": (9, 9, 0, 0), "R": 2, "S": 2}, "the transposed convolution has -12 output rows; at least 1"),
        ({"op": "fc"}, "fc cannot be transposed; only conv can"),
        ({"transposed": 1}, "transposed is 1; True or False is required"),
        ({"transposed": False, "output_padding": (1, 0)}, "output_padding is of transposed convolutions"),
        ({"output_padding": (0, -1)}, "output_padding is -1; it must be between 0"),
    ],
)
def test_transposed_layers_that_do_not_fit(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Layer("up", **({"op": "conv", "H": 5, "W": 5, "transposed": True} | fields))  # type: ignore[arg-type]


def test_a_transposed_layer_counts_its_outputs_and_inputs() -> None:
    layer = deconv(N=2, G=2, R=3, S=4, stride=(2, 3), output_padding=(1, 2))
    assert (layer.P, layer.Q) == (12, 18)
    assert layer.oact_total_words == 2 * 2 * 2 * 12 * 18
    assert layer.iact_total_words == math.prod((2, 2, 3, 5, 5))
