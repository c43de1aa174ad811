from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.energy.account import EnergyBreakdown, account
from accelerator_sim.simulation.outcome import Access, Bound, Counts, NocUse, Outcome, Timing
from accelerator_sim.technology.actions import ActionEnergies, MissingEnergy, resolve_actions
from accelerator_sim.technology.energy_unit import EnergyUnit, EnergyUnitError
from accelerator_sim.technology.technology import load_technology
from tests.near import near

PJ = 1e-12

COUNTS = Counts(
    active_pes=20,
    idle_pes=4,
    macs=500,
    effectual_macs=300,
    macs_issued=400,
    macs_gated=100,
    accesses=(
        Access("dram", "iact", 10, 0, 8),
        Access("dram", "weight", 20, 0, 12),
        Access("dram", "psum", 0, 5, 8),
        Access("glb", "iact", 30, 10, 12),  # CSC pairs in a table of 8-bit words
        Access("glb", "psum", 7, 9, 20),
        Access("noc", "iact", 30, 60, 12),
        Access("spad", "iact", 100, 60, 12),
        Access("spad", "weight", 150, 10, 24),
        Access("spad", "psum", 300, 300, 20),
        Access("mac", "iact", 300, 0, 8),
    ),
    noc=(
        NocUse("iact", "broadcast", 3, 30, 90, 12, 60),
        NocUse("weight", "unicast", 0, 20, 0, 12, 20),
        NocUse("psum", "unicast", 0, 16, 4, 20, 16, local_hops=11),
    ),
    dram_bytes={"iact": 10, "weight": 30, "psum": 5},
)
OUTCOME = Outcome(COUNTS, Timing(1000, Bound.PE, {}))


def with_counts(**changed: Any) -> Outcome:
    """The outcome with some counts changed."""
    return replace(OUTCOME, counts=replace(COUNTS, **changed))


@pytest.fixture
def actions(table: dict[str, Any], written: Callable[..., str], architecture: Architecture) -> ActionEnergies:
    return resolve_actions(load_technology(written(table)), architecture)


def test_an_account_by_hand(actions: ActionEnergies, architecture: Architecture) -> None:
    energy = account(OUTCOME, actions, architecture)
    assert energy.mac == near((300 * (1 + 0.5) + 100 * 0.1) * PJ)
    assert energy.spad == near((100 * 2 + 60 * 3 + 150 * 8 + 10 * 10 + 300 * 6 + 300 * 7) * PJ)
    assert energy.glb == near(((30 * 8 + 10 * 9) * 12 / 8 + 7 * 24 + 9 * 26) * PJ)
    hops = (90 * 12 + 4 * 20) * 1.0
    # iacts in proportion to their 12 bits; weights cost 15 pJ whatever their width; psums 1 pJ a bit
    delivered = 60 * 14 * 12 / 8 + 20 * 15 + 16 * 20
    assert energy.noc == near((hops + delivered + 11 * 17) * PJ)
    assert energy.dram == near((10 * 8 * 1 + 20 * 12 * 1 + 5 * 8 * 2) * PJ)
    assert energy.clock == near((20_000 * 5 + 4_000 * 0.5) * PJ)
    assert energy.leakage == near(actions.leakage_w * 1000 / 100e6)


def test_the_components_sum_to_the_totals(actions: ActionEnergies, architecture: Architecture) -> None:
    energy = account(OUTCOME, actions, architecture)
    assert list(energy.as_dict()) == ["mac", "spad", "noc", "glb", "dram", "clock", "leakage"]
    assert energy.total == near(sum(energy.as_dict().values()), rel=1e-12)
    assert energy.chip == near(energy.total - energy.dram, rel=1e-12)
    double = sum([energy, energy], EnergyBreakdown(EnergyUnit.JOULE))
    assert double.as_dict() == {name: 2 * value for name, value in energy.as_dict().items()}


