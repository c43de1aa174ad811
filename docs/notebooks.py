"""The notebooks of the documentation: runs all, or some, and stores what they show now.

`python docs/notebooks.py [NAME.ipynb...]`.  Notes on standard error and the progress of calls that take long are not
stored.  A notebook that needs PyTorch is left out where there is none.  Each works in a folder of its own, which is
removed.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
PROGRESS = "<IPython.core.display.HTML object>"
"""The text of a progress bar."""
TIMEOUT_S = 600


def notebooks() -> list[Path]:
    """Return all notebooks."""
    return sorted(DOCS.glob("*.ipynb"))


def needs_torch(notebook: Any) -> bool:
    """Whether a notebook imports PyTorch."""
    return any("import torch" in cell.source for cell in notebook.cells)


def shown(cell: Any) -> list[Any]:
    """The outputs of a cell that are stored, as text and pictures that do not depend on the speed of a machine."""
    texts = [(output, output.get("data", {}).get("text/plain")) for output in cell.get("outputs", [])]
    return [output for output, text in texts if output.get("name") != "stderr" and text != PROGRESS]


def run(notebook: Any, folder: Path) -> None:
    """Run a notebook in a folder.  Raises CellExecutionError where a cell fails."""
    import nbclient

    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=TIMEOUT_S, kernel_name="python3", resources=resources).execute()


def main() -> None:
    """Run the notebooks that are named, or all, and store what they show."""
    import nbformat

    chosen = sys.argv[1:]
    for path in [path for path in notebooks() if path.name in chosen or not chosen]:
        notebook = nbformat.read(path, as_version=4)
        if needs_torch(notebook) and importlib.util.find_spec("torch") is None:
            print(f"{path.name}: left out, torch is not installed")
            continue
        with tempfile.TemporaryDirectory() as folder:
            run(notebook, Path(folder))
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.metadata = {}  # times of its run
                cell.outputs = shown(cell)
        nbformat.write(notebook, path)
        print(path.name)


if __name__ == "__main__":
    main()
