"""A layer on a machine, reduced to the numbers that decide between mappings.

The search kernel and the analytical engine both read a `MappingProblem`, so that no limit, rate or size is stated
twice.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.networks import WIDE, HierarchicalMesh
from accelerator_sim.mapping.loops import Loops, loops_of
from accelerator_sim.mapping.mapping import Encoding, ceil_div, useful_parts
from accelerator_sim.mapping.storage import csc_pairs_per_value, issue_slots, rlc_bits_per_value
from accelerator_sim.mapping.uneven import IACT_SPREAD, WEIGHT_SPREAD, channel_spread, word_moments
from accelerator_sim.workload.layer import Layer

WIDEST_FLIT = 64
"""Psums of a flit up to which the best width is looked for."""
SIGMAS = 3.0
"""What `MappingProblem.sigmas` is taken to be where the weights are not known (assumed)."""


@dataclass(frozen=True)
class MappingProblem:
    """One layer, one architecture, one way to store the operands."""

    layer: Layer
    loops: Loops
    architecture: Architecture
    iact_encoding: Encoding
    weight_encoding: Encoding
    sigmas: float = SIGMAS
    """Standard deviations by which the non-zero weights of the fullest PE exceed the mean."""
    work: float | None = None
    """Share of the MACs that take a lane of a PE, however zeros are stored and columns pair; None: as the PE does."""

    # --- the PE ------------------------------------------------------------------------------------------------
    @cached_property
    def iact_density(self) -> float:
        """Fraction of iacts that the PE has to process: all, unless zeros are not stored."""
        if self.work is not None:
            return self.work
        if not self.skips_iacts:
            return 1.0
        return max(self.layer.density.iact * self._real_share, self._met_fraction or 0.0)

    @property
    def _met_fraction(self) -> float | None:
        """The effectual fraction that the network file states, where the PE skips zeros of both operands."""
        both = self.skips_iacts and self.weight_encoding is Encoding.CSC
        return self.layer.effectual_fraction if both else None

    @cached_property
    def met_weight_density(self) -> float:
        """Fraction of non-zero weights that a processed iact meets.

        Columns of busy channels may be denser than the mean: with a stated effectual fraction it follows from that.
        """
        if self._met_fraction is None:
            return self.stored_weight_density
        return self._met_fraction / self.iact_density if self.iact_density > 0.0 else 0.0

    @property
    def skips_iacts(self) -> bool:
        """Whether zero iacts cost no cycle."""
        return self.iact_encoding is Encoding.CSC and self.architecture.pe.zero_iact == "skip"

    @property
    def stored_weight_density(self) -> float:
        """Fraction of weights that the PE has to process."""
        return self.layer.density.weight if self.weight_encoding is Encoding.CSC else 1.0

    @cached_property
    def _real_share(self) -> float:
        """Share of the taps that fall on inputs rather than on padding, whose zeros CSC leaves out."""
        return self.layer.inside_macs / self.layer.macs

    @property
    def reloads(self) -> bool:
        """Whether PEs get all iacts of each window anew."""
        return self.architecture.pe.iact_window == "reload"

    @property
    def control_cycles(self) -> tuple[float, float]:
        """Cycles that the control adds to a window whose psums the PE waits for, and to it for each PE of its chain.

        Those before its first psum; in lock-step, the way of a psum up the chain too.
        """
        pe = self.architecture.pe
        return float(pe.psum_service.start), 0.0 if pe.lock_step == "none" else float(pe.psum_service.latency)

    @property
    def restart_cycles(self) -> float:
        """Cycles before the first MAC of a window, where it waits for all of its iacts or for other PEs.

        Those before it starts, and those of the pipeline, which is empty then.
        """
        pe = self.architecture.pe
        return float(self.refilled_stages + (pe.lock_step != "none") * pe.start_latency)

    @property
    def refilled_stages(self) -> int:
        """Pipeline stages before the MACs that are empty at the start of every window, not only of every pass."""
        pe = self.architecture.pe
        empties = pe.lock_step != "none" or pe.iact_buffer == "single"
        return max(0, pe.pipeline_stages - 2) if empties else 0

    def slots(self, filters: int) -> float:
        """Expected issue slots for one iact against the column of `filters` weights of a PE."""
        if self.work is not None:
            return float(ceil_div(filters, self.lanes))
        return issue_slots(filters, self.met_weight_density, self.lanes)

    def cycles_per_iact(self, filters: int) -> float:
        """Expected cycles for which one iact keeps the multipliers of a PE with `filters` filters."""
        pe = self.architecture.pe
        if pe.min_cycles_per_iact == 1:
            return self.slots(filters)
        if self.work is not None:
            return max(float(pe.min_cycles_per_iact), self.slots(filters))
        return issue_slots(filters, self.met_weight_density, self.lanes, pe.min_cycles_per_iact)

    # --- uneven zeros (`kernels.imbalance`) ------------------------------------------------------------------------
    def slot_variance(self, filters: int) -> float:
        """Variance of `cycles_per_iact` between columns of weights with independent zeros."""
        least = self.architecture.pe.min_cycles_per_iact
        if self.work is not None:
            return 0.0
        return word_moments(filters, self.met_weight_density, self.lanes, least)[0]

    def unpaired(self, filters: int) -> float:
        """Chance that a column of weights holds one word at most."""
        pe = self.architecture.pe
        if self.work is not None or pe.pipeline_stages < 2:
            return 0.0
        return word_moments(filters, self.met_weight_density, self.lanes, pe.min_cycles_per_iact)[1]

    @cached_property
    def channel_spreads(self) -> tuple[float, float]:
        """Standard deviations of the densities of channels, of iacts and of weights, that a PE meets."""
        d, p = self.iact_density, self.met_weight_density
        if self.work is not None:
            return 0.0, 0.0
        spreads = channel_spread(d, *IACT_SPREAD), channel_spread(p, *WEIGHT_SPREAD)
        return spreads if self.loops.C > 1 else (0.0, spreads[1])

    @cached_property
    def psum_flit(self) -> tuple[int, int]:
        """Psums that a PE moves at once, and the cycles that this takes."""
        service, words = self.architecture.pe.psum_service.cycles_per_psum, int(self.words_per_cycle("psum"))
        psums = max(1, words)
        if self.architecture.flat and service > 0:
            psums = max(1, min(words, int(1 / service)))
        return psums, max(1, math.ceil(service * psums))

    @cached_property
    def psum_flit_rate(self) -> float:
        """Flits of psums that a bus moves in a cycle, times the cycles for which a PE moves one."""
        psums, cycles = self.psum_flit
        words = int(self.words_per_cycle("psum"))
        return math.inf if words >= WIDE else float(cycles * max(1, words // psums))

    def service_cycles(self, filters: int) -> float:
        """Cycles in which a PE moves the psums of a window, in flits as wide as suits it of what the port takes."""
        widths = range(1, min(self.psum_flit[0], filters) + 1)
        return float(min(ceil_div(filters, width) * self._flit_cycles(width) for width in widths))

    def _flit_cycles(self, psums: int) -> int:
        """Cycles in which a PE moves a flit of so many psums."""
        return max(1, math.ceil(self.architecture.pe.psum_service.cycles_per_psum * psums))

    @cached_property
    def turn_cycles(self) -> float:
        """Cycles from a flit of psums to the next where a GLB bank is read and written in turn, over those of one.

        A bank that reads a window before it writes it holds no PE up.
        """
        if self.architecture.glb.psum.access == "burst":
            return 1.0
        widths = range(1, min(self.psum_flit[0], WIDEST_FLIT) + 1)
        cycles = [self._flit_cycles(width) for width in widths]
        return min((each + each % 2) / each for each in cycles)

    def spad_limit(self, filters: int, channels: int, taps: int) -> str | None:
        """The SPad limit that `filters` x `channels` in a PE break, with `taps` filter columns at a time, or None.

        The iact SPad holds the columns of a window, its gaps (dilation) included.
        """
        pe, spad, window = self.architecture.pe, self.architecture.pe.spad, self.loops.columns.of_taps(0, taps).extent
        iacts, weights = channels * window, filters * channels * taps
        if spad.shared is not None:
            bits = iacts * spad.iact.width + weights * spad.weight.width + filters * spad.psum.width
            if bits > spad.shared * 8:
                return f"the shared SPad: {iacts} iacts + {weights} weights + {filters} psums > {spad.shared} B"
            return None
        assert spad.iact.values
        assert spad.weight.values
        assert spad.psum.values
        assert spad.weight.depth
        if iacts > spad.iact.values:
            return f"the iact SPad: C0 x S0 = {channels} x {window} = {iacts} > {spad.iact.values} values"
        if filters > spad.psum.values:
            return f"the psum SPad: M0 = {filters} > {spad.psum.values} psums"
        if self.iact_encoding is Encoding.CSC and pe.csc is not None:
            segment, reach = channels * min(window, self.loops.columns.stride), 1 << pe.csc.count
            if segment > reach:
                return f"the iact count: a segment of C0 x stride = {segment} values > the {reach} that a count reaches"
        if self.iact_encoding is Encoding.CSC and spad.iact_address is not None:
            segments = ceil_div(window, self.loops.columns.stride)
            if segments + 1 > spad.iact_address.depth:
                return f"the iact address SPad: {segments} segments + 1 > {spad.iact_address.depth} entries"
        if self.weight_encoding is Encoding.CSC:
            if spad.weight_address is not None and channels * taps > spad.weight_address.depth:
                return f"the weight address SPad: {channels * taps} columns > {spad.weight_address.depth} entries"
            mean, deviation = self.weight_words(filters, channels, taps)
            words = min(mean + self.sigmas * deviation, channels * taps * ceil_div(filters, self.lanes))
            if words > spad.weight.depth:
                return f"the weight SPad: about {words:.0f} words of non-zero weights > {spad.weight.depth} words"
        elif weights > (room := spad.weight.values * self.architecture.packing):
            return f"the weight SPad: M0 x C0 x S0 = {weights} > {room} weights"
        return None

    @property
    def spad_key(self) -> Hashable:
        """All that `spad_limit` depends on but its arguments, and how many filters and channels there are."""
        pe, loops = self.architecture.pe, self.loops
        stored = self.iact_encoding, self.weight_encoding, self.sigmas, self.layer.density.weight
        lanes = self.lanes, self.architecture.packing
        return stored, pe.spad, pe.csc, lanes, loops.M, loops.C, loops.columns

    def weight_words(self, filters: int, channels: int, taps: int) -> tuple[float, float]:
        """SPad words of the non-zero weights of a PE, for independent zeros: their mean and standard deviation."""
        simd, density, columns = self.lanes, self.layer.density.weight, channels * taps
        deviation = math.sqrt(filters * columns * density * (1.0 - density)) / simd
        return columns * issue_slots(filters, density, simd), deviation

    # --- multiply-accumulates ----------------------------------------------------------------------------------------
    @cached_property
    def lanes(self) -> int:
        """Peak multiply-accumulates per cycle of a PE."""
        return self.architecture.lanes

    @cached_property
    def effectual(self) -> int:
        """MACs whose two operands are non-zero (expected, or as published for the layer)."""
        return self.layer.expected_macs

    @cached_property
    def issued(self) -> tuple[int, int]:
        """MACs that take a slot, and those of them that are gated because the iact is zero."""
        if self.skips_iacts and self.weight_encoding is Encoding.CSC:
            return self.effectual, 0
        issued = round(self.loops.macs * self.stored_weight_density * self.iact_density)
        return issued, round(issued * (1.0 - self.weight_read_share))

    @property
    def weight_read_share(self) -> float:
        """Share of the processed iacts for which weights are read: a gated zero reads none."""
        if self.skips_iacts or self.architecture.pe.zero_iact != "gate":
            return 1.0
        return self.layer.density.iact * self._real_share

    # --- words, by storage ---------------------------------------------------------------------------------------
    def iact_pairs(self, channels: int, taps: int) -> float:
        """Words stored per nominal iact, for PEs with so many channels, and filter columns at a time."""
        if self.iact_encoding is Encoding.RAW:
            return 1.0
        pe, precision = self.architecture.pe, self.architecture.precision
        assert pe.csc is not None
        address = pe.spad.iact_address.width if pe.spad.iact_address else 0
        segment = channels * (taps if self.reloads else min(self.loops.columns.stride, taps))
        density = self.layer.density.iact * self._real_share
        return csc_pairs_per_value(density, segment, pe.csc.count, address, precision.iact)

    def sent_iact_pairs(self, channels: int, taps: int) -> float:
        """Words sent per nominal iact: those that are stored, or words of addresses and fillers beside them."""
        csc = self.architecture.pe.csc
        if self.iact_encoding is Encoding.RAW or csc is None or not csc.address_words:
            return self.iact_pairs(channels, taps)
        extent = self.loops.columns.of_taps(0, taps).extent
        columns = extent if self.reloads else min(self.loops.columns.stride, extent)
        addresses = (channels if columns > 1 else 1) + 1
        density = self.layer.density.iact * self._real_share
        pairs = 1.0 if csc.filler else csc_pairs_per_value(density, channels * columns, csc.count, 0, 1)
        return pairs + addresses / (channels * columns)

    def filler_iacts(self, channels: int, taps: int) -> float:
        """Filler words sent per nominal iact, which PEs drop."""
        csc = self.architecture.pe.csc
        if self.iact_encoding is Encoding.RAW or csc is None or not csc.filler:
            return 0.0
        extent = self.loops.columns.of_taps(0, taps).extent
        columns = extent if self.reloads else min(self.loops.columns.stride, extent)
        density = self.layer.density.iact * self._real_share
        return 1.0 - csc_pairs_per_value(density, channels * columns, csc.count, 0, 1)

    def weight_port_pairs(self, filters: int) -> float:
        """Words that a weight is worth at its port, where addresses come at a rate of their own."""
        csc = self.architecture.pe.csc
        if self.weight_encoding is Encoding.RAW or csc is None or csc.weight_addresses_per_cycle is None:
            return self.weight_pairs(filters)
        pairs = csc_pairs_per_value(self.layer.density.weight, filters, csc.count, 0, 1)
        return pairs + self.words_per_cycle("weight") / csc.weight_addresses_per_cycle / filters

    def weight_pairs(self, filters: int) -> float:
        """Words stored per nominal weight."""
        if self.weight_encoding is Encoding.RAW:
            return 1.0
        pe, precision = self.architecture.pe, self.architecture.precision
        assert pe.csc is not None
        address = pe.spad.weight_address.width if pe.spad.weight_address else 0
        return csc_pairs_per_value(self.layer.density.weight, filters, pe.csc.count, address, precision.weight)

    @cached_property
    def iact_bits(self) -> int:
        """Bits of one stored iact word."""
        return self.architecture.precision.iact + self._count_bits(self.iact_encoding)

    @cached_property
    def weight_bits(self) -> int:
        """Bits of one stored weight word."""
        return self.architecture.precision.weight + self._count_bits(self.weight_encoding)

    def _count_bits(self, encoding: Encoding) -> int:
        csc = self.architecture.pe.csc
        return csc.count if encoding is Encoding.CSC and csc is not None else 0

    def dram_bits(self, tensor: str, on_chip: float) -> float:
        """Bits per nominal value off-chip, given the bits per value of its form on chip (real values, no padding)."""
        density: float = getattr(self.layer.density, tensor)
        return self.dram_bits_of(tensor, density, on_chip)

    def dram_bits_of(self, tensor: str, value: float, on_chip: float) -> float:
        """The same for a tensor of which the fraction `value` is not zero."""
        dram, precision = self.architecture.dram, self.architecture.precision
        if tensor == "weight" and self.layer.weight_bits is not None:
            return self.layer.weight_bits  # quantised in blocks by its file, which nothing compresses any further
        raw = float({"iact": precision.iact, "weight": precision.weight, "oact": precision.oact}[tensor])
        if tensor not in dram.compressed:
            return raw
        if dram.compression == "rlc":
            assert dram.rlc_run is not None
            assert dram.rlc_word is not None
            return min(raw, rlc_bits_per_value(value, dram.rlc_run, dram.rlc_pairs_per_word, dram.rlc_word))
        if dram.compression == "csc":
            if tensor == "oact":  # the next layer's window is unknown: pairs without addresses
                count = self.architecture.pe.csc.count if self.architecture.pe.csc else 4
                return min(raw, value * (raw + count))
            return on_chip
        return raw

    @cached_property
    def off_chip_share(self) -> float:
        """Share of the iacts of a whole map off-chip that are inputs, not padding that is stored with them."""
        if self.architecture.dram.padding == "skipped":
            return 1.0
        rows, columns = self.loops.rows, self.loops.columns
        inputs = rows.fetched(rows.outputs) * columns.fetched(columns.outputs)
        return inputs / (rows.touched(rows.outputs, 1) * columns.touched(columns.outputs, 1))

    def iact_dram_bits(self, channels: int, taps: int) -> float:
        """Bits off-chip per iact that is fetched; channels, taps: see `iact_pairs`."""
        # With padding skipped, CSC pairs stand for real values only; a layer that sees nothing but padding has none.
        real = self.architecture.dram.padding == "skipped" and self.iact_encoding is Encoding.CSC
        share = self._real_share if real and self._real_share > 0.0 else 1.0
        on_chip = self.iact_pairs(channels, taps) * self.iact_bits / share
        return self.dram_bits_of("iact", self.layer.density.iact * self.off_chip_share, on_chip)

    def weight_dram_bits(self, filters: int) -> float:
        """Bits off-chip per weight that is fetched."""
        return self.dram_bits("weight", self.weight_pairs(filters) * self.weight_bits)

    @cached_property
    def oact_dram_bits(self) -> float:
        """Bits off-chip per output activation."""
        return self.dram_bits("oact", 0.0)

    # --- rates -----------------------------------------------------------------------------------------------------
    def words_per_cycle(self, tensor: str) -> float:
        """Words of a tensor per cycle, over the one bus, all routers of a cluster, or the link of a PE (unicast)."""
        bits = {
            "iact": self.iact_bits,
            "weight": self.weight_bits,
            "psum": self.architecture.precision.psum,
        }[tensor]
        return self.architecture.network(tensor).words_per_cycle_of(tensor, bits, self.architecture.pes)

    def bank_words_per_cycle(self, tensor: str) -> float:
        """Words of a tensor that the GLB banks behind one port group (see `words_per_cycle`) move in a cycle.

        Banks that data types share are taken to serve each of them in full.
        """
        store, shared = getattr(self.architecture.glb, tensor), self.architecture.glb.shared
        banks = store.banks if store.banks or shared is None else shared.banks
        bits = {"iact": self.iact_bits, "psum": self.architecture.precision.psum}[tensor]
        per_bank = float(store.port_width // bits)
        if tensor == "iact":
            return float(per_bank * banks)
        return float(per_bank * banks / self.architecture.pe_cluster.columns)

    @cached_property
    def bytes_per_cycle(self) -> float:
        """Off-chip bytes per core cycle."""
        return self.architecture.dram.bandwidth / self.architecture.clock

    @property
    def latency_cycles(self) -> int:
        """Core cycles from a request to the off-chip channel to its first word."""
        return self.architecture.latency_cycles

    # --- GLB -------------------------------------------------------------------------------------------------------
    @property
    def psums_chain(self) -> bool:
        """Whether psums can go from cluster to cluster."""
        network = self.architecture.noc.psum
        return isinstance(network, HierarchicalMesh) and "south" in network.directions

    @property
    def psums_return(self) -> bool:
        """Whether psums can go back from the end of a chain of clusters to its start."""
        network = self.architecture.noc.psum
        return isinstance(network, HierarchicalMesh) and "north" in network.directions

    @property
    def weight_may_stay(self) -> bool:
        """Whether weights may be kept in the GLB over several tiles."""
        return self.architecture.glb.shares("weight")

    @property
    def weight_through_glb(self) -> bool:
        """Whether weights always pass through GLB banks of their own (the prefetch buffer of Eyeriss v1)."""
        return self.architecture.glb.own_bits("weight") > 0


def problem_of(
    layer: Layer,
    architecture: Architecture,
    iact_encoding: Encoding = Encoding.RAW,
    weight_encoding: Encoding = Encoding.RAW,
    sigmas: float = SIGMAS,
    work: float | None = None,
) -> MappingProblem:
    """Bring a layer and an architecture together.

    Raises ValueError for a layer without multiply-accumulates, or for CSC on a PE that cannot read it.
    """
    if Encoding.CSC in (iact_encoding, weight_encoding) and architecture.pe.csc is None:
        raise ValueError(f"{architecture.name} stores operands raw (pe.csc is absent); encoding csc is not possible")
    return MappingProblem(layer, loops_of(layer), architecture, iact_encoding, weight_encoding, sigmas, work)


MOST_TAP_TILES = 16
"""Lengths of tiles of filter columns that are searched: all that fit the 12 or 16 iacts of a PE of Eyeriss."""


def tap_lengths(problem: MappingProblem) -> list[int]:
    """The filter columns that a PE may hold at a time in a mapping that is searched for (S0), the most first.

    All of them where a PE can hold them.  Else the shortest tile for each number of tiles, of those that fit beside one
    filter and one channel; of more than `MOST_TAP_TILES`, the longest and the shortest ones and those between at equal
    steps.  Empty where not even one column fits.
    """
    size = problem.loops.S
    if problem.spad_limit(1, 1, size) is None:
        return [size]
    shortest = sorted({ceil_div(size, parts) for parts in useful_parts(size, size)}, reverse=True)
    fit = [taps for taps in shortest if problem.spad_limit(1, 1, taps) is None]
    if len(fit) <= MOST_TAP_TILES:
        return fit
    last = len(fit) - 1
    return [fit[i * last // (MOST_TAP_TILES - 1)] for i in range(MOST_TAP_TILES)]


def encodings_of(layer: Layer, architecture: Architecture) -> list[tuple[Encoding, Encoding]]:
    """The ways to store (iacts, weights) that are worth trying.

    CSC needs a PE that reads it and zeros to leave out; with one filter and one channel per group it skips no cycle
    (JETCAS V-B), so such layers stay raw.
    """
    raw, csc = Encoding.RAW, Encoding.CSC
    if architecture.pe.csc is None or (layer.M == 1 and layer.C == 1):
        return [(raw, raw)]
    iacts = [raw, csc] if layer.density.iact < 1.0 or any(layer.padding) else [raw]
    weights = [raw, csc] if layer.density.weight < 1.0 else [raw]
    return [(i, w) for i in iacts for w in weights]
