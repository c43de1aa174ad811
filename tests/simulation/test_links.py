"""Words walked over every mesh link against the closed forms of the schedule."""

from __future__ import annotations

import pytest
from hypothesis import given

from accelerator_sim.noc.routes import routes_of
from accelerator_sim.simulation.links import link_words
from accelerator_sim.simulation.schedule import Schedule
from tests.oracles.strategies import Case, cases


@pytest.mark.parametrize("tensor", ["iact", "weight", "psum"])
@given(case=cases())
def test_words_over_all_links_are_the_hops_of_the_schedule(case: Case, tensor: str) -> None:
    schedule = Schedule(case.problem, case.mapping)
    loads = link_words(schedule, tensor)
    assert sum(loads.values()) == getattr(schedule, f"{tensor}_hops")
    assert loads.keys() <= routes_of(schedule.problem.architecture, tensor).links.keys()
    assert all(words > 0 for words in loads.values())
