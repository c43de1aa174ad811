"""What was computed last, kept up to a size."""

from __future__ import annotations

import pytest

from accelerator_sim.files.recent import Recent


def test_what_was_not_asked_for_longest_goes_first() -> None:
    recent: Recent[str] = Recent(10)
    recent.put("a", "first", 4)
    recent.put("b", "second", 4)
    assert recent.get("a") == "first"
    recent.put("c", "third", 4)
    assert [recent.get(key) for key in "abc"] == ["first", None, "third"]


@pytest.mark.parametrize("size", [0, 3, 10])
def test_a_value_is_replaced_with_its_size(size: int) -> None:
    recent: Recent[int] = Recent(10)
    for value in range(5):
        recent.put("a", value, size)
    recent.put("b", 0, 10 - size)
    assert (recent.get("a"), recent.get("b")) == (4, 0)


def test_a_value_larger_than_all_is_not_kept() -> None:
    recent: Recent[str] = Recent(10)
    recent.put("a", "small", 1)
    recent.put("a", "large", 11)
    assert recent.get("a") is None
