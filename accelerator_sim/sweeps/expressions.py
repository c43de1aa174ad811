"""Constraints of a sweep: comparisons of sums and products of names and quantities, as "glb_total <= 512 KiB".

Units are checked when a constraint is read: a size is compared with a size, and added to one.  A number without a unit
fits any of them.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from accelerator_sim.files.errors import did_you_mean
from accelerator_sim.files.units import DIMENSIONS

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_MADE_OF = {"Hz": {"s": -1}, "B/s": {"B": 1, "s": -1}, "W": {"J": 1, "s": -1}}
"""Units that are made of others, so that bandwidth / clock is a size."""
_TOKEN = re.compile(
    r"\s*(?:[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?"  # a number
    r"|[A-Za-z_][A-Za-z0-9_.]*(?:/s)?"  # a name or a unit
    r"|<=|>=|==|!=|[<>+\-*/()])"
)
_DEEPEST = 50
LONGEST = 10_000
"""Characters of a constraint: more than anyone writes."""

Powers = Mapping[str, int]
"""Exponent by unit; empty for a count."""


def powers_of(unit: str) -> Powers:
    """Return what a base unit is made of; nothing for the unit "" of a count."""
    return _MADE_OF.get(unit, {unit: 1} if unit else {})


_UNITS: dict[str, tuple[float, Powers]] = {
    "gates": (1.0, {"gates": 1}), "kgates": (1e3, {"gates": 1}), "Mgates": (1e6, {"gates": 1}), "mm2": (1.0, {"mm2": 1})
} | {
    unit: (float(scale), powers_of(dimension.base))
    for dimension in DIMENSIONS
    for unit, scale in dimension.units.items()
}  # fmt: skip


@dataclass(frozen=True)
class Value:
    """A part of a constraint: how it is computed, and its unit (None: a number that fits any)."""

    of: Callable[[Mapping[str, float]], float]
    unit: Powers | None


@dataclass(frozen=True)
class ParsedConstraint:
    """A parsed constraint."""

    text: str
    names: tuple[str, ...]
    """Names that it needs values of."""
    left: Value
    sign: str
    right: Value

    def holds(self, values: Mapping[str, float]) -> bool:
        """Whether it holds.  Raises ValueError for a name without a value, and for a division by zero."""
        for name in self.names:
            if name not in values:
                raise ValueError(f"constraint {self.text!r}: {name} has no value here")
        try:
            return _COMPARE[self.sign](self.left.of(values), self.right.of(values))
        except ZeroDivisionError:
            raise ValueError(f"constraint {self.text!r} divides by zero") from None


def parse_comparison(text: str, unit_of: Callable[[str], Powers]) -> ParsedConstraint:
    """Read a constraint.

    unit_of: the unit of a name; raises ValueError for one that is not known.

    Raises ValueError, with what is wrong, for other text, and for units that do not fit.
    """
    if len(text) > LONGEST:
        raise ValueError(f"{text[:40]!r}... has {len(text):,} characters; at most {LONGEST:,} are allowed")
    parser = _Parser(text, unit_of)
    left = parser.sum(0)
    sign = parser.take()
    if sign not in _COMPARE:
        raise ValueError(f"{text!r} is not a comparison; write e.g. pes <= 1024")
    right = parser.sum(0)
    if parser.peek():
        raise ValueError(f"{text!r}: {parser.peek()!r} is left over")
    _common(left.unit, right.unit, f"{text!r} compares")
    return ParsedConstraint(text, tuple(dict.fromkeys(parser.names)), left, sign, right)


class _Parser:
    def __init__(self, text: str, unit_of: Callable[[str], Powers]) -> None:
        self.text = text
        self.names: list[str] = []
        self._unit_of = unit_of
        self._tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None:
                raise ValueError(f"{text!r} cannot be read at {text[at:].strip()[:10]!r}")
            self._tokens.append(match[0].strip())
            at = match.end()
        self._at = 0

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self._at += 1
        return token

    def sum(self, depth: int) -> Value:
        """A sum as one value of all its terms, so that a long one is not deep."""
        first = self.product(depth)
        terms = [(1.0, first.of)]
        unit = first.unit
        while self.peek() in ("+", "-"):
            sign = 1.0 if self.take() == "+" else -1.0
            term = self.product(depth)
            unit = _common(unit, term.unit, f"{self.text!r} adds")
            terms.append((sign, term.of))
        if len(terms) == 1:
            return first
        return Value(lambda values: sum(sign * of(values) for sign, of in terms), unit)

    def product(self, depth: int) -> Value:
        first = self.factor(depth)
        factors: list[tuple[bool, Callable[[Mapping[str, float]], float]]] = []
        unit = first.unit
        while self.peek() in ("*", "/"):
            times = self.take() == "*"
            factor = self.factor(depth)
            unit = _multiplied(unit, factor.unit, 1 if times else -1)
            factors.append((times, factor.of))
        if not factors:
            return first

        def value(values: Mapping[str, float]) -> float:
            out = first.of(values)
            for times, of in factors:
                out = out * of(values) if times else out / of(values)
            return out

        return Value(value, unit)

    def factor(self, depth: int) -> Value:
        if depth > _DEEPEST:
            raise ValueError(f"{self.text[:40]!r}... is nested more than {_DEEPEST} deep")
        token = self.take()
        if token == "(":
            value = self.sum(depth + 1)
            if self.take() != ")":
                raise ValueError(f"{self.text!r}: a bracket is not closed")
            return value
        if token == "-":
            inner = self.factor(depth + 1)
            return Value(lambda values: -inner.of(values), inner.unit)
        if token[:1].isdigit():
            return self._number(token)
        if token[:1].isalpha() or token[:1] == "_":
            try:
                unit = self._unit_of(token)
            except ValueError as error:
                raise ValueError(f"{self.text!r}: {error}") from None
            self.names.append(token)
            return Value(lambda values: values[token], unit)
        raise ValueError(
            f"{self.text!r}: a name or a number is required" + (f", not {token!r}" if token else " at its end")
        )

    def _number(self, token: str) -> Value:
        """A number, with the unit that follows it."""
        scale, unit = 1.0, None
        following = self.peek()
        if following in _UNITS:
            self.take()
            scale, unit = _UNITS[following]
        elif following[:1].isalpha():
            raise ValueError(f"{self.text!r}: unknown unit {following!r}{did_you_mean(following, _UNITS)}")
        number = float(token) * scale
        if not math.isfinite(number):
            raise ValueError(f"{self.text!r}: {token[:40]} is too large")
        return Value(lambda values: number, unit)


def _common(one: Powers | None, other: Powers | None, problem: str) -> Powers | None:
    """The unit of two values that are compared or added.  Raises ValueError where they have different ones."""
    if one is None or other is None:
        return other if one is None else one
    if one != other:
        raise ValueError(f"{problem} {_shown(one)} and {_shown(other)}")
    return one


def _multiplied(one: Powers | None, other: Powers | None, power: int) -> Powers | None:
    if other is None:
        return one
    out = dict(one or {})
    for unit, exponent in other.items():
        out[unit] = out.get(unit, 0) + power * exponent
    return {unit: exponent for unit, exponent in out.items() if exponent}


def _shown(unit: Powers) -> str:
    """A unit as text, as B/s."""
    above = " ".join(unit + (str(n) if n > 1 else "") for unit, n in unit.items() if n > 0)
    below = "".join("/" + unit + (str(-n) if n < -1 else "") for unit, n in unit.items() if n < 0)
    return (above or "1" if below else above) + below or "a plain number"
