"""Explaining a network: simulate it, examine each layer, and try changes of the machine."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.eyexam.bounds import examine
from accelerator_sim.eyexam.changes import Variation, Vary, variations
from accelerator_sim.eyexam.explanation import Explanation
from accelerator_sim.eyexam.findings import LayerExplanation, MeasuredChange
from accelerator_sim.eyexam.parallelism import parallelism
from accelerator_sim.eyexam.reuse import reuse
from accelerator_sim.eyexam.stalls import losses
from accelerator_sim.files.vocabulary import Fidelity, Objective
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.status import Status
from accelerator_sim.run.network_run import Progress, simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.run.run_memory import RunMemory
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.area import area_at
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.network import Network

AT_A_TIME = 4
"""Variations that are measured between two looks at the bounds; fixed, so that the result depends on nothing else."""


def explain(
    network: Network,
    architecture: Architecture,
    technology: Technology,
    options: Options | None = None,
    vary: Vary | None = None,
    on_progress: Progress | None = None,
) -> Explanation:
    """Simulate the layers of a network with the event engine and explain them, dilated and transposed ones by phase.

    vary: makes the machine with some values of its file replaced; None: try no changes.  Layers that fail are in the
    run, same as in `simulate_network`, whose errors are also raised.
    """
    chosen = replace(options or Options(), fidelity=Fidelity.EVENT, verify=False)
    memory = RunMemory()
    run = simulate_network(network, architecture, technology, chosen, on_progress, memory)
    explained = explain_run(run, on_progress)
    if vary is None or not explained.explained or run.interrupted:
        return explained

    def simulate(network: Network, architecture: Architecture) -> NetworkResult:
        options = replace(chosen, plan=replace(chosen.plan, mappings={}))
        return simulate_network(network, architecture, technology, options, memory=memory)

    return _with_changes(explained, network, simulate, chosen.objective, vary, on_progress)


def explain_run(run: NetworkResult, on_progress: Progress | None = None) -> Explanation:
    """Explain each layer of a run of the event or cycle engine; try no changes.

    Dilated and transposed layers are explained phase by phase.
    """
    run = run.by_phase
    schedules = run.schedules()
    known: dict[object, LayerExplanation] = {}
    explanations: list[LayerExplanation | None] = []
    for result in run.layers:
        if on_progress is not None:
            on_progress(len(explanations), len(run.layers), f"bounds of {result.layer.name}")
        if result.mapping is None or result.outcome is None:
            explanations.append(None)
            continue
        key = result.layer.unnamed, result.mapping
        if key not in known:
            known[key] = _explained(result, schedules[result.layer.name], run)
        explanations.append(replace(known[key], result=result))
    return Explanation(run, tuple(explanations))


def explained_for_page(run: NetworkResult) -> Explanation | None:
    """The bounds of the layers of a run; None for an estimate and for an interrupted run."""
    return None if run.estimate or run.interrupted else explain_run(run)


def _explained(result: LayerResult, schedule: Schedule, run: NetworkResult) -> LayerExplanation:
    architecture = run.architecture
    assert result.outcome is not None
    assert result.mapping is not None
    return LayerExplanation(
        result,
        examine(result.layer, result.mapping, result.outcome, architecture, run.constraints),
        losses(schedule, result.outcome, architecture),
        reuse(schedule),
        parallelism(schedule.loops, architecture.macs_per_cycle),
    )


def _with_changes(
    explained: Explanation,
    network: Network,
    run_on: Callable[[Network, Architecture], NetworkResult],
    objective: Objective,
    vary: Vary,
    on_progress: Progress | None,
) -> Explanation:
    """Measure the changes on the layers that ran; leave out those that make one fail.

    For the least latency, those that cannot be among the three best are not run.
    """
    architecture = explained.run.architecture
    failed = {result.layer.name for result in explained.run.failed}
    network = replace(network, layers=tuple(layer for layer in network.layers if layer.name not in failed))
    tried = variations(architecture, vary)
    node = explained.run.node_nm
    area = area_at(architecture, node).total.um2
    least = {each.change.name: _least_cycles(explained, each) for each in tried}
    tried.sort(key=lambda each: least[each.change.name])
    measured: list[MeasuredChange] = []
    ruled_out = 0

    def simulate(each: Variation) -> MeasuredChange | None:
        run = run_on(network, each.architecture)
        if run.failed:
            return None
        return MeasuredChange.of(each.change, run, area_at(each.architecture, node).total.um2 / area)

    pool, futures, interrupted = ThreadPoolExecutor(AT_A_TIME), [], False
    try:
        for batch in (tried[i : i + AT_A_TIME] for i in range(0, len(tried), AT_A_TIME)):
            third = sorted(each.cycles for each in measured)[2] if len(measured) > 2 else math.inf
            worth = [each for each in batch if objective is not Objective.LATENCY or least[each.change.name] < third]
            ruled_out += len(batch) - len(worth)
            futures = [pool.submit(simulate, each) for each in worth]
            measured += [change for future in futures if (change := future.result()) is not None]
            futures = []
            if on_progress is not None:
                on_progress(len(measured) + ruled_out, len(tried), "changes")
    except KeyboardInterrupt:
        interrupted = True
        done = [future.result() for future in futures if future.done() and not future.exception()]
        measured += [change for change in done if change is not None]
    finally:
        pool.shutdown(wait=not interrupted, cancel_futures=True)
    measured.sort(key=lambda each: (each.value(objective), each.energy.chip, each.change.name))
    return replace(explained, measured=tuple(measured), ruled_out=ruled_out, interrupted=interrupted)


def _least_cycles(explained: Explanation, each: Variation) -> float:
    """Least cycles of a changed machine: the bound of the steps before the first one that the change alters."""
    before = each.change.step - 2
    bounds = [layer.bounds.cycles[before] for layer in explained.explained]
    off_chip = any(path.startswith("dram.") for path, _ in each.change.settings)
    moved = [
        result.outcome.timing.cycles
        for result in explained.run.layers
        if result.status is Status.TRAFFIC_ONLY and result.outcome is not None and not off_chip
    ]
    return math.fsum(bounds) + sum(moved)
