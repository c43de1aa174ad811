"""Writes the figures of docs/dataflows.md, between its two comments.

Run by hand (`python docs/dataflows.py`, about a minute).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from accelerator_sim.comparison.dataflow_comparison import FlowResult, compare_dataflows, storage  # noqa: E402
from accelerator_sim.dataflow.rules import DATAFLOWS  # noqa: E402
from accelerator_sim.files.vocabulary import Objective  # noqa: E402
from accelerator_sim.run.options import Options  # noqa: E402
from accelerator_sim.technology.machine_file import load_machine  # noqa: E402
from accelerator_sim.workload.network_loader import load_network  # noqa: E402

PAGE = Path(__file__).parent / "dataflows.md"
BEGIN, END = "<!-- written by docs/dataflows.py -->\n", "<!-- end -->"
NAMES = ("rs", "ws", "os_a", "os_b", "os_c", "nlr", "is")
BATCHES = (1, 16, 64)

Results = dict[str, FlowResult]


def results(batch: int) -> Results:
    """AlexNet under all dataflows on the same storage area."""
    flows = [DATAFLOWS[name] for name in NAMES]
    found = compare_dataflows(
        load_network("alexnet"), load_machine("isca16_256"), flows, Options(Objective.ENERGY, batch), True
    )
    return {result.flow.name: result for result in found.results}


def part(of: Results, kind: str) -> Results:
    """The layers of a kind."""
    return {
        name: replace(r, layers=tuple(x for x in r.layers if x.layer.name.startswith(kind))) for name, r in of.items()
    }


def table(headings: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def levels(of: Results) -> str:
    """Energy of one MAC by level and by data type."""
    rows = []
    for name, r in of.items():
        parts, unit = r.energy, r.macs
        cells = [parts.mac, parts.spad, parts.noc, parts.glb, parts.dram, parts.total]
        cells += [r.by_tensor[t] for t in ("iact", "weight", "psum")]
        total = of["rs"].energy.total / of["rs"].macs * r.macs
        rows.append([name, *(f"{energy / unit:.3f}" for energy in cells), f"{parts.total / total:.2f}"])
    return table(["", "ALU", "RF", "array", "GLB", "DRAM", "total", "iact", "weight", "psum", "over RS"], rows)


def rest(of: Results) -> str:
    """Storage, traffic and time."""
    rows = []
    for name, r in of.items():
        size = storage(r, True)
        cells = [f"{size['spad_bytes_per_pe']:.0f} B", f"{size['glb_bytes'] / 1e3:.0f} kB"]
        cells += [f"{r.dram_words / r.macs:.4f}", f"{100 * (r.utilization or 0.0):.0f}%"]
        rows.append([name, *cells, f"{r.edp / of['rs'].edp:.2f}"])
    return table(["", "RF of a PE", "GLB", "DRAM accesses per MAC", "utilization", "EDP over RS"], rows)


def main() -> None:
    """Write the page."""
    every = {batch: results(batch) for batch in BATCHES}
    text = "CONV layers, batch 16; energies of one MAC, in multiples of it:\n\n"
    text += levels(part(every[16], "CONV")) + "\n" + rest(part(every[16], "CONV"))
    text += "\nFC layers, batch 16:\n\n" + levels(part(every[16], "FC")) + "\n"
    rows = []
    for kind in ("CONV", "FC"):
        for batch in BATCHES:
            of = part(every[batch], kind)
            rs = of["rs"].energy.total
            rows.append([kind, str(batch), *(f"{of[name].energy.total / rs:.2f}" for name in NAMES[1:])])
    text += "Energy over that of RS:\n\n" + table(["layers", "batch", *NAMES[1:]], rows)
    page = PAGE.read_text()
    head, tail = page.split(BEGIN)[0], page.split(END, 1)[1]
    PAGE.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}")


if __name__ == "__main__":
    main()
