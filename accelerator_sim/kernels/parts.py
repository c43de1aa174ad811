"""Parts of a pass that have nothing to do with one another, and which of them are alike.

PEs that share a stream, a chain, or a cluster whose lanes serve them are one part; no event in it depends on another
part.  Where data do not matter, parts of the same form take the same times, so that one of them stands for all.
"""

from __future__ import annotations

import numpy as np

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.references import refer

FORM = 13
"""What tells places apart: see `find_alike`."""


@kernel(helper=True, reference_counts=False)
def root_of(parent, u):
    """The first place of the part that a place belongs to."""
    while parent[u] != u:
        parent[u] = parent[parent[u]]
        u = parent[u]
    return u


@kernel(helper=True, reference_counts=False)
def join(parent, a, b):
    """Make two places belong to one part, that of the lower root."""
    a, b = root_of(parent, a), root_of(parent, b)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


@kernel(helper=True)
def join_streams(plan, row, parent):
    """Make the places of a stream one part, and those of streams with the same lane or home (the row of `stream`)."""
    stream, streams = plan.stream, plan.counts[at.COUNT_STREAMS]
    homes = 0
    for s in range(streams):
        homes = max(homes, stream[row, s] + 1)
    of_home = np.full(homes, -1, np.int64)  # a place of the streams that share it
    for s in range(streams):
        first = plan.target[plan.target_first[s]]
        for i in range(plan.target_first[s], plan.target_first[s + 1]):
            join(parent, first, plan.target[i])
        home = stream[row, s]
        if of_home[home] < 0:
            of_home[home] = first
        join(parent, of_home[home], first)


@kernel(helper=True, reference_counts=False)
def psum_lanes(plan):
    """One more than the largest number of a lane of psums."""
    lanes = 1
    for h in range(plan.counts[at.COUNT_CHAINS]):
        lanes = max(lanes, plan.chain[at.H_LANE, h] + 1)
    return lanes


@kernel(helper=True)
def join_chains(plan, parent):
    """Make the places of a chain one part, and those whose chains share a lane."""
    chain = plan.chain
    of_lane = np.full(psum_lanes(plan), -1, np.int64)
    for h in range(plan.counts[at.COUNT_CHAINS]):
        first = plan.link[chain[at.H_FIRST, h]]
        for i in range(chain[at.H_FIRST, h], chain[at.H_FIRST, h + 1]):
            join(parent, first, plan.link[i])
        lane = chain[at.H_LANE, h]
        if of_lane[lane] < 0:
            of_lane[lane] = first
        join(parent, of_lane[lane], first)


@kernel(helper=True, reference_counts=False)
def join_all(plan, parent):
    """Make all places that work one part."""
    first = -1
    for u in range(plan.place.shape[1]):
        if plan.place[at.X_ACTIVE, u]:
            first = u if first < 0 else first
            join(parent, first, u)


@kernel(helper=True)
def list_members(plan, row, owners, number):
    """List so many lanes, streams or chains (the row of `part_member`) by their parts, given the part of each."""
    first, parts = plan.part_first, plan.counts[at.COUNT_PARTS]
    for part in range(parts + 1):
        first[row, part] = 0
    for i in range(number):
        first[row, owners[i] + 1] += 1
    for part in range(parts):
        first[row, part + 1] += first[row, part]
    filled = np.zeros(parts, np.int64)
    for i in range(number):
        part = owners[i]
        plan.part_member[row, first[row, part] + filled[part]] = i
        filled[part] += 1


@kernel(helper=True)
def list_parts(e, plan):
    """List the parts of a pass, and the iact lanes, streams and chains of each in their order.

    Where all PEs are in lock-step, all are one part.
    """
    place, counts = plan.place, plan.counts
    places = place.shape[1]
    parent, number, owners = np.arange(places), np.full(places, -1, np.int64), np.empty(places, np.int64)
    join_streams(plan, at.S_LANE, parent)
    join_chains(plan, parent)
    if e[at.LOCK_STEP] == at.ARRAY_TOGETHER:
        join_all(plan, parent)
    counts[at.COUNT_PARTS] = 0
    for u in range(places):
        if place[at.X_ACTIVE, u] and number[root_of(parent, u)] < 0:
            number[root_of(parent, u)] = counts[at.COUNT_PARTS]
            counts[at.COUNT_PARTS] += 1
    for h in range(counts[at.COUNT_CHAINS]):
        owners[h] = number[root_of(parent, plan.link[plan.chain[at.H_FIRST, h]])]
    list_members(plan, at.P_CHAINS, owners, counts[at.COUNT_CHAINS])
    for s in range(counts[at.COUNT_STREAMS]):
        owners[s] = number[root_of(parent, plan.target[plan.target_first[s]])]
    list_members(plan, at.P_STREAMS, owners, counts[at.COUNT_STREAMS])
    for i in range(counts[at.COUNT_LANES]):
        s = plan.lane_stream[plan.lane_first[i]]
        owners[i] = number[root_of(parent, plan.target[plan.target_first[s]])]
    list_members(plan, at.P_LANES, owners, counts[at.COUNT_LANES])


