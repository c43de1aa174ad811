"""The mapping search in plain Python: every mapping of the space, costed by the analytical engine and the account."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.energy.account import account, account_moves
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.mapping import Mapping, Stationary
from accelerator_sim.mapping.problem import MappingProblem, encodings_of, problem_of
from accelerator_sim.mapping.space import configurations, factors_of
from accelerator_sim.simulation.analytical import dram_bytes
from accelerator_sim.simulation.engines import estimate_of
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.actions import ActionEnergies
from accelerator_sim.workload.layer import Layer


@dataclass(frozen=True)
class Cost:
    """What a mapping costs: the energy and its rounding, the cycles, the off-chip bits."""

    mapping: Mapping
    cycles: int
    joules: float
    rounding: float
    bits: float


def rounding(outcome: Outcome, actions: ActionEnergies, architecture: Architecture) -> float:
    """Joules by which the account may differ from the kernel's, which counts fractions of words.

    The analytical engine rounds each count of words once (stored words up, SPad accesses to the nearest); so no count
    is off by more than one word, and the account of one word of everything bounds the difference; where words are
    broadcast, one of them is delivered to every PE.
    """
    reached = architecture.pes if architecture.noc.iact.kind == "broadcast" else 1
    one = replace(
        outcome.counts,
        accesses=tuple(replace(access, reads=1, writes=1) for access in outcome.counts.accesses),
        noc=tuple(replace(use, word_hops=1, delivered=reached, local_hops=1) for use in outcome.counts.noc),
    )
    return account_moves(one, actions, architecture).total


def cost_of(problem: MappingProblem, mapping: Mapping, actions: ActionEnergies) -> Cost:
    """Cost one mapping."""
    schedule = Schedule(problem, mapping)
    outcome = estimate_of(schedule)
    total = account(outcome, actions, problem.architecture).total
    slack = rounding(outcome, actions, problem.architecture) + 1e-11 * total
    return Cost(mapping, outcome.timing.cycles, total, slack, 8.0 * sum(dram_bytes(schedule).values()))


def lengths(size: int, parts: int) -> list[int]:
    """For each number of tiles the shortest tile."""
    shortest: dict[int, int] = {}
    for length in range(-(-size // parts), 0, -1):
        shortest[-(-size // (length * parts))] = length
    return list(shortest.values())


def candidates(
    layer: Layer, architecture: Architecture, columns: tuple[int, ...] | None = None
) -> Iterator[tuple[MappingProblem, Mapping]]:
    """All mappings within the limits of the SPads and of the psum links; columns: the S0 to try, else as searched."""
    for encodings in encodings_of(layer, architecture):
        problem = problem_of(layer, architecture, *encodings)
        kept = [Stationary.NONE, Stationary.IACT, Stationary.PE_WEIGHT]
        kept += [Stationary.WEIGHT] if problem.weight_may_stay else []
        for row in configurations(problem):
            spatial = Mapping(**factors_of(row), iact_encoding=encodings[0], weight_encoding=encodings[1])
            yield from _temporal(problem, spatial, kept, columns)


def _temporal(
    problem: MappingProblem, spatial: Mapping, kept: list[Stationary], columns: tuple[int, ...] | None
) -> Iterator[tuple[MappingProblem, Mapping]]:
    loops = problem.loops
    asked = lengths(loops.S, 1) if columns is None else {min(taps, loops.S) for taps in columns}
    fitting = [taps for taps in asked if problem.spad_limit(1, 1, taps) is None]
    if columns is None and loops.S in fitting:
        fitting = [loops.S]

    def parts(dimension: str) -> int:
        return -(-loops.sizes[dimension] // spatial.parts(dimension))

    positions = [lengths(loops.sizes[d], spatial.parts(d)) for d in "NPQ"]
    for taps, m0, c0 in itertools.product(fitting, range(1, parts("M") + 1), range(1, parts("C") + 1)):
        if problem.spad_limit(m0, c0, taps) is not None:
            continue
        accumulations = (
            -(-loops.S // taps) * -(-loops.C // (c0 * spatial.parts("C"))) * -(-loops.R // spatial.parts("R"))
        )
        if spatial.cluster_rows.C > 1 and accumulations > 1 and not problem.psums_return:
            continue
        passes = lengths(-(-loops.M // (m0 * spatial.parts("M"))), 1)
        for n0, p0, q0, m2, stationary in itertools.product(*positions, passes, kept):
            yield problem, replace(spatial, M0=m0, C0=c0, S0=taps, N0=n0, P0=p0, Q0=q0, M2=m2, stationary=stationary)


def all_costs(
    layer: Layer, architecture: Architecture, actions: ActionEnergies, columns: tuple[int, ...] | None = None
) -> tuple[int, list[Cost]]:
    """The number of candidates (see there), and the cost of each that is legal."""
    number, costs = 0, []
    for problem, mapping in candidates(layer, architecture, columns):
        number += 1
        if not broken_limits(Schedule(problem, mapping)):
            costs.append(cost_of(problem, mapping, actions))
    return number, costs
