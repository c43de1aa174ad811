"""What constraints of a sweep may speak of: figures of a machine, and numbers of its architecture by their paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.errors import did_you_mean
from accelerator_sim.files.fields import check_value, dimension_of, fields_at
from accelerator_sim.sweeps.expressions import Powers, powers_of
from accelerator_sim.sweeps.task import sizes
from accelerator_sim.technology.technology import Technology

FIGURE_UNITS: Mapping[str, str] = MappingProxyType(
    {
        "pes": "",
        "macs_per_cycle": "",
        "glb_total": "B",
        "memory_total": "B",
        "area": "gates",
        "area_kgates": "kgates",
        "area_mm2": "mm2",
    }
)
"""Figures of a machine with their unit; area_kgates counts in thousands, so that a number stands beside it."""


def unit_of(name: str) -> Powers:
    """Return the unit of a name.  Raises ValueError, with the nearest one, for a name that has no number."""
    if name in FIGURE_UNITS:
        return powers_of(FIGURE_UNITS[name])
    try:
        fields = fields_at(Architecture, name)
    except ValueError as error:
        near = did_you_mean(name, FIGURE_UNITS) or f"; figures: {', '.join(FIGURE_UNITS)}"
        raise ValueError(f"no value {name!r}{near}" if "." not in name else str(error)) from None
    dimension = dimension_of(fields)
    if dimension is not None:
        return powers_of(dimension.base)
    for number in (1, 1.0):
        try:
            check_value(fields, number)
        except ValueError:
            continue
        return {}
    raise ValueError(f"{name} is not a number")


def values_of(names: Iterable[str], architecture: Architecture, technology: Technology) -> dict[str, float]:
    """Return the values of names on a machine; those that it has not (an area without a rule) are left out."""
    figures = sizes(architecture, technology)
    kgates = figures["area_kgates"]
    known = figures | {"area": None if kgates is None else 1e3 * kgates}
    values: dict[str, float] = {}
    for name in names:
        value = known[name] if name in known else _at(architecture, name)
        if value is not None:
            values[name] = float(value)
    return values


def _at(architecture: Architecture, path: str) -> float | None:
    here: object = architecture
    for part in path.split("."):
        here = here.get(part) if isinstance(here, dict) else getattr(here, part, None)
    return here if isinstance(here, int | float) and not isinstance(here, bool) else None
