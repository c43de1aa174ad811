"""From a point of a sweep to what has to be run for it, or to the reason why it cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.data import resolve
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.paths import exists, real
from accelerator_sim.files.recent import Recent
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.run.options import Options
from accelerator_sim.sweeps.axes import CHOICES, column_of, stored
from accelerator_sim.sweeps.database import JOULES, MACS
from accelerator_sim.sweeps.limits import values_of
from accelerator_sim.sweeps.points import SweepPoint
from accelerator_sim.sweeps.records import goal_of
from accelerator_sim.sweeps.spec import Stage, SweepMode, SweepPlan
from accelerator_sim.sweeps.store import StoreEntry
from accelerator_sim.sweeps.task import LayerSums, digest, figures, layer_text, machine_text, program, reason
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.technology.machine_file import MachineFile
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network_loader import load_network

MADE = 1000
"""Machines that are kept, at some 20 KiB each."""


@dataclass(frozen=True)
class Planned:
    """A point of a stage with one of its networks, ready to run, or why it cannot be."""

    point: SweepPoint
    entry: StoreEntry
    machine: tuple[Architecture, Technology] | None
    run: Options
    layers: Mapping[str, tuple[Layer, int]]
    """Layers by key, each with its number of occurrences in the network."""
    error: str | None = None
    inferences: int = 1
    """What the layers are of: the batch of the point times that of the network's file."""

    def figures(self, outcomes: Mapping[str, LayerSums]) -> dict[str, float | int | None] | None:
        """The figures of the network, of the outcomes of its layers."""
        if self.machine is None:
            return None
        parts = [outcomes[key] for key, (_, count) in self.layers.items() for _ in range(count)]
        return figures(parts, *self.machine, self.inferences)


def choices_of(values: Mapping[str, str | None]) -> Choices:
    """Return the choices of a network of a point, or of what is stored of it.

    Raises ValueError for a width or resolution that is not a number.
    """
    width, resolution = values.get("width"), values.get("resolution")
    return Choices(
        densities=values.get("densities"),
        prune=values.get("prune"),
        width=None if width is None else float(width),
        resolution=None if resolution is None else int(resolution),
    )


def base_file(sweep: SweepPlan) -> Path:
    """Return the file of the base architecture, taken from the folder of the sweep first."""
    name = sweep.spec.architecture
    beside = sweep.file.parent / name
    if name.endswith((".yaml", ".yml")) and exists(beside):
        return beside
    return resolve("arch_configs", name, "architecture")


def network_file(sweep: SweepPlan, name: str) -> str:
    """Return the name of a network, or its file, taken from the folder of the sweep first."""
    beside = sweep.file.parent / name
    return str(real(beside)) if Path(name).suffix and exists(beside) else name


def _check_units(sweep: SweepPlan, technology: Technology) -> None:
    """Raise UsageError where points are chosen by a result that those of the base technology do not have."""
    if any("technology" in axis.names for axis in sweep.axes):
        return  # points without the result are not chosen
    spec = sweep.spec
    steering = [stage.by for stage in sweep.stages[1:]]
    steering += spec.objectives if spec.mode is SweepMode.SEARCH else []
    unit = technology.energy_unit
    missing = JOULES if unit is EnergyUnit.MAC else MACS
    for field in (goal_of(text).field for text in steering):
        if field in missing:
            other = MACS if unit is EnergyUnit.MAC else JOULES
            raise UsageError(
                f"points are chosen by {field}, which results of {technology.name} do not have; they have"
                f" {', '.join(other)}"
            )