@kernel(helper=True, reference_counts=False)
def number_in_part(numbers, found, thing, part):
    """Number of a stream, lane or chain within its part: the one it has, or the next one."""
    if numbers[thing] < 0:
        numbers[thing] = found[part]
        found[part] += 1
    return numbers[thing]


@kernel(helper=True)
def fill_forms(plan, loaded, parent, form):
    """Write down what tells places apart; streams, lanes and chains are numbered from the first place of a part on."""
    place, stream, chain = plan.place, plan.stream, plan.chain
    places = place.shape[1]
    found = np.zeros((4, places), np.int64)
    streams = np.full(plan.counts[at.COUNT_STREAMS], -1, np.int64)
    chains = np.full(plan.counts[at.COUNT_CHAINS], -1, np.int64)
    lanes, of_psums = np.full(places + 1, -1, np.int64), np.full(psum_lanes(plan), -1, np.int64)
    for u in range(places):
        if not place[at.X_ACTIVE, u]:
            continue
        part, s, h = root_of(parent, u), place[at.X_STREAM, u], place[at.X_CHAIN, u]
        form[u, 0] = number_in_part(streams, found[0], s, part)
        form[u, 1] = number_in_part(lanes, found[1], stream[at.S_LANE, s], part)
        form[u, 2] = number_in_part(chains, found[2], h, part)
        form[u, 3] = number_in_part(of_psums, found[3], chain[at.H_LANE, h], part)
        form[u, 4] = loaded[u]
        form[u, 5] = chain[at.H_BACK, h]
        for k, row in enumerate((at.X_N, at.X_M, at.X_C, at.X_J, at.X_Q, at.X_HOP, at.X_CHAIN_HOP)):
            form[u, 6 + k] = place[row, u]


@kernel(helper=True, reference_counts=False)
def list_places(place, parent, following, last, size):
    """Find the next place of the same part for every place, and the number of places of each part (by its root)."""
    for u in range(place.shape[1]):
        following[u] = last[u] = -1
        size[u] = 0
    for u in range(place.shape[1]):
        if place[at.X_ACTIVE, u]:
            part = root_of(parent, u)
            if last[part] >= 0:
                following[last[part]] = u
            last[part] = u
            size[part] += 1


@kernel(helper=True, reference_counts=False)
def is_alike(form, following, a, b):
    """Whether two parts of as many places, from their first places on, have the same form."""
    while a >= 0:
        for column in range(form.shape[1]):
            if form[a, column] != form[b, column]:
                return False
        a, b = following[a], following[b]
    return True


@kernel()
def find_alike(plan, loaded, parent, form, alike):
    """Find, for every active place, the place that stands for it.

    loaded: int64 [places], when each PE has its weights; parent: int64 [places] room; form: int64 [places, columns],
    what tells places apart: shares, and the numbers of lane, stream and chain within the part; alike: int64 [places]
    output, -1 for places that do not work.  Parts are alike if their places, in order, are.
    """
    plan = refer(plan)
    place = plan.place
    places = place.shape[1]
    for u in range(places):
        parent[u] = u
        alike[u] = -1
    join_streams(plan, at.S_HOME, parent)
    join_chains(plan, parent)
    fill_forms(plan, loaded, parent, form)
    following, firsts, size = np.empty(places, np.int64), np.empty(places, np.int64), np.empty(places, np.int64)
    list_places(place, parent, following, firsts, size)
    kinds = 0  # `firsts` holds from here on the first places of the parts that stand for others
    for u in range(places):
        if not place[at.X_ACTIVE, u] or alike[u] >= 0:
            continue
        match = u
        for k in range(kinds):
            first = firsts[k]
            if size[root_of(parent, first)] == size[root_of(parent, u)] and is_alike(form, following, first, u):
                match = first
                break
        if match == u:
            firsts[kinds] = u
            kinds += 1
        a, b = match, u
        while b >= 0:
            alike[b] = a
            a, b = following[a], following[b]
    return kinds
