"""The conservation laws, checked on every layer of every run (and on random cases by the tests)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from accelerator_sim.architecture.architecture import TENSORS
from accelerator_sim.files.errors import CheckFailed
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.noc.agreement import stream_agreements, wire_agreements
from accelerator_sim.simulation.links import word_links
from accelerator_sim.simulation.outcome import Outcome
from accelerator_sim.simulation.schedule import Schedule

Claim = tuple[str, str, float, float]
"""A law: its name, its relation (= or <=), and its two sides."""


_BROKEN = {"=": ", expected ", "<=": " > "}
"""What stands between the two sides of a broken law."""
GRAPH_PES = 256
"""PEs up to which every run walks the graph of its networks: the arrays of the papers, in milliseconds per layer."""


def check(schedule: Schedule, outcome: Outcome) -> None:
    """Check every law that applies to one layer.

    Raises CheckFailed with the layer, each broken law and both of its sides.
    """
    _raise(_violated(schedule, claims(schedule, outcome)) + _beyond_capacity(schedule))


def check_limits(schedule: Schedule, outcome: Outcome) -> None:
    """Check the laws of time and of capacity alone.

    For a layer whose schedule and counts were checked on a machine with other memories and another off-chip channel.
    Raises as `check`.
    """
    _raise(_violated(schedule, _time(schedule, outcome)) + _beyond_capacity(schedule))


def check_time(schedule: Schedule, outcome: Outcome) -> None:
    """Check the laws of time alone, for a layer that was checked on a machine with another off-chip channel.

    Raises as `check`.
    """
    _raise(_violated(schedule, _time(schedule, outcome)))


def _raise(broken: list[str]) -> None:
    if broken:
        raise CheckFailed("\n".join(broken))


def _beyond_capacity(schedule: Schedule) -> list[str]:
    """What is wrong where a memory holds more than it can."""
    return [
        f"layer {schedule.problem.layer.name}: no memory holds more than its capacity: {limit}"
        for limit in broken_limits(schedule)
    ]


def _violated(schedule: Schedule, laws: Iterator[Claim]) -> list[str]:
    """What is wrong, for each law that does not hold."""
    return [
        f"layer {schedule.problem.layer.name}: law violated: {name}: {left:,.15g}{_BROKEN[relation]}{right:,.15g}"
        for name, relation, left, right in laws
        if not (left == right if relation == "=" else left <= right)
    ]


def claims(schedule: Schedule, outcome: Outcome) -> Iterator[Claim]:
    """All laws of one layer, with both sides."""
    yield from _work(schedule, outcome)
    yield from _traffic(schedule)
    yield from _time(schedule, outcome)
    yield from _networks(schedule)
    for record in outcome.counts.accesses:
        yield f"no negative reads of {record.tensor} at {record.level}", "<=", 0, record.reads
        yield f"no negative writes of {record.tensor} at {record.level}", "<=", 0, record.writes
    for tensor, size in outcome.counts.dram_bytes.items():
        yield f"no negative off-chip bytes of {tensor}", "<=", 0, size


def _work(schedule: Schedule, outcome: Outcome) -> Iterator[Claim]:
    """Each multiply-accumulate is executed exactly once."""
    layer, d, loops = schedule.problem.layer, schedule.deals, schedule.loops
    yield "the loops are the layer's", "=", loops.macs, layer.macs
    yield "each MAC is executed once", "=", outcome.counts.macs, layer.macs
    yield "effectual MACs are MACs", "<=", outcome.counts.effectual_macs, outcome.counts.macs
    yield "gated MACs are issued", "<=", outcome.counts.macs_gated, outcome.counts.macs_issued
    for name, parts in (("G", d.G), ("N", d.N), ("M", d.M), ("C", d.C), ("P", d.P), ("Q", d.Q), ("R", d.R)):
        yield f"the tiles of {name} cover it", "<=", loops.sizes[name], parts.tiles * parts.length
        yield f"no tile of {name} is empty", "<=", (parts.tiles - 1) * parts.length + 1, loops.sizes[name]
    yield "PEs in use exist", "<=", schedule.active_pes, schedule.problem.architecture.pes


def _traffic(schedule: Schedule) -> Iterator[Claim]:
    """Words arrive as often as they leave, times the fan-out; every word is needed; outputs are written once."""
    s, loops = schedule, schedule.loops
    yield "iacts sent reach a cluster", "<=", s.iact_sent, s.iact_cluster_deliveries
    yield "every PE gets iacts through its cluster", "<=", s.iact_cluster_deliveries, s.iact_delivered
    yield "weights sent reach a cluster", "<=", s.weight_sent, s.weight_cluster_deliveries
    yield "every PE gets weights through its cluster", "<=", s.weight_cluster_deliveries, s.weight_delivered
    if s.private_links:
        yield "every transfer of an iact serves one PE", "=", s.iact_sent, s.iact_delivered
        yield "every transfer of a weight serves one PE", "=", s.weight_sent, s.weight_delivered
    yield "each weight is fetched", "<=", loops.weights, s.weight_fetched
    yield "each weight is sent as often as it is fetched", "<=", s.weight_fetched, s.weight_sent
    if s.weight_filled:
        yield "weights written to the GLB were fetched", "=", s.weight_filled, s.weight_fetched
        yield "weights read from the GLB were written", "<=", s.weight_filled, s.weight_read
    if not s.iact_bypasses_glb and s.loops.columns.stride == 1 and s.loops.rows.stride == 1:
        yield "iacts fetched are written to the GLB", "<=", s.iact_fetched, s.iact_filled
    yield "PE results: each joins a sum or leaves", "=", s.psum_chain, s.psum_local_hops + s.psum_hops + s.psum_out
    rests = s.psum_out - (loops.outputs if s.problem.architecture.glb.psum_final_to_dram else 0)
    yield "psums that leave the PEs are written, or leave the chip", "=", rests, s.psum_written
    first = loops.outputs if s.problem.architecture.glb.psum_read_first else 0
    yield "psums read are those written before", "=", s.psum_in - first, s.psum_out - loops.outputs
    yield "each output leaves once", "=", loops.outputs, s.psum_out // s.accumulations


def _time(schedule: Schedule, outcome: Outcome) -> Iterator[Claim]:
    """Nothing is faster than its resource."""
    peak = schedule.problem.architecture.macs_per_cycle
    yield "cycles >= issued MACs / peak", "<=", math.floor(outcome.counts.macs_issued / peak), outcome.timing.cycles
    for name, busy in outcome.timing.resource_cycles.items():
        yield f"cycles >= busy time of {name}", "<=", busy, outcome.timing.cycles


def _networks(schedule: Schedule) -> Iterator[Claim]:
    """Closed forms of wires, links and hops equal the counts in the graph of the networks."""
    architecture = schedule.problem.architecture
    if architecture.pes > GRAPH_PES:
        return
    for name, counted, walked in wire_agreements(architecture):
        yield f"{name}, by the graph of the network", "=", counted, walked
    for name, counted, walked in stream_agreements(architecture, schedule.mapping):
        yield f"{name}, by the graph of the network", "=", counted, walked
    for tensor in () if architecture.flat else TENSORS:
        hops: int = getattr(schedule, f"{tensor}_hops")
        yield f"{tensor} words times links, by the graph of the network", "=", hops, word_links(schedule, tensor)