class SweepPlanner:
    """Makes tasks of points: reads each network once.

    Raises InvalidFile for a base architecture or a network that is not valid, and UsageError for one that is unknown
    and for a search, or a choice between stages, by energies in another unit than the technology's: none of them is the
    fault of a point.
    """

    def __init__(self, sweep: SweepPlan) -> None:
        self._sweep = sweep
        spec = sweep.spec
        self._base = base_file(sweep)
        self._machines = MachineFile(self._base)
        self._made: Recent[tuple[Architecture, Technology]] = Recent(MADE)
        _check_units(sweep, self._machines.machine()[1])
        for name in spec.workloads or [value for axis in sweep.axes for value in axis.named("workload")]:
            load_network(network_file(self._sweep, name))
        self._base_text = self._base.read_text(encoding="utf-8")
        self._networks: dict[tuple[object, ...], tuple[dict[str, tuple[Layer, int]], int]] = {}
        self._names = tuple(dict.fromkeys(name for constraint in sweep.constraints for name in constraint.names))

    def legal(self, point: SweepPoint) -> bool:
        """Whether a point can be run: its machine and its networks are valid and it breaks no constraint."""
        networks, run = self._run_of(point, self._sweep.stages[0])
        try:
            for name in networks:
                self._layers(name, choices_of(point.named), run.batch)
            return bool(networks) and self._allowed(*self._machine(point))
        except Exception:  # whatever is wrong with the point
            return False

    def plan(self, point: SweepPoint, stage: Stage) -> Iterator[Planned]:
        """Yield the tasks of a point, none where it breaks a constraint.  What is wrong with it is an error of them."""
        values = point.named
        networks, run = self._run_of(point, stage)
        try:
            machine = self._machine(point)
            if not self._allowed(*machine):
                return
            text = digest(machine_text(*machine, run))
        except Exception as error:  # of this point alone, whatever it is
            yield from self._unfit(point, stage, networks, run, reason(error))
            return
        for name in networks:
            try:
                texts, inferences = self._layers(name, choices_of(values), run.batch)
            except Exception as error:
                yield from self._unfit(point, stage, [name], run, reason(error))
                continue
            layers = {digest(text, layer): counted for layer, counted in texts.items()}
            key = digest(text, name, str(run.batch), *(f"{k} {count}" for k, (_, count) in layers.items()))
            entry = self._entry(key, point, name, stage, run, machine[0])
            yield Planned(point, entry, machine, run, layers, inferences=inferences)

    def _run_of(self, point: SweepPoint, stage: Stage) -> tuple[list[str], Options]:
        """The networks of a point, and how they are run."""
        values, spec = point.named, self._sweep.spec
        networks = [values["workload"]] if "workload" in values else list(spec.workloads)
        run = Options(
            Objective(values.get("objective", spec.objective)),
            int(values.get("batch", spec.batch)),
            seed=spec.seed,
            fidelity=stage.fidelity,
        )
        return networks, run

    def _machine(self, point: SweepPoint) -> tuple[Architecture, Technology]:
        """The machine of a point, made once though it is asked for twice: whether it is legal, and to run it."""
        overrides = tuple(_overrides(point))
        machine = self._made.get(overrides)
        if machine is None:
            machine = self._machines.machine(overrides)
            self._made.put(overrides, machine, 1)
        return machine

    def _unfit(
        self, point: SweepPoint, stage: Stage, networks: Sequence[str], run: Options, error: str
    ) -> Iterator[Planned]:
        """The results of a point that is refused: failed, with the reason."""
        for name in networks:
            key = digest(program(), self._base_text, repr(point.values), name, repr(run))
            entry = self._entry(key, point, name, stage, run, None)
            yield Planned(point, entry, None, run, {}, error)

    def _entry(
        self, key: str, point: SweepPoint, name: str, stage: Stage, run: Options, architecture: Architecture | None
    ) -> StoreEntry:
        values = point.named
        task = {
            "architecture": self._sweep.spec.architecture,
            "file": str(real(self._base)),
            "base": digest(self._base_text),
            "overrides": [list(pair) for pair in _overrides(point)],
            "workload": network_file(self._sweep, name),
            **{name: values.get(name) for name in ("width", "resolution", "densities", "prune")},
            "fidelity": run.fidelity,
            "objective": run.objective,
            "batch": run.batch,
            "seed": run.seed,
        }
        shown = architecture.name if architecture is not None else self._sweep.spec.architecture
        axes = {column_of(name): stored(name, value) for name, value in point.values}
        return StoreEntry(key, name, shown, stage.fidelity, run.objective, run.batch, run.seed, axes, task)

    def _allowed(self, architecture: Architecture, technology: Technology) -> bool:
        if not self._sweep.constraints:
            return True
        values = values_of(self._names, architecture, technology)
        return all(constraint.holds(values) for constraint in self._sweep.constraints)

    def _layers(self, name: str, choices: Choices, batch: int) -> tuple[dict[str, tuple[Layer, int]], int]:
        """The layers of a network for a batch, by their text, how often it has each, and of how many inferences."""
        file = network_file(self._sweep, name)
        key = (file, choices.width, choices.resolution, choices.densities, choices.prune, batch)
        if key not in self._networks:
            out: dict[str, tuple[Layer, int]] = {}
            whole = load_network(file, choices).with_batch(batch)
            for layer in whole.layers:
                text = layer_text(layer)
                first, count = out.get(text, (layer, 0))
                out[text] = (first, count + 1)
            self._networks[key] = out, whole.batch
        return self._networks[key]


def _overrides(point: SweepPoint) -> list[tuple[str, str]]:
    """The values of a point that are those of its machine."""
    return [(path, value) for path, value in point.values if path not in CHOICES]
