"""Results as JSON: the same bytes for the same result."""

from __future__ import annotations

import json
from typing import Any


def encode(data: dict[str, Any]) -> str:
    """Return plain data as indented JSON.  Raises ValueError for NaN and infinity, which JSON does not have."""
    return json.dumps(data, indent=2, allow_nan=False) + "\n"
