"""Every public call shows how it is used, and the examples do what they say."""

from __future__ import annotations

import doctest
import inspect

import pytest

from docs import public

FUNCTIONS = public.functions()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_examples_of_a_call(name: str) -> None:
    function = FUNCTIONS[name]
    (test,) = doctest.DocTestFinder(recurse=False).find(function, name, globs={})
    assert test.examples, f"{name} has no example"
    told: list[str] = []
    assert doctest.DocTestRunner().run(test, out=told.append).failed == 0, "".join(told)
    assert inspect.getdoc(function)
