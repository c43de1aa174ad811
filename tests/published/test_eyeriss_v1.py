"""The Eyeriss v1 chip on AlexNet: JSSC 2017, Tables III and V."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.mapping.constraints import EYERISS_V1_COMPILER
from accelerator_sim.mapping.eyeriss_v1 import Letters, letters_of, mapping_of
from accelerator_sim.mapping.legality import broken_limits, glb_use
from accelerator_sim.mapping.loops import loops_of
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.mapping.search import Objective, find_mapping
from accelerator_sim.simulation.activity import Activity
from accelerator_sim.simulation.analytical import analyse
from accelerator_sim.simulation.laws import check
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import load_network
from tests.published.tables import read

ROWS = read("eyeriss_v1_alexnet.csv")
CHIP = load_architecture("eyeriss_v1")
LAYERS = {layer.name: layer for layer in load_network("alexnet").with_batch(4).layers}
per_layer = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["layer"])


def letters(row: dict[str, Any], run: str = "") -> Letters:
    return Letters(*(int(row[name]) for name in "nmep"), int(row[f"q{run}"]), int(row[f"r{run}"]), int(row[f"t{run}"]))


def schedule(row: dict[str, Any], run: str = "_run") -> Schedule:
    layer = LAYERS[row["layer"]]
    placed = mapping_of(letters(row, run), loops_of(layer), CHIP.pe_cluster.rows, CHIP.pe_cluster.columns)
    return Schedule(problem_of(layer, CHIP), placed)


def run(row: dict[str, Any]) -> tuple[Schedule, Activity]:
    planned = schedule(row)
    activity = analyse(planned)
    check(planned, activity)
    return planned, activity


def processing_cycles(activity: Activity) -> int:
    """Cycles without off-chip ifmaps and ofmaps and without configuration, as JSSC Table V splits them."""
    outside = ("dram_iact", "dram_oact", "dram_latency", "configuration")
    return activity.cycles - sum(activity.stalls.get(cause, 0) for cause in outside)


@per_layer
def test_the_network_carries_the_published_zeros(row: dict[str, Any]) -> None:
    density = LAYERS[row["layer"]].density
    assert density.iact == pytest.approx(float(row["iact_density"]), abs=1e-9)
    assert density.oact == pytest.approx(float(row["oact_density"]), abs=1e-9)


@per_layer
def test_glb_allocation_of_table_iii(row: dict[str, Any]) -> None:
    planned = schedule(row, run="")
    ifmap, psum, _ = glb_use(planned)
    assert round(ifmap / 8192, 1) == float(row["glb_ifmap_kib"])
    assert round(psum / 8192, 1) == float(row["glb_psum_kib"])
    assert broken_limits(planned) == []


@per_layer
def test_active_pes_of_table_v(row: dict[str, Any]) -> None:
    assert run(row)[1].active_pes == int(row["active_pes"])


@per_layer
def test_glb_accesses_of_table_v(row: dict[str, Any]) -> None:
    """Reads and writes between the GLB and the PEs, two bytes each; fills and drains are not in the published count."""
    planned, activity = run(row)
    psum, iact = activity.access("glb", "psum"), activity.access("glb", "iact")
    words = psum.reads - planned.psum_drained + psum.writes + iact.reads
    assert words * 2 / 1e6 == pytest.approx(float(row["glb_mb"]), rel=0.005)


@per_layer
def test_dram_accesses_of_table_v(row: dict[str, Any]) -> None:
    _, activity = run(row)
    assert sum(activity.dram_bytes.values()) / 1e6 == pytest.approx(float(row["dram_mb"]), abs=0.1)


@per_layer
def test_processing_latency_of_table_v(row: dict[str, Any]) -> None:
    """Within 8% per layer: CONV4 and CONV5 have equal passes but 6% different times a pass, so 3% cannot be had."""
    cycles = processing_cycles(run(row)[1])
    assert cycles / CHIP.clock * 1e3 == pytest.approx(float(row["processing_ms"]), rel=0.08)


def test_processing_latency_in_sum() -> None:
    cycles = sum(processing_cycles(run(row)[1]) for row in ROWS)
    assert cycles / CHIP.clock * 1e3 == pytest.approx(sum(float(row["processing_ms"]) for row in ROWS), rel=0.03)


def dense(row: dict[str, Any]) -> Layer:
    """The layer as the chip's compiler knew it: zeros appear at run time only."""
    return replace(LAYERS[row["layer"]], density=Density())


@per_layer
def test_the_search_finds_the_mapping_of_the_chip(row: dict[str, Any]) -> None:
    actions = resolve_actions(load_technology(CHIP.technology), CHIP)
    found = find_mapping(dense(row), CHIP, actions, Objective.DRAM, EYERISS_V1_COMPILER)
    assert letters_of(Schedule(found.problem, found.mapping)) == letters(row, "_run")


@per_layer
def test_the_free_search_is_at_least_as_good(row: dict[str, Any]) -> None:
    actions = resolve_actions(load_technology(CHIP.technology), CHIP)
    free = find_mapping(dense(row), CHIP, actions, Objective.DRAM)
    chip = Schedule(problem_of(dense(row), CHIP), schedule(row).mapping)
    mine, theirs = analyse(Schedule(free.problem, free.mapping)), analyse(chip)
    assert sum(mine.dram_bytes.values()) <= sum(theirs.dram_bytes.values())
