"""How many multiply-accumulates a layer lets run at once: the first four bounds of Eyexam, each solved exactly.

A bound is a least number of *serial steps*: cycles, if every lane (a MAC of a PE) did one MAC in each.  Source: Chen,
Yang, Emer, Sze, arXiv:1807.07928v1, Table II (Eyexam); Sze et al., IEEE SSC Magazine, Summer 2020.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from accelerator_sim.dataflow.rules import DATAFLOWS, Dataflow
from accelerator_sim.kernels import layout as at
from accelerator_sim.mapping.loops import Loops
from accelerator_sim.mapping.mapping import useful_parts
from accelerator_sim.mapping.problem import MappingProblem
from accelerator_sim.mapping.space import configurations, parts_of


def parallel_dimensions(loops: Loops, dataflow: Dataflow) -> str:
    """The dimensions of a layer in normal form that a dataflow may cut over lanes.

    Where one row of outputs (or one dimension of positions) is all there is, Q also stands for the rows.  Row
    stationary may cut output columns in any case: clusters each take some, as they take some of the rows.
    """
    letters = set(dataflow.parallel)
    if dataflow.rows or (loops.P == 1 and letters & set("NP")):
        letters.add("Q")
    return "".join(d for d in "GNMCPQRS" if d in letters and loops.sizes[d] > 1)


def serial_steps(loops: Loops, dataflow: Dataflow) -> int:
    """Steps that the dataflow leaves serial with any number of lanes: the loops that it may not cut (step 2)."""
    cut = parallel_dimensions(loops, dataflow)
    return math.prod(size for d, size in loops.sizes.items() if d not in cut)


def steps_on_lanes(loops: Loops, dataflow: Dataflow, lanes: int) -> int:
    """Least steps on a number of lanes in any arrangement: any parts of the dimensions whose product fits (step 3).

    Only parts with different numbers of steps matter; partial solutions with more lanes and no fewer steps are
    dropped, so the result is exact.
    """
    used, steps = np.ones(1, dtype=np.int64), np.ones(1, dtype=np.int64)
    for dimension in parallel_dimensions(loops, dataflow):
        parts = np.array(useful_parts(loops.sizes[dimension], lanes), dtype=np.int64)
        rounds = -(-loops.sizes[dimension] // parts)
        all_used, all_steps = np.outer(used, parts).ravel(), np.outer(steps, rounds).ravel()
        fits = all_used <= lanes
        used, steps = _best(all_used[fits], all_steps[fits])
    return int(steps.min()) * serial_steps(loops, dataflow)


@dataclass(frozen=True)
class Parallelism:
    """MACs per cycle after steps 2 and 3: with any number of lanes, and with the existing ones."""

    dataflow: str
    unlimited: float
    on_lanes: float


def parallelism(loops: Loops, lanes: int) -> tuple[Parallelism, ...]:
    """The parallelism of every dataflow, row stationary first."""
    return tuple(
        Parallelism(name, loops.macs / serial_steps(loops, flow), loops.macs / steps_on_lanes(loops, flow, lanes))
        for name, flow in DATAFLOWS.items()
    )


def _best(used: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs that no other one is better than in both."""
    order = np.lexsort((steps, used))
    used, steps = used[order], steps[order]
    before = np.concatenate(([np.iinfo(np.int64).max], np.minimum.accumulate(steps)[:-1]))
    keep = steps < before
    return used[keep], steps[keep]


def steps_on_array(problem: MappingProblem) -> int:
    """Least steps on the array as it is, with PEs that hold anything (step 4).

    The configurations are those of the mapping search; the MACs of a PE take filters only, and a chain of psums over
    clusters has to end in one pass unless psums can return (JETCAS Table II).
    """
    loops, lanes = problem.loops, problem.architecture.lanes
    rows = configurations(problem)
    if not problem.psums_return:
        rows = rows[(rows[:, at.RC] == 1) | (rows[:, at.YR] >= loops.R)]
    steps = np.full(len(rows), 1, dtype=np.int64)
    for dimension, size in loops.sizes.items():
        parts = parts_of(rows, dimension) * (lanes if dimension == "M" else 1)
        steps *= -(-size // parts)
    return int(steps.min())
