"""A trace of a network: what every PE and every iact lane did when, for a window of cycles and some clusters.

The layers that the window touches are run again, pass by pass, with a record of every span of time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from accelerator_sim.files.errors import UsageError
from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.causes import CAUSES
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.simulation.event import PassTimes, trace_pass
from accelerator_sim.simulation.machine import machine_of
from accelerator_sim.simulation.passes import planner_of
from accelerator_sim.simulation.repeats import MOST_PASSES, time_schedule
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from accelerator_sim.workload.pattern import draw


@dataclass(frozen=True)
class Span:
    """One part of the machine did one thing for some time (cycles since the start of the network)."""

    cluster: int
    track: str
    activity: str
    begin: int
    end: int


@dataclass(frozen=True)
class TraceWindow:
    """What is traced: cycles from `begin` to before `end`, and the clusters (none: all)."""

    begin: int = 0
    end: int = 20_000
    clusters: tuple[int, ...] = ()


def warning_of(spans: Sequence[Span], window: TraceWindow) -> str:
    """Return what is to be said of a trace in which no PE does anything; "" of any other."""
    if any(span.cluster >= 0 for span in spans):
        return ""
    return f"no PE does anything in cycles {window.begin:,} to {window.end:,}; the trace has layers and passes at most"


def trace(result: NetworkResult, window: TraceWindow) -> Iterator[Span]:
    """The spans of a result that lie in a window, layer by layer; neighbours that do the same are joined.

    Raises UsageError for a cluster that there is not, for an estimate, which has no times, and for a layer of too many
    passes.
    """
    if result.estimate:
        raise UsageError("an estimate has no times to trace; use the engines event or cycle")
    most = result.architecture.cluster_array.count - 1
    beyond = [number for number in window.clusters if not 0 <= number <= most]
    if beyond:
        raise UsageError(f"no cluster {beyond[0]} to trace: {result.architecture.name} has clusters 0 to {most}")
    return _traced(result, window)


def _traced(result: NetworkResult, window: TraceWindow) -> Iterator[Span]:
    start = 0
    for layer, outcome, _ in result.by_phase.finished:
        stop = start + outcome.timing.cycles
        if outcome.timing.cycles and start < window.end and stop > window.begin:
            yield Span(-1, "layers", layer.layer.name, start, stop)
            if layer.mapping is not None:
                yield from _joined(_spans(layer, result, window, start))
        start = stop


def _spans(layer: LayerResult, result: NetworkResult, window: TraceWindow, start: int) -> Iterator[Span]:
    mapping, architecture = layer.mapping, result.architecture
    assert mapping is not None
    schedule = Schedule.of_layer(layer.layer, architecture, mapping)
    stored = stored_pattern(schedule, draw(layer.layer, result.seed, result.masks))
    if schedule.passes > MOST_PASSES:
        raise UsageError(
            f"layer {layer.layer.name} has {schedule.passes:,} passes; at most {MOST_PASSES:,} can be traced"
        )
    times = time_schedule(schedule, stored)
    assert layer.outcome is not None
    yield from _array_waits(times, start, start + layer.outcome.timing.cycles, window)
    machine = machine_of(schedule)
    planner = planner_of(machine, stored)
    lanes = int(machine.e[at.IACT_LANES])
    for number, (begun, length) in enumerate(zip(times.starts.tolist(), times.lengths.tolist(), strict=True)):
        begun += start
        if begun >= window.end or begun + length <= window.begin:
            continue
        yield Span(-1, "passes", f"pass {number}", begun, begun + length)
        plan, spans = trace_pass(times.passes, planner, number)
        place = machine.place
        sources: dict[int, tuple[int, int]] = {}  # by lane: the cluster and router of its source
        for s in range(int(plan.counts[at.COUNT_STREAMS])):
            source = plan.stream[at.S_SOURCE, s]
            cluster = (
                place[at.X_CLUSTER_ROW, source] * machine.e[at.CLUSTER_COLUMNS] + place[at.X_CLUSTER_COLUMN, source]
            )
            lane = int(plan.stream[at.S_LANE, s])
            known = sum(c == cluster for c, _ in sources.values())
            sources.setdefault(lane, (int(cluster), known % lanes))
        for where, activity, begin, end in sorted(spans.tolist(), key=lambda span: (span[0], span[2])):
            if where < machine.places:
                row, column = place[at.X_CLUSTER_ROW, where], place[at.X_CLUSTER_COLUMN, where]
                cluster = int(row * machine.e[at.CLUSTER_COLUMNS] + column)
                track = f"PE {place[at.X_PE_ROW, where]},{place[at.X_PE_COLUMN, where]}"
            else:
                cluster, router = sources[where - machine.places]
                track = f"iact router {router}"
                if architecture.private:
                    source = plan.stream[at.S_SOURCE, where - machine.places]  # every PE is a stream with its lane
                    track = f"iact link {place[at.X_PE_ROW, source]},{place[at.X_PE_COLUMN, source]}"
            name = "send" if activity == at.SENT else CAUSES[activity]
            first, last = max(begun + begin, window.begin), min(begun + end, window.end)
            if first < last and (not window.clusters or cluster in window.clusters):
                yield Span(cluster, track, name, first, last)


def _array_waits(times: PassTimes, start: int, stop: int, window: TraceWindow) -> Iterator[Span]:
    """When the whole array waits before, between and after passes, by what it waits for in this layer."""
    causes = [CAUSES[at] for at, cycles in enumerate(times.waits.tolist()) if cycles]
    name = ", ".join(cause.label for cause in causes) or "nothing to do"
    ends = [start, *(start + times.starts + times.lengths).tolist()]
    begins = [*(start + times.starts).tolist(), stop]
    for begin, end in zip(ends, begins, strict=True):
        first, last = max(begin, window.begin), min(end, window.end)
        if first < last:
            yield Span(-1, "array", name, first, last)


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    open_span: Span | None = None
    for span in spans:
        if open_span is not None and span.begin == open_span.end and (span.cluster, span.track, span.activity) == (
            open_span.cluster, open_span.track, open_span.activity,
        ):  # fmt: skip
            open_span = Span(span.cluster, span.track, span.activity, open_span.begin, span.end)
            continue
        if open_span is not None:
            yield open_span
        open_span = span
    if open_span is not None:
        yield open_span
