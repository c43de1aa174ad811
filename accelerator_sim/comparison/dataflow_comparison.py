"""The dataflows on one machine: each layer by the best nest of each, energies by level and by data type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.comparison.machine_comparison import ratio
from accelerator_sim.dataflow.equal_area import equal_area
from accelerator_sim.dataflow.nest import DIMENSIONS, Nests
from accelerator_sim.dataflow.nest_search import find_nest
from accelerator_sim.dataflow.rules import Dataflow
from accelerator_sim.energy.account import EnergyBreakdown, account, account_moves
from accelerator_sim.files.errors import AcceleratorSimError, CheckFailed, UsageError
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.results.layer_work import LayerWork, work_of_all
from accelerator_sim.results.shown import ShownInPython
from accelerator_sim.results.status import ExitCode, Status
from accelerator_sim.results.tabular import Tabular
from accelerator_sim.run.network_run import Progress
from accelerator_sim.run.options import Options
from accelerator_sim.run.workers import DIED, pool_of, run_tasks
from accelerator_sim.simulation.outcome import Counts, Outcome
from accelerator_sim.technology.actions import ActionEnergies, resolve_actions
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.technology.technology import Technology
from accelerator_sim.version import __version__
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.phases import dense_phases

SCHEMA = "accelerator-sim/dataflows/1"


@dataclass(frozen=True)
class LayerNest:
    """One layer under one dataflow: what it takes, or why it could not run.

    `by_tensor` has the energy of moving each data type, through all levels, in the unit of `energy`; with that of the
    MACs, the clock and leakage it adds up to `energy`.
    """

    layer: Layer
    status: Status
    outcome: Outcome | None = None
    energy: EnergyBreakdown | None = None
    by_tensor: dict[str, float] | None = None
    nest: dict[str, Any] | None = None
    nests: int = 0
    """Nests that had to be costed in full to find this one."""
    error: str | None = None
    law_broken: bool = False


@dataclass(frozen=True)
class FlowResult:
    """All layers under one dataflow, on the machine that it had."""

    flow: Dataflow
    architecture: Architecture
    energy_unit: EnergyUnit
    layers: tuple[LayerNest, ...]

    @cached_property
    def ran(self) -> tuple[tuple[LayerNest, Outcome, EnergyBreakdown], ...]:
        """The layers that ran."""
        return tuple(
            (row, row.outcome, row.energy) for row in self.layers if row.outcome is not None and row.energy is not None
        )

    @property
    def failed(self) -> tuple[LayerNest, ...]:
        """The layers that did not run."""
        return tuple(row for row in self.layers if not row.status.ran)

    @cached_property
    def energy(self) -> EnergyBreakdown:
        """The sum over the layers that ran."""
        return sum((energy for _, _, energy in self.ran), EnergyBreakdown(self.energy_unit))

    @cached_property
    def work(self) -> LayerWork:
        """The work of the layers that ran."""
        return work_of_all(outcome for _, outcome, _ in self.ran)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the layers that ran."""
        return self.work.macs

    @property
    def cycles(self) -> int:
        """Cycles of the layers that ran."""
        return self.work.cycles

    @property
    def by_tensor(self) -> dict[str, float]:
        """Energy of moving each data type, in `energy_unit`."""
        return {t: sum(row.by_tensor[t] for row, _, _ in self.ran if row.by_tensor) for t in TENSORS}

    @property
    def dram_words(self) -> int:
        """Words read from and written to off-chip memory."""
        return sum(
            a.reads + a.writes for _, outcome, _ in self.ran for a in outcome.counts.accesses if a.level == "dram"
        )

    @property
    def utilization(self) -> float | None:
        """MACs over the peak of the machine."""
        return LayerWork(self.cycles, macs_issued=self.macs).utilization(self.architecture) if self.cycles else None

    @property
    def edp(self) -> float:
        """Energy times seconds, the energy in `energy_unit`."""
        return self.energy.total * self.cycles / self.architecture.clock

    @property
    def edp_js(self) -> float:
        """Joules times seconds.  Raises EnergyUnitError where energies are not joules."""
        return self.energy_unit.joules(self.edp)

    def common(self, other: FlowResult) -> FlowResult:
        """The layers that the other dataflow could also run."""
        names = {row.layer.name for row, _, _ in other.ran}
        return replace(self, layers=tuple(row for row, _, _ in self.ran if row.layer.name in names))


