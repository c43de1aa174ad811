"""A store of a million results is read and exported in a bounded memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelerator_sim.sweeps.database import FIGURES
from accelerator_sim.sweeps.store import About, Store
from tests.memory import peak_of

ROWS = 1_000_000
LARGEST_KIB = 1 << 20
"""1 GiB."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store, filled by SQLite itself."""
    place = tmp_path_factory.mktemp("large") / "s.sqlite"
    figures = ", ".join(f"(n * {at + 7919}) % 1000003 / 3.0" for at, _ in enumerate(FIGURES))
    numbers = f"WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS - 1})"
    with Store(place) as store:
        store.describe("big", About(("latency_s", "energy_total_j")))
        store._db.execute(
            f"{numbers} INSERT INTO results SELECT printf('%032x', n), 'ok', 1, NULL, 'net', 'machine', 'event',"
            f" 'latency', 1, 0, json_object('clock_hz', 1e6 * n, 'pe_cluster.rows', n % 16), {figures} FROM numbers"
        )
        store._db.execute(f"{numbers} INSERT INTO points SELECT 'big', 0, n, 'net', printf('%032x', n) FROM numbers")
    return place


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [("export", "-o", "x.csv"), ("export", "-o", "x.json"), ("best", "-n", "3"), ("front", "--format", "csv")]
)
def test_a_million_results(place: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    command = ["-m", "accelerator_sim", "sweep", words[0], str(place), *words[1:]]
    status, peak, _, error = peak_of(command, tmp_path)
    assert status == 0, error
    assert peak < LARGEST_KIB
    if words[-1] == "x.csv":
        with (tmp_path / "x.csv").open("rb") as lines:
            assert sum(1 for _ in lines) == ROWS + 1
