"""Writes docs/objectives.md: what the search finds for published cases, beside the published mapping or energy.

Run by hand (`python docs/tables.py`, some minutes): every figure in that page is computed here.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from accelerator_sim.architecture.architecture import Architecture  # noqa: E402
from accelerator_sim.architecture.load import load_architecture  # noqa: E402
from accelerator_sim.energy.account import account  # noqa: E402
from accelerator_sim.files.vocabulary import Objective  # noqa: E402
from accelerator_sim.mapping.constraints import Constraints  # noqa: E402
from accelerator_sim.mapping.eyeriss_v1 import letters_of  # noqa: E402
from accelerator_sim.mapping.mapping import AXES, TILES  # noqa: E402
from accelerator_sim.mapping.search import find_mapping  # noqa: E402
from accelerator_sim.simulation.engines import estimate_of  # noqa: E402
from accelerator_sim.simulation.schedule import Schedule  # noqa: E402
from accelerator_sim.technology.actions import ActionEnergies, resolve_actions  # noqa: E402
from accelerator_sim.technology.technology import load_technology  # noqa: E402
from accelerator_sim.workload.layer import Density, Layer  # noqa: E402
from accelerator_sim.workload.network_loader import load_network  # noqa: E402
from tests.published.tables import compiler, fig10, read  # noqa: E402

HEAD = """# What each objective finds

Every figure on this page is computed by `docs/tables.py`. A mapping is written in the chip's letters (n, m, e, p, q,
r, t of JSSC 2017 Table III) where they can express it, otherwise by the factors above one on each axis, the tile of a
PE and what stays on chip.

"""


def machine(name: str) -> tuple[Architecture, ActionEnergies]:
    """An architecture and its energies."""
    architecture = load_architecture(name)
    return architecture, resolve_actions(load_technology(architecture.technology), architecture)


def words(schedule: Schedule) -> str:
    """A mapping in one line."""
    letters = letters_of(schedule)
    if letters is not None and schedule.mapping.stationary == "none":
        return " ".join(f"{name}={value}" for name, value in vars(letters).items())
    mapping = schedule.mapping
    axes = [
        f"{axis} " + "x".join(f"{d}{n}" for d, n in getattr(mapping, axis).as_dict().items())
        for axis in AXES
        if getattr(mapping, axis).used > 1
    ]
    tile = " ".join(f"{name}={getattr(mapping, name)}" for name in TILES if getattr(mapping, name) > 1)
    return f"{', '.join(axes)}; {tile}; keeps {mapping.stationary}"


def chip_rows(layer: Layer) -> list[str]:
    """The chip's rules and the free search of every objective, one row each."""
    architecture, actions = machine("eyeriss_v1")
    out = []
    cases: list[tuple[str, Objective, Constraints | None]] = []
    cases += [("the chip's rules, `dram`", Objective.DRAM, compiler())]
    cases += [(f"free, `{objective}`", objective, None) for objective in Objective]
    for name, objective, constraints in cases:
        found = find_mapping(layer, architecture, actions, objective, constraints)
        schedule = Schedule(found.problem, found.mapping)
        outcome = estimate_of(schedule)
        joules = account(outcome, actions, architecture)
        latency_ms, moved = outcome.timing.cycles / architecture.clock * 1e3, sum(outcome.counts.dram_bytes.values())
        out.append(
            f"| {layer.name} | {name} | {latency_ms:.2f} | {outcome.counts.active_pes} |"
            f" {moved / 1e6:.2f} | {joules.chip * 1e3:.2f} | {joules.dram * 1e3:.2f} |"
            f" {words(schedule)} |"
        )
    return out


def study_rows(row: dict[str, str], layer: Layer) -> list[str]:
    """The figure, the optimum with its q, and the free optimum."""
    architecture, actions = machine("isca16_256")
    parts = [float(row[part]) for part in ("alu", "dram", "glb", "array", "rf")]
    out = [f"| {layer.name} | figure | {sum(parts):.4g} | " + " | ".join(f"{p:.4g}" for p in parts) + " | |"]
    channels = (6, 7) if layer.name == "CONV2" else (int(row["q"]),)
    pinned = Constraints(channels_per_pe=channels, whole_filters=True, whole_rows=True)
    for name, constraints in ((f"q = {'/'.join(map(str, channels))}", pinned), ("free", None)):
        found = find_mapping(layer, architecture, actions, Objective.ENERGY, constraints)
        schedule = Schedule(found.problem, found.mapping)
        e = account(estimate_of(schedule), actions, architecture)
        ours = [e.mac, e.dram, e.glb, e.noc, e.spad]
        shares = " | ".join(f"{a / b - 1:+.1%}" for a, b in zip(ours, parts, strict=True))
        out.append(f"| | {name} | {sum(ours) / sum(parts) - 1:+.2%} | {shares} | {words(schedule)} |")
    return out


def main() -> None:
    """Write the page."""
    network = load_network("alexnet")
    text = HEAD + "## AlexNet on the Eyeriss v1 chip, batch 4\n\n"
    text += "Dense data, as the chip's compiler assumed; latency with off-chip transfers and configuration.\n\n"
    text += "| layer | rules, objective | ms | active PEs | DRAM MB | chip mJ | DRAM mJ | mapping |\n"
    text += "|---" * 8 + "|\n"
    layers = {layer.name: replace(layer, density=Density()) for layer in network.layers if layer.is_mac}
    for row in read("eyeriss_v1_alexnet.csv"):
        text += "\n".join(chip_rows(layers[row["layer"]].with_batch(4))) + "\n"
    text += "\n## ISCA 2016 Fig. 10, batch 16\n\n"
    text += "First line of each layer: the figure, in MAC energies. Then our optimum, relative to it.\n\n"
    text += "| layer | what | total | ALU | DRAM | GLB | array | RF | mapping |\n" + "|---" * 9 + "|\n"
    for row in fig10():
        text += "\n".join(study_rows(row, layers[row["layer"]].with_batch(16))) + "\n"
    (ROOT / "docs" / "objectives.md").write_text(text)


if __name__ == "__main__":
    main()
