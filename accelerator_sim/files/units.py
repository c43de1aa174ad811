"""Quantities with units, as they are written in files, held in SI base units (bytes and bits as whole numbers).

kB, MB, ... are powers of 1000 and KiB, MiB, ... powers of 1024, as in IEC 80000-13.  The papers' "192 kB" of SRAM is
binary (16 x 12 KiB), so the shipped files are written in KiB.  Arithmetic is exact until the final rounding to float.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from accelerator_sim.files.errors import did_you_mean

UNLIMITED = "unlimited"
"""The word for no limit, where a quantity may be without one."""

LARGEST_WHOLE = 1 << 62
"""Largest whole quantity, so that 64-bit arithmetic on it stays exact."""

SMALLEST, LARGEST = Fraction(1, 10**30), Fraction(10**30)
"""Ends of the range of quantities that are not whole, in base units: past every device there is by ten powers of ten,
and so that results, which multiply and divide a few of them, are finite."""

_SI = {"a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "μ": -6, "m": -3, "": 0}
_SI |= {"k": 3, "M": 6, "G": 9, "T": 12, "P": 15}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4}


def _si(unit: str, prefixes: str) -> dict[str, Fraction]:
    return {prefix + unit: Fraction(10) ** _SI[prefix] for prefix in ["", *prefixes]}


def _information(unit: str) -> dict[str, Fraction]:
    return _si(unit, "kMGT") | {prefix + unit: Fraction(1024) ** power for prefix, power in _BINARY.items()}


@dataclass(frozen=True, eq=False)
class Dimension:
    """A kind of quantity: its name with article, the units it may be written in, an example, and its base unit.

    suffix: the base unit as it ends the name of a column, as in latency_s.
    """

    name: str
    units: dict[str, Fraction]
    example: str
    suffix: str
    whole: bool = False
    unlimited: bool = False

    @property
    def base(self) -> str:
        """The unit in which values are held."""
        return next(unit for unit, scale in self.units.items() if scale == 1)

    def __str__(self) -> str:
        alternative = f' or "{UNLIMITED}"' if self.unlimited else ""
        return f'{self.name} such as "{self.example}"{alternative}'


_BYTE_RATES = {f"{unit}/s": scale for unit, scale in _information("B").items()}
_BYTE_RATES |= {f"{unit}/s": scale / 8 for unit, scale in _information("b").items()}

BYTES = Dimension("a size", _information("B"), "192 KiB", "bytes", whole=True)
BITS = Dimension(
    "a number of bits", _information("b") | _information("bit") | {"bits": Fraction(1)}, "8 b", "bits", whole=True
)
HERTZ = Dimension("a frequency", _si("Hz", "kMG"), "200 MHz", "hz")
BYTES_PER_SECOND = Dimension("a data rate", _BYTE_RATES, "25.6 GB/s", "bytes_per_s", unlimited=True)
JOULES = Dimension("an energy", _si("J", "afpnuµμmk"), "0.3 pJ", "j")
WATTS = Dimension("a power", _si("W", "pnuµμmk"), "30 mW", "w")
SECONDS = Dimension("a time", _si("s", "fpnuµμm"), "100 ns", "s")
METRES = Dimension("a length", _si("m", "pnuµμm") | {"cm": Fraction(1, 100)}, "0.5 mm", "m")
VOLTS = Dimension("a voltage", _si("V", "uµμm"), "1.0 V", "v")
OPERATIONS_PER_SECOND = Dimension(
    "a rate of operations", _si("FLOP/s", "MGTP") | _si("OP/s", "MGTP"), "1.33 TFLOP/s", "ops_per_s"
)
CARBON_PER_ENERGY = Dimension(
    "a carbon intensity", {"g/kWh": Fraction(1), "kg/kWh": Fraction(1000)}, "481 g/kWh", "g_per_kwh"
)
PRICE_PER_ENERGY = Dimension("a price", {"$/kWh": Fraction(1), "c/kWh": Fraction(1, 100)}, "0.16 $/kWh", "usd_per_kwh")
JOULES_PER_MEGABYTE = Dimension(
    "an energy per data", {"J/MB": Fraction(1), "J/GB": Fraction(1, 1000)}, "2.5 J/MB", "j_per_mb"
)

DIMENSIONS = (
    BYTES, BITS, HERTZ, BYTES_PER_SECOND, JOULES, WATTS, SECONDS, METRES, VOLTS, OPERATIONS_PER_SECOND,
    CARBON_PER_ENERGY, PRICE_PER_ENERGY, JOULES_PER_MEGABYTE,
)  # fmt: skip

_NUMBER = r"[-+]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][-+]?[0-9]{1,3})?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*(\S*)\s*")


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _unit_scale(unit: str, number: str, dimension: Dimension) -> Fraction:
    if not unit:
        example = f"{number} {dimension.example.split()[1]}"
        raise ValueError(f'{number} has no unit; write e.g. "{example}"')
    if unit in dimension.units:
        return dimension.units[unit]
    for other in DIMENSIONS:
        if unit in other.units:
            raise ValueError(f"'{number} {unit}' is {other.name}; {dimension} is required")
    hint = did_you_mean(unit, dimension.units)
    if not hint:
        hint = f"; allowed: {', '.join(sorted(dimension.units, key=dimension.units.__getitem__))}"
    raise ValueError(f"unknown unit {_shown(unit)!r} for {dimension.name}{hint}")


def split_quantity(text: object) -> tuple[Fraction, str] | None:
    """Return the number and the unit of a quantity, "" for none; None for text that is not a quantity."""
    match = _QUANTITY.fullmatch(str(text))
    return None if match is None or isinstance(text, bool) else (Fraction(match[1]), match[2])


def parse_quantity(text: object, dimension: Dimension, *, allow_zero: bool = False) -> float:
    """Return the value of a quantity such as "25.6 GB/s" in base units; bytes and bits come as int.

    Raises ValueError, with what to write instead, for a missing, unknown or wrong unit, for anything that is not a
    number, and for values that are negative, zero (unless allowed), infinite, outside the range from `SMALLEST` to
    `LARGEST`, or not whole where they must be.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        kind = "nothing" if text is None else "a mapping" if isinstance(text, dict) else "a list"
        raise ValueError(f"{_shown(text) if isinstance(text, bool) else kind} given; {dimension} is required")
    if dimension.unlimited and isinstance(text, str) and text.strip() == UNLIMITED:
        return math.inf
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{_shown(text)!r} is not a number with a unit; {dimension} is required")
    number, unit = match.groups()
    value = Fraction(number) * _unit_scale(unit, number, dimension)
    if value < 0:
        raise ValueError(f"{_shown(text)!r} is negative; {dimension} is required")
    if value == 0 and not allow_zero:
        raise ValueError(f"{_shown(text)!r} is zero; {dimension} is required")
    if dimension.whole:
        if value.denominator != 1:
            base = "bytes" if dimension is BYTES else "bits"
            raise ValueError(f"{_shown(text)!r} is {_shown(float(value))} {base}; a whole number of {base} is required")
        if value > LARGEST_WHOLE:
            raise ValueError(f"{_shown(text)!r} is too large")
        return int(value)
    if value and not SMALLEST <= value <= LARGEST:
        large = value > LARGEST
        limit = f"at most {float(LARGEST):g}" if large else f"at least {float(SMALLEST):g}"
        raise ValueError(
            f"{_shown(text)!r} is too {'large' if large else 'small'}; {limit} {dimension.base} is required"
        )
    return float(value)


