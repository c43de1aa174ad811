"""The result of a comparison: machines under their conditions, and the ratios between them.

Every energy is of one inference and has four conditions: batch, number format, power boundary, and software.  A ratio
is of two entries, each with its own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from accelerator_sim.baseline.device import Device
from accelerator_sim.baseline.measured_device import MeasuredDevice
from accelerator_sim.baseline.roofline import BaselineResult
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.shown import Drawn
from accelerator_sim.results.status import worst_code
from accelerator_sim.results.tabular import Tabular
from accelerator_sim.version import __version__

SCHEMA = "accelerator-sim/comparison/1"


@dataclass(frozen=True)
class Conditions:
    """What an energy is of: without these four it is meaningless."""

    batch: int
    precision: str
    """Number format: "fp16", or the bits of an accelerator's iacts, as "8b"."""
    boundary: str
    """What draws the power: "chip", "chip+dram", "board", "net" (board above idle) or "device" (as measured)."""
    stack: str
    """Software of a baseline; of an accelerator, what its mappings were chosen for, as "for latency"."""


@dataclass(frozen=True)
class Measurement:
    """A published measurement under the same conditions."""

    latency_s: float
    energy_j: float | None
    """Energy of one inference."""


@dataclass(frozen=True)
class MachineEntry:
    """A machine under its conditions.

    Latency is of the whole batch, from input to output; energies are of one inference.  Both are None for an
    accelerator that could not run all layers.
    """

    name: str
    kind: str
    node_nm: float | None
    """None where it is not known."""
    conditions: Conditions
    latency_s: float | None
    energy_j: float | None
    parts: dict[str, float]
    """Joules of one inference by component, all of them, also those outside the boundary."""
    outside: dict[str, float]
    """What of the parts lies outside the boundary: an accelerator's DRAM, a board's idle power."""
    projection: bool = False
    """Whether the energies are those of another process than the machine was made in."""
    weak: bool = False
    """Whether a baseline's constants are not fitted to measurements of it."""
    measured: Measurement | None = None
    note: str = ""

    @property
    def counted(self) -> dict[str, float]:
        """Joules of one inference by component, inside the boundary: they sum to its energy."""
        return {part: joules - self.outside.get(part, 0.0) for part, joules in self.parts.items()}

    @property
    def inferences_per_s(self) -> float | None:
        """Inferences of the batch over its latency."""
        return None if self.latency_s is None else self.conditions.batch / self.latency_s

    @property
    def inferences_per_j(self) -> float | None:
        """The inverse of the energy."""
        return 1.0 / self.energy_j if self.energy_j else None

    def to_dict(self, reference: MachineEntry) -> dict[str, Any]:
        """Return the entry as plain data, with its ratios over another."""
        return {
            "machine": self.name,
            "kind": self.kind,
            **asdict(self.conditions),
            "node_nm": self.node_nm,
            "projection": self.projection,
            "weak": self.weak,
            "latency_s": self.latency_s,
            "inferences_per_s": self.inferences_per_s,
            "energy_j": self.energy_j,
            "inferences_per_j": self.inferences_per_j,
            "edp_js": self.edp_js,
            "energy_ratio": ratio(self.energy_j, reference.energy_j),
            "latency_ratio": ratio(self.latency_s, reference.latency_s),
            "measured_energy_j": self.measured.energy_j if self.measured else None,
            "measured_latency_s": self.measured.latency_s if self.measured else None,
            "energy_parts_j": dict(self.parts),
            "note": self.note,
        }

    @property
    def edp_js(self) -> float | None:
        """Energy of one inference times the latency of its batch, in joule seconds."""
        return None if self.energy_j is None or self.latency_s is None else self.energy_j * self.latency_s


@dataclass(frozen=True)
class Ratio:
    """The energy of a baseline over that of an accelerator, with the conditions of both."""

    baseline: MachineEntry
    accelerator: MachineEntry

    @property
    def energy(self) -> float | None:
        """How many times as much the baseline takes."""
        return ratio(self.baseline.energy_j, self.accelerator.energy_j)

    @property
    def latency(self) -> float | None:
        """How many times as long the baseline takes."""
        return ratio(self.baseline.latency_s, self.accelerator.latency_s)

    def to_dict(self) -> dict[str, Any]:
        """Return the ratio as plain data, flat."""
        flat: dict[str, Any] = {}
        for side, entry in (("baseline", self.baseline), ("accelerator", self.accelerator)):
            flat |= {side: entry.name, f"{side}_node_nm": entry.node_nm, f"{side}_projection": entry.projection}
            flat |= {f"{side}_{name}": value for name, value in asdict(entry.conditions).items()}
            flat |= {f"{side}_energy_j": entry.energy_j}
        return flat | {"energy_ratio": self.energy, "latency_ratio": self.latency}


def ratio(value: float | None, reference: float | None) -> float | None:
    """Return a quotient, None where one of its parts is not known."""
    return None if value is None or not reference else value / reference


@dataclass(frozen=True, repr=False)
class Comparison(Drawn, Tabular):
    """A network on several machines.

    `entries` has each machine once, under the boundaries that were asked for, accelerators first; `matrix` has every
    boundary, stack and process that there are data for.  Ratios are over the first entry.
    """

    workload: str
    workload_source: str
    layers: int
    workload_layers: int
    """Layers of the whole network; more than `layers` where only some were selected."""
    macs: int
    """MACs of one input."""
    input_words: int
    """Words of one input of the network."""
    batch: int
    runs: tuple[NetworkResult, ...]
    baselines: tuple[BaselineResult, ...]
    """The modelled ones."""
    entries: tuple[MachineEntry, ...]
    matrix: tuple[Ratio, ...]
    notes: tuple[str, ...] = ()
    measured: tuple[MeasuredDevice, ...] = ()
    """The baselines of which there are only measurements."""

    @property
    def devices(self) -> list[Device | MeasuredDevice]:
        """All baselines."""
        return [*(result.device for result in self.baselines), *self.measured]

    @property
    def reference(self) -> MachineEntry:
        """What ratios are over."""
        return self.entries[0]

    @property
    def exit_code(self) -> int:
        """The worst status of the runs, same as in `NetworkResult`."""
        return worst_code(run.exit_code for run in self.runs)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data, in the schema "accelerator-sim/comparison/1", without its matrix."""
        return {
            "schema": SCHEMA,
            "version": __version__,
            "workload": {
                "name": self.workload,
                "source": self.workload_source,
                "layers": self.workload_layers,
                "macs": self.macs,
            },
            "batch": self.batch,
            "layers": self.layers,
            "complete": all(run.complete for run in self.runs),
            "estimate": any(run.estimate for run in self.runs),
            "reference": self.reference.to_dict(self.reference),
            "entries": [entry.to_dict(self.reference) for entry in self.entries],
            "notes": list(self.notes),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per machine, with one column for the energy of each component."""
        rows = []
        for entry in self.entries:
            row = entry.to_dict(self.reference)
            parts = row.pop("energy_parts_j")
            rows.append(row | {f"energy_{part}_j": joules for part, joules in parts.items()})
        return rows
