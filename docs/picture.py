"""Writes docs/report.png: the charts in the page of `simulate --report`, from a real run, as a browser shows it.

Run by hand (`python docs/picture.py`) when pages or figures change; it needs Chromium.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORKLOAD = "mobilenet_v1_0.5_128_sparse"
WIDTH, HEIGHT = 1480, 928
"""Pixels: the three charts of the layers, beside each other."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip


ONLY = "<style>header nav, #theme, #summary, #layers .hint { display: none }</style></head>"
"""Leaves the title and the charts of the layers."""


def main() -> None:
    """Simulate, write the page, and take its picture."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"none of {', '.join(BROWSERS)} was found")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        words = ["simulate", WORKLOAD, "--report", str(page), "-o", str(Path(folder) / "result.json")]
        subprocess.run([sys.executable, "-m", "accelerator_sim", *words], cwd=ROOT, check=True)
        page.write_text(page.read_text().replace("</head>", ONLY, 1))
        shot = [f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={ROOT / 'docs' / 'report.png'}"]
        subprocess.run([browser, *QUIET, f"--user-data-dir={folder}/profile", *shot, page.as_uri()], check=True)


if __name__ == "__main__":
    main()
