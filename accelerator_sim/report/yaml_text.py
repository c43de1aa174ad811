"""A model written back as the YAML file that it could have come from, each quantity with its unit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, get_args

import pydantic

from accelerator_sim.files.units import BITS, BYTES, DIMENSIONS, UNLIMITED, Dimension
from accelerator_sim.files.yaml_dump import dump

_PREFERRED = {BITS.name: ("b",), BYTES.name: ("B", "KiB", "MiB", "GiB")}
_RARE = ("c", "µ", "μ", "Ki", "Mi", "Gi", "Ti")


def as_yaml(model: pydantic.BaseModel) -> str:
    """Return a model as the text of a file that reads back to the same model."""
    return dump(_plain(model))


def quantity(value: float, dimension: Dimension) -> str:
    """Return a value in base units as text in the largest unit that keeps it at one or more, without rounding."""
    if math.isinf(value):
        return UNLIMITED
    exact = Fraction(repr(value))
    best, scale = _base(dimension)
    for unit, size in _units(dimension):
        smaller_start = value and abs(exact) < scale
        if value and abs(exact) >= size and (size > scale or smaller_start) and _whole_enough(exact / size, dimension):
            best, scale = unit, size
    if value and abs(exact) < scale:
        best, scale = min(_units(dimension), key=lambda entry: entry[1])
    return f"{_decimal(exact / scale)} {best}"


def _base(dimension: Dimension) -> tuple[str, Fraction]:
    return next((unit, size) for unit, size in dimension.units.items() if size == 1)


def _units(dimension: Dimension) -> Iterator[tuple[str, Fraction]]:
    for unit, size in dimension.units.items():
        allowed = _PREFERRED.get(dimension.name)
        if unit in allowed if allowed else not unit.startswith(_RARE):
            yield unit, size


def _whole_enough(value: Fraction, dimension: Dimension) -> bool:
    """Whether sizes in KiB come out as quarters at most; anything is fine elsewhere."""
    return not dimension.whole or (value * 4).denominator == 1


def _decimal(value: Fraction) -> str:
    number = Decimal(value.numerator) / Decimal(value.denominator)
    return f"{number.normalize():f}"


def _plain(value: Any, dimension: Dimension | None = None) -> Any:
    if isinstance(value, pydantic.BaseModel):
        fields = {
            name: (getattr(value, name), _dimension([field.annotation, *field.metadata]))
            for name, field in type(value).model_fields.items()
        }
        return {name: _plain(entry, kind) for name, (entry, kind) in fields.items() if entry is not None}
    if dimension is not None:
        return quantity(value, dimension)
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value


def _dimension(parts: list[Any]) -> Dimension | None:
    """Return the dimension that an annotation, or something nested in it, was made for."""
    for part in parts:
        if isinstance(part, pydantic.WithJsonSchema) and part.json_schema:
            for dimension in DIMENSIONS:
                if part.json_schema.get("description") == str(dimension):
                    return dimension
        nested = _dimension(list(getattr(part, "__metadata__", ())) + list(get_args(part)))
        if nested is not None:
            return nested
    return None
