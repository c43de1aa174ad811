"""Running tasks on executors that break."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accelerator_sim.files.errors import AcceleratorSimWarning
from accelerator_sim.mapping.file import MappingPlan
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.run.workers import NoWorkers, Pool, pool_of, processes, run_tasks
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.network import Network
from tests.small_network import CONV, FC, POOL


def nothing(task: int) -> str:
    return f"done {task}"


def slow(task: int) -> str:
    time.sleep(0.02)
    return nothing(task)


def deadly(task: int) -> str:
    """Task 3 kills its worker, always."""
    if task == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return nothing(task)


def lost(task: int) -> str:
    return f"gave up {task}"


def expected(count: int) -> Counter[tuple[int, str]]:
    return Counter((task, f"done {task}") for task in range(count))


@pytest.mark.parametrize("workers", [1, 2])
def test_each_task_once(workers: int) -> None:
    assert Counter(run_tasks(range(20), pool_of(workers), nothing, lost)) == expected(20)


def test_tasks_that_belong_together_run_in_one_batch() -> None:
    """But for the first tasks, which are handed out before it is known how long they take."""
    batches: list[list[int]] = []

    class Inline(Executor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            batches.append(args[0])
            done: Future[Any] = Future()
            done.set_result(fn(*args, **kwargs))
            return done

    results = run_tasks(range(40), Pool(Inline, 1), slow, lost, group=lambda task: task // 4)
    assert Counter(results) == expected(40)
    for group in range(3, 10):
        assert sum(any(task // 4 == group for task in batch) for batch in batches) == 1


def test_one_worker_hands_over_each_result_before_it_takes_the_next_task() -> None:
    """So that an interrupt loses nothing that was finished."""
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for task in range(3):
            taken.append(task)
            yield task

    for task, _ in run_tasks(tasks(), pool_of(1), nothing, lost):
        assert taken[-1] == task


def test_a_worker_that_is_killed_loses_nothing() -> None:
    """Kill workers while they work: every task has one result in the end."""
    pools: list[Any] = []

    class Watched:
        def __enter__(self) -> Executor:
            self.context = processes(2)
            pools.append(self.context.__enter__())
            return pools[-1]

        def __exit__(self, *error: object) -> None:
            self.context.__exit__(None, None, None)

    done: Counter[tuple[int, str]] = Counter()
    for count, result in enumerate(run_tasks(range(60), Pool(Watched, 2), slow, lost)):
        done[result] += 1
        if count in (10, 30):
            os.kill(next(iter(pools[-1]._processes)), signal.SIGKILL)
    assert done == expected(60)
    assert len(pools) == 3


def test_a_task_that_kills_its_worker_is_given_up() -> None:
    results = dict(run_tasks(range(8), pool_of(2), deadly, lost))
    assert results == {task: lost(task) if task == 3 else nothing(task) for task in range(8)}


SCRIPT = """
import accelerator_sim as sim
print("started")
print(sim.simulate("lstm_arnet", jobs={jobs}).totals)
"""


@pytest.mark.parametrize("how", ["script", "standard input", pytest.param("-c", marks=pytest.mark.slow)])
def test_workers_do_not_need_the_main_program(how: str, tmp_path: Path) -> None:
    """A script without a guard would be read again by each worker, start workers of its own, and so on."""
    results = []
    for jobs in (1, 2):
        code = SCRIPT.format(jobs=jobs)
        script = tmp_path / "script.py"
        script.write_text(code)
        words = {"script": [str(script)], "standard input": ["-"], "-c": ["-c", code]}[how]
        fed = code if how == "standard input" else None
        done = subprocess.run([sys.executable, *words], input=fed, capture_output=True, text=True, check=True)
        assert done.stdout.count("started") == 1
        assert done.stderr == ""
        results.append(done.stdout)
    assert results[0] == results[1]


@contextmanager
def no_processes() -> Iterator[Executor]:
    raise NoWorkers("no semaphores")
    yield


def test_where_no_worker_can_start_this_process_does_the_work_with_one_warning() -> None:
    with pytest.warns(AcceleratorSimWarning) as caught:
        done = Counter(run_tasks(range(5), Pool(no_processes, 2), nothing, lost))
    assert done == expected(5)
    assert [str(each.message) for each in caught] == [
        "worker processes cannot be started (no semaphores); this process does the work alone"
    ]


def in_a_daemon() -> str:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        done = list(run_tasks(range(3), pool_of(2), nothing, lost))
    return f"{done} {[str(each.message) for each in caught]}"


def test_inside_a_daemonic_process_there_are_no_workers() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(in_a_daemon)
    assert "done 2" in found
    assert "daemonic processes are not allowed to have children" in found


class Breaks(Executor):
    """Runs in this process, and breaks when it is handed its fifth batch."""

    made = 0

    def __init__(self) -> None:
        Breaks.made += 1
        self._left = 4

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._left == 0:
            raise BrokenExecutor
        self._left -= 1
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_an_executor_that_breaks_while_it_is_filled() -> None:
    Breaks.made = 0
    assert Counter(run_tasks(range(30), Pool(Breaks, 2), nothing, lost)) == expected(30)
    assert Breaks.made > 1


def wrong(task: int) -> str:
    raise RuntimeError("a defect")


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_of_our_own_are_not_swallowed(workers: int) -> None:
    with pytest.raises(RuntimeError, match="a defect"):
        list(run_tasks(range(2), pool_of(workers), wrong, lost))


class _Bomb:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (1,)


@pytest.mark.slow
def test_a_layer_that_kills_its_process_fails_alone() -> None:
    plan = MappingPlan(mappings={CONV.name: _Bomb()})  # type: ignore[dict-item]
    network = Network("small", "made up", (CONV, POOL, FC), "")
    run = simulate_network(network, *load_machine("eyeriss_v2"), Options(jobs=2, plan=plan))
    assert [layer.status for layer in run.layers] == ["failed", "traffic_only", "ok"]
    assert "layer conv: its process died" in str(run.layers[0].error)
