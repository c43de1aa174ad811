"""Who does what in one pass: the share of every PE, the streams that feed the PEs, and the chains that psums climb.

Everything follows from the lengths of the pass's tiles and the places of the array; nothing here depends on data.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.blocks import seat_all
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import block_of, strip_of
from accelerator_sim.kernels.numbering import forget, numbered
from accelerator_sim.kernels.parts import list_parts
from accelerator_sim.kernels.references import refer
from accelerator_sim.kernels.ring import shorten_streams, weight_hops


class Parts(NamedTuple):
    """Into how many parts the array cuts each dimension, and which of them a place has; int64."""

    clusters: Any
    local: Any
    """[DIMENSIONS], parts among clusters and inside one."""
    cluster_part: Any
    local_part: Any
    """[DIMENSIONS, places]"""


@kernel(helper=True, reference_counts=False)
def part_of(parts, dimension, u):
    """Which part of a dimension a place has, over all clusters."""
    return parts.cluster_part[dimension, u] * parts.local[dimension] + parts.local_part[dimension, u]


@kernel(helper=True, reference_counts=False)
def extended(key, parts, dimension, u):
    """A key that also tells apart the parts of a dimension."""
    return key * (parts.clusters[dimension] * parts.local[dimension]) + part_of(parts, dimension, u)


# --- shares ----------------------------------------------------------------------------------------------------------
@kernel(helper=True, reference_counts=False)
def share_out(d, parts, place, u):
    """Give a place its share of the pass; returns whether there is one."""
    size, some = at.SIZE, True
    for dimension, first_at, count_at in (
        (at.G, at.X_G0, -1),
        (at.N, at.X_N0, at.X_N),
        (at.M, at.X_M0, at.X_M),
        (at.C, at.X_C0, at.X_C),
        (at.Q, at.X_Q0, at.X_Q),
        (at.R, at.X_R0, -1),
    ):
        among = parts.clusters[dimension] * parts.local[dimension]
        first, count = block_of(d[size + dimension], among, part_of(parts, dimension, u))
        place[first_at, u] = first
        if count_at >= 0:
            place[count_at, u] = count
        some = some and count > 0
    clusters, local = parts.clusters[at.P], parts.local[at.P]
    cluster, inside = parts.cluster_part[at.P, u], parts.local_part[at.P, u]
    first, rows = strip_of(d[size + at.P], clusters, local, cluster, inside)
    place[at.X_P0, u] = first
    place[at.X_J, u] = rows
    return some and rows > 0


@kernel(helper=True, reference_counts=False)
def share_out_all(d, parts, place, wanted):
    """Give every place that is wanted its share of the pass; returns how many have one."""
    active = 0
    for u in range(place.shape[1]):
        some = share_out(d, parts, place, u)
        place[at.X_ACTIVE, u] = 1 if some and wanted[u] else 0
        active += place[at.X_ACTIVE, u]
    return active


# --- streams ---------------------------------------------------------------------------------------------------------
@kernel(helper=True, reference_counts=False)
def stream_key(e, d, parts, place, u):
    """What tells apart the iacts of a place.

    PEs on a diagonal of a strip share their rows (ISCA 2016 V-A), as do those, in any cluster, that differ in their
    filters only.  With links of its own, each PE is a stream.
    """
    if e[at.PRIVATE]:
        return u
    taps = d[at.SIZE + at.R]
    shared = e[at.ROW_DILATION] == 1 and e[at.ROW_STRIDE] < taps
    across = e[at.ROW_STRIDE] if shared else taps
    diagonals = (parts.local[at.P] - 1) * across + taps + 1
    key = 0
    for dimension in (at.G, at.N, at.Q, at.C):
        key = extended(key, parts, dimension, u)
    key = key * parts.clusters[at.P] + parts.cluster_part[at.P, u]
    return key * diagonals + parts.local_part[at.P, u] * across + place[at.X_R0, u]


@kernel(helper=True, reference_counts=False)
def start_stream(place, stream, s, u):
    """Write down what a stream carries, from the first place that needs it."""
    for of_stream, of_place in (
        (at.S_N, at.X_N),
        (at.S_C, at.X_C),
        (at.S_Q, at.X_Q),
        (at.S_G0, at.X_G0),
        (at.S_N0, at.X_N0),
        (at.S_C0, at.X_C0),
        (at.S_P0, at.X_P0),
        (at.S_Q0, at.X_Q0),
        (at.S_R0, at.X_R0),
    ):
        stream[of_stream, s] = place[of_place, u]
    stream[at.S_SOURCE, s] = u
    stream[at.S_J, s] = 0
    stream[at.S_TARGETS, s] = 0


@kernel(helper=True, reference_counts=False)
def hops_between(e, place, u, first):
    """Cycles from the cluster of a stream's first place to that of another one, or further ones on a narrow link."""
    if e[at.FLAT]:
        return e[at.IACT_TURN] - 1
    down = abs(place[at.X_CLUSTER_ROW, u] - place[at.X_CLUSTER_ROW, first])
    across = abs(place[at.X_CLUSTER_COLUMN, u] - place[at.X_CLUSTER_COLUMN, first])
    return (down + across) * e[at.HOP_CYCLES]


