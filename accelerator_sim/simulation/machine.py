"""A schedule as the flat arrays that the engines' kernels take: places, parts, and the widths of every port."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.architecture.networks import Bank, Lanes
from accelerator_sim.files.recent import Recent
from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.mapping.mapping import AXES, Encoding, Factors, Mapping, ceil_div
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.workload.arrays import Ints

DIMENSIONS = "GNMCPQRS"
"""Order of the dimensions in arrays (`kernels.engine_arrays`)."""
PLACES_ORDER = "GNQPMCRS"
"""Significance of the dimensions in a place on an axis, outermost first (`noc.modes`)."""

LOCK_STEPS = {"none": at.ALONE, "chain": at.CHAIN_TOGETHER, "array": at.ARRAY_TOGETHER}
"""How kernels know the values of `pe.lock_step`."""

_SMALL = 4096
"""Words that are kept of any memory: 32 KiB per PE."""


@dataclass(frozen=True, eq=False)
class Machine:
    """Arguments of the kernels that do not change from pass to pass."""

    schedule: Schedule
    e: Ints
    clusters: Ints
    local: Ints
    cluster_part: Ints
    local_part: Ints
    place: Ints
    """[PLACE, places]; only the rows of where a place lies are filled."""

    @property
    def places(self) -> int:
        """Places of the array that the mapping names."""
        return int(self.place.shape[1])


class _Layout(NamedTuple):
    """Fields of a `Machine` that follow from the array and from how a mapping cuts the layer over it."""

    clusters: Ints
    local: Ints
    cluster_part: Ints
    local_part: Ints
    place: Ints


_LAYOUTS: Recent[_Layout] = Recent(16 << 20)
"""What was laid out last: mappings that differ in their tiles alone, on machines with one array, have it in common."""


def machine_of(schedule: Schedule) -> Machine:
    """Lay a schedule out on its machine."""
    mapping, architecture = schedule.mapping, schedule.problem.architecture
    key = *(getattr(mapping, axis) for axis in AXES), architecture.cluster_array.columns, architecture.pe_cluster
    layout = _LAYOUTS.get(key)
    if layout is None:
        layout = _laid_out(mapping, architecture)
        _LAYOUTS.put(key, layout, sum(array.nbytes for array in layout))
    return Machine(schedule, _integers(schedule), *layout)


def _laid_out(mapping: Mapping, architecture: Architecture) -> _Layout:
    """Where the parts of a layer lie."""
    axes = [_places(getattr(mapping, axis)) for axis in AXES]
    counts = [axis.shape[1] for axis in axes]
    grid = np.indices(counts).reshape(4, -1)
    digits = [axis[:, grid[i]] for i, axis in enumerate(axes)]  # [dimensions, places] each
    inner = {axis: _parts(getattr(mapping, axis)) for axis in AXES}
    cluster_part = digits[0] * inner["cluster_columns"][:, None] + digits[1]
    local_part = digits[2] * inner["pe_columns"][:, None] + digits[3]
    place = np.zeros((at.PLACE, grid.shape[1]), dtype=np.int64)
    place[[at.X_CLUSTER_ROW, at.X_CLUSTER_COLUMN, at.X_PE_ROW, at.X_PE_COLUMN]] = grid
    array, cluster = architecture.cluster_array, architecture.pe_cluster
    index = grid[0] * array.columns + grid[1]
    place[at.X_PE] = (index * cluster.rows + grid[2]) * cluster.columns + grid[3]
    return _Layout(
        np.array([mapping.array_parts(d) for d in DIMENSIONS], dtype=np.int64),
        np.array([mapping.cluster_parts(d) for d in DIMENSIONS], dtype=np.int64),
        np.ascontiguousarray(cluster_part),
        np.ascontiguousarray(local_part),
        place,
    )


def _parts(factors: Factors) -> Ints:
    return np.array([getattr(factors, d) for d in DIMENSIONS], dtype=np.int64)


def _places(factors: Factors) -> Ints:
    """Part of each dimension, [dimensions, places used], of every place on an axis."""
    ranges = [range(getattr(factors, d)) for d in PLACES_ORDER]
    digits = np.array(list(itertools.product(*ranges)), dtype=np.int64).T
    return digits[[PLACES_ORDER.index(d) for d in DIMENSIONS]]


def lanes_of(schedule: Schedule, tensor: str) -> Lanes:
    """The lanes of a data type, and what travels on one at a time."""
    problem = schedule.problem
    architecture = problem.architecture
    bits = {"iact": problem.iact_bits, "weight": problem.weight_bits, "psum": architecture.precision.psum}[tensor]
    return architecture.network(tensor).lanes(tensor, bits, architecture.pe_cluster, _bank(schedule, tensor))


def _bank(schedule: Schedule, tensor: str) -> Bank | None:
    """The bank that iacts and psums rest in; None if they go past the GLB, and for weights, which wait nowhere."""
    glb = schedule.problem.architecture.glb
    passed = {"iact": schedule.iact_bypasses_glb, "weight": True, "psum": schedule.psum_bypasses_glb}[tensor]
    if passed:
        return None
    store = getattr(glb, tensor)
    return Bank(store.port_width, store.banks or (glb.shared.banks if glb.shared else 1))


def psum_flit(schedule: Schedule) -> tuple[int, int, int]:
    """Psums of a flit, cycles in which a PE moves one, and lanes: the flits that ports take side by side.

    On a mesh each PE column has a port, unless it shares a GLB bank with others.  On a flat network a source sends as
    many flits side by side as it has words for, of as many psums as a PE moves in a cycle.
    """
    architecture = schedule.problem.architecture
    service, lanes = architecture.pe.psum_service.cycles_per_psum, lanes_of(schedule, "psum")
    psums, count = lanes.words, lanes.count
    if architecture.flat:
        psums = psums if service <= 0 else max(1, min(psums, int(1 / service)))
        count = architecture.pes if architecture.private else count * max(1, lanes.words // psums)
    return psums, max(1, -int(-service * psums // 1)), count


def shared_psum_port(architecture: Architecture) -> int:
    """How reads and writes share the port of a psum bank, `kernels.engine_arrays.NOT_SHARED, ...`."""
    psum = architecture.glb.psum
    if architecture.flat or psum.ports > 1:
        return at.NOT_SHARED
    return at.BURST if psum.access == "burst" else at.ALTERNATE


def _psums_from(schedule: Schedule) -> int:
    """Cycle of a pass from which psums are read: where they drain beside the next pass in a burst, after that one."""
    architecture = schedule.problem.architecture
    hidden = architecture.overlap.psum_drain and not schedule.psum_bypasses_glb
    if not hidden or shared_psum_port(architecture) != at.BURST:
        return 0
    return ceil_div(schedule.mapping.M0, psum_flit(schedule)[0])


def _most_words(schedule: Schedule) -> tuple[int, int]:
    """Iacts and psums that never wait for room: memories that are larger do not matter, and their state is not kept.

    Twice what all passes of a filter tile bring to one PE, so that the next pass fits beside the one that computes.
    """
    loops = schedule.loops
    rows = loops.P * loops.rows.stride + loops.rows.extent
    columns = loops.Q * loops.columns.stride + loops.columns.extent
    iacts = loops.G * loops.N * loops.C * loops.R * rows * columns * schedule.deals.S.tiles
    psums = loops.G * loops.N * loops.M * loops.P * loops.Q
    return max(_SMALL, 2 * iacts), max(_SMALL, 2 * psums)


def _integers(schedule: Schedule) -> Ints:
    problem, loops, mapping = schedule.problem, schedule.loops, schedule.mapping
    architecture, pe = problem.architecture, problem.architecture.pe
    flat = architecture.flat
    e = np.zeros(at.INTEGERS, dtype=np.int64)
    rows, columns = loops.rows, loops.columns
    e[[at.ROW_STRIDE, at.ROW_DILATION, at.ROW_BEFORE, at.ROW_SIZE]] = [
        rows.stride, rows.dilation, rows.before, rows.size,
    ]  # fmt: skip
    e[[at.COL_STRIDE, at.COL_DILATION, at.COL_SIZE, at.TAPS]] = [
        columns.stride, columns.dilation, columns.size, loops.S,
    ]  # fmt: skip
    e[[at.GROUPS, at.IMAGES, at.FILTERS, at.CHANNELS, at.ROWS_OUT, at.COLS_OUT, at.ROW_TAPS]] = [
        loops.G, loops.N, loops.M, loops.C, loops.P, loops.Q, loops.R,
    ]  # fmt: skip
    e[at.SIMD] = architecture.lanes
    e[at.TAIL] = min(2, pe.pipeline_stages)
    e[at.FRONT] = max(1, pe.pipeline_stages - 2)
    e[at.HOLD] = pe.min_cycles_per_iact if pe.min_cycles_per_iact > 1 else 0
    e[at.OVERLAP] = pe.psum_service.overlaps_macs
    e[[at.LOCK_STEP, at.START_LATENCY]] = LOCK_STEPS[pe.lock_step], pe.start_latency
    e[[at.SINGLE_BUFFER, at.RELOAD]] = pe.iact_buffer == "single", pe.iact_window == "reload"
    e[[at.PSUM_START, at.PSUM_LATER]] = pe.psum_service.start, pe.psum_service.latency - 1
    e[[at.HOP_CYCLES, at.IACT_START]] = architecture.noc.hop_cycles, architecture.overlap.iact_start
    if pe.csc is not None:
        e[[at.ADDRESS_WORDS, at.FILLER]] = pe.csc.address_words, pe.csc.filler
        e[[at.ADDRESS_RATE, at.MORE_ADDRESSES]] = pe.csc.weight_addresses_per_cycle or 0, pe.csc.more_weight_addresses
    e[at.CSC_IACT] = mapping.iact_encoding is Encoding.CSC
    e[at.CSC_WEIGHT] = mapping.weight_encoding is Encoding.CSC
    e[at.COUNT_REACH] = 1 << (pe.csc.count if pe.csc else 4)
    window = schedule.window_words
    iacts, psums = _most_words(schedule)
    e[at.SPAD_WORDS] = max(window, min(pe.spad.iact.values or 0, iacts))
    e[at.IACT_FIFO], e[at.PSUM_FIFO] = min(pe.fifo_depth["iact"], iacts), min(pe.fifo_depth["psum"], psums)
    lanes = {tensor: lanes_of(schedule, tensor) for tensor in TENSORS}
    e[at.IACT_FLIT], e[at.IACT_LANES] = lanes["iact"].words, lanes["iact"].count
    e[[at.IACT_TURN, at.WEIGHT_TURN, at.PSUM_TURN]] = [lanes[tensor].turn for tensor in TENSORS]
    e[at.WEIGHT_FLIT], e[at.WEIGHT_LANES] = lanes["weight"].words, lanes["weight"].count
    e[at.WEIGHT_FLIT_BITS] = e[at.WEIGHT_FLIT] * problem.weight_bits
    e[at.ADDRESS_BITS] = pe.spad.weight_address.width if pe.spad.weight_address else 0
    e[at.PSUM_FLIT], e[at.SERVICE], e[at.PSUM_LANES] = psum_flit(schedule)
    e[at.PSUM_READS_FROM] = _psums_from(schedule)
    e[at.FLAT] = flat
    e[at.PRIVATE] = architecture.private
    e[at.MULTICAST] = schedule.weight_multicast and not flat
    e[at.CONTENTION] = mapping.cluster_rows.C > 1 and mapping.cluster_rows.M > 1
    e[at.CLUSTER_COLUMNS] = architecture.cluster_array.columns
    for tensor, places in (("iact", [at.IACT_RING_ROWS, at.IACT_RING_COLUMNS]), ("weight", [at.WEIGHT_RING])):
        ring = architecture.network(tensor).ring(architecture.cluster_array)
        e[places] = [size if size > 1 else 0 for size in (ring.rows, ring.columns)][-len(places) :]
    e[at.PSUMS_REST] = not schedule.psum_bypasses_glb
    e[at.HIDE_DRAIN] = architecture.overlap.psum_drain
    e[at.BLOCK_ROWS] = at.B_RINGS + e[at.FRONT] + e[at.IACT_FIFO] + 3 * e[at.SPAD_WORDS]
    e[at.LINK_ROWS] = at.L_POPPED + e[at.PSUM_FIFO]
    return e
