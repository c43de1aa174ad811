"""Stores and sweep files with something wrong: read, or refused as documented."""

from __future__ import annotations

import sqlite3
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path

import pytest

from accelerator_sim.sweeps.database import FIGURES
from accelerator_sim.sweeps.export import export
from accelerator_sim.sweeps.planner import SweepPlanner
from accelerator_sim.sweeps.points import points_of
from accelerator_sim.sweeps.records import about_all, best_in, front_in, goal_of
from accelerator_sim.sweeps.spec import load_sweep
from accelerator_sim.sweeps.store import About, Store, StoreEntry
from tests.mutants import ALL, QUICK, mutate_bytes, mutate_text, seeds, survives
from tests.sweeps.conftest import NETWORK

GOALS = [goal_of("latency"), goal_of("energy_total")]
COUNTS = [QUICK, pytest.param(ALL, marks=pytest.mark.slow)]
SPECS = (
    """\
architecture: eyeriss_v2
workloads: [small.yaml]
fidelity: event
objective: latency
mode: grid
axes:
  cluster_array.rows: {powers_of_two: [2, 16]}
  pe_cluster.columns: [2, 4, 6]
  noc.psum.routers: [2, 4, 6]
  dram.bandwidth: {from: 5 GB/s, to: 25 GB/s, steps: 5}
linked: [[pe_cluster.columns, noc.psum.routers]]
constraints: ["pes <= 1024", "glb_total / pes <= 512 KiB", "area <= 3000 kgates"]
objectives: [latency_s, energy_total_j, area_mm2]
""",
    """\
architecture: eyeriss_v1
workloads: [small.yaml]
mode: random
samples: 9
seed: 3
batch: 2
axes:
  clock: [100 MHz, 200 MHz]
  width: [0.5, 1]
  prune: ["magnitude:0.5"]
  pe.spad.weight.depth: [96, 192]
  dram: [{bandwidth: unlimited, latency: 100 ns, compression: none, padding: stored}]
stages: [{fidelity: analytical}, {fidelity: event, best: 3, by: edp}]
""",
)


def use_store(place: Path) -> None:
    """All that queries do."""
    with Store(place, read_only=True) as store:
        sweeps = store.sweeps()
        about_all(store, sweeps)
        for sweep in sweeps[:2]:
            best_in(store, sweep, GOALS[0], 3)
            front_in(store, sweep, GOALS)
            for form in ("csv", "json"):
                export(partial(store.each, sweep), form, BytesIO())
        store.task("k")
        store.layers(["l1", "l2"])
        store.finished(["k1"])


def go_on(place: Path) -> None:
    """What a sweep does first."""
    with Store(place) as store:
        store.layers(["l1"])
        store.finished(["k1"])


@pytest.mark.parametrize("count", COUNTS)
def test_stores(tmp_path: Path, count: int) -> None:
    place, other = tmp_path / "s.sqlite", tmp_path / "m.sqlite"
    with Store(place) as store:
        for name, networks in (("one", ["net"]), ("two", ["a", "b"])):
            store.describe(name, About(("latency_s",), (("x", "y"),)))
            for point in range(8):
                for network in networks:
                    key = f"k{name}{point}{network}"
                    axes = {"clock_hz": 1e8 * point, "rows": point, "text": "a"}
                    figures = dict.fromkeys(FIGURES, 1.0 + point)
                    entry = StoreEntry(key, network, "machine", "event", "latency", 1, 0, axes, {"workload": network})
                    store.join(name, 0, [(point, network, key)])
                    store.add([(entry, None if point == 3 else figures, "e" if point == 3 else None)], {})
        store.add([], {"l1": {"cycles": 3.0}, "l2": {"cycles": 4.0}})
    data = place.read_bytes()
    read = 0
    for rng in seeds(count):
        other.write_bytes(mutate_bytes(data, rng))
        read += survives(partial(use_store, other))
        survives(partial(go_on, other))
        for left in tmp_path.glob("m.sqlite*"):
            left.unlink()
    assert 0 < read < count


@pytest.mark.parametrize("count", COUNTS)
def test_sweeps(tmp_path: Path, count: int) -> None:
    (tmp_path / "small.yaml").write_text(NETWORK.format(name="small", m=4))
    path = tmp_path / "sweep.yaml"
    read = 0

    def use() -> None:
        sweep = load_sweep(path)
        planner = SweepPlanner(sweep)
        for point in islice(points_of(sweep), 3):
            list(planner.plan(point, sweep.stages[0]))

    for number, rng in enumerate(seeds(count)):
        path.write_text(mutate_text(SPECS[number % 2], rng), encoding="utf-8", errors="surrogateescape")
        read += survives(use)
    assert 0 < read < count


def test_a_store_whose_text_is_not_text(tmp_path: Path) -> None:
    """SQLite holds any bytes where text is expected."""
    place = tmp_path / "s.sqlite"
    with Store(place) as store:
        store.join("sweep", 0, [(0, "net", "k")])
    db = sqlite3.connect(place)
    db.execute("UPDATE points SET workload = CAST(x'ff' AS TEXT)")
    db.commit()
    db.close()
    assert survives(partial(use_store, place)) in (True, False)
