"""Other programs and this one on the same layers in one run: `make bench-peers` prints the ratios.

Each comparison runs the peer and this program in turn, on one core, and takes CPU seconds.  Whole commands include the
start of Python and its imports; "in a running process" leaves them out on both sides.  What the programs find out is
not the same (docs of each say what); the ratio is that of the time that a user waits for an answer of the same kind.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.mapping.search import find_mapping
from accelerator_sim.simulation.engines import Cycle, Engine, Event
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network
from benchmarks.peer_environments import NN_DATAFLOW, SCALESIM, ZIGZAG, Peer, installed, reason
from benchmarks.peer_files import write_scalesim, write_zigzag
from benchmarks.timing import ProcessFailed, least, ours, run_process, show, table
from benchmarks.visits import actions_of, planned, unique_layers

ARCHITECTURE = load_architecture("eyeriss_v1")
"""An array of 12 x 14 PEs, which is what the peers are asked for too."""
NETWORK, LAYER = "resnet18_112", "layer1.0.conv1"
"""A convolution of 3 x 3 and 28.9 M MACs, which take SCALE-Sim 10 to 30 s."""
GOALS = {Objective.ENERGY: "e", Objective.LATENCY: "d"}
"""What is searched for, and its letter in nn_dataflow."""
SOLVER = "--batch 1 --nodes 1 1 --array 12 14 --regf 512 --gbuf 110592 --solve-loopblocking -p 1"
"""Options of nn_dataflow: the array and the memories of Eyeriss v1, one process."""
ROUNDS = 2

PeerRow = tuple[str, str, str, str]
"""What, the peer, ours, ratio."""

ZIGZAG_SEARCH = """\
import sys
import time
from importlib.resources import files
from zigzag.api import get_hardware_performance_zigzag
start = time.process_time()
get_hardware_performance_zigzag(
    "workload.yaml", str(files("zigzag") / "inputs" / "hardware" / "eyeriss_like.yaml"), "mapping.yaml",
    opt=sys.argv[1], dump_folder="out", loma_show_progress_bar=False, nb_spatial_mappings_generated=1,
)
print(time.process_time() - start)
"""
NN_DATAFLOW_SEARCH = """\
import time
from nn_dataflow.tools.nn_dataflow_search import main
start = time.process_time()
main()
print()
print(time.process_time() - start)
"""


def compared_layer() -> tuple[Network, Layer]:
    """The layer that SCALE-Sim and ZigZag run, and its network, dense."""
    network = load_network(NETWORK)
    return network, next(layer for layer in network.layers if layer.name == LAYER)


def command_s(*words: str) -> float:
    """Least CPU seconds of a command of this program, after one that fills the caches."""
    return min(run_process(ours(*words)).cpu_s for _ in range(ROUNDS + 1))


def faster(theirs: float, own: float) -> str:
    """How many times faster this program is; below 1 where it is slower."""
    ratio = theirs / own
    return f"{ratio:,.0f}x" if ratio >= 10 else f"{ratio:.2g}x"


def seconds_row(what: str, theirs: float, own: float) -> PeerRow:
    """A row of two times for the same work."""
    return what, f"{theirs:.3g} s", f"{own:.3g} s", faster(theirs, own)


def rate_row(what: str, macs: int, theirs: float, own: float) -> PeerRow:
    """A row of two rates of MACs."""
    their_rate, own_rate = (f"{macs / seconds / 1e6:,.1f} M MACs/s" for seconds in (theirs, own))
    return what, their_rate, own_rate, faster(theirs, own)


def engine_s(engine: Engine, layer: Layer) -> float:
    """CPU seconds of an engine on a layer whose mapping was found."""
    schedule, stored = planned(layer, ARCHITECTURE)
    engine.run(schedule, stored)
    return least(lambda: engine.run(schedule, stored))


def scalesim_rows() -> list[PeerRow]:
    """SCALE-Sim steps one layer; so do `cycle` and, by recurrences, `event`.  Raises ProcessFailed."""
    network, layer = compared_layer()
    words = ("-m", "scalesim.scale", "-c", "configuration.cfg", "-t", "topology.csv", "-l", "layout.csv")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_scalesim(network, layer, folder)
        theirs = min(SCALESIM.run(*words, "-p", "out", "-s", "N", folder=folder).cpu_s for _ in range(ROUNDS))
    rows = []
    for fidelity, engine in (("event", Event()), ("cycle", Cycle())):
        what = f"{NETWORK} {LAYER} simulated, SCALE-Sim output stationary, ours `{fidelity}`"
        words = ("simulate", NETWORK, "--layer", LAYER, "--arch", "eyeriss_v1", "--fidelity", fidelity)
        rows.append(rate_row(f"{what}, whole commands", layer.macs, theirs, command_s(*words)))
        rows.append(
            rate_row(f"{what}, its whole command and our engine alone", layer.macs, theirs, engine_s(engine, layer))
        )
    return rows


def search_s(layers: list[Layer], objective: Objective) -> float:
    """CPU seconds in which the best mappings of layers are found."""
    actions = actions_of(ARCHITECTURE)

    def search() -> None:
        for layer in layers:
            find_mapping(layer, ARCHITECTURE, actions, objective)

    search()
    return least(search)


def zigzag_rows() -> list[PeerRow]:
    """ZigZag orders the loops of one layer; so does the search.  Raises ProcessFailed."""
    _, layer = compared_layer()
    dense, rows = replace(layer, name="conv"), []
    for objective in GOALS:
        with tempfile.TemporaryDirectory() as name:
            write_zigzag(dense, Path(name))
            runs = [ZIGZAG.run("-c", ZIGZAG_SEARCH, objective, folder=Path(name)) for _ in range(ROUNDS)]
        searched = min(float(run.printed.split()[-1]) for run in runs)
        what = f"{NETWORK} {LAYER} mapped for {objective}, ZigZag `eyeriss_like`"
        words = ("map", NETWORK, "--layer", LAYER, "--arch", "eyeriss_v1", "--objective", objective)
        rows.append(seconds_row(f"{what}, whole commands", min(run.cpu_s for run in runs), command_s(*words)))
        rows.append(seconds_row(f"{what}, in a running process", searched, search_s([dense], objective)))
    return rows


def nn_dataflow_rows() -> list[PeerRow]:
    """nn_dataflow solves the loop blocking of whole networks; so does the search.  Raises ProcessFailed."""
    rows = []
    for network, own in (("resnet50", "resnet50_v1"), ("vgg_net", "vgg16")):
        for objective, goal in GOALS.items():
            words = ("-c", NN_DATAFLOW_SEARCH, network, *SOLVER.split(), "-g", goal)
            runs = [NN_DATAFLOW.run(*words) for _ in range(ROUNDS)]
            searched = min(float(run.printed.split()[-1]) for run in runs)
            what = f"{own} mapped for {objective}, nn_dataflow with its solver"
            simulate = ("simulate", own, "--arch", "eyeriss_v1", "--fidelity", "analytical", "--objective", objective)
            whole = min(run.cpu_s for run in runs)
            rows.append(seconds_row(f"{what}, whole commands", whole, command_s(*simulate)))
            rows.append(seconds_row(f"{what}, in a running process", searched, search_s(unique_layers(own), objective)))
    return rows


COMPARISONS: tuple[tuple[Peer, Callable[[], list[PeerRow]]], ...] = (
    (SCALESIM, scalesim_rows),
    (ZIGZAG, zigzag_rows),
    (NN_DATAFLOW, nn_dataflow_rows),
)


def peer_rows(peer: Peer, compare: Callable[[], list[PeerRow]]) -> list[PeerRow]:
    """The rows of one peer, or one that says why there are none."""
    if missing := installed(peer):
        return [(peer.requirements[0], missing, "", "")]
    print(f"comparing with {peer.name}...", file=sys.stderr)
    try:
        return compare()
    except ProcessFailed as error:
        return [(peer.requirements[0], f"does not run: {reason(error)}", "", "")]


def main() -> None:
    """Compare, print, and with --write record."""
    rows = [row for peer, compare in COMPARISONS for row in peer_rows(peer, compare)]
    show("peers", table(("what", "peer", "ours", "our speed over theirs"), rows))


if __name__ == "__main__":
    main()
