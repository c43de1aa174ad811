"""Leaps over windows that repeat change nothing: with and without them every figure is the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from accelerator_sim.files.data import builtin_names
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.kernels.event_leap import COLUMNS, ROWS, Book
from accelerator_sim.mapping.search import find_mapping
from accelerator_sim.simulation import event
from accelerator_sim.simulation.event import PassTimes, follow_passes, run_kinds
from accelerator_sim.simulation.machine import Machine, machine_of
from accelerator_sim.simulation.passes import passes_of, planner_of
from accelerator_sim.simulation.repeats import MOST_PASSES
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.pattern import Pattern
from tests.layers_of import sample_of
from tests.oracles.strategies import Case, bursts, cases
from tests.simulation.test_engines import drawn_pattern

QUICK = ("alexnet", "mobilenet_v2_84", "lstm_arnet")


def timed(schedule: Schedule, pattern: Pattern, leaps: bool) -> PassTimes:
    machine, stored = machine_of(schedule), stored_pattern(schedule, pattern)
    passes = passes_of(machine, stored)
    return follow_passes(passes, run_kinds(passes, planner_of(machine, stored), leaps=leaps))


def check_equal(schedule: Schedule, pattern: Pattern) -> None:
    leaped, run = (timed(schedule, pattern, leaps) for leaps in (True, False))
    for field in fields(PassTimes):
        if field.name not in ("passes", "of_kinds"):
            assert np.array_equal(getattr(leaped, field.name), getattr(run, field.name)), field.name


@pytest.mark.parametrize("number", [150, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("drawn", [cases, bursts])
def test_leaps_change_nothing(drawn: Callable[..., st.SearchStrategy[Case]], number: int) -> None:
    """Iacts without zeros, weights with or without."""

    @settings(max_examples=number)
    @given(
        case=drawn(most_macs=60_000, largest=24, images=9),
        weight=st.sampled_from([None, None, 0.5]),
        seed=st.integers(0, 1000),
    )
    def run(case: Case, weight: float | None, seed: int) -> None:
        check_equal(Schedule(case.problem, case.mapping), drawn_pattern(case.problem.layer, None, weight, seed))

    run()


@pytest.mark.parametrize("architecture", builtin_names("arch_configs"))
@pytest.mark.parametrize(
    "network",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in builtin_names("workloads")],
)
def test_leaps_change_no_layer_of_a_network(network: str, architecture: str) -> None:
    """Of each network the layers that differ, at most 8 of them, evenly spaced; none has zeros."""
    machine, technology = load_machine(architecture)
    actions = resolve_actions(technology, machine)
    for layer in sample_of(network, 8).layers:
        found = find_mapping(layer, machine, actions, Objective.LATENCY)
        schedule = Schedule.of_found(found)
        if schedule.passes <= MOST_PASSES:
            check_equal(schedule, Pattern(None, None))


def last_book(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> Book:
    """The states that were written down for a layer on Eyeriss v2."""
    books: list[Book] = []

    def book_of(machine: Machine, blocks: int, links: int) -> Book:
        books.append(own(machine, blocks, links))
        return books[-1]

    own = event.book_of
    monkeypatch.setattr(event, "book_of", book_of)
    architecture, technology = load_machine("eyeriss_v2")
    found = find_mapping(layer, architecture, resolve_actions(technology, architecture), Objective.LATENCY)
    timed(Schedule.of_found(found), Pattern(None, None), True)
    return books[-1]


def test_a_long_row_and_many_rows_are_leaped_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """More positions are leaped over than states are written down."""
    row = Layer("row", "conv", C=8, M=16, H=1, W=2000, S=3)
    assert last_book(row, monkeypatch).gain[COLUMNS] > 0
    assert last_book(replace(row, H=200, R=3, W=3), monkeypatch).gain[ROWS] > 0
