"""Years, prices, links, worked out by hand."""

from __future__ import annotations

import pytest

from accelerator_sim.files.errors import UsageError
from accelerator_sim.footprint.bill import Range, Use, sending, year
from accelerator_sim.footprint.figures import load_figures


def test_a_year_by_hand() -> None:
    of = year(0.1, Use("usa", 1000, devices=10))
    kwh = 0.1 * 1000 * 10 * 365 / 3.6e6
    assert of.energy_kwh == Range(pytest.approx(kwh), pytest.approx(kwh))
    assert of.co2e_kg.low == pytest.approx(kwh * 0.3695)
    assert of.cost_usd is not None
    assert of.cost_usd.high == pytest.approx(kwh * 0.1648)


def test_a_data_centre_has_its_pue() -> None:
    of = year(0.1, Use("france", 1000), in_data_centre=True)
    assert of.energy_kwh.high / of.energy_kwh.low == pytest.approx(1.56 / 1.10)


def test_no_price_no_cost_unless_it_is_given() -> None:
    assert year(0.1, Use("france", 1)).cost_usd is None
    of = year(1.0, Use("france", 3.6e6 / 365, price=0.25)).cost_usd
    assert of is not None
    assert of.low == pytest.approx(0.25)


def test_sending_by_hand() -> None:
    of = sending("lte", 500_000, cloud_j=2.0)
    assert of.radio_j == Range(pytest.approx(2.7), pytest.approx(14.7))
    assert of.network_j == Range(187.0, 414.0)
    assert of.cloud_j == Range(pytest.approx(2.2), pytest.approx(3.12))
    assert of.total_j == Range(pytest.approx(2.7 + 187 + 2.2), pytest.approx(14.7 + 414 + 3.12))


def test_what_is_not_known_is_not_zero() -> None:
    of = sending("5g", 1_000_000)
    assert (of.radio_j, of.cloud_j) == (None, None)
    assert of.total_j == of.network_j == Range(37.0, 216.0)


def test_the_figures_of_the_reference() -> None:
    figures = load_figures()
    assert (figures.grids["world"].intensity, figures.grids["poland"].intensity) == (481.0, 661.9)
    # 0.03 kWh/GB is 108 J/MB; Huang et al.: 283.17 mW/Mbps x 5.6 + 132.9 mW over 5.6 Mb/s.
    assert figures.links["wifi"].network[0] == pytest.approx(0.03 * 3.6e6 / 1000)
    assert figures.links["wifi"].radio is not None
    assert figures.links["wifi"].radio[0] == pytest.approx((283.17 * 5.6 + 132.9) / 5.6 * 8 / 1000, rel=0.02)
    assert figures.links["lte"].radio is not None
    assert figures.links["lte"].radio[0] == pytest.approx((438.39 * 5.6 + 1288) / 5.6 * 8 / 1000, rel=0.02)
    assert all(grid.source for grid in figures.grids.values())


def test_unknown_names() -> None:
    with pytest.raises(UsageError, match=r"unknown grid 'frence'; did you mean 'france'\?; there are: world, usa"):
        year(1.0, Use("frence", 1))
    with pytest.raises(UsageError, match="unknown link 'lt'; did you mean 'lte'"):
        sending("lt", 1)
