"""Energy of CMOS logic between nodes and voltages.

Stillmaker and Baas, "Scaling equations for the accurate prediction of CMOS device performance from 180 nm to 7 nm",
Integration, the VLSI Journal 58 (2017), fit the energy of a gate at each node by a polynomial of its supply voltage:

    E(V) = a V^2 + b V + c

Only ratios of it are used.  The steep step from 32 nm to 20 nm (planar to FinFET) is a property of the fits.
"""

from __future__ import annotations

import math

POLYNOMIALS: dict[float, tuple[float, float, float]] = {
    130: (7.171, -6.709, 2.904),
    90: (4.762, -4.781, 2.092),
    65: (3.755, -4.398, 1.975),
    45: (1.103, -0.362, 0.2767),
    32: (0.9559, -0.7823, 0.471),
    20: (0.373, -0.1582, 0.04104),
    16: (0.2958, -0.1241, 0.03024),
    14: (0.2363, -0.09675, 0.02239),
    10: (0.2068, -0.09311, 0.02375),
    7: (0.1776, -0.09097, 0.02447),
}
"""Coefficients (a, b, c) by node in nanometres, V in volts; the unit of E cancels in ratios."""

INTERPOLATED: dict[float, tuple[float, float]] = {28: (32, 20), 12: (14, 10), 8: (10, 7)}
"""Nodes without a polynomial: the straight line of log E over log node between two that have one (assumed)."""

NOMINAL_V: dict[float, float] = {
    130: 1.2, 90: 1.1, 65: 1.0, 45: 1.0, 32: 0.9, 28: 0.9, 20: 0.9, 16: 0.8, 14: 0.8, 12: 0.8, 10: 0.75, 8: 0.75,
    7: 0.7,
}  # fmt: skip
"""Usual supply voltage by node, in volts (12 and 8 nm: assumed, that of the larger neighbour)."""

KNOWN_NODES: tuple[float, ...] = tuple(sorted(NOMINAL_V, reverse=True))
"""Nodes that can be scaled from and to, in nanometres."""


def energy_ratio(from_node_nm: float, from_v: float, to_node_nm: float, to_v: float) -> float:
    """Return the energy of an operation at one node and voltage as a multiple of its energy at another.

    Nodes in nanometres, voltages in volts.  Raises ValueError for a node that is not known, listing those that are,
    and for a voltage so low that the fit of the node rises again.
    """
    return _energy(to_node_nm, to_v) / _energy(from_node_nm, from_v)


def _energy(node_nm: float, voltage: float) -> float:
    if node_nm in INTERPOLATED:
        upper, lower = INTERPOLATED[node_nm]
        share = math.log(upper / node_nm) / math.log(upper / lower)
        at_upper, at_lower = math.log(_energy(upper, voltage)), math.log(_energy(lower, voltage))
        return math.exp(at_upper * (1.0 - share) + at_lower * share)
    if node_nm not in POLYNOMIALS:
        known = ", ".join(f"{node:g}" for node in KNOWN_NODES)
        raise ValueError(f"{node_nm:g} nm has no scaling polynomial; known nodes: {known} nm")
    a, b, c = POLYNOMIALS[node_nm]
    lowest = -b / (2.0 * a)
    if voltage < lowest:  # below its vertex the parabola would charge more energy for less voltage
        raise ValueError(f"{voltage:g} V is below the range of the fit for {node_nm:g} nm; at least {lowest:.2f} V")
    return a * voltage * voltage + b * voltage + c
