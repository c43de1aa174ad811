"""Dilated and transposed layers as the sequence of their dense phases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.files.vocabulary import Fidelity, Objective
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.status import Status
from accelerator_sim.run.layer_run import run_layer
from accelerator_sim.run.run_setup import RunSetup
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.phases import PhaseLayer, dense_phases, is_dense, outputs_without_taps
from tests.oracles.strategies import layers, machines, spread_layers

UP = Layer("up", "conv", M=3, C=4, H=6, W=5, R=4, S=4, stride=(2, 2), padding=(1, 1, 1, 1), transposed=True)
GAPS = Layer("gaps", "conv", M=3, C=4, H=9, W=2, R=2, S=1, stride=(1, 3), transposed=True)


def setup(architecture: Architecture, fidelity: Fidelity = Fidelity.EVENT) -> RunSetup:
    actions = resolve_actions(load_technology("cmos65_8b"), architecture)
    return RunSetup(architecture, actions, Objective.LATENCY, fidelity=fidelity, verify=fidelity is Fidelity.CYCLE)


@pytest.mark.parametrize("number", [40, pytest.param(2000, marks=pytest.mark.slow)])
def test_event_and_cycle_agree_and_outputs_are_exact(number: int) -> None:
    """For layers of any kind: with filters that fold, dilated, transposed, of one to three dimensions."""

    @settings(max_examples=number)
    @given(st.one_of(spread_layers(most_macs=800), layers(most_macs=800, largest=9)), machines())
    def run(layer: Layer, architecture: Architecture) -> None:
        event = run_layer(layer, None, setup(architecture))
        if event.status is Status.FAILED:
            assert event.error is not None
            assert "cannot be mapped" in event.error
            return
        agree(layer, event, architecture)

    run()


def agree(layer: Layer, event: LayerResult, architecture: Architecture) -> None:
    cycle = run_layer(layer, None, setup(architecture, Fidelity.CYCLE))
    assert cycle.error is None
    compared = layer.oact_total_words - outputs_without_taps(layer)
    assert (cycle.verdict.outputs if cycle.verdict else 0) == compared
    assert cycle.verdict is None or cycle.verdict.equal
    assert event.outcome == replace(cycle.outcome, verdict=None)
    assert event.outcome is not None
    if is_dense(layer) or any(isinstance(run.layer, PhaseLayer) for run in event.phases):  # else nothing is multiplied
        assert_sums(layer, event.outcome, architecture)


def assert_sums(layer: Layer, outcome: Outcome, architecture: Architecture) -> None:
    counts, timing = outcome.counts, outcome.timing
    assert counts.macs == layer.macs
    assert timing.losses_pe_cycles is not None
    assert sum(timing.pe_busy) + sum(timing.losses_pe_cycles.values()) == timing.cycles * architecture.pes


def test_phases_add_up_to_the_layer() -> None:
    result = run_layer(UP, None, setup(load_architecture("eyeriss_v2")))
    assert result.outcome is not None
    assert result.energy is not None
    assert [run.layer for run in result.phases] == list(dense_phases(UP))
    cycles = [run.outcome.timing.cycles for run in result.phases if run.outcome]
    assert result.outcome.timing.cycles == sum(cycles)
    chips = [run.energy.chip for run in result.phases if run.energy]
    assert result.energy.chip == pytest.approx(sum(chips))
    assert result.mapping == result.leading.mapping


def test_outputs_that_no_input_reaches_are_written() -> None:
    assert outputs_without_taps(GAPS) == 3 * 10 * 2
    result = run_layer(GAPS, None, setup(load_architecture("eyeriss_v2")))
    assert result.outcome is not None
    assert result.outcome.counts.dram_bytes["psum"] == GAPS.oact_total_words
    assert result.phases[-1].status is Status.TRAFFIC_ONLY


def test_the_mappings_of_phases_are_given_again() -> None:
    machine = setup(load_architecture("eyeriss_v2"))
    first = run_layer(UP, None, machine)
    given = tuple(phase.mapping for phase in first.phases)
    again = run_layer(UP, given, machine)
    assert again.outcome == first.outcome
    assert again.optimal_over is None


def test_one_mapping_is_that_of_all_phases() -> None:
    machine = setup(load_architecture("eyeriss_v2"))
    mapping = run_layer(UP, None, machine).phases[0].mapping
    result = run_layer(UP, mapping, machine)
    assert {run.mapping for run in result.phases} == {mapping}


UPS = (
    UP,
    replace(UP, R=3, S=3, output_padding=(1, 1)),
    replace(UP, G=3, C=1, M=1),
    replace(UP, R=9, S=9, stride=(4, 4), padding=(4, 4, 4, 4), output_padding=(3, 3)),
)


@pytest.mark.parametrize("layer", UPS)
def test_phases_share_their_input_where_traffic_counts(layer: Layer) -> None:
    machine = replace(setup(load_architecture("eyeriss_v2"), Fidelity.CYCLE), objective=Objective.DRAM)
    result = run_layer(layer, None, machine)
    assert result.outcome is not None
    assert result.outcome.counts.dram_bytes["iact"] == layer.iact_total_words
    assert result.verdict is not None
    assert result.verdict.equal
    assert {run.mapping for run in result.runs if run.mapping} == {result.mapping}


def test_an_input_that_does_not_fit_comes_in_bands() -> None:
    layer = replace(UP, H=24, C=40, W=24, M=1)
    tight = load_architecture("eyeriss_v2", [("cluster_array", "{rows: 1, columns: 2}")])
    machine = replace(setup(tight, Fidelity.CYCLE), objective=Objective.DRAM)
    result = run_layer(layer, None, machine)
    names = [run.layer.name for run in result.phases if run.status is Status.TRAFFIC_ONLY]
    assert names[0].startswith("up: input 1 of ")
    assert len(names) > 1
    assert result.outcome is not None
    fetched = result.outcome.counts.dram_bytes["iact"]
    assert fetched == layer.iact_total_words + (len(names) - 1) * layer.C * layer.W  # a band reads one row more
    assert result.verdict is not None
    assert result.verdict.equal


@settings(max_examples=30)
@given(spread_layers(most_macs=800), machines())
def test_sharing_changes_no_output_and_costs_no_more_traffic(layer: Layer, architecture: Architecture) -> None:
    machine = replace(setup(architecture, Fidelity.CYCLE), objective=Objective.DRAM)
    result = run_layer(layer, None, machine)
    if result.status is Status.FAILED:
        assert "cannot be mapped" in str(result.error)
        return
    assert result.verdict is None or result.verdict.equal
    assert result.outcome is not None
    alone = [run_layer(phase, None, machine).outcome for phase in dense_phases(layer)]
    apart = sum(sum(each.counts.dram_bytes.values()) for each in alone if each)
    assert result.dram_bytes <= apart + outputs_without_taps(layer) * 2