def test_energies_of_two_units_cannot_be_added() -> None:
    with pytest.raises(EnergyUnitError, match="energies in J and in MAC cannot be added"):
        EnergyBreakdown(EnergyUnit.JOULE) + EnergyBreakdown(EnergyUnit.MAC)


def test_joules_are_named(actions: ActionEnergies, architecture: Architecture) -> None:
    energy = account(OUTCOME, actions, architecture)
    assert (energy.unit, energy.chip_j, energy.dram_j) == (EnergyUnit.JOULE, energy.chip, energy.dram)
    assert not hasattr(energy, "chip_macs")
    macs = replace(energy, unit=EnergyUnit.MAC)
    assert (macs.chip_macs, macs.dram_macs) == (energy.chip, energy.dram)
    assert not hasattr(macs, "dram_j")


def test_nothing_costs_nothing_but_time(actions: ActionEnergies, architecture: Architecture) -> None:
    idle = with_counts(macs_issued=0, macs_gated=0, active_pes=0, idle_pes=0, accesses=(), noc=())
    energy = account(idle, actions, architecture)
    assert energy == EnergyBreakdown(EnergyUnit.JOULE, leakage=energy.leakage)
    assert energy.leakage > 0.0


def test_a_zero_of_the_table_is_zero(
    table: dict[str, Any], written: Callable[..., str], architecture: Architecture
) -> None:
    for way in ("active", "idle"):
        table["clock"][way] = {"energy": "0 pJ", "source": "zero because this test wants it so"}
    actions = resolve_actions(load_technology(written(table)), architecture)
    assert account(OUTCOME, actions, architecture).clock == 0.0


@pytest.mark.parametrize(
    ("access", "message"),
    [
        (Access("glb", "weight", 1, 0, 8), "action glb.weight.read has no energy in technology round: no GLB bank"),
        (Access("glb", "bias", 1, 0, 8), "action glb.bias has no energy in technology round"),
        (Access("dram", "bias", 1, 0, 8), "action dram.bias has no energy in technology round"),
        (Access("l3", "iact", 1, 0, 8), "level 'l3' of iact has no energy in technology round; known levels: spad, "),
    ],
)
def test_what_has_no_energy_is_an_error(
    access: Access, message: str, actions: ActionEnergies, architecture: Architecture
) -> None:
    with pytest.raises(MissingEnergy) as caught:
        account(with_counts(accesses=(access,)), actions, architecture)
    assert str(caught.value).startswith(message)


def test_an_unknown_data_type_on_a_network(actions: ActionEnergies, architecture: Architecture) -> None:
    with pytest.raises(MissingEnergy, match=r"action noc\.deliver\.bias has no energy in technology round"):
        account(with_counts(noc=(NocUse("bias", "unicast", 0, 1, 0, 8, 1),)), actions, architecture)


@pytest.mark.parametrize(("width", "cost"), [("20 b", 17.0 * 8 / 20), (None, 17.0)])
def test_a_word_from_pe_to_pe_costs_by_its_width(
    table: dict[str, Any], written: Callable[..., str], architecture: Architecture, width: str | None, cost: float
) -> None:
    """Psums of 20 bits cost the entry of the table, iacts of 8 bits their share of it, if it has a width."""
    table["noc"]["local"] = {"energy": "17 pJ", "source": "assumed"} | ({"width": width} if width else {})
    actions = resolve_actions(load_technology(written(table)), architecture)
    use = NocUse("iact", "unicast", 0, 0, 0, 8, 0, local_hops=5)
    assert account(with_counts(noc=(use,)), actions, architecture).noc == near(5 * cost * PJ)


def test_the_interface_off_chip_counts_with_the_networks(actions: ActionEnergies, architecture: Architecture) -> None:
    outcome = with_counts()
    moved = 8 * sum(outcome.counts.dram_bytes.values())
    assert moved > 0
    plain, with_pads = (account(outcome, replace(actions, interface_bit=bit), architecture) for bit in (0.0, 2e-12))
    assert with_pads.noc - plain.noc == near(moved * 2e-12)
    assert with_pads.chip - plain.chip == near(moved * 2e-12)
