"""The technology tables hold what `calibration/fit.py` finds, and few parameters explain what they are fitted to."""

from __future__ import annotations

import numpy as np
import pytest

from accelerator_sim.technology.technology import load_technology
from accelerator_sim.validation.validate import SeedRuns
from calibration.fit import PARAMETERS, Target, errors, fit, runs_of, targets

Fitted = tuple[list[Target], dict[tuple[str, str], SeedRuns]]
LARGEST = {"cmos65_8b": 0.02, "cmos65_16b": 0.06}
"""Largest residual: of three figures for two parameters, and of six for three."""


@pytest.fixture(scope="module", params=PARAMETERS)
def fitted(request: pytest.FixtureRequest) -> tuple[str, Fitted]:
    figures = targets(request.param)
    return request.param, (figures, runs_of(figures))


def test_the_table_holds_the_fit(fitted: tuple[str, Fitted]) -> None:
    name, (figures, runs) = fitted
    technology, parameters = load_technology(name), PARAMETERS[name]
    found = fit(technology, parameters, figures, runs)
    assert [p.get(technology) for p in parameters] == pytest.approx(found, rel=0.01)
    for parameter in parameters:
        assert parameter.get(parameter.put(technology, 1e-12)) == 1e-12


def test_no_more_parameters_than_figures_and_small_residuals(fitted: tuple[str, Fitted]) -> None:
    name, (figures, runs) = fitted
    technology, parameters = load_technology(name), PARAMETERS[name]
    assert len(parameters) <= len(figures)
    values = [p.get(technology) for p in parameters]
    assert np.abs(errors(technology, parameters, values, figures, runs)).max() < LARGEST[name]


def test_each_figure_from_the_others() -> None:
    """Cross-validation of the 8-bit table: three layers, two parameters; one left out is predicted within 5%."""
    name = "cmos65_8b"
    figures, technology, parameters = targets(name), load_technology(name), PARAMETERS[name]
    runs = runs_of(figures)
    assert len(figures) > len(parameters)
    for i, figure in enumerate(figures):
        rest = [f for k, f in enumerate(figures) if k != i]
        values = fit(technology, parameters, rest, runs)
        assert abs(errors(technology, parameters, values, [figure], runs)[0]) < 0.05
