"""Quantities with units."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from accelerator_sim.files import units


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("192 KiB", units.BYTES, 196608),
        ("1.5 KiB", units.BYTES, 1536),
        ("4 kB", units.BYTES, 4000),
        ("36 B", units.BYTES, 36),
        ("24 b", units.BITS, 24),
        ("8 bit", units.BITS, 8),
        ("12 bits", units.BITS, 12),
        ("1 Kib", units.BITS, 1024),
        ("200 MHz", units.HERTZ, 200e6),
        ("200MHz", units.HERTZ, 200e6),
        ("1e3 kHz", units.HERTZ, 1e6),
        ("25.6 GB/s", units.BYTES_PER_SECOND, 25.6e9),
        ("8 Gb/s", units.BYTES_PER_SECOND, 1e9),
        ("unlimited", units.BYTES_PER_SECOND, math.inf),
        ("0.3 pJ", units.JOULES, 0.3e-12),
        ("1.05 nJ", units.JOULES, 1.05e-9),
        ("30 mW", units.WATTS, 0.03),
        ("100 us", units.SECONDS, 1e-4),
        ("100 µs", units.SECONDS, 1e-4),
        ("0.5 mm", units.METRES, 5e-4),
        ("65 nm", units.METRES, 65e-9),
        ("1.0 V", units.VOLTS, 1.0),
        ("1.33 TFLOP/s", units.OPERATIONS_PER_SECOND, 1.33e12),
        ("22 TOP/s", units.OPERATIONS_PER_SECOND, 22e12),
        ("0.429 kg/kWh", units.CARBON_PER_ENERGY, 429.0),
        ("8.15 c/kWh", units.PRICE_PER_ENERGY, 0.0815),
        ("108 J/MB", units.JOULES_PER_MEGABYTE, 108.0),
    ],
)
def test_values(text: str, dimension: units.Dimension, value: float) -> None:
    assert units.parse_quantity(text, dimension) == value


@pytest.mark.parametrize(
    ("text", "dimension", "message"),
    [
        ("192", units.BYTES, '192 has no unit; write e.g. "192 KiB"'),
        (192, units.BYTES, '192 has no unit; write e.g. "192 KiB"'),
        (2.5, units.HERTZ, '2.5 has no unit; write e.g. "2.5 MHz"'),
        ("200 Mhz", units.HERTZ, "unknown unit 'Mhz' for a frequency; did you mean 'MHz'?"),
        ("4 KB", units.BYTES, "unknown unit 'KB' for a size; did you mean 'kB'?"),
        ("4 parsec", units.VOLTS, "unknown unit 'parsec' for a voltage; allowed: uV, µV, μV, mV, V"),
        ("200 MHz", units.BYTES, "'200 MHz' is a frequency; a size such as \"192 KiB\" is required"),
        ("8 B", units.BITS, "'8 B' is a size; a number of bits such as \"8 b\" is required"),
        ("-3 B", units.BYTES, "'-3 B' is negative; a size such as \"192 KiB\" is required"),
        ("0 B", units.BYTES, "'0 B' is zero; a size such as \"192 KiB\" is required"),
        ("1.3 B", units.BYTES, "'1.3 B' is 1.3 bytes; a whole number of bytes is required"),
        ("0.5 b", units.BITS, "'0.5 b' is 0.5 bits; a whole number of bits is required"),
        ("1e300 B", units.BYTES, "'1e300 B' is too large"),
        ("1e999 Hz", units.HERTZ, "'1e999 Hz' is too large"),
        ("1e30 Hz", units.HERTZ, "'1e30 Hz' is too large"),
        ("1e-300 GB/s", units.BYTES_PER_SECOND, "'1e-300 GB/s' is too small"),
        ("nan Hz", units.HERTZ, "'nan Hz' is not a number with a unit; a frequency such as \"200 MHz\" is required"),
        (
            "inf GB/s",
            units.BYTES_PER_SECOND,
            '\'inf GB/s\' is not a number with a unit; a data rate such as "25.6 GB/s" or "unlimited" is required',
        ),
        (math.inf, units.HERTZ, "'inf' is not a number with a unit; a frequency such as \"200 MHz\" is required"),
        (True, units.HERTZ, 'true given; a frequency such as "200 MHz" is required'),
        (None, units.HERTZ, 'nothing given; a frequency such as "200 MHz" is required'),
        ([], units.HERTZ, 'a list given; a frequency such as "200 MHz" is required'),
        ({}, units.HERTZ, 'a mapping given; a frequency such as "200 MHz" is required'),
        (
            "unlimited",
            units.HERTZ,
            "'unlimited' is not a number with a unit; a frequency such as \"200 MHz\" is required",
        ),
    ],
)
def test_messages(text: object, dimension: units.Dimension, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        units.parse_quantity(text, dimension)


def test_zero_where_it_is_allowed() -> None:
    assert units.parse_quantity("0 pJ", units.JOULES, allow_zero=True) == 0
    for kind in (units.Joules, units.Watts, units.Seconds):
        assert TypeAdapter(kind).validate_python("0 " + {units.Joules: "J", units.Watts: "W"}.get(kind, "s")) == 0


@given(st.text(max_size=60), st.sampled_from(units.DIMENSIONS))
def test_any_text_is_a_value_or_a_value_error(text: str, dimension: units.Dimension) -> None:
    try:
        value = units.parse_quantity(text, dimension)
    except ValueError:
        return
    assert value > 0


@given(st.integers(1, 10**12), st.sampled_from(sorted(units.HERTZ.units)))
def test_the_nearest_float(number: int, unit: str) -> None:
    value = units.parse_quantity(f"{number / 10**6:.6f} {unit}", units.HERTZ)
    assert value == number * int(units.HERTZ.units[unit]) / 10**6


@pytest.mark.parametrize("dimension", units.DIMENSIONS, ids=lambda d: d.name)
def test_the_example_is_valid_and_matches_the_schema(dimension: units.Dimension) -> None:
    assert units.parse_quantity(dimension.example, dimension) > 0
    kinds = (
        units.Bytes, units.Bits, units.Hertz, units.BytesPerSecond, units.Joules, units.Watts, units.Seconds,
        units.Metres, units.Volts, units.OperationsPerSecond, units.CarbonPerEnergy, units.PricePerEnergy,
        units.JoulesPerMegabyte,
    )  # fmt: skip
    schema = TypeAdapter(kinds[units.DIMENSIONS.index(dimension)]).json_schema()
    assert schema["type"] == "string"
    for example in schema["examples"]:
        assert re.search(schema["pattern"], example)
    assert not re.search(schema["pattern"], "12 parsec")
