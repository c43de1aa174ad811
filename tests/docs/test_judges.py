"""`tests/README.md` says of every folder of the package what judges it, and names only what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "accelerator_sim"
TEXT = (ROOT / "tests" / "README.md").read_text()
ROWS = [
    line.strip("|").split("|") for line in TEXT.split("## Module by module")[1].splitlines() if line.startswith("| `")
]
FOLDERS = sorted({f"{path.parent.relative_to(PACKAGE)}/" for path in PACKAGE.rglob("*.py")} - {"./"})
ORACLES = sorted(path.name for path in (ROOT / "tests" / "oracles").glob("*.py") if not path.name.startswith("__"))


def quoted(text: str) -> list[str]:
    """What stands in back quotes."""
    return re.findall(r"`([^`]+)`", text)


NAMED = [name for row in ROWS for name in quoted(row[0])]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_of_the_package_has_a_row(folder: str) -> None:
    assert NAMED.count(folder) == 1


def test_what_is_named_exists_and_is_named_once() -> None:
    assert len(NAMED) == len(set(NAMED))
    assert [name for name in NAMED if not (PACKAGE / name).exists()] == []
    for row in ROWS:
        tests = [name for name in quoted(row[1]) if name.startswith("tests/")]
        assert tests or "below" in row[1], row[0]


@pytest.mark.parametrize("oracle", ORACLES)
def test_every_oracle_is_explained(oracle: str) -> None:
    assert f"`tests/oracles/{oracle}`" in TEXT


def test_every_folder_of_tests_judges_something() -> None:
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")}
    assert [str(folder) for folder in sorted(folders) if f"{folder}/" not in TEXT] == []
