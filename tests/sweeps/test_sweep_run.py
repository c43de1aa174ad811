"""Whole sweeps: what is run, what is not run twice, and what comes of it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.errors import UsageError
from accelerator_sim.report.pareto_text import render_front
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.run.run_setup import RunSetup
from accelerator_sim.run.workers import pool_of
from accelerator_sim.sweeps import point_order
from accelerator_sim.sweeps import sweep_run as room
from accelerator_sim.sweeps import task as task_room
from accelerator_sim.sweeps.database import JOULES
from accelerator_sim.sweeps.database import MACS as MAC_COLUMNS
from accelerator_sim.sweeps.points import points_of
from accelerator_sim.sweeps.records import best_in, by_point, front_in, goal_of
from accelerator_sim.sweeps.size import estimate
from accelerator_sim.sweeps.spec import SweepPlan, load_sweep
from accelerator_sim.sweeps.store import Store
from accelerator_sim.sweeps.sweep_run import Failure, SweepState, run_sweep
from accelerator_sim.sweeps.task import Done, SweepTask
from accelerator_sim.technology.machine_file import MachineFile, load_machine
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network_loader import load_network
from tests.sweeps.conftest import Make, exported

TEXT = """\
architecture: eyeriss_v2
workloads: [small.yaml, large.yaml]
fidelity: analytical
axes:
  cluster_array.rows: {powers_of_two: [1, 8]}
  clock: [100 MHz, 200 MHz]
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "s.sqlite")


def test_figures_are_those_of_a_simulation(make: Make, store: Store, tmp_path: Path) -> None:
    summary = run_sweep(make(TEXT), store, pool_of(1))
    assert (summary.points, summary.computed, summary.present, summary.failed) == (8, 16, 0, ())
    rows = store.rows(summary.name)
    row = next(row for row in rows if row["axes"]["cluster_array.rows"] == 2 and row["workload"] == "large.yaml")
    assert row["axes"]["clock_hz"] == 1e8
    machine = load_machine("eyeriss_v2", [("cluster_array.rows", "2"), ("clock", "100 MHz")])
    options = Options(fidelity="analytical")
    result = simulate_network(load_network(str(tmp_path / "large.yaml")), *machine, options)
    totals = result.totals.to_dict()
    shared = set(totals) & set(row)
    assert len(shared) == 11
    assert {name: row[name] for name in shared} == pytest.approx({name: totals[name] for name in shared})
    assert row["pes"] == 48


MACS = """\
architecture: isca16_256
workloads: [small.yaml, large.yaml]
fidelity: analytical
axes: {clock: [100 MHz, 200 MHz]}
"""


def test_energies_of_a_normalised_technology_are_in_macs(make: Make, store: Store, tmp_path: Path) -> None:
    summary = run_sweep(make(MACS), store, pool_of(1))
    rows = store.rows(summary.name)
    row = next(row for row in rows if row["axes"]["clock_hz"] == 1e8 and row["workload"] == "large.yaml")
    machine = load_machine("isca16_256", [("clock", "100 MHz")])
    network = load_network(str(tmp_path / "large.yaml"))
    totals = simulate_network(network, *machine, Options(fidelity="analytical")).totals
    assert (row["energy_macs"], row["energy_dram_macs"]) == (totals.energy_macs, totals.energy_dram_macs)
    assert row["energy_total_macs"] == totals.energy.total
    assert row["edp_macs_s"] == pytest.approx(totals.energy.total * totals.latency_s)
    assert {row[name] for row in rows for name in JOULES} == {None}
    joined = by_point(rows)
    assert joined[0]["energy_macs"] == sum(row["energy_macs"] for row in rows if row["point"] == 0)
    assert joined[0]["edp_macs_s"] == pytest.approx(joined[0]["energy_total_macs"] * joined[0]["latency_s"])
    assert joined[0]["energy_j"] is joined[0]["edp_js"] is joined[0]["inferences_per_j"] is None
    goals = [goal_of("energy_total_macs"), goal_of("latency")]
    (best,) = front_in(store, summary.name, goals)
    assert best["point"] == 1
    assert best_in(store, summary.name, goal_of("energy_total"), 3) == []
    assert "; results of a normalised technology have energy_macs," in render_front(joined, [goal_of("edp")])
    text = render_front(joined, goals)
    assert "MAC" in text
    assert "energy_total_j" not in text


