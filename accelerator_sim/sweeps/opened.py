"""The results of a sweep as Python has them: all its rows, its best points and its front, from its store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

from accelerator_sim.files.errors import AcceleratorSimError, UsageError
from accelerator_sim.files.paths import is_file
from accelerator_sim.results.shown import Drawn, ShownInPython
from accelerator_sim.results.tabular import Row, Tabular
from accelerator_sim.sweeps.records import Goal, best_in, each_point, flat, front_in, goal_of
from accelerator_sim.sweeps.spec import SweepPlan
from accelerator_sim.sweeps.store import About, Store
from accelerator_sim.sweeps.sweep_run import Summary


@dataclass(frozen=True, repr=False)
class SweepRecords(ShownInPython, Tabular, Sequence[Row]):
    """Some points of a sweep, in an order: rows with a column for each axis and each figure."""

    records: tuple[Row, ...]
    goals: tuple[Goal, ...]
    """What they were chosen by."""
    linked: tuple[tuple[str, ...], ...] = ()
    """Columns of axes that go together."""

    def rows(self) -> list[Row]:
        """Return the rows, with a column for each axis."""
        return [flat(row) for row in self.records]

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        return self.rows()[at]


@dataclass(frozen=True, repr=False)
class Sweep(Drawn, Tabular):
    """A sweep in its store: a row for each stage, point and network.

    store: the SQLite file; name: under which its points are in it; about: its objectives, and axes that go together;
    plan, summary: what was swept and what came of it, None for one that was opened.
    """

    store: Path
    name: str
    about: About
    plan: SweepPlan | None = None
    summary: Summary | None = None

    @classmethod
    def open(cls, store: str | Path, name: str = "") -> Sweep:
        """Return a sweep that is in a store.

        store: the SQLite file; name: its name or the beginning of it, needed where the store has several.

        Raises UsageError where there is no such file or sweep, or several sweeps begin with the name; InvalidFile for a
        file that is not a store of this version; StoreError for one that cannot be read.
        """
        path = Path(store)
        if not is_file(path):
            raise UsageError(f"{path}: no such store")
        with Store(path, read_only=True) as opened:
            names = opened.sweeps()
            matches = [each for each in names if each.startswith(name)]
            if len(matches) != 1:
                asked = f"{len(matches)} sweeps begin with {name!r}" if name else f"{len(matches)} sweeps are in it"
                raise UsageError(f"{path}: {asked}; it has {', '.join(names) or 'none'}")
            return cls(path, matches[0], opened.about(matches[0]))

    def iter_rows(self) -> Iterator[Row]:
        """Yield the rows one by one, so that they need no memory."""
        with self._opened() as opened:
            yield from map(flat, opened.each(self.name))

    def rows(self) -> list[Row]:
        """Return the rows: stage, point, workload, axes in SI units, status, figures."""
        return list(self.iter_rows())

    def stored_rows(self) -> list[Row]:
        """Return the rows as they are stored, axes in a mapping `axes`."""
        with self._opened() as opened:
            return list(opened.each(self.name))

    def last_rows(self) -> list[Row]:
        """Return the rows of the last stage as they are stored, one for each point and network."""
        with self._opened() as opened:
            stage, _ = opened.last_stage(self.name)
            return list(opened.each(self.name, stage))

    def points(self) -> list[Row]:
        """Return a record for each point of the last stage, its networks joined, axes in a mapping `axes`."""
        with self._opened() as opened:
            stage, _ = opened.last_stage(self.name)
            return list(each_point(opened.each(self.name, stage)))

    def front(self, *objectives: str) -> SweepRecords:
        """Return the points that no other one beats.

        objectives: figures that are to be small, "-" before those that are to be large instead; those of the sweep for
        none.  Raises UsageError for an unknown figure.
        """
        goals = self.goals(*objectives)
        with self._opened() as opened:
            return SweepRecords(tuple(front_in(opened, self.name, goals)), tuple(goals), self.about.linked)

    def best(self, by: str | None = None, n: int = 10) -> SweepRecords:
        """Return the best points by one figure, the best first.

        by: the figure ("-" before it for the other direction), the first objective of the sweep for None; n: how many.
        Raises UsageError for an unknown figure, and for n that is not at least 1.
        """
        if not isinstance(n, int) or n < 1:
            raise UsageError(f"n is {n!r}; a whole number of at least 1 is required")
        goal = self.goals(*([by] if by else []))[0]
        with self._opened() as opened:
            return SweepRecords(tuple(best_in(opened, self.name, goal, n)), (goal,), self.about.linked)

    def goals(self, *objectives: str) -> list[Goal]:
        """Return what is asked to be small or large; the objectives of the sweep for none.

        objectives: names of figures.  Raises UsageError for an unknown one.
        """
        try:
            return [goal_of(word) for word in objectives or self.about.objectives or ("latency", "energy_total")]
        except (ValueError, AttributeError) as error:
            raise UsageError(str(error)) from None

    def to_xarray(self) -> Any:
        """Return the points of the last stage as an xarray.Dataset: a dimension for each axis, a variable each figure.

        Axes that go together are one dimension, of which the first gives the values; where points are missing there is
        not-a-number.  Raises AcceleratorSimError where xarray is not installed, and UsageError where several points
        have the same values.
        """
        try:
            import pandas
            import xarray
        except ImportError:
            raise AcceleratorSimError("xarray is not installed; install it with: pip install xarray") from None
        with self._opened() as opened:
            stage, _ = opened.last_stage(self.name)
            records = [(row, flat(row)) for row in each_point(opened.each(self.name, stage))]
        second = {column for group in self.about.linked for column in group[1:]}
        axes = [name for name in (records[0][0]["axes"] if records else {}) if name not in second]
        kept = [
            name for name in _numbers([row for _, row in records]) if name not in (*axes, *second, "stage", "point")
        ]
        frame = pandas.DataFrame([row for _, row in records], columns=[*axes, *kept])
        if not axes or frame.duplicated(axes).any():
            raise UsageError(f"{self.store}: points of the sweep do not differ in its axes; use to_pandas()")
        return xarray.Dataset.from_dataframe(frame.set_index(axes))

    def _opened(self) -> Store:
        return Store(self.store, read_only=True)


def _numbers(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Columns that hold numbers."""
    return [
        name
        for name in (rows[0] if rows else ())
        if any(isinstance(row[name], int | float) for row in rows)
        and all(isinstance(row[name], int | float | None) for row in rows)
    ]
