"""What zeros cost inside step 7, against slots counted by hand from the masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.eyexam.stalls import BEFORE, losses, worst_stall
from accelerator_sim.kernels.causes import CAUSES
from accelerator_sim.mapping.loops import loops_of
from accelerator_sim.mapping.mapping import Encoding, Mapping
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.simulation.engines import Event
from accelerator_sim.simulation.operands import normal_masks
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import counted
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.pattern import draw
from tests.oracles.strategies import Case, cases

V2 = load_machine("eyeriss_v2")[0]


def run(layer: Layer, mapping: Mapping, architecture: Architecture) -> tuple[Schedule, Outcome]:
    schedule = Schedule(problem_of(layer, architecture, mapping.iact_encoding, mapping.weight_encoding), mapping)
    masks = normal_masks(layer, loops_of(layer), draw(layer, 0, "channels"))
    return schedule, Event().run(schedule, counted(schedule, *masks))


def test_dense_layers_lose_nothing_to_zeros() -> None:
    schedule, outcome = run(Layer("gemm", "gemm", W=16, C=8, M=6), Mapping(M0=6, C0=8), V2)
    lost = losses(schedule, outcome, V2)
    assert (lost.csc, lost.pairing) == (0.0, 0.0)


def test_zeros_of_weights_that_are_stored_raw_take_slots() -> None:
    """Half the weights are zero and stored: half the MACs issued do nothing, two a slot, over all PEs."""
    layer = Layer("gemm", "gemm", W=16, C=8, M=6, density=Density(weight=0.5))
    schedule, outcome = run(layer, Mapping(M0=6, C0=8), V2)
    assert outcome.counts.macs_issued == 16 * 8 * 6
    zeros = 16 * 8 * 6 - outcome.counts.effectual_macs
    assert zeros > 0
    assert losses(schedule, outcome, V2).csc == pytest.approx(zeros / 2 / V2.pes)


def test_odd_columns_leave_half_a_slot_empty() -> None:
    """Weights in CSC: a column of n non-zeros takes ceil(n / 2) slots, counted here in the mask."""
    layer = Layer("gemm", "gemm", W=16, C=8, M=6, density=Density(weight=0.5))
    mapping = Mapping(M0=6, C0=8, weight_encoding=Encoding.CSC)
    schedule, outcome = run(layer, mapping, V2)
    mask = normal_masks(layer, loops_of(layer), draw(layer, 0, "channels"))[1]
    assert mask is not None
    columns = mask.reshape(8, 6).sum(axis=1)  # channels x filters
    empty = 16 * np.sum(np.ceil(columns / 2) - columns / 2)
    assert empty > 0
    lost = losses(schedule, outcome, V2)
    assert lost.pairing == pytest.approx(empty / V2.pes)
    assert lost.csc == 0.0


def test_a_layer_of_one_filter_loses_its_second_mac_before_step_7() -> None:
    schedule, outcome = run(Layer("dw", "conv", G=4, H=6, W=6, R=3, S=3), Mapping(), V2)
    assert losses(schedule, outcome, V2).pairing == 0.0


@given(cases())
@settings(max_examples=60)
def test_losses_are_parts_of_the_time_of_the_pes(case: Case) -> None:
    """Never negative; and slots are effectual MACs, stored zeros and empty places, nothing else."""
    architecture, mapping = case.problem.architecture, case.mapping
    schedule, outcome = run(case.problem.layer, mapping, architecture)
    lost = losses(schedule, outcome, architecture)
    assert lost.csc >= 0.0
    assert lost.pairing >= 0.0
    assert lost.imbalance >= 0.0
    assert lost.csc + lost.pairing <= sum(outcome.timing.pe_busy) / architecture.pes + 1e-9


def test_the_worst_stall_is_one_that_step_7_adds() -> None:
    _, outcome = run(Layer("gemm", "gemm", W=16, C=8, M=6), Mapping(M0=6, C0=8), V2)
    worst = worst_stall(outcome)
    assert worst in set(CAUSES) - {"busy", *BEFORE}
    assert set(BEFORE) < set(CAUSES)
