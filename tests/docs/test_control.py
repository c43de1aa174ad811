"""The study of the control: how larger sets are foretold, and what holds."""

from __future__ import annotations

import itertools
import math

import pytest

from accelerator_sim.technology.machine_file import load_machine
from docs import control

PLACES = len(control.JUDGED)


def multiplied(options: frozenset[int], pairs: bool) -> control.Ratios:
    """Ratios in which every option has its factor, and every pair one more."""
    factor = math.prod(1.0 + 0.01 * (o + 1) for o in options)
    if pairs:
        factor *= math.prod(1.0 - 0.002 * (a + b) for a, b in itertools.combinations(sorted(options), 2))
    return (1.1 * factor,) * PLACES


@pytest.mark.parametrize("pairs", [False, True])
def test_effects_of_single_options_and_pairs_are_foretold(pairs: bool) -> None:
    known = {each: multiplied(each, pairs) for each in control.sets_of(2)}
    for larger in control.sets_of(4, 3):
        assert control.foretold(larger, known) == pytest.approx(multiplied(larger, pairs))


def test_a_set_with_a_pair_that_excludes_itself_is_not_foretold() -> None:
    known = {each: multiplied(each, True) for each in control.sets_of(2) if each != frozenset({0, 1})}
    assert control.foretold(frozenset({0, 1, 2}), known) is None
    assert control.foretold(frozenset({0, 2, 3}), known) is not None


def test_what_holds() -> None:
    exact = (1.0,) * PLACES
    assert control.holds(exact)
    for i, figure in enumerate(control.figures()):
        assert figure.within is not None
        moved = [*exact[:i], 1.0 + 1.1 * figure.within, *exact[i + 1 :]]
        assert not control.holds(tuple(moved))
        assert control.holds(tuple(moved), 0.2 * figure.within)


@pytest.mark.parametrize("option", control.OPTIONS, ids=lambda option: option.title)
def test_every_option_is_another_machine(option: control.Option) -> None:
    assert load_machine("eyeriss_v2", list(option.set.items()))[0] != load_machine("eyeriss_v2")[0]
    load_machine("eyeriss_v1_5", list(option.of_v1_5.items()))


def test_the_page_names_what_misses() -> None:
    known = dict.fromkeys(control.sets_of(1), (1.0,) * PLACES) | {frozenset({0}): (1.5,) + (1.0,) * (PLACES - 1)}
    text = control.page(control.Study(known, 0, {frozenset({0, 1, 2}): (1.0,) * PLACES}, 0.01))
    assert f"| {control.OPTIONS[0].title} | **+50.0%** |" in text
    assert f"{len(known) + 1:,} sets of the {len(control.OPTIONS)} options can be; {len(known)} were run" in text
    assert f"{len(known) - 1} of those that were run hold all figures, and of the others 1 are foretold to" in text
