"""Every closed form of the dataflows' nests, against a nest that is walked loop by loop; and the conservation laws."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from accelerator_sim.architecture.architecture import TENSORS
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.architecture.networks import Tensor
from accelerator_sim.dataflow.nest import DIMENSIONS, Keep, Nests, Residence
from accelerator_sim.dataflow.nest_cost import NestCost, Prices
from accelerator_sim.dataflow.nest_counts import words_of
from accelerator_sim.dataflow.rules import DATAFLOWS
from accelerator_sim.energy.account import account
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Layer
from tests.dataflow.strategies import nests, one
from tests.near import near
from tests.oracles.nest_walker import walk

TECHNOLOGY = load_technology("cmos65_16b")

EQUAL = (
    "iact_fetched", "iact_filled", "iact_read", "iact_sent", "weight_fetched", "weight_sent", "weight_delivered",
    "psum_in", "psum_out",
)  # fmt: skip


@pytest.mark.parametrize("name", DATAFLOWS)
@pytest.mark.parametrize("number", [60, pytest.param(1500, marks=pytest.mark.slow)])
def test_closed_forms_are_what_a_walk_counts(name: str, number: int) -> None:
    @settings(max_examples=number, deadline=None)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        nest = data.draw(nests(name))
        counted, walked = words_of(nest).at(0), walk(nest)
        out = walked.words
        for word in EQUAL:
            assert counted[word] == out[word], word
        if nest.flow.rows:
            assert counted["iact_delivered"] == out["iact_delivered"]
        # Each MAC once, and as many steps as the busiest PE takes.
        assert set(walked.macs.values()) == {1}
        assert sum(walked.macs.values()) == nest.loops.macs == nest.problem.layer.macs
        assert walked.steps == int(NestCost(nest, EnergyUnit.JOULE).pe_cycles[0])
        assert walked.first_pass_pes == int(nest.pes[0])
        # Partial results are handed on or leave; psums in SPads are updated by all other MACs.
        assert counted["psum_handed"] == out["partial"] - out["psum_out"]
        if nest.flow.holds("psum"):
            assert counted["spad_psum"] == nest.loops.macs - out["partial"]
        # Nothing ever holds more than it was given room for.
        assert walked.most_iacts <= int(nest.iacts_kept[0])
        assert walked.most_weights <= int(nest.weights_kept[0])
        assert walked.most_psums <= int(nest.psums_kept[0])
        if nest.flow.broadcast:
            assert walked.most_pe_weights == 1

    check()


@pytest.mark.parametrize("name", DATAFLOWS)
def test_an_activity_keeps_the_laws(name: str) -> None:
    @settings(max_examples=60, deadline=None)
    @given(nests(name))
    def check(nest: Nests) -> None:
        assume(int(nest.pes[0]) <= nest.problem.architecture.pes)
        cost = NestCost(nest, EnergyUnit.JOULE)
        outcome = cost.outcome()  # raises where a law is broken
        loops = nest.loops
        assert outcome.counts.access("dram", "psum").writes == loops.outputs
        assert outcome.counts.macs_issued == loops.macs
        kept: dict[Tensor, Keep] = {"iact": nest.residence.iact, "weight": nest.residence.weight}
        for tensor in TENSORS:
            levels = {a.level: a for a in outcome.counts.accesses if a.tensor == tensor}
            assert ("spad" in levels) == nest.flow.holds(tensor)
            use = next(u for u in outcome.counts.noc if u.tensor == tensor)
            if tensor != "psum":
                if kept[tensor] is not Keep.NONE:
                    assert levels["glb"].reads == levels["noc"].reads
                if not nest.flow.holds(tensor):  # a word comes at every MAC
                    assert use.delivered + use.local_hops == loops.macs
        # The energies that the search compares are those of the one account.
        actions = resolve_actions(TECHNOLOGY, nest.problem.architecture)
        prices = Prices(actions, nest.problem.architecture)
        joules = account(outcome, actions, nest.problem.architecture).total
        assert float(prices.energy(cost)[0]) == near(joules, rel=1e-12)

    check()


def test_a_mesh_counts_the_clusters_that_a_word_reaches() -> None:
    """Weights of one PE row of v2 for 24 PEs that differ in their position: two of its clusters of 12 PEs."""
    machine = load_architecture("eyeriss_v2")
    layer = Layer("line", "conv", M=1, C=1, H=8, W=3, R=1, S=3, padding=(0, 0, 1, 1))
    problem = problem_of(layer, machine)
    assert problem.loops.P == 8
    spatial = dict.fromkeys(DIMENSIONS, 1) | {"P": 8, "Q": 3}
    nest = one(
        problem,
        DATAFLOWS["os"],
        Residence(False, Keep.ALL, Keep.NONE),
        spatial,
        (1, 1),
        {"N": 1, "P": 8, "Q": 3, "M": 1},
    )
    cost = NestCost(nest, EnergyUnit.JOULE)
    assert int(cost.sent("weight")[0]) == 3
    assert int(cost.hops("weight")[0]) == 3 * (2 - 1)
