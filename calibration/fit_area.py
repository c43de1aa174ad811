"""Fits the constants of the area model that nobody publishes, and says how well.

Run by hand: `python calibration/fit_area.py`.  Five constants, the same for all machines, are fitted to seven figures
of two chips; values are to be written into `technology/area.yaml` by hand.  Printed are the values, the residual of
each figure, what each would be if it were left out, and the figures that nothing is fitted to.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.technology.area import Area, AreaFigures, Part, area_of, load_area_figures

PARAMETERS = (
    ("gates", "spad_bit"),
    ("gates", "spad_bit_port"),
    ("gates", "pe_control"),
    ("um2", "gate"),
    ("um2", "sram_edge"),
)
ROUNDS = 60
STEP = 1e-5

Floats = NDArray[np.float64]
V1, V1_192, V2 = (load_architecture(name) for name in ("eyeriss_v1", "eyeriss_v1_192", "eyeriss_v2"))


def pe(area: Area) -> Part:
    """All PEs: datapath, control, SPads."""
    return area.parts["pe_datapath"] + area.parts["pe_control"] + area.parts["spad"]


def noc(area: Area) -> Part:
    """All networks."""
    return area.parts["noc_iact"] + area.parts["noc_weight"] + area.parts["noc_psum"]


def without_simd(architecture: Architecture) -> Architecture:
    """Return the machine with one MAC per cycle in each PE."""
    return architecture.model_copy(update={"pe": architecture.pe.model_copy(update={"macs_per_cycle": 1})})


@dataclass(frozen=True)
class Areas:
    """The chip of v1, v1 at 192 PEs and 8 bit (dense), v2, and v2 with one MAC per cycle (scalar)."""

    v1: Area
    dense: Area
    v2: Area
    scalar: Area


@dataclass(frozen=True)
class Figure:
    """A published figure, and how it follows from the areas."""

    name: str
    published: float
    source: str
    ours: Callable[[Areas], float]


CORE = Figure("v1 core, mm2", 12.25, "JSSC Table II: 3.5 mm x 3.5 mm", lambda a: a.v1.total.um2 / 1e6)

FITTED = (
    Figure("v1 logic, kgates", 1176, "JSSC Table II", lambda a: a.v1.total_kgates),
    Figure("v2 logic, kgates", 2695, "JETCAS V", lambda a: a.v2.total_kgates),
    CORE,
    Figure("v1 SPads of core", 0.476, "JSSC: storage is 2/3, SPads 2.5 x the GLB",
           lambda a: a.v1.parts["spad"].um2 / a.v1.total.um2),
    Figure("v1 GLB of core", 0.190, "JSSC: storage is 2/3, SPads 2.5 x the GLB",
           lambda a: a.v1.parts["glb"].um2 / a.v1.total.um2),
    Figure("v2 SPads of PE", 0.72, "JETCAS IV", lambda a: a.v2.parts["spad"].um2 / pe(a.v2).um2),
    Figure("v2 PE over dense PE", 1.73, "JETCAS IV", lambda a: pe(a.v2).um2 / pe(a.dense).um2),
)  # fmt: skip

PREDICTED = (
    Figure("v2 NoC of all", 0.026, "JETCAS V", lambda a: noc(a.v2).um2 / a.v2.total.um2),
    Figure("v2 MACs of PE", 0.05, "JETCAS IV", lambda a: a.v2.parts["pe_datapath"].um2 / pe(a.v2).um2),
    Figure("dense MAC of PE, less than", 0.05, "JETCAS IV",
           lambda a: a.dense.parts["pe_datapath"].um2 / pe(a.dense).um2),
    Figure("v1 MACs of core", 0.074, "JSSC", lambda a: a.v1.parts["pe_datapath"].um2 / a.v1.total.um2),
    Figure("v2 logic over v1 at 192 PEs", 2.0, "JETCAS V: about", lambda a: a.v2.total.gates / a.dense.total.gates),
    Figure("sparse PE over dense PE", 1.50, "JETCAS IV: nearly 50%", lambda a: pe(a.scalar).um2 / pe(a.dense).um2),
    Figure("v1 SRAM, KiB", 181.5, "JSSC Table II", lambda a: a.v1.sram_bits / 8192),
    Figure("v2 SRAM, KiB", 246, "JETCAS (recalled)", lambda a: a.v2.sram_bits / 8192),
)  # fmt: skip


def put(figures: AreaFigures, values: Floats) -> AreaFigures:
    """Return the constants with the parameters at `values`."""
    for (group, name), value in zip(PARAMETERS, values, strict=True):
        constants = getattr(figures, group)
        constant = getattr(constants, name).model_copy(update={"value": float(value)})
        figures = figures.model_copy(update={group: constants.model_copy(update={name: constant})})
    return figures


def areas(figures: AreaFigures) -> Areas:
    """Return the areas that figures are of."""
    return Areas(*(area_of(machine, 65, figures) for machine in (V1, V1_192, V2, without_simd(V2))))


def residuals(figures: AreaFigures, of: Sequence[Figure]) -> Floats:
    """Ours over published, less one, of each figure."""
    found = areas(figures)
    return np.array([figure.ours(found) / figure.published - 1.0 for figure in of])


def fit(of: Sequence[Figure]) -> Floats:
    """Return the parameters with the least sum of squares of relative errors (damped Gauss-Newton on logarithms)."""
    figures = load_area_figures()
    logs = np.log([getattr(getattr(figures, group), name).value for group, name in PARAMETERS])

    def errors(at: Floats) -> Floats:
        return residuals(put(figures, np.exp(at)), of)

    damping = 1e-3
    now = errors(logs)
    for _ in range(ROUNDS):
        slope = np.array([(errors(logs + step) - now) / STEP for step in np.eye(len(logs)) * STEP]).T
        move = np.linalg.solve(slope.T @ slope + damping * np.eye(len(logs)), -slope.T @ now)
        tried = errors(logs + move)
        if tried @ tried < now @ now:
            logs, now, damping = logs + move, tried, damping / 3
        else:
            damping *= 4
    return np.exp(logs)


def main() -> None:
    """Print the fit."""
    values = fit(FITTED)
    for (group, name), value in zip(PARAMETERS, values, strict=True):
        print(f"{group}.{name:<14} {value:9.4g}")
    fitted = put(load_area_figures(), values)
    for title, figures in (("fitted to", FITTED), ("predicted", PREDICTED)):
        print(f"\n{title:<28} {'published':>9} {'ours':>8} {'error':>7}")
        for figure in figures:
            found = figure.ours(areas(fitted))
            print(f"{figure.name:<28} {figure.published:>9} {found:>8.4g} {found / figure.published - 1:>+7.1%}")
    print("\nleft out of the fit, each but the core, which alone sets the scale of silicon")
    for figure in (figure for figure in FITTED if figure is not CORE):
        values = fit([other for other in FITTED if other is not figure])
        error = residuals(put(load_area_figures(), values), [figure])[0]
        print(f"{figure.name:<28} {error:+7.1%}")


if __name__ == "__main__":
    main()
