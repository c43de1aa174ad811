"""The axes of a sweep: their values as the file gives them, what may be varied, and how a value is a number.

An axis is a path of the architecture, or one of `CHOICES`: the network and how it is run.  Each value is checked by
itself against the schema before anything runs; whether values go together is seen at each point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.errors import AcceleratorSimError, did_you_mean
from accelerator_sim.files.fields import check_value, dimension_of, fields_at
from accelerator_sim.files.units import (
    DIMENSIONS,
    UNLIMITED,
    Dimension,
    format_quantity,
    parse_quantity,
    split_quantity,
)
from accelerator_sim.files.vocabulary import BATCH, RESOLUTION, WIDTH, Objective, word
from accelerator_sim.files.yaml_tree import parse_value
from accelerator_sim.workload.sparsity.prune import parse_rule

CHOICES = ("workload", "width", "resolution", "prune", "densities", "batch", "objective")
"""Axes that are not paths of the architecture: the network, and how it is run."""
MOST_VALUES = 10_000
"""Values of one axis: more than a sweep of a million points can have on two axes."""
_LONGEST_EXPONENT = 300
"""Digits of a limit of a range: beyond, the values between cannot be floats."""

Number = int | float
AxisValue = Number | str


def axis_values(given: Any) -> tuple[str, ...]:
    """Return the values of an axis as YAML text.  Raises ValueError for anything else."""
    if isinstance(given, list):
        if not given:
            raise ValueError("an empty list; at least one value is required")
        if len(given) > MOST_VALUES:
            raise ValueError(f"{len(given):,} values; at most {MOST_VALUES:,} are allowed")
        return tuple(_text(value) for value in given)
    if not isinstance(given, dict):
        raise ValueError("a list of values, {from, to, steps} or {powers_of_two: [least, most]} is required")
    keys = set(given)
    if keys == {"powers_of_two"}:
        limits = given["powers_of_two"]
        if not (isinstance(limits, list) and len(limits) == 2 and all(type(x) is int and x >= 1 for x in limits)):
            raise ValueError("powers_of_two is [least, most], two whole numbers of at least 1")
        powers = tuple(str(1 << k) for k in range(63) if limits[0] <= 1 << k <= limits[1])
        if not powers:
            raise ValueError(f"no power of two lies between {limits[0]} and {limits[1]}")
        return powers
    if keys == {"from", "to", "steps"}:
        return _range(given["from"], given["to"], given["steps"])
    allowed = ("from", "to", "steps", "powers_of_two")
    unknown = next((str(key) for key in given if key not in allowed), None)
    hint = f"unknown key {unknown!r}{did_you_mean(unknown, allowed)}; " if unknown else ""
    raise ValueError(f"{hint}a range is {{from, to, steps}} or {{powers_of_two: [least, most]}}")


def _range(start: Any, stop: Any, steps: Any) -> tuple[str, ...]:
    if type(steps) is not int or not 2 <= steps <= MOST_VALUES:
        raise ValueError(f"steps is {steps}; a whole number from 2 to {MOST_VALUES} is required")
    (first, unit), (last, other) = _split(start), _split(stop)
    if unit != other:
        raise ValueError(f"from is in {unit or 'no unit'}, to in {other or 'no unit'}; give both in one unit")
    out = []
    for step in range(steps):
        value = first + (last - first) * step / (steps - 1)
        text = str(value.numerator) if value.denominator == 1 else repr(float(value))
        out.append(f"{text} {unit}".strip())
    return tuple(out)


def _split(value: Any) -> tuple[Fraction, str]:
    quantity = split_quantity(value)
    if quantity is None:
        raise ValueError(f"{value!r} is not a number, with a unit or without")
    if abs(quantity[0]) >= Fraction(10) ** _LONGEST_EXPONENT:
        raise ValueError(f"{value!r} is too large")
    return quantity


def _text(value: Any) -> str:
    """A value as YAML text, as it may stand after --set."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return "null" if value is None else str(value)


def check_name(name: str) -> None:
    """Raise ValueError, with the nearest name, for an axis that is neither a choice nor a path of an architecture."""
    if name in CHOICES:
        return
    try:
        fields_at(Architecture, name)
    except ValueError as error:
        near = did_you_mean(name, CHOICES) if "." not in name else ""
        raise ValueError(f"{error}{near}" if near else f"{error}; or a choice: {', '.join(CHOICES)}") from None


def check_axis_value(name: str, text: str) -> None:
    """Raise ValueError, with what is allowed, for a value that an axis of a known name can never have."""
    if name == "objective":
        _usable(lambda: word(Objective, text, name))
    elif name == "prune":
        _usable(lambda: parse_rule(text))
    elif name in ("batch", "resolution"):
        limits = BATCH if name == "batch" else RESOLUTION
        if not (text.isascii() and text.isdecimal() and limits.least <= int(text[:20]) <= limits.most):
            raise ValueError(f"{_short(text)} is not {limits.allowed}")
    elif name == "width":
        _usable(lambda: WIDTH.check(_float(text)))
    elif name not in CHOICES:
        check_value(_fields(name), _parsed(text, name))


def _usable(check: Callable[[], object]) -> None:
    """Raise ValueError with the message of a check that raises a usage error."""
    try:
        check()
    except AcceleratorSimError as error:
        raise ValueError(str(error)) from None


def _float(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def _parsed(text: str, name: str) -> Any:
    try:
        return parse_value(text, name)
    except AcceleratorSimError:  # a text of one's own, such as a name with a colon
        return text


@cache
def _fields(name: str) -> Any:
    return fields_at(Architecture, name)


@cache
def dimension(name: str) -> Dimension | None:
    """Return the kind of quantity of an axis, None for a plain number and for text."""
    return None if name in CHOICES else dimension_of(_fields(name))


def column_of(name: str) -> str:
    """Return the name of an axis as a column: with its unit where it has one, as in dram.bandwidth_bytes_per_s."""
    kind = dimension(name)
    return name if kind is None else f"{name}_{kind.suffix}"


def stored(name: str, text: str) -> AxisValue:
    """Return a value as it is kept: a number in SI base units, or its text where it is not a number."""
    kind = dimension(name)
    if kind is not None:
        try:
            quantity = parse_quantity(text, kind, allow_zero=True)
        except ValueError:
            return text
        return UNLIMITED if math.isinf(quantity) else quantity
    value: Any = _parsed(text, name) if name not in ("workload", "prune", "densities", "objective") else text
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    return text


def readable(values: Mapping[str, AxisValue]) -> dict[str, str]:
    """Return the axes of a row for people: by path, quantities with the unit that they are usually written in."""
    return {path_of(column): _shown(column, value) for column, value in values.items()}


@cache
def _split_column(column: str) -> tuple[str, Dimension | None]:
    for known in DIMENSIONS:
        path = column.removesuffix(f"_{known.suffix}")
        if path != column:
            try:
                if dimension(path) is known:
                    return path, known
            except ValueError:  # not an axis
                continue
    return column, None


def path_of(column: str) -> str:
    """Return the axis that a column holds."""
    return _split_column(column)[0]


def _shown(column: str, value: AxisValue) -> str:
    known = _split_column(column)[1]
    if known is None or isinstance(value, str):
        return str(value)
    return format_quantity(value, known)