@kernel(helper=True, reference_counts=False)
def find_streams(e, d, parts, plan, numbering):
    """Group the PEs that need the same iacts at the same time; returns the number of streams."""
    place, stream = plan.place, plan.stream
    forget(numbering)
    found = 0
    for u in range(place.shape[1]):
        place[at.X_STREAM, u] = -1
        if place[at.X_ACTIVE, u] == 0:
            continue
        s, new = numbered(numbering, stream_key(e, d, parts, place, u), found)
        place[at.X_STREAM, u] = s
        if new:
            found += 1
            start_stream(place, stream, s, u)
        stream[at.S_TARGETS, s] += 1
        stream[at.S_J, s] = max(stream[at.S_J, s], place[at.X_J, u])
        place[at.X_HOP, u] = hops_between(e, place, u, stream[at.S_SOURCE, s])
    return found


@kernel(helper=True)
def find_lanes(e, parts, plan, streams, numbering):
    """Give each stream a lane: the routers of its source cluster in turn; returns the number of lanes.

    Streams that share the links of a column have one lane; with links of its own, each PE has one.
    """
    place, stream = plan.place, plan.stream
    forget(numbering)
    lanes = sources = 0
    turn = np.zeros(place.shape[1], np.int64)
    for s in range(streams):
        u = stream[at.S_SOURCE, s]
        row = place[at.X_CLUSTER_ROW, u]
        if e[at.CONTENTION]:
            row -= parts.cluster_part[at.C, u]
        cluster = row * e[at.CLUSTER_COLUMNS] + place[at.X_CLUSTER_COLUMN, u]
        if e[at.PRIVATE]:
            cluster = s
        k, new = numbered(numbering, 2 * cluster, sources)
        if new:
            sources += 1
        router = turn[k] % e[at.IACT_LANES]
        turn[k] += 1
        lane, new = numbered(numbering, 2 * (cluster * e[at.IACT_LANES] + router) + 1, lanes)
        if new:
            lanes += 1
        stream[at.S_LANE, s] = lane
        stream[at.S_HOME, s] = cluster
    return lanes


@kernel(helper=True)
def sort_streams(plan, streams, lanes):
    """List the streams of each lane, in the order in which they take turns."""
    stream, lane_first = plan.stream, plan.lane_first
    for i in range(lanes + 1):
        lane_first[i] = 0
    for s in range(streams):
        lane_first[stream[at.S_LANE, s] + 1] += 1
    for i in range(lanes):
        lane_first[i + 1] += lane_first[i]
    filled = np.zeros(lanes, np.int64)
    for s in range(streams):
        lane = stream[at.S_LANE, s]
        plan.lane_stream[lane_first[lane] + filled[lane]] = s
        filled[lane] += 1


