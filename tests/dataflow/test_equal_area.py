"""The same storage area for every dataflow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.dataflow.equal_area import equal_area, study_area
from accelerator_sim.dataflow.rules import DATAFLOWS
from accelerator_sim.files.errors import AcceleratorSimError
from accelerator_sim.technology.area import area_of
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.workload.network_loader import load_network

LAYERS = [layer for layer in load_network("alexnet").layers if layer.is_mac]
ISCA = load_architecture("isca16_256")


def glb_bytes(name: str) -> int:
    shared = equal_area(ISCA, DATAFLOWS[name], LAYERS, EnergyUnit.MAC).glb.shared
    assert shared is not None
    return shared.banks * shared.size


def test_areas_of_the_study() -> None:
    assert study_area(512) == pytest.approx(10685, rel=1e-4)  # square micrometres
    assert study_area(131072) == pytest.approx(12.70 * 131072)
    assert study_area(96) == pytest.approx(96 * (59.15 + 39.94) / 2)
    assert study_area(0) == 0.0


@pytest.mark.parametrize(("name", "size"), [("nlr", 346458), ("ws", 342287), ("os_c", 342287)])
def test_glb_sizes_are_those_of_the_study(name: str, size: int) -> None:
    """Its program's own result for a 0 B and a 2 B RF (results/flow_storage_area_comparison.txt), within a word."""
    assert glb_bytes(name) == pytest.approx(size, abs=6)


def test_words_that_output_stationary_needs() -> None:
    """1 + U + R U words with pixels of one channel beside each other, 1 + U of several: AlexNet CONV1, U 4 and R 11."""
    machines = {name: equal_area(ISCA, DATAFLOWS[name], LAYERS, True) for name in ("os_a", "os_b", "os_c")}
    assert {name: machine.pe.spad.shared for name, machine in machines.items()} == {
        "os_a": 2 * (1 + 4 + 4 * 11),
        "os_b": 2 * (1 + 4),
        "os_c": 2,
    }


def test_row_stationary_keeps_its_machine() -> None:
    assert equal_area(ISCA, DATAFLOWS["rs"], LAYERS, True) is ISCA


@pytest.mark.parametrize("name", ["ws", "os", "is", "nlr"])
@pytest.mark.parametrize("machine", ["eyeriss_v1", "eyeriss_v2"])
def test_other_machines_take_no_more_area(name: str, machine: str) -> None:
    before = load_architecture(machine)
    after = equal_area(before, DATAFLOWS[name], LAYERS, EnergyUnit.JOULE)

    def storage(of: object) -> float:
        parts = area_of(of, None).parts  # type: ignore[arg-type]
        return parts["spad"].um2 + parts["glb"].um2

    assert 0.95 * storage(before) < storage(after) <= storage(before)
    assert after.pe.spad.weight.depth == 1


def test_no_area_left() -> None:
    """A stride of 40 with 50 taps: every PE would have to hold 2,041 words for its neighbours."""
    wide = replace(LAYERS[0], H=400, W=400, R=50, S=50, stride=(40, 40))
    with pytest.raises(AcceleratorSimError, match="isca16_256: 4082 B in each PE leave no area for a GLB"):
        equal_area(ISCA, DATAFLOWS["os_a"], [wide], EnergyUnit.MAC)
