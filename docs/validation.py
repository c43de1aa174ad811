"""Writes docs/validation.md: the scorecard, its sensitivity to assumptions, and what the search finds beyond.

Run by hand (`python docs/validation.py`, some minutes): every figure in that page is computed here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from accelerator_sim.report.scorecard import markdown  # noqa: E402
from accelerator_sim.results.accounted_run import AccountedRun  # noqa: E402
from accelerator_sim.technology.machine_file import load_machine  # noqa: E402
from accelerator_sim.validation.estimate_error import estimate_error, estimates_markdown  # noqa: E402
from accelerator_sim.validation.publications import Case, load_publications  # noqa: E402
from accelerator_sim.validation.quantities import QUANTITIES  # noqa: E402
from accelerator_sim.validation.validate import evaluate, run_case, run_cases  # noqa: E402
from accelerator_sim.workload.network import Network  # noqa: E402
from accelerator_sim.workload.network_loader import load_network  # noqa: E402

HEAD = """# How accurate it is

`accelerator-sim validate` runs every published figure that comes with the program and prints published, ours, error and
tolerance, misses first. This page is its output, written by `docs/validation.py`.

Technology tables are fitted to the few figures marked *fitted* (`calibration/fit.py`); figures marked *input* gave part
of their case: the mappings of VGG-16 on the v1 chip were recovered from its GLB accesses, DRAM accesses and active
PEs; figures marked *construction* follow from their case alone, such as the PEs that a given mapping uses. None of
these count. Everything else is prediction: parameters are the same for all layers and networks. How each figure was
read: *printed* in the publication; *recalled*, without the page at hand; *derived* from printed figures; read from a
*chart*. Where zeros are drawn, ours is the mean over four seeds, and ± half their range, in percent.

In one sentence: where mappings are known (v1), time is right within 4%; where they are not (v2), the nest of its paper
gives the time of all four networks within 6% and their energy within 3%, but for AlexNet (7%), with densities of which
some are assumed; what is moved off-chip remains to be explained. An open RTL of the same shape, with its own control
and known mappings, is met to the cycle in 39 of 41 layers.

What stays undetermined: the control of v2. Several sets of choices hold all of its published figures, ours does not;
they have a mesh that carries one iact a cycle in common ([](control.md)).

"""

SENSITIVITY = """
## Where the papers are silent

What is assumed, and how the figures move under an alternative: cycles compared with published ones. The first line is
the default. No default was chosen by this table; they follow from the arguments in [](model.md).

"""

BEYOND = """
## What the search finds beyond the papers

