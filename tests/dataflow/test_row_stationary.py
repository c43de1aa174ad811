"""Row stationary in the nest of all dataflows counts what the production schedule counts."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.dataflow.nest import DIMENSIONS, Keep, Nests, Residence
from accelerator_sim.dataflow.nest_cost import NestCost
from accelerator_sim.dataflow.nest_counts import words_of
from accelerator_sim.dataflow.nest_search import find_nest
from accelerator_sim.dataflow.rules import DATAFLOWS
from accelerator_sim.energy.account import account
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.mapping.mapping import Factors, Mapping, Stationary
from accelerator_sim.mapping.problem import MappingProblem, problem_of
from accelerator_sim.mapping.search import find_mapping
from accelerator_sim.simulation.engines import estimate_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network_loader import load_network
from tests.dataflow.strategies import layers, machines, one, sizes
from tests.near import near

RS = DATAFLOWS["rs"]
SAME = (
    "iact_fetched", "iact_filled", "iact_sent", "iact_delivered", "weight_fetched", "weight_filled", "weight_read",
    "weight_sent", "weight_delivered", "psum_in", "psum_out",
)  # fmt: skip


def nest_of(schedule: Schedule) -> Nests:
    """The nest of a mapping on a flat array."""
    mapping, kept = schedule.mapping, schedule.mapping.stationary
    residence = Residence(
        kept in (Stationary.WEIGHT, Stationary.PE_WEIGHT),
        Keep.NONE if schedule.iact_bypasses_glb else Keep.ALL if kept is Stationary.IACT else Keep.PASS,
        Keep.ALL if kept is Stationary.WEIGHT else Keep.NONE,
    )
    parts = {d: mapping.parts(d) if d != "S" else 1 for d in DIMENSIONS}
    tile = {d: getattr(schedule.deals, d).length for d in "NPQM"}
    tile["M"] *= mapping.M2
    return one(schedule.problem, RS, residence, parts, (mapping.M0, mapping.C0), tile)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Any mapping of a small layer, legal or not, on a flat array; its factors divide nothing in particular."""
    problem = problem_of(draw(layers()), draw(machines()))
    loops = problem.loops
    part = {d: draw(sizes(loops.sizes[d])) for d in "GNMCPR"} | {"Q": 1}
    if loops.positions:
        part["Q"] = draw(sizes(loops.Q))
    inside = {f"{d}0": draw(sizes(-(-loops.sizes[d] // part[d]))) for d in "MCNP"}
    inside["Q0"] = draw(sizes(-(-loops.Q // part["Q"]))) if loops.positions else loops.Q
    passes = -(-loops.M // (part["M"] * inside["M0"]))
    kept = draw(st.sampled_from(Stationary))
    mapping = Mapping(
        pe_rows=Factors(C=part["C"], R=part["R"]),
        pe_columns=Factors(**{d: part[d] for d in "GNMPQ"}),
        M2=1 if kept is Stationary.PE_WEIGHT else draw(sizes(passes)),
        stationary=kept,
        **inside,
    )
    return Schedule(problem, mapping)


@settings(max_examples=300, deadline=None)
@given(schedules())
def test_every_count_is_that_of_the_schedule(schedule: Schedule) -> None:
    nest = nest_of(schedule)
    words = words_of(nest).at(0)
    for name in SAME:
        assert words[name] == getattr(schedule, name), name
    assert words["psum_handed"] == schedule.psum_local_hops
    assert words["psum_written"] == schedule.psum_written
    assert int(nest.pes[0]) == schedule.active_pes
    assert int(nest.accumulations[0]) == schedule.accumulations
    if not schedule.iact_bypasses_glb:
        assert int(nest.iacts_kept[0]) == schedule.iact_tile
    if not schedule.psum_bypasses_glb and schedule.accumulations > 1:
        assert int(nest.psums_kept[0]) == schedule.psum_tile


def on(machine: str, layer_name: str, batch: int) -> tuple[Layer, Architecture]:
    layers = {layer.name: layer for layer in load_network("alexnet").with_batch(batch).layers}
    return replace(layers[layer_name], density=Density()), load_architecture(machine)


@pytest.mark.parametrize(
    "layer_name", ["FC7", "FC8", *(pytest.param(name, marks=pytest.mark.slow) for name in ("FC6", "CONV4"))]
)
def test_the_production_mapping_costs_the_same_in_the_nest(layer_name: str) -> None:
    """Cycles and joules of the best production mapping, and the nest's own search finds nothing worse."""
    layer, machine = on("isca16_256", layer_name, 16)
    actions = resolve_actions(load_technology(machine.technology), machine)
    found = find_mapping(layer, machine, actions, Objective.ENERGY)
    schedule = Schedule(found.problem, found.mapping)
    outcome = estimate_of(schedule)
    same = NestCost(nest_of(schedule), EnergyUnit.JOULE).outcome()
    assert same.timing.cycles == outcome.timing.cycles
    joules = account(outcome, actions, machine).total
    assert account(same, actions, machine).total == near(joules, rel=1e-12)
    best = find_nest(layer, machine, actions, RS, Objective.ENERGY)
    assert account(best.outcome, actions, machine).total <= joules * (1.0 + 1e-12)


def test_a_nest_is_within_the_spads() -> None:
    layer, machine = on("isca16_256", "CONV3", 1)
    actions = resolve_actions(load_technology(machine.technology), machine)
    nest = find_nest(layer, machine, actions, RS).nest
    problem: MappingProblem = nest.problem
    assert problem.spad_limit(int(nest.m0[0]), int(nest.c0[0]), problem.loops.S) is None
