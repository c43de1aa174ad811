"""The notebooks of the documentation run, and show what they showed when they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


def shown(notebook: Any) -> list[str]:
    """The text of all outputs but progress and notes."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    texts = [output.get("text") or output.get("data", {}).get("text/plain") for output in outputs]
    return [text for text, output in zip(texts, outputs, strict=True) if output.get("name") != "stderr"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of the notebook's own machinery
@pytest.mark.parametrize("path", sorted(DOCS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook(path: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("pandas")
    written = nbformat.read(path, as_version=4)
    again = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(DOCS)}}
    nbclient.NotebookClient(again, timeout=600, kernel_name="python3", resources=resources).execute()
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
