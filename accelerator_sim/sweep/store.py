"""The results of sweeps in one SQLite file, written as they come, safe to interrupt and to share.

Table `results` has one row a point and network, by the key of its task; table `layers` the outcome of each layer on
each machine, so that none is computed twice; table `points` which results a sweep consists of; table `tasks` how each
result is made again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerator_sim.files.errors import AcceleratorSimError
from accelerator_sim.sweep.pareto import front
from accelerator_sim.sweep.task import Outcome

FORMAT = "accelerator-sim/sweep/1"
PATIENCE_S = 60.0
"""How long another writer is waited for."""

SAMPLE, REFERENCES = 2000, 20
"""Results of which the first front is made, and how many of its members results are held against."""

FIGURES = (
    "cycles", "latency_s", "inferences_per_s", "energy_j", "energy_dram_j", "energy_total_j", "edp_js",
    "inferences_per_j", "gops_per_w", "macs", "effectual_macs", "dram_bytes", "utilization", "pes", "macs_per_cycle",
    "glb_total", "memory_total", "area_kgates", "area_mm2",
)  # fmt: skip
"""Columns of results that are numbers."""

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS results (
    key TEXT PRIMARY KEY, status TEXT NOT NULL, error TEXT, workload TEXT NOT NULL, architecture TEXT NOT NULL,
    fidelity TEXT NOT NULL, objective TEXT NOT NULL, batch INTEGER NOT NULL, seed INTEGER NOT NULL,
    axes TEXT NOT NULL, {", ".join(FIGURES)}
);
CREATE TABLE IF NOT EXISTS tasks (key TEXT PRIMARY KEY, task TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS layers (key TEXT PRIMARY KEY, outcome TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS points (
    sweep TEXT NOT NULL, stage INTEGER NOT NULL, point INTEGER NOT NULL, workload TEXT NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY (sweep, stage, point, workload)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS points_by_key ON points (key, sweep, stage);
"""


class StoreError(AcceleratorSimError):
    """The store cannot be used: locked for long, full, or no store at all."""


@dataclass(frozen=True)
class Entry:
    """What is known of a task before it runs: how it is found again, and what a reader of the row wants to know."""

    key: str
    workload: str
    architecture: str
    fidelity: str
    objective: str
    batch: int
    seed: int
    axes: Mapping[str, str]
    task: Mapping[str, Any]
    """All that `simulate --from` needs: the files as they were, and the choices."""


@dataclass(frozen=True)
class Cost:
    """A figure that is to be small, or large (`most`), as SQL."""

    field: str
    most: bool

    def __post_init__(self) -> None:
        if self.field not in FIGURES:
            raise ValueError(f"{self.field!r} is no figure")

    @property
    def sql(self) -> str:
        """The expression that is minimised."""
        return f"-{self.field}" if self.most else self.field


Result = tuple[Entry, Mapping[str, float | int | None] | None, str | None]
"""An entry with its figures, or with its error."""


