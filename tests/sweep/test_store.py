"""The store: complete, shared, and readable whatever happened to it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from accelerator_sim.sweep import store as room
from accelerator_sim.sweep.store import Entry, Store, StoreError

FIGURES = {"cycles": 12, "latency_s": 1.5e-3, "energy_j": 2.0}


def entry(key: str, workload: str = "net") -> Entry:
    return Entry(key, workload, "machine", "analytical", "latency", 1, 0, {"clock": "1 MHz"}, {"workload": workload})


def test_what_is_kept_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    store.join("sweep", 0, [(0, "net", "k1"), (1, "net", "k2")])
    store.add([(entry("k1"), FIGURES, None), (entry("k2"), None, "too small")], {"l": {"cycles": 3.0}})
    first, second = store.rows("sweep")
    assert (first["point"], first["status"], first["cycles"], first["axes"]) == (0, "ok", 12, {"clock": "1 MHz"})
    assert isinstance(first["cycles"], int)
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


def test_no_store(tmp_path: Path) -> None:
    (tmp_path / "s.sqlite").write_text("not a store at all, whatever its name says" * 10)
    with pytest.raises(StoreError, match=r"s.sqlite: is not a store of sweeps: file is not a database"):
        Store(tmp_path / "s.sqlite")


def test_another_format(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    store._db.execute("UPDATE meta SET value = 'accelerator-sim/sweep/9'")
    store.close()
    with pytest.raises(StoreError, match="is a store of format 'accelerator-sim/sweep/9'"):
        Store(tmp_path / "s.sqlite")
