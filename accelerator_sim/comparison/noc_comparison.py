"""One machine with other networks on chip, of equal link count: what each does to time, energy and wires."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.energy.wire_energy import wire_energy
from accelerator_sim.files.vocabulary import Fidelity
from accelerator_sim.noc.alternatives import alternatives
from accelerator_sim.noc.wires import Wires, source_words, wires_of
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.layer_work import work_of, work_of_all
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.shown import ShownInPython
from accelerator_sim.results.status import worst_code
from accelerator_sim.results.tabular import Row, Tabular
from accelerator_sim.run.network_run import Progress, simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.simulation.analytical import bottleneck
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.network import Network

SCHEMA = "accelerator-sim/networks/1"
FIRST = "mesh"
"""The network that ratios are over, where it is among them; else the first one."""
NOTHING = "-"
"""What bounds a layer that computes nothing."""


@dataclass(frozen=True)
class NetworkCost:
    """What one layer (or all that ran) took on one network, for the whole batch.

    `bound_by` is the resource that the bottleneck estimate finds busiest ("-": nothing to compute), `noc_j` by wires
    (`energy.wire_energy`), and `chip_j` the chip with that instead of the table's account.
    """

    layer: str
    cycles: int
    utilization: float
    bound_by: str
    noc_j: float
    glb_j: float
    chip_j: float


@dataclass(frozen=True)
class NetworkRun:
    """One network: its size, the run, and the costs of the layers that ran on every network of the comparison."""

    name: str
    words_per_cycle: dict[str, float]
    wires: dict[str, Wires]
    result: NetworkResult
    layers: tuple[NetworkCost, ...]
    total: NetworkCost

    @property
    def link_bits(self) -> dict[str, int]:
        """Links times their wires, by data type."""
        return {tensor: wires.link_bits for tensor, wires in self.wires.items()}

    @property
    def bit_mm(self) -> float:
        """Bits times millimetres of wire, of all data types."""
        return sum(wires.bit_mm for wires in self.wires.values())


@dataclass(frozen=True, repr=False)
class NetworkComparison(ShownInPython, Tabular):
    """A workload on the same machine with several networks."""

    architecture: Architecture
    """The one with the mesh."""
    workload: str
    workload_source: str
    batch: int
    fidelity: str
    objective: str
    runs: tuple[NetworkRun, ...]
    left_out: tuple[str, ...]
    """Layers that failed on one of the networks, which no sum counts."""

    @property
    def reference(self) -> NetworkRun:
        """What ratios are over."""
        return next((run for run in self.runs if run.name == FIRST), self.runs[0])

    @property
    def exit_code(self) -> int:
        """The worst status of the runs."""
        return worst_code(run.result.exit_code for run in self.runs)

    @cached_property
    def port_bits(self) -> dict[str, int]:
        """Width of a link of the mesh, by data type: links of other widths count in proportion."""
        return {tensor: getattr(self.architecture.noc, tensor).port_width for tensor in TENSORS}

    def links(self, run: NetworkRun, tensor: str) -> float:
        """Links of a network, counted in links as wide as the mesh's.

        run: that of the network, one of `runs`; tensor: the data type, "iact", "weight" or "psum".
        """
        return run.link_bits[tensor] / self.port_bits[tensor]

    def rows(self) -> list[Row]:
        """One row per network and layer, and one for all layers of a network (`layer` is empty)."""
        return [self._row(run, cost, base) for run, cost, base in self._costs()]

    def _costs(self) -> Iterator[tuple[NetworkRun, NetworkCost, NetworkCost]]:
        for run in self.runs:
            yield run, run.total, self.reference.total
        if len(self.runs[0].layers) > 1:
            for costs in zip(self.reference.layers, *(run.layers for run in self.runs), strict=True):
                for run, cost in zip(self.runs, costs[1:], strict=True):
                    yield run, cost, costs[0]

    def _row(self, run: NetworkRun, cost: NetworkCost, base: NetworkCost) -> Row:
        row: Row = {"network": run.name, **asdict(cost)}
        row["latency_s"] = cost.cycles / self.architecture.clock
        for quantity in ("cycles", "noc_j", "glb_j", "chip_j"):
            below = getattr(base, quantity)
            row[f"{quantity.removesuffix('_j')}_ratio"] = getattr(cost, quantity) / below if below else None
        for tensor in TENSORS:
            row[f"words_per_cycle_{tensor}"] = run.words_per_cycle[tensor]
            row[f"links_{tensor}"] = self.links(run, tensor)
        row["wire_bit_mm"] = run.bit_mm
        row["wire_ratio"] = run.bit_mm / self.reference.bit_mm
        return row

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain data, in the schema "accelerator-sim/networks/1"."""
        return {
            "schema": SCHEMA,
            "workload": self.workload,
            "workload_source": self.workload_source,
            "architecture": self.architecture.name,
            "batch": self.batch,
            "fidelity": self.fidelity,
            "objective": self.objective,
            "reference": self.reference.name,
            "complete": not self.left_out,
            "estimate": self.fidelity == Fidelity.ANALYTICAL,
            "left_out": list(self.left_out),
            "rows": self.rows(),
        }


