"""Running many tasks on any executor, so that nothing that was finished is lost, whatever dies.

Tasks are handed out some at a time, as many as take `BATCH_S`, and results over one by one as they come.  When a worker
dies, nobody knows which task it was: the executor is made anew and what was in flight runs again.  A task that was in
flight for three deaths runs alone, and is given up if it kills its worker then, too.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from accelerator_sim.study.workers import processes
from accelerator_sim.sweep.task import Done, Task, run_task

WINDOW = 3
"""Batches in flight for each worker: enough to keep it busy, few enough to lose little."""
BATCH_S = 0.05
"""Work of one batch: long beside the cost of handing it out."""
LARGEST_BATCH = 64
DEATHS = 3

Run = Callable[[Task], Done]


@dataclass(frozen=True)
class Pool:
    """How executors are made, how many workers they have, and which errors say that a worker was lost."""

    make: Callable[[], AbstractContextManager[Executor]]
    workers: int
    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)


def run_tasks(tasks: Iterable[Task], pool: Pool, run: Run = run_task) -> Iterator[Done]:
    """Run tasks, taken as they are needed; yield each result as it comes, in no fixed order."""
    queue = _Queue(tasks, pool.workers)
    while queue.open:
        if queue.suspects:
            yield from _alone(queue.suspects.pop(), pool, run)
            continue
        try:
            with pool.make() as executor:
                yield from _together(queue, executor, pool, run)
        except pool.lost:  # it broke while it was closed; nothing is in flight any more
            continue


class _Queue:
    """Tasks that are still to be run, and what is known of how long one takes."""

    def __init__(self, tasks: Iterable[Task], workers: int) -> None:
        self._source = iter(tasks)
        self._waiting: deque[Task] = deque()
        self._deaths: Counter[str] = Counter()
        self._seconds, self._done = 0.0, 0
        self._most = workers * WINDOW
        self.suspects: list[Task] = []
        self.flying: dict[Future[list[Done]], list[Task]] = {}
        self._exhausted = False

    @property
    def open(self) -> bool:
        return bool(not self._exhausted or self._waiting or self.suspects)

    def fill(self, executor: Executor, run: Run, lost: tuple[type[BaseException], ...]) -> None:
        """Hand out batches until enough are in flight."""
        while len(self.flying) < self._most:
            batch = self._batch()
            if not batch:
                return
            try:
                self.flying[executor.submit(_run_batch, batch, run)] = batch
            except lost:
                self._waiting.extendleft(reversed(batch))
                raise

    def _batch(self) -> list[Task]:
        size = 1
        if self._done >= self._most:  # measured by then
            size = max(1, min(LARGEST_BATCH, round(BATCH_S * self._done / max(self._seconds, 1e-6))))
        batch: list[Task] = []
        while len(batch) < size:
            task = self._waiting.popleft() if self._waiting else next(self._source, None)
            if task is None:
                self._exhausted = True
                break
            batch.append(task)
        return batch

    def note(self, done: Done) -> None:
        self._seconds += done.seconds
        self._done += 1

    def died(self, batch: Sequence[Task]) -> None:
        for task in batch:
            self._deaths[task.key] += 1
            (self.suspects if self._deaths[task.key] >= DEATHS else self._waiting).append(task)


def _together(queue: _Queue, executor: Executor, pool: Pool, run: Run) -> Iterator[Done]:
    """Run what is in the queue until it is empty or a worker dies."""
    try:
        while True:
            queue.fill(executor, run, pool.lost)
            if not queue.flying:
                return
            finished, _ = wait(queue.flying, return_when=FIRST_COMPLETED)
            for future in finished:
                results = future.result()
                del queue.flying[future]
                for result in results:
                    queue.note(result)
                    yield result
    except pool.lost:
        flying, queue.flying = queue.flying, {}
        for future, batch in flying.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                yield from future.result()
            else:
                queue.died(batch)


def _run_batch(tasks: Sequence[Task], run: Run) -> list[Done]:
    return [run(task) for task in tasks]


def _alone(task: Task, pool: Pool, run: Run) -> Iterator[Done]:
    try:
        with pool.make() as executor:
            yield from executor.submit(_run_batch, [task], run).result()
    except pool.lost:
        reason = "its process died each time (out of memory?)"
        yield Done(task.key, {}, {key: f"layer {layer.name}: {reason}" for key, layer in task.layers.items()})


class Here(Executor):
    """Runs in this process, one task after the other."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run at once."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def pool_of(workers: int) -> Pool:
    """Return a pool of worker processes; for one worker, this process does the work."""
    return Pool(Here, 1) if workers == 1 else Pool(lambda: processes(workers), workers)
