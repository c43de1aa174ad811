"""The notebooks of the documentation run, and show what they showed when they were written."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from docs import notebooks


def shown(notebook: Any) -> list[str]:
    """The text of all outputs but notes and the progress of calls that take long."""
    outputs = [output for cell in notebook.cells for output in notebooks.shown(cell)]
    return [output.get("text") or output.get("data", {}).get("text/plain") for output in outputs]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of the notebook's own machinery
@pytest.mark.parametrize("path", notebooks.notebooks(), ids=lambda path: path.stem)
def test_a_notebook(path: Path, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("pandas")
    written = nbformat.read(path, as_version=4)
    if notebooks.needs_torch(written):
        pytest.importorskip("torch")
    again = nbformat.read(path, as_version=4)
    notebooks.run(again, tmp_path)
    assert shown(again) == shown(written)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of the notebook's own machinery
def test_workers_in_a_notebook() -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    code = "import accelerator_sim as sim\nprint(*(sim.simulate('lstm_arnet', jobs=j).totals == one for j in (1, 2)))"
    cells = [
        nbformat.v4.new_code_cell("import accelerator_sim as sim\none = sim.simulate('lstm_arnet').totals"),
        nbformat.v4.new_code_cell(code),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    assert shown(notebook) == ["True True\n"]


@pytest.mark.slow
def test_a_sweep_that_is_killed_goes_on(tmp_path: Path) -> None:
    """The cells up to the sweep of 2,000 points, killed while it runs, and run once more."""
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("pandas")
    cells = [
        cell
        for cell in nbformat.read(notebooks.DOCS / "design_space.ipynb", as_version=4).cells
        if cell.cell_type == "code"
    ]
    last = next(number for number, cell in enumerate(cells) if "sim.sweep(" in cell.source)
    code = "\n".join(cell.source for cell in cells[: last + 1])
    program = tmp_path / "cells.py"
    program.write_text(f"if __name__ == '__main__':\n{textwrap.indent(code, '    ')}\n    print(swept.summary)\n")
    command, store = [sys.executable, str(program)], tmp_path / "design_space.sqlite"
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while results_in(store) < 100:
            assert running.poll() is None, "the sweep ended before it could be killed"
            time.sleep(0.05)
        running.kill()
    kept = results_in(store)
    assert 100 <= kept < 2000
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f"computed={2000 - kept}, present={kept}," in again.stdout
    assert results_in(store) == 2000


def results_in(store: Path) -> int:
    """Rows of a store, 0 before there is one."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as opened:
            return int(opened.execute("SELECT count(*) FROM results").fetchone()[0])
    except sqlite3.OperationalError:  # not there, or without its table as yet
        return 0
