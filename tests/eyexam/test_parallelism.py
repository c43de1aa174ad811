"""The first four bounds against exhaustion."""

from __future__ import annotations

import math
from itertools import product

import hypothesis.strategies as st
from hypothesis import given, settings

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.dataflow.rules import DATAFLOWS, Dataflow
from accelerator_sim.eyexam.parallelism import parallel_dimensions, serial_steps, steps_on_array, steps_on_lanes
from accelerator_sim.mapping.legality import allowed_dimensions
from accelerator_sim.mapping.loops import Loops, loops_of
from accelerator_sim.mapping.mapping import AXES, ceil_div
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.mapping.space import axis_sizes
from accelerator_sim.workload.layer import Layer
from tests.oracles.strategies import layers, machines

FLOWS = st.sampled_from(list(DATAFLOWS.values()))


def all_parts(sizes: list[int], lanes: int) -> list[tuple[int, ...]]:
    """Every tuple of parts, none more than its dimension has, whose product fits the lanes."""
    if not sizes:
        return [()]
    found = []
    for first in range(1, min(sizes[0], lanes) + 1):
        found += [(first, *rest) for rest in all_parts(sizes[1:], lanes // first)]
    return found


@given(layers(), FLOWS, st.integers(1, 24))
@settings(max_examples=150)
def test_steps_on_lanes_are_the_least_of_all_arrangements(layer: Layer, flow: Dataflow, lanes: int) -> None:
    loops = loops_of(layer)
    letters = parallel_dimensions(loops, flow)
    sizes = [loops.sizes[d] for d in letters]
    least = min(math.prod(map(ceil_div, sizes, parts)) for parts in all_parts(sizes, lanes))
    assert steps_on_lanes(loops, flow, lanes) == least * serial_steps(loops, flow)


@given(layers(), FLOWS)
def test_with_a_lane_for_all_only_serial_loops_are_left(layer: Layer, flow: Dataflow) -> None:
    loops = loops_of(layer)
    parallel = math.prod(loops.sizes[d] for d in parallel_dimensions(loops, flow))
    assert serial_steps(loops, flow) * parallel == layer.macs
    assert steps_on_lanes(loops, flow, parallel) == serial_steps(loops, flow)
    assert steps_on_lanes(loops, flow, 1) == layer.macs


def least_on_array(loops: Loops, architecture: Architecture, chains: bool, returns: bool) -> int:
    """Steps of the best of all assignments of dimensions to axes, found by trying them all."""
    letters = [d for d in parallel_dimensions(loops, DATAFLOWS["rs"]) if d in "GNMPCRQ"]
    axes = {}
    for axis in AXES:
        allowed = allowed_dimensions(axis, architecture.flat)
        usable = [d for d in letters if d in allowed and (axis != "cluster_rows" or d != "C" or chains)]
        if loops.P > 1 and axis != "cluster_columns":
            usable = [d for d in usable if d != "Q"]  # the space of the search
        parts = all_parts([loops.sizes[d] for d in usable], axis_sizes(architecture)[axis])
        axes[axis] = [dict(zip(usable, each, strict=True)) for each in parts]
    least = loops.macs
    for rows, columns, pe_rows, pe_columns in product(*axes.values()):
        if rows.get("C", 1) > 1 and pe_rows.get("R", 1) < loops.R and not returns:
            continue  # psums would have to come back to the start of their chain
        steps = 1
        for d, size in loops.sizes.items():
            lanes = math.prod(axis.get(d, 1) for axis in (rows, columns, pe_rows, pe_columns))
            steps *= ceil_div(size, lanes * (architecture.lanes if d == "M" else 1))
        least = min(least, steps)
    return least


@given(layers(most_macs=400, largest=4), machines(largest=2))
@settings(max_examples=60)
def test_steps_on_the_array_are_the_least_of_all_configurations(layer: Layer, architecture: Architecture) -> None:
    problem = problem_of(layer, architecture)
    expected = least_on_array(problem.loops, architecture, problem.psums_chain, problem.psums_return)
    assert steps_on_array(problem) == expected


def test_positions_stand_for_rows_and_images() -> None:
    """A 1 x 1 filter has one dimension of positions, which a dataflow that unrolls rows may cut."""
    pointwise = loops_of(Layer("pw", "conv", M=8, C=4, H=6, W=5))
    assert parallel_dimensions(pointwise, DATAFLOWS["rs"]) == "MCQ"
    assert parallel_dimensions(pointwise, DATAFLOWS["ws"]) == "MC"
    assert parallel_dimensions(pointwise, DATAFLOWS["os_c"]) == "M"
