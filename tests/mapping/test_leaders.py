"""Several mappings of one search: each of another tiling, in order, and the first ones whatever their number."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.kernels.leaders import MOST_TILINGS
from accelerator_sim.mapping.search import Found, SearchOptions, Unmappable, find_mappings
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.workload.layer import Layer
from tests.mapping.test_search import MACHINES, energies
from tests.oracles.strategies import layers


def several(layer: Layer, architecture: Architecture, objective: Objective, options: SearchOptions) -> list[Found]:
    """The best mappings; none where nothing fits."""
    try:
        return find_mappings(layer, architecture, energies("cmos65_8b", 0, architecture), objective, options)
    except Unmappable:
        return []


def configuration(found: Found) -> tuple[object, ...]:
    """What a spatial configuration is told apart by."""
    mapping = found.mapping
    stored = mapping.iact_encoding, mapping.weight_encoding
    return (*stored, mapping.cluster_rows, mapping.cluster_columns, mapping.pe_rows, mapping.pe_columns)


@pytest.mark.parametrize("objective", list(Objective))
@settings(max_examples=25)
@given(MACHINES, layers(most_macs=10**7, largest=12))
def test_a_longer_list_begins_with_the_shorter_one(
    objective: Objective, architecture: Architecture, layer: Layer
) -> None:
    lists = [several(layer, architecture, objective, SearchOptions(count=count)) for count in (1, 4, 12, 40)]
    for few, many in pairwise(lists):
        shared = [x.mapping for x in many][: len(few)]
        assert shared == [x.mapping for x in few]
    everything = several(layer, architecture, objective, SearchOptions(count=4, exhaustive=True))
    pruned = [(x.cycles, x.energy) for x in lists[1]]
    assert [(x.cycles, x.energy) for x in everything][: len(pruned)] == pruned


@settings(max_examples=50)
@given(MACHINES, layers(most_macs=10**7, largest=12))
def test_they_are_of_different_tilings(architecture: Architecture, layer: Layer) -> None:
    found = several(layer, architecture, Objective.LATENCY, SearchOptions(count=30))
    assert [x.cycles for x in found] == sorted(x.cycles for x in found)
    tilings = [Tiling(x.problem, x.mapping).deals for x in found]
    kinds = [(configuration(x), deals.M.tiles, deals.C.tiles) for x, deals in zip(found, tilings, strict=True)]
    assert len(set(kinds)) == len(kinds)
    assert max(Counter(map(configuration, found)).values(), default=0) <= MOST_TILINGS
