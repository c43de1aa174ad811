"""Who does what in one pass: the share of every PE, the streams that feed the PEs, and the chains that psums climb.

Everything follows from the lengths of the pass's tiles and the places of the array; nothing here depends on data.
"""

from __future__ import annotations

import numpy as np

from accelerator_sim.kernels import machine as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import cdiv


@kernel(helper=True)
def numbered(key, keys, numbers, found):
    """Number of a key: the one it has, or the next (`found`).  Open addressing in `keys` (-1: free).

    Returns the number and whether it is new.
    """
    slots = keys.size
    i = (key * 2654435761) % slots
    while keys[i] != -1:
        if keys[i] == key:
            return numbers[i], False
        i += 1
        if i == slots:
            i = 0
    keys[i] = key
    numbers[i] = found
    return found, True


@kernel(helper=True)
def block(size, parts, unit):
    """First element and number of elements of part `unit` of a tile that is dealt in blocks."""
    steps = cdiv(size, parts)
    first = unit * steps
    return first, max(0, min(steps, size - first))


@kernel(helper=True)
def share_out(d, clusters, local, cluster_part, local_part, place, wanted):
    """Give every place that is wanted its share of the pass."""
    size = at.SIZE
    row_block = cdiv(d[size + at.P], clusters[at.P])
    active = 0
    for u in range(place.shape[1]):
        ok = 1 if wanted[u] else 0
        for dim, first_at, count_at in (
            (at.G, at.X_G0, -1),
            (at.N, at.X_N0, at.X_N),
            (at.M, at.X_M0, at.X_M),
            (at.C, at.X_C0, at.X_C),
            (at.Q, at.X_Q0, at.X_Q),
            (at.R, at.X_R0, -1),
        ):
            unit = cluster_part[dim, u] * local[dim] + local_part[dim, u]
            first, count = block(d[size + dim], clusters[dim] * local[dim], unit)
            place[first_at, u] = first
            if count_at >= 0:
                place[count_at, u] = count
            if count == 0:
                ok = 0
        first = cluster_part[at.P, u] * row_block
        rows = min(row_block, d[size + at.P] - first) - local_part[at.P, u]
        place[at.X_P0, u] = first + local_part[at.P, u]
        place[at.X_J, u] = cdiv(rows, local[at.P]) if rows > 0 else 0
        if rows <= 0:
            ok = 0
        place[at.X_ACTIVE, u] = ok
        active += ok
    return active


