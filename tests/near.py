"""Comparing small numbers."""

from __future__ import annotations

from typing import Any

import pytest


def near(expected: Any, rel: float = 1e-9) -> Any:
    """`pytest.approx` without its absolute tolerance of 1e-12, which for joules is a picojoule: a whole access."""
    return pytest.approx(expected, rel=rel, abs=0.0)
