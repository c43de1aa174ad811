"""Formats, files, and progress."""

import io
import sys
from pathlib import Path

import click
import pytest

from accelerator_sim.cli import output, progress
from accelerator_sim.cli.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("asked", "file", "terminal", "form"),
    [
        (None, None, True, "table"), (None, None, False, "tsv"), ("json", None, True, "json"),
        (None, "x.json", True, "json"), (None, "x.CSV", False, "csv"), (None, "x", True, "tsv"),
        ("table", "x.json", False, "table"),
    ],
)  # fmt: skip
def test_format(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, file: str | None, terminal: bool, form: str
) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal() if terminal else io.StringIO())
    assert output.pick_format(asked, Path(file) if file else None) == form


def test_a_file_keeps_its_mode_and_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")
    path.chmod(0o640)
    output.write("new\n", path)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new\n", 0o640)
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.json"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    output.write("new", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_outputs_are_checked_before_a_run(tmp_path: Path) -> None:
    output.check_outputs([tmp_path / "new", None], [])
    with pytest.raises(click.UsageError, match="it is a folder"):
        output.check_outputs([tmp_path], [])


def progress_text(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> str:
    clock = iter(range(0, 100, 2))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sys, "stderr", stream)
    with ProgressLine() as line:
        for done in range(6):
            line(done, 6, f"layer{done}")
    return stream.getvalue()


def test_progress_on_a_terminal_renews_a_line_and_clears_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = progress_text(monkeypatch, Terminal())
    assert "\n" not in text
    assert "5/6 layers, layer5" in text
    assert text.endswith("\r\x1b[K")


def test_progress_elsewhere_is_a_line_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert progress_text(monkeypatch, io.StringIO()) == "2/6 layers, layer2\n5/6 layers, layer5\n"


def test_short_runs_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with ProgressLine() as line:
        line(0, 3, "a")
    assert stream.getvalue() == ""
