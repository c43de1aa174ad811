"""Reading the published tables."""

from __future__ import annotations

import csv
from pathlib import Path


def read(name: str) -> list[dict[str, str]]:
    """Rows of a table of this folder; lines that begin with # say where it comes from."""
    lines = (Path(__file__).parent / name).read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))
