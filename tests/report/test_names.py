"""Every name that a result can hold has one for people."""

from pathlib import Path

import pytest

from accelerator_sim.energy.account import COMPONENTS
from accelerator_sim.kernels.causes import Cause
from accelerator_sim.report.cycles import by_cause
from accelerator_sim.report.names import CAUSE_ORDER, COMPONENT_NAMES, LEVEL_NAMES
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.simulation.outcome import LEVELS, WAITS, Bound, Resource

DOCS = Path(__file__).parents[2] / "docs"


def test_levels_and_components() -> None:
    assert set(LEVEL_NAMES) == set(LEVELS)
    assert set(COMPONENT_NAMES) == set(COMPONENTS)
    assert list(COMPONENT_NAMES)[-1] == "dram"  # it is not the chip's


def test_every_cause_bound_and_resource_has_one_label() -> None:
    assert sorted(CAUSE_ORDER) == sorted(Cause)
    for kind in (Cause, Resource):
        labels = [member.label for member in kind]
        assert all(labels)
        assert len(set(labels)) == len(labels)
    assert Bound.PE.label == Resource.PE.label == "work of the PEs"
    assert Bound.NO_WEIGHT.label == Cause.NO_WEIGHT.label == "waiting for weights"
    assert set(WAITS) == set(Resource) - {Resource.PE}
    assert {bound.value for bound in Bound} == {"pe"} | {cause.value for cause in Cause if cause is not Cause.BUSY}


def test_a_label_does_not_change_the_word_of_programs() -> None:
    assert Cause("no_weight") is Cause.NO_WEIGHT
    assert f"{Cause.NO_WEIGHT} {Resource.WEIGHT_PORT} {Bound.PE}" == "no_weight weight_port pe"


@pytest.mark.parametrize("page", ["cli.md", "glossary.md"])
def test_pages_call_causes_by_their_labels(page: str) -> None:
    text = " ".join((DOCS / page).read_text().split())
    for word in (*Cause, *Bound):
        if word is not Cause.BUSY:
            assert f"`{word}` ({word.label})" in text, word


def test_the_model_calls_resources_by_their_labels() -> None:
    text = " ".join((DOCS / "model.md").read_text().split())
    for resource in Resource:
        assert f"`{resource}` ({resource.label})" in text, resource


def test_cycles_by_cause_add_up(result: NetworkResult) -> None:
    for _, outcome, _ in result.finished:
        spent = by_cause(outcome.timing, result.architecture)
        assert round(sum(spent.values()), 6) == outcome.timing.cycles
