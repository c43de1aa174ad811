"""The passes of a layer: which of them are equal, and what each one needs to be run.

Two passes are equal when their tiles have the same lengths, psums enter and leave alike, weights are sent or not, and
the zeros that the PEs skip lie at the same places.  Equal passes are simulated once.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels import timeline as line
from accelerator_sim.kernels.blocks import Blocks
from accelerator_sim.kernels.engine_arrays import Plan, Program
from accelerator_sim.kernels.numbering import Numbering
from accelerator_sim.kernels.parts import FORM, find_alike
from accelerator_sim.kernels.plan import Parts, plan_pass
from accelerator_sim.kernels.program import Iacts, fill_streams, size_streams, weigh
from accelerator_sim.kernels.vectors import WIDTH
from accelerator_sim.mapping.dealing import Deal
from accelerator_sim.mapping.loops import Window
from accelerator_sim.mapping.mapping import Encoding, Stationary, ceil_div
from accelerator_sim.simulation.machine import DIMENSIONS, Machine, shared_psum_port
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import Stored
from accelerator_sim.workload.arrays import Ints

NO_MASK: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)
NO_DATA: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
NO_COST: Ints = np.zeros((0, 0), dtype=np.int64)


class PassRules(NamedTuple):
    """Rules of a machine that all passes of a layer keep."""

    reads_first: bool
    """Psums enter the first pass that adds to them."""
    leaves_last: bool
    """The last pass sends its psums off-chip."""
    shared_port: int
    """How the port of a psum bank is shared by reads and writes, `kernels.engine_arrays.NOT_SHARED, ...`."""
    weights_before: bool
    """Weights are sent during the pass before."""
    iacts_after: bool
    """Iacts are sent when the weights are there."""


@dataclass(frozen=True, eq=False)
class Passes:
    """All passes of a layer in their order; arrays have one entry per pass unless stated otherwise."""

    machine: Machine
    tiles: Ints
    types: Ints
    """[dimensions, most tiles]: type of each tile of a dimension."""
    starts: list[Ints]
    """First tile of each type, by dimension."""
    kind: Ints
    group: Ints
    load: Ints
    iact_cycles: Ints
    fill_cycles: Ints
    weight_cycles: Ints
    oact_cycles: Ints
    order: Ints
    """Flags of the layer, `kernels.timeline.O_...`."""
    rates: NDArray[np.float64]
    """Sizes and speeds of the layer, `kernels.timeline.X_...`."""
    of_types: line.Tiles
    """What the passes were listed from."""

    def on_channel(self, bytes_per_cycle: float) -> Passes:
        """The passes of the same layer where the off-chip channel has another bandwidth."""
        rates = self.rates.copy()
        rates[line.X_BYTES_PER_CYCLE] = bytes_per_cycle
        listed = line.PassList(*np.zeros((len(line.PassList._fields), self.count), dtype=np.int64))
        line.list_passes(self.order, rates, self.of_types, listed)
        return Passes(self.machine, self.tiles, self.types, self.starts, *listed, self.order, rates, self.of_types)

    @property
    def count(self) -> int:
        """Passes of the layer."""
        return int(self.kind.size)

    @cached_property
    def kinds(self) -> tuple[Ints, Ints]:
        """The kinds of passes that occur, and how often."""
        counts = np.bincount(self.kind)  # a kind is one of eight for every tile of each type, so that there are few
        kinds = np.flatnonzero(counts)
        return kinds, counts[kinds]

    def describe(self, kind: int) -> Ints:
        """The array `d` of one kind of pass: its tiles and its flags."""
        d: Ints = self.describe_all(np.array([kind], dtype=np.int64))[0]
        return d

    def describe_all(self, kinds: Ints) -> Ints:
        """The arrays of several kinds of passes, int64 [kinds, PASS]."""
        machine, loops = self.machine, self.machine.schedule.loops
        number, load = np.divmod(kinds, 2)
        number, role = np.divmod(number, 4)
        d = np.zeros((len(kinds), at.PASS), dtype=np.int64)
        lengths = _lengths(machine)
        for i in reversed(range(len(DIMENSIONS))):
            number, digit = np.divmod(number, len(self.starts[i]))
            d[:, i] = self.starts[i][digit] * lengths[i]
            d[:, at.SIZE + i] = np.minimum(lengths[i], loops.sizes[DIMENSIONS[i]] - d[:, i])
        first: Any = d[:, at.S]
        taps: Any = d[:, at.SIZE + at.S]
        window = loops.columns.of_taps(first, taps)  # of all passes at once
        d[:, at.COL_BEFORE], d[:, at.EXTENT] = window.before, window.extent
        rules = self.rules
        enters = (role & line.FIRST == 0) | rules.reads_first
        rests = ~((role & line.LAST != 0) & rules.leaves_last)
        d[:, at.PSUM_IN] = enters
        d[:, at.TIME_SHARED] = np.where(enters & rests, rules.shared_port, at.NOT_SHARED)
        d[:, at.LOAD] = load
        d[:, at.BEFORE] = rules.weights_before
        d[:, at.AFTER_LOAD] = rules.iacts_after
        return d

    @cached_property
    def rules(self) -> PassRules:
        """What holds for all passes."""
        architecture = self.machine.schedule.problem.architecture
        return PassRules(
            architecture.glb.psum_read_first,
            architecture.glb.psum_final_to_dram,
            shared_psum_port(architecture),
            architecture.overlap.weight_fill,
            not architecture.overlap.iact_fill,
        )

    @cached_property
    def content(self) -> bytes:
        """Digest of all that the kinds of passes depend on, but for the zeros of the operands."""
        machine = self.machine
        digest = hashlib.blake2b(repr((self.rules, _lengths(machine), machine.schedule.loops.sizes)).encode())
        laid_out = machine.e, machine.clusters, machine.local, machine.cluster_part, machine.local_part, machine.place
        for array in (*laid_out, *self.starts, *self.kinds):
            digest.update(f"{array.shape}".encode())
            digest.update(array.tobytes())
        return digest.digest()


def _lengths(machine: Machine) -> list[int]:
    deals = machine.schedule.deals
    return [getattr(deals, d).length for d in DIMENSIONS]


def passes_of(
    machine: Machine, stored: Stored, distinct: bool = False, order: tuple[Ints, NDArray[np.float64]] | None = None
) -> Passes:
    """List the passes of a schedule.

    stored: how large the tensors are in their stored form, and which hold zeros that PEs skip; distinct: take no two
    passes as equal; order: flags and speeds of another schedule of the same mapping, of which this one is a part.
    """
    zeros = stored.iact_mask is not None, stored.weight_mask is not None
    return listed_passes(machine, zeros, order or order_of(machine.schedule, stored), distinct)


def listed_passes(
    machine: Machine, zeros: tuple[bool, bool], order: tuple[Ints, NDArray[np.float64]], distinct: bool = False
) -> Passes:
    """The same, of operands that hold zeros or do not (iacts, weights), with flags and speeds of the layer."""
    schedule = machine.schedule
    loops = schedule.loops
    tiles = np.array([getattr(schedule.deals, d).tiles for d in DIMENSIONS], dtype=np.int64)
    types = np.zeros((len(DIMENSIONS), int(tiles.max())), dtype=np.int64)
    starts: list[Ints] = []
    for i, dimension in enumerate(DIMENSIONS):
        keys = _tile_keys(machine, zeros, dimension, int(tiles[i]), distinct)
        if isinstance(keys, range):  # no tile is like another
            types[i, : len(keys)] = keys
            starts.append(np.arange(len(keys), dtype=np.int64))
            continue
        type_of: dict[Any, int] = {}
        first: list[int] = []
        for index, key in enumerate(keys):
            if key not in type_of:
                type_of[key] = len(first)
                first.append(index)
            types[i, index] = type_of[key]
        starts.append(np.array(first, dtype=np.int64))
    radix = np.array([len(first) for first in starts], dtype=np.int64)
    length, share = _shares(machine, starts)
    rows = _inputs(schedule, loops.rows, length[4], starts[4] * schedule.deals.P.length)
    columns = _inputs(schedule, loops.columns, length[5], starts[5] * schedule.deals.Q.length)
    kept_rows = np.array([loops.rows.touched(int(n), 1) for n in share[4]], dtype=np.int64)
    kept_columns = np.array([loops.columns.touched(int(n), 1) for n in share[5]], dtype=np.int64)
    flags, numbers = order
    listed = line.PassList(*np.zeros((len(line.PassList._fields), schedule.passes), dtype=np.int64))
    of_types = line.Tiles(tiles, types, radix, length, share, rows, columns, kept_rows, kept_columns)
    line.list_passes(flags, numbers, of_types, listed)
    return Passes(machine, tiles, types, starts, *listed, flags, numbers, of_types)


def _tile_keys(
    machine: Machine, zeros: tuple[bool, bool], dimension: str, tiles: int, distinct: bool
) -> list[Any] | range:
    """Key that distinguishes the tiles of a dimension."""
    schedule = machine.schedule
    loops, mapping = schedule.loops, schedule.mapping
    dealt: Deal = getattr(schedule.deals, dimension)
    iacts = mapping.iact_encoding is Encoding.CSC and zeros[0] and dimension in "GNCPQRS"
    weights = mapping.weight_encoding is Encoding.CSC and zeros[1] and dimension in "GMCRS"
    if distinct or iacts or weights:
        return range(tiles)
    lengths = [tile.elements for tile, count in dealt.kinds() for _ in range(count)]
    compressed = mapping.iact_encoding is Encoding.CSC
    if dimension in "RS" and compressed:
        return range(tiles)  # a filter row or column meets padding or not
    if dimension in "PQ":
        window = loops.rows if dimension == "P" else loops.columns
        firsts = np.arange(tiles, dtype=np.int64) * dealt.length
        fetched = _inputs(schedule, window, np.array(lengths), firsts)
        # Padding is not stored in CSC: there it counts where it lies.
        outside = [_outside(window, int(i), n) if compressed else () for i, n in zip(firsts, lengths, strict=True)]
        return list(zip(lengths, fetched.tolist(), outside, strict=True))
    return lengths


def _outside(window: Window, first: int, outputs: int) -> tuple[int, int]:
    """Inputs of a run of outputs that lie before the first real one and behind the last."""
    begin = first * window.stride - window.before
    end = begin + (outputs - 1) * window.stride + window.extent
    return max(0, -begin), max(0, end - window.size)


def _shares(machine: Machine, starts: list[Ints]) -> tuple[Ints, Ints]:
    """Elements of a tile of each type, and those of its first cluster: int64 [dimensions, most types] each."""
    schedule = machine.schedule
    most = max(len(first) for first in starts)
    length = np.zeros((len(DIMENSIONS), most), dtype=np.int64)
    share = np.zeros_like(length)
    for i, dimension in enumerate(DIMENSIONS):
        dealt, size = getattr(schedule.deals, dimension), schedule.loops.sizes[dimension]
        clusters, local = int(machine.clusters[i]), int(machine.local[i])
        for k, first in enumerate(starts[i]):
            n = min(dealt.length, size - int(first) * dealt.length)
            length[i, k] = n
            share[i, k] = ceil_div(n, clusters) if dimension == "P" else min(n, local * ceil_div(n, clusters * local))
    return length, share


def _inputs(schedule: Schedule, window: Window, lengths: Ints, firsts: Ints) -> Ints:
    """Inputs that are fetched from off-chip for each run of outputs."""
    counts = []
    for n, first in zip(lengths[: len(firsts)], firsts, strict=True):
        inputs = window.touched(int(n), 1)
        if schedule.problem.architecture.dram.padding == "skipped":
            if window.stride < window.extent:
                before, behind = _outside(window, int(first), int(n))
                inputs = max(0, inputs - before - behind)
            else:
                begin = (int(first) + np.arange(int(n))) * window.stride - window.before
                outside = np.maximum(0, -begin) + np.maximum(0, begin + window.extent - window.size)
                inputs = int(np.maximum(0, window.extent - outside).sum())
        counts.append(inputs)
    return np.array(counts, dtype=np.int64)


def order_of(schedule: Schedule, stored: Stored) -> tuple[Ints, NDArray[np.float64]]:
    """Return the flags of a layer (`kernels.timeline.O_...`) and its sizes and speeds (`X_...`)."""
    bits = stored.iact.fetched_bits, stored.weight.fetched_bits
    return order_with(schedule, bits, stored.iact.filled)


def order_with(schedule: Schedule, fetched_bits: tuple[float, float], filled: int) -> tuple[Ints, NDArray[np.float64]]:
    """The same, for so many bits of iacts and of weights from off-chip, and iact words that are written to the GLB."""
    problem, mapping = schedule.problem, schedule.mapping
    architecture = problem.architecture
    dram, overlap = architecture.dram, architecture.overlap
    kept = mapping.stationary
    o = np.zeros(line.ORDER, dtype=np.int64)
    o[line.O_M2] = mapping.M2
    o[line.O_FILTERS_FIRST] = kept in (Stationary.WEIGHT, Stationary.PE_WEIGHT)
    o[line.O_KEEP_IACT] = kept is Stationary.IACT
    o[line.O_RELOAD] = (kept is Stationary.WEIGHT and mapping.M2 > 1) or not architecture.pe.weights_stay
    o[line.O_WEIGHT_KEPT] = kept is Stationary.WEIGHT
    each = architecture.configuration.per == "pass"
    o[line.O_CONFIG_PASS if each else line.O_CONFIG] = architecture.configuration.time
    o[line.O_LATENCY] = problem.latency_cycles
    o[line.O_DUPLEX] = dram.duplex
    o[line.O_BURST] = dram.burst
    o[line.O_HIDE_WEIGHT] = overlap.weight_fill
    streams = overlap.weight_stream == "all" or mapping.weight_encoding is Encoding.RAW
    o[line.O_FILL_EARLY] = streams and not overlap.weight_fill
    o[line.O_PREFETCH] = schedule.weights_prefetched
    o[line.O_HIDE_IACT] = overlap.dram_iact
    o[line.O_HIDE_OACT] = overlap.dram_oact
    o[line.O_CHANNELS] = schedule.loops.C
    stores = not (architecture.flat or schedule.iact_bypasses_glb or overlap.glb_fill)
    o[line.O_SINGLE_PORT] = stores and architecture.glb.iact.ports == 1
    x = np.zeros(line.NUMBERS, dtype=np.float64)
    x[line.X_IACT_BYTES] = fetched_bits[0] / max(1, schedule.iact_fetched) / 8.0
    x[line.X_WEIGHT_BYTES] = fetched_bits[1] / schedule.weight_fetched / 8.0
    x[line.X_OACT_BYTES] = problem.oact_dram_bits / 8.0
    x[line.X_BYTES_PER_CYCLE] = problem.bytes_per_cycle
    if stores:
        banks = problem.bank_words_per_cycle("iact") * mapping.array_parts("M")
        x[line.X_FILL_RATE] = banks * schedule.iact_filled / filled if filled else math.inf
    return o, x


class Planner:
    """Plans passes; a plan (and its program, where data do not matter) is made once for tiles of the same lengths."""

    def __init__(
        self,
        machine: Machine,
        iact_mask: NDArray[np.uint8] = NO_MASK,
        weight_mask: NDArray[np.uint8] = NO_MASK,
        data: NDArray[np.int32] = NO_DATA,
        skips_zeros: bool = True,
        has_zeros: bool = True,
    ) -> None:
        """masks: flat, [G, N, H, W, C] and [G, R, S, C, M], where the layer is in CSC; data: values of the iacts.

        skips_zeros: whether iacts inside the layer are left out, so that no window is like another; has_zeros: whether
        weights may be left out too, so that no pass is like another.
        """
        self.machine, self.iact_mask, self.weight_mask, self.data = machine, iact_mask, weight_mask, data
        self.skips_zeros, self.has_zeros = skips_zeros, has_zeros
        self._plans: dict[bytes, Plan] = {}
        self._streams: dict[bytes, Program] = {}
        self._costs: dict[bytes, Ints] = {}
        self._alike: dict[bytes, tuple[Plan, Program, Ints]] = {}

    @property
    def data_matter(self) -> bool:
        """Whether the time of a pass depends on more than the lengths of its tiles."""
        e = self.machine.e
        return bool(e[at.CSC_IACT] or e[at.CSC_WEIGHT] or self.data.size)

    @cached_property
    def zeros(self) -> bytes:
        """Digest of the masks, empty where they have no zeros."""
        masks = (self.iact_mask, self.weight_mask) if self.has_zeros else ()
        return b"".join(hashlib.blake2b(mask.data).digest() for mask in masks)

    def plan_of(self, d: Ints) -> Plan:
        """Return the plan of a pass, with the weights of some pass of its form."""
        shape = d[at.SIZE : at.SIZE + at.DIMENSIONS].tobytes()
        plan = self._plans.get(shape)
        if plan is None:
            plan = self._plans[shape] = self._planned(d, np.ones(self.machine.places, dtype=np.uint8))
        return plan

    def plan(self, d: Ints) -> tuple[Plan, Program]:
        """Return the plan of a pass and its program; the weights in the plan are those of this pass."""
        e, shape, plan = self.machine.e, d[at.SIZE : at.SIZE + at.DIMENSIONS].tobytes(), self.plan_of(d)
        streams = None if e[at.CSC_IACT] or self.data.size else self._streams.get(shape)
        if streams is None:
            streams = self._streams[shape] = self._filled(d, plan)
        cost = None if e[at.CSC_WEIGHT] else self._costs.get(shape)
        if cost is None:
            cost = self._costs[shape] = self._weighed(d, plan)
        return plan, streams._replace(cost=cost)

    def plan_alike(self, d: Ints) -> tuple[Plan, Program, Ints]:
        """Plan only those parts of a pass that stand for others of the same form (where data do not matter).

        The third value is, for every place, the one that stands for it, -1 for places that do not work.
        """
        shape = d[at.SIZE : at.SIZE + at.DIMENSIONS].tobytes()
        if shape not in self._alike:
            places = self.machine.places
            whole = self._planned(d, np.ones(places, dtype=np.uint8))
            self._weighed(d, whole)
            alike, parent = np.zeros((2, places), dtype=np.int64)
            form = np.zeros((places, FORM), dtype=np.int64)
            find_alike(whole, whole.place[at.X_LOADED], parent, form, alike)
            plan = self._planned(d, (alike == np.arange(places)).astype(np.uint8))
            streams, cost = self._filled(d, plan), self._weighed(d, plan)
            plan.place[at.X_LOADED] = whole.place[at.X_LOADED]
            self._alike[shape] = plan, streams._replace(cost=cost), alike
        return self._alike[shape]

    def _weighed(self, d: Ints, plan: Plan) -> Ints:
        size = int(plan.counts[at.COUNT_TILES]), self.machine.schedule.window_words
        cost = np.zeros(size, dtype=np.int64)
        weigh(self.machine.e, d, plan, self.weight_mask, cost)
        return cost

    def _planned(self, d: Ints, wanted: NDArray[np.uint8]) -> Plan:
        machine = self.machine
        places = machine.places
        plan = Plan(
            place=machine.place.copy(),
            stream=np.zeros((at.STREAM, places), dtype=np.int64),
            lane_first=np.zeros(places + 1, dtype=np.int64),
            lane_stream=np.zeros(places, dtype=np.int64),
            target_first=np.zeros(places + 1, dtype=np.int64),
            target=np.zeros(places, dtype=np.int64),
            part_first=np.zeros((at.MEMBERS, places + 1), dtype=np.int64),
            part_member=np.zeros((at.MEMBERS, places), dtype=np.int64),
            chain=np.zeros((at.CHAIN, places + 1), dtype=np.int64),
            link=np.zeros(places, dtype=np.int64),
            tile=np.zeros((at.TILE, places), dtype=np.int64),
            counts=np.zeros(at.COUNTS, dtype=np.int64),
            blocks=_unseated(places),
        )
        numbering = Numbering(*np.zeros((2, 2 * places + 1), dtype=np.int64))
        parts = Parts(machine.clusters, machine.local, machine.cluster_part, machine.local_part)
        plan_pass(machine.e, d, parts, wanted, plan, numbering)
        return plan

    def _filled(self, d: Ints, plan: Plan) -> Program:
        e, streams = self.machine.e, int(plan.counts[at.COUNT_STREAMS])
        totals = np.zeros(3, dtype=np.int64)
        size_streams(e, d, plan.stream, streams, totals)
        windows, flits, words = (int(n) for n in totals)
        need, low, more, last_flit = np.zeros((4, windows), dtype=np.int64)
        flit_end, pos = np.zeros(flits, dtype=np.int64), np.zeros(words, dtype=np.int64)
        val = np.zeros(words if self.data.size else 0, dtype=np.int64)
        filled = Program(need, low, more, last_flit, flit_end, pos, val, NO_COST)
        fill_streams(e, d, int(self.machine.local[at.P]), plan, Iacts(self.iact_mask, self.data), filled)
        return filled


def _unseated(places: int) -> Blocks:
    """Room for the blocks of a plan."""
    by_place, by_seat = np.zeros((6, places + 1), dtype=np.int64), np.zeros((4, places * WIDTH), dtype=np.int64)
    pe_first, pe_rows, pe_count, seat, chain_part, chain_first = by_place
    pe_place, chain_number, chain_lane, link_state = by_seat
    return Blocks(
        pe_first, pe_rows, pe_count, pe_place, seat, chain_part, chain_first, chain_number, chain_lane, link_state
    )


def planner_of(machine: Machine, stored: Stored, data: NDArray[np.int32] = NO_DATA) -> Planner:
    """A planner with the masks of the operands that are in CSC."""
    e = machine.e
    iacts = weights = NO_MASK
    if e[at.CSC_IACT]:
        shape = (e[at.GROUPS], e[at.IMAGES], e[at.ROW_SIZE], e[at.COL_SIZE], e[at.CHANNELS])
        iacts = (np.ones(shape, dtype=np.uint8) if stored.iact_mask is None else stored.iact_mask).ravel()
    if e[at.CSC_WEIGHT]:
        shape = (e[at.GROUPS], e[at.ROW_TAPS], e[at.TAPS], e[at.CHANNELS], e[at.FILTERS])
        weights = (np.ones(shape, dtype=np.uint8) if stored.weight_mask is None else stored.weight_mask).ravel()
    skips_zeros = bool(e[at.CSC_IACT]) and stored.iact_mask is not None
    has_zeros = skips_zeros or (bool(e[at.CSC_WEIGHT]) and stored.weight_mask is not None)
    return Planner(machine, iacts, weights, data, skips_zeros, has_zeros)
