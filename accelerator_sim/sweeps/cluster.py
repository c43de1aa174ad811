"""The workers of a Dask cluster as an executor."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager

from accelerator_sim.files.errors import AcceleratorSimError
from accelerator_sim.run.workers import Pool

PATIENCE_S = 10.0
"""How long a scheduler and its first worker are waited for."""


def cluster(address: str) -> Pool:
    """Return the workers of the scheduler at an address, as tcp://host:port, where this version is installed as well.

    A scheduler and its workers are trusted: they run what they are sent, and what they send is unpickled.  Raises
    AcceleratorSimError without `distributed`, without an answer, and without a worker; then, or while it is used, where
    the scheduler is gone.
    """
    try:
        from distributed import Client
        from distributed.client import FutureCancelledError
        from distributed.comm.core import CommClosedError
        from distributed.scheduler import KilledWorker
    except ImportError:
        raise AcceleratorSimError(
            "a cluster needs distributed; install it with: pip install 'accelerator-sim[cluster]'"
        ) from None

    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in ("distributed", "tornado"):  # whatever they log comes back as an exception
            logging.getLogger(name).setLevel(logging.CRITICAL)

    @contextmanager
    def connected() -> Iterator[Client]:
        try:
            client = Client(address, timeout=PATIENCE_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise AcceleratorSimError(f"--cluster {address}: no scheduler answers ({error})") from None
        try:
            try:
                client.wait_for_workers(1, timeout=PATIENCE_S)
            except TimeoutError:
                raise AcceleratorSimError(f"--cluster {address}: the scheduler has no worker") from None
            yield client
        finally:
            client.close()

    @contextmanager
    def make() -> Iterator[Executor]:
        try:
            with connected() as client:
                executor = client.get_executor(pure=False)
                yield executor
                executor.shutdown(wait=False)
        except AcceleratorSimError as error:
            hint = "what was finished is kept; start a scheduler, and the same command goes on from there"
            raise AcceleratorSimError(f"{error}; {hint}") from None

    with connected() as client:
        threads = sum(client.nthreads().values())
    return Pool(make, max(threads, 1), (KilledWorker, CommClosedError, FutureCancelledError, CancelledError))
