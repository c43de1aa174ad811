"""Figures by version: benchmarks/history.csv, and whether a figure fell against an earlier version on this machine.

`make bench` with --write appends its figures.  `python -m benchmarks.history --against REVISION` runs whole commands of
an earlier version and of this one in turn, so that the machine cancels, and ends with exit code 1 where one takes more
than 1/0.8 of its time: where its speed fell by more than 20%.  Whole commands only: they are what a version promises,
while the modules inside may be others.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import date
from pathlib import Path

from accelerator_sim.version import __version__
from benchmarks.timing import ProcessFailed, machine, ours, run_process

ROOT = Path(__file__).resolve().parents[1]
HISTORY = Path(__file__).parent / "history.csv"
VERSION_FILE = "accelerator_sim/version.py"
LEAST_SPEED = 0.8
"""Of the earlier speed: a fall by more than 20% is reported.  Repeats differ by 5 to 10% on a busy machine."""
REPEATS = 3
COMMANDS = (
    "--help",
    "simulate mobilenet_v1_0.5_128_sparse",
    "simulate alexnet_sparse",
    "simulate resnet50",
    "simulate vgg16",
    "simulate mobilenet_v1_0.5_128 --fidelity analytical",
    "simulate mobilenet_v1_0.5_128_sparse --layer PW10 --verify",
    "map resnet50 --layer layer2.0.conv2",
    "compare alexnet --baseline jetson_tx2_maxq --fidelity analytical",
    "explain mobilenet_v1_0.5_128 --layer PW10",
    "validate jetson",
)


class HistoryError(Exception):
    """A history file or a revision that cannot be used; the text says where and why."""


@dataclass(frozen=True)
class HistoryEntry:
    """One figure of one version on one machine."""

    version: str
    commit_date: str
    """Of the commit that was measured, as 2026-12-01; empty outside a repository."""
    machine: str
    what: str
    value: float
    unit: str


COLUMNS = tuple(field.name for field in fields(HistoryEntry))


def read_history(path: Path) -> list[HistoryEntry]:
    """The figures of a history file, in its order; none where there is no file.

    Raises HistoryError, with the line, where it is not one.
    """
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    if not lines or tuple(lines[0]) != COLUMNS:
        raise HistoryError(f"{path}:1: the columns must be {','.join(COLUMNS)}")
    return [_entry(row, f"{path}:{number}") for number, row in enumerate(lines[1:], 2)]


def _entry(row: Sequence[str], place: str) -> HistoryEntry:
    if len(row) != len(COLUMNS):
        raise HistoryError(f"{place}: {len(row)} values; {len(COLUMNS)} are required: {','.join(COLUMNS)}")
    version, day, on, what, value, unit = row
    try:
        if day:
            date.fromisoformat(day)
        number = float(value)
    except ValueError as error:
        raise HistoryError(f"{place}: {error}") from None
    if not math.isfinite(number):
        raise HistoryError(f"{place}: value {value!r} is not a number")
    return HistoryEntry(version, day, on, what, number, unit)


def append_history(path: Path, entries: Iterable[HistoryEntry]) -> None:
    """Append figures to a history file, which is made if it is not there.  Raises HistoryError where it is broken."""
    new = not path.exists()
    read_history(path)
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows(([COLUMNS] if new else []) + [astuple(entry) for entry in entries])


def value_and_unit(measured: str) -> tuple[float, str]:
    """The number and the unit of a figure in a table, as (43.0, "M/s") of "43 M/s".

    Raises ValueError where it does not begin with a number.
    """
    found = re.fullmatch(r"([\d,]*\.?\d+) ?(.*)", measured)
    if found is None:
        raise ValueError(f"{measured!r} does not begin with a number")
    return float(found[1].replace(",", "")), found[2]


def record(rows: Iterable[tuple[str, str]]) -> None:
    """With --write, append rows (what, measured) of a table to the history."""
    if "--write" in sys.argv[1:]:
        day = git("log", "-1", "--format=%cs") if (ROOT / ".git").exists() else ""
        figures = [(what, *value_and_unit(measured)) for what, measured in rows]
        append_history(HISTORY, [HistoryEntry(__version__, day, machine(), *figure) for figure in figures])


def git(*words: str) -> str:
    """What git prints.  Raises HistoryError with what it says where it fails."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HistoryError(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


