"""What energies are counted in: joules or, with a normalised technology table, multiples of one multiply-accumulate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from accelerator_sim.files.errors import UsageError

_WORDS = {"j": "macs", "js": "macs_s"}
"""Parts of names that stand for joules (or joule seconds), and their replacements where energies are in MACs."""


class EnergyUnitError(UsageError, AttributeError):
    """An energy is asked for in a unit that it is not in.

    It is also an AttributeError, so that `hasattr(totals, "energy_j")` is False where there are no joules.
    """


class EnergyUnit(StrEnum):
    """What an energy is counted in; the technology table decides."""

    JOULE = "J"
    MAC = "MAC"
    """The energy of one 16-bit multiply-accumulate (ISCA 2016, Table IV): a table with `normalised: true`."""

    @property
    def in_table(self) -> float:
        """Joules by which a technology table writes one of this unit: a MAC is written as 1 pJ."""
        return {EnergyUnit.JOULE: 1.0, EnergyUnit.MAC: 1e-12}[self]

    def joules(self, energy: float) -> float:
        """Return an energy in this unit as joules.  Raises EnergyUnitError where the unit is another one."""
        if self is not EnergyUnit.JOULE:
            raise EnergyUnitError(
                "energies of a normalised technology are multiples of one MAC, not joules;"
                " read them in MACs (energy_macs) or set another technology"
            )
        return energy

    def macs(self, energy: float) -> float:
        """Return an energy in this unit as multiples of one MAC.  Raises EnergyUnitError where the unit is another."""
        if self is not EnergyUnit.MAC:
            raise EnergyUnitError(
                "energies are in joules, not multiples of one MAC; read them in joules (energy_j) or set a normalised"
                " technology"
            )
        return energy

    def named(self, name: str) -> str:
        """Return the name of an energy in this unit.

        name: the one in joules, such as "energy_j" or "edp_js"; in MACs these are "energy_macs" and "edp_macs_s".
        """
        if self is EnergyUnit.JOULE:
            return name
        return "_".join(_WORDS.get(part, part) for part in name.split("_"))

    def names(self, names: Iterable[str]) -> list[str]:
        """Return names of columns, those of joules followed by their names in this unit."""
        return [each for name in names for each in dict.fromkeys((name, self.named(name)))]

    def fields(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return energies under names with their unit, for results that leave the program.

        values: energies in this unit by their names in joules.  In MACs, what is named joules is None, and the name in
        MACs has the value.
        """
        fields: dict[str, Any] = {}
        for name, value in values.items():
            fields[name] = None
            fields[self.named(name)] = value
        return fields
