"""Running cases and judging figures."""

from __future__ import annotations

from typing import Any

import pytest

from accelerator_sim.files.errors import AcceleratorSimError, CheckFailed
from accelerator_sim.results.accounted_run import AccountedRun
from accelerator_sim.validation.publications import Case, Figure, Publication, load_publications
from accelerator_sim.validation.validate import MEAN, Scorecard, ScoreRow, evaluate, run_case, run_cases

LAYER = Case(workload="mobilenet_v1_0.5_128", architecture="eyeriss_v2", layers=["DW1[34]"], fidelity="analytical")


def figure(**more: Any) -> Figure:
    fields = {"name": "f", "quantity": "cycles", "case": "c", "where": "T", "read": "printed", "why": "w"}
    return Figure.model_validate(fields | more)


def publication(*figures: Figure, **cases: Case) -> dict[str, Publication]:
    return {"p": Publication(title="t", source="s", cases=cases or {"c": LAYER}, figures=list(figures))}


@pytest.fixture(scope="module")
def run() -> AccountedRun:
    return run_case("c", LAYER)


def card(run: AccountedRun, *figures: Figure) -> Scorecard:
    return evaluate(publication(*figures), {("p", "c"): (run,)})


def only(run: AccountedRun, **more: Any) -> ScoreRow:
    (row,) = card(run, figure(**more)).rows
    return row


def test_a_value_and_its_tolerance(run: AccountedRun) -> None:
    exact = float(run.cycles)
    near, far = only(run, value=exact / 1.04, within=0.05), only(run, value=exact / 1.06, within=0.05)
    assert (near.status, far.status) == ("ok", "miss")
    assert near.error == pytest.approx(0.04)
    assert only(run, value=exact + 9, margin=10).status == "ok"
    assert only(run, value=exact + 11, margin=10).status == "miss"


def test_bounds(run: AccountedRun) -> None:
    exact = float(run.cycles)
    assert only(run, least=exact).status == only(run, most=exact).status == "ok"
    low = only(run, least=exact * 2)
    assert (low.status, low.error) == ("miss", pytest.approx(-0.5))
    assert only(run, most=exact / 2).error == pytest.approx(1.0)


def test_values_by_layer_and_their_mean(run: AccountedRun) -> None:
    one, two = (float(o.timing.cycles) for _, o, _ in run.parts)
    rows = card(run, figure(values={"DW13": one / 1.1, "DW14": two / 0.9}, within=0.2, mean_within=0.05)).rows
    assert [row.layer for row in rows] == ["DW13", "DW14", MEAN]
    assert [row.status for row in rows] == ["ok", "ok", "miss"]
    assert rows[-1].ours == pytest.approx(0.1)


def test_what_was_fitted_is_not_judged(run: AccountedRun) -> None:
    row = only(run, value=1.0, within=0.01, fitted="cmos65_8b")
    assert row.status == "fitted"


def test_what_an_input_came_from_is_not_judged(run: AccountedRun) -> None:
    assert only(run, value=1.0, within=0.01, gave="the mappings").status == "input"


def test_what_holds_by_construction_is_no_prediction(run: AccountedRun) -> None:
    held = only(run, value=1.0, within=0.01).ours
    assert only(run, value=held, within=0.01, follows="the mapping").status == "construction"
    assert only(run, value=2 * held, within=0.01, follows="the mapping").status == "miss"


def test_the_densities_of_a_case() -> None:
    table = LAYER.model_copy(update={"workload": "vgg16", "layers": ["conv5_3"], "densities": "vgg16/jssc2017"})
    ((result, _, _),) = run_case("c", table).parts
    assert (result.layer.density.iact, result.layer.density.oact) == (0.15, 0.15)


def test_a_ratio(run: AccountedRun) -> None:
    row = only(run, over="c", per=4, value=0.25, within=0.01)
    assert (row.ours, row.unit) == (0.25, "")


def test_an_unknown_quantity(run: AccountedRun) -> None:
    with pytest.raises(AcceleratorSimError, match="no quantity 'speed'"):
        only(run, quantity="speed", value=1.0, within=0.1)


def test_slow_cases_and_equal_ones() -> None:
    slow = LAYER.model_copy(update={"slow": True})
    cases = publication(
        figure(value=1.0, within=0.1), figure(case="s", value=1.0, within=0.1), figure(case="e", value=1.0, within=0.1),
        c=LAYER, s=slow, e=LAYER.model_copy(update={"note": "the same"}), unused=LAYER,
    )  # fmt: skip
    told: list[tuple[int, int, str]] = []
    runs = run_cases(cases, quick=True, on_progress=lambda *state: told.append(state))
    assert set(runs) == {("p", "c"), ("p", "e")}
    assert runs["p", "c"] is runs["p", "e"]
    assert told == [(0, 2, "p: c"), (1, 2, "p: e")]
    assert evaluate(cases, runs).left_out == 1


def test_a_case_that_does_not_run() -> None:
    case = LAYER.model_copy(update={"set": {"glb.iact.size": "1 B", "cluster_array": "{rows: 1, columns: 1}"}})
    with pytest.raises(CheckFailed, match=r"case bad: layer DW13 of mobilenet_v1_0\.5_128 did not run: "):
        run_case("bad", case)


def test_voltage_and_dense_operands() -> None:
    base = load_publications(["eyeriss_v1"])["eyeriss_v1"].cases["chip"].model_copy(update={"layers": ["CONV3"]})
    nominal, low = run_case("a", base), run_case("b", base.model_copy(update={"voltage": 0.82}))
    assert low.energy.chip < 0.8 * nominal.energy.chip
    assert low.energy.dram == nominal.energy.dram
    (dense,) = run_case("c", base.model_copy(update={"dense": True})).parts
    (sparse,) = nominal.parts
    assert dense[1].counts.effectual_macs > sparse[1].counts.effectual_macs
