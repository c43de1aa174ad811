"""Numbers and names for people."""

import pytest

from accelerator_sim.files.text import printable
from accelerator_sim.report.numbers import format_energy, percent, shortened, si
from accelerator_sim.technology.energy_unit import EnergyUnit


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 J"), (512, "512 J"), (999, "999 J"), (1000, "1.00 kJ"), (1694890, "1.69 MJ"), (0.00847, "8.47 mJ"),
        (9.996, "10.0 J"), (99.96, "100 J"), (999.7, "1.00 kJ"), (0.9999, "1.00 J"), (3e-20, "0.03 aJ"),
        (5e21, "5000 EJ"), (None, "-"), (-2500, "-2.50 kJ"),
    ],
)  # fmt: skip
def test_si(value: float | None, text: str) -> None:
    assert si(value, "J") == text


def test_si_without_a_unit() -> None:
    assert (si(145000), si(12), si(0)) == ("145 k", "12", "0")


def test_energies_have_their_unit() -> None:
    assert format_energy(3.8e-4, EnergyUnit.JOULE) == "380 µJ"
    assert format_energy(1.2e9, EnergyUnit.MAC) == "1.20 GMAC"
    assert format_energy(None, EnergyUnit.JOULE) == "-"


def test_percent() -> None:
    assert percent(0.87376) == "87.4"


@pytest.mark.parametrize(("width", "text"), [(20, "block.12.conv"), (9, "bloc…conv"), (4, "bl…v"), (2, "bl")])
def test_names_are_cut_in_the_middle(width: int, text: str) -> None:
    assert shortened("block.12.conv", width) == text
    assert len(text) <= width


def test_control_characters_are_shown() -> None:
    assert printable("a\x1b[31m\tb") == "a\\x1b[31m\\x09b"
