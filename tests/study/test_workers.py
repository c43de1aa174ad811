"""Worker processes."""

import os

import pytest

from accelerator_sim.study.layer_run import Machine
from accelerator_sim.study.workers import Task, run_tasks
from tests.study.conftest import CONV, FC, POOL


def test_processes_give_what_one_gives(machine: Machine) -> None:
    tasks: list[Task] = [(CONV, None), (POOL, None), (FC, None)]
    assert dict(run_tasks(tasks, machine, 2)) == dict(run_tasks(tasks, machine, 1))


class _Bomb:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (1,)


@pytest.mark.slow
def test_a_task_that_kills_its_process_fails_alone(machine: Machine) -> None:
    tasks: list[Task] = [(CONV, _Bomb()), (POOL, None), (FC, None)]  # type: ignore[list-item]
    results = dict(run_tasks(tasks, machine, 2))
    assert [results[i].status for i in range(3)] == ["failed", "traffic_only", "ok"]
    assert "layer conv: its process died" in str(results[0].error)
