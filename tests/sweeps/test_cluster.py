"""A real scheduler and two workers on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from accelerator_sim.files.errors import AcceleratorSimError
from accelerator_sim.run.workers import pool_of
from accelerator_sim.sweeps import cluster as room
from accelerator_sim.sweeps.cluster import cluster
from accelerator_sim.sweeps.store import Store
from accelerator_sim.sweeps.sweep_run import SweepState, run_sweep
from tests.sweeps.conftest import Make, exported

pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

TEXT = """\
architecture: eyeriss_v2
workloads: [small.yaml]
fidelity: analytical
axes:
  cluster_array.rows: {powers_of_two: [1, 8]}
  clock: {from: 1 MHz, to: 125 MHz, steps: 125}
"""


class Cluster:
    """A scheduler, and workers that are started one by one, each with its nanny."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = ""
        self._scheduler = self._start("scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1")
        self.address = self._announced(self._scheduler)
        self.workers: list[subprocess.Popen[str]] = []

    def add_worker(self) -> None:
        words = ("--nthreads", "1", "--no-dashboard", "--local-directory", str(self._folder))
        self.workers.append(self._start("worker", self.address, *words))

    def _start(self, kind: str, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + kind, *words]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def _announced(self, process: subprocess.Popen[str]) -> str:
        assert process.stderr is not None
        for line in process.stderr:
            if "Scheduler at:" in line:
                threading.Thread(target=process.stderr.read, daemon=True).start()
                return "tcp://" + line.rsplit("tcp://", 1)[1].strip()
        raise AssertionError("no scheduler")

    def kill(self, worker: int) -> None:
        """Kill a worker and its nanny: all of its session."""
        os.killpg(self.workers[worker].pid, signal.SIGKILL)

    def kill_scheduler(self) -> None:
        os.killpg(self._scheduler.pid, signal.SIGKILL)
        self._scheduler.wait()

    def close(self) -> None:
        for process in (*self.workers, self._scheduler):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stderr is not None:
                process.stderr.close()


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    made.add_worker()
    made.add_worker()
    yield made
    made.close()


def test_a_worker_and_its_nanny_are_killed(make: Make, tmp_path: Path, dask: Cluster) -> None:
    """500 points; one of two workers is killed with its nanny in the middle: 500 results, as on one machine."""
    sweep = make(TEXT)
    store = Store(tmp_path / "cluster.sqlite")

    def kill(state: SweepState) -> None:
        if state.done == 150:
            dask.kill(0)

    pool = cluster(dask.address)
    summary = run_sweep(sweep, store, pool, kill)
    assert (summary.computed, summary.failed) == (500, ())
    assert len(store.rows(summary.name)) == 500
    again = run_sweep(sweep, store, pool)
    assert (again.computed, again.present) == (0, 500)
    alone = Store(tmp_path / "alone.sqlite")
    run_sweep(sweep, alone, pool_of(2))
    assert exported(store, summary.name) == exported(alone, summary.name)


def test_a_scheduler_that_dies(
    make: Make, tmp_path: Path, dask: Cluster, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One error that says how to go on; what was finished is in the store."""
    store = Store(tmp_path / "cluster.sqlite")

    def kill(state: SweepState) -> None:
        if state.done == 50:
            monkeypatch.setattr(room, "PATIENCE_S", 1.0)
            dask.kill_scheduler()

    pool = cluster(dask.address)
    with pytest.raises(
        AcceleratorSimError, match=r"no scheduler answers .*; what was finished is kept; start a scheduler"
    ):
        run_sweep(make(TEXT), store, pool, kill)
    assert len(store.rows()) >= 50
    assert "Traceback" not in capfd.readouterr().err
    assert run_sweep(make(TEXT), store, pool_of(2)).present >= 50


def test_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PATIENCE_S", 1.0)
    with pytest.raises(AcceleratorSimError, match=r"--cluster tcp://127.0.0.1:9: no scheduler answers"):
        cluster("tcp://127.0.0.1:9")


def test_no_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PATIENCE_S", 1.0)
    made = Cluster(tmp_path)
    try:
        with pytest.raises(AcceleratorSimError, match="the scheduler has no worker"):
            cluster(made.address)
    finally:
        made.close()


def test_an_idle_cluster_waits_for_its_workers(make: Make, tmp_path: Path, dask: Cluster) -> None:
    """All workers die; a new one comes: the sweep goes on."""
    store = Store(tmp_path / "cluster.sqlite")

    def replace(state: SweepState) -> None:
        if state.done == 100:
            dask.kill(0)
            dask.kill(1)
            time.sleep(0.1)
            dask.add_worker()

    summary = run_sweep(make(TEXT), store, cluster(dask.address), replace)
    assert (summary.computed, summary.failed) == (500, ())
