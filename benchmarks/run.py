"""Speed of the simulator, as rates and times of whole commands, on the machine at hand.

Run by `make bench`; prints tables and, with --write, puts them into benchmarks/README.md between their markers and
appends the figures to benchmarks/history.csv.
Times are the least of some repeats, in CPU seconds of one core unless they say "wall".
"""

from __future__ import annotations

from accelerator_sim.eyexam.explain import explain_run
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.mapping.search import find_mapping
from accelerator_sim.report.html import simulation_page
from accelerator_sim.results.provenance import Provenance
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.simulation.engines import Cycle
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network
from accelerator_sim.workload.pattern import draw, values
from benchmarks import scaling
from benchmarks.history import record
from benchmarks.sweeps import sweep_rows
from benchmarks.timing import least, ours, run_process, show, table
from benchmarks.visits import ARCHITECTURE, actions_of, planned, unique_layers, visit_rows

ACTIONS = actions_of(ARCHITECTURE)


def map_network(name: str, objective: Objective = Objective.LATENCY) -> None:
    """Map every layer of a network to its optimum."""
    for layer in unique_layers(name):
        find_mapping(layer, ARCHITECTURE, ACTIONS, objective)


def costing_rate() -> tuple[float, float, int]:
    """Mappings of a layer costed in full per second without pruning, considered per second with it, and the space."""
    layer = next(layer for layer in load_network("resnet50").layers if layer.name == "layer2.0.conv2")
    full = find_mapping(layer, ARCHITECTURE, ACTIONS, exhaustive=True)
    seconds = least(lambda: find_mapping(layer, ARCHITECTURE, ACTIONS, exhaustive=True), repeats=1)
    pruned = least(lambda: find_mapping(layer, ARCHITECTURE, ACTIONS))
    return full.costed / seconds, full.optimal_over / pruned, full.optimal_over


def cycle_rows() -> list[tuple[str, str, str]]:
    """PE-cycles per second (one PE for one simulated clock) of `cycle` on some layers of sparse MobileNet."""
    layers = unique_layers("mobilenet_v1_0.5_128_sparse")[2::4]
    runs = [(*planned(layer, ARCHITECTURE), values(layer, draw(layer, 0), 0)) for layer in layers]
    stepped = sum(Cycle().run(schedule, stored).timing.cycles * ARCHITECTURE.pes for schedule, stored, _ in runs)
    # First without values: threads of the library that checks the outputs wait busily after they are done.
    steps = sum(least(lambda a=schedule, b=stored: Cycle().run(a, b)) for schedule, stored, _ in runs)  # type: ignore[misc]
    carried = sum(least(lambda a=a, b=b, c=c: Cycle(c).run(a, b)) for a, b, c in runs)  # type: ignore[misc]
    return [
        ("`cycle`, without values", f"{stepped / steps / 1e6:.0f} M/s", "100 M/s"),
        ("`cycle`, with values and verification", f"{stepped / carried / 1e6:.0f} M/s", "40 M/s"),
    ]


def page_rows() -> list[tuple[str, str, str]]:
    """Size and time of the HTML page of ResNet-50, and of a network of 200 different layers."""
    different = tuple(Layer(f"conv{c}", "conv", C=c, M=64, H=14, W=14, R=3, S=3) for c in range(1, 201))
    origin = Provenance(("accelerator-sim",), (), ())
    rows = []
    for network, size in ((load_network("resnet50"), "under 500 kB"), (Network("200", "made up", different, ""), "")):
        result = simulate_network(network, ARCHITECTURE, load_technology(ARCHITECTURE.technology))
        explained = explain_run(result)
        page = simulation_page.dumps(result, origin, explained)
        seconds = least(lambda r=result, e=explained: simulation_page.dumps(r, origin, e))  # type: ignore[misc]
        name = f"HTML page of {len(network.layers)} layers ({network.name})"
        rows += [
            (f"{name}, built", f"{seconds:.2f} s", "under 3 s"),
            (f"{name}, size", f"{len(page) / 1e3:.0f} kB", size),
        ]
    return rows


def command(*words: str) -> tuple[float, int]:
    """Least CPU seconds of a command, and its peak memory in bytes."""
    runs = [run_process(ours(*words)) for _ in range(3)]
    return min(run.cpu_s for run in runs), max(run.memory for run in runs)


COMMANDS = {
    "simulate mobilenet_v1_0.5_128_sparse": "0.8 s",
    "simulate alexnet_sparse": "",
    "simulate resnet50": "1.1 s",
    "simulate vgg16": "1.2 s",
    "simulate gpt3_block_prefill": "1.2 s",
    "simulate vgg16 --fidelity cycle": "8 s",
    "simulate mobilenet_v1_0.5_128 --fidelity analytical": "",
    "compare alexnet --baseline jetson_tx2_maxq --fidelity analytical": "",
    "explain mobilenet_v1_0.5_128_sparse --layer PW10": "2 s",
    "explain alexnet --layer FC6 --arch eyeriss_v1_192": "2 s",
    "explain vgg16 --layer conv1_2": "2 s",
    "explain vgg16 --layer conv3_2": "2 s",
    "explain mobilenet_v1": "6 s",
    "validate jetson": "",
}
"""Whole commands, with the CPU seconds that are wanted."""


def command_rows() -> list[tuple[str, str, str]]:
    """CPU seconds of whole commands with a warm cache, and the most memory that one of them takes."""
    rows, most = [], 0
    for line, wanted in COMMANDS.items():
        seconds, memory = command(*line.split())
        most = max(most, memory)
        rows.append((f"`{line}`, CPU time", f"{seconds:.2f} s", wanted))
    return [*rows, ("the most memory that one of them takes", f"{most / 1e6:.0f} MB", "300 MB")]


def measure() -> list[tuple[str, str, str]]:
    """All rows: what, measured, wanted."""
    map_network("mobilenet_v1_0.5_128")  # compile, or load what is compiled
    rate, considered, space = costing_rate()
    rows = [
        ("mappings costed in full, one core, no pruning", f"{rate / 1e6:.0f} M/s", "at least 50 M/s"),
        (f"mappings decided with pruning (a space of {space:,})", f"{considered / 1e6:,.0f} M/s", ""),
    ]
    for name, wanted in (("mobilenet_v1_0.5_128", "under 1.5 s"), ("resnet50", "under 5 s")):
        for objective in Objective:
            seconds = least(lambda name=name, objective=objective: map_network(name, objective))  # type: ignore[misc]
            goal = wanted if objective is Objective.LATENCY else ""
            rows.append((f"{name} mapped to the optimum of {objective}", f"{seconds:.2f} s", goal))
    seconds, _ = command("--help")
    rows.append(("`--help`, CPU time", f"{seconds:.2f} s", "under 0.2 s"))
    rows += visit_rows() + cycle_rows() + command_rows()
    return rows + page_rows() + sweep_rows()


def main() -> None:
    """Measure, print, and with --write record."""
    rows = measure()
    show("measured", table(("what", "measured", "wanted"), rows))
    record((what, measured) for what, measured, _ in rows)
    scaling.main()


if __name__ == "__main__":
    main()
