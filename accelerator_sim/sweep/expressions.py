"""Constraints of a sweep: comparisons of sums and products of names and quantities, as "glb_total <= 512 KiB"."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from accelerator_sim.files.errors import did_you_mean
from accelerator_sim.files.units import DIMENSIONS

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_UNITS = {"gates": 1.0, "kgates": 1e3, "Mgates": 1e6, "mm2": 1.0} | {
    unit: float(scale) for dimension in DIMENSIONS for unit, scale in dimension.units.items()
}
_TOKEN = re.compile(
    r"\s*(?:[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?"  # a number
    r"|[A-Za-z_][A-Za-z0-9_.]*(?:/s)?"  # a name or a unit
    r"|<=|>=|==|!=|[<>+\-*/()])"
)
_DEEPEST = 50

Value = Callable[[Mapping[str, float]], float]


@dataclass(frozen=True)
class Comparison:
    """A parsed constraint."""

    text: str
    names: tuple[str, ...]
    """Names that it needs values of."""
    left: Value
    sign: str
    right: Value

    def holds(self, values: Mapping[str, float]) -> bool:
        """Whether it holds.  Raises ValueError for a name without a value, naming those that have one."""
        for name in self.names:
            if name not in values:
                raise ValueError(f"constraint {self.text!r}: no value {name!r}{did_you_mean(name, values)}")
        try:
            return _COMPARE[self.sign](self.left(values), self.right(values))
        except ZeroDivisionError:
            raise ValueError(f"constraint {self.text!r} divides by zero") from None


def parse_comparison(text: str) -> Comparison:
    """Read a constraint.  Raises ValueError, with what is wrong, for other text."""
    parser = _Parser(text)
    left = parser.sum(0)
    sign = parser.take()
    if sign not in _COMPARE:
        raise ValueError(f"{text!r} is no comparison; write e.g. pes <= 1024")
    right = parser.sum(0)
    if parser.peek():
        raise ValueError(f"{text!r}: {parser.peek()!r} is left over")
    return Comparison(text, tuple(dict.fromkeys(parser.names)), left, sign, right)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.names: list[str] = []
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
        value = self.product(depth)
        while self.peek() in ("+", "-"):
            value = _joined(operator.add if self.take() == "+" else operator.sub, value, self.product(depth))
        return value

    def product(self, depth: int) -> Value:
        value = self.factor(depth)
        while self.peek() in ("*", "/"):
            value = _joined(operator.mul if self.take() == "*" else operator.truediv, value, self.factor(depth))
        return value

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
            return lambda values: -inner(values)
        if token[:1].isdigit():
            number = float(token) * self._unit()
            return lambda values: number
        if token[:1].isalpha() or token[:1] == "_":
            self.names.append(token)
            return lambda values: values[token]
        raise ValueError(
            f"{self.text!r}: a name or a number is required" + (f", not {token!r}" if token else " at its end")
        )

    def _unit(self) -> float:
        """The scale of a unit that follows a number, 1 where none does."""
        token = self.peek()
        if token in _UNITS:
            self.take()
            return _UNITS[token]
        if token[:1].isalpha():
            raise ValueError(f"{self.text!r}: unknown unit {token!r}")
        return 1.0


def _joined(action: Callable[[float, float], float], left: Value, right: Value) -> Value:
    return lambda values: action(left(values), right(values))
