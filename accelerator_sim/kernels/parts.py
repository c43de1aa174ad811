"""Parts of a pass that have nothing to do with one another, and which of them are alike.

PEs that share a stream, a chain, or a cluster whose lanes serve them are one part; no event in it depends on another
part.  Where data do not matter, parts of the same form take the same times, so that one of them stands for all.
"""

from __future__ import annotations

import numpy as np

from accelerator_sim.kernels import machine as at
from accelerator_sim.kernels.compile import kernel

FORM = 13
"""What tells places apart: see `find_alike`."""


@kernel(helper=True)
def root_of(parent, u):
    """The first place of the part that a place belongs to."""
    while parent[u] != u:
        parent[u] = parent[parent[u]]
        u = parent[u]
    return u


@kernel(helper=True)
def join(parent, a, b):
    """Make two places belong to one part, that of the lower root."""
    a, b = root_of(parent, a), root_of(parent, b)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


@kernel()
def find_alike(plan, loaded, parent, form, alike):
    """Find, for every active place, the place that stands for it.

    loaded: int64 [places], when each PE has its weights; parent: int64 [places] room; form: int64 [places, columns],
    what tells places apart: shares, and the numbers of lane, stream and chain within the part; alike: int64 [places]
    output, -1 for places that do not work.  Parts are alike if their places, in order, are.
    """
    place, stream, chain = plan.place, plan.stream, plan.chain
    places = place.shape[1]
    streams, chains = plan.counts[at.COUNT_STREAMS], plan.counts[at.COUNT_CHAINS]
    for u in range(places):
        parent[u] = u
        alike[u] = -1
    homes = 0
    for s in range(streams):
        homes = max(homes, stream[at.S_HOME, s] + 1)
    of_home = np.full(homes, -1, np.int64)  # whose streams take its lanes in turn
    for s in range(streams):
        first = plan.target[plan.target_first[s]]
        for i in range(plan.target_first[s], plan.target_first[s + 1]):
            join(parent, first, plan.target[i])
        home = stream[at.S_HOME, s]
        if of_home[home] < 0:
            of_home[home] = first
        join(parent, of_home[home], first)
    most = 0
    for h in range(chains):
        most = max(most, chain[at.H_LANE, h])
    of_psum_lane = np.full(most + 1, -1, np.int64)
    for h in range(chains):
        first = plan.link[chain[at.H_FIRST, h]]
        for i in range(chain[at.H_FIRST, h], chain[at.H_FIRST, h + 1]):
            join(parent, first, plan.link[i])
        lane = chain[at.H_LANE, h]
        if of_psum_lane[lane] < 0:
            of_psum_lane[lane] = first
        join(parent, of_psum_lane[lane], first)
    # Numbers of streams, lanes and chains, from the first place of each part on.
    found = np.zeros((4, places), np.int64)
    stream_number, chain_number = np.full(streams, -1, np.int64), np.full(chains, -1, np.int64)
    lane_number, psum_number = np.full(places + 1, -1, np.int64), np.full(most + 1, -1, np.int64)
    size = np.zeros(places, np.int64)
    for u in range(places):
        if not place[at.X_ACTIVE, u]:
            continue
        part = root_of(parent, u)
        size[part] += 1
        s, h = place[at.X_STREAM, u], place[at.X_CHAIN, u]
        lane, psum_lane = stream[at.S_LANE, s], chain[at.H_LANE, h]
        if stream_number[s] < 0:
            stream_number[s] = found[0, part]
            found[0, part] += 1
        if lane_number[lane] < 0:
            lane_number[lane] = found[1, part]
            found[1, part] += 1
        if chain_number[h] < 0:
            chain_number[h] = found[2, part]
            found[2, part] += 1
        if psum_number[psum_lane] < 0:
            psum_number[psum_lane] = found[3, part]
            found[3, part] += 1
        form[u, 0] = stream_number[s]
        form[u, 1] = lane_number[lane]
        form[u, 2] = chain_number[h]
        form[u, 3] = psum_number[psum_lane]
        form[u, 4] = loaded[u]
        form[u, 5] = chain[at.H_BACK, h]
        for k, row in enumerate((at.X_N, at.X_M, at.X_C, at.X_J, at.X_Q, at.X_HOP, at.X_CHAIN_HOP)):
            form[u, 6 + k] = place[row, u]
    # Compare each part with those that stand for others.
    following = np.full(places, -1, np.int64)  # the next place of the same part
    last = np.full(places, -1, np.int64)
    for u in range(places):
        if place[at.X_ACTIVE, u]:
            part = root_of(parent, u)
            if last[part] >= 0:
                following[last[part]] = u
            last[part] = u
    firsts = np.full(places, -1, np.int64)
    kinds = 0
    for u in range(places):
        if not place[at.X_ACTIVE, u] or alike[u] >= 0:
            continue
        match = -1
        for k in range(kinds):
            if size[root_of(parent, firsts[k])] == size[root_of(parent, u)]:
                a, b = firsts[k], u
                same = True
                while same and a >= 0:
                    for column in range(form.shape[1]):
                        if form[a, column] != form[b, column]:
                            same = False
                            break
                    a, b = following[a], following[b]
                if same:
                    match = firsts[k]
                    break
        if match < 0:
            firsts[kinds] = u
            kinds += 1
            match = u
        a, b = match, u
        while b >= 0:
            alike[b] = a
            a, b = following[a], following[b]
    return kinds