@kernel(helper=True)
def sort_targets(plan, streams):
    """List the places that each stream goes to."""
    place, target_first = plan.place, plan.target_first
    target_first[0] = 0
    for s in range(streams):
        target_first[s + 1] = target_first[s] + plan.stream[at.S_TARGETS, s]
    filled = np.zeros(streams, np.int64)
    for u in range(place.shape[1]):
        s = place[at.X_STREAM, u]
        if s >= 0:
            plan.target[target_first[s] + filled[s]] = u
            filled[s] += 1


# --- chains ----------------------------------------------------------------------------------------------------------
@kernel(helper=True, reference_counts=False)
def psum_lane(e, place, u, found):
    """Lane of the chain number `found`, which begins at a place."""
    if e[at.PRIVATE]:
        return found
    if e[at.FLAT]:
        return found % e[at.PSUM_LANES]
    cluster = place[at.X_CLUSTER_ROW, u] * e[at.CLUSTER_COLUMNS] + place[at.X_CLUSTER_COLUMN, u]
    return cluster * e[at.PSUM_LANES] + place[at.X_PE_COLUMN, u] % e[at.PSUM_LANES]


@kernel(helper=True, reference_counts=False)
def start_chain(e, plan, h, u):
    """Write down what the next chain carries, from its first place."""
    place, chain = plan.place, plan.chain
    chain[at.H_LANE, h] = psum_lane(e, place, u, h)
    chain[at.H_N, h] = place[at.X_N, u]
    chain[at.H_J, h] = place[at.X_J, u]
    chain[at.H_Q, h] = place[at.X_Q, u]
    chain[at.H_M, h] = place[at.X_M, u]
    chain[at.H_BACK, h] = e[at.PSUM_TURN] - 1 + e[at.PSUM_LATER]


@kernel(helper=True)
def find_chains(e, parts, plan, numbering):
    """Group the PEs whose results add up, in the order in which psums climb; returns the number of chains."""
    place, chain = plan.place, plan.chain
    forget(numbering)
    found = 0
    last = np.full(place.shape[1], -1, np.int64)
    for u in range(place.shape[1]):
        place[at.X_CHAIN, u] = -1
        if place[at.X_ACTIVE, u] == 0:
            continue
        key = 0
        for dimension in (at.G, at.N, at.M, at.Q, at.P):
            key = extended(key, parts, dimension, u)
        h, new = numbered(numbering, key, found)
        if new:
            start_chain(e, plan, h, u)
            found += 1
        place[at.X_CHAIN, u] = h
        place[at.X_CHAIN_HOP, u] = 0
        if last[h] >= 0 and not e[at.FLAT]:
            place[at.X_CHAIN_HOP, u] = place[at.X_CLUSTER_ROW, u] - place[at.X_CLUSTER_ROW, last[h]]
            if e[at.PSUMS_REST]:
                chain[at.H_BACK, h] += place[at.X_CHAIN_HOP, u] * e[at.HOP_CYCLES]
        last[h] = u
    return found


@kernel(helper=True)
def sort_links(plan, chains):
    """List the places of each chain, one after the other."""
    place, chain = plan.place, plan.chain
    lengths = np.zeros(chains, np.int64)
    for u in range(place.shape[1]):
        if place[at.X_CHAIN, u] >= 0:
            lengths[place[at.X_CHAIN, u]] += 1
    first = 0
    for h in range(chains):
        chain[at.H_FIRST, h] = first
        first += lengths[h]
        lengths[h] = 0
    chain[at.H_FIRST, chains] = first
    for u in range(place.shape[1]):
        h = place[at.X_CHAIN, u]
        if h >= 0:
            plan.link[chain[at.H_FIRST, h] + lengths[h]] = u
            lengths[h] += 1


