"""How far words go on the rings of a torus.

A multicast tree on a ring leaves out the links between two targets that are neighbours.  It takes the way with the
fewest links: the longest gap is left out; among equal gaps the one that brings the farthest target nearest; among
those the one with the fewest links backwards (`noc.routes` finds the same on the graph).  Targets are evenly spaced
from the source on, so no gap is longer than that from the last one round to the source, and a tree has as many links
as without the ring: a torus makes words arrive sooner, and no fewer links are crossed.
"""

from __future__ import annotations

import numpy as np

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel


@kernel(helper=True)
def forward_reach(wanted, size):
    """Links of the arm that leads forward; wanted: uint8 [size], whether the cluster so many links on is a target.

    size: clusters of the ring.  A cost puts links before the farthest target before links backwards, each below size.
    """
    last = 0
    for offset in range(size):
        if wanted[offset]:
            last = offset
    best, best_cost = last, (last * size + last) * size
    before = 0
    for offset in range(1, size):
        if wanted[offset]:
            links, back = size - (offset - before), size - offset
            cost = (links * size + max(before, back)) * size + back
            if cost < best_cost:
                best, best_cost = before, cost
            before = offset
    return best


@kernel(helper=True, reference_counts=False)
def links_to(offset, forward, size):
    """Links to the cluster so many links on: forward as far as that arm leads, else backward."""
    return offset if offset <= forward else size - offset


@kernel(helper=True)
def shorten_streams(e, plan, streams):
    """Put the way over rings into `X_HOP`: first along the source's column, then along the rows that have targets."""
    place, stream = plan.place, plan.stream
    rows, columns = max(1, e[at.IACT_RING_ROWS]), max(1, e[at.IACT_RING_COLUMNS])
    used_rows = 1
    for u in range(place.shape[1]):
        used_rows = max(used_rows, place[at.X_CLUSTER_ROW, u] + 1)
    in_column = np.zeros((streams, rows), np.uint8)
    in_row = np.zeros((streams, used_rows, columns), np.uint8)
    for u in range(place.shape[1]):
        if place[at.X_ACTIVE, u]:
            s = place[at.X_STREAM, u]
            first = stream[at.S_SOURCE, s]
            row = place[at.X_CLUSTER_ROW, u]
            if rows > 1:
                in_column[s, row - place[at.X_CLUSTER_ROW, first]] = 1
            if columns > 1:
                in_row[s, row, place[at.X_CLUSTER_COLUMN, u] - place[at.X_CLUSTER_COLUMN, first]] = 1
    for u in range(place.shape[1]):
        if place[at.X_ACTIVE, u]:
            s = place[at.X_STREAM, u]
            first = stream[at.S_SOURCE, s]
            row = place[at.X_CLUSTER_ROW, u]
            down = row - place[at.X_CLUSTER_ROW, first]
            across = place[at.X_CLUSTER_COLUMN, u] - place[at.X_CLUSTER_COLUMN, first]
            if rows > 1:
                down = links_to(down, forward_reach(in_column[s], rows), rows)
            if columns > 1:
                across = links_to(across, forward_reach(in_row[s, row], columns), columns)
            place[at.X_HOP, u] = (down + across) * e[at.HOP_CYCLES]


@kernel(helper=True)
def weight_hops(e, place):
    """Put the links from the first cluster of a row into `X_WEIGHT_HOP`, where the clusters of a row share weights."""
    size, used_rows = e[at.WEIGHT_RING], 1
    for u in range(place.shape[1]):
        place[at.X_WEIGHT_HOP, u] = place[at.X_CLUSTER_COLUMN, u] * e[at.HOP_CYCLES]
        used_rows = max(used_rows, place[at.X_CLUSTER_ROW, u] + 1)
    if size == 0 or not e[at.MULTICAST]:
        return
    in_row = np.zeros((used_rows, size), np.uint8)
    for u in range(place.shape[1]):
        if place[at.X_ACTIVE, u]:
            in_row[place[at.X_CLUSTER_ROW, u], place[at.X_CLUSTER_COLUMN, u]] = 1
    for u in range(place.shape[1]):
        if place[at.X_ACTIVE, u]:
            forward = forward_reach(in_row[place[at.X_CLUSTER_ROW, u]], size)
            links = links_to(place[at.X_CLUSTER_COLUMN, u], forward, size)
            place[at.X_WEIGHT_HOP, u] = links * e[at.HOP_CYCLES]
