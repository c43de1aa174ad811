"""Running layers one after the other, or in worker processes that never outlive their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing.connection import Connection

from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.study.layer_run import Machine, run_layer
from accelerator_sim.study.result import LayerResult
from accelerator_sim.workload.layer import Layer

Task = tuple[Layer, Mapping | None]


def run_tasks(tasks: Sequence[Task], machine: Machine, jobs: int) -> Iterator[tuple[int, LayerResult]]:
    """Run every task; yield its index and result as it finishes (in order for one job)."""
    if jobs == 1 or len(tasks) < 2:
        for index, task in enumerate(tasks):
            yield index, run_layer(*task, machine)
        return
    left = set(range(len(tasks)))
    try:
        for index, result in _in_pool(sorted(left), tasks, machine, jobs):
            left.discard(index)
            yield index, result
    except BrokenExecutor:
        # Some task took its process down.  Which one is unknown, so each of the rest gets a process of its own.
        for index in sorted(left):
            try:
                yield from _in_pool([index], tasks, machine, 1)
            except BrokenExecutor:
                layer = tasks[index][0]
                error = f"layer {layer.name}: its process died (out of memory?)"
                yield index, LayerResult(layer, "failed", error=error)


def _in_pool(
    indices: Sequence[int], tasks: Sequence[Task], machine: Machine, jobs: int
) -> Iterator[tuple[int, LayerResult]]:
    with processes(min(jobs, len(indices))) as pool:
        pending: dict[Future[LayerResult], int] = {pool.submit(run_layer, *tasks[i], machine): i for i in indices}
        while pending:
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda future: pending[future]):
                result = future.result()
                yield pending.pop(future), result


@contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes that end with the context, whatever they are doing then, and with this process."""
    context = multiprocessing.get_context("spawn")
    lifeline, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_live_with, initargs=(lifeline,))
    try:
        yield pool
    finally:
        held.close()  # ends the workers, whatever they are doing
        pool.shutdown(wait=True, cancel_futures=True)
        lifeline.close()


def _live_with(lifeline: Connection) -> None:
    """End this worker when the other end of `lifeline` closes: the parent is done with it, or dead."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides

    def watch() -> None:
        try:
            lifeline.recv()
        except (EOFError, OSError):
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
