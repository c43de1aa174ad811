"""Dataflows on AlexNet, 256 PEs and one storage area: ISCA 2016, Figs. 11 to 13 and what its text says of them.

Published: row stationary is 1.4 to 2.5 times as energy efficient as the others in CONV layers, and at least 1.3 times
in FC layers with batches of 16 and more (abstract).  What misses is named here, and explained in docs/dataflows.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from accelerator_sim.comparison.dataflow_comparison import FlowResult, compare_dataflows
from accelerator_sim.dataflow import nest_search
from accelerator_sim.dataflow.nest import Keep, Residence
from accelerator_sim.dataflow.rules import DATAFLOWS, Dataflow
from accelerator_sim.files.vocabulary import DataflowName, Objective
from accelerator_sim.mapping.problem import MappingProblem
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.network_loader import load_network
from tests.published.tables import fig10

NAMES = ("rs", "ws", "os_a", "os_b", "os_c", "nlr")
OTHERS = NAMES[1:]


@cache
def results(batch: int) -> dict[str, FlowResult]:
    """AlexNet under all dataflows, on machines that are sized for all of its layers."""
    flows = [DATAFLOWS[name] for name in NAMES]
    found = compare_dataflows(
        load_network("alexnet"), load_machine("isca16_256"), flows, Options(Objective.ENERGY, batch), True
    )
    assert not any(result.failed for result in found.results)
    return {result.flow.name: result for result in found.results}


def part(result: FlowResult, kind: str) -> FlowResult:
    """The layers of a kind, CONV or FC."""
    layers = tuple(row for row in result.layers if row.layer.name.startswith(kind))
    return replace(result, layers=layers)


def energies(batch: int, kind: str) -> dict[str, float]:
    """Energy of one MAC, in MACs, by dataflow."""
    parts = {name: part(result, kind) for name, result in results(batch).items()}
    return {name: each.energy.total / each.macs for name, each in parts.items()}


def ratios(batch: int, kind: str) -> dict[str, float]:
    of = energies(batch, kind)
    return {name: of[name] / of["rs"] for name in OTHERS}


def edp(batch: int, kind: str) -> dict[str, float]:
    return {name: part(result, kind).edp for name, result in results(batch).items()}


@pytest.mark.parametrize("row", fig10(), ids=lambda row: row["layer"])
def test_row_stationary_in_the_nest_is_near_fig_10(row: dict[str, str]) -> None:
    """The ALU part is exact, the total at most that of the figure: the nest's array has no rows and columns to fill."""
    layers = {each.layer.name: each for each in results(16)["rs"].layers}
    energy = layers[row["layer"]].energy
    assert energy is not None
    assert energy.mac == pytest.approx(float(row["alu"]), rel=0.0002)
    total = energy.total / float(row["total"])
    assert 0.92 < total < 1.0


def test_conv_row_stationary_is_best_by_the_published_factors() -> None:
    """1.4 to 2.5 times, but for OS_B, which misses the lower end by 2%."""
    found = ratios(16, "CONV")
    assert 1.37 < found.pop("os_b") < 1.4
    assert all(1.4 <= times <= 2.5 for times in found.values()), found


def test_conv_order_of_the_dataflows() -> None:
    """OS with pixels side by side comes next to RS; one pixel at a time, or nothing in a PE, is twice as dear."""
    of = energies(16, "CONV")
    assert sorted(of, key=lambda name: of[name]) == ["rs", "os_b", "os_a", "ws", "os_c", "nlr"]


@pytest.mark.parametrize("batch", [1, pytest.param(64, marks=pytest.mark.slow)])
def test_conv_row_stationary_is_best_at_other_batches(batch: int) -> None:
    found = ratios(batch, "CONV")
    assert min(found.values()) > 1.25
    assert max(found.values()) < 2.5


