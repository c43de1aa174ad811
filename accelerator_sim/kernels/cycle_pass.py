"""One pass, clock by clock: the definition of the machine (docs/engines.md).

In every cycle each lane, each PE and each psum lane looks at what happened before this cycle and acts.  Lanes act
before PEs, and a PE's later stages before its earlier ones.  Among lanes and among PEs, times that others wrote down
before `now` decide whether a part may act, so that the order in which they are visited (`Turns.visited`) cannot matter.
Operand values, where they are given, travel with the words: over a lane into FIFO and SPad to the MAC, and as psums
from the GLB up the chain and back.
"""

from __future__ import annotations

from accelerator_sim.kernels import cycle_pe as pe
from accelerator_sim.kernels import cycle_state as cs
from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.channel import tick
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.cycle_lanes import send_iacts, send_weights, start_lanes
from accelerator_sim.kernels.cycle_lock_step import start_and_end
from accelerator_sim.kernels.cycle_psums import mark_psum_fifos, move_psums, read_psums
from accelerator_sim.kernels.references import refer


@kernel(spliced=True)
def step_lanes(run, now, psum_lanes, begin):
    """One cycle of the lanes of iacts (from `begin` on) and of those that read psums."""
    if now >= begin:
        for k in range(run.plan.counts[at.COUNT_LANES]):
            send_iacts(run, run.turns.lanes[0, k], now)
    if run.d[at.PSUM_IN] and not (run.d[at.TIME_SHARED] == at.ALTERNATE and now & 1):
        for k in range(psum_lanes):
            read_psums(run, run.turns.lanes[1, k], now)


@kernel(spliced=True)
def step_pe(run, me, now):
    """One cycle of a PE; returns the cycle after a flit of psums that it moved has left the array, or 0."""
    pe.next_window(run, me, now)
    pe.work(run, me, now)
    pe.visit_iact(run, me, now)
    pe.write_spad(run, me, now)
    pe.mark_fifo(run, me, now)
    return move_psums(run, me, now)


@kernel(spliced=True)
def fill_time(run, working):
    """When all PEs have the weights that are sent for the pass."""
    fill = 0
    if run.d[at.LOAD]:
        for k in range(working):
            fill = max(fill, run.plan.place[at.X_LOADED, run.turns.active[k]])
    return fill


@kernel(helper=True, reference_counts=False)
def end_pass(run, end):
    """PEs wait for the last one; returns the flits that the busiest iact lane has sent."""
    place, busiest = run.plan.place, 0
    for u in range(place.shape[1]):
        if place[at.X_ACTIVE, u]:
            run.spent[at.IMBALANCE, u] += end - run.finish[u]
        else:
            run.spent[at.UNUSED, u] += end
    run.out[at.OUT_PASS] = end
    for i in range(run.plan.counts[at.COUNT_LANES]):
        busiest = max(busiest, run.turns.iacts[i, cs.T_READS])
    return busiest


@kernel(reference_counts=False)
def step_pass(arrays):
    """Step one pass to its end.

    arrays: a `StepRun`: what is read, and what is filled (`spent`, `finish`, `seen`, `out`; the GLB's psums in
    `values`).  Returns the flits that the busiest iact lane has sent.
    """
    run = refer(arrays)
    own, active, depth = run.state.place, run.turns.active, run.e[at.PSUM_FIFO]
    busy = working = cs.start_places(run)
    psum_lanes = start_lanes(run)
    run.out[at.OUT_FILL] = fill_time(run, working)
    loading = run.d[at.LOAD] != 0 and not run.d[at.BEFORE]
    begin = run.e[at.IACT_START] + (run.out[at.OUT_FILL] if run.d[at.AFTER_LOAD] and loading else 0)
    now = drained = 0
    while busy > 0 or (now < drained and not run.e[at.HIDE_DRAIN]):
        tick(run.channel)
        if loading:
            loading = send_weights(run, working, now)
        step_lanes(run, now, psum_lanes, begin)
        if run.e[at.LOCK_STEP]:
            start_and_end(run, working, now)
        for k in range(working):
            u = active[k]
            if own[u, cs.Y_SERVED] < own[u, cs.Y_WINDOWS]:
                me = cs.pe_at(run, u)
                drained = max(drained, step_pe(run, me, now))
                busy -= pe.leave_window(run, me, now + 1)
        if run.out[at.OUT_PSUM_FIFO] < depth:
            mark_psum_fifos(run, working, now)
        now += 1
    return end_pass(run, now)