@kernel(helper=True)
def find_streams(e, d, clusters, local, cluster_part, local_part, place, stream, keys, numbers):
    """Group the PEs that need the same iacts at the same time, and give each group a lane of its source cluster.

    PEs on a diagonal of a strip share their rows (ISCA 2016 V-A), as do those, in any cluster, that differ in their
    filters only.  With links of its own, each PE is a stream and has a lane.  Returns the numbers of streams and lanes.
    """
    for i in range(keys.size):
        keys[i] = -1
    taps = d[at.SIZE + at.R]
    shared = e[at.ROW_DILATION] == 1 and e[at.ROW_STRIDE] < taps
    across = e[at.ROW_STRIDE] if shared else taps
    diagonals = (local[at.P] - 1) * across + taps + 1
    found = 0
    for u in range(place.shape[1]):
        place[at.X_STREAM, u] = -1
        if place[at.X_ACTIVE, u] == 0:
            continue
        key = 0
        for dim in (at.G, at.N, at.Q, at.C):
            key = key * (clusters[dim] * local[dim]) + cluster_part[dim, u] * local[dim] + local_part[dim, u]
        key = key * clusters[at.P] + cluster_part[at.P, u]
        key = key * diagonals + local_part[at.P, u] * across + place[at.X_R0, u]
        if e[at.PRIVATE]:
            key = u
        s, new = numbered(key, keys, numbers, found)
        place[at.X_STREAM, u] = s
        if new:
            found += 1
            stream[at.S_SOURCE, s] = u
            stream[at.S_N, s] = place[at.X_N, u]
            stream[at.S_C, s] = place[at.X_C, u]
            stream[at.S_Q, s] = place[at.X_Q, u]
            stream[at.S_G0, s] = place[at.X_G0, u]
            stream[at.S_N0, s] = place[at.X_N0, u]
            stream[at.S_C0, s] = place[at.X_C0, u]
            stream[at.S_P0, s] = place[at.X_P0, u]
            stream[at.S_Q0, s] = place[at.X_Q0, u]
            stream[at.S_R0, s] = place[at.X_R0, u]
            stream[at.S_J, s] = 0
            stream[at.S_TARGETS, s] = 0
        stream[at.S_TARGETS, s] += 1
        stream[at.S_J, s] = max(stream[at.S_J, s], place[at.X_J, u])
        first = stream[at.S_SOURCE, s]
        place[at.X_HOP, u] = e[at.IACT_TURN] - 1
        if not e[at.FLAT]:
            place[at.X_HOP, u] = abs(place[at.X_CLUSTER_ROW, u] - place[at.X_CLUSTER_ROW, first]) + abs(
                place[at.X_CLUSTER_COLUMN, u] - place[at.X_CLUSTER_COLUMN, first]
            )
    # Lanes: the routers of the source cluster in turn.  Streams that share the links of a column have one lane.
    for i in range(keys.size):
        keys[i] = -1
    lanes = 0
    turn = np.zeros(place.shape[1], np.int64)
    sources = 0
    for s in range(found):
        u = stream[at.S_SOURCE, s]
        row = place[at.X_CLUSTER_ROW, u]
        if e[at.CONTENTION]:
            row -= cluster_part[at.C, u]
        cluster = row * e[at.CLUSTER_COLUMNS] + place[at.X_CLUSTER_COLUMN, u]
        if e[at.PRIVATE]:
            cluster = s
        k, new = numbered(2 * cluster, keys, numbers, sources)
        if new:
            sources += 1
        router = turn[k] % e[at.IACT_LANES]
        turn[k] += 1
        lane, new = numbered(2 * (cluster * e[at.IACT_LANES] + router) + 1, keys, numbers, lanes)
        if new:
            lanes += 1
        stream[at.S_LANE, s] = lane
        stream[at.S_HOME, s] = cluster
    return found, lanes


@kernel(helper=True)
def find_chains(e, clusters, local, cluster_part, local_part, place, chain, link, keys, numbers):
    """Group the PEs whose results add up, in the order in which psums climb.

    link: for each chain its places, one after the other; returns the number of chains.
    """
    for i in range(keys.size):
        keys[i] = -1
    found = 0
    last = np.full(place.shape[1], -1, np.int64)
    lengths = np.zeros(place.shape[1], np.int64)
    for u in range(place.shape[1]):
        place[at.X_CHAIN, u] = -1
        if place[at.X_ACTIVE, u] == 0:
            continue
        key = 0
        for dim in (at.G, at.N, at.M, at.Q, at.P):
            key = key * (clusters[dim] * local[dim]) + cluster_part[dim, u] * local[dim] + local_part[dim, u]
        h, new = numbered(key, keys, numbers, found)
        if new:
            if e[at.PRIVATE]:
                lane = found
            elif e[at.FLAT]:
                lane = found % e[at.PSUM_LANES]
            else:
                cluster = place[at.X_CLUSTER_ROW, u] * e[at.CLUSTER_COLUMNS] + place[at.X_CLUSTER_COLUMN, u]
                lane = cluster * e[at.PSUM_LANES] + place[at.X_PE_COLUMN, u] % e[at.PSUM_LANES]
            chain[at.H_LANE, h] = lane
            chain[at.H_N, h] = place[at.X_N, u]
            chain[at.H_J, h] = place[at.X_J, u]
            chain[at.H_Q, h] = place[at.X_Q, u]
            chain[at.H_M, h] = place[at.X_M, u]
            chain[at.H_BACK, h] = e[at.PSUM_TURN] - 1
            found += 1
        place[at.X_CHAIN, u] = h
        place[at.X_CHAIN_HOP, u] = 0
        if last[h] >= 0 and not e[at.FLAT]:
            place[at.X_CHAIN_HOP, u] = place[at.X_CLUSTER_ROW, u] - place[at.X_CLUSTER_ROW, last[h]]
            if e[at.PSUMS_REST]:
                chain[at.H_BACK, h] += place[at.X_CHAIN_HOP, u]
        last[h] = u
        lengths[h] += 1
    first = 0
    for h in range(found):
        chain[at.H_FIRST, h] = first
        first += lengths[h]
        lengths[h] = 0
    chain[at.H_FIRST, found] = first
    for u in range(place.shape[1]):
        h = place[at.X_CHAIN, u]
        if h >= 0:
            link[chain[at.H_FIRST, h] + lengths[h]] = u
            lengths[h] += 1
    return found


