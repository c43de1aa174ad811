"""Search by optuna."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from accelerator_sim.files.errors import AcceleratorSimError
from accelerator_sim.run.workers import pool_of
from accelerator_sim.sweeps.points import SweepPoint
from accelerator_sim.sweeps.store import Store
from accelerator_sim.sweeps.sweep_run import SweepState, run_sweep
from accelerator_sim.sweeps.sweep_search import search
from tests.conftest import Hide
from tests.sweeps.conftest import Make, exported

TEXT = """\
architecture: eyeriss_v2
workloads: [small.yaml]
fidelity: analytical
mode: search
samples: 24
objectives: [latency_s, energy_total_j]
axes:
  cluster_array.rows: {powers_of_two: [1, 8]}
  clock: {from: 100 MHz, to: 300 MHz, steps: 5}
  pe.spad.weight.depth: [64, 96, 128]
"""


def test_without_optuna(make: Make, hide: Hide) -> None:
    hide("optuna")
    with pytest.raises(AcceleratorSimError, match=r"pip install 'accelerator-sim\[search\]'"):
        search(make(TEXT), 2, lambda points: {}, lambda point: True)


@pytest.fixture
def _optuna() -> None:
    pytest.importorskip("optuna")


@pytest.mark.slow
@pytest.mark.usefixtures("_optuna")
class TestSearch:
    """What needs optuna."""

    def test_it_looks_where_results_are_good(self, make: Make) -> None:
        """Of a plane with one best corner, a search of a quarter of the points sees more near it than by chance."""
        axes = "axes: {batch: {from: 1, to: 40, steps: 40}, pe.macs_per_cycle: {from: 1, to: 40, steps: 40}}\n"
        sweep = make(f"architecture: eyeriss_v2\nworkloads: [small.yaml]\nmode: search\nsamples: 400\n{axes}")

        def evaluate(points: Sequence[SweepPoint]) -> Mapping[int, Sequence[float]]:
            return {p.number: [float(p.named["batch"]), float(p.named["pe.macs_per_cycle"])] for p in points}

        points = search(sweep, 2, evaluate, lambda point: True)
        near = sum(int(p.named["batch"]) + int(p.named["pe.macs_per_cycle"]) <= 20 for p in points)
        assert len({p.values for p in points}) == len(points) == 400
        assert near > 2 * 400 * 190 / 1600

    def test_only_legal_points_are_asked_for(self, make: Make) -> None:
        seen: list[SweepPoint] = []

        def evaluate(points: Sequence[SweepPoint]) -> Mapping[int, Sequence[float]]:
            seen.extend(points)
            return {p.number: [1.0, float(p.number)] for p in points}

        points = search(make(TEXT), 2, evaluate, lambda point: point.named["cluster_array.rows"] != "8")
        assert points == seen
        assert len(points) == 24
        assert "8" not in {point.named["cluster_array.rows"] for point in points}

    def test_the_same_whatever_the_jobs(self, make: Make, tmp_path: Path) -> None:
        content = []
        for jobs in (1, 2):
            store = Store(tmp_path / f"s{jobs}.sqlite")
            summary = run_sweep(make(TEXT), store, pool_of(jobs))
            assert summary.points == 24
            content.append(exported(store, summary.name))
        assert content[0] == content[1]

    def test_it_goes_on_where_it_stopped(self, make: Make, tmp_path: Path) -> None:
        def stop(state: SweepState) -> None:
            if state.done == 15:
                raise KeyboardInterrupt

        store = Store(tmp_path / "s.sqlite")
        assert run_sweep(make(TEXT), store, pool_of(1), stop).computed == 15
        summary = run_sweep(make(TEXT), store, pool_of(1))
        assert (summary.present, summary.computed) == (15, 9)

    def test_all_points_of_a_small_space(self, make: Make, tmp_path: Path) -> None:
        text = TEXT.replace("samples: 24", "samples: 500")
        summary = run_sweep(make(text), Store(tmp_path / "s.sqlite"), pool_of(1))
        assert 50 <= summary.points <= 60
