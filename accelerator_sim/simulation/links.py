"""Words over every mesh link: multicast trees on the graph of the mesh, filled with the words of the schedule.

The closed forms of `Schedule` count words times links in total; here each link is walked, edge tiles included, so the
two check one another (`simulation.laws`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product

from accelerator_sim.architecture.wire_links import ClusterPlace
from accelerator_sim.mapping.mapping import ceil_div
from accelerator_sim.noc.modes import ORDER, position
from accelerator_sim.noc.routes import MeshLink, MeshRoutes, routes_of
from accelerator_sim.simulation.schedule import Schedule

Index = dict[str, int]
"""Part of each dimension, counted over the cluster array."""


def link_words(schedule: Schedule, tensor: str) -> dict[MeshLink, int]:
    """Nominal words over each mesh link in the whole layer, for the links that carry any (none on a flat array).

    schedule: of the layer; tensor: "iact", "weight" or "psum".  Raises CheckFailed where the mesh has no way to a
    cluster that needs words.
    """
    loads: Counter[MeshLink] = Counter()
    walk = {"iact": _iacts, "weight": _weights, "psum": _psums}[tensor]
    for path, words in walk(schedule, routes_of(schedule.problem.architecture, tensor)):
        if words:  # places beyond the last part of an edge tile get none
            for link in path:
                loads[link] += words
    return dict(sorted(loads.items()))


def tile_sizes(schedule: Schedule, dimension: str) -> list[tuple[int, int]]:
    """Elements of the tiles of a dimension, and how many tiles there are of that size."""
    dealt, size = getattr(schedule.deals, dimension), schedule.loops.sizes[dimension]
    last = size - (dealt.tiles - 1) * dealt.length
    return [(dealt.length, dealt.tiles - 1), (last, 1)] if dealt.tiles > 1 else [(last, 1)]


def cluster_shares(schedule: Schedule, dimension: str, elements: int) -> list[int]:
    """Elements of a tile that each cluster part gets; parts that get none are left out."""
    clusters, local = schedule.mapping.array_parts(dimension), schedule.mapping.cluster_parts(dimension)
    share = (
        ceil_div(elements, clusters) if dimension == "P" else local * ceil_div(elements, clusters * local)
    )  # rows go in blocks to clusters, all else in blocks to PEs
    return [min(share, elements - first) for first in range(0, elements, share)]


def _place(schedule: Schedule, index: Index) -> ClusterPlace:
    """Row and column of a cluster, from its part of each dimension."""
    rows, columns = schedule.mapping.cluster_rows, schedule.mapping.cluster_columns
    row = {d: index[d] // getattr(columns, d) for d in ORDER}
    column = {d: index[d] % getattr(columns, d) for d in ORDER}
    return position(rows, row), position(columns, column)


def _groups(schedule: Schedule, dimensions: str) -> Iterator[Index]:
    """All combinations of cluster parts of some dimensions (0 for the others)."""
    for parts in product(*(range(schedule.mapping.array_parts(d)) for d in dimensions)):
        yield dict.fromkeys(ORDER, 0) | dict(zip(dimensions, parts, strict=True))


def _shared(schedule: Schedule, dimension: str, part: int) -> int:
    """Elements of a dimension that one cluster part handles in the whole layer."""
    total = 0
    for elements, count in tile_sizes(schedule, dimension):
        shares = cluster_shares(schedule, dimension, elements)
        total += count * shares[part] if part < len(shares) else 0
    return total


def _rows_of(schedule: Schedule, part: int) -> int:
    """Input rows sent to one cluster part of P in a filter pass."""
    r = schedule.mapping.parts("R")
    taps = [r] * (schedule.deals.R.tiles - 1) + [schedule.loops.R - (schedule.deals.R.tiles - 1) * r]
    total = 0
    for elements, count in tile_sizes(schedule, "P"):
        shares = cluster_shares(schedule, "P", elements)
        if part < len(shares):
            strips = ceil_div(shares[part], schedule.mapping.cluster_parts("P"))
            total += count * sum(schedule.loops.rows.streamed(shares[part], strips, t) for t in taps)
    return total


def _columns_of(schedule: Schedule, part: int) -> int:
    """Input columns sent to one cluster part of Q."""
    total = 0
    for elements, count in tile_sizes(schedule, "Q"):
        shares = cluster_shares(schedule, "Q", elements)
        steps = ceil_div(elements, schedule.mapping.parts("Q"))
        if part < len(shares):
            total += count * schedule.loops.columns.touched(shares[part], ceil_div(shares[part], steps))
    return total


def _iacts(schedule: Schedule, routes: MeshRoutes) -> Iterator[tuple[list[MeshLink], int]]:
    """Trees over the clusters that hold other filters of the same iacts."""
    for index in _groups(schedule, "GNQPC"):
        words = _rows_of(schedule, index["P"]) * _columns_of(schedule, index["Q"])
        for dimension in "GNC":
            words *= _shared(schedule, dimension, index[dimension])
        for elements, count in tile_sizes(schedule, "M"):
            used = len(cluster_shares(schedule, "M", elements))
            targets = [_place(schedule, index | {"M": part}) for part in range(used)]
            yield routes.tree(targets[0], targets), words * count


def _weights(schedule: Schedule, routes: MeshRoutes) -> Iterator[tuple[list[MeshLink], int]]:
    """Trees along a row of clusters over those that have other positions of the same filters."""
    if not schedule.weight_multicast:
        return
    for index in _groups(schedule, "GMC"):
        words = schedule.loops.R * schedule.loops.S
        for dimension in "GMC":
            words *= _shared(schedule, dimension, index[dimension])
        for used, count in _position_tiles(schedule):
            rows: dict[int, list[ClusterPlace]] = {}
            for parts in product(*(range(used[d]) for d in "NQP")):
                target = _place(schedule, index | dict(zip("NQP", parts, strict=True)))
                rows.setdefault(target[0], []).append(target)
            for targets in rows.values():
                yield routes.tree(targets[0], targets), words * count


def _position_tiles(schedule: Schedule) -> list[tuple[Index, int]]:
    """Clusters of N, Q and P in use, and in how many rounds of weights."""
    sizes = [tile_sizes(schedule, d) for d in "NQP"]
    if schedule.weights_stay_in_pes:
        sizes = [[(max(tiles)[0], 1)] for tiles in sizes]
    out = []
    for tiles in product(*sizes):
        count = 1
        for _, times in tiles:
            count *= times
        used = {d: len(cluster_shares(schedule, d, size)) for d, (size, _) in zip("NQP", tiles, strict=True)}
        out.append((used, count))
    return out


def _psums(schedule: Schedule, routes: MeshRoutes) -> Iterator[tuple[list[MeshLink], int]]:
    """Chains south over the clusters that hold other channels of the same psums."""
    for index in _groups(schedule, "GNMQP"):
        words = schedule.deals.R.tiles
        for dimension in "GNMQP":
            words *= _shared(schedule, dimension, index[dimension])
        for elements, count in tile_sizes(schedule, "C"):
            used = len(cluster_shares(schedule, "C", elements))
            chain = [_place(schedule, index | {"C": part}) for part in range(used)]
            yield routes.chain(chain), words * count
