"""The mapping of one layer."""

import json

import pytest

from accelerator_sim.report import layer_map
from accelerator_sim.run.best_mappings import MappingChoices, best_mappings
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from tests.small_network import CONV


@pytest.fixture(scope="module")
def choices() -> MappingChoices:
    return best_mappings(CONV, *load_machine("eyeriss_v2"), Options())


def test_text(choices: MappingChoices) -> None:
    text = layer_map.render([choices], 80)
    outcome = choices.chosen.outcome
    assert text.startswith("conv (conv) on eyeriss_v2: N1 G1 M8 C4 P8 Q8 R3 S3, 18,432 MACs")
    assert "psum += iact * weight" in text
    assert "cluster (0, 0) of 8 x 2" in text
    assert f"least latency of {choices.chosen.optimal_over:,} mappings" in text
    assert f"{outcome.timing.cycles:,} cycles, bound by {outcome.timing.bound_by.label}" in text
    assert [line.split()[0] for line in text.splitlines()[-4:]] == ["latency", "energy", "edp", "dram"]


def test_json(choices: MappingChoices) -> None:
    data = json.loads(layer_map.dumps([choices]))
    assert data["schema"] == "accelerator-sim/map/1"
    assert data["cycles"] == choices.chosen.outcome.timing.cycles
    assert [other["objective"] for other in data["others"]] == ["energy", "edp", "dram"]
    assert data["mapping"]["M0"] == choices.chosen.schedule.mapping.M0