# --- weights ---------------------------------------------------------------------------------------------------------
@kernel(helper=True, reference_counts=False)
def weight_source(e, place, u, rows):
    """Where the weights of a place come from, on an array of so many PE rows.

    A source is the weight router of a PE row in a cluster, or in the first cluster of a row where clusters share it;
    on a flat array its ports take turns with the tiles, or it is the PE's own link.
    """
    if e[at.PRIVATE]:
        return u
    if e[at.FLAT]:
        return 0
    column = 0 if e[at.MULTICAST] else place[at.X_CLUSTER_COLUMN, u]
    return (place[at.X_CLUSTER_ROW, u] * e[at.CLUSTER_COLUMNS] + column) * rows + place[at.X_PE_ROW, u]


@kernel(helper=True, reference_counts=False)
def find_tiles(e, parts, plan, numbering):
    """Group the PEs that need the same weights from the same source; returns the number of tiles.

    Tiles of a source are sent in the order of their numbers.
    """
    place, tile = plan.place, plan.tile
    forget(numbering)
    found = 0
    rows = 1
    for u in range(place.shape[1]):
        rows = max(rows, place[at.X_PE_ROW, u] + 1)
    for u in range(place.shape[1]):
        place[at.X_TILE, u] = -1
        if place[at.X_ACTIVE, u] == 0:
            continue
        source = weight_source(e, place, u, rows)
        key = source
        for dimension in (at.G, at.M, at.C, at.R):
            key = extended(key, parts, dimension, u)
        w, new = numbered(numbering, key, found)
        place[at.X_TILE, u] = w
        if new:
            found += 1
            tile[at.W_LANE, w] = source if e[at.PRIVATE] or not e[at.FLAT] else w % e[at.WEIGHT_LANES]
            tile[at.W_G0, w] = place[at.X_G0, u]
            tile[at.W_M0, w] = place[at.X_M0, u]
            tile[at.W_C0, w] = place[at.X_C0, u]
            tile[at.W_R0, w] = place[at.X_R0, u]
            tile[at.W_M, w] = place[at.X_M, u]
            tile[at.W_C, w] = place[at.X_C, u]
    return found


@kernel(helper=True, reference_counts=False)
def count_windows(plan, streams):
    """Write down the most images, rows and columns of windows of a stream."""
    stream, counts = plan.stream, plan.counts
    counts[at.WINDOWS_N] = counts[at.WINDOWS_J] = counts[at.WINDOWS_Q] = 0
    for s in range(streams):
        counts[at.WINDOWS_N] = max(counts[at.WINDOWS_N], stream[at.S_N, s])
        counts[at.WINDOWS_J] = max(counts[at.WINDOWS_J], stream[at.S_J, s])
        counts[at.WINDOWS_Q] = max(counts[at.WINDOWS_Q], stream[at.S_Q, s])


@kernel()
def plan_pass(e, d, parts, wanted, plan, numbering):
    """Plan one pass.

    e, d: see `kernels.engine_arrays`; wanted: uint8 [places], 0 for places to leave out; plan: the outputs: the places,
    the streams, the lanes with their streams in the order in which they take turns, the streams with their target
    places, the chains with their places, the tiles of weights; numbering: room for at least twice the places.
    """
    parts, plan, numbering = refer(parts), refer(plan), refer(numbering)
    counts = plan.counts
    counts[at.COUNT_ACTIVE] = share_out_all(d, parts, plan.place, wanted)
    streams = find_streams(e, d, parts, plan, numbering)
    if e[at.IACT_RING_ROWS] + e[at.IACT_RING_COLUMNS] > 0:
        shorten_streams(e, plan, streams)
    lanes = find_lanes(e, parts, plan, streams, numbering)
    sort_streams(plan, streams, lanes)
    sort_targets(plan, streams)
    count_windows(plan, streams)
    chains = find_chains(e, parts, plan, numbering)
    sort_links(plan, chains)
    counts[at.COUNT_STREAMS] = streams
    counts[at.COUNT_LANES] = lanes
    counts[at.COUNT_CHAINS] = chains
    counts[at.COUNT_TILES] = find_tiles(e, parts, plan, numbering)
    weight_hops(e, plan.place)
    list_parts(e, plan)
    seat_all(e, plan)
