"""Published figures against ours: run the cases of publications, evaluate their figures, judge the differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from accelerator_sim.files.errors import AcceleratorSimError, CheckFailed
from accelerator_sim.files.vocabulary import Masks
from accelerator_sim.mapping.file import MappingPlan, load_plan, mapping_file
from accelerator_sim.results.accounted_run import AccountedRun
from accelerator_sim.run.network_run import Progress, simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.technology.technology import scaled
from accelerator_sim.validation.publications import Case, Figure, Publication
from accelerator_sim.validation.quantities import QUANTITIES
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.layer import Density
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network

MEAN = "mean |error|"
"""What stands for the layer in the row that holds the mean error of all layers."""

Judgement = Literal["miss", "ok", "construction", "input", "fitted"]


@dataclass(frozen=True)
class ScoreRow:
    """One published number and ours.  `least` and `most` bound ours; they are the tolerance, or the claim itself.

    Where zeros are drawn, ours is the mean over the seeds of its case, and `spread` their range over that mean.
    """

    publication: str
    figure: Figure
    layer: str
    published: float | None
    least: float | None
    most: float | None
    ours: float
    spread: float = 0.0

    @property
    def unit(self) -> str:
        """Unit of both numbers; none for ratios."""
        return "" if self.figure.over or self.layer == MEAN else QUANTITIES[self.figure.quantity].unit

    @property
    def error(self) -> float | None:
        """Ours against the published value, as a fraction of it; for a bound, by how much it is broken."""
        if self.published is not None:
            return self.ours / self.published - 1.0 if self.published else None
        if self.least is not None and self.ours < self.least:
            return self.ours / self.least - 1.0
        return self.ours / self.most - 1.0 if self.most is not None and self.ours > self.most else 0.0

    @property
    def status(self) -> Judgement:
        """Whether ours is near enough.

        A figure that something was fitted to, or derived from, is not judged; one that holds by construction is no
        prediction, but one outside its tolerance is a miss.
        """
        if self.figure.fitted:
            return "fitted"
        if self.figure.gave:
            return "input"
        low = self.least is not None and self.ours < self.least
        if low or (self.most is not None and self.ours > self.most):
            return "miss"
        return "construction" if self.figure.follows else "ok"


@dataclass(frozen=True)
class Scorecard:
    """All figures of some publications; `left_out` counts those of slow cases that were not run."""

    publications: Mapping[str, Publication]
    rows: tuple[ScoreRow, ...]
    left_out: int = 0

    def count(self, status: Judgement) -> int:
        """Figures of a status."""
        return sum(row.status == status for row in self.rows)


def run_case(
    name: str,
    case: Case,
    jobs: int = 1,
    *,
    change: Callable[[Network], Network] | None = None,
    seed: int = 0,
    masks: Masks = Masks.CHANNELS,
) -> AccountedRun:
    """Run one case; change, seed, masks: another network, or other zeros, than the case has.

    Raises CheckFailed where a layer of it does not run.
    """
    architecture, technology = load_machine(case.architecture, list(case.set.items()))
    if case.voltage is not None:
        technology = scaled(technology, technology.name, technology.node, case.voltage)
    network = load_network(case.workload, Choices(densities=case.densities))
    if case.dense:
        dense = (replace(layer, density=Density(), effectual_fraction=None) for layer in network.layers)
        network = replace(network, layers=tuple(dense))
    if change is not None:
        network = change(network)
    whole = network.with_batch(case.batch)
    plan = load_plan(mapping_file(case.mapping), architecture, whole) if case.mapping else MappingPlan()
    options = Options(case.objective, case.batch, tuple(case.layers), plan, seed, jobs, case.fidelity, masks=masks)
    result = simulate_network(network, architecture, technology, options)
    if result.interrupted:
        raise KeyboardInterrupt
    if result.failed:
        first = result.failed[0]
        raise CheckFailed(f"case {name}: layer {first.layer.name} of {case.workload} did not run: {first.error}")
    return AccountedRun(result, technology)


SeedRuns = tuple[AccountedRun, ...]
"""A case, run with each of its seeds."""
CaseRuns = Mapping[tuple[str, str], SeedRuns]
"""Runs by publication and name of the case."""


def run_cases(
    publications: Mapping[str, Publication], quick: bool = False, jobs: int = 1, on_progress: Progress | None = None
) -> dict[tuple[str, str], SeedRuns]:
    """Run every case that a figure is of, by publication and name; equal cases once; no slow ones if `quick`.

    jobs: worker processes for the layers of slow cases.
    """
    wanted = [
        (name, case)
        for name, publication in publications.items()
        for case in publication.cases
        if not (quick and publication.cases[case].slow)
        and any(case in (figure.case, figure.over) for figure in publication.figures)
    ]
    runs: dict[tuple[str, str], SeedRuns] = {}
    by_content: dict[str, SeedRuns] = {}
    for done, (name, case) in enumerate(wanted):
        if on_progress is not None:
            on_progress(done, len(wanted), f"{name}: {case}")
        entry = publications[name].cases[case]
        content = entry.model_copy(update={"note": "", "slow": False}).model_dump_json()
        if content not in by_content:
            workers = jobs if entry.slow else 1
            by_content[content] = tuple(run_case(case, entry, workers, seed=seed) for seed in range(entry.seeds))
        runs[name, case] = by_content[content]
    return runs


def evaluate(publications: Mapping[str, Publication], runs: CaseRuns) -> Scorecard:
    """Work out every figure whose cases were run."""
    rows: list[ScoreRow] = []
    left_out = 0
    for name, publication in publications.items():
        for figure in publication.figures:
            if any((name, case) not in runs for case in (figure.case, figure.over) if case is not None):
                left_out += len(figure.values or [0])
                continue
            rows += _rows(name, figure, runs)
    return Scorecard(publications, tuple(rows), left_out)


def ours(figure: Figure, publication: str, runs: CaseRuns) -> float:
    """Our value of a figure: the mean over seeds.  Raises AcceleratorSimError for a quantity that is not known."""
    return _mean_and_spread(figure, publication, runs, None)[0]


def _mean_and_spread(figure: Figure, publication: str, runs: CaseRuns, layer: str | None) -> tuple[float, float]:
    """Our value, and its range over seeds as a share of it: that of the case, and of the one it is compared with."""
    mean, spread = _over_seeds(figure, runs[publication, figure.case], layer)
    if figure.over is not None:
        other, other_spread = _over_seeds(figure, runs[publication, figure.over], layer)
        mean, spread = mean / other, spread + other_spread
    return mean / figure.per, spread


def _over_seeds(figure: Figure, runs: SeedRuns, layer: str | None) -> tuple[float, float]:
    """Mean of a quantity over the seeds of a case, and its range as a share of the mean."""
    if figure.quantity not in QUANTITIES:
        raise AcceleratorSimError(f"figure {figure.name!r}: no quantity {figure.quantity!r}")
    of, layers = QUANTITIES[figure.quantity].of, layer or figure.layer or "*"
    values = [of(replace(run, layers=layers)) for run in runs]
    mean = sum(values) / len(values)
    return mean, (max(values) - min(values)) / mean if any(values) else 0.0


def _rows(name: str, figure: Figure, runs: CaseRuns) -> list[ScoreRow]:
    if figure.value is None and figure.values is None:
        value, spread = _mean_and_spread(figure, name, runs, None)
        return [ScoreRow(name, figure, figure.layer or "", None, figure.least, figure.most, value, spread)]
    published = figure.values or {figure.layer or "": figure.value or 0.0}
    rows = []
    for layer, value in published.items():
        margin = figure.margin or abs(value) * (figure.within or 0.0)
        mine, spread = _mean_and_spread(figure, name, runs, layer or None)
        rows.append(ScoreRow(name, figure, layer, value, value - margin, value + margin, mine, spread))
    if figure.mean_within is not None:
        mean = sum(abs(row.error or 0.0) for row in rows) / len(rows)
        rows.append(ScoreRow(name, figure, MEAN, None, None, figure.mean_within, mean))
    return rows
