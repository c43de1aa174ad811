"""The store: complete, shared, and readable whatever happened to it."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.sweeps import database as room
from accelerator_sim.sweeps.database import StoreError
from accelerator_sim.sweeps.store import About, Store, StoreEntry

FIGURES = {"cycles": 12, "latency_s": 1.5e-3, "energy_j": 2.0}


def entry(key: str, workload: str = "net") -> StoreEntry:
    return StoreEntry(
        key, workload, "machine", "analytical", "latency", 1, 0, {"clock_hz": 1e6}, {"workload": workload}
    )


def test_what_is_kept_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    store.join("sweep", 0, [(0, "net", "k1"), (1, "net", "k2")])
    store.add([(entry("k1"), FIGURES, None), (entry("k2"), None, "too small")], {"l": {"cycles": 3.0}})
    first, second = store.rows("sweep")
    assert (first["point"], first["status"], first["cycles"], first["axes"]) == (0, "ok", 12, {"clock_hz": 1e6})
    assert isinstance(first["cycles"], int)
    assert (first["complete"], second["complete"]) == (1, 0)
    assert (second["status"], second["error"], second["cycles"]) == ("failed", "too small", None)
    assert store.finished(["k1", "k2", "k3"]) == {"k1": "ok", "k2": "failed"}
    assert store.layers(["l", "m"]) == {"l": {"cycles": 3.0}}
    assert store.task("k1") == {"workload": "net"}
    assert store.task("k") is None, "two keys begin so"
    assert store.sweeps() == ["sweep"]


def test_two_writers(tmp_path: Path) -> None:
    one, two = Store(tmp_path / "s.sqlite"), Store(tmp_path / "s.sqlite")
    for number in range(20):
        (one if number % 2 else two).add([(entry(f"k{number}"), FIGURES, None)], {"l": {"cycles": 3.0}})
    assert len(one.rows()) == len(two.rows()) == 20


def test_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PATIENCE_S", 0.1)
    store = Store(tmp_path / "s.sqlite")
    store.add([(entry("k1"), FIGURES, None)], {})
    other = sqlite3.connect(tmp_path / "s.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"s.sqlite: locked by another program for more than 0.1 s"):
        store.add([(entry("k2"), FIGURES, None)], {})
    other.execute("ROLLBACK")
    assert len(store.rows()) == 1
    store.add([(entry("k2"), FIGURES, None)], {})
    assert len(store.rows()) == 2


def test_full(tmp_path: Path) -> None:
    """SQLite answers as on a full disk when a store reaches its largest size."""
    store = Store(tmp_path / "s.sqlite")
    store._db.execute("PRAGMA max_page_count = 20")
    stored: list[str] = []

    def fill() -> None:
        for number in range(10_000):
            store.add([(entry(f"k{number}"), FIGURES, None)], {})
            stored.append(f"k{number}")

    with pytest.raises(StoreError, match="no space left on the disk; what was stored before is complete"):
        fill()
    store.close()
    again = Store(tmp_path / "s.sqlite")
    assert len(again.rows()) == len(stored) > 0


def test_whole_numbers_that_sqlite_cannot_hold(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        store.add([(entry("k"), {"macs": 1 << 70}, None)], {})
        assert store.rows()[0]["macs"] == float(1 << 70)


def test_what_a_sweep_is_about(tmp_path: Path) -> None:
    about = About(("latency_s", "area_mm2"), (("a", "b"),))
    with Store(tmp_path / "s.sqlite") as store:
        store.describe("sweep", about)
        assert store.about("sweep") == about
        assert store.about("other") == About()


def test_many_keys(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        keys = [f"k{number:04}" for number in range(1200)]
        store.add([(entry(key), FIGURES, None) for key in keys], {})
        store.join("sweep", 0, [(number, "net", key) for number, key in enumerate(keys)])
        assert [row["key"] for row in store.rows("sweep", 0, keys[::-1])] == keys


def text_file(place: Path) -> None:
    place.write_text("not a store at all, whatever its name says" * 10)


def foreign(place: Path) -> None:
    with closing(sqlite3.connect(place)) as db:
        db.execute("CREATE TABLE people (name TEXT)")
        db.execute("CREATE TABLE meta (name TEXT, value TEXT)")
        db.execute("INSERT INTO people VALUES ('Ada')")
        db.commit()


def another_format(place: Path) -> None:
    with Store(place) as store:
        store._db.execute("UPDATE meta SET value = 'accelerator-sim/sweep/9'")


BAD: list[tuple[Callable[[Path], None], str]] = [
    (text_file, "is not a store of sweeps: file is not a database"),
    (
        foreign,
        "is not a store of sweeps but the database of another program, with the tables meta, people; it was left",
    ),
    (another_format, "is a store of format 'accelerator-sim/sweep/9'"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
@pytest.mark.parametrize("read_only", [False, True])
def test_what_is_not_a_store_is_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None], message: str, read_only: bool
) -> None:
    place = tmp_path / "s.sqlite"
    make(place)
    before = place.read_bytes()
    with pytest.raises(InvalidFile, match=re.escape(message)):
        Store(place, read_only=read_only)
    assert place.read_bytes() == before
    assert list(tmp_path.iterdir()) == [place]


def test_an_empty_file_becomes_a_store_but_is_none(tmp_path: Path) -> None:
    place = tmp_path / "s.sqlite"
    place.touch()
    with pytest.raises(InvalidFile, match="file is not a database"):
        Store(place, read_only=True)
    Store(place).close()
    Store(place, read_only=True).close()


def test_a_reader_changes_nothing(tmp_path: Path) -> None:
    place = tmp_path / "s.sqlite"
    with Store(place) as store:
        store.add([(entry("k"), FIGURES, None)], {})
    before = place.read_bytes()
    with Store(place, read_only=True) as store:
        assert len(store.rows()) == 1
        with pytest.raises(StoreError, match="readonly"):
            store.add([(entry("l"), FIGURES, None)], {})
    assert place.read_bytes() == before
    assert list(tmp_path.iterdir()) == [place], "no log beside it"


def test_a_reader_beside_a_writer(tmp_path: Path) -> None:
    place = tmp_path / "s.sqlite"
    with Store(place) as writer:
        writer.add([(entry("k"), FIGURES, None)], {})
        with Store(place, read_only=True) as reader:
            assert len(reader.rows()) == 1
            writer.add([(entry("l"), FIGURES, None)], {})
            assert len(reader.rows()) == 2


def test_media_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that was left in the mode of writers, in a folder where SQLite cannot make the files that it wants."""
    place = tmp_path / "s.sqlite"
    with Store(place) as store:
        store.add([(entry("k"), FIGURES, None)], {})
    with closing(sqlite3.connect(place)) as db:
        db.execute("PRAGMA journal_mode = WAL")
    real = sqlite3.connect

    def connect(address: str, **more: Any) -> sqlite3.Connection:
        if "mode=ro" in address:
            raise sqlite3.OperationalError("unable to open database file")
        return real(address, **more)

    monkeypatch.setattr(sqlite3, "connect", connect)
    with Store(place, read_only=True) as store:
        assert len(store.rows()) == 1
    (tmp_path / "s.sqlite-wal").write_bytes(b"results")
    with pytest.raises(StoreError, match=r"its last results are in s\.sqlite-wal"):
        Store(place, read_only=True)


