"""The Python interface: load what is computed and on what, map a layer, simulate a network, compare machines."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.baseline.device import Device
from accelerator_sim.baseline.measured_device import MeasuredDevice, load_baseline
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
from accelerator_sim.figure.canvas import Drawing
from accelerator_sim.figure.figure_kinds import draw
from accelerator_sim.files.errors import (
    AcceleratorSimError,
    AcceleratorSimWarning,
    CheckFailed,
    InvalidFile,
    NothingRan,
    UsageError,
)
from accelerator_sim.files.paths import exists
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
from accelerator_sim.mapping.search import Found, Unmappable, find_mapping
from accelerator_sim.python.call_progress import ProgressFunction, progress_of
from accelerator_sim.python.view import PythonView
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.shown import show_with
from accelerator_sim.results.tabular import Row
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options, options_of
from accelerator_sim.run.workers import pool_of
from accelerator_sim.sweeps.database import StoreError
from accelerator_sim.sweeps.opened import Sweep
from accelerator_sim.sweeps.spec import SweepPlan, load_sweep, sweep_of
from accelerator_sim.sweeps.store import Store
from accelerator_sim.sweeps.sweep_run import SweepState, about, sweep_name
from accelerator_sim.sweeps.sweep_run import run_sweep as run_points
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.technology.technology import Technology, load_technology
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.formats.readers import is_foreign
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network, WorkNotCounted
from accelerator_sim.workload.network_loader import from_torch, load_network
from accelerator_sim.workload.phases import dense_phases

__all__ = [
    "AcceleratorSimError",
    "AcceleratorSimWarning",
    "CheckFailed",
    "Choices",
    "Constraints",
    "InvalidFile",
    "NothingRan",
    "Options",
    "StoreError",
    "Sweep",
    "Unmappable",
    "UsageError",
    "WorkNotCounted",
    "compare",
    "compare_dataflows",
    "compare_networks",
    "draw_architecture",
    "explain",
    "from_torch",
    "load_architecture",
    "load_baseline",
    "load_network",
    "map_layer",
    "run_sweep",
    "simulate",
    "sweep",
    "year",
]

_REASONS = 5
"""Reasons of failures that a warning lists."""

show_with(PythonView())

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
    progress: bool | ProgressFunction = True,
) -> NetworkResult:
    """Simulate a network, or the layers of it that match one of the globs `layers`.

    network, architecture: built-in names, files, or what the loaders return; objective: what mappings are chosen for,
    "energy", "latency", "edp" or "dram"; batch: inputs at a time; layers: one glob, or several; mappings: those that
    are given, by layer name, or a built-in mapping or mapping file; constraints: rules for the search of the others,
    in place of those of the file; jobs: worker processes; fidelity: "event" (exact times; the default), "cycle" (the
    same, clock by clock) or "analytical" (an estimate); verify: carry values clock by clock and compare all outputs
    with a reference, which implies "cycle"; seed, masks: how zeros are drawn from densities ("channels" or "uniform");
    refine: mappings of a layer that the event engine runs at most, 1 to 256; progress: True for a bar in notebooks and
    on terminals where it takes long, False for none, or a function that is called with the number of layers done,
    their total and the name of the next one.

    A layer that cannot be mapped has its error in the result: a warning says so, and `complete` is False.

    Raises UsageError for unknown names, words outside their set and numbers outside their range; InvalidFile for bad
    files; NothingRan where every layer failed; and CheckFailed where a result breaks a law.

    >>> import accelerator_sim
    >>> result = accelerator_sim.simulate("alexnet", "eyeriss_v2", layers="FC8")
    >>> f"{result.totals.macs:,} MACs, bound by {result.layer('FC8').outcome.timing.bound_by.label}"
    '4,096,000 MACs, bound by waiting for weights'
    """
    machine, technology = _machine(architecture)
    options = options_of(
        objective=objective, batch=batch, layers=layers, seed=seed, jobs=jobs, fidelity=fidelity, verify=verify,
        masks=masks, refine=refine,
    )  # fmt: skip
    shapes = _network(network)
    options = replace(options, plan=_plan(mappings, constraints, machine, shapes.with_batch(options.batch)))
    with progress_of(progress) as shown:
        result = simulate_network(shapes, machine, technology, options, shown)
    _sound([_on(result)])
    for note in (*_warnings(result, shapes), *filter(None, [options.plan.note])):
        warnings.warn(note, AcceleratorSimWarning, stacklevel=2)
    return result


def _warnings(result: NetworkResult, network: Network) -> Iterator[str]:
    """What a reader of the figures has to know, and could not expect."""
    if network.notes and network.file and exists(Path(network.file)) and is_foreign(Path(network.file)):
        yield f"{network.name}: {network.notes}"
    if result.energy_unit is EnergyUnit.MAC:
        yield f"{result.technology} is normalised: energies are multiples of one MAC, not joules"


def explain(
    network: Network | str | Path,
    architecture: Architecture | str | Path = "eyeriss_v2",
    *,
    layer: str | None = None,
    objective: Objective | ObjectiveWord = "latency",
    batch: int = 1,
    seed: int = 0,
    changes: bool = True,
    progress: bool | ProgressFunction = True,
) -> Explanation:
    """Explain why a network, or one layer of it, takes as long as it does on a machine.

    network, architecture, objective, batch, seed, progress: same as `simulate`; layer: the name of one layer, None for
    all; changes: also simulate single changes of the machine, which are values of its file, so that the architecture
    has to be given by name or as a file.

    The result's `layers` have the bounds of Eyexam, what the PEs did, and the reuse of each tensor; `measured` the
    changes, the most helpful first; `by_cause` groups the layers.

    Raises what `simulate` raises, and UsageError for changes of an architecture that has no file.

    >>> import accelerator_sim
    >>> why = accelerator_sim.explain("alexnet", layer="CONV3", changes=False)
    >>> why.explained[0].bounds.binding
    7
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

    with progress_of(progress) as shown:
        explanation = explain_network(shapes, machine, technology, options, vary, shown)
    _sound([_on(explanation.run)])
    if explanation.interrupted:
        raise KeyboardInterrupt
    return explanation


