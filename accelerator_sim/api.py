"""The Python interface: load what is computed and on what, map a layer, simulate a network, compare machines."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.architecture.model import Architecture
from accelerator_sim.baseline.device import Device, Precision, load_device
from accelerator_sim.dataflow.rules import dataflows_of
from accelerator_sim.eyexam.changes import Settings, Vary
from accelerator_sim.eyexam.explain import Explanation
from accelerator_sim.eyexam.explain import explain as explain_network
from accelerator_sim.files.errors import AcceleratorSimError, CheckFailed, UsageError
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.footprint import account
from accelerator_sim.mapping import mapping as nest
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.file import Plan
from accelerator_sim.mapping.search import Found, find_mapping
from accelerator_sim.study.compare import BoardBoundary, ChipBoundary, Question
from accelerator_sim.study.compare import compare as compare_machines
from accelerator_sim.study.comparison import Comparison
from accelerator_sim.study.dataflows import DataflowComparison
from accelerator_sim.study.dataflows import compare_dataflows as compare_flows
from accelerator_sim.study.machine import load_machine
from accelerator_sim.study.networks import NetworkComparison
from accelerator_sim.study.networks import compare_networks as run_networks
from accelerator_sim.study.result import NetworkResult
from accelerator_sim.study.run import Options, simulate_network
from accelerator_sim.study.tabular import Row
from accelerator_sim.study.workers import pool_of
from accelerator_sim.sweep.results import flat
from accelerator_sim.sweep.run import run_sweep as run_points
from accelerator_sim.sweep.spec import load_sweep
from accelerator_sim.sweep.store import Store
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import Technology, load_technology
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network, load_network

__all__ = [
    "Choices",
    "compare",
    "compare_dataflows",
    "compare_networks",
    "explain",
    "load_architecture",
    "load_baseline",
    "load_network",
    "map_layer",
    "run_sweep",
    "simulate",
    "year",
]

_REASONS = 5
"""Reasons of failures that a warning lists."""

load_baseline = load_device
"""Return a built-in baseline, or the one in a YAML file."""


def simulate(
    network: Network | str | Path,
    architecture: Architecture | str | Path = "eyeriss_v2",
    *,
    objective: str = "latency",
    batch: int = 1,
    layers: Sequence[str] = (),
    mappings: Mapping[str, nest.Mapping] | None = None,
    constraints: Constraints | None = None,
    jobs: int = 1,
    fidelity: str = "event",
    verify: bool = False,
    seed: int = 0,
    masks: Literal["channels", "uniform"] = "channels",
    refine: int | None = None,
) -> NetworkResult:
    """Simulate a network, or the layers of it that match one of the globs `layers`.

    network, architecture: built-in names, files, or what the loaders return; objective: "energy", "latency", "edp" or
    "dram", what mappings are chosen for; mappings: those that are given, by layer name; constraints: rules for the
    search of the others; jobs: worker processes, which need the caller's main module to be guarded by
    `if __name__ == "__main__"`; fidelity: "event" (exact times), "cycle" (the same, clock by clock) or "analytical" (an
    estimate); verify: with "cycle", carry values and compare the outputs with a reference; seed, masks: how zeros are
    drawn from densities ("channels" or "uniform"); refine: mappings of the search that the event engine compares.

    A layer that cannot be mapped has its error in the result.  Raises UsageError for unknown names, InvalidFile for bad
    files, and CheckFailed when a result breaks a law.
    """
    machine, technology = _machine(architecture)
    shapes = network if isinstance(network, Network) else load_network(str(network))
    options = Options(
        Objective(objective), batch, tuple(layers), Plan(dict(mappings or {}), constraints or Constraints()),
        seed, jobs, fidelity, verify, masks, refine,
    )  # fmt: skip
    return _sound(simulate_network(shapes, machine, technology, options))


def explain(
    network: Network | str | Path,
    architecture: Architecture | str | Path = "eyeriss_v2",
    *,
    layer: str | None = None,
    objective: str = "latency",
    batch: int = 1,
    seed: int = 0,
    changes: bool = True,
) -> Explanation:
    """Say why a network, or its layer of the name `layer`, takes as long as it does on a machine.

    objective, batch, seed: as of `simulate`; changes: simulate single changes of the machine too, which are values of
    its file, so that it has to be given by name or as a file.

    The result's `layers` have the bounds of Eyexam, what the PEs did, and the reuse of each tensor; `measured` the
    changes, the most helpful first; `by_cause` groups the layers.  Raises UsageError for unknown names and for changes
    of an architecture that has no file, InvalidFile for bad files, and CheckFailed when a result breaks a law.
    """
    shapes = network if isinstance(network, Network) else load_network(str(network))
    if layer is not None:
        shapes = replace(shapes, layers=(shapes.mac_layer(layer),))
    machine, technology = _machine(architecture)
    vary: Vary | None = None
    if changes:
        if isinstance(architecture, Architecture):
            raise UsageError("changes are values of a file: give the architecture by name or file, or changes=False")
        file = str(architecture)

        def vary(settings: Settings) -> Architecture:
            return load_architecture(file, settings)

    options = Options(Objective(objective), batch, seed=seed)
    found = explain_network(shapes, machine, technology, options, vary)
    _sound(found.run)
    return found


def compare(
    network: Network | str | Path,
    architectures: Sequence[Architecture | str | Path] = ("eyeriss_v2",),
    baselines: Sequence[Device | str | Path] = (),
    *,
    batch: int = 1,
    precision: Precision | None = None,
    stack: str | None = None,
    layers: Sequence[str] = (),
    chip_boundary: ChipBoundary = "chip+dram",
    board_boundary: BoardBoundary = "board",
    objective: str = "latency",
    fidelity: str = "event",
    seed: int = 0,
    jobs: int = 1,
) -> Comparison:
    """Compare the energy and latency of a network on accelerators and baselines, such as mobile GPUs.

    batch, layers, objective, fidelity, seed, jobs: as of `simulate`; precision, stack: number format ("fp32", "fp16",
    "int8") and software of the baselines, their own defaults if None; chip_boundary, board_boundary: what the energies
    are of.

    The result's `entries` have each machine under its conditions, `matrix` every ratio that there are data for; it has
    `to_dict`, `to_csv` and `to_pandas`.  Raises UsageError for unknown names and for what a baseline has no data for,
    InvalidFile for bad files, and CheckFailed when a result breaks a law.
    """
    shapes = network if isinstance(network, Network) else load_network(str(network))
    machines = [_machine(architecture) for architecture in architectures]
    devices = [device if isinstance(device, Device) else load_device(str(device)) for device in baselines]
    options = Options(Objective(objective), batch, tuple(layers), seed=seed, jobs=jobs, fidelity=fidelity)
    question = Question(options, precision, stack, chip_boundary, board_boundary)
    found = compare_machines(shapes, machines, devices, question)
    for run in found.runs:
        _sound(run)
    return found


def compare_networks(
    network: Network | str | Path,
    networks: Sequence[str] = ("mesh", "bus", "unicast", "broadcast"),
    architecture: Architecture | str | Path = "eyeriss_v2",
    *,
    batch: int = 1,
    layers: Sequence[str] = (),
    objective: str = "latency",
    fidelity: str = "event",
    seed: int = 0,
    jobs: int = 1,
) -> NetworkComparison:
    """Compare networks on chip of equal link count in the same machine, each with its own best mappings.

    networks: of "mesh" (that of the architecture), "bus", "unicast", "broadcast"; architecture: one with a hierarchical
    mesh; the rest as of `simulate`.  The result's `runs` have each network's size and costs; it has `rows`, `to_dict`,
    `to_csv` and `to_pandas`.

    Raises UsageError for unknown names and for an architecture without a mesh, InvalidFile for bad files, and
    CheckFailed when a result breaks a law.
    """
    machine, technology = _machine(architecture)
    shapes = network if isinstance(network, Network) else load_network(str(network))
    options = Options(Objective(objective), batch, tuple(layers), seed=seed, jobs=jobs, fidelity=fidelity)
    found = run_networks(shapes, machine, technology, networks, options)
    for run in found.runs:
        _sound(run.result)
    return found


def compare_dataflows(
    network: Network | str | Path,
    dataflows: Sequence[str] = ("rs", "ws", "os", "is", "nlr"),
    architecture: Architecture | str | Path = "eyeriss_v2",
    *,
    objective: str = "energy",
    batch: int = 1,
    layers: Sequence[str] = (),
    equal_area: bool = False,
    jobs: int = 1,
) -> DataflowComparison:
    """Compare dataflows on one machine: each layer by the best loop nest of each, all in one energy account.

    dataflows: of "rs", "ws", "os", "os_a", "os_b", "os_c", "is" and "nlr", ratios being over the first; equal_area:
    give each the storage that it needs on the area of the machine's; the rest as of `simulate`.

    The result has `to_dict`, `to_csv` and `to_pandas`.  A layer that a dataflow cannot run has its error in the result.
    Raises UsageError for unknown names, InvalidFile for bad files, and CheckFailed when a result breaks a law.
    """
    shapes = network if isinstance(network, Network) else load_network(str(network))
    found = compare_flows(
        shapes, _machine(architecture), dataflows_of(",".join(dataflows)), Objective(objective), batch, layers,
        equal_area, jobs,
    )  # fmt: skip
    broken = [row.error for result in found.results for row in result.failed if row.law_broken and row.error]
    if broken:
        raise CheckFailed("\n".join(broken))
    return found


def run_sweep(spec: str | Path, store: str | Path, *, jobs: int = 1) -> list[Row]:
    """Run what is missing from a store of the sweep in a YAML file; return its results, a row per point and network.

    A row has stage, point, workload, the axes by name (numbers in SI units, with their unit in the name, as
    dram.bandwidth_bytes_per_s), status ("ok" or "failed"), complete (1, or 0 where layers failed), error, and the
    figures of the network (None where it is not complete).  jobs: worker processes.  `accelerator_sim.sweep.results`
    has `front_of` and `best` for what the store holds.

    Warns where results failed, and where a random mode found fewer points than samples.  Raises InvalidFile for a bad
    file, UsageError for unknown names, StoreError for a store that cannot be used, AcceleratorSimError where no result
    was found at all, and KeyboardInterrupt when it is interrupted; what was finished is in the store.
    """
    with Store(Path(store)) as opened:
        summary = run_points(load_sweep(Path(spec)), opened, pool_of(jobs))
        if summary.interrupted:
            raise KeyboardInterrupt
        rows = [flat(row) for row in opened.each(summary.name)]
    reasons = "; ".join(f"{failure.results:,} results: {failure.error}" for failure in summary.failed[:_REASONS])
    if rows and summary.failures == len(rows):
        raise AcceleratorSimError(f"{spec}: no result of the sweep; {reasons}")
    for text in (summary.note, f"{summary.failures:,} of {len(rows):,} results failed; {reasons}" if reasons else ""):
        if text:
            warnings.warn(f"{spec}: {text}", stacklevel=2)
    return rows


def year(
    energy_j: float,
    grid: str = "world",
    inferences_per_day: float = 1000.0,
    devices: int = 1,
    price: float | None = None,
    in_data_centre: bool = False,
) -> account.Year:
    """Return energy, carbon and cost of a year of inferences that take `energy_j` joules each.

    price: US dollars per kWh, that of the grid (if known) for None; in_data_centre: with its PUE, as a range.  Raises
    UsageError for an unknown grid.
    """
    return account.year(energy_j, account.Use(grid, inferences_per_day, devices, price), in_data_centre)


def map_layer(
    layer: Layer,
    architecture: Architecture | str | Path = "eyeriss_v2",
    objective: str = "latency",
    constraints: Constraints | None = None,
) -> Found:
    """Find the best mapping of a layer.  Raises Unmappable, naming the limit, where nothing fits."""
    machine, technology = _machine(architecture)
    return find_mapping(layer, machine, resolve_actions(technology, machine), Objective(objective), constraints)


def _sound(result: NetworkResult) -> NetworkResult:
    """Return a result.  Raises KeyboardInterrupt where it was interrupted, CheckFailed where it breaks a law."""
    if result.interrupted:
        raise KeyboardInterrupt
    broken = [layer.error for layer in result.layers if layer.law_broken and layer.error]
    if broken:
        raise CheckFailed("\n".join(broken))
    return result


def _machine(architecture: Architecture | str | Path) -> tuple[Architecture, Technology]:
    if isinstance(architecture, Architecture):
        return architecture, load_technology(architecture.technology)
    return load_machine(str(architecture))