def test_a_store_of_the_former_format(tmp_path: Path) -> None:
    """Read as it is; brought up to date when it is written."""
    place = tmp_path / "s.sqlite"
    with Store(place) as store:
        store.join("sweep", 0, [(0, "net", "k"), (1, "net", "l")])
        store.add([(entry("k"), FIGURES, None), (entry("l"), None, "too small")], {})
        store._db.execute("ALTER TABLE results DROP COLUMN complete")
        store._db.execute("DROP TABLE sweeps")
        store._db.execute("UPDATE meta SET value = 'accelerator-sim/sweep/1'")
    before = place.read_bytes()
    with Store(place, read_only=True) as store:
        assert [row["complete"] for row in store.rows("sweep")] == [1, 0]
        assert store.about("sweep") == About()
    assert place.read_bytes() == before
    with Store(place) as store:
        assert [row["complete"] for row in store.rows("sweep")] == [1, 0]
        store.add([(entry("m"), FIGURES, None)], {})
    with Store(place, read_only=True) as store:
        assert len(store.rows()) == 3


DAMAGE = [
    ("UPDATE results SET axes = '{'", "the result k cannot be read"),
    ("UPDATE results SET axes = '[]'", "result k cannot be read"),
    ("UPDATE results SET axes = '{\"a\": []}'", "the axes of the result k"),
    ("UPDATE results SET cycles = 'many'", "the result k has values of other types"),
    ("UPDATE results SET workload = x'ff'", "the result k has values of other types"),
    ("UPDATE sweeps SET about = '{}'", "what it says of sweep sweep cannot be read"),
    ("UPDATE tasks SET task = '3'", "task k cannot be read"),
    ('UPDATE layers SET outcome = \'{"cycles": "3"}\'', "layer l is not made of numbers"),
    ("DROP TABLE layers", "no such table: layers"),
    ("ALTER TABLE results DROP COLUMN edp_js", "no such column: results.edp_js"),
]


@pytest.mark.parametrize(("change", "message"), DAMAGE)
def test_damage_is_reported(tmp_path: Path, change: str, message: str) -> None:
    place = tmp_path / "s.sqlite"
    with Store(place) as store:
        store.describe("sweep", About())
        store.join("sweep", 0, [(0, "net", "k")])
        store.add([(entry("k"), FIGURES, None)], {"l": {"cycles": 3.0}})
        store._db.execute(change)

    def read(store: Store) -> None:
        store.rows("sweep")
        store.about("sweep")
        store.task("k")
        store.layers(["l"])

    with Store(place, read_only=True) as store, pytest.raises(InvalidFile) as caught:
        read(store)
    assert message.removeprefix("the ") in str(caught.value)
    assert "damaged" in str(caught.value)


def test_a_pipe_is_not_a_store(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "s.sqlite")
    for read_only in (False, True):
        with pytest.raises(StoreError, match=r"s\.sqlite: is not a regular file"):
            Store(tmp_path / "s.sqlite", read_only=read_only)


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not the name of a file"):
        Store(tmp_path / "a\0b")
