"""Single changes of an architecture that a designer would try: one link, bank, pad, shape or overlap at a time.

A change is written as `--set` would write it, so that what is measured here can be repeated, and is read and checked as
the file itself is; what does not make a legal machine is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.architecture.networks import HierarchicalMesh
from accelerator_sim.files.errors import InvalidFile

Settings = tuple[tuple[str, str], ...]
Vary = Callable[[Settings], Architecture]
"""The machine with some values of its file replaced; raises InvalidFile where that is no machine."""

MOST_SHAPES = 3
"""Other shapes of an array that are tried: those that are nearest to the one it has."""


@dataclass(frozen=True)
class Change:
    """A change: what it is called, the values that it sets, and the first step of Eyexam that it can alter.

    `note`: what its figures leave out.
    """

    name: str
    settings: Settings
    step: int
    note: str = ""


@dataclass(frozen=True)
class Variation:
    """A change and the machine that it makes."""

    change: Change
    architecture: Architecture


def variations(architecture: Architecture, vary: Vary) -> list[Variation]:
    """Every single change that makes a legal machine, in a fixed order."""
    legal = []
    for change in _changes(architecture):
        try:
            legal.append(Variation(change, vary(change.settings)))
        except InvalidFile:
            continue
    return legal


def _changes(machine: Architecture) -> Iterator[Change]:
    yield from _networks(machine)
    yield from _banks(machine)
    yield from _pads(machine)
    yield from _pe(machine)
    yield from _control(machine)
    yield from _overlaps(machine)
    yield from _channel(machine)
    yield from _shapes(machine)
    yield from _more(machine)


def _networks(machine: Architecture) -> Iterator[Change]:
    for tensor in TENSORS:
        network = getattr(machine.noc, tensor)
        if isinstance(network, HierarchicalMesh):
            if network.words_per_cycle is not None:
                double = str(2 * network.words_per_cycle)
                yield Change(f"twice the {tensor}s in a cycle", ((f"noc.{tensor}.words_per_cycle", double),), 6)
            bits = f"{2 * network.port_width} b"
            settings = [(f"noc.{tensor}.port_width", bits)]
            name = f"{tensor} network twice as wide"
            store = getattr(machine.glb, tensor)
            if store is not None and store.banks:  # a router is paired with a port of a bank (JETCAS II)
                settings.append((f"glb.{tensor}.port_width", f"{2 * store.port_width} b"))
                name += ", its banks too"
            yield Change(name, tuple(settings), 6)
        else:
            words = str(2 * network.words_per_cycle)
            yield Change(f"{tensor} {network.called} twice as wide", ((f"noc.{tensor}.words_per_cycle", words),), 6)


def _banks(machine: Architecture) -> Iterator[Change]:
    for tensor in ("iact", "psum", "weight"):
        store = getattr(machine.glb, tensor)
        if store is None:
            continue
        if store.banks:
            yield Change(f"twice the {tensor} banks", ((f"glb.{tensor}.banks", str(2 * store.banks)),), 5)
        if store.ports == 1 and not machine.flat:
            alone = (("glb.psum.access", "alternate"),) if getattr(store, "access", "") == "burst" else ()
            yield Change(f"{tensor} banks with two ports", (*alone, (f"glb.{tensor}.ports", "2")), 6)
    psum = machine.glb.psum
    if psum.ports == 1 and psum.access == "alternate" and not machine.flat:
        note = "the area of the delay line that holds the psums is not counted"
        name = "psum banks read a window, then write it"
        yield Change(name, (("glb.psum.access", "burst"),), 7, note)
    if machine.glb.shared is not None:
        yield Change("twice the shared banks", (("glb.shared.banks", str(2 * machine.glb.shared.banks)),), 5)


def _pads(machine: Architecture) -> Iterator[Change]:
    spad = machine.pe.spad
    if spad.shared is not None:
        yield Change("twice the SPad", (("pe.spad.shared", f"{2 * spad.shared} B"),), 5)
        return
    for tensor in TENSORS:
        settings = [(f"pe.spad.{tensor}.depth", str(2 * getattr(spad, tensor).depth))]
        if tensor == "iact":  # a column of weights for each iact, a segment for each stride of them
            settings += [
                (f"pe.spad.{name}.depth", str(2 * pad.depth))
                for name, pad in (("iact_address", spad.iact_address), ("weight_address", spad.weight_address))
                if pad is not None
            ]
        yield Change(f"twice the {tensor} SPad", tuple(settings), 5)


def _pe(machine: Architecture) -> Iterator[Change]:
    pe = machine.pe
    service = pe.psum_service
    if service.cycles_per_psum > 0 and not service.overlaps_macs:
        note = "the area of the ports that it needs is not counted"
        yield Change("psums move beside the MACs", (("pe.psum_service.overlaps_macs", "true"),), 6, note)
    if service.cycles_per_psum >= 1:  # else it is the network that moves no more of them
        half = f"{service.cycles_per_psum / 2:g}"
        yield Change("psums move twice as fast in a PE", (("pe.psum_service.cycles_per_psum", half),), 6)
    deeper = tuple((f"pe.fifo_depth.{tensor}", str(2 * pe.fifo_depth[tensor])) for tensor in TENSORS)
    yield Change("FIFOs twice as deep", deeper, 7)
    if pe.min_cycles_per_iact > 1:
        yield Change("an iact keeps the MACs for no longer than it needs", (("pe.min_cycles_per_iact", "1"),), 7)
    yield Change("twice the MACs in a PE", (("pe.macs_per_cycle", str(2 * pe.macs_per_cycle)),), 3)


def _control(machine: Architecture) -> Iterator[Change]:
    """Each option of control as the machine of the Eyeriss v2 paper has it."""
    pe = machine.pe
    if pe.lock_step != "none":
        settings = [("pe.lock_step", "none")] + ([("pe.start_latency", "1")] if pe.start_latency > 1 else [])
        yield Change("PEs start and end windows on their own", tuple(settings), 7)
        if pe.start_latency > 1:
            yield Change("windows start without delay", (("pe.start_latency", "1"),), 7)
    if pe.iact_buffer == "single":
        yield Change("iacts of the next window load while PEs work", (("pe.iact_buffer", "double"),), 7)
    if pe.iact_window == "reload":
        yield Change("windows slide over the iacts in a PE", (("pe.iact_window", "slide"),), 6)
    if not pe.weights_stay:
        yield Change("weights that the next pass needs too stay in the PEs", (("pe.weights_stay", "true"),), 7)
    if pe.csc is not None and pe.csc.filler:
        yield Change("no filler words for zero iacts", (("pe.csc.iact_stream", "words"),), 6)
    if pe.csc is not None and pe.csc.address_words:
        yield Change("addresses of iacts beside the iacts", (("pe.csc.iact_stream", "packed"),), 6)
    if pe.csc is not None and pe.csc.weight_addresses_per_cycle is not None:
        double = str(2 * pe.csc.weight_addresses_per_cycle)
        yield Change("weight addresses twice as fast", (("pe.csc.weight_addresses_per_cycle", double),), 6)
    if pe.psum_service.start > 0:
        yield Change("psums leave a PE as soon as its window is done", (("pe.psum_service.start", "0"),), 7)
    if pe.psum_service.latency > 1:
        yield Change("psums take one cycle from PE to PE", (("pe.psum_service.latency", "1"),), 7)
    if machine.overlap.iact_start > 0:
        yield Change("iacts are sent from the first cycle of a pass", (("overlap.iact_start", "0"),), 7)


def _overlaps(machine: Architecture) -> Iterator[Change]:
    names = {
        "weight_fill": "weights load while the PEs compute",
        "dram_weight": "weights are fetched ahead into the GLB",
        "iact_fill": "first windows load while the PEs compute",
        "psum_drain": "last psums drain while the PEs compute",
        "dram_iact": "iacts are fetched while the PEs compute",
        "dram_oact": "outputs are written while the PEs compute",
    }
    for name, label in names.items():
        if not getattr(machine.overlap, name):
            yield Change(label, ((f"overlap.{name}", "true"),), 7)
    if machine.configuration.time > 1:
        half = str(machine.configuration.time // 2)
        yield Change("configuration in half the time", (("configuration.cycles", half),), 7)


def _channel(machine: Architecture) -> Iterator[Change]:
    dram = machine.dram
    if dram.bandwidth != float("inf"):
        yield Change("twice the off-chip bandwidth", (("dram.bandwidth", f"{2 * dram.bandwidth / 1e6:g} MB/s"),), 6)
        if not dram.duplex:
            yield Change("off-chip reads and writes at a time", (("dram.duplex", "true"),), 6)
        if "weight" in dram.compressed and machine.overlap.weight_stream == "raw" and not machine.overlap.weight_fill:
            yield Change("weights in CSC stream through to the PEs", (("overlap.weight_stream", "all"),), 7)


def _shapes(machine: Architecture) -> Iterator[Change]:
    for rows, columns in _near(machine.cluster_array.rows, machine.cluster_array.columns):
        settings: list[tuple[str, str]] = [("cluster_array.rows", str(rows)), ("cluster_array.columns", str(columns))]
        yield Change(f"clusters in {rows} x {columns}", tuple(settings), 4)
    for rows, columns in _near(machine.pe_cluster.rows, machine.pe_cluster.columns):
        settings = [("pe_cluster.rows", str(rows)), ("pe_cluster.columns", str(columns))]
        if not machine.flat:  # a weight router per row, a psum router and a bank per column (JETCAS Table II)
            iact = machine.noc.iact  # iacts keep their ways, so that the change is of the shape alone
            assert isinstance(iact, HierarchicalMesh)
            settings += [("noc.iact.routers", str(iact.routers)), ("glb.iact.banks", str(machine.glb.iact.banks))]
            settings += [("noc.weight.routers", str(rows)), ("noc.psum.routers", str(columns))]
            store = machine.glb.psum
            if store.banks == machine.pe_cluster.columns and store.size is not None:
                size = store.banks * store.size // columns
                settings += [("glb.psum.banks", str(columns)), ("glb.psum.size", f"{size} B")]
        yield Change(f"PEs in {rows} x {columns}", tuple(settings), 4)


def _near(rows: int, columns: int) -> list[tuple[int, int]]:
    """Other shapes with as many places, the nearest first."""
    places = rows * columns
    shapes = [(n, places // n) for n in range(1, places + 1) if places % n == 0 and n != rows]
    return sorted(shapes, key=lambda shape: (max(shape[0] / rows, rows / shape[0]), shape))[:MOST_SHAPES]


def _more(machine: Architecture) -> Iterator[Change]:
    grid = "pe_cluster" if machine.flat else "cluster_array"
    rows = 2 * getattr(machine, grid).rows
    yield Change(f"twice the {'PE rows' if machine.flat else 'clusters'}", ((f"{grid}.rows", str(rows)),), 3)
