"""A search that looks where results are good: multi-objective NSGA-II by optuna, one generation at a time.

Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE TEC 6(2) 2002.  What is asked for next
depends on the seed and on results, never on the order in which they came; so a search that is run again asks for the
same points, and finds those in the store that were run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from accelerator_sim.files.errors import AcceleratorSimError
from accelerator_sim.sweeps.points import SweepPoint, point_of
from accelerator_sim.sweeps.spec import SweepPlan

POPULATION = 50
"""Points of a generation, or fewer where the search is shorter than two."""
MOST_REPEATS = 20
"""Generations without a new point after which a search has seen what it can reach."""

Legal = Callable[[SweepPoint], bool]
"""Whether a point can be run; others are not asked for."""
Evaluate = Callable[[Sequence[SweepPoint]], Mapping[int, Sequence[float] | None]]
"""Runs points; returns the costs of each by its number, None for one that failed or breaks a constraint."""


def search(sweep: SweepPlan, objectives: int, evaluate: Evaluate, legal: Legal) -> list[SweepPoint]:
    """Evaluate as many different points as the sweep has samples, or as can be found; return them.

    A point that is not legal counts as one that was asked for in vain, so that the next generation avoids it.

    Raises AcceleratorSimError where optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise AcceleratorSimError(
            "mode search needs optuna; install it with: pip install 'accelerator-sim[search]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    wanted = min(sweep.spec.samples or 0, sweep.grid_size)
    population = max(2, min(POPULATION, wanted // 2))
    sampler = optuna.samplers.NSGAIISampler(population_size=population, seed=sweep.spec.seed)
    study = optuna.create_study(directions=["minimize"] * objectives, sampler=sampler)
    known: dict[tuple[int, ...], Sequence[float] | None] = {}
    points: list[SweepPoint] = []
    repeats = 0
    while len(points) < wanted and repeats < MOST_REPEATS:
        trials: list[tuple[Any, tuple[int, ...]]] = []
        fresh: dict[tuple[int, ...], SweepPoint] = {}
        for _ in range(population):
            trial = study.ask()
            chosen = tuple(
                trial.suggest_categorical("/".join(axis.names), list(range(len(axis.values)))) for axis in sweep.axes
            )
            trials.append((trial, chosen))
            if chosen not in known and chosen not in fresh and len(points) + len(fresh) < wanted:
                point = point_of(sweep.axes, len(points) + len(fresh), chosen)
                if legal(point):
                    fresh[chosen] = point
                else:
                    known[chosen] = None
        repeats = 0 if fresh else repeats + 1
        costs = evaluate(list(fresh.values()))
        points += fresh.values()
        known |= {chosen: costs.get(point.number) for chosen, point in fresh.items()}
        for trial, chosen in trials:
            values = known.get(chosen)
            if values is None:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, list(values))
    return points
