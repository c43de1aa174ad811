"""Which mappings are run, and when the runs end."""

from __future__ import annotations

import math
from dataclasses import dataclass

import hypothesis.strategies as st
from hypothesis import given

from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.results.layer_result import NEAR
from accelerator_sim.run.contest import FEW, RUNS, Contest, Forecasts, gap, hold, may_win, reach


@dataclass(frozen=True)
class Ran:
    """A mapping that was run."""

    number: int
    cycles: float

    def rank(self, _: Objective) -> tuple[float, float]:
        """Cycles alone."""
        return self.cycles, 0.0


@dataclass(frozen=True)
class Drawn:
    """A mapping: its cycles, its forecast and its bound as parts of them, and whether it fits."""

    cycles: float
    expected: float
    least: float
    family: int
    fits: bool


DRAWN = st.builds(
    Drawn, st.integers(100, 1000), st.floats(0.7, 1.3), st.floats(0.5, 1.0), st.integers(0, 3), st.booleans()
)


def held(drawn: list[Drawn], runs: int) -> Contest[Ran]:
    """Hold the contest over as many of the drawn mappings as so many runs choose from."""
    reached = drawn[: reach(runs)]
    forecasts = [Forecasts((x.cycles * x.expected, 0.0), (x.cycles * x.least, 0.0), x.family) for x in reached]
    return hold(forecasts, runs, Objective.LATENCY, lambda i: Ran(i, reached[i].cycles) if reached[i].fits else None)


@given(st.lists(DRAWN, min_size=1, max_size=90), st.integers(1, 25), st.integers(0, 25))
def test_more_effort_only_adds_runs(drawn: list[Drawn], runs: int, more: int) -> None:
    few, many = held(drawn, runs), held(drawn, runs + more)
    assert many.ran[: len(few.ran)] == few.ran
    assert min((x.cycles for x in many.ran), default=0) <= min((x.cycles for x in few.ran), default=math.inf)


@given(st.lists(DRAWN, min_size=1, max_size=60), st.integers(1, 60))
def test_runs_end_at_the_bound_or_at_their_number(drawn: list[Drawn], runs: int) -> None:
    contest = held(drawn, runs)
    if not contest.ran:
        return
    best = min(x.cycles for x in contest.ran)
    fitting = [x for x in drawn[: reach(runs)] if x.fits]
    assert contest.gap is not None
    assert contest.gap >= 0.0
    if contest.gap <= NEAR:
        assert best * (1.0 - NEAR) <= min(x.cycles for x in fitting) + 1e-9
    else:  # as many as were allowed, though some of them may not have fitted
        assert len(contest.ran) <= runs


def test_a_wrong_forecast_is_not_followed_twice() -> None:
    """Of two families, the first is expected to be faster, and is slower when it is run."""
    forecasts = [Forecasts((100.0 + i, 0.0), (90.0, 0.0), "wrong") for i in range(4)]
    forecasts += [Forecasts((110.0, 0.0), (90.0, 0.0), "right")]
    contest = hold(forecasts, 2, Objective.LATENCY, lambda i: Ran(i, 110.0 if i == 4 else 150.0))
    assert [x.number for x in contest.ran] == [0, 4]


def test_reach_grows() -> None:
    assert [reach(run) for run in (1, RUNS, RUNS + 1, 20)] == [FEW, FEW, 50, 80]


def test_traffic_is_tied_by_time() -> None:
    assert may_win((10.0, 90.0), (10.0, 100.0), Objective.DRAM)
    assert not may_win((10.0, 99.9), (10.0, 100.0), Objective.DRAM)
    assert not may_win((100.0, 0.0), (100.0, 5.0), Objective.LATENCY)
    assert may_win(None, (100.0, 5.0), Objective.LATENCY)


def test_an_unknown_bound_leaves_the_gap_unknown() -> None:
    assert gap([Forecasts((1.0, 0.0), None)], (1.0, 0.0)) is None
    assert gap([], (1.0, 0.0)) == 0.0
