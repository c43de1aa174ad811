"""Rules for the search: each narrows the space to the mappings that obey it, and finds the best of those."""

from __future__ import annotations

import numpy as np
import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.eyeriss_v1 import letters_of
from accelerator_sim.mapping.mapping import Stationary
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.mapping.search import Found, Unmappable, find_mapping
from accelerator_sim.mapping.space import axis_products, configurations
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Layer
from tests.published.tables import compiler

LAYER = Layer("conv", "conv", N=2, M=24, C=12, H=16, W=16, R=3, S=3)

SMALL = load_architecture("eyeriss_v1", [("pe_cluster", "{rows: 7, columns: 5}")])


def found(
    rules: Constraints,
    objective: Objective = Objective.ENERGY,
    architecture: Architecture = SMALL,
    layer: Layer = LAYER,
) -> Found:
    """The best mapping under rules."""
    actions = resolve_actions(load_technology("cmos65_16b"), architecture)
    return find_mapping(layer, architecture, actions, objective, rules)


RULES = [
    Constraints(filters_per_pe=(5, 7)),
    Constraints(channels_per_pe=(1,)),
    Constraints(whole_filters=True),
    Constraints(wide_sets=True),
    Constraints(one_strip=True),
    Constraints(whole_rows=True),
    Constraints(stationary=(Stationary.IACT,)),
    Constraints(stationary=(Stationary.NONE,)),
]


@pytest.mark.parametrize("objective", list(Objective))
@pytest.mark.parametrize("rules", RULES)
def test_each_rule_is_obeyed_and_costs(rules: Constraints, objective: Objective) -> None:
    free, ruled = found(Constraints(), objective), found(rules, objective)
    m, loops = ruled.mapping, ruled.problem.loops
    assert rules.filters_per_pe is None or m.M0 in rules.filters_per_pe
    assert rules.channels_per_pe is None or m.C0 in rules.channels_per_pe
    assert not rules.whole_filters or m.parts("R") == loops.R
    assert not rules.wide_sets or m.pe_rows.P == 1 or m.pe_columns.P == 5
    assert not rules.one_strip or m.P0 == 1
    assert not rules.whole_rows or m.Q0 * m.parts("Q") >= loops.Q
    assert rules.stationary is None or m.stationary in rules.stationary
    assert ruled.optimal_over < free.optimal_over
    if objective is Objective.ENERGY:
        assert ruled.energy >= free.energy
    if objective is Objective.LATENCY:
        assert ruled.cycles >= free.cycles


@pytest.mark.parametrize("objective", list(Objective))
def test_filter_columns_that_are_tried(objective: Objective) -> None:
    """More columns than the filter has are all of it; to try more lengths finds nothing worse."""
    whole, ones = (found(Constraints(filter_columns_per_pe=(taps,)), objective) for taps in (99, 1))
    both = found(Constraints(filter_columns_per_pe=(1, 3)), objective)
    assert (whole.mapping.S0, ones.mapping.S0) == (3, 1)
    assert whole == found(Constraints(), objective)
    assert both.optimal_over == whole.optimal_over + ones.optimal_over
    assert both.mapping in (whole.mapping, ones.mapping)
    if objective is Objective.ENERGY:
        assert both.energy == min(whole.energy, ones.energy)
    if objective is Objective.LATENCY:
        assert both.cycles == min(whole.cycles, ones.cycles)


def test_the_compiler_of_the_chip_finds_mappings_in_its_letters() -> None:
    best = found(compiler(), Objective.DRAM)
    assert letters_of(Tiling(best.problem, best.mapping)) is not None


def test_rules_that_nothing_obeys() -> None:
    with pytest.raises(Unmappable, match="no mapping meets the constraints that were given"):
        found(Constraints(filters_per_pe=(25,)))
    wide = Layer("wide", "conv", M=2, C=2, H=1, W=40, R=1, S=20)
    with pytest.raises(Unmappable, match="the iact SPad: C0 x S0 = 1 x 14 = 14 > 12 values"):
        found(Constraints(filter_columns_per_pe=(14, 20)), layer=wide)
    with pytest.raises(Unmappable, match="no mapping meets the constraints that were given"):
        found(Constraints(stationary=(Stationary.WEIGHT,)))


# --- the space -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("places", [1, 5, 12, 16])
def test_short_axes_are_enumerated_completely(places: int) -> None:
    caps = (3, places, 4)
    rows = {tuple(row) for row in axis_products(places, caps).tolist()}
    every = {(a, b, c) for a in range(1, 4) for b in range(1, places + 1) for c in range(1, 5) if a * b * c <= places}
    assert rows == every


def test_long_axes_are_filled() -> None:
    rows = axis_products(20, (20, 3)).tolist()
    assert sorted(rows) == [[6, 3], [10, 2], [20, 1]]


def test_no_configuration_has_a_part_that_stays_empty() -> None:
    problem = problem_of(LAYER, load_architecture("eyeriss_v2"))
    rows = configurations(problem)
    assert len(np.unique(rows, axis=0)) == len(rows)
    assert (rows.prod(axis=1) <= 192).all()
