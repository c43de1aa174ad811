"""The history of figures, and the rule of 20%."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import history
from benchmarks.history import (
    COLUMNS,
    COMMANDS,
    HISTORY,
    HistoryEntry,
    HistoryError,
    append_history,
    broken_in,
    compared_row,
    fell,
    read_history,
    value_and_unit,
)

ENTRY = HistoryEntry("0.1.0", "2026-12-01", "a machine, of two cores", "`--help`, wall", 0.06, "s")
HEAD = ",".join(COLUMNS)


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    assert read_history(file) == []
    append_history(file, [ENTRY])
    append_history(file, [ENTRY, ENTRY])
    assert read_history(file) == [ENTRY] * 3
    assert file.read_text().count(HEAD) == 1


def test_the_history_of_the_project_can_be_read() -> None:
    assert all(entry.value > 0 for entry in read_history(HISTORY))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: the columns must be version,commit_date,machine,what,value,unit"),
        ("version,value\n", ":1: the columns must be"),
        (f"{HEAD}\n0.1.0,2026-12-01,m,w,1\n", ":2: 5 values; 6 are required"),
        (f"{HEAD}\n0.1.0,yesterday,m,w,1,s\n", ":2: Invalid isoformat string: 'yesterday'"),
        (f"{HEAD}\n0.1.0,,m,w,1,s\n0.1.0,,m,w,fast,s\n", ":3: could not convert string to float: 'fast'"),
        (f"{HEAD}\n0.1.0,,m,w,nan,s\n", ":2: value 'nan' is not a number"),
    ],
)
def test_a_broken_file_is_an_error_that_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "history.csv"
    file.write_text(text)
    with pytest.raises(HistoryError) as error:
        read_history(file)
    assert str(error.value).startswith(f"{file}{message}")
    with pytest.raises(HistoryError):
        append_history(file, [ENTRY])
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("measured", "figure"),
    [
        ("43 M/s", (43.0, "M/s")),
        ("44,206 M/s", (44206.0, "M/s")),
        ("1.83x", (1.83, "x")),
        ("0.06 s", (0.06, "s")),
        ("29.8 points/s", (29.8, "points/s")),
    ],
)
def test_figures_of_tables(measured: str, figure: tuple[float, str]) -> None:
    assert value_and_unit(measured) == figure


def test_a_figure_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="does not begin with a number"):
        value_and_unit("fast")


def test_a_fall_by_more_than_a_fifth_is_one() -> None:
    assert not fell(1.0, 1.0)
    assert not fell(1.0, 1.25)  # 0.8 of the speed
    assert fell(1.0, 1.26)
    assert not fell(2.0, 1.0)


def test_what_is_reported() -> None:
    pairs = {"same": (1.0, 1.1), "slower": (1.0, 2.0), "new": (None, 9.0), "gone": (1.0, None), "neither": (None, None)}
    assert broken_in(pairs) == ["slower", "gone"]
    verdicts = {name: compared_row(name, *pair)[-1] for name, pair in pairs.items()}
    assert verdicts == {
        "same": "",
        "slower": "FELL",
        "new": "not compared",
        "gone": "no longer runs",
        "neither": "not compared",
    }
    assert compared_row("map", 1.0, 0.5) == ("`map`", "1.000 s", "0.500 s", "2.00x", "")


def test_commands_are_compared_once() -> None:
    assert len(set(COMMANDS)) == len(COMMANDS)


@pytest.mark.parametrize(("now_s", "code"), [(1.2, 0), (1.3, 1)])
def test_the_exit_code_says_whether_a_figure_fell(monkeypatch: pytest.MonkeyPatch, now_s: float, code: int) -> None:
    @contextmanager
    def checked_out(revision: str) -> Iterator[Path]:
        yield Path(revision)

    monkeypatch.setattr(history, "checked_out", checked_out)
    monkeypatch.setattr(history, "seconds_in_turn", lambda command, folders: [1.0, now_s])
    monkeypatch.setattr("sys.argv", ["history", "--against", "earlier"])
    with pytest.raises(SystemExit) as ended:
        history.main()
    assert ended.value.code == code


def test_a_revision_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(history, "ROOT", tmp_path)  # no repository
    monkeypatch.setattr("sys.argv", ["history", "--against", "v9"])
    with pytest.raises(SystemExit, match="error: git worktree add"):
        history.main()