def test_joules_leave_no_columns_in_macs(make: Make, store: Store) -> None:
    summary = run_sweep(make(TEXT), store, pool_of(1))
    assert not set(MAC_COLUMNS) & set(store.rows(summary.name)[0])
    assert front_in(store, summary.name, [goal_of("energy_macs"), goal_of("latency")]) == []
    assert best_in(store, summary.name, goal_of("energy_macs"), 3) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            MACS + "mode: search\nsamples: 2\n",
            "chosen by energy_total_j, which results of isca16_norm",
        ),
        (
            MACS + "stages: [{fidelity: analytical}, {fidelity: event, best: 1}]\n",
            "chosen by edp_js, .* do not have; they have energy_macs",
        ),
        (
            TEXT + "mode: search\nsamples: 2\nobjectives: [energy_macs]\n",
            "chosen by energy_macs, .*; they have energy_j,",
        ),
    ],
)
def test_points_are_not_chosen_by_energies_that_there_are_not(
    make: Make, store: Store, text: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run_sweep(make(text), store, pool_of(1))


def test_rates_of_a_network_with_a_batch_are_per_inference(make: Make, store: Store, tmp_path: Path) -> None:
    sweep = make(TEXT.replace("small.yaml, large.yaml", "small.yaml, four.yaml"))
    text = (tmp_path / "small.yaml").read_text()
    (tmp_path / "four.yaml").write_text(f"batch: 4\n{text}")
    summary = run_sweep(sweep, store, pool_of(1))
    rates: dict[str, list[float]] = {"small.yaml": [], "four.yaml": []}
    for row in store.rows(summary.name):
        rates[row["workload"]].append(float(row["inferences_per_s"]))
    assert rates["four.yaml"] == pytest.approx([4.0 * rate for rate in rates["small.yaml"]])


def test_no_layer_is_run_twice(make: Make, store: Store) -> None:
    """Each network has two layers of one shape, which the other one has, too: three shapes on each machine."""
    summary = run_sweep(make(TEXT), store, pool_of(2))
    assert summary.layers == 8 * 3
    again = run_sweep(make(TEXT), store, pool_of(2))
    assert (again.computed, again.present, again.layers) == (0, 16, 0)


def test_layers_of_another_sweep_are_known(make: Make, store: Store) -> None:
    run_sweep(make(TEXT.replace(", large.yaml", "")), store, pool_of(1))
    summary = run_sweep(make(TEXT), store, pool_of(1))
    assert (summary.computed, summary.present, summary.layers) == (8, 8, 8)


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_exports_do_not_depend_on_jobs(make: Make, tmp_path: Path, form: str) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    content = []
    for jobs in (1, 2):
        store = Store(tmp_path / f"s{jobs}.sqlite")
        name = run_sweep(make(TEXT), store, pool_of(jobs)).name
        content.append(exported(store, name, form))
    assert content[0] == content[1]


def test_constraints(make: Make, store: Store) -> None:
    summary = run_sweep(make(TEXT + "constraints: [pes <= 96, clock < 200 MHz]\n"), store, pool_of(1))
    assert (summary.points, summary.excluded, summary.computed) == (3, 5, 6)


def test_area_is_a_result_and_a_limit(make: Make, store: Store) -> None:
    """The area of 48 PEs is beyond 700 k gates (v2's 192 PEs have 2,695 k), and grows with the array."""
    summary = run_sweep(make(TEXT + "constraints: [area <= 700 kgates]\n"), store, pool_of(1))
    rows = store.rows(summary.name)
    assert {row["axes"]["cluster_array.rows"] for row in rows} == {1, 2}
    small, large = (min(row["area_mm2"] for row in rows if row["pes"] == pes) for pes in (24, 48))
    assert 1.8 * small < large < 2.0 * small
    assert all(row["area_kgates"] <= 700 for row in rows)


def test_constraints_on_paths(make: Make, store: Store) -> None:
    text = TEXT + "constraints: ['cluster_array.rows * cluster_array.columns <= 4', clock * 1 s >= 150e6]\n"
    assert run_sweep(make(text), store, pool_of(1)).points == 2


def test_a_constraint_without_a_value_is_the_fault_of_its_point(make: Make, store: Store) -> None:
    text = TEXT + "constraints: [glb.weight.banks <= 3]\n"
    (failure,) = run_sweep(make(text), store, pool_of(1)).failed
    assert failure.results == 16
    assert failure.error == "ValueError: constraint 'glb.weight.banks <= 3': glb.weight.banks has no value here"


def test_a_bad_point_stops_nothing(make: Make, store: Store) -> None:
    """A network of other routers than rows: each value may be right, together they are not."""
    text = TEXT.replace("clock: [100 MHz, 200 MHz]", "noc.weight.routers: [3, 4, 5]")
    summary = run_sweep(make(text), store, pool_of(1))
    assert (summary.computed, summary.failures) == (24, 16)
    error = "noc.weight has 4 routers for 3 PE rows; one router per row is required, which routers left out follows"
    assert summary.failed == (Failure(16, 1, "large.yaml", error),), "equal reasons are one"
    assert run_sweep(make(text), store, pool_of(1)).failed == summary.failed
    rows = [row for row in store.rows(summary.name) if row["status"] == "failed"]
    assert {(row["complete"], row["latency_s"]) for row in rows} == {(0, None)}


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("deep"), KeyError("x"), OverflowError("big")])
def test_whatever_goes_wrong_is_one_result(
    make: Make, store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    real = task_room.run_layer

    def run(layer: Layer, given: None, machine: RunSetup) -> LayerResult:
        if machine.architecture.pes == 48 and layer.M == 8:
            raise error
        return real(layer, given, machine)

    monkeypatch.setattr(task_room, "run_layer", run)
    summary = run_sweep(make(TEXT), store, pool_of(1))
    assert summary.computed == 16
    assert 0 < summary.failures <= 4
    assert type(error).__name__ in summary.failed[0].error


def test_whatever_goes_wrong_with_a_machine_is_its_point(
    make: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = MachineFile.machine

    def read(file: MachineFile, overrides: Sequence[tuple[str, str]] = ()) -> tuple[Architecture, Technology]:
        if ("cluster_array.rows", "4") in overrides:
            raise RuntimeError("lightning")
        return real(file, overrides)

    monkeypatch.setattr(MachineFile, "machine", read)
    (failure,) = run_sweep(make(TEXT), store, pool_of(1)).failed
    assert (failure.results, failure.error) == (4, "RuntimeError: lightning")


@pytest.mark.parametrize("mode", ["random", "sobol"])
def test_random_points_are_legal(make: Make, store: Store, mode: str) -> None:
    """Of 24 combinations, four have as many routers as rows and few enough PEs."""
    text = TEXT.replace("clock: [100 MHz, 200 MHz]", "noc.weight.routers: [2, 3, 4, 5, 6, 7]").replace(
        ", large.yaml", ""
    )
    text += f"mode: {mode}\nsamples: 3\nconstraints: [pes <= 96]\n"
    summary = run_sweep(make(text), store, pool_of(1))
    assert (summary.points, summary.excluded, summary.failed, summary.note) == (3, 0, (), "")
    more = run_sweep(make(text.replace("samples: 3", "samples: 9")), store, pool_of(1))
    assert (more.points, more.failed) == (3, ())
    assert more.note == (
        "3 points of 9 samples: no others of 24 combinations that were tried can be run"
        " (constraints, values that do not fit)"
    )


def test_rows_and_columns_of_pes_and_clusters(make: Make, store: Store) -> None:
    text = TEXT[: TEXT.index("axes:")].replace(", large.yaml", "")
    text += "axes: {pe_cluster.rows: [2, 5], pe_cluster.columns: [2, 7, 8], cluster_array.rows: [2, 3]}\n"
    summary = run_sweep(make(text), store, pool_of(1))
    assert (summary.points, summary.failed) == (12, ())


@pytest.mark.slow
def test_all_rows_and_columns_of_pes_and_clusters(make: Make, store: Store) -> None:
    """5 x 7 x 7 machines, AlexNet by the event engine."""
    text = """\
architecture: eyeriss_v2
workloads: [alexnet]
axes:
  pe_cluster.rows: {from: 2, to: 6, steps: 5}
  pe_cluster.columns: {from: 2, to: 8, steps: 7}
  cluster_array.rows: {from: 2, to: 8, steps: 7}
"""
    summary = run_sweep(make(text), store, pool_of(2))
    assert (summary.points, summary.computed, summary.failed) == (245, 245, ())


def test_what_failed_is_run_again_if_asked(make: Make, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(task: SweepTask) -> Done:
        return Done(task.key, {}, dict.fromkeys(task.layers, "the machine was on fire"))

    with monkeypatch.context() as patch:
        patch.setattr(room, "run_tasks", lambda tasks, *_: ((task, fail(task)) for task in tasks))
        assert run_sweep(make(TEXT), store, pool_of(1)).failures == 16
    assert run_sweep(make(TEXT), store, pool_of(1)).failures == 16
    summary = run_sweep(make(TEXT), store, pool_of(1), retry=True)
    assert (summary.computed, summary.failed) == (16, ())


def test_stages(make: Make, store: Store) -> None:
    stages = "stages: [{fidelity: analytical}, {fidelity: event, best: 2, by: latency}]\n"
    summary = run_sweep(make(TEXT + stages), store, pool_of(1))
    rows = store.rows(summary.name, 1)
    assert {row["fidelity"] for row in rows} == {"event"}
    assert {row["axes"]["clock_hz"] for row in rows} == {2e8}
    assert len({row["point"] for row in rows}) == 2


def test_axes_of_the_network(make: Make, store: Store) -> None:
    axes = "axes: {workload: [small.yaml, large.yaml], prune: ['magnitude:0.5'], batch: [1, 4]}\n"
    summary = run_sweep(make("architecture: eyeriss_v2\nfidelity: analytical\n" + axes), store, pool_of(1))
    rows = store.rows(summary.name)
    assert [(row["workload"], row["batch"]) for row in rows] == [
        ("small.yaml", 1), ("small.yaml", 4), ("large.yaml", 1), ("large.yaml", 4)
    ]  # fmt: skip
    assert all(row["effectual_macs"] < 0.6 * row["macs"] for row in rows)


def test_width_and_resolution(make: Make, store: Store) -> None:
    """Thinner networks for smaller pictures; one that is no network is a point that failed."""
    text = "architecture: eyeriss_v2\nworkloads: [mobilenet_v1]\nfidelity: analytical\n"
    text += "axes: {width: [0.25, 0.3], resolution: [32, 64]}\n"
    summary = run_sweep(make(text), store, pool_of(1))
    small, large, *failed = store.rows(summary.name)
    expected = load_network("mobilenet_v1", Choices(width=0.25, resolution=32))
    assert small["macs"] == expected.macs < large["macs"]
    assert [row["error"] for row in failed] == [
        f"mobilenet_v1 at width 0.3, resolution {size}: layer CONV1 would have 9.6 filters" for size in (32, 64)
    ]


def test_a_network_that_there_is_not(make: Make, store: Store) -> None:
    with pytest.raises(UsageError, match="unknown workload 'mobilnet_v1'"):
        run_sweep(make("architecture: eyeriss_v2\naxes: {workload: [mobilnet_v1]}\n"), store, pool_of(1))


def test_the_documented_search_is_valid() -> None:
    size = estimate(load_sweep(Path(__file__).parents[2] / "docs" / "co_search.yaml"), tried=20, runs=1)
    assert 900 <= size.points <= 1000
    assert size.errors == ()


def test_progress(make: Make, store: Store) -> None:
    states: list[SweepState] = []
    run_sweep(make(TEXT), store, pool_of(1), states.append)
    assert (states[-1].done, states[-1].results) == (16, 16)
    assert states[-1].best == min(row["latency_s"] for row in store.rows())


def test_estimate(make: Make) -> None:
    size = estimate(make(TEXT + "constraints: [pes <= 96]\n"))
    assert (size.points, size.results, size.tried, size.excluded) == (8, 12, 8, 2)
    assert set(size.seconds) == {"analytical", "event"}
    assert min(size.seconds.values()) > 0


def test_interrupted(make: Make, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = make(TEXT)

    def stop(state: SweepState) -> None:
        if state.done == 5:
            raise KeyboardInterrupt

    summary = run_sweep(sweep, store, pool_of(1), stop)
    assert summary.interrupted
    assert len(store.rows(summary.name)) == summary.computed == 5
    assert run_sweep(sweep, store, pool_of(1)).computed == 11


DRIVER = """
import sys
from pathlib import Path
from accelerator_sim.run.workers import pool_of
from accelerator_sim.sweeps.sweep_run import run_sweep
from accelerator_sim.sweeps.spec import load_sweep
from accelerator_sim.sweeps.store import Store
if __name__ == "__main__":
    run_sweep(load_sweep(Path(sys.argv[1])), Store(Path(sys.argv[2])), pool_of(2))
"""


@pytest.mark.slow
def test_a_driver_that_is_killed(make: Make, tmp_path: Path) -> None:
    """Kill the driver in the middle of 500 points: what it had is kept, its workers end, and the rest is run."""
    text = TEXT.replace("[100 MHz, 200 MHz]", "{from: 1 MHz, to: 125 MHz, steps: 125}").replace(", large.yaml", "")
    sweep: SweepPlan = make(text)
    place = tmp_path / "s.sqlite"
    (tmp_path / "driver.py").write_text(DRIVER)
    words = [sys.executable, str(tmp_path / "driver.py"), str(tmp_path / "sweep.yaml"), str(place)]
    driver = subprocess.Popen(words, start_new_session=True)
    deadline = time.monotonic() + 120
    while _count(place) < 60 and time.monotonic() < deadline:
        time.sleep(0.02)
    driver.kill()
    driver.wait()
    kept = _count(place)
    assert 60 <= kept < 500
    while _group_lives(driver.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _group_lives(driver.pid), "workers outlived their parent"
    summary = run_sweep(sweep, Store(place), pool_of(2))
    assert (summary.present, summary.computed) == (kept, 500 - kept)
    assert _count(place) == 500


def _count(place: Path) -> int:
    if not place.exists():
        return 0
    try:
        with sqlite3.connect(place, timeout=5) as db:
            return int(db.execute("SELECT count(*) FROM results").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_chunks_do_not_matter(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Store(tmp_path / "a.sqlite")
    name = run_sweep(make(TEXT), whole, pool_of(1)).name
    monkeypatch.setattr(point_order, "CHUNK", 3)
    monkeypatch.setattr(point_order, "ORDERED", 7)
    parts = Store(tmp_path / "b.sqlite")
    run_sweep(make(TEXT), parts, pool_of(1))
    assert whole.rows(name) == parts.rows(name)


REMEMBERED = """\
architecture: eyeriss_v2
workloads: [small.yaml, large.yaml]
fidelity: {fidelity}
axes:
  dram.bandwidth: [50 MB/s, 1 GB/s, 200 MB/s, 20 GB/s]
  cluster_array.rows: [1, 2]
  pe.spad.weight.depth: [4, 96]
"""


@pytest.mark.parametrize("fidelity", ["analytical", "event"])
def test_what_a_worker_remembers_changes_no_result(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fidelity: str
) -> None:
    sweep = make(REMEMBERED.format(fidelity=fidelity))
    stores = [Store(tmp_path / f"{name}.sqlite") for name in ("one", "two", "plain")]
    for store, workers in zip(stores[:2], (1, 2), strict=True):
        run_sweep(sweep, store, pool_of(workers))
    monkeypatch.setattr(task_room, "memory", lambda: None)
    monkeypatch.setattr(point_order, "in_order", lambda points, axes: points)
    name = run_sweep(sweep, stores[2], pool_of(1)).name
    one, two, plain = (store.rows(name) for store in stores)
    assert len(plain) == 32
    assert one == plain
    assert two == plain


def test_points_that_share_most_follow_one_another(make: Make) -> None:
    """Those with one array, then those that differ in their bandwidth only: of these the ends come first."""
    sweep = make(REMEMBERED.format(fidelity="analytical"))
    ordered = point_order.in_order(list(points_of(sweep)), sweep.axes)
    columns = [[point.named[name] for point in ordered] for name in ("cluster_array.rows", "pe.spad.weight.depth")]
    assert columns == [["1"] * 8 + ["2"] * 8, (["4"] * 4 + ["96"] * 4) * 2]
    assert [point.named["dram.bandwidth"] for point in ordered[:4]] == ["50 MB/s", "20 GB/s", "200 MB/s", "1 GB/s"]
    assert sorted(point.number for point in ordered) == list(range(16))


def test_layers_that_are_not_written_yet_are_known(make: Make, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two networks have two layers in common, which are run once."""
    monkeypatch.setattr(room, "SAVE_S", 1e9)
    summary = run_sweep(make(TEXT), store, pool_of(1))
    assert (summary.computed, summary.layers) == (16, 24)
    assert len(store.rows(summary.name)) == 16