@dataclass(frozen=True, repr=False)
class DataflowComparison(ShownInPython, Tabular):
    """A network under several dataflows on one machine.  Ratios are over the first one, on the layers that both run."""

    workload: str
    workload_source: str
    architecture: Architecture
    technology: str
    batch: int
    objective: str
    equal_area: bool
    results: tuple[FlowResult, ...]

    @property
    def first(self) -> FlowResult:
        """What ratios are over."""
        return self.results[0]

    @property
    def energy_unit(self) -> EnergyUnit:
        """What all energies are counted in."""
        return self.first.energy_unit

    @property
    def interrupted(self) -> bool:
        """Whether some layers did not run because the comparison was interrupted."""
        return any(row.status is Status.INTERRUPTED for result in self.results for row in result.failed)

    @property
    def exit_code(self) -> int:
        """Same as `NetworkResult`: a broken law, layers that failed, or neither."""
        failed = [row for result in self.results for row in result.failed]
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if any(row.law_broken for row in failed):
            return ExitCode.LAW_BROKEN
        return ExitCode.LAYERS_FAILED if failed else ExitCode.OK

    def energy_ratio(self, result: FlowResult) -> float | None:
        """Energy of a dataflow over that of the first one, None where they have no layer in common.

        result: that of the dataflow, one of `results`.
        """
        mine, reference = result.common(self.first), self.first.common(result)
        return ratio(mine.energy.total, reference.energy.total)

    def edp_ratio(self, result: FlowResult) -> float | None:
        """Energy-delay product of a dataflow over that of the first one, None where they have no layer in common.

        result: that of the dataflow, one of `results`.
        """
        return ratio(result.common(self.first).edp, self.first.common(result).edp)

    def layer_ratios(self) -> list[tuple[str, list[float | None]]]:
        """For every layer, the energy under each dataflow over that under the first."""
        ratios = []
        for i, row in enumerate(self.first.layers):
            energies = [result.layers[i].energy for result in self.results]
            first = energies[0].total if energies[0] else None
            ratios.append((row.layer.name, [ratio(e.total if e else None, first) for e in energies]))
        return ratios

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per dataflow; energies under names that contain their unit (`EnergyUnit.fields`)."""
        return [self._row(result) for result in self.results]

    def _row(self, result: FlowResult) -> dict[str, Any]:
        macs, fields = result.macs, result.energy_unit.fields
        parts = result.energy.as_dict() | result.by_tensor
        return {
            "dataflow": result.flow.name,
            "machine": result.architecture.name,
            "layers": len(result.layers),
            "failed": len(result.failed),
            "complete": not result.failed,
            "macs": macs,
            "cycles": result.cycles,
            "utilization": result.utilization,
            **fields({"energy_j": result.energy.total}),
            "energy_ratio": self.energy_ratio(result),
            **fields({"edp_js": result.edp}),
            "edp_ratio": self.edp_ratio(result),
            "dram_words_per_mac": result.dram_words / macs if macs else None,
            **fields({f"energy_{part}_j_per_mac": _per(energy, macs) for part, energy in parts.items()}),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data, in the schema "accelerator-sim/dataflows/1"."""
        return {
            "schema": SCHEMA,
            "version": __version__,
            "workload": {"name": self.workload, "source": self.workload_source},
            "architecture": self.architecture.name,
            "technology": self.technology,
            "normalised": self.energy_unit is EnergyUnit.MAC,
            "batch": self.batch,
            "objective": self.objective,
            "equal_area": self.equal_area,
            "dense": True,
            "complete": not any(result.failed for result in self.results),
            "estimate": True,
            "dataflows": [
                self._row(result)
                | {
                    "title": result.flow.title,
                    "storage": storage(result, self.equal_area),
                    "layers": [_layer_dict(row) for row in result.layers],
                }
                for result in self.results
            ],
        }


def _per(energy: float, macs: int) -> float | None:
    return energy / macs if macs else None


def _layer_dict(row: LayerNest) -> dict[str, Any]:
    if row.outcome is None or row.energy is None:
        return {"name": row.layer.name, "status": row.status.value, "error": row.error}
    return {
        "name": row.layer.name,
        "status": row.status.value,
        "macs": row.outcome.counts.macs,
        "cycles": row.outcome.timing.cycles,
        "bound_by": row.outcome.timing.bound_by,
        "active_pes": row.outcome.counts.active_pes,
        **row.energy.unit.fields(
            {
                "energy_j": row.energy.total,
                "energy_parts_j": row.energy.as_dict(),
                "energy_tensors_j": row.by_tensor,
            }
        ),
        "accesses": [
            {"level": a.level, "tensor": a.tensor, "reads": a.reads, "writes": a.writes}
            for a in row.outcome.counts.accesses
        ],
        "nest": row.nest,
        "nests_costed": row.nests,
    }


def storage(result: FlowResult, same_area: bool) -> dict[str, float]:
    """Bytes of the SPads of a PE and of the whole GLB.

    An architecture cannot express that a register file holds nothing: with the same area for all, that of NLR is none.
    """
    architecture = result.architecture
    pe = 0.0 if same_area and not result.flow.held else architecture.pe.spad.operand_bits / 8
    return {"spad_bytes_per_pe": pe, "glb_bytes": architecture.glb_bytes}