def compare_networks(
    network: Network,
    architecture: Architecture,
    technology: Technology,
    names: str | Iterable[str],
    options: Options | None = None,
    on_progress: Progress | None = None,
) -> NetworkComparison:
    """Run a workload on a hierarchical mesh and on flat networks of equal link count.

    names: of `noc.alternatives.KINDS`.  Every network has mappings of its own, the best for it.  Raises UsageError for
    an unknown name, an architecture without a mesh, and a technology without joules.
    """
    chosen = options or Options()
    machines = alternatives(architecture, names)
    technology.require_joules(architecture.name)
    results = {
        name: simulate_network(network, machine, technology, chosen, on_progress) for name, machine in machines.items()
    }
    failed = dict.fromkeys(layer.layer.name for result in results.values() for layer in result.failed)
    runs = tuple(_run(name, result, technology, set(failed)) for name, result in results.items())
    return NetworkComparison(
        architecture,
        network.name,
        network.source,
        network.batch * chosen.batch,
        chosen.fidelity,
        chosen.objective.value,
        runs,
        tuple(failed),
    )


def _run(name: str, result: NetworkResult, technology: Technology, left_out: set[str]) -> NetworkRun:
    machine = result.architecture
    costs = tuple(
        _cost(run, result, technology)
        for layer, _, _ in result.finished
        if layer.layer.name not in left_out
        for run in layer.runs
    )
    return NetworkRun(
        name,
        {tensor: source_words(machine, tensor) for tensor in TENSORS},
        {tensor: wires_of(machine, tensor) for tensor in TENSORS},
        result,
        costs,
        _total(costs, result, left_out),
    )


def _cost(layer: LayerResult, result: NetworkResult, technology: Technology) -> NetworkCost:
    outcome, energy, mapping = layer.outcome, layer.energy, layer.mapping
    assert outcome is not None
    assert energy is not None
    noc, bound_by = 0.0, NOTHING
    if mapping is not None:
        actions = resolve_actions(technology, result.architecture)
        schedule = Schedule.of_layer(layer.layer, result.architecture, mapping)
        noc, bound_by = wire_energy(schedule, outcome, technology, actions), bottleneck(schedule).longest
    return NetworkCost(
        layer.layer.name,
        outcome.timing.cycles,
        work_of(outcome).utilization(result.architecture),
        bound_by,
        noc,
        energy.glb,
        energy.chip - energy.noc + noc,
    )


def _total(costs: Sequence[NetworkCost], result: NetworkResult, left_out: set[str]) -> NetworkCost:
    """All layers together; bound by what bounds the layers with most cycles."""
    cycles: Counter[str] = Counter()
    for cost in costs:
        cycles[cost.bound_by] += cost.cycles
    work = work_of_all(outcome for layer, outcome, _ in result.finished if layer.layer.name not in left_out)
    return NetworkCost(
        "",
        work.cycles,
        work.utilization(result.architecture),
        max(cycles, key=lambda cause: cycles[cause]) if cycles else NOTHING,
        sum((cost.noc_j for cost in costs), 0.0),
        sum((cost.glb_j for cost in costs), 0.0),
        sum((cost.chip_j for cost in costs), 0.0),
    )