The same layers with the published mapping (or by the rules of the chip's compiler), and with our optimum for latency,
both by the event engine. A better mapper makes the model faster than the silicon; [](objectives.md) says
which mappings win. The search estimates latency, so a mapping that it prefers can be slower in the engine (CONV4).

| case | layers | cycles, published mapping | cycles, ours | | chip mJ, published mapping | ours | |
|---|---|---|---|---|---|---|---|
"""

ESTIMATES = """
## How far the estimate is from the event engine

Cycles by the analytical engine over those by the event engine, on the mappings that `simulate` chooses, for each layer
of the built-in networks: 1 is equal.

"""

Change = Callable[[Network], Network]


@dataclass(frozen=True)
class Alternative:
    """One assumption made differently: values of the machine, the networks, the masks."""

    title: str
    set: dict[str, str] = field(default_factory=dict)
    network: Change | None = None
    masks: Literal["channels", "uniform"] = "channels"
    seed: int = 0
    free: bool = False
    only: tuple[str, ...] = ()


def densities(iact: dict[str, float], weight: dict[str, float] | None = None) -> Change:
    """Other densities, by glob of layers; those of the network where none is given."""

    def change(network: Network) -> Network:
        layers = []
        for layer in network.layers:
            if layer.is_mac:
                iacts = next((d for glob, d in iact.items() if fnmatchcase(layer.name, glob)), layer.density.iact)
                weights = (weight or {}).get(layer.name, layer.density.weight)
                density = replace(layer.density, iact=iacts, weight=weights)
                layer = replace(layer, density=density, effectual_fraction=None)
            layers.append(layer)
        return replace(network, layers=tuple(layers))

    return change


HAN_WEIGHTS = {
    "CONV1": 0.84, "CONV2": 0.38, "CONV3": 0.35, "CONV4": 0.37, "CONV5": 0.37, "FC6": 0.09, "FC7": 0.09, "FC8": 0.25,
}  # fmt: skip
HAN_IACTS = {
    "CONV1": 1.0, "CONV2": 0.88, "CONV3": 0.52, "CONV4": 0.37, "CONV5": 0.40, "FC6": 0.34, "FC7": 0.36, "FC8": 0.40,
}  # fmt: skip
"""Densities of pruned AlexNet: Han et al., NIPS 2015, Table 4."""

CASES = {
    "v1.5 MobileNet": ("mobilenet_v1.5", 306_000.0),
    "MobileNet": ("mobilenet", 200e6 / 1282.1),
    "sparse MobileNet": ("mobilenet_sparse", 200e6 / 1470.6),
    "AlexNet": ("alexnet", 200e6 / 102.1),
    "sparse AlexNet": ("alexnet_sparse", 200e6 / 278.7),
    "v1 MobileNet": ("mobilenet_v1", 200e6 / 116.7),
    "v1 AlexNet": ("alexnet_v1", 200e6 / 6.55),
}
"""Cases of eyeriss_v2.yaml and their published cycles; those of v1 are derived from ratios to v2."""

MESH = ("v1.5 MobileNet", "MobileNet", "sparse MobileNet", "AlexNet", "sparse AlexNet")
BUS = ("v1 MobileNet", "v1 AlexNet")

ALTERNATIVES = (
    Alternative("as shipped"),
    Alternative("an iact takes two cycles at least, as in an open RTL", {"pe.min_cycles_per_iact": "2"}, only=MESH),
    Alternative("psums move beside the MACs", {"pe.psum_service.overlaps_macs": "true"}, only=MESH),
    Alternative("a cycle to move a psum, not half", {"pe.psum_service.cycles_per_psum": "1"}, only=MESH),
    Alternative("psum banks read and write in a cycle", {"glb.psum.ports": "2"}, only=MESH),
    Alternative("psum banks read a window, then write it (an open RTL)", {"glb.psum.access": "burst"}, only=MESH[1:]),
    Alternative("weights of the next pass load while this one computes", {"overlap.weight_fill": "true"}),
    Alternative("input FIFOs of 1 flit, not 4", {"pe.fifo_depth": "{iact: 1, weight: 1, psum: 1}"}, only=MESH),
    Alternative("input FIFOs of 16 flits", {"pe.fifo_depth": "{iact: 16, weight: 16, psum: 16}"}, only=MESH),
    Alternative("no configuration time", {"configuration.cycles": "0"}),
    Alternative("a configuration of 48 bits a cycle, as in an open RTL", {"configuration.rate": "48 b"}, only=MESH[1:]),
    Alternative("the first pass reads psums too, as in an open RTL", {"glb.psum_read_first": "true"}, only=MESH[1:]),
    Alternative("the best of all mappings, not the nest of the paper", free=True, only=MESH[1:]),
    Alternative("the first window loads after the pass before", {"overlap.iact_fill": "false"}, only=MESH),
    Alternative("independent zeros, not by channel", masks="uniform", only=MESH[1:]),
    Alternative("another seed of the zeros", seed=1, only=MESH[1:]),
    Alternative("MobileNet without zeros in iacts", network=densities({"*": 1.0}), only=("MobileNet",)),
    Alternative("AlexNet FC iacts dense, not those of Han et al., NIPS 2015",
                network=densities({"FC*": 1.0}), only=("AlexNet",)),
    Alternative("sparse AlexNet pruned as by Han et al., NIPS 2015",
                network=densities(HAN_IACTS, HAN_WEIGHTS), only=("sparse AlexNet",)),
    Alternative("v1 buses of the chip: 4 weights, 4 psums per cycle",
                {"noc.weight.words_per_cycle": "4", "noc.psum.words_per_cycle": "4"}, only=BUS),
    Alternative("v1 behind the chip's off-chip link, 480 MB/s", {"dram.bandwidth": "480 MB/s"}, only=BUS),
    Alternative("v1 mapped by our search, without the compiler's rules", free=True, only=BUS),
)  # fmt: skip


def alternative_run(name: str, case: Case, change: Alternative) -> AccountedRun:
    """Run a case with one assumption made differently."""
    update = {"set": case.set | change.set, "mapping": None if change.free else case.mapping}
    other = case.model_copy(update=update)
    return run_case(name, other, change=change.network, seed=change.seed, masks=change.masks)


def sensitivity() -> str:
    """The table of alternatives."""
    cases = load_publications(["eyeriss_v2"])["eyeriss_v2"].cases
    text = "| assumption | " + " | ".join(CASES) + " |\n" + "|---" * (len(CASES) + 1) + "|\n"
    for change in ALTERNATIVES:
        cells = []
        for name, (case, published) in CASES.items():
            if change.only and name not in change.only:
                cells.append("")
                continue
            cycles = QUANTITIES["cycles"].of(alternative_run(case, cases[case], change))
            cells.append(f"{cycles / published - 1:+.1%}")
        text += f"| {change.title} | " + " | ".join(cells) + " |\n"
    return text


def beyond() -> str:
    """Published mappings beside our optima."""
    text = ""
    for publication, case_name in (
        ("eyeriss_v1", "chip"),
        ("eyeriss_v2", "mobilenet_v1"),
        ("eyeriss_v2", "alexnet_v1"),
    ):
        case = load_publications([publication])[publication].cases[case_name]
        given, free = run_case(case_name, case), run_case(case_name, case.model_copy(update={"mapping": None}))
        names = ["*"] if publication == "eyeriss_v2" else [layer.layer.name for layer, _, _ in given.parts]
        for layer in names:
            a, b = replace(given, layers=layer), replace(free, layers=layer)
            e, f = a.energy.chip * 1e3, b.energy.chip * 1e3
            text += (
                f"| {case.workload} on {case.architecture} | {'all' if layer == '*' else layer} | {a.cycles:,} |"
                f" {b.cycles:,} | {b.cycles / a.cycles - 1:+.1%} | {e:.3g} | {f:.3g} | {f / e - 1:+.1%} |\n"
            )
    return text


ESTIMATED = {
    "eyeriss_v2": ("alexnet", "alexnet_sparse", "mobilenet_v1_0.5_128", "mobilenet_v1_0.5_128_sparse", "resnet50"),
    "eyeriss_v2_1024": ("alexnet_sparse", "mobilenet_v1_0.5_128", "resnet50"),
    "eyeriss_v1": ("alexnet", "mobilenet_v1_0.5_128", "resnet50"),
    "isca16_256": ("alexnet", "mobilenet_v1_0.5_128", "squeezenet"),
}
"""Networks whose estimates are compared, by machine."""


def estimates() -> str:
    """The table of the estimate's errors, of one inference."""
    errors = []
    for machine, names in ESTIMATED.items():
        errors.append(estimate_error(*load_machine(machine), [load_network(name) for name in names]))
    return estimates_markdown(errors)


def main() -> None:
    """Write the page; with the argument `estimates`, print only the table of the estimate's errors."""
    if sys.argv[1:] == ["estimates"]:
        print(estimates(), end="")
        return
    publications = load_publications()
    card = evaluate(publications, run_cases(publications))
    page = HEAD + markdown(card) + SENSITIVITY + sensitivity() + BEYOND + beyond() + ESTIMATES + estimates()
    (ROOT / "docs" / "validation.md").write_text(page)


if __name__ == "__main__":
    main()
