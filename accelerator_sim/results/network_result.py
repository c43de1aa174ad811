"""What came out of a network: its layers, their totals, and both as plain data and rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.energy.account import ChipAndDram, EnergyBreakdown
from accelerator_sim.files.errors import UsageError, did_you_mean
from accelerator_sim.files.vocabulary import Fidelity, Masks, Objective
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.results.layer_plain import layer_dict
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.layer_rows import COLUMNS, layer_row
from accelerator_sim.results.layer_work import rates_of, work_of_all
from accelerator_sim.results.shown import Drawn, viewer
from accelerator_sim.results.status import ExitCode, Status
from accelerator_sim.results.tabular import Row, Tabular
from accelerator_sim.simulation.outcome import Access, Level, NocUse, Outcome
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.area import Area, area_at
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.version import __version__

SCHEMA = "accelerator-sim/simulation/1"


@dataclass(frozen=True)
class Totals(ChipAndDram):
    """Sums over the layers that ran.  `layers` counts all, `failed` those that are missing from the sums.

    `energy_j`, `inferences_per_j` and `gops_per_w` are of the chip alone, as the papers count.  Rates are None where
    nothing was run, or where energies are not joules (a normalised technology).  Then `energy_j` and `energy_dram_j`
    raise EnergyUnitError, and `energy_macs` and `energy_dram_macs` have the energies; with joules, it is these that
    raise.
    """

    layers: int
    mac_layers: int
    failed: int
    macs: int
    effectual_macs: int
    cycles: int
    latency_s: float
    inferences_per_s: float | None
    energy: EnergyBreakdown
    inferences_per_j: float | None
    gops_per_w: float | None
    dram_bytes: int
    utilization: float

    def to_dict(self) -> dict[str, Any]:
        """Return the totals as plain data; energies under names that contain their unit (`EnergyUnit.fields`)."""
        values: dict[str, Any] = {}
        for each in fields(self):
            if each.name == "energy":
                chip_and_dram = {"energy_j": self.energy.chip, "energy_dram_j": self.energy.dram}
                values |= self.energy.unit.fields(chip_and_dram)
            else:
                values[each.name] = getattr(self, each.name)
        return values


@dataclass(frozen=True, repr=False)
class NetworkResult(Drawn, Tabular):
    """All layers of a network (or the selected ones), in their order, and what they ran on."""

    workload: str
    workload_source: str
    workload_layers: int
    """Layers of the whole network; more than `layers` holds where only some were selected."""
    layers: tuple[LayerResult, ...]
    architecture: Architecture
    technology: str
    node_nm: float
    energy_unit: EnergyUnit
    """What the energies of all layers are counted in."""
    fidelity: Fidelity
    objective: Objective
    batch: int
    seed: int
    interrupted: bool = False
    masks: Masks = Masks.CHANNELS
    """How zeros were drawn."""
    constraints: Constraints = field(default_factory=Constraints)
    """Rules of the search for mappings."""
    workload_notes: str = ""
    """What is assumed of the network, and what was left out when the file of another tool was read."""

    def layer(self, name: str) -> LayerResult:
        """Return the result of a layer.

        name: its name, in full.  Raises UsageError where there is none of this name.
        """
        for result in self.layers:
            if result.layer.name == name:
                return result
        names = [result.layer.name for result in self.layers]
        raise UsageError(f"no layer {name!r} in {self.workload}{did_you_mean(name, names)}")

    def trace(self, path: str | Path, *, cycles: tuple[int, int] = (0, 20_000), clusters: tuple[int, ...] = ()) -> Path:
        """Write what every PE does when, for Perfetto (a gzipped Chrome trace).  Returns its path.

        path: the file to write; cycles: the first cycle and the one after the last; clusters: numbers of clusters, all
        for none.

        Raises UsageError for an estimate, which has no times, and for clusters that there are not; OSError where the
        file cannot be written.
        """
        file = Path(path)
        file.write_bytes(viewer().trace(self, cycles, clusters))
        return file

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures has to know."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        if self.verified is not None:
            yield f"Outputs verified: {self.verified:,} values equal the reference."
        if len(self.layers) < self.workload_layers:
            yield (
                f"Only {len(self.layers)} of the {self.workload_layers} layers of {self.workload} were selected;"
                " all totals are of these."
            )
        if self.energy_unit is EnergyUnit.MAC:
            yield (
                f"{self.technology} is normalised: energies are multiples of one MAC, not joules, and nothing per"
                " joule."
            )
        if self.estimate:
            yield "Cycles are a bottleneck estimate: there are no times of single PEs."

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the figures assume."""
        return tuple(self._assumptions())

    def _assumptions(self) -> Iterator[str]:
        yield "Peak and efficiency are of the chip: the energy of the DRAM stands apart, as in the papers."
        yield "MACs count padding taps, as published totals do; one MAC is two operations."
        macs = [layer for layer in self.layers if layer.layer.is_mac]
        for source, count in Counter(layer.layer.density.source for layer in macs).items():
            yield f"Densities of {count} of {len(macs)} layers with MACs: {source}."
        searched = sum(layer.optimal_over is not None for layer in macs)
        given = sum(layer.mapping is not None and layer.optimal_over is None for layer in macs)
        if searched:
            yield f"{searched} layers have the mapping of least {self.objective} of all that were searched."
        if given:
            yield f"{given} layers have a mapping that was given."
        moved = sum(layer.status is Status.TRAFFIC_ONLY for layer in self.layers)
        if moved:
            yield f"{moved} layers without MACs are counted by the words that they read and write."

    @property
    def finished(self) -> Iterator[tuple[LayerResult, Outcome, EnergyBreakdown]]:
        """The layers that ran."""
        for result in self.layers:
            if result.outcome is not None and result.energy is not None:
                yield result, result.outcome, result.energy

    @property
    def gap(self) -> float | None:
        """By which part the bounds of other mappings lie below the cycles, over the layers that know it.

        `LayerResult.gap`, weighted by cycles; None where no layer knows it.
        """
        known = [(result.gap, outcome.timing.cycles) for result, outcome, _ in self.finished if result.gap is not None]
        cycles = sum(each for _, each in known)
        return sum(gap * each for gap, each in known) / cycles if cycles else None

    def schedules(self) -> dict[str, Schedule]:
        """The schedules of the layers that were mapped, by name; of the dense phases of dilated and transposed ones."""
        return {
            run.layer.name: Schedule.of_layer(run.layer, self.architecture, run.mapping)
            for result in self.layers
            for run in result.runs
            if run.mapping is not None
        }

    @property
    def by_phase(self) -> NetworkResult:
        """The same with the dense phases of dilated and transposed layers as layers."""
        return replace(self, layers=tuple(run for result in self.layers for run in result.runs))

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data, in the schema "accelerator-sim/simulation/1"."""
        return self.head_dict() | {"layers": list(self.layer_dicts())}

    def head_dict(self) -> dict[str, Any]:
        """Return all of the result except its layers as plain data."""
        architecture = self.architecture
        return {
            "schema": SCHEMA,
            "version": __version__,
            "seed": self.seed,
            "fidelity": self.fidelity,
            "objective": self.objective,
            "batch": self.batch,
            "architecture": {
                "name": architecture.name,
                "source": architecture.source,
                "pes": architecture.pes,
                "macs_per_cycle": architecture.macs_per_cycle,
                "clock_hz": architecture.clock,
                "technology": self.technology,
                "node_nm": self.node_nm,
                "area": self.area.as_dict(),
                "energy_normalised": self.energy_unit is EnergyUnit.MAC,
            },
            "workload": {"name": self.workload, "source": self.workload_source, "layers": self.workload_layers},
            "complete": self.complete,
            "estimate": self.estimate,
            "verified_outputs": self.verified,
            "bound_gap": self.gap,
            "totals": self.totals.to_dict(),
        }

    def layer_dicts(self) -> Iterator[dict[str, Any]]:
        """Yield each layer as plain data."""
        for layer in self.layers:
            yield layer_dict(layer, self.architecture, self.energy_unit)

    def rows(self) -> list[Row]:
        """Return one row per layer, every number in full."""
        return list(self.iter_rows())

    def iter_rows(self) -> Iterator[Row]:
        """Yield the rows one by one."""
        whole = {"run_complete": self.complete, "estimate": self.estimate}
        for layer in self.layers:
            yield layer_row(layer, self.architecture, whole)

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns: the same for every network."""
        return self.energy_unit.names(COLUMNS)

    @cached_property
    def failed(self) -> tuple[LayerResult, ...]:
        """The layers that did not run."""
        return tuple(result for result in self.layers if not result.status.ran)

    @property
    def complete(self) -> bool:
        """Whether totals and rates count every layer; False where some failed or the run was interrupted."""
        return not self.failed and not self.interrupted

    @property
    def estimate(self) -> bool:
        """Whether cycles are those of the bottleneck estimate."""
        return self.fidelity is Fidelity.ANALYTICAL

    @cached_property
    def verified(self) -> int | None:
        """Outputs that were compared, value by value, with an integer reference and are equal; None: none were."""
        verdicts = [result.verdict for result in self.layers if result.verdict is not None]
        return sum(verdict.outputs - verdict.different for verdict in verdicts) if verdicts else None

    @property
    def exit_code(self) -> int:
        """What the result means to a script: interrupted, a broken law, failed layers, or all well."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if any(result.law_broken for result in self.layers):
            return ExitCode.LAW_BROKEN
        return ExitCode.LAYERS_FAILED if self.failed else ExitCode.OK

    @cached_property
    def area(self) -> Area:
        """The estimated area of the machine; without square millimetres at a node that has no rule for them."""
        return area_at(self.architecture, self.node_nm)

    @cached_property
    def energy(self) -> EnergyBreakdown:
        """Energy of all layers by component."""
        return sum((energy for _, _, energy in self.finished), EnergyBreakdown(self.energy_unit))

    @cached_property
    def accesses(self) -> tuple[Access, ...]:
        """Accesses of all layers by level and tensor, in words of `word_bits`.

        Where layers differ in word width (raw values beside CSC pairs) there is one record per width.
        """
        sums: dict[tuple[Level, str, int], tuple[int, int]] = {}
        for _, outcome, _ in self.finished:
            for record in outcome.counts.accesses:
                key = record.level, record.tensor, record.word_bits
                reads, writes = sums.get(key, (0, 0))
                sums[key] = reads + record.reads, writes + record.writes
        return tuple(Access(level, tensor, *counts, bits) for (level, tensor, bits), counts in sums.items())

    @cached_property
    def noc(self) -> tuple[NocUse, ...]:
        """Traffic of all layers by data type and word width; `links_used` is the most of any layer."""
        sums: dict[tuple[str, int], NocUse] = {}
        for _, outcome, _ in self.finished:
            for use in outcome.counts.noc:
                key = use.tensor, use.word_bits
                sums[key] = _joined(sums[key], use) if key in sums else use
        return tuple(sums.values())

    @cached_property
    def totals(self) -> Totals:
        """Sums and rates of the whole."""
        work = work_of_all(outcome for _, outcome, _ in self.finished)
        chip_j = self.energy.chip if self.energy_unit is EnergyUnit.JOULE else None
        rates = rates_of(work, chip_j, self.architecture, self.batch)
        return Totals(
            layers=len(self.layers),
            mac_layers=sum(result.layer.is_mac for result in self.layers),
            failed=len(self.failed),
            macs=work.macs,
            effectual_macs=work.effectual_macs,
            cycles=work.cycles,
            latency_s=rates.latency_s,
            inferences_per_s=rates.inferences_per_s,
            energy=self.energy,
            inferences_per_j=rates.inferences_per_j,
            gops_per_w=rates.gops_per_w,
            dram_bytes=work.dram_bytes,
            utilization=rates.utilization,
        )


def _joined(a: NocUse, b: NocUse) -> NocUse:
    modes = list(dict.fromkeys([*a.mode.split(", "), b.mode]))
    return NocUse(
        tensor=a.tensor,
        mode=", ".join(modes),
        links_used=max(a.links_used, b.links_used),
        words=a.words + b.words,
        word_hops=a.word_hops + b.word_hops,
        word_bits=a.word_bits,
        delivered=a.delivered + b.delivered,
        local_hops=a.local_hops + b.local_hops,
    )