def compare(
    network: Network | str | Path,
    architectures: Architecture | str | Path | Sequence[Architecture | str | Path] = ("eyeriss_v2",),
    baselines: Device | MeasuredDevice | str | Path | Sequence[Device | MeasuredDevice | str | Path] = (),
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
    progress: bool | ProgressFunction = True,
) -> Comparison:
    """Compare the energy and latency of a network on accelerators and baselines, such as mobile GPUs.

    network, batch, layers, objective, fidelity, seed, jobs, progress: same as `simulate`; architectures, baselines: one
    or several, built-in names, files, or what the loaders return; precision: number format of the baselines, "fp32",
    "fp16" or "int8", their own defaults if None; stack: software of the baselines, their own defaults if None;
    chip_boundary: what the energy of an accelerator includes, "chip" or "chip+dram"; board_boundary: what that of a
    baseline includes, "board" or "net" (above idle).

    The result's `entries` have each machine under its conditions, `matrix` every ratio that there are data for; it has
    `to_dict`, `to_csv` and `to_pandas`.  Raises what `simulate` raises, and UsageError for what a baseline has no data
    for.

    >>> import accelerator_sim
    >>> beside = accelerator_sim.compare("mobilenet_v1_0.5_128", "eyeriss_v2", "jetson_tx2_maxq", fidelity="analytical")
    >>> [entry.name for entry in beside.entries][::len(beside.entries) - 1]
    ['eyeriss_v2', 'jetson_tx2_maxq']
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
        each if isinstance(each, Device | MeasuredDevice) else load_baseline(place(each, "baseline"))
        for each in sequence(baselines, "baselines")
    ]
    with progress_of(progress) as shown:
        comparison = compare_machines(_network(network), machines, devices, question, shown)
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
    progress: bool | ProgressFunction = True,
) -> NetworkComparison:
    """Compare networks on chip in the same machine, each with its own best mappings.

    networks: of "mesh" (that of the architecture), "bus", "unicast", "broadcast", "all_to_all" and "torus" (default:
    all of them); architecture: one with a hierarchical mesh; network, batch, layers, objective, fidelity, seed, jobs,
    progress: same as `simulate`.

    The result's `runs` have each network's size and costs; it has `rows`, `to_dict`, `to_csv` and `to_pandas`.

    Raises what `simulate` raises, and UsageError for an architecture without a mesh.

    >>> import accelerator_sim
    >>> ways = accelerator_sim.compare_networks("alexnet", ("mesh", "unicast"), layers="CONV5", fidelity="analytical")
    >>> mesh, unicast = (run.result.totals.cycles for run in ways.runs)
    >>> mesh < unicast
    True
    """
    options = options_of(objective=objective, batch=batch, layers=layers, seed=seed, jobs=jobs, fidelity=fidelity)
    machine, technology = _machine(architecture)
    with progress_of(progress) as shown:
        comparison = run_networks(_network(network), machine, technology, networks, options, shown)
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
    progress: bool | ProgressFunction = True,
) -> DataflowComparison:
    """Compare dataflows on one machine: each layer by the best loop nest of each, all in one energy account.

    dataflows: of "rs", "ws", "os", "os_a", "os_b", "os_c", "is" and "nlr", ratios being over the first; equal_area:
    give each the storage that it needs on the machine's area; network, architecture, objective, batch, layers,
    jobs, progress: same as `simulate`.

    The result has `to_dict`, `to_csv` and `to_pandas`.  Its cycles are estimates.  A layer that a dataflow cannot run
    has its error in the result, and a warning says so.  Raises what `simulate` raises.

    >>> import accelerator_sim
    >>> flows = accelerator_sim.compare_dataflows("alexnet", ("rs", "nlr"), layers="CONV3")
    >>> rs, nlr = (result.energy.total for result in flows.results)
    >>> rs < nlr
    True
    """
    options = options_of(objective=objective, batch=batch, layers=layers, jobs=jobs)
    flows = dataflows_of(dataflows)
    equal = flag(equal_area, "equal_area")
    with progress_of(progress) as shown:
        comparison = compare_flows(_network(network), _machine(architecture), flows, options, equal, shown)
    if comparison.interrupted:
        raise KeyboardInterrupt
    _sound((f"{comparison.workload} as {result.flow.name}", result.layers) for result in comparison.results)
    return comparison


def run_sweep(
    spec: str | Path, store: str | Path, *, jobs: int = 1, progress: bool | ProgressFunction = True
) -> list[Row]:
    """Run the points of a sweep that are missing from its store; return all its results, a row per point and network.

    spec: the YAML file of the sweep; store: the SQLite file of the results, made where there is none; jobs, progress:
    same as `simulate`.

    A row has stage, point, workload, the axes by name (numbers in SI units, with their unit in the name, as
    dram.bandwidth_bytes_per_s), status ("ok" or "failed"), complete (1, or 0 where layers failed), error, and the
    figures of the network (None where it is not complete).  `Sweep.open(store)` has its front and its best points.

    Raises and warns as `sweep`.

    >>> import accelerator_sim, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> text = "{architecture: eyeriss_v2, workloads: [alexnet], fidelity: analytical, axes: {clock: [1 GHz, 2 GHz]}}"
    >>> _ = (folder / "clocks.yaml").write_text(text)
    >>> [row["clock_hz"] for row in accelerator_sim.run_sweep(folder / "clocks.yaml", folder / "clocks.sqlite")]
    [1000000000.0, 2000000000.0]
    """
    plan = load_sweep(Path(place(spec, "spec")))
    return _swept(plan, Path(place(store, "store")), jobs, progress).rows()


def sweep(
    *,
    architecture: str | Path = "eyeriss_v2",
    workloads: str | Path | Iterable[str | Path] = (),
    axes: Mapping[str, object],
    store: str | Path = "sweep.sqlite",
    jobs: int = 1,
    retry: bool = False,
    progress: bool | ProgressFunction = True,
    **fields: object,
) -> Sweep:
    """Run a sweep that Python describes; what is in the store already is not run again.

    architecture: a built-in name or a file; workloads: networks, built-in names or files; axes: the values of each YAML
    path of the architecture (or of `workload`), a list or what stands in the file of a sweep, such as
    {"from": "64 KiB", "to": "1 MiB", "steps": 5}; store: the SQLite file of the results, made where there is none;
    retry: run failed points again; fields: any other field of the file of a sweep, as fidelity, mode, samples,
    constraints, linked, stages, objectives; jobs, progress: same as `simulate`.

    The same sweep from a file gives the same store.  A call that is interrupted, or killed, resumes when it is
    repeated.  Warns where results failed, and where a random mode found fewer points than samples.

    Raises InvalidFile for what no file of a sweep may have, UsageError for unknown names, StoreError for a store that
    cannot be used, NothingRan where no result was found at all, and KeyboardInterrupt when it is interrupted; what was
    finished is in the store.

    >>> import accelerator_sim, pathlib, tempfile
    >>> store = pathlib.Path(tempfile.mkdtemp()) / "clocks.sqlite"
    >>> swept = accelerator_sim.sweep(
    ...     workloads="alexnet", axes={"clock": ["100 MHz", "200 MHz"]}, fidelity="analytical", store=store
    ... )
    >>> len(swept.rows()), swept.best("latency", 1)[0]["clock_hz"]
    (2, 200000000.0)
    """
    if not isinstance(axes, Mapping):
        raise UsageError(f"axes is {axes!r}; values by YAML path of the architecture are required")
    names = [str(place(each, "workload")) for each in sequence(workloads, "workloads")]
    document = {"architecture": str(place(architecture, "architecture")), "workloads": names, "axes": _plain(axes)}
    plan = sweep_of(document | {name: _plain(value) for name, value in fields.items()})
    return _swept(plan, Path(place(store, "store")), jobs, progress, flag(retry, "retry"))


def _plain(value: object) -> object:
    """What a file could hold: tuples, ranges and numpy's numbers as lists and numbers."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return value.item() if isinstance(value, np.generic) else value
    return [_plain(each) for each in value]


