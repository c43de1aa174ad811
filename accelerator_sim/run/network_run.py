"""Simulating a whole network: every different layer once, no layer able to stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.mapping.file import MappingPlan
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.status import Status
from accelerator_sim.run.layer_run import run_layer
from accelerator_sim.run.options import Options
from accelerator_sim.run.phased import Given
from accelerator_sim.run.run_memory import RunMemory
from accelerator_sim.run.run_setup import RunSetup
from accelerator_sim.run.workers import DIED, pool_of, run_tasks
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network

Progress = Callable[[int, int, str], None]
"""Called with the number of different layers done, their total, and the name of the next (or latest) one."""


def simulate_network(
    network: Network,
    architecture: Architecture,
    technology: Technology,
    options: Options | None = None,
    on_progress: Progress | None = None,
    memory: RunMemory | None = None,
) -> NetworkResult:
    """Simulate the layers of a network on an architecture.

    memory: what runs of the same network on other machines found; it is of use with one job.

    A layer that fails (no mapping fits, or a law is broken) has its error in the result, and the rest
    goes on.  After KeyboardInterrupt the result holds what was finished; the other layers are interrupted.
    Raises UsageError for a selection that matches no layer and ValueError for a batch that is out of range.
    """
    chosen = options or Options()
    selected = network.select(chosen.layers).with_batch(chosen.batch)
    machine = RunSetup(
        architecture,
        resolve_actions(technology, architecture),
        chosen.objective,
        chosen.plan.constraints,
        chosen.fidelity,
        chosen.verify,
        chosen.seed,
        chosen.masks,
        chosen.refine,
        memory if chosen.jobs == 1 else None,
    )
    tasks, task_of = _tasks(selected.layers, chosen.plan)
    finished, interrupted = _run(tasks, machine, chosen.jobs, on_progress)
    results = [_result_of(layer, finished.get(i)) for layer, i in zip(selected.layers, task_of, strict=True)]
    return NetworkResult(
        workload=network.name,
        workload_source=network.source,
        workload_layers=len(network.layers),
        layers=tuple(results),
        architecture=architecture,
        technology=technology.name,
        node_nm=technology.node_nm,
        energy_unit=technology.energy_unit,
        fidelity=chosen.fidelity,
        objective=chosen.objective,
        batch=selected.batch,
        seed=chosen.seed,
        interrupted=interrupted,
        masks=chosen.masks,
        constraints=chosen.plan.constraints,
        workload_notes=network.notes,
    )


LayerTask = tuple[Layer, Given]
"""A layer and the mapping that is given for it."""


def _tasks(layers: Iterable[Layer], plan: MappingPlan) -> tuple[list[LayerTask], list[int]]:
    """The different layers with their mappings, and for each layer the number of its task."""
    unique: dict[LayerTask, int] = {}
    tasks: list[LayerTask] = []
    task_of: list[int] = []
    for layer in layers:
        given = plan.given(layer)
        key = layer.unnamed, given
        if key not in unique:
            unique[key] = len(tasks)
            tasks.append((layer, given))
        task_of.append(unique[key])
    return tasks, task_of


def _result_of(layer: Layer, finished: LayerResult | None) -> LayerResult:
    """The result of a layer, from that of the first layer like it; None if the run did not reach it."""
    result = finished or LayerResult(layer, Status.INTERRUPTED, error=Status.INTERRUPTED.value)
    if result.layer.name == layer.name:
        return result
    error = f"as {result.layer.name}: {result.error}" if result.error else None
    return replace(result, layer=layer, error=error)


def _run_task(machine: RunSetup, task: LayerTask) -> LayerResult:
    return run_layer(*task, machine)


def _given_up(task: LayerTask) -> LayerResult:
    layer, _ = task
    return LayerResult(layer, Status.FAILED, error=f"layer {layer.name}: {DIED}")


def _run(
    tasks: list[LayerTask], machine: RunSetup, jobs: int, on_progress: Progress | None
) -> tuple[dict[int, LayerResult], bool]:
    finished: dict[int, LayerResult] = {}
    following = 0

    def show_progress() -> None:
        nonlocal following
        if on_progress is not None and tasks:
            while following in finished and following < len(tasks) - 1:
                following += 1
            on_progress(len(finished), len(tasks), tasks[following][0].name)

    try:
        show_progress()
        run = partial(_run_task, machine)
        for index, result in run_tasks(tasks, pool_of(min(jobs, max(len(tasks), 1))), run, _given_up):
            finished[index] = result
            show_progress()
    except KeyboardInterrupt:
        return finished, True
    return finished, False
