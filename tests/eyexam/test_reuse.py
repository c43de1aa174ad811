"""Reuse against the accesses that the engines count."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings

from accelerator_sim.eyexam.reuse import reuse
from accelerator_sim.mapping.mapping import Encoding, Mapping
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.simulation.engines import estimate_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.layer import Layer
from tests.oracles.strategies import Case, cases


@given(cases())
@settings(max_examples=150)
def test_moves_of_raw_words_are_the_accesses_of_the_levels(case: Case) -> None:
    """Where words are stored raw, a tensor's words times its moves are the reads of each level."""
    mapping = case.mapping
    assume((mapping.iact_encoding, mapping.weight_encoding) == (Encoding.RAW, Encoding.RAW))
    schedule = Schedule(case.problem, mapping)
    outcome = estimate_of(schedule)
    rows = {row.tensor: row for row in reuse(schedule)}
    network = {use.tensor: use for use in outcome.counts.noc}
    for tensor in ("iact", "weight"):
        row = rows[tensor]
        assert row.sent * row.words == pytest.approx(network[tensor].words)
        assert row.delivered * row.words == pytest.approx(outcome.counts.access("noc", tensor).writes)
        assert row.macs * row.words == pytest.approx(outcome.counts.macs)
        assert row.sent * row.targets == pytest.approx(row.delivered)
        assert row.delivered * row.macs_per_delivery == pytest.approx(row.macs)
    assert rows["iact"].glb * rows["iact"].words == pytest.approx(outcome.counts.access("glb", "iact").reads)
    psum, glb = rows["psum"], outcome.counts.access("glb", "psum")
    assert psum.glb * psum.words == pytest.approx(glb.reads + glb.writes)
    assert psum.sent * psum.words == pytest.approx(network["psum"].words)
    handed = network["psum"].local_hops + network["psum"].word_hops
    assert psum.delivered * psum.words == pytest.approx(handed)


def test_by_hand() -> None:
    """One PE, all filters and channels at once: every word moves once, an iact serves 6 MACs, a weight 16."""
    problem = problem_of(Layer("gemm", "gemm", W=16, C=8, M=6), load_machine("eyeriss_v1_5")[0])
    iact, weight, psum = reuse(Schedule(problem, Mapping(M0=6, C0=8, Q0=16)))
    assert (iact.words, weight.words, psum.words) == (128, 48, 96)
    assert (iact.dram, iact.glb, iact.sent, iact.delivered, iact.macs) == (1.0, 0.0, 1.0, 1.0, 6.0)
    assert (weight.dram, weight.sent, weight.delivered, weight.macs) == (1.0, 1.0, 1.0, 16.0)
    assert (psum.dram, psum.glb, psum.sent, psum.delivered, psum.macs) == (1.0, 0.0, 1.0, 0.0, 8.0)
