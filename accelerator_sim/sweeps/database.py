"""The SQLite file of a store: what is in it, and how it is opened without harm to what is not a store.

Table `results` has one row per point and network, by the key of its task; table `layers` the outcome of each layer on
each machine, so that none is computed twice; table `points` which results a sweep consists of; table `tasks` how each
result is made again; table `sweeps` what each sweep is about.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from accelerator_sim.files.errors import AcceleratorSimError, InvalidFile, Problem
from accelerator_sim.files.paths import exists, is_file
from accelerator_sim.technology.energy_unit import EnergyUnit

FORMAT = "accelerator-sim/sweep/2"
OLDER = "accelerator-sim/sweep/1"
"""Without the column `complete` and the table `sweeps`; read as it is, and brought up to date before it is written."""
PATIENCE_S = 60.0
"""How long another writer is waited for."""
LONGEST_VALUE = 64 * 1024 * 1024
"""Bytes of a value that is read: a damaged file must not ask for more; the task of a large network has some KB."""
_MAGIC = b"SQLite format 3\0"

FIGURES = (
    "cycles", "latency_s", "inferences_per_s", "energy_j", "energy_dram_j", "energy_total_j", "edp_js",
    "inferences_per_j", "gops_per_w", "macs", "effectual_macs", "dram_bytes", "utilization", "pes", "macs_per_cycle",
    "glb_total", "memory_total", "area_kgates", "area_mm2",
)  # fmt: skip
"""Columns of results that are numbers."""
JOULES = ("energy_j", "energy_dram_j", "energy_total_j", "edp_js", "inferences_per_j", "gops_per_w")
"""Those that results of a normalised technology do not have."""
MACS = tuple(EnergyUnit.MAC.named(name) for name in JOULES[:4])
"""Their energies, in multiples of one MAC: columns that a store has once it holds such a result."""

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS results (
    key TEXT PRIMARY KEY, status TEXT NOT NULL, complete INTEGER NOT NULL, error TEXT, workload TEXT NOT NULL,
    architecture TEXT NOT NULL, fidelity TEXT NOT NULL, objective TEXT NOT NULL, batch INTEGER NOT NULL,
    seed INTEGER NOT NULL, axes TEXT NOT NULL, {", ".join(FIGURES)}
);
CREATE TABLE IF NOT EXISTS tasks (key TEXT PRIMARY KEY, task TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS layers (key TEXT PRIMARY KEY, outcome TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS points (
    sweep TEXT NOT NULL, stage INTEGER NOT NULL, point INTEGER NOT NULL, workload TEXT NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY (sweep, stage, point, workload)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS points_by_key ON points (key, sweep, stage);
CREATE TABLE IF NOT EXISTS sweeps (name TEXT PRIMARY KEY, about TEXT NOT NULL) WITHOUT ROWID;
"""


class StoreError(AcceleratorSimError):
    """The store cannot be used for now: locked for long, the disk full, the folder not writable."""


