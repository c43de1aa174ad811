"""One piece of work of a sweep: a machine and a network; what it comes to; and the keys by which both are known.

Keys are hashes of all that decides a result - the architecture, the technology table, the network, how it is run, the
version of the program and the code of its kernels - so that a changed file or program never meets an old result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.likeness import but_for_memories
from accelerator_sim.energy.account import EnergyBreakdown
from accelerator_sim.files.errors import AcceleratorSimError, InvalidFile
from accelerator_sim.kernels.stamps import package_stamp
from accelerator_sim.results.layer_work import LayerWork, rates_of, work_of
from accelerator_sim.run.layer_run import run_layer
from accelerator_sim.run.options import Options
from accelerator_sim.run.run_memory import RunMemory
from accelerator_sim.run.run_setup import RunSetup
from accelerator_sim.run.workers import DIED
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.area import area_at
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.technology.technology import Technology
from accelerator_sim.version import __version__
from accelerator_sim.workload.layer import Layer

LayerSums = dict[str, float]
"""Figures of one layer: the fields of `LayerWork`, and energies of the chip and of DRAM, named by their unit."""


@dataclass(frozen=True)
class SweepTask:
    """Layers, by key, to run on a machine with its technology.

    layout: machines of which much that is found of one is of use for the others (`RunMemory`).
    """

    key: str
    layout: str
    architecture: Architecture
    technology: Technology
    run: Options
    layers: Mapping[str, Layer]

    @classmethod
    def of(
        cls, key: str, machine: tuple[Architecture, Technology], run: Options, layers: Mapping[str, Layer]
    ) -> SweepTask:
        """Return the task of a machine and its technology."""
        architecture, technology = machine
        return cls(key, digest(but_for_memories(architecture)), architecture, technology, run, layers)


@dataclass(frozen=True)
class Done:
    """A finished task: what each of its layers came to, or the error of it, by key."""

    key: str
    outcomes: dict[str, LayerSums]
    errors: dict[str, str]


@cache
def program() -> str:
    """The version and the kernels that a result is made with."""
    return f"{__version__} {package_stamp().hex()}"


def machine_text(architecture: Architecture, technology: Technology, run: Options) -> str:
    """Return all that a layer's result depends on besides the layer."""
    parts = [
        program(),
        architecture.model_copy(update={"name": "", "source": ""}).model_dump_json(),
        technology.model_copy(update={"source": ""}).model_dump_json(),
        run.fidelity,
        run.objective,
        str(run.seed),
    ]
    if technology.energy_unit is EnergyUnit.MAC:  # results of before it had a name of its own posed as joules
        parts.append(technology.energy_unit)
    return "\n".join(parts)


def layout_of(task: SweepTask) -> str:
    """Return what the machine of a task has in common with others."""
    return task.layout


def digest(*parts: str) -> str:
    """Return a short hash of texts."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]


def layer_text(layer: Layer) -> str:
    """Return a layer without its name and its place in the graph, as text."""
    return json.dumps(asdict(layer.unnamed), sort_keys=True)


@cache
def memory() -> RunMemory:
    """What the tasks of this process found."""
    return RunMemory()


def run_task(task: SweepTask) -> Done:
    """Run the layers of a task.  Whatever is wrong with one is an error in the result."""
    try:
        machine = RunSetup(
            task.architecture,
            resolve_actions(task.technology, task.architecture),
            task.run.objective,
            fidelity=task.run.fidelity,
            seed=task.run.seed,
            memory=memory(),
        )
    except Exception as error:  # of this machine alone
        return Done(task.key, {}, dict.fromkeys(task.layers, reason(error)))
    outcomes: dict[str, LayerSums] = {}
    errors: dict[str, str] = {}
    for key, layer in task.layers.items():
        try:
            result = run_layer(layer, None, machine)
            if result.outcome is None or result.energy is None:
                errors[key] = result.error or f"layer {layer.name} failed"
            else:
                outcomes[key] = _sums(result.outcome, result.energy)
        except Exception as error:  # of this layer alone
            errors[key] = f"layer {layer.name}: {reason(error)}"
    return Done(task.key, outcomes, errors)


def reason(error: Exception) -> str:
    """Return an error on one line, without the places of files, which differ between machines."""
    if isinstance(error, InvalidFile):
        text = "; ".join(f"{problem.path}: {problem.message}".removeprefix(": ") for problem in error.problems)
    elif isinstance(error, AcceleratorSimError):
        text = str(error)
    else:  # nobody expected it: its type is more helpful than its text
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return " ".join(text.split())


def given_up(task: SweepTask) -> Done:
    """Return the result of a task that kills its worker."""
    return Done(task.key, {}, {key: f"layer {layer.name}: {DIED}" for key, layer in task.layers.items()})


def _sums(outcome: Outcome, energy: EnergyBreakdown) -> LayerSums:
    return {
        **vars(work_of(outcome)),
        energy.unit.named("energy_j"): energy.chip,
        energy.unit.named("energy_dram_j"): energy.dram,
    }


def figures(
    outcomes: Iterable[LayerSums], architecture: Architecture, technology: Technology, batch: int
) -> dict[str, float | int | None]:
    """Return the result fields of a network: those of a simulation's totals, and what they come to with the DRAM."""
    unit = technology.energy_unit
    names = [field.name for field in fields(LayerWork)]
    work, chip, dram = LayerWork(), 0.0, 0.0
    for outcome in outcomes:
        work += LayerWork(*(int(outcome[name]) for name in names))
        chip += outcome[unit.named("energy_j")]
        dram += outcome[unit.named("energy_dram_j")]
    rates = rates_of(work, chip if unit is EnergyUnit.JOULE else None, architecture, batch)
    return {
        "cycles": work.cycles,
        "latency_s": rates.latency_s,
        "inferences_per_s": rates.inferences_per_s,
        **unit.fields(
            {
                "energy_j": chip,
                "energy_dram_j": dram,
                "energy_total_j": chip + dram,
                "edp_js": (chip + dram) * rates.latency_s,
            }
        ),
        "inferences_per_j": rates.inferences_per_j,
        "gops_per_w": rates.gops_per_w,
        "macs": work.macs,
        "effectual_macs": work.effectual_macs,
        "dram_bytes": work.dram_bytes,
        "utilization": rates.utilization,
        **sizes(architecture, technology),
    }


def sizes(architecture: Architecture, technology: Technology) -> dict[str, float | int | None]:
    """Return the figures of a machine; area_mm2 is None at a node that has no rule for it."""
    area = area_at(architecture, technology.node_nm)
    return {
        "pes": architecture.pes,
        "macs_per_cycle": architecture.macs_per_cycle,
        "glb_total": int(architecture.glb_bytes),
        "memory_total": int(architecture.memory_bytes),
        "area_kgates": area.total_kgates,
        "area_mm2": area.mm2,
    }