def compare_dataflows(
    network: Network,
    machine: tuple[Architecture, Technology],
    flows: Sequence[Dataflow],
    options: Options,
    same_area: bool = False,
    on_progress: Progress | None = None,
) -> DataflowComparison:
    """Run a network under several dataflows on one machine.

    Layers without multiply-accumulates cost the same under all and are left out; operands are dense; dilated and
    transposed layers are their dense phases.  options: the
    objective, the batch, the layers and the jobs count; same_area: give each dataflow the storage that it needs on the
    same area (`dataflow.equal_area`).  A layer that a dataflow cannot run has its error in the result.  Raises
    UsageError for a selection without multiply-accumulates, and for private or broadcast networks, on which words
    cannot go where a dataflow wants them.
    """
    architecture, technology = machine
    kind = architecture.noc.iact.kind
    if kind in ("unicast", "broadcast"):
        raise UsageError(
            f"{architecture.name} has {kind} networks; dataflows are compared on a hierarchical_mesh or a multicast_bus"
        )
    selected = network.select(options.layers).with_batch(options.batch)
    selected.require_counted()
    chosen = tuple(phase for layer in selected.layers if layer.is_mac for phase in dense_phases(layer))
    if not chosen:
        raise UsageError(f"{network.name} has no selected layer with multiply-accumulates")
    unique = {layer.unnamed: layer for layer in chosen}
    unit = technology.energy_unit
    machines = [equal_area(architecture, flow, unique.values(), unit) if same_area else architecture for flow in flows]
    tasks = [
        (layer, own, resolve_actions(technology, own), flow, options.objective)
        for flow, own in zip(flows, machines, strict=True)
        for layer in unique.values()
    ]
    done = iter(_run(tasks, options.jobs, on_progress))
    results = []
    for flow, own in zip(flows, machines, strict=True):
        of = {key: next(done) for key in unique}
        layers = tuple(replace(of[layer.unnamed], layer=layer) for layer in chosen)
        results.append(FlowResult(flow, own, unit, layers))
    return DataflowComparison(
        network.name, network.source, architecture, technology.name, selected.batch,
        options.objective.value, same_area, tuple(results),
    )  # fmt: skip


FlowTask = tuple[Layer, Architecture, ActionEnergies, Dataflow, Objective]


def _run(tasks: Sequence[FlowTask], jobs: int, on_progress: Progress | None) -> list[LayerNest]:
    results: dict[int, LayerNest] = {}

    def show_progress(done: int, name: str) -> None:
        if on_progress is not None:
            on_progress(done, len(tasks), name)

    show_progress(0, tasks[0][0].name)
    try:
        for number, row in run_tasks(tasks, pool_of(min(jobs, len(tasks))), _run_task, _given_up):
            results[number] = row
            show_progress(len(results), row.layer.name)
    except KeyboardInterrupt:
        pass  # what was finished is complete
    return [
        results.get(number) or LayerNest(task[0], Status.INTERRUPTED, error=Status.INTERRUPTED.value)
        for number, task in enumerate(tasks)
    ]


def _run_task(task: FlowTask) -> LayerNest:
    return run_nest(*task)


def _given_up(task: FlowTask) -> LayerNest:
    layer = task[0]
    return LayerNest(layer, Status.FAILED, error=f"layer {layer.name}: {DIED}")


def run_nest(
    layer: Layer,
    architecture: Architecture,
    actions: ActionEnergies,
    flow: Dataflow,
    objective: Objective,
) -> LayerNest:
    """Find the best nest of a layer and account for it.  Errors are reported in the result, never raised."""
    try:
        best = find_nest(layer, architecture, actions, flow, objective)
    except CheckFailed as error:
        return LayerNest(layer, Status.FAILED, error=str(error), law_broken=True)
    except (AcceleratorSimError, ValueError, ArithmeticError) as error:
        return LayerNest(layer, Status.FAILED, error=str(error) or type(error).__name__)
    except MemoryError:
        return LayerNest(layer, Status.FAILED, error=f"layer {layer.name}: not enough memory")
    energy = account(best.outcome, actions, architecture)
    tensors: dict[str, float] = {
        t: account_moves(_only(best.outcome.counts, t), actions, architecture).total for t in TENSORS
    }
    return LayerNest(layer, Status.OK, best.outcome, energy, tensors, describe(best.nest), best.optimal_over)


def _only(counts: Counts, tensor: str) -> Counts:
    """The words of one data type."""
    return replace(
        counts,
        accesses=tuple(access for access in counts.accesses if access.tensor == tensor),
        noc=tuple(use for use in counts.noc if use.tensor == tensor),
        dram_bytes={tensor: counts.dram_bytes[tensor]},
    )


def describe(nest: Nests) -> dict[str, Any]:
    """A nest as plain data: PEs by dimension, filters and channels in a PE, the GLB tile, and what the GLB keeps."""
    return {
        "array": {d: int(nest.spatial[d][0]) for d in DIMENSIONS if nest.spatial[d][0] > 1},
        "pe": {"M0": int(nest.m0[0]), "C0": int(nest.c0[0])},
        "tile": {d: min(int(nest.tile[d][0]), nest.loops.sizes[d]) for d in "NPQM"},
        "outer": "M" if nest.residence.filters_outer else "NPQ",
        "glb": {"iact": nest.residence.iact.value, "weight": nest.residence.weight.value},
    }
