"""Which of the best mappings of the search the event engine runs, in which order, and when no other can win.

The search ranks mappings by a closed form that does not know where the zeros of a layer lie.  A forecast of each of its
best mappings does (`simulation.forecast`); the engine runs them from the best forecast on, until the lower bounds of
all others say that none of them can win by more than `NEAR`.

Where a run shows that a forecast was wrong, mappings with the same tile in a PE are expected to err alike (a lane that
serves several streams in turn, say, which forecasts leave out).

The runs are the same for every effort, so that more effort only adds runs: run number i takes the best forecast of
the first `reach(i)` mappings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.results.layer_result import NEAR

RUNS, REPEATED_RUNS = 5, 10
"""Runs of the event engine by default: of layers with zeros, and of those whose passes repeat, which are run quickly
and whose mappings differ in what is not forecast."""
FEW, WIDE, PER_RUN = 20, 50, 4
"""Mappings that the default runs are chosen from; and beyond them, so many at least, and for each run."""

Rank = tuple[float, float]


class Ranked(Protocol):
    """What was run."""

    def rank(self, objective: Objective) -> Rank:
        """What the objective compares, and what breaks its ties."""
        ...


@dataclass(frozen=True)
class Forecasts:
    """What the objective will compare of a mapping: as it is expected, and at least (None: not known)."""

    expected: Rank
    least: Rank | None
    alike: Hashable = None
    """Equal for mappings whose forecasts err alike."""


Result = TypeVar("Result", bound=Ranked)


@dataclass(frozen=True)
class Contest(Generic[Result]):
    """What came of the runs.

    ran: in their order; gap: by which part the lowest bound of the mappings that were not run lies below the best of
    those that were; 0 where none is below, None where no bounds are known.
    """

    ran: list[Result]
    gap: float | None


def reach(run: int) -> int:
    """How many of the best mappings of the search run number `run` is chosen from; the first is number 1."""
    return FEW if run <= RUNS else max(WIDE, PER_RUN * run)


def may_win(least: Rank | None, best: Rank, objective: Objective) -> bool:
    """Whether a mapping with a lower bound may be better than the best one by more than `NEAR`."""
    if least is None or least[0] < (1.0 - NEAR) * best[0]:
        return True
    same_traffic = objective is Objective.DRAM and least[0] <= best[0]  # off-chip traffic is counted, not bounded
    return same_traffic and least[1] < (1.0 - NEAR) * best[1]


def hold(
    forecasts: Sequence[Forecasts], runs: int, objective: Objective, run: Callable[[int], Result | None]
) -> Contest[Result]:
    """Run mappings until none of the others can win, at most `runs` of them.

    forecasts: of the best mappings of the search, in its order; run: runs one by its number; None where that turns out
    not to fit, which counts as a run.
    """
    waiting = dict(enumerate(forecasts))
    ran: list[Result] = []
    best: Rank | None = None
    wrong: dict[Hashable, float] = {}

    def expected(i: int) -> tuple[float, float, int]:
        first, second = waiting[i].expected
        return first * wrong.get(waiting[i].alike, 1.0), second, i

    for number in range(1, runs + 1):
        able = [i for i, each in waiting.items() if best is None or may_win(each.least, best, objective)]
        near = [i for i in able if i < reach(number)]
        if not able:
            break
        if not near:
            continue
        chosen = min(near, key=expected)
        forecast, result = waiting.pop(chosen), run(chosen)
        if result is not None:
            ran.append(result)
            rank = result.rank(objective)
            best = min(best or rank, rank)
            known = 0.0 < forecast.expected[0] < math.inf
            wrong[forecast.alike] = rank[0] / forecast.expected[0] if known else 1.0
    return Contest(ran, gap(list(waiting.values()), best))


def gap(waiting: list[Forecasts], best: Rank | None) -> float | None:
    """By which part the lowest bound of some mappings lies below the best one; None where one is not known."""
    if best is None or any(each.least is None for each in waiting):
        return None
    least = min((each.least[0] for each in waiting if each.least is not None), default=best[0])
    return max(0.0, 1.0 - least / best[0]) if best[0] > 0.0 else 0.0
