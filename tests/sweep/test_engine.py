"""Running tasks on executors that break."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any

import pytest

from accelerator_sim.study.machine import load_machine
from accelerator_sim.study.workers import processes
from accelerator_sim.sweep.engine import Here, Pool, pool_of, run_tasks
from accelerator_sim.sweep.task import Done, Run, Task
from accelerator_sim.workload.layer import Layer


def tasks(count: int) -> Iterator[Task]:
    machine = load_machine("eyeriss_v2")
    for number in range(count):
        yield Task(f"t{number}", *machine, Run("analytical", "latency", 1, 0), {f"l{number}": Layer("a", "fc")})


def nothing(task: Task) -> Done:
    return Done(task.key, {}, {})


def slow(task: Task) -> Done:
    time.sleep(0.02)
    return Done(task.key, {}, {}, 0.02)


def deadly(task: Task) -> Done:
    """The task t3 kills its worker, always."""
    if task.key == "t3":
        os.kill(os.getpid(), signal.SIGKILL)
    return nothing(task)


@pytest.mark.parametrize("workers", [1, 2])
def test_each_task_once(workers: int) -> None:
    done = Counter(result.key for result in run_tasks(tasks(20), pool_of(workers), nothing))
    assert done == Counter(f"t{number}" for number in range(20))


def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    """Kill workers while they work: every task has one result in the end."""
    pools: list[Any] = []

    class Watched:
        def __enter__(self) -> Executor:
            self.context = processes(2)
            pools.append(self.context.__enter__())
            return pools[-1]

        def __exit__(self, *error: object) -> None:
            self.context.__exit__(None, None, None)

    done: Counter[str] = Counter()
    for count, result in enumerate(run_tasks(tasks(60), Pool(Watched, 2), slow)):
        done[result.key] += 1
        assert result.errors == {}
        if count in (10, 30):
            os.kill(next(iter(pools[-1]._processes)), signal.SIGKILL)
    assert done == Counter(f"t{number}" for number in range(60))
    assert len(pools) == 3


def test_a_task_that_kills_its_worker_is_given_up() -> None:
    results = {result.key: result for result in run_tasks(tasks(8), pool_of(2), deadly)}
    assert len(results) == 8
    assert results["t3"].errors == {"l3": "layer a: its process died each time (out of memory?)"}
    assert all(not result.errors for key, result in results.items() if key != "t3")


class Breaks(Here):
    """Breaks when it is handed its fifth batch."""

    made = 0

    def __init__(self) -> None:
        Breaks.made += 1
        self._left = 4

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._left == 0:
            raise BrokenExecutor
        self._left -= 1
        return super().submit(fn, *args, **kwargs)


def test_an_executor_that_breaks_while_it_is_filled() -> None:
    Breaks.made = 0
    done = Counter(result.key for result in run_tasks(tasks(30), Pool(Breaks, 2), nothing))
    assert done == Counter(f"t{number}" for number in range(30))
    assert Breaks.made > 1


def test_errors_of_our_own_are_not_swallowed() -> None:
    def wrong(task: Task) -> Done:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        list(run_tasks(tasks(2), pool_of(1), wrong))