def test_every_dataflow_is_best_at_what_it_keeps() -> None:
    """Of the text on Fig. 12: WS spends least on weights, OS on psums, but pay for the rest; RS is best in the sum."""
    parts = {name: part(result, "CONV") for name, result in results(16).items()}
    spent = {name: {t: j / each.macs for t, j in each.by_tensor.items()} for name, each in parts.items()}
    assert min(NAMES, key=lambda name: spent[name]["weight"]) == "ws"
    assert min(NAMES, key=lambda name: spent[name]["psum"]) in ("os_a", "os_b", "os_c")
    assert min(NAMES, key=lambda name: spent[name]["iact"]) == "rs"
    assert min(NAMES, key=lambda name: sum(spent[name].values())) == "rs"


def test_no_local_reuse_spends_most_of_all_on_the_glb() -> None:
    energy = part(results(16)["nlr"], "CONV").energy
    assert energy.glb > 0.5 * energy.total
    assert energy.spad == 0.0


def test_row_stationary_spends_most_on_the_rf() -> None:
    energy = part(results(16)["rs"], "CONV").energy
    assert energy.spad > 0.5 * energy.total


def test_fc_layers() -> None:
    """At least 1.3 times: OS_A, OS_C and NLR hold it, WS and OS_B miss it (see the next test)."""
    found = ratios(16, "FC")
    assert min(found[name] for name in ("os_a", "os_c", "nlr")) >= 1.3, found
    assert 1.10 < found["ws"] < 1.11
    assert 1.12 < found["os_b"] < 1.14
    assert min(ratios(16, "FC").values()) > 1.0


@pytest.mark.slow
def test_fc_layers_at_a_larger_batch() -> None:
    assert min(ratios(64, "FC").values()) >= 1.3


def test_fc_layers_by_the_rules_of_the_study(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the program of the study weights of OS must lie in the GLB, and iacts of WS never do: then all hold it."""
    every = nest_search.residences

    def rules(problem: MappingProblem, flow: Dataflow) -> Iterator[Residence]:
        for residence in every(problem, flow):
            if flow.name == "ws" and residence.iact is not Keep.NONE:
                continue
            if flow.shifted and residence.weight is Keep.NONE:
                continue
            yield residence

    monkeypatch.setattr(nest_search, "residences", rules)
    flows = [DATAFLOWS[name] for name in OTHERS]
    found = compare_dataflows(
        load_network("alexnet"), load_machine("isca16_256"), flows, Options(Objective.ENERGY, 16), True
    )
    rs = energies(16, "FC")["rs"]
    each = {result.flow.name: part(result, "FC") for result in found.results}
    times = {name: of.energy.total / of.macs / rs for name, of in each.items()}
    assert min(times.values()) >= 1.3, times


def test_output_stationary_pays_in_time() -> None:
    """One pixel at a time leaves PEs idle in CONV layers, one channel at a time in FC layers: EDP, Fig. 13."""
    conv, fc = edp(16, "CONV"), edp(16, "FC")
    assert conv["os_c"] > 4.0 * conv["rs"]
    assert max(conv, key=lambda name: conv[name]) == "os_c"
    assert fc["os_a"] > 10.0 * fc["rs"]
    assert min(conv, key=lambda name: conv[name]) == "rs"
    assert min(fc, key=lambda name: fc[name]) == "rs"


def test_one_pixel_of_several_images_would_not_be_slow() -> None:
    """The paper's OS_C is the worst in EDP (Fig. 13), so it does not unroll images: with them it is as fast as RS."""
    flows = [DATAFLOWS[DataflowName.RS], replace(DATAFLOWS[DataflowName.OS_C], parallel="NM")]
    found = compare_dataflows(
        load_network("alexnet"), load_machine("isca16_256"), flows, Options(Objective.ENERGY, 16), True
    )
    rs, images = (part(result, "CONV") for result in found.results)
    assert images.cycles < 1.1 * rs.cycles
    assert 1.5 < images.energy.total / rs.energy.total < 1.6
    assert part(results(16)["os_c"], "CONV").cycles > 2.0 * rs.cycles
