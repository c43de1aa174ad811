"""Links and paths in the texts that Sphinx does not read lead somewhere, and so do those of the pages to files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import figures

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "tests/README.md", "benchmarks/README.md"]
TEXTS += [f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"`([\w.*-]+(?:/[\w.*-]+)+/?)`")
"""A path in back quotes."""
FOLDERS = {path.name for path in ROOT.iterdir()}
"""First parts of paths of this repository; others are examples, schemas, kinds of files."""


def without_code(text: str) -> str:
    """A text without its fenced blocks and its code in lines."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def slug(heading: str) -> str:
    """The anchor of a heading, as forges and Sphinx make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    """The anchors of a text."""
    return {slug(line.lstrip("#")) for line in path.read_text().splitlines() if line.startswith("#")}


def broken(name: str, text: str) -> list[str]:
    """Links of a text that lead nowhere, and paths that do not exist."""
    folder, found = (ROOT / name).parent, []
    for target in LINK.findall(without_code(text)):
        # Pictures that the build of the pages draws are there after it only; the build warns of those that it has not.
        if "://" in target or target.startswith(("mailto:", "_build/")):
            continue
        file, _, anchor = target.partition("#")
        place = folder / file if file else ROOT / name
        if place.parent == ROOT / "docs" / "_build" / "figures" and place.stem in figures.NAMES:
            continue  # drawn when the pages are built
        if not place.exists() or (anchor and anchor not in anchors(place)):
            found.append(target)
    paths = [path for path in PATH.findall(text) if path.split("/")[0] in FOLDERS]
    return found + [path for path in paths if not list(ROOT.glob(path.rstrip("/")))]


@pytest.mark.parametrize("name", TEXTS)
def test_links_and_paths(name: str) -> None:
    assert not broken(name, (ROOT / name).read_text())


def test_what_is_broken_is_found() -> None:
    text = "[a](README.md) [b](none.md) [c](README.md#what-it-does) [d](README.md#nothing) `docs/none.md` `docs/*.py`"
    assert broken("README.md", text) == ["none.md", "README.md#nothing", "docs/none.md"]
    assert broken("README.md", "`[x](none.md)`\n```\n[y](none.md)\n```\n") == []
