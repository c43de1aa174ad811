"""Speed of sweeps: points a second on one core and two, what a point costs besides its layers, a store of a million."""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from pathlib import Path

from accelerator_sim.run.workers import pool_of
from accelerator_sim.sweeps.database import FIGURES
from accelerator_sim.sweeps.records import front_in, goal_of
from accelerator_sim.sweeps.spec import load_sweep
from accelerator_sim.sweeps.store import Store, StoreEntry
from accelerator_sim.sweeps.sweep_run import run_sweep

ARCHITECTURES = """\
architecture: eyeriss_v2
workloads: [{network}]
fidelity: {fidelity}
mode: random
samples: {count}
axes:
  cluster_array.rows: [2, 3, 4, 6, 8, 10, 12]
  cluster_array.columns: [1, 2, 4]
  pe.spad.weight.depth: [64, 96, 192]
  dram.bandwidth: {{from: 5 GB/s, to: 50 GB/s, steps: 10}}
"""
MILLION = 1_000_000
POINTS, EVENT_POINTS = 500, 200
"""Of the analytical and of the event sweep: enough for the start of the workers to count little."""


def timed(text: str, folder: Path, jobs: int, **values: object) -> tuple[float, Store]:
    """Seconds of a sweep into a new store."""
    file = folder / "spec.yaml"
    file.write_text(text.format(**values))
    store = Store(folder / f"{time.monotonic_ns()}.sqlite")
    start = time.perf_counter()
    summary = run_sweep(load_sweep(file), store, pool_of(jobs))
    assert not summary.failed, summary.failed[0]
    return time.perf_counter() - start, store


def overhead(folder: Path, count: int = 300) -> float:
    """Seconds a point whose layers are all known: the results of a sweep are taken away, its layers stay."""
    file = folder / "spec.yaml"
    file.write_text(ARCHITECTURES.format(network="alexnet", fidelity="analytical", count=count))
    sweep, store = load_sweep(file), Store(folder / "overhead.sqlite")
    run_sweep(sweep, store, pool_of(2))
    with sqlite3.connect(store.path) as db:
        db.execute("DELETE FROM results")
    start = time.perf_counter()
    summary = run_sweep(sweep, store, pool_of(1))
    assert (summary.computed, summary.layers) == (count, 0)
    return (time.perf_counter() - start) / count


def million(folder: Path) -> float:
    """Seconds in which the front of a store of a million results is found."""
    store, dice = Store(folder / "million.sqlite"), random.Random(0)
    axes = {"clock": "200 MHz", "cluster_array.rows": "4", "dram.bandwidth": "10 GB/s"}
    for begin in range(0, MILLION, 10_000):
        keys = [f"{dice.getrandbits(128):032x}" for _ in range(10_000)]
        nothing: dict[str, object] = {}
        figures = ({name: 1.0 + dice.random() for name in FIGURES} for _ in keys)
        store.add(
            [
                (
                    StoreEntry(key, "mobilenet_v1", "eyeriss_v2", "analytical", "latency", 1, 0, axes, nothing),
                    values,
                    None,
                )
                for key, values in zip(keys, figures, strict=True)
            ],
            {},
        )
        store.join("sweep", 0, ((begin + at, "mobilenet_v1", key) for at, key in enumerate(keys)))
    start = time.perf_counter()
    front_in(store, "sweep", [goal_of("latency"), goal_of("energy_total")])
    return time.perf_counter() - start


def sweep_rows() -> list[tuple[str, str, str]]:
    """All rows: what, measured, wanted."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        usual = {"network": "mobilenet_v1", "fidelity": "analytical", "count": POINTS}
        timed(ARCHITECTURES, folder, 1, **usual | {"count": 2})
        one, _ = timed(ARCHITECTURES, folder, 1, **usual)
        two, _ = timed(ARCHITECTURES, folder, 2, **usual)
        rows.append(("`sweep` of mobilenet_v1, analytical, 2 jobs", f"{POINTS / two:.1f} points/s", "at least 200"))
        rows.append(("2 jobs over 1", f"{one / two:.2f}x", "at least 1.8x"))
        event = {"network": "mobilenet_v1_0.5_128_sparse", "fidelity": "event", "count": EVENT_POINTS}
        seconds, _ = timed(ARCHITECTURES, folder, 2, **event)
        what = "`sweep` of mobilenet_v1_0.5_128_sparse, `event`, 2 jobs"
        rows.append((what, f"{EVENT_POINTS / seconds:.2f} points/s", "at least 25"))
        rows.append(("a point besides its layers", f"{1e3 * overhead(folder):.1f} ms", "under 5 ms"))
        rows.append(("the front of a store of a million results", f"{million(folder):.2f} s", "under 2 s"))
    return rows


if __name__ == "__main__":
    for row in sweep_rows():
        print(*row, sep="\t", flush=True)
