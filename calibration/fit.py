"""Fits the entries of technology tables that nobody publishes, and says how well.

Run by hand: `python calibration/fit.py`.  The figures that a table is fitted to are those of `validation/published/`
that name it under `fitted`; they do not count as validation.  The parameters are few, physical, and the same for all
layers and networks.  Printed are the values (to be written into the table by hand), the residual of each figure, and
what each would be if it were left out of the fit; all other figures are prediction: `accelerator-sim validate` shows
them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from accelerator_sim.technology.technology import Action, Technology, load_technology
from accelerator_sim.validation.publications import Figure, load_publications
from accelerator_sim.validation.validate import CaseRuns, SeedRuns, ours, run_case

IDLE = 0.1
"""Clock energy of an idle PE over that of one in use (assumed in both tables)."""
ROUNDS = 12
STEP = 1e-4


def _clock(table: Technology, joules: float) -> Technology:
    active = table.clock.active.model_copy(update={"energy": joules})
    idle = table.clock.idle.model_copy(update={"energy": joules * IDLE})
    return table.model_copy(update={"clock": table.clock.model_copy(update={"active": active, "idle": idle})})


def _control(table: Technology, joules: float) -> Technology:
    control = table.mac.control.model_copy(update={"energy": joules})
    return table.model_copy(update={"mac": table.mac.model_copy(update={"control": control})})


def _glb(table: Technology, joules: float) -> Technology:
    def changed(action: Action) -> Action:
        return action.model_copy(update={"energy": joules})

    stores = {t: getattr(table.glb, t) for t in ("iact", "weight", "psum")}
    update = {
        t: store.model_copy(update={"read": changed(store.read), "write": changed(store.write)})
        for t, store in stores.items()
    }
    return table.model_copy(update={"glb": table.glb.model_copy(update=update)})


@dataclass(frozen=True)
class Parameter:
    """One entry of a table (and those that follow it)."""

    name: str
    put: Callable[[Technology, float], Technology]
    get: Callable[[Technology], float]


CLOCK = Parameter("clock.active", _clock, lambda table: table.clock.active.energy)
CONTROL = Parameter("mac.control", _control, lambda table: table.mac.control.energy)
GLB = Parameter("glb.*.read and write", _glb, lambda table: table.glb.iact.read.energy)

PARAMETERS: dict[str, tuple[Parameter, ...]] = {"cmos65_8b": (CLOCK, CONTROL), "cmos65_16b": (CLOCK, CONTROL, GLB)}
"""What is fitted of each table."""

Target = tuple[str, Figure]


def targets(technology: str) -> list[Target]:
    """The figures that a table is fitted to, one for each layer of several, with the names of their publications."""
    publications = load_publications()
    fitted = [(name, f) for name, p in publications.items() for f in p.figures if f.fitted == technology]
    return [(name, each) for name, figure in fitted for each in _by_layer(figure)]


def _by_layer(figure: Figure) -> list[Figure]:
    if figure.values is None:
        return [figure]
    return [
        figure.model_copy(update={"name": f"{figure.name}, {layer}", "values": None, "value": value, "layer": layer})
        for layer, value in figure.values.items()
    ]


def runs_of(figures: Sequence[Target]) -> dict[tuple[str, str], SeedRuns]:
    """The runs behind figures, with the first seed.  Cycles and counts do not depend on energies: made once."""
    publications = load_publications()
    wanted = {(name, figure.case) for name, figure in figures}
    return {(name, case): (run_case(case, publications[name].cases[case]),) for name, case in sorted(wanted)}


def fit(
    technology: Technology,
    parameters: Sequence[Parameter],
    figures: Sequence[Target],
    runs: CaseRuns,
) -> NDArray[np.float64]:
    """Least squares of relative errors by Gauss-Newton steps on the logarithms of the parameters; joules."""
    x = np.log([p.get(technology) for p in parameters])
    for _ in range(ROUNDS):
        at = errors(technology, parameters, np.exp(x), figures, runs)
        moved = [errors(technology, parameters, np.exp(x + STEP * e), figures, runs) for e in np.eye(len(x))]
        slopes = (np.array(moved) - at).T / STEP
        x = x - np.clip(np.linalg.lstsq(slopes, at, rcond=None)[0], -1.0, 1.0)
    return np.asarray(np.exp(x))


def errors(
    technology: Technology,
    parameters: Sequence[Parameter],
    values: Sequence[float] | NDArray[np.float64],
    figures: Sequence[Target],
    runs: CaseRuns,
) -> NDArray[np.float64]:
    """Relative error of each figure with these values of the parameters."""
    table = technology
    for parameter, value in zip(parameters, values, strict=True):
        table = parameter.put(table, float(value))
    charged = {key: tuple(run.charged(table) for run in seeds) for key, seeds in runs.items()}
    return np.array([ours(f, name, charged) / (f.value or 1.0) - 1.0 for name, f in figures])


def main() -> None:
    """Fit every table and print what came out."""
    for name, parameters in PARAMETERS.items():
        technology, figures = load_technology(name), targets(name)
        runs = runs_of(figures)
        values = fit(technology, parameters, figures, runs)
        print(f"{name}: {len(parameters)} parameters, {len(figures)} figures")
        for parameter, value in zip(parameters, values, strict=True):
            now = parameter.get(technology)
            print(f"  {parameter.name:<22} {value * 1e12:8.4g} pJ   (in the table: {now * 1e12:.4g} pJ)")
        residuals = errors(technology, parameters, values, figures, runs)
        for i, ((publication, figure), residual) in enumerate(zip(figures, residuals, strict=True)):
            rest = [f for k, f in enumerate(figures) if k != i]
            left_out = "not to be had: as many parameters as figures"
            if len(rest) >= len(parameters):
                without = fit(technology, parameters, rest, runs)
                predicted = errors(technology, parameters, without, [figures[i]], runs)[0]
                left_out = f"{predicted:+.1%}, with " + ", ".join(f"{v * 1e12:.3g} pJ" for v in without)
            print(f"  {publication}: {figure.name}: residual {residual:+.2%}; left out of the fit {left_out}")
        print()


if __name__ == "__main__":
    main()
