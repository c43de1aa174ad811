"""Closed sets and ranges: what is accepted, and what the refusals say."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from accelerator_sim.files import vocabulary
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.vocabulary import Fidelity, Objective, Real, Whole, flag, place, sequence, texts, word, words

SETS = [each for each in vars(vocabulary).values() if isinstance(each, type) and issubclass(each, StrEnum)]
SETS.remove(StrEnum)


@pytest.mark.parametrize("kind", SETS, ids=lambda kind: kind.__name__)
def test_every_set_has_its_words_as_a_type(kind: type[StrEnum]) -> None:
    name = kind.__name__.removesuffix("Name")
    assert get_args(getattr(vocabulary, f"{name}Word")) == tuple(member.value for member in kind)


def test_a_word_is_its_member() -> None:
    assert word(Fidelity, "event", "fidelity") is Fidelity.EVENT
    assert word(Fidelity, Fidelity.CYCLE, "fidelity") is Fidelity.CYCLE


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("evnt", "fidelity is 'evnt'; allowed: event, cycle, analytical; did you mean 'event'?"),
        ("EVENT", "fidelity is 'EVENT'; allowed: event, cycle, analytical; did you mean 'event'?"),
        (3, "fidelity is 3; allowed: event, cycle, analytical"),
        (None, "fidelity is None; allowed: event, cycle, analytical"),
        (Objective.EDP, "fidelity is <Objective.EDP: 'edp'>; allowed: event, cycle, analytical"),
    ],
)
def test_another_word_is_refused(value: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        word(Fidelity, value, "fidelity")
    assert str(caught.value) == message


def test_words_are_a_list_or_a_text_with_commas() -> None:
    assert words(Objective, "edp, dram,edp", "objectives") == (Objective.EDP, Objective.DRAM)
    assert words(Objective, ["latency"], "objectives") == (Objective.LATENCY,)
    with pytest.raises(UsageError, match=r"objectives is empty; allowed: energy, latency, edp, dram"):
        words(Objective, [], "objectives")


def test_texts() -> None:
    assert texts("CONV1", "layers") == ("CONV1",)
    assert texts(("a", "b"), "layers") == ("a", "b")
    for bad in (None, 3, ["a", 1]):
        with pytest.raises(UsageError, match="a text or a list of texts is required"):
            texts(bad, "layers")


@pytest.mark.parametrize("value", [1, 64, np.int64(7), np.uint8(64)])
def test_whole_numbers(value: Any) -> None:
    found = Whole("refine", 1, 64).check(value)
    assert type(found) is int
    assert found == value


@pytest.mark.parametrize("value", [0, -3, 65, 1.5, 2.0, math.nan, math.inf, True, "3", None, np.float64(2)])
def test_numbers_that_are_not_whole_or_out_of_range(value: Any) -> None:
    with pytest.raises(UsageError, match=r"refine is .*; a whole number from 1 to 64 is required"):
        Whole("refine", 1, 64).check(value)


@pytest.mark.parametrize("value", [0.1, 4, np.float32(1.0)])
def test_real_numbers(value: Any) -> None:
    assert Real("width", 0.0, 4.0, above=True).check(value) == pytest.approx(float(value))


@pytest.mark.parametrize("value", [0, -1, 4.1, math.nan, math.inf, -math.inf, "2", None, True, [1.0], 10**400])
def test_numbers_that_are_not_finite_or_out_of_range(value: Any) -> None:
    with pytest.raises(UsageError, match=r"width is .*; a finite number of more than 0 and at most 4 is required"):
        Real("width", 0.0, 4.0, above=True).check(value)


def test_flags_places_and_lists() -> None:
    assert flag(True, "verify") is True
    with pytest.raises(UsageError, match="verify is 'no'; True or False is required"):
        flag("no", "verify")
    assert place(Path("x.yaml"), "network") == "x.yaml"
    with pytest.raises(UsageError, match="network is 3; a built-in name, a file"):
        place(3, "network")
    assert sequence("eyeriss_v2", "architectures") == ("eyeriss_v2",)
    assert sequence(["a", "b"], "architectures") == ("a", "b")
    with pytest.raises(UsageError, match="architectures is None; a list is required"):
        sequence(None, "architectures")
