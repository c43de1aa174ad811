"""In which order points are run: what a worker finds of one is of use for those like it that follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from accelerator_sim.sweeps.points import SweepPoint
from accelerator_sim.sweeps.spec import SweepAxis

ORDERED = 1000
"""Points that are put in order at a time: they are spread as all are, wherever a sweep is interrupted."""
CHUNK = 50
"""Points that are planned at a time, so that workers start before all points are read."""

CHANNEL = "dram.bandwidth"
"""The axis over which searches and checks are remembered (`mapping.search_memory`)."""
SHAPES = ("cluster_array", "pe_cluster")
"""Sections of an architecture that decide the space of mappings: what takes longest to find again."""


def chunks(points: Sequence[SweepPoint], axes: Sequence[SweepAxis]) -> Iterator[list[SweepPoint]]:
    """Yield points some at a time: next to each other those with one array, then those that differ off-chip only."""
    for begin in range(0, len(points), ORDERED):
        ordered = in_order(points[begin : begin + ORDERED], axes)
        for first in range(0, len(ordered), CHUNK):
            yield ordered[first : first + CHUNK]


def in_order(points: Sequence[SweepPoint], axes: Sequence[SweepAxis]) -> list[SweepPoint]:
    """Put points with one array next to each other, and of those the ones that differ in their bandwidth only.

    Of a group of these, the first and the last bandwidth come first: what they share, those between them share too.
    """
    places: dict[str, dict[str, int]] = {name: {} for axis in axes for name in axis.names}
    for axis in axes:
        for at, values in enumerate(axis.values):
            for name, value in zip(axis.names, values, strict=True):
                places[name].setdefault(value, at)
    shapes = [name for name in places if name.startswith(SHAPES)]
    names = [*shapes, *(name for name in places if name not in (*shapes, CHANNEL))]
    groups: dict[tuple[int, ...], list[tuple[int, SweepPoint]]] = {}
    for point in points:
        named = point.named
        group = tuple(places[name][named[name]] for name in names)
        groups.setdefault(group, []).append((places[CHANNEL][named[CHANNEL]] if CHANNEL in named else 0, point))
    ordered: list[SweepPoint] = []
    for _, members in sorted(groups.items()):
        members.sort(key=lambda member: member[0])
        ends_first = [members[0], *members[:0:-1]]
        ordered += [point for _, point in ends_first]
    return ordered
