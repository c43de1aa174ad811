"""Draws every kind of figure for the page of figures: into docs/_build/figures when the pages are built.

`python docs/figures.py FOLDER` draws them by hand.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import accelerator_sim as sim  # noqa: E402
from accelerator_sim.figure.canvas import dumps  # noqa: E402

NAMES = (
    "roofline", "energy", "waterfall", "stalls", "timeline", "links", "mapping_CONV1", "mapping_CONV2", "mapping_CONV3",
    "mapping_v2", "pareto", "parallel", "trend", "comparison",
)  # fmt: skip
"""The files that are drawn."""
AXES = {
    "clock": ["100 MHz", "200 MHz", "400 MHz"],
    "cluster_array.rows": [2, 4, 8, 16],
    "dram.bandwidth": ["1 GB/s", "3.2 GB/s", "12.8 GB/s"],
}


def drawn() -> Iterator[tuple[str, Any]]:
    """Yield each figure with the name of its file."""
    for machine in ("eyeriss_v2", "eyeriss_v1"):
        yield f"architecture_{machine}", sim.draw_architecture(machine)
    run = sim.simulate("mobilenet_v1_0.5_128_sparse")
    for kind in ("roofline", "energy", "waterfall", "stalls"):
        yield kind, run.figure(kind)
    yield "timeline", run.figure("timeline", cycles=(500, 1500))
    yield "links", run.figure("links", layer="CONV1")
    chip = sim.simulate("alexnet", "eyeriss_v1", mappings="eyeriss_v1_alexnet", layers=["CONV1", "CONV2", "CONV3"])
    for layer in ("CONV1", "CONV2", "CONV3"):
        yield f"mapping_{layer}", chip.figure("mapping", layer=layer)
    yield "mapping_v2", run.figure("mapping", layer="PW6")
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "clocks and clusters.sqlite"
        swept = sim.sweep(workloads="mobilenet_v1_0.5_128", axes=AXES, fidelity="analytical", store=store)
        yield "pareto", swept.figure("pareto", color="cluster_array.rows")
        yield "parallel", swept.figure("parallel")
        yield "trend", swept.figure("trend", x="cluster_array.rows")
    compared = sim.compare("mobilenet_v1_0.5_128", "eyeriss_v2", ["jetson_tx2_maxq", "jetson_nano_5w"])
    yield "comparison", compared.figure("energy")


def draw(folder: Path) -> None:
    """Write all figures into a folder, as SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in drawn():
        assert name in NAMES, f"{name} is not in NAMES"
        (folder / f"{name}.svg").write_bytes(dumps(figure, "svg"))


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
