"""The search against its own exhaustive form, and both against plain Python over the same space."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from functools import lru_cache
from random import Random
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.problem import problem_of, tap_lengths
from accelerator_sim.mapping.search import Found, Unmappable, find_mapping
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.simulation.engines import estimate_of
from accelerator_sim.simulation.laws import check
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.actions import ActionEnergies, resolve_actions
from accelerator_sim.technology.technology import Technology, load_technology
from accelerator_sim.workload.layer import Density, Layer
from tests.oracles.brute import Cost, all_costs, cost_of
from tests.oracles.strategies import drawn_machine, layers, machines

TABLES = ("cmos65_8b", "cmos65_16b", "cmos7_8b", "isca16_normalised")
BRUTE_FORCE = 500
"""Largest space that plain Python goes through."""


@lru_cache(maxsize=8)
def table(name: str) -> Technology:
    """A built-in technology table."""
    return load_technology(name)


def energies(name: str, seed: int, architecture: Architecture) -> ActionEnergies:
    """A built-in table, or (seed above 0) one whose entries are up to 100 times larger or smaller."""
    actions = resolve_actions(table(name), architecture)
    dice = Random(seed)

    def changed(value: Any) -> Any:
        if isinstance(value, float):
            return value * 10 ** dice.uniform(-2, 2)
        if isinstance(value, dict):
            return {key: changed(item) for key, item in value.items()}
        return tuple(map(changed, value)) if isinstance(value, tuple) else value

    if seed == 0:
        return actions
    drawn = replace(actions, **{field.name: changed(getattr(actions, field.name)) for field in fields(actions)})
    return replace(
        drawn, clock_idle=min(drawn.clock_idle, drawn.clock_active), mac_gated=min(drawn.mac_gated, drawn.mac)
    )


MACHINES = machines(roomy=False, largest=3)
SEEDS = st.integers(0, 10**6) | st.just(0)
Columns = tuple[int, ...] | None
COLUMNS = st.sampled_from([None, None, (1,), (2, 99), (1, 2, 3)])
"""Filter columns in a PE to try: as the search does by itself, or those that a rule names."""


def searched(
    layer: Layer, architecture: Architecture, actions: ActionEnergies, exhaustive: bool, columns: Columns = None
) -> dict[str, Found]:
    """What the search finds for each objective; nothing where the layer cannot be mapped."""
    found = {}
    for objective in Objective:
        try:
            found[objective.value] = find_mapping(
                layer, architecture, actions, objective, Constraints(filter_columns_per_pe=columns), exhaustive
            )
        except Unmappable:
            assert not found, "an objective decides whether a layer can be mapped"
    return found


def key(found: Found, cost: Cost) -> tuple[float, float]:
    """What an objective compares, and what breaks its ties."""
    return {
        Objective.ENERGY: (found.energy, found.cycles),
        Objective.LATENCY: (found.cycles, found.energy),
        Objective.EDP: (found.energy * found.cycles, found.cycles),
        Objective.DRAM: (cost.bits, found.cycles),
    }[found.objective]


@pytest.mark.parametrize("number", [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_the_kernel_costs_what_the_engine_costs_and_prunes_nothing_better(number: int) -> None:
    """Cycles exactly, joules but for the rounding of word counts (`oracles.brute.rounding`), and all laws."""

    @settings(max_examples=number)
    @given(MACHINES, layers(most_macs=10**9, largest=16), st.sampled_from(TABLES), SEEDS, COLUMNS)
    def run(architecture: Architecture, layer: Layer, name: str, seed: int, columns: Columns) -> None:
        actions = energies(name, seed, architecture)
        pruned = searched(layer, architecture, actions, exhaustive=False, columns=columns)
        assume(all(found.optimal_over < 200_000 for found in pruned.values()))
        everything = searched(layer, architecture, actions, exhaustive=True, columns=columns)
        assert pruned.keys() == everything.keys()
        for name_of_objective, found in pruned.items():
            full = everything[name_of_objective]
            costs = []
            for result in (found, full):
                schedule = Schedule(result.problem, result.mapping)
                check(schedule, estimate_of(schedule))
                cost = cost_of(result.problem, result.mapping, actions)
                assert result.cycles == cost.cycles
                assert abs(result.energy - cost.joules) <= cost.rounding
                costs.append(cost)
            assert key(found, costs[0]) == key(full, costs[1])
            assert found.optimal_over == full.optimal_over
            assert found.costed <= full.costed <= full.optimal_over

    run()


@pytest.mark.parametrize("number", [40, pytest.param(200, marks=pytest.mark.slow)])
def test_the_search_finds_what_brute_force_finds(number: int) -> None:
    """Over all spatial configurations, tiles, M0 x C0, S0, M2 and stationary tensors, for all objectives."""

    @settings(max_examples=number)
    @given(MACHINES, layers(most_macs=10**9, largest=7), st.sampled_from(TABLES), SEEDS, COLUMNS)
    def run(architecture: Architecture, layer: Layer, name: str, seed: int, columns: Columns) -> None:
        actions = energies(name, seed, architecture)
        found = searched(layer, architecture, actions, exhaustive=False, columns=columns)
        assume(not found or found["energy"].optimal_over <= BRUTE_FORCE)
        space, costs = all_costs(layer, architecture, actions, columns)
        assert bool(found) == bool(costs)
        for result in found.values():
            assert result.optimal_over == space
            agree(result, costs, actions)

    run()


def agree(found: Found, costs: list[Cost], actions: ActionEnergies) -> None:
    """The best of all costs is the one that was found, but for the rounding of word counts."""
    own = cost_of(found.problem, found.mapping, actions)
    if found.objective is Objective.ENERGY:
        best = min(costs, key=lambda cost: cost.joules)
        assert abs(own.joules - best.joules) <= own.rounding + best.rounding
    elif found.objective is Objective.LATENCY:
        fewest = min(cost.cycles for cost in costs)
        assert own.cycles == fewest
        best = min((cost for cost in costs if cost.cycles == fewest), key=lambda cost: cost.joules)
        assert abs(own.joules - best.joules) <= own.rounding + best.rounding
    elif found.objective is Objective.EDP:
        best = min(costs, key=lambda cost: cost.joules * cost.cycles)
        slack = own.rounding * own.cycles + best.rounding * best.cycles
        assert abs(own.joules * own.cycles - best.joules * best.cycles) <= slack
    else:
        fewest_bits = min(cost.bits for cost in costs)
        assert own.bits == pytest.approx(fewest_bits, rel=1e-12)
        assert own.cycles == min(cost.cycles for cost in costs if cost.bits <= fewest_bits * (1 + 1e-12))


def test_shared_banks_hold_whole_pairs() -> None:
    """13 pairs of 20 b need two banks of 32 B, though the expected 12.1 would go into one."""
    architecture = drawn_machine(3625, roomy=False, largest=3)
    assert architecture.glb.shared is not None
    assert architecture.pe.csc is not None
    layer = Layer("conv", "conv", M=2, C=3, W=11, density=Density(0.3, 0.0, 0.0))
    actions = energies("cmos65_8b", 0, architecture)
    for exhaustive in (False, True):
        for found in searched(layer, architecture, actions, exhaustive).values():
            schedule = Schedule(found.problem, found.mapping)
            check(schedule, estimate_of(schedule))


# --- determinism -----------------------------------------------------------------------------------------------------
LAYER = Layer("conv", "conv", M=24, C=12, H=14, W=14, R=3, S=3, padding=(1, 1, 1, 1), density=Density(0.5, 0.4, 0.5))
PROGRAM = """
from accelerator_sim.files.vocabulary import Objective
from tests.mapping.test_search import LAYER, one_search
print([one_search(LAYER, objective) for objective in Objective])
"""


def one_search(layer: Layer, objective: Objective) -> Found:
    """A search on Eyeriss v2."""
    architecture = load_architecture("eyeriss_v2")
    return find_mapping(layer, architecture, energies("cmos65_8b", 0, architecture), objective)


def test_two_searches_find_the_same() -> None:
    for objective in Objective:
        assert one_search(LAYER, objective) == one_search(LAYER, objective)


def test_a_fresh_process_finds_the_same() -> None:
    fresh = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=300)
    assert fresh.stdout.strip() == str([one_search(LAYER, objective) for objective in Objective])


# --- what cannot be mapped -------------------------------------------------------------------------------------------
def unmappable(layer: Layer, *overrides: tuple[str, str]) -> str:
    """The message for a layer that has no mapping."""
    architecture = load_architecture("eyeriss_v2", overrides)
    with pytest.raises(Unmappable) as caught:
        find_mapping(layer, architecture, energies("cmos65_8b", 0, architecture))
    assert caught.value.exit_code == 5
    return str(caught.value)


@pytest.mark.parametrize(
    ("layer", "lengths"),
    [
        (Layer("whole", "conv", M=4, C=2, H=1, W=40, R=1, S=16), [16]),
        (Layer("wide", "conv", M=4, C=2, H=1, W=40, R=1, S=17), [9, 6, 5, 4, 3, 2, 1]),
        (Layer("long", "conv", M=4, C=2, H=1, W=300, R=1, S=128), [16, 15, 13, *range(12, 0, -1)]),
    ],
)
def test_a_filter_row_that_no_pe_holds_is_folded(layer: Layer, lengths: list[int]) -> None:
    """The shortest tile for each number of tiles, of those within the 16 values of the iact SPad, gaps included."""
    architecture = load_architecture("eyeriss_v2")
    problem = problem_of(layer, architecture)
    assert tap_lengths(problem) == lengths
    mapping = find_mapping(layer, architecture, energies("cmos65_8b", 0, architecture)).mapping
    assert mapping.S0 in lengths
    assert broken_limits(Tiling(problem, mapping)) == []


def test_psums_that_do_not_fit_in_the_glb() -> None:
    layer = Layer("tall", "conv", M=4, C=64, H=8, W=8, R=3, S=3)
    message = unmappable(layer, ("glb.psum.size", "2 B"))
    assert message == (
        "layer tall cannot be mapped on eyeriss_v2: the psum GLB of a cluster: 0.00976562 KiB > 0.0078125 KiB"
    )


@pytest.mark.parametrize("objective", list(Objective))
def test_a_glb_that_holds_not_one_psum(objective: Objective) -> None:
    layer = Layer("tall", "conv", M=4, C=64, H=8, W=8, R=3, S=3)
    architecture = load_architecture("eyeriss_v2", [("glb.psum.size", "1 B"), ("glb.psum.banks", "1")])
    with pytest.raises(Unmappable, match=r"the psum GLB of a cluster: 0.00976562 KiB > 0.000976562 KiB"):
        find_mapping(layer, architecture, energies("cmos65_8b", 0, architecture), objective)


@pytest.mark.parametrize("objective", list(Objective))
def test_a_layer_of_zeros_only(objective: Objective) -> None:
    layer = Layer("nothing", "conv", M=4, C=6, H=8, W=8, R=3, S=3, density=Density(0.0, 0.0, 0.0))
    architecture = load_architecture("eyeriss_v2", [("pe.spad.iact_address", "null")])
    found = find_mapping(layer, architecture, energies("cmos65_8b", 0, architecture), objective)
    assert found.problem.effectual == 0
    assert found.cycles > 0


def test_csc_on_a_machine_that_cannot_read_it() -> None:
    from accelerator_sim.mapping.mapping import Encoding
    from accelerator_sim.mapping.problem import problem_of

    with pytest.raises(ValueError, match=r"eyeriss_v1 stores operands raw \(pe.csc is absent\)"):
        problem_of(LAYER, load_architecture("eyeriss_v1"), Encoding.CSC)


def test_a_layer_without_multiply_accumulates() -> None:
    architecture = load_architecture("eyeriss_v2")
    pool = Layer("pool1", "pool", iact_words=100, oact_words=25)
    with pytest.raises(ValueError, match=r"layer pool1 \(pool\) has no multiply-accumulates to map"):
        find_mapping(pool, architecture, energies("cmos65_8b", 0, architecture))


def test_a_dimension_beyond_all_tables_is_refused() -> None:
    layer = Layer("wide", "conv", H=1 << 28, W=1 << 30)
    machine = load_architecture("eyeriss_v2")
    actions = resolve_actions(load_technology(machine.technology), machine)
    with pytest.raises(
        Unmappable, match="layer wide cannot be mapped on eyeriss_v2: its dimension Q is 288,230,376,151,711,744"
    ):
        find_mapping(layer, machine, actions)
