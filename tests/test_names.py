"""One word, one thing: no two modules of the package have one name, and no two classes or aliases of types."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "accelerator_sim"
PLACES = {str(path.relative_to(PACKAGE.parent)).removesuffix("/__init__.py"): path for path in PACKAGE.rglob("*.py")}
TYPE = re.compile(r"^ *class (\w+)[(:]|^(_?[A-Z][a-z]\w*)(?:: .*)? = ", re.MULTILINE)


def shared(names: list[tuple[str, str]]) -> list[str]:
    once = dict(reversed(names))
    return [f"{name}: {place}, {once[name]}; qualify one of them" for name, place in names if once[name] != place]


def test_no_two_modules_have_one_name() -> None:
    """But a main module has that of its package, as `mapping/mapping.py`."""
    own = {place: Path("/", place).with_suffix("") for place in PLACES}
    assert shared([(path.name, place) for place, path in own.items() if path.name != path.parent.name]) == []


def test_no_two_types_have_one_name() -> None:
    assert shared([(a or b, p) for p, path in PLACES.items() for a, b in TYPE.findall(path.read_text("utf-8"))]) == []