def last_release() -> str:
    """The last tag, or where nothing is tagged the commit that last wrote the file of the version.

    Raises HistoryError outside a repository.
    """
    try:
        return git("describe", "--tags", "--abbrev=0")
    except HistoryError:
        return git("log", "-1", "--format=%h", "--", VERSION_FILE)


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A folder with an earlier revision, which goes away at the end.  Raises HistoryError where there is none."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "earlier")
        git("worktree", "add", "--detach", str(folder), revision)
        try:
            yield folder
        finally:
            git("worktree", "remove", "--force", str(folder))


def environment(folder: Path) -> dict[str, str]:
    """Environment of the program in a folder: its own sources, their bytecode kept, kernels in a cache of its own."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    own = {} if folder == ROOT else {"NUMBA_CACHE_DIR": str(folder / "kernel_cache")}
    return kept | {"PYTHONPATH": str(folder)} | own


def seconds_in_turn(command: str, folders: Sequence[Path]) -> list[float | None]:
    """Least CPU seconds of a command in each folder, run in turn; None where a version has no such command."""
    taken: dict[Path, list[float]] = {folder: [] for folder in folders}
    failed = set[Path]()
    for turn in range(REPEATS + 1):  # the first one fills the caches
        for folder in folders:
            if folder not in failed:
                try:
                    run = run_process(ours(*command.split()), folder, environment(folder))
                except ProcessFailed:
                    failed.add(folder)
                else:
                    taken[folder] += [run.cpu_s] if turn else []
    return [None if folder in failed else min(taken[folder]) for folder in folders]


def fell(earlier_s: float, now_s: float) -> bool:
    """Whether a speed fell by more than 20%.

    earlier_s, now_s: seconds for the same work.
    """
    return earlier_s < LEAST_SPEED * now_s


def compared_row(command: str, earlier_s: float | None, now_s: float | None) -> tuple[str, ...]:
    """A row of the table: command, both times, speed now over the earlier one, verdict."""
    times = ["none" if seconds is None else f"{seconds:.3f} s" for seconds in (earlier_s, now_s)]
    if earlier_s is None or now_s is None:
        return f"`{command}`", *times, "", "no longer runs" if earlier_s is not None else "not compared"
    return f"`{command}`", *times, f"{earlier_s / now_s:.2f}x", "FELL" if fell(earlier_s, now_s) else ""


def broken_in(pairs: Mapping[str, Sequence[float | None]]) -> list[str]:
    """The commands whose speed fell by more than 20%, or which fail now and did not before.

    pairs: seconds of the earlier version and of this one, by command.
    """
    found = []
    for command, (earlier_s, now_s) in pairs.items():
        if earlier_s is not None and (now_s is None or fell(earlier_s, now_s)):
            found.append(command)
    return found


def main() -> None:
    """Compare with an earlier version; exit code 1 where a figure fell."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.history", description="Speed against an earlier version."
    )
    parser.add_argument("--against", metavar="REVISION", help="default: the last release")
    asked = parser.parse_args().against
    pairs = {}
    try:
        revision = asked or last_release()
        with checked_out(revision) as folder:
            print(f"CPU seconds, least of {REPEATS}, {revision} and this version in turn; {machine()}", flush=True)
            for command in COMMANDS:
                pairs[command] = seconds_in_turn(command, (folder, ROOT))
                print(*compared_row(command, *pairs[command]), sep="\t", flush=True)
    except HistoryError as error:
        sys.exit(f"error: {error}")
    broken = broken_in(pairs)
    print(f"fell by more than 20%: {', '.join(broken)}" if broken else "nothing fell by more than 20%")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