def format_quantity(value: float, dimension: Dimension) -> str:
    """Return a value in base units as it would be written in a file, exactly: in the unit with the shortest number."""
    if math.isinf(value):
        return UNLIMITED
    exact = Fraction(value)
    best = f"{value:g} {dimension.base}" if Fraction(f"{value:g}") == exact else f"{value!r} {dimension.base}"
    shortest = len(best.split()[0])
    for unit, scale in dimension.units.items():
        scaled = exact / scale
        number = f"{float(scaled):g}"
        # Floats are the nearest to what was written: what gives the same float is the same value.
        if scaled >= 1 and len(number) < shortest and float(Fraction(number) * scale) == value:
            best, shortest = f"{number} {unit}", len(number)
    return best


def _reader(dimension: Dimension, allow_zero: bool) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        return parse_quantity(value, dimension, allow_zero=allow_zero)

    return read


def _schema(dimension: Dimension) -> dict[str, Any]:
    units = "|".join(re.escape(unit) for unit in dimension.units)
    pattern = rf"^\s*[0-9.]+([eE][-+]?[0-9]+)?\s*({units})\s*$"
    if dimension.unlimited:
        pattern = rf"^{UNLIMITED}$|{pattern}"
    examples = [dimension.example, *([UNLIMITED] if dimension.unlimited else [])]
    return {"type": "string", "pattern": pattern, "examples": examples, "description": str(dimension)}


