"""Speed of the event engine by its unit of work: nanoseconds per visit, beside PE-cycles per second.

A visit is one iact that a PE reads from its SPad for one window and all filters it holds: the unit of which the event
engine takes its time.  It is counted as the reads of iacts from SPads (`access("spad", "iact").reads`
of `Counts`), which are the visits where PEs read an iact once for all their filters, as on Eyeriss v2.  Passes that are
equal are run once and windows that repeat are leaped over, so that dense networks take less than a nanosecond per visit
of the whole layer; the sparse ones show what a visit takes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.mapping.search import find_mapping
from accelerator_sim.simulation.counts import counts_of
from accelerator_sim.simulation.event import time_layer
from accelerator_sim.simulation.machine import machine_of
from accelerator_sim.simulation.passes import passes_of, planner_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import Stored, stored_pattern
from accelerator_sim.technology.actions import ActionEnergies, resolve_actions
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network_loader import load_network
from accelerator_sim.workload.pattern import draw
from benchmarks.timing import least

ARCHITECTURE = load_architecture("eyeriss_v2")
NETWORKS = ("mobilenet_v1_0.5_128_sparse", "alexnet_sparse", "vgg16", "resnet50")


def actions_of(architecture: Architecture) -> ActionEnergies:
    """The energies of a machine by its own technology."""
    return resolve_actions(load_technology(architecture.technology), architecture)


def unique_layers(name: str) -> list[Layer]:
    """The layers of a network that differ in more than their name."""
    return list(dict.fromkeys(replace(layer, name="") for layer in load_network(name).layers if layer.is_mac))


def planned(layer: Layer, architecture: Architecture = ARCHITECTURE) -> tuple[Schedule, Stored]:
    """The fastest schedule of a layer by the estimate, and what it stores."""
    found = find_mapping(layer, architecture, actions_of(architecture))
    schedule = Schedule.of_found(found)
    return schedule, stored_pattern(schedule, draw(layer, 0))


@dataclass(frozen=True)
class EventWork:
    """What the event engine did, and the seconds that it took."""

    seconds: float
    pe_cycles: int
    visits: int


def event_work(schedule: Schedule, stored: Stored) -> EventWork:
    """Time the event engine on one layer, from its planned passes to the cycles."""
    machine = machine_of(schedule)
    passes = passes_of(machine, stored)
    cycles = time_layer(passes, planner_of(machine, stored)).cycles
    seconds = least(lambda: time_layer(passes, planner_of(machine, stored)))
    pes = schedule.problem.architecture.pes
    return EventWork(seconds, cycles * pes, counts_of(schedule, stored).access("spad", "iact").reads)


def visit_rows() -> list[tuple[str, str, str]]:
    """Rows of `make bench`: what, measured, wanted."""
    rows = []
    for name in NETWORKS:
        works = [event_work(*planned(layer)) for layer in unique_layers(name)]
        seconds = sum(work.seconds for work in works)
        rate = sum(work.pe_cycles for work in works) / seconds / 1e9
        each = 1e9 * seconds / sum(work.visits for work in works)
        wanted = "1 G/s" if name == NETWORKS[0] else ""
        rows.append((f"`event` on the layers of {name}, PE-cycles", f"{rate:.2f} G/s", wanted))
        rows.append((f"`event` on the layers of {name}, per visit of an iact", f"{each:.2f} ns", ""))
    return rows
