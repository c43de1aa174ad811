"""Running many tasks in this process or on any executor, so that nothing that was finished is lost, whatever dies.

Tasks are handed out some at a time, as many as take `BATCH_S`, and results over one by one as they come.  When a worker
dies, nobody knows which task it was: the executor is replaced and the tasks in flight run again.  A task that was in
flight for `DEATHS` deaths runs alone, and is given up if it kills its worker again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, Generic, TypeVar

from accelerator_sim.files.errors import AcceleratorSimWarning

WINDOW = 3
"""Batches in flight for each worker: enough to keep it busy, few enough to lose little."""
BATCH_S = 0.05
"""Work of one batch: long beside the cost of handing it out."""
LONGEST_BATCH_S = 1.0
"""Work of a batch of tasks that belong together, at most: short beside what people wait for."""
LARGEST_BATCH = 64
DEATHS = 3

DIED = "its process died each time (out of memory?)"
"""What is wrong with a task that is given up."""

T = TypeVar("T")
R = TypeVar("R")


Make = Callable[[], AbstractContextManager[Executor]]


class NoWorkers(Exception):
    """Worker processes cannot be started here; the text gives the reason."""


@dataclass(frozen=True)
class Pool:
    """How executors are made, how many workers they have, and which errors mean that a worker was lost.

    Without a way to make executors, this process does the work.
    """

    make: Make | None
    workers: int
    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)


def pool_of(workers: int) -> Pool:
    """Return a pool of worker processes; for one worker, this process does the work."""
    return Pool(None if workers == 1 else lambda: processes(workers), workers)


def run_tasks(
    tasks: Iterable[T],
    pool: Pool,
    run: Callable[[T], R],
    give_up: Callable[[T], R],
    group: Callable[[T], Hashable] | None = None,
) -> Iterator[tuple[int, R]]:
    """Run tasks, taken as they are needed; yield the number of each with its result as it comes, in no fixed order.

    run: sent to the workers; give_up: the result of a task that kills its worker; group: what tasks that follow one
    another have in common if they had better run in one worker, one after the other.
    """
    if pool.make is None:
        for number, task in enumerate(tasks):
            yield number, run(task)
        return
    queue: _TaskQueue[T, R] = _TaskQueue(tasks, pool.workers, group)
    while queue.open:
        if queue.suspects:
            number, task = queue.suspects.pop()
            yield number, _alone(task, pool.make, pool.lost, run, give_up)
            continue
        try:
            with pool.make() as executor:
                yield from _together(queue, executor, pool, run)
        except NoWorkers as error:
            message = f"worker processes cannot be started ({error}); this process does the work alone"
            warnings.warn(message, AcceleratorSimWarning, stacklevel=2)
            for number, task in queue.rest():
                yield number, run(task)
            return
        except pool.lost:  # it broke while it was closed; nothing is in flight any more
            continue


def _alone(
    task: T, make: Make, lost: tuple[type[BaseException], ...], run: Callable[[T], R], give_up: Callable[[T], R]
) -> R:
    """Run a task that may kill its worker, in a worker of its own."""
    try:
        with make() as executor:
            [(result, _)] = executor.submit(_run_batch, [task], run).result()
            return result
    except NoWorkers:
        return give_up(task)
    except lost:
        return give_up(task)


class _TaskQueue(Generic[T, R]):
    """Tasks that are still to be run, each with its number, and what is known of how long one takes."""

    def __init__(self, tasks: Iterable[T], workers: int, group: Callable[[T], Hashable] | None) -> None:
        self._source, self._group = enumerate(tasks), group
        self._waiting: deque[tuple[int, T]] = deque()
        self._deaths: Counter[int] = Counter()
        self._seconds, self._done = 0.0, 0
        self._most = workers * WINDOW
        self.suspects: list[tuple[int, T]] = []
        self.flying: dict[Future[list[tuple[R, float]]], list[tuple[int, T]]] = {}
        self._exhausted = False

    @property
    def open(self) -> bool:
        return bool(not self._exhausted or self._waiting or self.suspects)

    def fill(self, executor: Executor, run: Callable[[T], R], lost: tuple[type[BaseException], ...]) -> None:
        """Hand out batches until enough are in flight."""
        while len(self.flying) < self._most:
            batch = self._batch()
            if not batch:
                return
            try:
                self.flying[executor.submit(_run_batch, [task for _, task in batch], run)] = batch
            except lost:
                self._waiting.extendleft(reversed(batch))
                raise

    def rest(self) -> Iterator[tuple[int, T]]:
        """Hand out all that is left, one by one, except those that may kill whatever runs them."""
        while self._waiting:
            yield self._waiting.popleft()
        yield from self._source
        self._exhausted = True

    def _batch(self) -> list[tuple[int, T]]:
        size = most = 1
        if self._done >= self._most:  # measured by then
            size, most = self._worth(BATCH_S), self._worth(LONGEST_BATCH_S)
        batch: list[tuple[int, T]] = []
        while len(batch) < most:
            entry = self._waiting.popleft() if self._waiting else next(self._source, None)
            if entry is None:
                self._exhausted = True
                break
            if len(batch) >= size and not self._belongs(entry, batch):
                self._waiting.appendleft(entry)
                break
            batch.append(entry)
        return batch

    def _worth(self, seconds: float) -> int:
        """Tasks that take so many seconds."""
        return max(1, min(LARGEST_BATCH, round(seconds * self._done / max(self._seconds, 1e-6))))

    def _belongs(self, entry: tuple[int, T], batch: Sequence[tuple[int, T]]) -> bool:
        return self._group is not None and self._group(entry[1]) == self._group(batch[-1][1])

    def results(self, future: Future[list[tuple[R, float]]], batch: Sequence[tuple[int, T]]) -> Iterator[tuple[int, R]]:
        """Yield what a batch came to.  Raises what the future raises."""
        for (number, _), (result, seconds) in zip(batch, future.result(), strict=True):
            self._seconds += seconds
            self._done += 1
            yield number, result

    def died(self, batch: Sequence[tuple[int, T]]) -> None:
        for number, task in batch:
            self._deaths[number] += 1
            (self.suspects if self._deaths[number] >= DEATHS else self._waiting).append((number, task))


def _together(
    queue: _TaskQueue[T, R], executor: Executor, pool: Pool, run: Callable[[T], R]
) -> Iterator[tuple[int, R]]:
    """Run what is in the queue until it is empty or a worker dies."""
    try:
        while True:
            queue.fill(executor, run, pool.lost)
            if not queue.flying:
                return
            finished, _ = wait(queue.flying, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
                yield from queue.results(future, queue.flying.pop(future))
    except pool.lost:
        flying, queue.flying = queue.flying, {}
        for future, batch in flying.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                yield from queue.results(future, batch)
            else:
                queue.died(batch)


def _run_batch(tasks: Sequence[T], run: Callable[[T], R]) -> list[tuple[R, float]]:
    """Run tasks; return each result with the seconds that it took."""
    out = []
    for task in tasks:
        started = time.perf_counter()
        out.append((run(task), time.perf_counter() - started))
    return out


class _Worker(SpawnProcess):
    """A process that does not read the caller's main program.

    A spawned process first runs the main module of its parent, which the functions that it is sent may live in.  Ours
    live in this package.  So a script needs no guard, cannot start itself over and over, and may come from standard
    input or a notebook.
    """

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Any:
        with _STARTING:
            main = sys.modules["__main__"]
            sys.modules["__main__"] = ModuleType("__main__")
            try:
                return SpawnProcess._Popen(process_obj)
            finally:
                sys.modules["__main__"] = main


class _Workers(SpawnContext):
    """How `_Worker` processes are made."""

    Process = _Worker


_STARTING = threading.Lock()

_CANNOT_START = (OSError, ImportError, NotImplementedError, AssertionError, RuntimeError)
"""What Python raises where there may be no processes: no semaphores, no more processes, inside a daemonic process, or
while another process reads its main program; and the error of a pool whose first worker ended at once."""


@contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes that end with the context, whatever they are doing then, and with this process.

    Raises NoWorkers where none can be started.
    """
    context = _Workers()
    try:
        lifeline, held = context.Pipe(duplex=False)
        pool = ProcessPoolExecutor(count, mp_context=context, initializer=_live_with, initargs=(lifeline,))
    except _CANNOT_START as error:
        raise NoWorkers(str(error) or type(error).__name__) from None
    try:
        try:
            pool.submit(_ready).result()
        except _CANNOT_START as error:
            raise NoWorkers(str(error) or type(error).__name__) from None
        yield pool
    finally:
        held.close()  # ends the workers, whatever they are doing
        pool.shutdown(wait=True, cancel_futures=True)
        lifeline.close()


def _ready() -> None:
    """Show that a worker has started."""


def _live_with(lifeline: Connection) -> None:
    """End this worker when the other end of `lifeline` closes: the parent is done with it, or dead."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides

    def watch() -> None:
        try:
            lifeline.recv()
        except (EOFError, OSError):
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
