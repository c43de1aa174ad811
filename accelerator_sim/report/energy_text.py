"""Energies for people: in joules, or in multiply-accumulates where a technology is normalised."""

from __future__ import annotations

from accelerator_sim.report.numbers import si
from accelerator_sim.results.network_result import NORMALISED_UNIT_J


def energy(joules: float, normalised: bool) -> str:
    """Return an energy as "380 uJ"; of a normalised technology, whose unit is one MAC, as "1.20 GMAC"."""
    return si(joules / NORMALISED_UNIT_J, "MAC") if normalised else si(joules, "J")
