"""Every closed form of the schedule and of the busy times, against a machine that is walked step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings

from accelerator_sim.mapping.mapping import ceil_div
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.simulation import analytical
from accelerator_sim.simulation.engines import estimate_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.workload.layer import Density
from tests.oracles import naive
from tests.oracles.strategies import Case, cases
from tests.oracles.walker import Counts, walk

NORMAL_AND_SLOW = [300, pytest.param(5000, marks=pytest.mark.slow)]

EQUAL = (
    "passes",
    "iact_fetched", "iact_sent", "iact_cluster_deliveries", "iact_hops", "iact_delivered",
    "weight_fetched", "weight_filled", "weight_read", "weight_cluster_deliveries", "weight_sent", "weight_hops",
    "weight_delivered",
    "psum_out", "psum_in", "psum_written", "psum_drained", "psum_chain", "psum_hops", "psum_local_hops",
)  # fmt: skip


def walked(check: Callable[[Schedule, Counts], None], number: int) -> None:
    """Check the schedules of so many drawn cases against their walks."""

    @settings(max_examples=number)
    @given(case=cases())
    def run(case: Case) -> None:
        schedule = Schedule(case.problem, case.mapping)
        check(schedule, walk(schedule.loops, case.mapping, case.problem.architecture))

    run()


def words(schedule: Schedule, counts: Counts) -> None:
    """All words between all levels, and the largest tiles."""
    assert counts.total["macs"] == schedule.loops.macs == schedule.problem.layer.macs
    assert {name: counts.total[name] for name in EQUAL} == {name: getattr(schedule, name) for name in EQUAL}
    if schedule.iact_bypasses_glb:
        assert schedule.problem.architecture.glb.iact.bypass
        assert schedule.iact_filled == 0
        assert counts.most["iact_reads_of_a_fill"] == 1, "what bypasses the GLB is read once a fetch"
    else:
        assert counts.total["iact_filled"] == schedule.iact_filled
    largest = ("active_pes", "iact_tile", "psum_tile", "weight_pass")
    assert {name: counts.most[name] for name in largest} == {name: getattr(schedule, name) for name in largest}
    if schedule.mapping.stationary == "weight":
        assert counts.most["weight_tile"] == schedule.weight_tile
    # What a cluster's banks are given for; an edge tile may fill less of it, no tile more.
    if not schedule.problem.architecture.flat:
        assert counts.most["iact_cluster_tile"] <= schedule.iact_cluster_tile
        assert counts.most["psum_column_tile"] <= schedule.psum_column_tile


@pytest.mark.parametrize("number", NORMAL_AND_SLOW)
def test_the_schedule_counts_what_a_walk_counts(number: int) -> None:
    walked(words, number)


def busy_times(schedule: Schedule, counts: Counts) -> None:
    """The busiest PE, ports and banks, and the SPads, of a dense layer stored raw, whose windows lose nothing."""
    layer = replace(schedule.problem.layer, density=Density(), effectual_fraction=None)
    problem = replace(problem_of(layer, schedule.problem.architecture), work=1.0)
    architecture, pe = problem.architecture, problem.architecture.pe
    s = Schedule(problem, schedule.mapping)
    flat = architecture.flat

    cycles, psums = max(counts.pe_cycles.values()), max(counts.pe_psums.values())
    first = (0, 0, 0, 0)
    assert (counts.pe_cycles[first], counts.pe_psums[first]) == (cycles, psums), "the first PE is the busiest"
    service = psums * pe.psum_service.cycles_per_psum
    load, together = 0.0, pe.lock_step != "none"
    empty = max(0, pe.pipeline_stages - 2) if together or pe.iact_buffer == "single" else 0  # stages in every window
    cycles += counts.pe_windows[first] * (empty + together * pe.start_latency)
    if pe.iact_buffer == "single":  # iacts come while psums move, not while PEs compute
        load = max(0.0, analytical.iact_port_cycles(s) - analytical.iact_fill_cycles(s))
    if pe.psum_service.overlaps_macs:
        both = max(cycles, service) + load
    else:
        window = pe.psum_service.start + together * pe.psum_service.latency * counts.most["links"]
        both = cycles + max(service + counts.pe_windows[first] * window, load)
    own = analytical.pe_cycles(s) - analytical.drain_cycles(s) - s.passes * (pe.pipeline_stages - 1 - empty)
    assert own == pytest.approx(both)

    contention = s.mapping.cluster_rows.C if s.mapping.cluster_rows.M > 1 else 1
    reads, fills = max(counts.cluster_iacts.values()), max(counts.cluster_fills.values())
    weights = s.weight_sent if flat else max(counts.row_weights.values())
    out = s.psum_out if flat else max(counts.column_out.values())
    into = s.psum_in if flat else max(counts.column_in.values(), default=0)
    rate = {t: problem.words_per_cycle(t) for t in ("iact", "weight", "psum")}
    if architecture.noc.iact.kind == "unicast":  # the busiest link, which carries so many words or takes so many cycles
        reads, weights, out = (max(n.values()) for n in (counts.link_iacts, counts.link_weights, counts.link_out))
        into = max(counts.link_in.values(), default=0)
        words = {t: getattr(architecture.noc, t).words_per_cycle for t in rate}
        pes = architecture.pes
        rate = {t: n // pes if n >= pes else 1 / ceil_div(pes, n) for t, n in words.items()}
    assert analytical.iact_port_cycles(s) == pytest.approx(reads * contention / rate["iact"])
    assert analytical.weight_port_cycles(s) == pytest.approx(weights / rate["weight"])
    psum_port = max(out, into) / rate["psum"]
    if architecture.pooled:  # of one bus a flit is of one chain, however few psums it has
        assert analytical.psum_port_cycles(s) >= psum_port * (1.0 - 1e-9)
    else:
        assert analytical.psum_port_cycles(s) == pytest.approx(psum_port)

    if not flat and not s.iact_bypasses_glb:
        fills = 0 if architecture.overlap.glb_fill else fills
        moved = reads + fills if architecture.glb.iact.ports == 1 else max(reads, fills)
        banks = s.mapping.array_parts("M") * problem.bank_words_per_cycle("iact")
        assert analytical.iact_bank_cycles(s) == pytest.approx(moved / banks)
    if not flat and not s.psum_bypasses_glb:
        final = architecture.glb.psum_final_to_dram
        of_pass = out // s.accumulations
        written, read = out - final * of_pass, into + (not final) * of_pass
        moved = written + read if architecture.glb.psum.ports == 1 else max(written, read)
        assert analytical.psum_bank_cycles(s) == pytest.approx(moved / problem.bank_words_per_cycle("psum"))

    outcome = estimate_of(s)
    macs = s.loops.macs
    inside = naive.inside_macs(layer)
    share = inside / macs if pe.zero_iact == "gate" else 1.0  # padding is zeros
    assert outcome.counts.macs_issued == macs
    assert outcome.counts.effectual_macs == inside
    assert outcome.counts.macs_gated == round(macs * (1.0 - share))
    iact_reads = macs if pe.iact_read == "per_mac" else counts.total["iact_spad_reads"]
    assert outcome.counts.access("spad", "iact").reads == iact_reads
    slots = macs if architecture.lanes == 1 else counts.total["slots"]
    assert outcome.counts.access("spad", "weight").reads == round(slots * share)
    assert outcome.counts.access("spad", "psum").reads == round(counts.total["psum_spad_updates"] * share)
    assert outcome.counts.access("spad", "psum").writes == round(counts.total["psum_spad_updates"] * share)


@pytest.mark.parametrize("number", NORMAL_AND_SLOW)
def test_the_busiest_parts_do_what_a_walk_says(number: int) -> None:
    walked(busy_times, number)
