"""Machines with limits lifted: no mapping is lost, none takes longer, and the search by time alone finds the least."""

from __future__ import annotations

from hypothesis import assume, given, settings

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.eyexam.relax import FREE, steady, unlimited_bandwidth
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.problem import MappingProblem, problem_of
from accelerator_sim.mapping.search import SearchOptions, Unmappable, find_mappings
from accelerator_sim.simulation.engines import estimate_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.workload.layer import Layer
from tests.oracles.strategies import Case, cases, layers, machines


def on(machine: Architecture, problem: MappingProblem) -> MappingProblem:
    return problem_of(problem.layer, machine, problem.iact_encoding, problem.weight_encoding)


@given(cases())
@settings(max_examples=150)
def test_every_mapping_stays_legal_and_takes_no_longer(case: Case) -> None:
    cycles = estimate_of(Schedule(case.problem, case.mapping)).timing.cycles
    for relax in (steady, unlimited_bandwidth):
        schedule = Schedule(on(relax(case.problem.architecture), case.problem), case.mapping)
        assert broken_limits(schedule) == []
        assert estimate_of(schedule).timing.cycles <= cycles
        cycles = estimate_of(schedule).timing.cycles


@given(layers(), machines(roomy=False))
@settings(max_examples=100)
def test_a_search_by_time_alone_finds_the_least(layer: Layer, architecture: Architecture) -> None:
    """Where nothing costs energy, ties cannot be broken by it; leaving them out must not lose the optimum."""
    for machine in (steady(architecture), unlimited_bandwidth(architecture)):
        try:
            pruned = find_mappings(layer, machine, FREE, options=SearchOptions(work=1.0))[0]
        except Unmappable:
            return
        assume(pruned.optimal_over < 100_000)
        full = find_mappings(layer, machine, FREE, options=SearchOptions(work=1.0, exhaustive=True))[0]
        assert pruned.cycles == full.cycles
        assert pruned.energy_j == full.energy_j == 0.0
