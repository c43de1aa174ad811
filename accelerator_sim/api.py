"""The Python interface: load what is computed and on what, map a layer, simulate a network, compare machines."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.baseline.device import Device, load_device
from accelerator_sim.comparison.compare_machines import Question
from accelerator_sim.comparison.compare_machines import compare as compare_machines
from accelerator_sim.comparison.dataflow_comparison import DataflowComparison
from accelerator_sim.comparison.dataflow_comparison import compare_dataflows as compare_flows
from accelerator_sim.comparison.machine_comparison import Comparison
from accelerator_sim.comparison.noc_comparison import NetworkComparison
from accelerator_sim.comparison.noc_comparison import compare_networks as run_networks
from accelerator_sim.dataflow.rules import dataflows_of
from accelerator_sim.eyexam.changes import Settings, Vary
from accelerator_sim.eyexam.explain import explain as explain_network
from accelerator_sim.eyexam.explanation import Explanation
from accelerator_sim.files.errors import (
    AcceleratorSimError,
    AcceleratorSimWarning,
    CheckFailed,
    InvalidFile,
    NothingRan,
    UsageError,
)
from accelerator_sim.files.vocabulary import (
    JOBS,
    NOC_WORDS,
    BoardBoundary,
    BoardBoundaryWord,
    ChipBoundary,
    ChipBoundaryWord,
    DataflowWord,
    Fidelity,
    FidelityWord,
    Masks,
    MasksWord,
    NocWord,
    NumberFormat,
    NumberFormatWord,
    Objective,
    ObjectiveWord,
    flag,
    place,
    sequence,
    word,
)
from accelerator_sim.footprint import bill
from accelerator_sim.mapping import mapping as nest
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.file import MappingPlan, load_plan, mapping_file
from accelerator_sim.mapping.search import Found, find_mapping
from accelerator_sim.report.python_view import PythonView
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.shown import show_with
from accelerator_sim.results.tabular import Row
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import options_of
from accelerator_sim.run.workers import pool_of
from accelerator_sim.sweep.records import flat
from accelerator_sim.sweep.spec import load_sweep
from accelerator_sim.sweep.store import Store
from accelerator_sim.sweep.sweep_run import run_sweep as run_points
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.technology.technology import Technology, load_technology
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import from_torch, load_network
from accelerator_sim.workload.phases import dense_phases

__all__ = [
    "AcceleratorSimError",
    "AcceleratorSimWarning",
    "CheckFailed",
    "Choices",
    "InvalidFile",
    "NothingRan",
    "UsageError",
    "compare",
    "compare_dataflows",
    "compare_networks",
    "explain",
    "from_torch",
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

show_with(PythonView())

load_baseline = load_device
"""Return a built-in baseline, or the one in a YAML file."""

SHOWN = 3
"""Reasons for which layers failed that a message names: they are mostly the same."""


def simulate(
    network: Network | str | Path,
    architecture: Architecture | str | Path = "eyeriss_v2",
    *,
    objective: Objective | ObjectiveWord = "latency",
    batch: int = 1,
    layers: str | Iterable[str] = (),
    mappings: Mapping[str, nest.Mapping] | str | Path | None = None,
    constraints: Constraints | None = None,
    jobs: int = 1,
    fidelity: Fidelity | FidelityWord | None = None,
    verify: bool = False,
    seed: int = 0,
    masks: Masks | MasksWord = "channels",
    refine: int | None = None,
) -> NetworkResult:
    """Simulate a network, or the layers of it that match one of the globs `layers`.

    network, architecture: built-in names, files, or what the loaders return; objective: what mappings are chosen for,
    "energy", "latency", "edp" or "dram"; batch: inputs at a time; layers: one glob, or several; mappings: those that
    are given, by layer name, or a built-in mapping or mapping file; constraints: rules for the search of the others,
    in place of those of the file; jobs: worker processes; fidelity: "event" (exact times; the default), "cycle" (the
    same, clock by clock) or "analytical" (an estimate); verify: carry values clock by clock and compare all outputs
    with a reference, which implies "cycle"; seed, masks: how zeros are drawn from densities ("channels" or "uniform");
    refine: mappings of a layer that the event engine runs at most, 1 to 256.

    A layer that cannot be mapped has its error in the result: a warning says so, and `complete` is False.

    Raises UsageError for unknown names, words outside their set and numbers outside their range; InvalidFile for bad
    files; NothingRan where every layer failed; and CheckFailed where a result breaks a law.
    """
    machine, technology = _machine(architecture)
    options = options_of(
        objective=objective, batch=batch, layers=layers, seed=seed, jobs=jobs, fidelity=fidelity, verify=verify,
        masks=masks, refine=refine,
    )  # fmt: skip
    shapes = _network(network)
    options = replace(options, plan=_plan(mappings, constraints, machine, shapes.with_batch(options.batch)))
    result = simulate_network(shapes, machine, technology, options)
    _sound([_on(result)])
    return result


def explain(
    network: Network | str | Path,
    architecture: Architecture | str | Path = "eyeriss_v2",
    *,
    layer: str | None = None,
    objective: Objective | ObjectiveWord = "latency",
    batch: int = 1,
    seed: int = 0,
    changes: bool = True,
) -> Explanation:
    """Explain why a network, or one layer of it, takes as long as it does on a machine.

    network, architecture, objective, batch, seed: same as `simulate`; layer: the name of one layer, None for all;
    changes: also simulate single changes of the machine, which are values of its file, so that the architecture has to
    be given by name or as a file.

    The result's `layers` have the bounds of Eyexam, what the PEs did, and the reuse of each tensor; `measured` the
    changes, the most helpful first; `by_cause` groups the layers.

    Raises what `simulate` raises, and UsageError for changes of an architecture that has no file.
    """
    options = options_of(objective=objective, batch=batch, seed=seed)
    shapes = _network(network)
    if layer is not None:
        shapes = replace(shapes, layers=(shapes.mac_layer(place(layer, "layer")),))
    machine, technology = _machine(architecture)
    vary: Vary | None = None
    if flag(changes, "changes"):
        if isinstance(architecture, Architecture):
            raise UsageError("changes are values of a file: give the architecture by name or file, or changes=False")
        file = str(architecture)

        def vary(settings: Settings) -> Architecture:
            return load_architecture(file, settings)

    explanation = explain_network(shapes, machine, technology, options, vary)
    _sound([_on(explanation.run)])
    if explanation.interrupted:
        raise KeyboardInterrupt
    return explanation


def compare(
    network: Network | str | Path,
    architectures: Architecture | str | Path | Sequence[Architecture | str | Path] = ("eyeriss_v2",),
    baselines: Device | str | Path | Sequence[Device | str | Path] = (),
    *,
    batch: int = 1,
    precision: NumberFormat | NumberFormatWord | None = None,
    stack: str | None = None,
    layers: str | Iterable[str] = (),
    chip_boundary: ChipBoundary | ChipBoundaryWord = "chip+dram",
    board_boundary: BoardBoundary | BoardBoundaryWord = "board",
    objective: Objective | ObjectiveWord = "latency",
    fidelity: Fidelity | FidelityWord | None = None,
    seed: int = 0,
    jobs: int = 1,
) -> Comparison:
    """Compare the energy and latency of a network on accelerators and baselines, such as mobile GPUs.

    network, batch, layers, objective, fidelity, seed, jobs: same as `simulate`; architectures, baselines: one or
    several, built-in names, files, or what the loaders return; precision: number format of the baselines, "fp32",
    "fp16" or "int8", their own defaults if None; stack: software of the baselines, their own defaults if None;
    chip_boundary: what the energy of an accelerator includes, "chip" or "chip+dram"; board_boundary: what that of a
    baseline includes, "board" or "net" (above idle).

    The result's `entries` have each machine under its conditions, `matrix` every ratio that there are data for; it has
    `to_dict`, `to_csv` and `to_pandas`.  Raises what `simulate` raises, and UsageError for what a baseline has no data
    for.
    """
    options = options_of(objective=objective, batch=batch, layers=layers, seed=seed, jobs=jobs, fidelity=fidelity)
    question = Question(
        options,
        None if precision is None else word(NumberFormat, precision, "precision"),
        None if stack is None else place(stack, "stack"),
        word(ChipBoundary, chip_boundary, "chip_boundary"),
        word(BoardBoundary, board_boundary, "board_boundary"),
    )
    machines = [_machine(each) for each in sequence(architectures, "architectures")]
    devices = [
        each if isinstance(each, Device) else load_device(place(each, "baseline"))
        for each in sequence(baselines, "baselines")
    ]
    comparison = compare_machines(_network(network), machines, devices, question)
    _sound(map(_on, comparison.runs))
    return comparison


def compare_networks(
    network: Network | str | Path,
    networks: NocWord | Iterable[NocWord] = NOC_WORDS,
    architecture: Architecture | str | Path = "eyeriss_v2",
    *,
    batch: int = 1,
    layers: str | Iterable[str] = (),
    objective: Objective | ObjectiveWord = "latency",
    fidelity: Fidelity | FidelityWord | None = None,
    seed: int = 0,
    jobs: int = 1,
) -> NetworkComparison:
    """Compare networks on chip in the same machine, each with its own best mappings.

    networks: of "mesh" (that of the architecture), "bus", "unicast", "broadcast", "all_to_all" and "torus" (default:
    all of them); architecture: one with a hierarchical mesh; network, batch, layers, objective, fidelity, seed, jobs:
    same as `simulate`.

    The result's `runs` have each network's size and costs; it has `rows`, `to_dict`, `to_csv` and `to_pandas`.

    Raises what `simulate` raises, and UsageError for an architecture without a mesh.
    """
    options = options_of(objective=objective, batch=batch, layers=layers, seed=seed, jobs=jobs, fidelity=fidelity)
    machine, technology = _machine(architecture)
    comparison = run_networks(_network(network), machine, technology, networks, options)
    _sound(_on(run.result) for run in comparison.runs)
    return comparison


def compare_dataflows(
    network: Network | str | Path,
    dataflows: DataflowWord | Iterable[DataflowWord] = ("rs", "ws", "os", "is", "nlr"),
    architecture: Architecture | str | Path = "eyeriss_v2",
    *,
    objective: Objective | ObjectiveWord = "energy",
    batch: int = 1,
    layers: str | Iterable[str] = (),
    equal_area: bool = False,
    jobs: int = 1,
) -> DataflowComparison:
    """Compare dataflows on one machine: each layer by the best loop nest of each, all in one energy account.

    dataflows: of "rs", "ws", "os", "os_a", "os_b", "os_c", "is" and "nlr", ratios being over the first; equal_area:
    give each the storage that it needs on the machine's area; network, architecture, objective, batch, layers,
    jobs: same as `simulate`.

    The result has `to_dict`, `to_csv` and `to_pandas`.  Its cycles are estimates.  A layer that a dataflow cannot run
    has its error in the result, and a warning says so.  Raises what `simulate` raises.
    """
    options = options_of(objective=objective, batch=batch, layers=layers, jobs=jobs)
    flows = dataflows_of(dataflows)
    comparison = compare_flows(
        _network(network), _machine(architecture), flows, options, flag(equal_area, "equal_area")
    )
    if comparison.interrupted:
        raise KeyboardInterrupt
    _sound((f"{comparison.workload} as {result.flow.name}", result.layers) for result in comparison.results)
    return comparison


def run_sweep(spec: str | Path, store: str | Path, *, jobs: int = 1) -> list[Row]:
    """Run the points of a sweep that are missing from its store; return all its results, a row per point and network.

    spec: the YAML file of the sweep; store: the SQLite file of the results, made where there is none; jobs: worker
    processes.

    A row has stage, point, workload, the axes by name (numbers in SI units, with their unit in the name, as
    dram.bandwidth_bytes_per_s), status ("ok" or "failed"), complete (1, or 0 where layers failed), error, and the
    figures of the network (None where it is not complete).  `accelerator_sim.sweep.records` has `front_of` and `best`
    for what the store holds.

    Warns where results failed, and where a random mode found fewer points than samples.  Raises InvalidFile for a bad
    file, UsageError for unknown names, StoreError for a store that cannot be used, NothingRan where no result
    was found at all, and KeyboardInterrupt when it is interrupted; what was finished is in the store.
    """
    pool, sweep = pool_of(JOBS.check(jobs)), load_sweep(Path(place(spec, "spec")))
    with Store(Path(place(store, "store"))) as opened:
        summary = run_points(sweep, opened, pool)
        if summary.interrupted:
            raise KeyboardInterrupt
        rows = [flat(row) for row in opened.each(summary.name)]
    reasons = "; ".join(f"{failure.results:,} results: {failure.error}" for failure in summary.failed[:_REASONS])
    if rows and summary.failures == len(rows):
        raise NothingRan(f"{spec}: no result of the sweep; {reasons}")
    for text in (summary.note, f"{summary.failures:,} of {len(rows):,} results failed; {reasons}" if reasons else ""):
        if text:
            warnings.warn(f"{spec}: {text}", AcceleratorSimWarning, stacklevel=2)
    return rows


def year(
    energy_j: float,
    grid: str = "world",
    inferences_per_day: float = 1000.0,
    devices: int = 1,
    price: float | None = None,
    in_data_centre: bool = False,
) -> bill.Year:
    """Return energy, carbon and cost of a year of inferences that take `energy_j` joules each.

    energy_j: joules of one inference; grid: name of an electricity grid; inferences_per_day: inferences of each device;
    devices: number of devices; price: US dollars per kWh, that of the grid (if known) for None; in_data_centre: count
    the overhead of a data centre (PUE) too, as a range.

    Raises UsageError for an unknown grid, and for numbers that are negative or not finite.
    """
    use = bill.Use(place(grid, "grid"), inferences_per_day, devices, price)
    return bill.year(energy_j, use, flag(in_data_centre, "in_data_centre"))


def map_layer(
    layer: Layer,
    architecture: Architecture | str | Path = "eyeriss_v2",
    objective: Objective | ObjectiveWord = "latency",
    constraints: Constraints | None = None,
) -> Found:
    """Find the best mapping of a layer by the bottleneck estimate, whose cycles `Found` has.

    layer: a layer with multiply-accumulates, of one dense phase; architecture, objective, constraints: same as
    `simulate`, which also runs the best mappings by the event engine.

    Raises Unmappable, naming the limit, where nothing fits, and UsageError for unknown names and words, and for a
    dilated or transposed layer of several phases.
    """
    if not isinstance(layer, Layer) or not layer.is_mac:
        shown = f"{layer.name} ({layer.op})" if isinstance(layer, Layer) else repr(layer)
        raise UsageError(f"layer is {shown}; a Layer with multiply-accumulates is required")
    phases = dense_phases(layer)
    if len(phases) > 1:
        raise UsageError(
            f"layer {layer.name} is {len(phases)} dense phases, each with a mapping of its own; map those that"
            " accelerator_sim.workload.phases.dense_phases gives"
        )
    machine, technology = _machine(architecture)
    goal = word(Objective, objective, "objective")
    return find_mapping(phases[0], machine, resolve_actions(technology, machine), goal, _rules(constraints))


class _LayerOutcome(Protocol):
    """What came of one layer, whatever ran it."""

    @property
    def layer(self) -> Layer: ...

    @property
    def error(self) -> str | None: ...

    @property
    def law_broken(self) -> bool: ...


def _sound(runs: Iterable[tuple[str, Sequence[_LayerOutcome]]]) -> None:
    """Look at all layers of one or several runs, each with its name; warn of those that failed.

    Raises CheckFailed where a law was broken, and NothingRan where no layer of any run has a result.
    """
    named = list(runs)
    failed = [(name, row) for name, rows in named for row in rows if row.error is not None]
    broken = [row.error for _, row in failed if row.law_broken and row.error]
    if broken:
        raise CheckFailed("\n".join(broken))
    if not failed:
        return
    reasons = "; ".join(dict.fromkeys(f"{row.error}" for _, row in failed[:SHOWN]))
    total = sum(len(rows) for _, rows in named)
    if len(failed) == total:
        raise NothingRan(f"no layer of {named[0][0]} ran: {reasons}")
    for name, rows in named:
        count = sum(row.error is not None for row in rows)
        if count:
            message = f"{name}: {count} of {len(rows)} layers failed; totals are partial: {reasons}"
            warnings.warn(message, AcceleratorSimWarning, stacklevel=3)


def _finished(result: NetworkResult) -> NetworkResult:
    """Return a result.  Raises KeyboardInterrupt where it was interrupted."""
    if result.interrupted:
        raise KeyboardInterrupt
    return result


def _on(result: NetworkResult) -> tuple[str, Sequence[LayerResult]]:
    return f"{result.workload} on {result.architecture.name}", _finished(result).layers


def _plan(mappings: object, constraints: object, architecture: Architecture, network: Network) -> MappingPlan:
    """What is given for the layers of a network, and the rules for the others."""
    rules = _rules(constraints)
    if isinstance(mappings, str | Path):
        plan = load_plan(mapping_file(str(mappings)), architecture, network)
        return plan if constraints is None else replace(plan, constraints=rules)
    return MappingPlan(_given(mappings), rules)


def _given(mappings: object) -> dict[str, nest.Mapping]:
    """Mappings by layer name.  Raises UsageError for anything else."""
    if mappings is None:
        return {}
    if not isinstance(mappings, Mapping) or not all(
        isinstance(name, str) and isinstance(each, nest.Mapping) for name, each in mappings.items()
    ):
        raise UsageError(
            f"mappings is {mappings!r}; mappings (accelerator_sim.mapping) by layer name, a built-in name or a file are"
            " required"
        )
    return dict(mappings)


def _rules(constraints: object) -> Constraints:
    """Rules of the search, none for None.  Raises UsageError for anything else."""
    if constraints is None:
        return Constraints()
    if not isinstance(constraints, Constraints):
        raise UsageError(f"constraints is {constraints!r}; a value of the type Constraints is required")
    return constraints


def _machine(architecture: object) -> tuple[Architecture, Technology]:
    if isinstance(architecture, Architecture):
        return architecture, load_technology(architecture.technology)
    return load_machine(place(architecture, "architecture"))


def _network(network: object) -> Network:
    return network if isinstance(network, Network) else load_network(place(network, "network"))
