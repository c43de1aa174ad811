"""A result of a sweep as the input of `simulate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.vocabulary import Fidelity, Objective

if TYPE_CHECKING:
    from accelerator_sim.workload.choices import Choices


@dataclass(frozen=True)
class StoredOrigin:
    """The inputs of a result of a sweep."""

    workload: str
    arch: str
    overrides: tuple[tuple[str, str], ...]
    choices: Choices
    fidelity: Fidelity
    objective: Objective
    batch: int
    seed: int


def recall(origin: str) -> StoredOrigin:
    """Find a result, written STORE:KEY.  Raises UsageError where there is none, or where its architecture changed."""
    from accelerator_sim.sweeps.database import damaged
    from accelerator_sim.sweeps.planner import choices_of
    from accelerator_sim.sweeps.store import Store
    from accelerator_sim.sweeps.task import digest

    store_file, colon, key = origin.rpartition(":")
    if not colon or not store_file or not key:
        raise UsageError(f"--from {origin}: write STORE:KEY, e.g. sweep.sqlite:2f1444b841 (`sweep best` shows keys)")
    if not Path(store_file).is_file():
        raise UsageError(f"--from {origin}: {store_file}: no such store")
    with Store(Path(store_file), read_only=True) as store:
        task = store.task(key)
    if task is None:
        raise UsageError(f"--from {origin}: no result, or more than one, has a key that begins with {key!r}")
    try:
        base = Path(task["file"])
        stored = StoredOrigin(
            str(task["workload"]),
            str(base),
            tuple((str(path), str(value)) for path, value in task["overrides"]),
            choices_of(task),
            Fidelity(task["fidelity"]),
            Objective(task["objective"]),
            int(task["batch"]),
            int(task["seed"]),
        )
        changed = not base.is_file() or digest(base.read_text(encoding="utf-8")) != task["base"]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise damaged(Path(store_file), f"the store is damaged: the task {key} cannot be read") from None
    if changed:
        raise UsageError(f"--from {origin}: {base} is gone or has changed since the sweep")
    return stored
