"""The one port of a psum bank, `glb.psum.access`: what a PE waits for it, by hand on a machine of one PE."""

from __future__ import annotations

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.mapping.mapping import Encoding, Mapping
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.mapping.search import find_mapping
from accelerator_sim.simulation.engines import Cycle, Event
from accelerator_sim.simulation.event import run_kinds
from accelerator_sim.simulation.machine import machine_of
from accelerator_sim.simulation.passes import passes_of, planner_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.pattern import Pattern

ONE_PE = [("cluster_array", "{rows: 1, columns: 1}"), ("pe_cluster", "{rows: 1, columns: 1}")]
WINDOWS, FLITS = 4, 8
LAYER = Layer("row", "conv", M=2 * FLITS, W=WINDOWS, C=3)
"""Three passes of a channel each; psums enter and rest in the second one."""


def middle(*overrides: tuple[str, str]) -> tuple[int, int]:
    """Cycles of the second pass, and those in which its PE waits for the GLB."""
    problem = problem_of(LAYER, load_architecture("eyeriss_v2", [*ONE_PE, *overrides]), Encoding.RAW, Encoding.RAW)
    schedule = Schedule(problem, Mapping(M0=2 * FLITS, C0=1, Q0=WINDOWS))
    stored = stored_pattern(schedule, Pattern())
    assert Event().run(schedule, stored) == Cycle().run(schedule, stored)
    machine = machine_of(schedule)
    passes = passes_of(machine, stored)
    times = run_kinds(passes, planner_of(machine, stored))
    return int(times.cycles[passes.kind[1]]), int(times.spent[at.GLB_PORT].sum())


BURST, ALTERNATE, TWO = ("glb.psum.access", "burst"), ("glb.psum.access", "alternate"), ("glb.psum.ports", "2")


def test_a_pe_is_held_a_cycle_for_each_flit_in_bursts_and_two_otherwise() -> None:
    bursts, waited = middle(BURST)
    assert waited == 0
    assert middle(TWO) == (bursts, 0)
    assert middle() == middle(ALTERNATE) == (bursts + WINDOWS * FLITS, WINDOWS * FLITS)


def test_a_burst_takes_the_time_of_its_reads_and_writes() -> None:
    """Psums beside the MACs, which take as long as the reads: the port binds.

    The first window is complete at 19: 6 flits of weights, 5 stages, 8 slots.  4 of its psums are in the FIFO by then;
    the others are read from 20 on, a cycle after room was made, the last one at 23.
    """
    beside, last_read, port = ("pe.psum_service.overlaps_macs", "true"), 23, 2 * FLITS
    assert middle(beside, TWO)[0] < WINDOWS * port
    third = last_read + FLITS + (WINDOWS - 2) * port  # written
    assert middle(beside, BURST)[0] == third + FLITS + 2  # seen by the PE a cycle after the last read, and moved
    assert middle(beside, BURST, ("overlap.psum_drain", "false"))[0] == third + port + 1


def test_the_burst_of_the_pass_before_is_written_first() -> None:
    """Where psums drain beside the next pass, they are read from cycle 8 on; a window of one short visit waits."""
    early = (("overlap.weight_fill", "true"), ("pe.pipeline_stages", "1"), ("pe.packed", "{width: 8 b, macs: 8}"))
    shown = ("overlap.psum_drain", "false")
    assert middle(BURST, *early)[1] > middle(TWO, *early)[1]
    assert middle(BURST, *early, shown)[1] < middle(BURST, *early)[1]


def test_bursts_on_the_whole_machine() -> None:
    """Engines agree on chains over clusters, and a layer that moves many psums takes fewer cycles."""
    cycles = {}
    for word in ("alternate", "burst"):
        machine, technology = load_machine("eyeriss_v2", [("glb.psum.access", word)])
        layer = Layer("conv", "conv", M=64, C=96, H=7, W=7, R=3, S=3, padding=(1, 1, 1, 1))
        found = find_mapping(layer, machine, resolve_actions(technology, machine), Objective.LATENCY)
        schedule = Schedule.of_found(found)
        stored = stored_pattern(schedule, Pattern())
        event = Event().run(schedule, stored)
        assert event == Cycle().run(schedule, stored)
        cycles[word] = event.timing.cycles
    assert cycles["burst"] < cycles["alternate"]