@kernel(helper=True)
def find_tiles(e, clusters, local, cluster_part, local_part, place, tile, keys, numbers):
    """Group the PEs that need the same weights from the same source; returns the number of tiles.

    A source is the weight router of a PE row in a cluster, or in the first cluster of a row where clusters share it;
    on a flat array a port, or the PE's own link.  Tiles of a source are sent in the order of their numbers.
    """
    for i in range(keys.size):
        keys[i] = -1
    found = 0
    rows = 1
    for u in range(place.shape[1]):
        rows = max(rows, place[at.X_PE_ROW, u] + 1)
    for u in range(place.shape[1]):
        place[at.X_TILE, u] = -1
        if place[at.X_ACTIVE, u] == 0:
            continue
        source = 0
        if not e[at.FLAT]:
            column = 0 if e[at.MULTICAST] else place[at.X_CLUSTER_COLUMN, u]
            source = (place[at.X_CLUSTER_ROW, u] * e[at.CLUSTER_COLUMNS] + column) * rows + place[at.X_PE_ROW, u]
        if e[at.PRIVATE]:
            source = u
        key = source
        for dim in (at.G, at.M, at.C, at.R):
            key = key * (clusters[dim] * local[dim]) + cluster_part[dim, u] * local[dim] + local_part[dim, u]
        w, new = numbered(key, keys, numbers, found)
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


@kernel()
def plan_pass(e, d, clusters, local, cluster_part, local_part, wanted, plan, keys, numbers):
    """Plan one pass.

    e, d: see `kernels.machine`; clusters, local: int64 [7] parts among clusters and inside one; cluster_part,
    local_part: int64 [7, places]; wanted: uint8 [places], 0 for places to leave out; plan: the outputs: the places,
    the streams, the lanes with their streams in the order in which they take turns, the streams with their target
    places, the chains with their places, the tiles of weights; keys, numbers: room for the grouping, at least twice
    the places.
    """
    place, stream, lane_first, lane_stream = plan.place, plan.stream, plan.lane_first, plan.lane_stream
    target_first, target, counts = plan.target_first, plan.target, plan.counts
    places = place.shape[1]
    counts[at.COUNT_ACTIVE] = share_out(d, clusters, local, cluster_part, local_part, place, wanted)
    streams, lanes = find_streams(e, d, clusters, local, cluster_part, local_part, place, stream, keys, numbers)
    for i in range(lanes + 1):
        lane_first[i] = 0
    for s in range(streams):
        lane_first[stream[at.S_LANE, s] + 1] += 1
    for i in range(lanes):
        lane_first[i + 1] += lane_first[i]
    filled = np.zeros(places + 1, np.int64)
    for s in range(streams):
        lane = stream[at.S_LANE, s]
        lane_stream[lane_first[lane] + filled[lane]] = s
        filled[lane] += 1
    target_first[0] = 0
    for s in range(streams):
        target_first[s + 1] = target_first[s] + stream[at.S_TARGETS, s]
        filled[s] = 0
    for u in range(places):
        s = place[at.X_STREAM, u]
        if s >= 0:
            target[target_first[s] + filled[s]] = u
            filled[s] += 1
    counts[at.COUNT_STREAMS] = streams
    counts[at.COUNT_LANES] = lanes
    counts[at.COUNT_CHAINS] = find_chains(
        e, clusters, local, cluster_part, local_part, place, plan.chain, plan.link, keys, numbers
    )
    counts[at.COUNT_TILES] = find_tiles(e, clusters, local, cluster_part, local_part, place, plan.tile, keys, numbers)
    n = j = q = 0
    for s in range(streams):
        n = max(n, stream[at.S_N, s])
        j = max(j, stream[at.S_J, s])
        q = max(q, stream[at.S_Q, s])
    counts[at.WINDOWS_N] = n
    counts[at.WINDOWS_J] = j
    counts[at.WINDOWS_Q] = q