def damaged(path: Path, message: str) -> InvalidFile:
    """Return the error for a file that is not a store, or not a sound one."""
    return InvalidFile([Problem(str(path), None, None, "", message)])


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into StoreError, for what may pass, or InvalidFile, for what is wrong with the file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        reason = str(error)
        if "locked" in reason or "busy" in reason:
            raise StoreError(f"{path}: locked by another program for more than {PATIENCE_S:g} s") from None
        if "full" in reason:
            message = "no space left on the disk; what was stored before is complete"
            raise StoreError(f"{path}: {message}") from None
        if any(word in reason for word in ("unable to open", "readonly", "disk I/O")):
            raise StoreError(f"{path}: {reason}") from None
        raise damaged(path, f"the store is damaged: {reason}") from None
    except sqlite3.DataError as error:
        raise damaged(path, f"the store is damaged: {error}") from None
    except UnicodeError:  # in the text of an error, or the name of a table
        raise damaged(path, "the store is damaged: names in it are not text") from None
    except sqlite3.DatabaseError as error:
        raise damaged(path, f"is not a store of sweeps, or a damaged one: {error}") from None


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open a store, or make one.  Nothing is written into a file that is something else.

    Raises InvalidFile for another file or a damaged one, StoreError where it cannot be opened or is locked.
    """
    if "\0" in str(path):
        raise StoreError(f"{str(path)!r} is not the name of a file")
    if exists(path) and not (is_file(path) and path.stat().st_size == 0):
        open_to_read(path, made=False).close()
    with guarded(path):
        db = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
        try:
            _bring_up_to_date(db)
        except BaseException:
            db.close()
            raise
    return db


def _bring_up_to_date(db: sqlite3.Connection) -> None:
    """Make the tables that are not there."""
    _harden(db)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("BEGIN IMMEDIATE")  # so that two programs do not add a column at a time
    if _tables(db) and _format(db) == OLDER:
        db.execute("ALTER TABLE results ADD COLUMN complete INTEGER NOT NULL DEFAULT 0")
        db.execute("UPDATE results SET complete = status = 'ok'")
        db.execute("UPDATE meta SET value = ? WHERE name = 'format'", (FORMAT,))
    db.execute("COMMIT")
    db.executescript(_SCHEMA)
    db.execute("INSERT OR IGNORE INTO meta VALUES ('format', ?)", (FORMAT,))


def open_to_read(path: Path, made: bool = True) -> sqlite3.Connection:
    """Open a store so that nothing of it can change, also on media that cannot be written.

    made: whether a database without tables is refused.  Raises InvalidFile for another file or a damaged one, and
    StoreError where it cannot be opened.
    """
    try:
        if exists(path) and not is_file(path) and not path.is_dir():  # a pipe would wait for who writes into it
            raise StoreError(f"{path}: is not a regular file")
        with path.open("rb") as stream:
            beginning = stream.read(len(_MAGIC))
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror or error}") from None
    if beginning != _MAGIC:
        raise damaged(path, "is not a store of sweeps: file is not a database")
    with guarded(path):
        db = _connected(path)
        try:
            tables = _tables(db)
            if tables or made:
                stored_format = _format(db) if "meta" in tables else None
                if stored_format not in (FORMAT, OLDER):
                    raise damaged(path, _foreign(tables, stored_format))
        except BaseException:
            db.close()
            raise
    return db


def close_written(db: sqlite3.Connection) -> None:
    """Close a store, as one file that can be read anywhere, unless another program has it open."""
    with suppress(sqlite3.Error):
        db.execute("PRAGMA busy_timeout = 0")
        db.execute("PRAGMA journal_mode = DELETE")
    db.close()


def _connected(path: Path) -> sqlite3.Connection:
    """A connection that cannot write.  A medium that cannot be written has no writer to wait for."""
    address = path.absolute().as_uri()
    try:
        return _probed(f"{address}?mode=ro")
    except sqlite3.OperationalError as error:
        if not any(word in str(error) for word in ("unable to open", "readonly")):
            raise
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            message = f"its last results are in {log.name}, which is read only where files can be written; copy both"
            raise StoreError(f"{path}: {message}") from None
    return _probed(f"{address}?immutable=1")


def _probed(address: str) -> sqlite3.Connection:
    """A connection by which a first query was answered."""
    db = sqlite3.connect(address, uri=True, timeout=PATIENCE_S, isolation_level=None)
    try:
        _harden(db)
        _tables(db)
    except BaseException:
        db.close()
        raise
    return db


def _harden(db: sqlite3.Connection) -> None:
    """Do not trust what a file brings: its views and triggers call no functions, its values have a limit."""
    db.execute("PRAGMA trusted_schema = OFF")
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)


def _tables(db: sqlite3.Connection) -> list[str]:
    names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    return [str(name) for (name,) in names]


def columns_of(db: sqlite3.Connection) -> set[str]:
    """Return the names of the columns of the table `results`."""
    return {str(row[1]) for row in db.execute("PRAGMA table_info(results)").fetchall()}


def add_macs(db: sqlite3.Connection) -> None:
    """Add the columns `MACS` to the table `results`, where it lacks them, in the transaction that is open."""
    present = columns_of(db)
    for name in MACS:
        if name not in present:
            db.execute(f"ALTER TABLE results ADD COLUMN {name}")


def _format(db: sqlite3.Connection) -> str | None:
    """The format that the store declares.  None where it is the database of another program."""
    columns = {row[1] for row in db.execute("PRAGMA table_info(meta)").fetchall()}
    if not {"name", "value"} <= columns:
        return None
    rows = db.execute("SELECT value FROM meta WHERE name = 'format'").fetchall()
    return str(rows[0][0]) if rows else None


def _foreign(tables: list[str], stored_format: str | None) -> str:
    if stored_format is not None:
        return f"is a store of format {stored_format!r}; {FORMAT!r} is read"
    listed = ", ".join(tables[:5]) + ", ..." * (len(tables) > 5)
    description = (
        f"the database of another program, with the tables {listed}" if tables else "a database without tables"
    )
    return f"is not a store of sweeps but {description}; it was left as it is"
