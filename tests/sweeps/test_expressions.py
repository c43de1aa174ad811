"""Constraints of a sweep."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerator_sim.sweeps.expressions import ParsedConstraint, Powers, powers_of
from accelerator_sim.sweeps.expressions import parse_comparison as parse

UNITS = {"pes": "", "glb_total": "B", "dram.bandwidth": "B/s", "clock": "Hz", "zero": ""}
VALUES = {"clock": 2e8, "pes": 192.0, "glb_total": 512 * 1024.0, "dram.bandwidth": 25.6e9, "zero": 0.0}


def unit_of(name: str) -> Powers:
    """The unit of a name of these tests."""
    if name not in UNITS:
        raise ValueError(f"no value {name!r}")
    return powers_of(UNITS[name])


def parse_comparison(text: str) -> ParsedConstraint:
    """A constraint on the names of these tests."""
    return parse(text, unit_of)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("pes <= 192", True),
        ("pes < 192", False),
        ("glb_total <= 512 KiB", True),
        ("glb_total <= 512 kB", False),
        ("glb_total/pes > 2 KiB", True),
        ("dram.bandwidth >= 25 GB/s", True),
        ("dram.bandwidth == 204.8 Gb/s", True),
        ("2*(pes - 92) != 200", False),
        ("-pes < -100 + 2", True),
        ("1e3 kgates == 1 Mgates", True),
        ("dram.bandwidth / clock == 128 B", True),
        ("2 * glb_total > 1 MB + 1 KiB", True),
        ("glb_total / 512 KiB == zero + 1", True),
        (" + ".join(["pes"] * 1100) + " > 1", True),
        ("*".join(["1"] * 1100) + " == 1", True),
    ],
)
def test_comparison(text: str, holds: bool) -> None:
    assert parse_comparison(text).holds(VALUES) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'': a name or a number is required at its end"),
        ("pes", "'pes' is not a comparison; write e.g. pes <= 1024"),
        ("pes <= 4 8", "'pes <= 4 8': '8' is left over"),
        ("pes <= 4 furlongs", "'pes <= 4 furlongs': unknown unit 'furlongs'"),
        ("glb_total <= 4 kiB", "'glb_total <= 4 kiB': unknown unit 'kiB'; did you mean 'KiB'?"),
        ("pess <= 4", "'pess <= 4': no value 'pess'"),
        ("pes <= 4 KiB", "'pes <= 4 KiB' compares a plain number and B"),
        ("clock + glb_total <= 4", "'clock + glb_total <= 4' adds 1/s and B"),
        ("glb_total <= 3 GB/s", "'glb_total <= 3 GB/s' compares B and B/s"),
        ("glb_total * glb_total / clock <= 3 s", "'glb_total * glb_total / clock <= 3 s' compares B2 s and s"),
        ("pes <= 1e999", "'pes <= 1e999': 1e999 is too large"),
        ("1" * 20_000, f"{'1' * 40!r}... has 20,000 characters; at most 10,000 are allowed"),
        ("(pes <= 4", "'(pes <= 4': a bracket is not closed"),
        ("pes <= $4", "'pes <= $4' cannot be read at '$4'"),
        ("pes <= )", "'pes <= )': a name or a number is required, not ')'"),
        ("(" * 60 + "1 <= 2", f"{'(' * 40!r}... is nested more than 50 deep"),
    ],
)
def test_unreadable(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_comparison(text)


def test_a_name_without_a_value() -> None:
    with pytest.raises(ValueError, match="constraint 'pes <= 4': pes has no value here"):
        parse_comparison("pes <= 4").holds({})


def test_division_by_zero() -> None:
    with pytest.raises(ValueError, match="constraint '1/zero <= 4' divides by zero"):
        parse_comparison("1/zero <= 4").holds(VALUES)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_comparison(text)


_NUMBERS = st.integers(0, 99).map(str)
_SUMS = st.recursive(
    _NUMBERS, lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})")
)


@given(_SUMS, _SUMS)
def test_arithmetic_is_that_of_python(left: str, right: str) -> None:
    assert parse_comparison(f"{left} <= {right}").holds({}) == (eval(left) <= eval(right))
