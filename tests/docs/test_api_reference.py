"""The API reference: every parameter of every public function is explained, and nothing public is missing."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import accelerator_sim
from docs import docstrings, public

DOCS = Path(__file__).resolve().parents[2] / "docs"
FUNCTIONS = public.functions()
METHODS = {
    f"{kind.__name__}.{name}": method for kind in public.returned() for name, method in public.methods(kind).items()
}
CALLABLES: dict[str, Callable[..., Any]] = FUNCTIONS | public.classes() | METHODS


@pytest.mark.parametrize("name", CALLABLES)
def test_every_parameter_is_explained_once(name: str) -> None:
    function = CALLABLES[name]
    assert inspect.getdoc(function), f"{name} has no docstring"
    explained = docstrings.documented(function)
    assert sorted(explained) == sorted(docstrings.parameters(function))


def test_every_public_name_is_of_a_kind_that_the_page_shows() -> None:
    shown = {*FUNCTIONS, *public.classes(), *public.errors()}
    assert shown | {"__version__"} == set(accelerator_sim.__all__)
    assert len(public.returned()) >= 10
    assert {"NetworkResult.to_csv", "Comparison.to_dict", "Network.select"} <= set(METHODS)  # inherited ones, too


def test_the_page_has_a_place_for_every_kind() -> None:
    markers = re.findall(r"^%public (\w+)$", (DOCS / "api.md").read_text(), re.MULTILINE)
    assert sorted(markers) == ["classes", "errors", "functions", "returned"]
    for marker in markers:
        assert "accelerator_sim." in public.directives(marker)


def sample(first: int, second: int, *rest: int) -> None:
    """Do something.

    first: a number, so: one; or two; second, rest: others.

    note: this is no parameter.
    """


def test_what_a_docstring_explains() -> None:
    assert docstrings.documented(sample) == ["first", "second", "rest"]
    lines = docstrings.with_fields((inspect.getdoc(sample) or "").split("\n"), docstrings.parameters(sample))
    assert lines[2:5] == [
        ":param first: a number, so: one; or two.",
        ":param second: others.",
        ":param rest: others.",
    ]
    assert "note: this is no parameter." in lines
