"""The sentence that a page begins with."""

from __future__ import annotations

import pytest

import accelerator_sim
from accelerator_sim.report import verdicts
from accelerator_sim.report.numbers import si
from accelerator_sim.sweeps.records import goal_of
from tests.small_network import CONV, FC, POOL

NETWORK = type(accelerator_sim.load_network("alexnet"))("small", "made up", (CONV, POOL, FC), "")


def test_of_a_run() -> None:
    run = accelerator_sim.simulate(NETWORK)
    said = verdicts.of_run(run)
    assert said.startswith(f"small on eyeriss_v2 takes {si(run.totals.latency_s, 's')} (")
    assert f"an energy-delay product of {si(run.energy.total * run.totals.latency_s, 'J s')}: batch 1, 200 MHz" in said
    assert said.count(".") > said.count(". ")
    assert "an estimate" in verdicts.of_run(accelerator_sim.simulate(NETWORK, fidelity="analytical"))


def test_of_a_partial_run_and_of_none() -> None:
    wide = type(CONV)("wide", "gemm", N=64, W=1 << 31)
    with pytest.warns(accelerator_sim.AcceleratorSimWarning, match="totals are partial"):
        run = accelerator_sim.simulate(type(NETWORK)("part", "made up", (CONV, wide), ""))
    assert "(partial): batch 1" in verdicts.of_run(run)


def test_of_a_comparison() -> None:
    compared = accelerator_sim.compare(NETWORK, ["eyeriss_v2", "eyeriss_v1"], "jetson_tx2_maxq", fidelity="analytical")
    said = verdicts.of_comparison(compared)
    first, *_, jetson = compared.entries
    assert first.energy_j
    assert jetson.energy_j
    assert f"{jetson.energy_j / first.energy_j:,.3g} times less energy than jetson_tx2_maxq (board, fp16)" in said
    assert said.count("eyeriss_v1 (chip+dram, 16b)") == 1  # no projections


@pytest.mark.parametrize(
    ("mine", "theirs", "words"),
    [(1, 5.5, "5.5 times less"), (5.5, 1, "5.5 times more"), (1, 1.001, "same"), (1, 29.9, "29.9 times less"),
     (1, 12345, "12,345 times less")],
)  # fmt: skip
def test_factors(mine: float, theirs: float, words: str) -> None:
    assert verdicts.factor(mine, theirs, "less", "more", "same") == words


def test_of_a_sweep() -> None:
    goals = [goal_of("latency"), goal_of("energy_total")]
    rows = [
        {"point": 3, "latency_s": 1e-3, "energy_total_j": 2e-3},
        {"point": 5, "latency_s": 2e-3, "energy_total_j": 1e-3},
    ]
    axes = {3: {"clock": "1 GHz"}, 5: {"clock": "2 GHz"}}
    assert verdicts.of_sweep(9, rows, goals, axes) == (
        "Of 9 points, 2 are beaten by none in latency_s and energy_total_j: the least latency_s is 1.00 ms, at clock"
        " 1 GHz; the least energy_total_j is 1.00 mJ, at clock 2 GHz."
    )
    assert verdicts.of_sweep(9, [], goals, {}) == "None of 9 points has a result."
