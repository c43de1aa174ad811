"""Numbers for people: three significant digits and an SI prefix."""

from __future__ import annotations

import math

from accelerator_sim.technology.energy_unit import EnergyUnit

_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P"}
_PREFIXES |= {18: "E"}


def si(value: float | None, unit: str = "") -> str:
    """Return a number with an SI prefix, as "1.69 M", "3.70 mJ" or "512 B"; "-" for None.

    Whole numbers below 1000 keep no decimals, since nothing was rounded away.
    """
    if value is None:
        return "-"
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}".strip()
    if isinstance(value, int) and abs(value) < 1000:
        return f"{value} {unit}".strip()
    power = 3 * math.floor(math.log10(abs(value)) / 3)
    power = min(max(power, -18), 18)
    scaled = value / 10.0**power
    if abs(scaled) >= 999.5 and power < 18:  # rounds up to the next prefix
        power += 3
        scaled /= 1000.0
    decimals = 2 if abs(scaled) < 9.995 else 1 if abs(scaled) < 99.95 else 0
    return f"{scaled:.{decimals}f} {_PREFIXES[power]}{unit}".rstrip()


def format_energy(energy: float | None, unit: EnergyUnit) -> str:
    """Return an energy with its unit, as "380 uJ" or, in multiples of one MAC, "1.20 GMAC"; "-" for None.

    energy: in `unit`.
    """
    return si(energy, unit.value)


def format_joules(energy: float | None) -> str:
    """Return an energy that is joules by its name; "-" for None."""
    return format_energy(energy, EnergyUnit.JOULE)


def percent(fraction: float) -> str:
    """Return a fraction as a percentage with one decimal, without the sign."""
    return f"{100.0 * fraction:.1f}"


def shortened(text: str, width: int) -> str:
    """Return text cut in its middle to `width` characters, where names of layers differ least."""
    if len(text) <= width:
        return text
    if width < 4:
        return text[:width]
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[-tail:]}"
