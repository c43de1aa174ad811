"""The rules by which the mapper of the OpenEye RTL maps the layers that the RTL can run.

OpenEye (Learning-Chips-Lab/OpenEye, commit 41d5fee; its `LayerParameters`) maps three kinds of layers:

- 3 x 3 convolutions: up to 4 channels and 16 filters in a PE, filter rows on PE rows, neighbouring output rows on PE
  columns, and windows (such rows, one column) dealt to the clusters.  The filters of a PE are those of the layer over
  the parts that its weights need of a SPad.  A transmission holds the windows that the GLB banks have room for: iacts
  are stored window by window, each with its addresses.
- Depthwise 3 x 3 convolutions: the same with one channel per transmission.
- Fully connected layers: 12 inputs in each PE of the first column, 16 outputs in each cluster.

The RTL pads a fully connected layer to whole transmissions, and the rows of a window to all PE columns; here the last
ones are smaller.  Other filters, an odd number of filters in a PE, and more than 16 never end in the RTL: the rules say
nothing about them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.mapping import Encoding, Factors, Mapping, ceil_div
from accelerator_sim.mapping.problem import MappingProblem, problem_of
from accelerator_sim.mapping.tiling import Tiling

TAPS = 3
"""Rows and columns of a filter that the RTL can run."""
CHANNELS_PER_PE = 4
"""Largest power of two of channels whose windows of 3 columns fit into an iact SPad of 16."""
FILTERS_PER_PE = 16
INPUTS_PER_PE = 12
"""Of a fully connected layer: as many as a window of a convolution has."""
WEIGHT_VALUES = 192
"""Weights that the SPad of a PE holds."""


def maps_for(architecture: Architecture) -> bool:
    """Whether the rules are for a machine: clusters of sparse PEs, and GLB banks for iacts and psums."""
    glb = architecture.glb
    return not architecture.flat and architecture.pe.csc is not None and bool(glb.iact.banks and glb.psum.banks)


def mapped(problem: MappingProblem) -> Mapping | None:
    """Return the mapping that the rules give for a layer.

    problem: a layer on a machine that the rules are for (see `maps_for`).

    Returns None where the rules say nothing: for layers that the RTL cannot run, and for those that do not fit.
    """
    problem, loops = problem_of(problem.layer, problem.architecture, Encoding.CSC, Encoding.CSC), problem.loops
    if loops.positions:
        mapping = _fully_connected(problem)
    elif loops.R == loops.S == TAPS:
        mapping = _convolution(problem)
    else:
        mapping = None
    if mapping is None:
        return None
    mapping = mapping.clipped(loops)
    return None if broken_limits(Tiling(problem, mapping)) else mapping


def refusal(problem: MappingProblem) -> str:
    """Return why the rules say nothing of a layer.

    problem: a layer of which `mapped` gives no mapping.
    """
    loops = problem.loops
    if loops.positions:
        if loops.Q > 1 or loops.G > 1:
            return "filters of 1 x 1 at several positions; the RTL runs 3 x 3, and fully connected layers of one input"
        return "its words do not fit in the SPads or banks"
    if not loops.R == loops.S == TAPS:
        return f"filters of {loops.R} x {loops.S}; the RTL runs {TAPS} x {TAPS}"
    if loops.G > 1 and (loops.M > 1 or loops.C > 1):
        return f"groups of {loops.C} channels and {loops.M} filters; the RTL runs depthwise ones, of one each"
    if filters_per_pe(loops.M, min(loops.C, CHANNELS_PER_PE)) is None:
        return (
            f"{loops.M} filters would be an odd number in a PE, or not fill all PEs alike, which never ends in the RTL"
        )
    return "its words do not fit in the SPads or banks"


def _fully_connected(problem: MappingProblem) -> Mapping | None:
    loops, array = problem.loops, problem.architecture.cluster_array
    if loops.Q > 1 or loops.G > 1:  # 1 x 1 filters, batches
        return None
    clusters = ceil_div(loops.M, FILTERS_PER_PE)
    columns = min(array.columns, clusters)
    return Mapping(
        cluster_rows=Factors(M=min(array.rows, ceil_div(clusters, columns))),
        cluster_columns=Factors(M=columns),
        pe_rows=Factors(C=min(problem.architecture.pe_cluster.rows, ceil_div(loops.C, INPUTS_PER_PE))),
        M0=FILTERS_PER_PE,
        C0=INPUTS_PER_PE,
        iact_encoding=Encoding.CSC,
        weight_encoding=Encoding.CSC,
    )


def filters_per_pe(filters: int, channels: int) -> int | None:
    """Filters in a PE, of a layer or group of so many, with so many channels in a PE; None: the RTL would never end."""
    if filters == channels == 1:
        return 1
    parts = ceil_div(TAPS * filters * channels, WEIGHT_VALUES)
    in_a_pe = min(FILTERS_PER_PE, filters // parts)
    return in_a_pe if in_a_pe % 2 == 0 and filters % in_a_pe == 0 else None


def _convolution(problem: MappingProblem) -> Mapping | None:
    loops, cluster = problem.loops, problem.architecture.pe_cluster
    if loops.G > 1 and (loops.M > 1 or loops.C > 1):
        return None
    channels = min(loops.C, CHANNELS_PER_PE)
    filters = filters_per_pe(loops.M, channels)
    room = 0 if filters is None else _windows_of_transmission(problem, filters, channels)
    if filters is None or room == 0:
        return None
    rows, columns = min(_cuts(problem), key=lambda cut: _cost(problem, *cut))
    images, strips, across = min(_tiles(_steps(problem, rows, columns), room))[-1]
    return Mapping(
        cluster_rows=rows,
        cluster_columns=columns,
        pe_rows=Factors(R=TAPS),
        pe_columns=Factors(P=min(cluster.columns, loops.P)),
        M0=filters,
        C0=channels,
        N0=images,
        P0=strips,
        Q0=across,
        iact_encoding=Encoding.CSC,
        weight_encoding=Encoding.CSC,
    )


def _windows_of_transmission(problem: MappingProblem, filters: int, channels: int) -> int:
    """Windows of a cluster whose iacts, stored window by window, and whose psums the GLB banks hold."""
    architecture, stride = problem.architecture, problem.loops.rows.stride
    cluster, glb, spad = architecture.pe_cluster, architecture.glb, architecture.pe.spad
    rounds = ceil_div((cluster.columns - 1) * stride + TAPS, glb.iact.banks)
    iacts = ceil_div(TAPS * channels, glb.iact.port_width // problem.iact_bits)
    addresses = ceil_div(channels + 1, glb.iact.port_width // spad.iact_address.width) if spad.iact_address else 0
    psums = ceil_div(filters, max(1, glb.psum.port_width // architecture.precision.psum))
    words = [8 * (store.size or 0) // store.port_width for store in (glb.iact, glb.psum)]
    return min(words[0] // (rounds * (iacts + addresses)), words[1] // psums)


def _cuts(problem: MappingProblem) -> Iterator[tuple[Factors, Factors]]:
    """Every way to cut images, output rows and columns over the rows and the columns of clusters."""
    array, loops = problem.architecture.cluster_array, problem.loops
    for rows, columns in itertools.product(_axis_cuts(array.rows, loops.N), _axis_cuts(array.columns, loops.N)):
        if rows.P * columns.P <= loops.P and rows.Q * columns.Q <= loops.Q and rows.N * columns.N <= loops.N:
            yield rows, columns


def _axis_cuts(places: int, images: int) -> Iterator[Factors]:
    for n in range(1, min(places, images) + 1):
        for p in range(1, places // n + 1):
            for q in range(1, places // (n * p) + 1):
                yield Factors(N=n, P=p, Q=q)


def _steps(problem: MappingProblem, rows: Factors, columns: Factors) -> tuple[int, int, int]:
    """Images, strips of rows, and columns of the busiest cluster."""
    loops = problem.loops
    strips = ceil_div(ceil_div(loops.P, rows.P * columns.P), min(loops.P, problem.architecture.pe_cluster.columns))
    return ceil_div(loops.N, rows.N * columns.N), strips, ceil_div(loops.Q, rows.Q * columns.Q)


def _cost(problem: MappingProblem, rows: Factors, columns: Factors) -> tuple[int, int, int, int]:
    """Windows of the busiest cluster; then strips that are cut, fewer parts of columns, and more clusters."""
    images, strips, across = _steps(problem, rows, columns)
    block = ceil_div(problem.loops.P, rows.P * columns.P)
    cut = block % problem.architecture.pe_cluster.columns != 0
    return images * strips * across, int(cut), -rows.Q * columns.Q, rows.used * columns.used


def _tiles(steps: tuple[int, int, int], room: int) -> Iterator[tuple[int, int, tuple[int, int, int]]]:
    """Transmissions, and the windows of the largest, of every way to cut images, strips and columns to fit."""
    for tile in itertools.product(*(range(1, length + 1) for length in steps)):
        windows = tile[0] * tile[1] * tile[2]
        if windows <= room:
            tiles = [ceil_div(length, part) for length, part in zip(steps, tile, strict=True)]
            yield tiles[0] * tiles[1] * tiles[2], windows, (tile[0], tile[1], tile[2])
