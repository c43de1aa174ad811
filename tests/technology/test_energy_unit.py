"""Units of energies: their names, their fields, and what is refused."""

from __future__ import annotations

import math

import pytest

from accelerator_sim.files.errors import UsageError
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.energy_unit import EnergyUnit, EnergyUnitError
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.technology.technology import load_technology, scaled


def test_a_table_knows_its_unit() -> None:
    assert load_technology("isca16_normalised").energy_unit is EnergyUnit.MAC
    assert load_technology("cmos65_16b").energy_unit is EnergyUnit.JOULE


def test_actions_are_in_the_unit_of_their_table() -> None:
    """ISCA 2016, Table IV: MAC 1, RF 1, array 2, GLB 6, DRAM 200 per 16-bit word."""
    architecture, technology = load_machine("isca16_256")
    actions = resolve_actions(technology, architecture)
    assert actions.unit is EnergyUnit.MAC
    assert (actions.mac, actions.spad["psum"], actions.noc_local) == (1.0, (1.0, 1.0), 2.0)
    assert (actions.glb["psum"], actions.dram_read_bit * 16, actions.delivery("iact")) == ((6.0, 6.0), 200.0, 2.0)
    architecture, technology = load_machine("eyeriss_v2")
    actions = resolve_actions(technology, architecture)
    assert (actions.unit, actions.noc_hop_bit["iact"] < 1e-9) == (EnergyUnit.JOULE, True)


@pytest.mark.parametrize(
    ("joules", "macs"),
    [
        ("energy_j", "energy_macs"),
        ("energy_total_j", "energy_total_macs"),
        ("edp_js", "edp_macs_s"),
        ("energy_glb_j_per_mac", "energy_glb_macs_per_mac"),
        ("utilization", "utilization"),
    ],
)
def test_names(joules: str, macs: str) -> None:
    assert EnergyUnit.JOULE.named(joules) == joules
    assert EnergyUnit.MAC.named(joules) == macs


def test_fields_that_leave_the_program() -> None:
    values = {"energy_j": 2.0, "edp_js": 3.0}
    assert EnergyUnit.JOULE.fields(values) == values
    expected = {"energy_j": None, "energy_macs": 2.0, "edp_js": None, "edp_macs_s": 3.0}
    assert list(EnergyUnit.MAC.fields(values).items()) == list(expected.items())
    assert EnergyUnit.JOULE.names(["name", "energy_j"]) == ["name", "energy_j"]
    assert EnergyUnit.MAC.names(["name", "energy_j"]) == ["name", "energy_j", "energy_macs"]


def test_another_unit_is_refused() -> None:
    assert (EnergyUnit.JOULE.joules(2.0), EnergyUnit.MAC.macs(2.0)) == (2.0, 2.0)
    with pytest.raises(EnergyUnitError, match=r"not joules; read them in MACs \(energy_macs\) or set another"):
        EnergyUnit.MAC.joules(2.0)
    with pytest.raises(EnergyUnitError, match=r"read them in joules \(energy_j\) or set a normalised technology"):
        EnergyUnit.JOULE.macs(2.0)
    assert issubclass(EnergyUnitError, UsageError)


def test_a_comparison_requires_joules() -> None:
    load_technology("cmos65_16b").require_joules("eyeriss_v1")
    message = r"mine has energies in multiples of one MAC \(isca16_normalised\), which are not joules to compare"
    with pytest.raises(UsageError, match=message):
        load_technology("isca16_normalised").require_joules("mine")


def test_no_other_node_without_joules() -> None:
    with pytest.raises(ValueError, match="'isca16_normalised' is normalised; it has no joules to scale"):
        scaled(load_technology("isca16_normalised"), "finer", 28e-9)


def test_a_written_mac_is_one() -> None:
    assert math.isclose(EnergyUnit.MAC.in_table, 1e-12)
    assert EnergyUnit.JOULE.in_table == 1.0
