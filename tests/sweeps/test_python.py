"""Sweeps from Python."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from accelerator_sim import Sweep, run_sweep, sweep
from accelerator_sim.files.errors import AcceleratorSimError, AcceleratorSimWarning, InvalidFile, NothingRan, UsageError
from accelerator_sim.sweeps.store import Store
from tests.sweeps.conftest import NETWORK

SPEC = "architecture: eyeriss_v2\nworkloads: [small.yaml]\nfidelity: analytical\naxes: {noc.weight.routers: [3, 4]}\n"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(NETWORK.format(name="small", m=4))
    (tmp_path / "spec.yaml").write_text(SPEC)
    return tmp_path / "spec.yaml"


def test_a_failed_point_is_a_warning(spec: Path, tmp_path: Path) -> None:
    with pytest.warns(AcceleratorSimWarning, match=r"1 of 2 results failed; 1 results: noc.weight has 4 routers"):
        good, bad = run_sweep(spec, tmp_path / "s.sqlite")
    assert (good["complete"], bad["complete"], bad["latency_s"]) == (1, 0, None)
    assert (good["noc.weight.routers"], bad["noc.weight.routers"]) == (3, 4)


def test_no_result_at_all_is_an_error(spec: Path, tmp_path: Path) -> None:
    spec.write_text(SPEC.replace("[3, 4]", "[4, 5]"))
    with pytest.raises(NothingRan, match=r"no result of the sweep; 2 results: noc.weight has 4 routers for 3 PE rows"):
        run_sweep(spec, tmp_path / "s.sqlite")


def test_too_few_points_are_a_warning(spec: Path, tmp_path: Path) -> None:
    spec.write_text(SPEC + "mode: random\nsamples: 2\n")
    with pytest.warns(AcceleratorSimWarning, match="1 points of 2 samples: no others of 2 combinations"):
        assert len(run_sweep(spec, tmp_path / "s.sqlite")) == 1


def test_jobs_are_checked(spec: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="jobs is 0"):
        run_sweep(spec, tmp_path / "s.sqlite", jobs=0)


AXES = {"clock": ["100 MHz", "200 MHz"], "pe.spad.weight.depth": (96, 192)}


@pytest.fixture
def swept(spec: Path, tmp_path: Path) -> Sweep:
    network = tmp_path / "small.yaml"
    return sweep(workloads=network, axes=AXES, fidelity="analytical", store=tmp_path / "s.sqlite")


def test_the_same_sweep_from_python_and_from_a_file(spec: Path, swept: Sweep, tmp_path: Path) -> None:
    """The same name, keys and rows; the second one runs nothing."""
    text = SPEC.replace("[small.yaml]", f"[{tmp_path / 'small.yaml'}]").partition("axes")[0]
    spec.write_text(f"{text}axes: {{clock: [100 MHz, 200 MHz], pe.spad.weight.depth: [96, 192]}}\n")
    rows = run_sweep(spec, tmp_path / "s.sqlite")
    assert rows == swept.rows()
    assert len(rows) == 4
    with Store(tmp_path / "s.sqlite", read_only=True) as store:
        assert store.sweeps() == [swept.name]
    again = run_sweep(spec, tmp_path / "other.sqlite")
    assert again == rows


def test_nothing_is_run_twice(swept: Sweep, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    again = sweep(
        workloads=tmp_path / "small.yaml", axes=AXES, fidelity="analytical", store=swept.store,
        progress=lambda *state: told.append(state),
    )  # fmt: skip
    assert again.summary is not None
    assert (again.summary.computed, again.summary.present) == (0, 4)
    assert again.rows() == swept.rows()


def test_a_callback_is_told_of_every_result(spec: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    sweep(
        workloads=[tmp_path / "small.yaml"], axes=AXES, fidelity="analytical", store=tmp_path / "new.sqlite",
        progress=lambda *state: told.append(state),
    )  # fmt: skip
    assert told[-1][:2] == (4, 4)


def test_best_and_front(swept: Sweep) -> None:
    rows = swept.rows()
    assert [row["latency_s"] for row in swept.best("latency", 2)] == sorted(row["latency_s"] for row in rows)[:2]
    assert swept.best(n=1)[0] == swept.best("latency", 4)[0]
    assert swept.best("-latency", 1)[0]["latency_s"] == max(row["latency_s"] for row in rows)
    front = swept.front("latency", "area_mm2")
    assert {row["pe.spad.weight.depth"] for row in front} == {96}
    assert len(front.to_csv().splitlines()) == len(front) + 1
    for wrong, message in ((lambda: swept.best("x"), "unknown result 'x'"), (lambda: swept.best(n=0), "n is 0;")):
        with pytest.raises(UsageError, match=message):
            wrong()


def test_what_is_shown(swept: Sweep) -> None:
    assert repr(swept).startswith(f"<Sweep: {swept.store}: 4 results, for latency_s (least), energy_total_j (least)>")
    assert "points are" not in repr(swept.front())
    html = swept._repr_html_()
    assert html is not None
    assert "clock" in html


def test_an_opened_sweep(swept: Sweep, tmp_path: Path) -> None:
    opened = Sweep.open(swept.store)
    assert opened.rows() == swept.rows()
    assert opened.front().rows() == swept.front().rows()
    with pytest.raises(UsageError, match="a page says what was swept, which the store does not hold"):
        opened.report(tmp_path / "page.html")
    page = swept.report(tmp_path / "page.html").read_text()
    assert "pe.spad.weight.depth" in page


def test_stores_that_are_none(swept: Sweep, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such store"):
        Sweep.open(tmp_path / "none.sqlite")
    with pytest.raises(UsageError, match="0 sweeps begin with 'zz'; it has"):
        Sweep.open(swept.store, "zz")
    sweep(workloads=[tmp_path / "small.yaml"], axes={"clock": ["1 GHz"]}, fidelity="analytical", store=swept.store)
    with pytest.raises(UsageError, match="2 sweeps are in it; it has"):
        Sweep.open(swept.store)
    (tmp_path / "text.sqlite").write_text("no database")
    with pytest.raises(InvalidFile, match="is not a store of sweeps"):
        Sweep.open(tmp_path / "text.sqlite")


def test_faults_name_their_place(tmp_path: Path) -> None:
    for given, message in (
        ({"axes": {"clok": ["1 GHz"]}}, r"sweep\(\): axes.clok: .*did you mean 'clock'"),
        ({"axes": {"clock": ["fast"]}}, r"sweep\(\): axes.clock.0: 'fast'"),
        ({"axes": {"clock": ["1 GHz"]}, "samples": 0}, r"sweep\(\): samples"),
        ({"axes": {"clock": ["1 GHz"]}, "modes": "grid"}, r"sweep\(\): modes"),
    ):
        with pytest.raises(InvalidFile, match=message):
            sweep(workloads=["alexnet"], store=tmp_path / "s.sqlite", **given)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="axes is 'clock'; values by YAML path"):
        sweep(workloads=["alexnet"], axes="clock", store=tmp_path / "s.sqlite")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="progress is 3; True, False or a function"):
        sweep(workloads=["alexnet"], axes={"clock": ["1 GHz"]}, store=tmp_path / "s.sqlite", progress=3)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_without_xarray(swept: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(AcceleratorSimError, match="xarray is not installed"):
        swept.to_xarray()


@pytest.mark.slow
def test_a_grid_as_xarray(swept: Sweep) -> None:
    data = swept.to_xarray()
    assert dict(data.sizes) == {"clock_hz": 2, "pe.spad.weight.depth": 2}
    for row in swept.rows():
        here = data.sel({"clock_hz": row["clock_hz"], "pe.spad.weight.depth": row["pe.spad.weight.depth"]})
        assert int(here["cycles"]) == row["cycles"]


@pytest.mark.slow
def test_units_are_in_the_names_of_columns(swept: Sweep) -> None:
    assert {"clock_hz", "latency_s", "energy_total_j", "dram_bytes"} <= set(swept.to_pandas().columns)
