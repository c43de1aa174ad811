"""The fitted exponent."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from benchmarks.scaling import AXES, DENSE, exponent, scaled_row


@given(power=st.floats(-2.0, 3.0), factor=st.floats(1e-6, 1e3))
def test_the_exponent_of_a_power_is_found(power: float, factor: float) -> None:
    sizes = [16, 32, 64, 128, 256]
    assert exponent(sizes, [factor * size**power for size in sizes]) == pytest.approx(power, abs=1e-6)


def test_the_exponent_by_hand() -> None:
    assert exponent([1, 2, 4], [1.0, 2.0, 16.0]) == pytest.approx(2.0)  # logarithms to base 2: 0, 1, 4


@pytest.mark.parametrize(
    ("sizes", "seconds"), [([1, 2], [1.0]), ([2, 2], [1.0, 2.0]), ([1, 2], [0.0, 1.0]), ([0, 2], [1.0, 1.0]), ([], [])]
)
def test_what_no_power_fits_is_refused(sizes: list[float], seconds: list[float]) -> None:
    with pytest.raises(ValueError, match="no power fits"):
        exponent(sizes, seconds)


def test_a_row_has_its_ends_and_its_exponent() -> None:
    row = scaled_row("channels C", "dense", [16, 64], [0.001, 0.004])
    assert row == ("channels C", "dense", "16 to 64: 1.0 to 4.0 ms", "1.00")


def test_each_axis_varies_what_it_names() -> None:
    scaled = {axis.name: [axis.layer_of(DENSE, size) for size in axis.sizes] for axis in AXES}
    assert [layer.C for layer in scaled["channels C"]] == [16, 32, 64, 128, 256]
    assert [layer.M for layer in scaled["filters M"]] == [16, 32, 64, 128, 256]
    assert [layer.N for layer in scaled["images N"]] == [1, 2, 4, 8]
    assert [layer.density.weight for layer in scaled["density, %"]] == [0.05, 0.1, 0.2, 0.5, 0.9]
    positions = next(axis for axis in AXES if axis.name == "positions P x Q")
    assert [layer.P * layer.Q for layer in scaled["positions P x Q"]] == positions.amounts()
