"""Published gates, areas and shares: those that the area model is fitted to, and those that it is not.

Names: JSSC = Chen, Krishna, Emer, Sze, JSSC 52(1) 2017; JETCAS = Chen, Yang, Emer, Sze, IEEE JETCAS 9(2) 2019.
"""

from __future__ import annotations

import pytest

from accelerator_sim.technology.area import load_area_figures
from calibration.fit_area import FITTED, PARAMETERS, PREDICTED, areas, fit

FITTED_WITHIN = {
    "v1 logic, kgates": 0.03,
    "v2 logic, kgates": 0.03,
    "v1 core, mm2": 0.03,
    "v1 SPads of core": 0.08,
    "v1 GLB of core": 0.05,
    # The shares of the two chips pull apart: small SPads of v1 leave 65% for those of v2.
    "v2 SPads of PE": 0.11,
    "v2 PE over dense PE": 0.06,
}
"""Largest relative errors: totals are what a sweep compares, so they fit best; shares are rounded where published."""

PREDICTED_WITHIN = {
    "v2 NoC of all": 0.10,
    "v2 MACs of PE": 0.10,
    "v1 MACs of core": 0.35,  # an array multiplier; the share implies one of 0.7 times its cells
    "v2 logic over v1 at 192 PEs": 0.15,  # "about 2"; the dense PE has pads of 8 b without counts
    # Too little for sparsity and too much for two MACs a cycle (1.44, published 1.15); their product is what fits.
    "sparse PE over dense PE": 0.18,
    "v1 SRAM, KiB": 1e-9,
    "v2 SRAM, KiB": 1e-9,
}
"""Largest relative errors of what nothing is fitted to."""


def ours() -> dict[str, tuple[float, float]]:
    found = areas(load_area_figures())
    return {figure.name: (figure.ours(found), figure.published) for figure in (*FITTED, *PREDICTED)}


OURS = ours()


@pytest.mark.parametrize("name", FITTED_WITHIN)
def test_fitted(name: str) -> None:
    found, published = OURS[name]
    assert found == pytest.approx(published, rel=FITTED_WITHIN[name])


@pytest.mark.parametrize("name", PREDICTED_WITHIN)
def test_predicted(name: str) -> None:
    found, published = OURS[name]
    assert found == pytest.approx(published, rel=PREDICTED_WITHIN[name])


def test_the_mac_of_a_dense_pe_is_below_its_bound() -> None:
    found, bound = OURS["dense MAC of PE, less than"]
    assert found < bound


def test_every_figure_is_judged() -> None:
    assert OURS.keys() == FITTED_WITHIN.keys() | PREDICTED_WITHIN.keys() | {"dense MAC of PE, less than"}


def test_the_file_holds_the_fit_of_fewer_constants_than_figures() -> None:
    figures = load_area_figures()
    held = [getattr(getattr(figures, group), name).value for group, name in PARAMETERS]
    assert held == pytest.approx(list(fit(FITTED)), rel=0.01)
    assert len(PARAMETERS) < len(FITTED)
