from __future__ import annotations

import math

import pytest

from accelerator_sim.technology.scaling import INTERPOLATED, KNOWN_NODES, NOMINAL_V, POLYNOMIALS, energy_ratio

# Energy relative to 65 nm at 1.0 V, worked out from the printed polynomials (Stillmaker and Baas 2017).
AT_ONE_VOLT = {45: 0.764, 32: 0.484, 20: 0.192, 16: 0.152, 14: 0.122, 10: 0.103, 7: 0.083}
AT_NOMINAL = {45: 0.764, 32: 0.406, 20: 0.151, 16: 0.090, 14: 0.072, 10: 0.053, 7: 0.036}


@pytest.mark.parametrize("node", AT_ONE_VOLT)
def test_ratios_at_one_volt(node: int) -> None:
    assert energy_ratio(65, 1.0, node, 1.0) == pytest.approx(AT_ONE_VOLT[node], abs=6e-4)


@pytest.mark.parametrize("node", AT_NOMINAL)
def test_ratios_at_nominal_voltage(node: int) -> None:
    assert energy_ratio(65, 1.0, node, NOMINAL_V[node]) == pytest.approx(AT_NOMINAL[node], abs=6e-4)


def test_a_ratio_to_itself_is_one_and_the_way_back_is_the_inverse() -> None:
    assert energy_ratio(65, 1.0, 65, 1.0) == 1.0
    assert energy_ratio(65, 1.0, 7, 0.7) * energy_ratio(7, 0.7, 65, 1.0) == pytest.approx(1.0)


def test_28_nm_lies_on_the_log_log_line_between_32_and_20_nm() -> None:
    upper, lower = energy_ratio(65, 1.0, 32, 0.9), energy_ratio(65, 1.0, 20, 0.9)
    slope = math.log(upper / lower) / math.log(32 / 20)
    assert energy_ratio(65, 1.0, 28, 0.9) == pytest.approx(lower * (28 / 20) ** slope)


def test_less_voltage_costs_less_energy() -> None:
    for node in POLYNOMIALS:
        volts = [NOMINAL_V[node] * share for share in (0.75, 0.9, 1.0, 1.1)]
        ratios = [energy_ratio(65, 1.0, node, v) for v in volts]
        assert ratios == sorted(ratios)


def test_unknown_node_lists_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match=r"22 nm has no scaling polynomial; known nodes: 130, 90, 65, 45, 32, 28, 20, "
    ):
        energy_ratio(65, 1.0, 22, 0.9)
    assert set(KNOWN_NODES) == set(POLYNOMIALS) | set(INTERPOLATED)


def test_voltage_below_the_fit() -> None:
    with pytest.raises(ValueError, match=r"0\.5 V is below the range of the fit for 65 nm; at least 0\.59 V"):
        energy_ratio(65, 0.5, 45, 1.0)