def _swept(plan: SweepPlan, store: Path, jobs: int, progress: object, retry: bool = False) -> Sweep:
    """Run a sweep, warn of what failed, and return its results."""
    pool, bar = pool_of(JOBS.check(jobs)), progress_of(progress, "results")
    with Store(store) as opened, bar as shown:

        def show(state: SweepState) -> None:
            shown(state.done, state.results, f"stage {state.stage + 1}" if len(plan.stages) > 1 else "")

        summary = run_points(plan, opened, pool, show, retry)
        if summary.interrupted:
            raise KeyboardInterrupt
        rows = sum(1 for _ in opened.each(summary.name))
    reasons = "; ".join(f"{failure.results:,} results: {failure.error}" for failure in summary.failed[:_REASONS])
    if rows and summary.failures == rows:
        raise NothingRan(f"{plan.file}: no result of the sweep; {reasons}")
    for text in (summary.note, f"{summary.failures:,} of {rows:,} results failed; {reasons}" if reasons else ""):
        if text:
            warnings.warn(f"{plan.file}: {text}", AcceleratorSimWarning, stacklevel=3)
    return Sweep(store, sweep_name(plan), about(plan), plan, summary)


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

    >>> import accelerator_sim
    >>> accelerator_sim.year(0.001, inferences_per_day=1e6).energy_kwh.low
    0.10138888888888889
    """
    use = bill.Use(place(grid, "grid"), inferences_per_day, devices, price)
    return bill.year(energy_j, use, flag(in_data_centre, "in_data_centre"))


def draw_architecture(architecture: Architecture | str | Path = "eyeriss_v2") -> Drawing:
    """Return the picture of a machine, a `matplotlib.figure.Figure`, which notebooks show.

    architecture: a built-in name, a file, or what `load_architecture` returns.

    It shows the clusters with the networks between them, one cluster inside (GLB banks, routers, PEs, wires) and one
    PE inside (FIFOs, SPads, multipliers), all with the sizes of the file.

    Raises UsageError for an unknown name, InvalidFile for a bad file, and AcceleratorSimError where matplotlib is not
    installed.

    >>> import accelerator_sim
    >>> len(accelerator_sim.draw_architecture("eyeriss_v2").axes)
    3
    """
    machine = architecture if isinstance(architecture, Architecture) else _machine(architecture)[0]
    return draw(machine, "architecture", {})


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

    >>> import accelerator_sim
    >>> layer = accelerator_sim.load_network("alexnet").mac_layer("CONV3")
    >>> found = accelerator_sim.map_layer(layer, objective="energy")
    >>> found.mapping.pe_rows.as_dict()
    {'R': 3}
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