class Store:
    """An open store.  Every method raises StoreError where the file cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._guarded():
            self._db = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('format', ?)", (FORMAT,))
            (found,) = self._db.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
        if found != FORMAT:
            raise StoreError(f"{path}: is a store of format {found!r}; {FORMAT!r} is read")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            reason = str(error)
            if "locked" in reason or "busy" in reason:
                reason = f"locked by another program for more than {PATIENCE_S:g} s"
            elif "full" in reason:
                reason = "no space left on the disk; what was stored before is complete"
            raise StoreError(f"{self.path}: {reason}") from None
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self.path}: is not a store of sweeps: {error}") from None

    def finished(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the status of the tasks that have a result, by key."""
        return self._of_keys("status", "results", keys)

    def layers(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """Return the outcomes of layers that are known, by key."""
        return {key: json.loads(outcome) for key, outcome in self._of_keys("outcome", "layers", keys).items()}

    def _of_keys(self, column: str, table: str, keys: Iterable[str]) -> dict[str, str]:
        """A column of the rows that have these keys, some at a time as SQLite wants it."""
        wanted = list(keys)
        found: dict[str, str] = {}
        with self._guarded():
            for begin in range(0, len(wanted), 500):
                part = wanted[begin : begin + 500]
                marks = ", ".join("?" * len(part))
                found |= dict(self._db.execute(f"SELECT key, {column} FROM {table} WHERE key IN ({marks})", part))
        return found

    def join(self, sweep: str, stage: int, points: Iterable[tuple[int, str, str]]) -> None:
        """Say which results a stage of a sweep consists of: point, workload and key of each."""
        with self._guarded():
            self._db.execute("BEGIN IMMEDIATE")
            rows = ((sweep, stage, *point) for point in points)
            self._db.executemany("INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?)", rows)
            self._db.execute("COMMIT")

    def add(self, results: Iterable[Result], outcomes: Mapping[str, Outcome]) -> None:
        """Keep results and outcomes of layers, by key: all of them or none."""
        kept = list(results)
        rows = [
            (
                entry.key, "ok" if error is None else "failed", error, entry.workload, entry.architecture,
                entry.fidelity, entry.objective, entry.batch, entry.seed, _text(dict(entry.axes)),
                *((figures or {}).get(name) for name in FIGURES),
            )
            for entry, figures, error in kept
        ]  # fmt: skip
        tasks = [(entry.key, _text(dict(entry.task))) for entry, *_ in kept]
        marks = ", ".join("?" * (10 + len(FIGURES)))
        with self._guarded():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany(f"INSERT OR REPLACE INTO results VALUES ({marks})", rows)
                self._db.executemany("INSERT OR REPLACE INTO tasks VALUES (?, ?)", tasks)
                known = ((key, _text(outcome)) for key, outcome in outcomes.items())
                self._db.executemany("INSERT OR IGNORE INTO layers VALUES (?, ?)", known)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def rows(
        self, sweep: str | None = None, stage: int | None = None, keys: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        """Return results with the values of their axes: those of a sweep by point, or all by key.

        keys: only these, of a sweep.
        """
        names = ("key", "status", "error", "workload", "architecture", "fidelity", "objective", "batch", "seed", "axes")
        columns = ", ".join(f"results.{name}" for name in (*names, *FIGURES))
        with self._guarded():
            if sweep is None:
                found = self._db.execute(f"SELECT NULL, NULL, {columns} FROM results ORDER BY key").fetchall()
            else:
                some = "" if keys is None else f" AND points.key IN ({', '.join('?' * len(keys))})"
                found = self._db.execute(
                    f"SELECT stage, point, {columns} FROM points JOIN results USING (key)"
                    f" WHERE points.sweep = ? AND (? IS NULL OR stage = ?){some}"
                    " ORDER BY stage, point, points.workload",
                    (sweep, stage, stage, *(keys or ())),
                ).fetchall()
        out = []
        for row in found:
            record = dict(zip(("stage", "point", *names, *FIGURES), row, strict=True))
            out.append({**record, "axes": json.loads(record["axes"])})
        return out

    def last_stage(self, sweep: str) -> tuple[int, bool]:
        """Return the number of the last stage of a sweep that has points, and whether each has a single network."""
        with self._guarded():
            found = self._db.execute("SELECT max(stage) FROM points WHERE sweep = ?", (sweep,)).fetchone()[0] or 0
            first = "SELECT point FROM points WHERE sweep = ? AND stage = ? LIMIT 1"
            networks = f"SELECT count(*) FROM points WHERE sweep = ? AND stage = ? AND point = ({first})"
            (count,) = self._db.execute(networks, (sweep, found) * 2).fetchone()
        return found, count <= 1

    def least(self, sweep: str, stage: int, cost: Cost, count: int) -> list[str]:
        """Return the keys of the results of single networks that cost the least, equal ones by point."""
        with self._guarded():
            found = self._db.execute(
                "SELECT key FROM results JOIN points USING (key) WHERE sweep = ? AND stage = ?"
                f" AND {cost.field} IS NOT NULL ORDER BY {cost.sql}, point LIMIT ?",
                (sweep, stage, count),
            )
            return [key for (key,) in found]

    def unbeaten(self, sweep: str, stage: int, costs: Sequence[Cost]) -> list[tuple[str, tuple[float, ...]]]:
        """Return key and costs of few results of single networks, among which are all that no other one beats.

        The front of a sample leaves out most results while the table is read.
        """
        where = "sweep = ? AND stage = ?" + "".join(f" AND {cost.field} IS NOT NULL" for cost in costs)
        wanted = ", ".join(cost.sql for cost in costs)
        with self._guarded():
            (last,) = self._db.execute(
                "SELECT max(point) FROM points WHERE sweep = ? AND stage = ?", (sweep, stage)
            ).fetchone()
            marks = ", ".join(str(place) for place in range(0, (last or 0) + 1, max(1, (last or 0) // SAMPLE)))
            sample = self._db.execute(
                f"SELECT {wanted} FROM points JOIN results USING (key) WHERE {where} AND point IN ({marks})",
                (sweep, stage),
            ).fetchall()
            kept = [sample[at] for at in front(sample)][:REFERENCES]
            beaten = ["(" + " AND ".join(f"{cost.sql} > ?" for cost in costs) + ")" for _ in kept]
            more = f" AND NOT ({' OR '.join(beaten)})" if beaten else ""
            found = self._db.execute(
                f"SELECT key, {wanted} FROM results CROSS JOIN points USING (key) WHERE {where}{more} ORDER BY point",
                (sweep, stage, *(value for values in kept for value in values)),
            )
            return [(key, tuple(values)) for key, *values in found]

    def task(self, key: str) -> dict[str, Any] | None:
        """Return what a task was made of, by its key or its beginning; None where no single one is found."""
        with self._guarded():
            found = self._db.execute(
                "SELECT task FROM tasks WHERE substr(key, 1, length(?)) = ? LIMIT 2", (key, key)
            ).fetchall()
        return json.loads(found[0][0]) if len(found) == 1 else None

    def sweeps(self) -> list[str]:
        """The sweeps that have points here."""
        with self._guarded():
            return [name for (name,) in self._db.execute("SELECT DISTINCT sweep FROM points ORDER BY sweep")]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