Bytes = Annotated[int, PlainValidator(_reader(BYTES, False)), WithJsonSchema(_schema(BYTES)), BYTES]
Bits = Annotated[int, PlainValidator(_reader(BITS, False)), WithJsonSchema(_schema(BITS)), BITS]
Hertz = Annotated[float, PlainValidator(_reader(HERTZ, False)), WithJsonSchema(_schema(HERTZ)), HERTZ]
BytesPerSecond = Annotated[
    float, PlainValidator(_reader(BYTES_PER_SECOND, False)), WithJsonSchema(_schema(BYTES_PER_SECOND)), BYTES_PER_SECOND
]
Joules = Annotated[float, PlainValidator(_reader(JOULES, True)), WithJsonSchema(_schema(JOULES)), JOULES]
"""An energy; may be zero."""
Watts = Annotated[float, PlainValidator(_reader(WATTS, True)), WithJsonSchema(_schema(WATTS)), WATTS]
"""A power; may be zero."""
Seconds = Annotated[float, PlainValidator(_reader(SECONDS, True)), WithJsonSchema(_schema(SECONDS)), SECONDS]
"""A time; may be zero."""
Metres = Annotated[float, PlainValidator(_reader(METRES, False)), WithJsonSchema(_schema(METRES)), METRES]
Volts = Annotated[float, PlainValidator(_reader(VOLTS, False)), WithJsonSchema(_schema(VOLTS)), VOLTS]
OperationsPerSecond = Annotated[
    float,
    PlainValidator(_reader(OPERATIONS_PER_SECOND, False)),
    WithJsonSchema(_schema(OPERATIONS_PER_SECOND)),
    OPERATIONS_PER_SECOND,
]
"""Multiplications and additions per second, two a multiply-accumulate."""
CarbonPerEnergy = Annotated[
    float,
    PlainValidator(_reader(CARBON_PER_ENERGY, False)),
    WithJsonSchema(_schema(CARBON_PER_ENERGY)),
    CARBON_PER_ENERGY,
]
"""Grams of CO2 equivalents per kilowatt hour."""
PricePerEnergy = Annotated[
    float, PlainValidator(_reader(PRICE_PER_ENERGY, False)), WithJsonSchema(_schema(PRICE_PER_ENERGY)), PRICE_PER_ENERGY
]
"""US dollars per kilowatt hour."""
JoulesPerMegabyte = Annotated[
    float,
    PlainValidator(_reader(JOULES_PER_MEGABYTE, True)),
    WithJsonSchema(_schema(JOULES_PER_MEGABYTE)),
    JOULES_PER_MEGABYTE,
]
"""Joules per million bytes; may be zero."""
