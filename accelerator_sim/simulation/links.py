"""Words over every mesh link: multicast trees on the graph of the mesh, filled with the words of the schedule.

The closed forms of `Schedule` count words times links in total; here each link is walked, edge tiles included, so the
two check one another (`simulation.laws`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import product

from accelerator_sim.architecture.wire_links import ClusterPlace
from accelerator_sim.mapping.dealing import Deal, DealtTile
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
    for path, words in _walked(schedule, tensor):
        if words:  # places beyond the last part of an edge tile get none
            for link in path:
                loads[link] += words
    return dict(sorted(loads.items()))


def word_links(schedule: Schedule, tensor: str) -> int:
    """Nominal words times the mesh links that they cross: the sum of `link_words`.

    schedule: of the layer; tensor: "iact", "weight" or "psum".  Raises as `link_words`.
    """
    return sum(len(path) * words for path, words in _walked(schedule, tensor))


def _walked(schedule: Schedule, tensor: str) -> Iterator[tuple[list[MeshLink], int]]:
    """The paths of a data type, each with its words."""
    walk = {"iact": _iacts, "weight": _weights, "psum": _psums}[tensor]
    return walk(schedule, routes_of(schedule.problem.architecture, tensor))


def _kinds(schedule: Schedule, dimension: str) -> list[tuple[DealtTile, int]]:
    """The different tiles of a dimension, and how many there are of each."""
    dealt: Deal = getattr(schedule.deals, dimension)
    return dealt.kinds()


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


def _shared(schedule: Schedule, dimensions: str) -> dict[str, list[int]]:
    """Elements of some dimensions that each cluster part handles in the whole layer."""
    return {
        d: [
            sum(count * _share(tile, part) for tile, count in _kinds(schedule, d))
            for part in range(schedule.mapping.array_parts(d))
        ]
        for d in dimensions
    }


def _share(tile: DealtTile, part: int) -> int:
    """Elements of a tile that one cluster part gets."""
    shares = tile.cluster_shares()
    return shares[part] if part < len(shares) else 0


def _rows_of(schedule: Schedule, part: int) -> int:
    """Input rows sent to one cluster part of P in a filter pass."""
    total, rows, local = 0, schedule.loops.rows, schedule.mapping.cluster_parts("P")
    for tile, count in _kinds(schedule, "P"):
        share = _share(tile, part)
        if share:
            strips = ceil_div(share, local)
            total += count * sum(n * rows.streamed(share, strips, t.elements) for t, n in _kinds(schedule, "R"))
    return total


def _columns_of(schedule: Schedule, part: int) -> int:
    """Input columns sent to one cluster part of Q in a filter pass."""
    total = 0
    for tile, count in _kinds(schedule, "Q"):
        share = _share(tile, part)
        if share:
            total += count * schedule.columns_in_passes(share, ceil_div(share, tile.steps))
    return total


def _iacts(schedule: Schedule, routes: MeshRoutes) -> Iterator[tuple[list[MeshLink], int]]:
    """Trees over the clusters that hold other filters of the same iacts."""
    parts, shared = schedule.mapping.array_parts, _shared(schedule, "GNC")
    shared["P"] = [_rows_of(schedule, part) for part in range(parts("P"))]
    shared["Q"] = [_columns_of(schedule, part) for part in range(parts("Q"))]
    for index in _groups(schedule, "GNQPC"):
        words = math.prod(shared[dimension][index[dimension]] for dimension in "GNQPC")
        for tile, count in _kinds(schedule, "M"):
            targets = [_place(schedule, index | {"M": part}) for part in range(tile.clusters)]
            yield routes.tree(targets[0], targets), words * count


def _weights(schedule: Schedule, routes: MeshRoutes) -> Iterator[tuple[list[MeshLink], int]]:
    """Trees along a row of clusters over those that have other positions of the same filters."""
    if not schedule.weight_multicast:
        return
    shared = _shared(schedule, "GMC")
    for index in _groups(schedule, "GMC"):
        words = schedule.loops.R * schedule.loops.S
        for dimension in "GMC":
            words *= shared[dimension][index[dimension]]
        for used, count in _position_tiles(schedule):
            rows: dict[int, list[ClusterPlace]] = {}
            for parts in product(*(range(used[d]) for d in "NQP")):
                target = _place(schedule, index | dict(zip("NQP", parts, strict=True)))
                rows.setdefault(target[0], []).append(target)
            for targets in rows.values():
                yield routes.tree(targets[0], targets), words * count


def _position_tiles(schedule: Schedule) -> list[tuple[Index, int]]:
    """Clusters of N, Q and P in use, and in how many rounds of weights."""
    kinds = [_kinds(schedule, dimension) for dimension in "NQP"]
    if schedule.weights_stay_in_pes:
        kinds = [[(tiles[0][0], 1)] for tiles in kinds]
    return [
        ({d: tile.clusters for d, (tile, _) in zip("NQP", tiles, strict=True)}, math.prod(n for _, n in tiles))
        for tiles in product(*kinds)
    ]


def _psums(schedule: Schedule, routes: MeshRoutes) -> Iterator[tuple[list[MeshLink], int]]:
    """Chains south over the clusters that hold other channels of the same psums."""
    shared = _shared(schedule, "GNMQP")
    for index in _groups(schedule, "GNMQP"):
        words = schedule.deals.R.tiles * schedule.deals.S.tiles
        for dimension in "GNMQP":
            words *= shared[dimension][index[dimension]]
        for tile, count in _kinds(schedule, "C"):
            chain = [_place(schedule, index | {"C": part}) for part in range(tile.clusters)]
            yield routes.chain(chain), words * count
