"""One PE against cycles derived by hand from the pipeline of JETCAS 2019 IV-B."""

from __future__ import annotations

import numpy as np
import pytest

from accelerator_sim.mapping.mapping import Encoding, Mapping
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.simulation.engines import Cycle, Event
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.pattern import Pattern, values
from tests.oracles.strategies import machine

M0, C0, POSITIONS = 32, 8, 20
FRONT, TAIL = 5, 2  # of the seven stages: up to the MAC, and from it on


def entries_of(column: list[int]) -> int:
    """Stored entries of a column: its non-zeros, and one for each 16 zeros in a row before one (4-bit counts)."""
    text = "".join(map(str, column)).rstrip("0")
    return sum(1 + len(run) // 16 for run in text.split("1")[:-1])


def run_one_pe(density: float) -> tuple[int, list[int], int]:
    """Cycles of the layer, stored entries of each column, and non-zero weights of all."""
    architecture = machine(
        "eyeriss_v2",
        {
            "cluster_array": "{rows: 1, columns: 1}",
            "pe_cluster": "{rows: 1, columns: 1}",
            "noc.weight.routers": "1",
            "noc.psum.routers": "1",
            "noc.iact.routers": "3",
            "configuration.cycles": "0",
            "pe.spad.weight.depth": "128",  # 32 x 8 weights without zeros
        },
    )
    layer = Layer("pe", "conv", M=M0, C=C0, W=POSITIONS)
    csc = Encoding.CSC if density < 1.0 else Encoding.RAW
    mapping = Mapping(M0=M0, C0=C0, Q0=POSITIONS, weight_encoding=csc)
    mask = (np.random.default_rng(7).random((M0, C0, 1, 1, 1)) < density).astype(np.uint8)
    pattern = Pattern(None, mask if density < 1.0 else None)
    schedule = Schedule(problem_of(layer, architecture, Encoding.RAW, csc), mapping)
    stored = stored_pattern(schedule, pattern)
    event = Event().run(schedule, stored)
    stepped = Cycle(values(layer, pattern, 0)).run(schedule, stored)
    assert stepped.verdict is not None
    assert stepped.verdict.equal
    assert (stepped.counts, stepped.timing) == (event.counts, event.timing)
    if density == 1.0:
        return event.timing.cycles, [M0] * C0, M0 * C0
    return event.timing.cycles, [entries_of(column) for column in mask.reshape(M0, C0).T.tolist()], int(mask.sum())


@pytest.mark.parametrize("density", [1.0, 0.7, 0.5, 0.3])
def test_dense_iacts(density: float) -> None:
    """Weights are loaded, the first iact walks the pipeline, then each window takes its slots and its psums.

    A window's psums (32, two a cycle) leave when its last pair was updated, one cycle after it was issued; two MACs a
    cycle take all ports of the psum SPad, so the MACs of the next window wait.
    """
    cycles, columns, nonzero = run_one_pe(density)
    each = [-(-n // 2) for n in columns]
    slots = sum(each)
    if density == 1.0:
        load = -(-M0 * C0 // 3)  # three raw weights a flit
    else:
        load = slots + -(-C0 * 7 // 24)  # two pairs a flit, odd ends padded; 7-bit addresses
    first = FRONT  # an iact enters the address stage with the last weight;
    first += next(i for i, n in enumerate(each) if n)  # those that meet an empty column are dropped, one a cycle
    last = next(n for n in reversed(each) if n)
    flush = max(0, TAIL - last)  # the last pair is updated when the MACs have been free for so long
    assert cycles == load + first + POSITIONS * (slots + flush + M0 // 2)
    assert cycles >= POSITIONS * slots >= POSITIONS * nonzero / 2
