"""The results of sweeps in one SQLite file, written as they come, safe to interrupt and to share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerator_sim.sweeps.database import (
    FIGURES,
    MACS,
    add_macs,
    close_written,
    columns_of,
    damaged,
    guarded,
    open_to_read,
    open_to_write,
)
from accelerator_sim.sweeps.pareto import front
from accelerator_sim.sweeps.task import LayerSums

SAMPLE, REFERENCES = 2000, 20
"""Results of which the first front is made, and how many of its members results are compared with."""

_TEXTS = ("key", "status", "workload", "architecture", "fidelity", "objective")
_WHOLE = ("complete", "batch", "seed")
_NAMES = (
    "key", "status", "complete", "error", "workload", "architecture", "fidelity", "objective", "batch", "seed", "axes",
)  # fmt: skip


@dataclass(frozen=True)
class StoreEntry:
    """What is known of a task before it runs: how it is found again, and what a reader of the row wants to know."""

    key: str
    workload: str
    architecture: str
    fidelity: str
    objective: str
    batch: int
    seed: int
    axes: Mapping[str, int | float | str]
    """Values by column: numbers in SI units, and texts."""
    task: Mapping[str, Any]
    """All that `simulate --from` needs: the files as they were, and the choices."""


@dataclass(frozen=True)
class ResultCost:
    """A figure that is to be small, or large (`most`), as SQL."""

    field: str
    most: bool

    def __post_init__(self) -> None:
        if self.field not in (*FIGURES, *MACS):
            raise ValueError(f"{self.field!r} is not a figure")

    @property
    def sql(self) -> str:
        """The expression that is minimised."""
        return f"-{self.field}" if self.most else self.field


@dataclass(frozen=True)
class About:
    """What a sweep is about: its objectives, and the columns of axes that go together."""

    objectives: tuple[str, ...] = ()
    linked: tuple[tuple[str, ...], ...] = ()


StoredResult = tuple[StoreEntry, Mapping[str, float | int | None] | None, str | None]
"""An entry with its figures, or with its error."""


class Store:
    """An open store.

    Every method raises StoreError where the file cannot be read or written, and InvalidFile where it is damaged.
    """

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only
        self._db = open_to_read(path) if read_only else open_to_write(path)
        try:
            with guarded(path):
                columns = columns_of(self._db)
        except BaseException:
            self._db.close()
            raise
        self._complete = "results.complete" if "complete" in columns else "(results.status = 'ok')"

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._read_only:
            self._db.close()
        else:
            close_written(self._db)

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query.  A cursor that an error leaves unread would lock the file; it is closed here."""
        with guarded(self.path), closing(self._db.cursor()) as cursor:
            return cursor.execute(query, values).fetchall()

    def finished(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the status of the tasks that have a result, by key."""
        return self._of_keys("status", "results", keys)

    def layers(self, keys: Iterable[str]) -> dict[str, LayerSums]:
        """Return the outcomes of layers that are known, by key."""
        return {key: self._outcome(key, text) for key, text in self._of_keys("outcome", "layers", keys).items()}

    def _outcome(self, key: str, text: str) -> LayerSums:
        sums = self._mapping(text, f"layer {key}")
        if not all(_is_number(value) for value in sums.values()):
            raise damaged(self.path, f"the store is damaged: layer {key} is not made of numbers")
        return sums

    def _of_keys(self, column: str, table: str, keys: Iterable[str]) -> dict[str, str]:
        """A column of the rows that have these keys, some at a time as SQLite wants it."""
        wanted = list(keys)
        values: dict[str, str] = {}
        for begin in range(0, len(wanted), 500):
            part = wanted[begin : begin + 500]
            marks = ", ".join("?" * len(part))
            values |= dict(self._all(f"SELECT key, {column} FROM {table} WHERE key IN ({marks})", part))
        return values

    def describe(self, sweep: str, about: About) -> None:
        """Store what a sweep is about."""
        text = _text({"objectives": list(about.objectives), "linked": [list(group) for group in about.linked]})
        with guarded(self.path):
            self._db.execute("INSERT OR REPLACE INTO sweeps VALUES (?, ?)", (sweep, text))

    def about(self, sweep: str) -> About:
        """Return what a sweep is about; nothing where the store has no entry."""
        if not self._all("SELECT 1 FROM sqlite_master WHERE name = 'sweeps'"):
            return About()
        rows = self._all("SELECT about FROM sweeps WHERE name = ?", (sweep,))
        if not rows:
            return About()
        fields = self._mapping(rows[0][0], f"sweep {sweep}")
        try:
            linked = tuple(_words(group) for group in fields["linked"])
            return About(_words(fields["objectives"]), linked)
        except (KeyError, TypeError):
            raise damaged(self.path, f"the store is damaged: what it says of sweep {sweep} cannot be read") from None

    def join(self, sweep: str, stage: int, points: Iterable[tuple[int, str, str]]) -> None:
        """Store which results a stage of a sweep consists of: point, workload and key of each."""
        with guarded(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            rows = ((sweep, stage, *point) for point in points)
            self._db.executemany("INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?)", rows)
            self._db.execute("COMMIT")

    def add(self, results: Iterable[StoredResult], outcomes: Mapping[str, LayerSums]) -> None:
        """Keep results and outcomes of layers, by key: all of them or none."""
        kept = list(results)
        in_macs = any(figures is not None and figures.get(name) is not None for _, figures, _ in kept for name in MACS)
        columns = (*FIGURES, *MACS) if in_macs else FIGURES
        rows = [
            (
                entry.key, "ok" if error is None else "failed", int(error is None), error, entry.workload,
                entry.architecture, entry.fidelity, entry.objective, entry.batch, entry.seed, _text(dict(entry.axes)),
                *(_kept((figures or {}).get(name)) for name in columns),
            )
            for entry, figures, error in kept
        ]  # fmt: skip
        tasks = [(entry.key, _text(dict(entry.task))) for entry, *_ in kept]
        names = (*_NAMES, *columns)
        insert = f"INSERT OR REPLACE INTO results ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        with guarded(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                if in_macs:
                    add_macs(self._db)
                self._db.executemany(insert, rows)
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
        if keys is None:
            return list(self.each(sweep, stage))
        rows: list[dict[str, Any]] = []
        for begin in range(0, len(keys), 500):
            rows += self.each(sweep, stage, keys[begin : begin + 500])
        return sorted(rows, key=lambda row: (row["stage"], row["point"], row["workload"]))

    def each(
        self, sweep: str | None = None, stage: int | None = None, keys: Sequence[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the same rows one by one, so that they need no memory.  keys: at most 500."""
        with guarded(self.path):
            figures = self._figures()
            names = (*_NAMES, *figures)
            columns = ", ".join(self._complete if name == "complete" else f"results.{name}" for name in names)
            if sweep is None:
                cursor = self._db.execute(f"SELECT NULL, NULL, {columns} FROM results ORDER BY key")
            else:
                some = "" if keys is None else f" AND points.key IN ({', '.join('?' * len(keys))})"
                cursor = self._db.execute(
                    f"SELECT stage, point, {columns} FROM points JOIN results USING (key)"
                    f" WHERE points.sweep = ? AND (? IS NULL OR stage = ?){some}"
                    " ORDER BY stage, point, points.workload",
                    (sweep, stage, stage, *(keys or ())),
                )
            names = ("stage", "point", *names)
            with closing(cursor):  # a cursor that is not read to its end would lock the file
                for row in cursor:
                    yield self._record(dict(zip(names, row, strict=True)), sweep)

    def _record(self, record: dict[str, Any], sweep: str | None) -> dict[str, Any]:
        """A row with its axes.  Raises InvalidFile for values that this program does not write."""
        whole = (*_WHOLE, "stage", "point") if sweep is not None else _WHOLE
        kinds = (
            ({type(record[name]) for name in _TEXTS}, {str}),
            ({type(record["error"])}, {str, type(None)}),
            ({type(record[name]) for name in whole}, {int}),
            ({type(record[name]) for name in (*FIGURES, *MACS) if name in record}, {int, float, type(None)}),
        )
        if not all(present <= allowed for present, allowed in kinds):
            raise damaged(
                self.path, f"the store is damaged: the result {str(record['key'])[:10]} has values of other types"
            )
        axes = self._mapping(record["axes"], f"result {record['key'][:10]}")
        if not all(type(value) in (int, float, str, bool) for value in axes.values()):
            raise damaged(self.path, f"the store is damaged: the axes of the result {record['key'][:10]}")
        kept = {name: value for name, value in record.items() if value is not None or name not in MACS}
        return {**kept, "axes": axes}

    def _figures(self) -> tuple[str, ...]:
        """The columns of figures that the store has; it lacks those in MACs while it holds no such result."""
        present = columns_of(self._db)
        return (*FIGURES, *(name for name in MACS if name in present))

    def _lacks(self, costs: Sequence[ResultCost]) -> bool:
        """Whether no result has one of the figures."""
        with guarded(self.path):
            return not {cost.field for cost in costs} <= set(self._figures())

    def _json(self, text: Any, content: str) -> Any:
        try:
            return json.loads(text)
        except (TypeError, ValueError, RecursionError):
            raise damaged(self.path, f"the store is damaged: {content} cannot be read") from None

    def _mapping(self, text: Any, content: str) -> dict[str, Any]:
        value = self._json(text, content)
        if not isinstance(value, dict):
            raise damaged(self.path, f"the store is damaged: {content} cannot be read")
        return value

    def last_stage(self, sweep: str) -> tuple[int, bool]:
        """Return the number of the last stage of a sweep that has points, and whether each has a single network."""
        last = self._all("SELECT max(stage) FROM points WHERE sweep = ?", (sweep,))[0][0] or 0
        first = "SELECT point FROM points WHERE sweep = ? AND stage = ? LIMIT 1"
        networks = f"SELECT count(*) FROM points WHERE sweep = ? AND stage = ? AND point = ({first})"
        [(count,)] = self._all(networks, (sweep, last) * 2)
        return last, count <= 1

    def least(self, sweep: str, stage: int, cost: ResultCost, count: int) -> list[str]:
        """Return the keys of the results of single networks that cost the least, equal ones by point."""
        if self._lacks([cost]):
            return []
        keys = self._all(
            "SELECT key FROM results JOIN points USING (key) WHERE sweep = ? AND stage = ?"
            f" AND {cost.field} IS NOT NULL ORDER BY {cost.sql}, point LIMIT ?",
            (sweep, stage, count),
        )
        return [key for (key,) in keys]

    def unbeaten(self, sweep: str, stage: int, costs: Sequence[ResultCost]) -> list[tuple[str, tuple[float, ...]]]:
        """Return key and costs of few results of single networks, among which are all that no other one beats.

        The front of a sample leaves out most results while the table is read.
        """
        if self._lacks(costs):
            return []
        where = "sweep = ? AND stage = ?" + "".join(f" AND {cost.field} IS NOT NULL" for cost in costs)
        wanted = ", ".join(cost.sql for cost in costs)
        [(last,)] = self._all("SELECT max(point) FROM points WHERE sweep = ? AND stage = ?", (sweep, stage))
        if not isinstance(last, int | None):
            raise damaged(self.path, "the store is damaged: the number of a point is not a number")
        marks = ", ".join(str(number) for number in range(0, (last or 0) + 1, max(1, (last or 0) // SAMPLE)))
        sample = self._all(
            f"SELECT {wanted} FROM points JOIN results USING (key) WHERE {where} AND point IN ({marks})",
            (sweep, stage),
        )
        kept = [sample[at] for at in front([self._costs(values) for values in sample])][:REFERENCES]
        beaten = ["(" + " AND ".join(f"{cost.sql} > ?" for cost in costs) + ")" for _ in kept]
        more = f" AND NOT ({' OR '.join(beaten)})" if beaten else ""
        rows = self._all(
            f"SELECT key, {wanted} FROM results CROSS JOIN points USING (key) WHERE {where}{more} ORDER BY point",
            (sweep, stage, *(value for values in kept for value in values)),
        )
        return [(key, self._costs(values)) for key, *values in rows]

    def _costs(self, values: Sequence[Any]) -> tuple[float, ...]:
        if not all(_is_number(value) for value in values):
            raise damaged(self.path, "the store is damaged: a figure is not a number")
        return tuple(values)

    def task(self, key: str) -> dict[str, Any] | None:
        """Return what a task was made of, by its key or its beginning; None where no single one is found."""
        tasks = self._all("SELECT task FROM tasks WHERE substr(key, 1, length(?)) = ? LIMIT 2", (key, key))
        return self._mapping(tasks[0][0], f"task {key}") if len(tasks) == 1 else None

    def sweeps(self) -> list[str]:
        """The sweeps that have points here."""
        return [str(name) for (name,) in self._all("SELECT DISTINCT sweep FROM points ORDER BY sweep")]


def _words(values: Any) -> tuple[str, ...]:
    """A list of texts.  Raises TypeError for anything else."""
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(values)
    return tuple(values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kept(value: float | int | None) -> float | int | None:
    """A figure as SQLite can hold it: whole numbers of more than 63 bits as floats."""
    return float(value) if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63 else value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
