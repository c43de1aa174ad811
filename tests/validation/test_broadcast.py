"""The broadcast machine of EIE on our zeros: small cases by hand, limits, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.validation.broadcast import broadcast_cycles, broadcast_imbalance, broadcast_work
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.pattern import Pattern, draw

SLOTS = st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=1, max_size=30)
LAYER = Layer("fc", "fc", M=5, C=4, H=1, W=1, density=Density(iact=0.5, weight=0.5))
MASKS = Pattern(
    np.array([1, 0, 1, 1], dtype=np.uint8).reshape(1, 4, 1, 1, 1),
    np.array([[1, 1, 0, 0], [1, 0, 1, 1], [1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], np.uint8).reshape(5, 4, 1, 1, 1),
)


def test_rows_are_dealt_out_in_turn_and_zero_iacts_left_out() -> None:
    work = broadcast_work(LAYER, MASKS, 2)  # PE 0: rows 0, 2, 4; PE 1: rows 1, 3
    assert work.tolist() == [[2, 1], [0, 2], [1, 1]]


def test_by_hand() -> None:
    slots = np.array([[4, 1], [1, 1], [1, 4]])
    # one iact at a time: each is sent when the slower PE is done with the one before it
    assert broadcast_cycles(slots, 1) == 1 + 4 + 1 + 4
    assert broadcast_cycles(slots, 2) == 1 + 4 + 4
    # a queue for all: iacts arrive in cycles 1, 2, 3; PE 1 is done with the second at 3 and takes 4 more
    assert broadcast_cycles(slots, 3) == 7


@given(SLOTS, st.integers(1, 40))
def test_limits(slots: list[list[int]], queue: int) -> None:
    matrix = np.array(slots)
    cycles = broadcast_cycles(matrix, queue)
    # at least the busiest PE and a cycle an iact; at most every iact by itself; a deeper queue never takes longer
    assert max(int(matrix.sum(axis=0).max()), len(slots)) <= cycles <= len(slots) + int(matrix.max(axis=1).sum())
    assert broadcast_cycles(matrix, queue + 1) <= cycles


def test_even_work_takes_no_longer_than_its_share() -> None:
    machine, _ = load_machine("eyeriss_v2", [("pe.macs_per_cycle", "1")])
    layer = Layer("fc", "fc", M=192 * 8, C=64, H=1, W=1, density=Density(weight=0.5))
    even = Pattern(None, np.ones((192 * 8, 64, 1, 1, 1), dtype=np.uint8))
    assert broadcast_imbalance(layer, even, machine) == pytest.approx(1.0, abs=0.01)
    assert broadcast_imbalance(layer, draw(layer, 0), machine) > 1.1


@pytest.mark.parametrize(
    ("layer", "pattern"),
    [
        (Layer("c", "conv", M=4, C=4, H=4, W=4, R=3, S=3), Pattern()),
        (LAYER, Pattern(MASKS.iact_mask, None)),
        (Layer("fc", "fc", N=2, M=5, C=4, H=1, W=1), MASKS),
    ],
)
def test_what_is_refused(layer: Layer, pattern: Pattern) -> None:
    with pytest.raises(ValueError, match=f"layer {layer.name}: needs to be fully connected, with zeros"):
        broadcast_work(layer, pattern, 4)
