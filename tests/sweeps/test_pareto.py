"""The front of a set of results."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from accelerator_sim.sweeps.pareto import front


def brute(values: Sequence[Sequence[float]]) -> list[int]:
    """By the definition: no other result is at least as good in all respects and better in one."""

    def beaten(here: Sequence[float]) -> bool:
        return any(
            all(a <= b for a, b in zip(other, here, strict=True))
            and any(a < b for a, b in zip(other, here, strict=True))
            for other in values
        )

    return [at for at, here in enumerate(values) if not beaten(here)]


def results(size: int) -> st.SearchStrategy[list[list[float]]]:
    few = st.integers(0, 6).map(float)  # many ties
    return st.lists(st.lists(few | st.floats(-1e6, 1e6), min_size=size, max_size=size), max_size=60)


@given(st.integers(1, 4).flatmap(results))
def test_is_what_the_definition_says(values: list[list[float]]) -> None:
    assert front(values) == brute(values)


def test_equal_results_are_all_kept() -> None:
    assert front([(1.0, 2.0), (1.0, 2.0), (2.0, 1.0), (1.0, 3.0)]) == [0, 1, 2]
