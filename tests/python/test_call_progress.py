"""Progress of calls from Python: a function, a bar in a notebook, a bar on a terminal, or nothing."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import accelerator_sim
from accelerator_sim.files.errors import UsageError
from accelerator_sim.python import call_progress
from accelerator_sim.python.call_progress import progress_of


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_progress, "PATIENCE_S", 0.0)
    monkeypatch.setattr(call_progress, "INTERVAL_S", 0.0)


class Notebook:
    """What a notebook has shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        display = SimpleNamespace(HTML=str, display=self.display)
        self.module = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=1), display=display)

    def display(self, text: str, display_id: bool) -> Any:
        assert display_id
        self.shown.append(text)
        return SimpleNamespace(update=self.shown.append)


def test_a_function_is_called() -> None:
    told: list[tuple[int, int, str]] = []
    accelerator_sim.simulate("alexnet", fidelity="analytical", layers="FC*", progress=lambda *state: told.append(state))
    assert told[0][:2] == (0, 3)
    assert told[-1][:2] == (3, 3)


def test_a_bar_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook()
    monkeypatch.setitem(sys.modules, "IPython", notebook.module)  # type: ignore[arg-type]
    with progress_of(True) as shown:
        shown(1, 4, "<b>")
    assert notebook.shown[1] == '<progress value="1" max="4"></progress> <code>1/4 layers, &lt;b&gt;</code>'
    assert notebook.shown[-1] == ""


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setitem(sys.modules, "IPython", None)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress_of(True, "results") as shown:
        shown(1, 4, "[bold]x")
        shown(2, 4, "[bold]x")
    assert "2/4 results, [bold]x" in terminal.getvalue()


def test_nothing_is_shown_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    for wanted in (True, False):
        with progress_of(wanted) as shown:
            shown(1, 4, "a")
    assert capsys.readouterr() == ("", "")


def test_anything_else_is_refused() -> None:
    with pytest.raises(UsageError, match="progress is 'yes'; True, False or a function"):
        progress_of("yes")
