"""PEs in lock-step, as they act in one cycle: which start a window together, and which end it (docs/engines.md)."""

from __future__ import annotations

from accelerator_sim.kernels import cycle_pe as pe
from accelerator_sim.kernels import cycle_state as cs
from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel


@kernel(spliced=True)
def in_lock_step(run, u, v):
    """Whether two PEs that work are in lock-step."""
    place = run.plan.place
    every = run.e[at.LOCK_STEP] == at.ARRAY_TOGETHER
    return place[at.X_ACTIVE, v] and (every or place[at.X_CHAIN, u] == place[at.X_CHAIN, v])


@kernel(spliced=True)
def same_window(run, u, i, v):
    """Number in the PE at `v` of the window that is the i-th one of the PE at `u`; -1 if that has none."""
    place = run.plan.place
    columns, rows = place[at.X_Q, u], place[at.X_J, u]
    n, q = i // (rows * columns), i % columns
    j = i // columns - n * rows
    if n >= place[at.X_N, v] or j >= place[at.X_J, v] or q >= place[at.X_Q, v]:
        return -1
    return (n * place[at.X_J, v] + j) * place[at.X_Q, v] + q


@kernel(spliced=True)
def is_ready(run, u, i, now):
    """Whether all that a PE waits for before its i-th window was there for long enough."""
    own = run.state.place[u]
    if own[cs.Y_STARTED] > i:
        return True
    if own[cs.Y_COMPLETED] < i or own[cs.Y_FILLED] <= i or own[cs.Y_WEIGHTS] == at.NEVER:
        return False
    last = max(own[cs.Y_FILLED_AT + (i & 1)], own[cs.Y_WEIGHTS] - 1)
    if i > 0 and run.e[at.OVERLAP]:
        last = max(last, own[cs.Y_DONE_AT + (i - 1 & 1)])
    elif i > 0:
        if own[cs.Y_RESTS] < i:
            return False
        last = max(last, own[cs.Y_RESTED_AT])
    return last + run.e[at.START_LATENCY] <= now


@kernel(helper=True, reference_counts=False)
def all_ready(run, u, now):
    """Whether all PEs in lock-step with one may start its next window."""
    i = run.state.place[u, cs.Y_STARTED]
    if not is_ready(run, u, i, now):
        return False
    for v in range(run.plan.place.shape[1]):
        if in_lock_step(run, u, v):
            k = same_window(run, u, i, v)
            if k >= 0 and not is_ready(run, v, k, now):
                return False
    return True


@kernel(helper=True, reference_counts=False)
def all_done(run, u):
    """Whether all PEs in lock-step with one are done with its window."""
    own = run.state.place
    i = own[u, cs.Y_COMPLETED]
    if own[u, cs.Y_DONE] <= i:
        return False
    for v in range(run.plan.place.shape[1]):
        if in_lock_step(run, u, v):
            k = same_window(run, u, i, v)
            if k >= 0 and own[v, cs.Y_DONE] <= k:
                return False
    return True


@kernel(helper=True, reference_counts=False)
def start_and_end(run, working, now):
    """Windows start where all in lock-step are ready, and end where all are done."""
    for k in range(working):
        u = run.turns.active[k]
        own = run.state.place[u]
        if own[cs.Y_STARTED] < own[cs.Y_WINDOWS] and all_ready(run, u, now):
            own[cs.Y_STARTED] += 1
    for k in range(working):
        u = run.turns.active[k]
        if run.state.place[u, cs.Y_SERVED] < run.state.place[u, cs.Y_WINDOWS]:
            me = cs.pe_at(run, u)
            pe.next_window(run, me, now)
            if pe.can_work(run, me, now):
                pe.be_done(run, me, now)
    for k in range(working):
        u = run.turns.active[k]
        if run.state.place[u, cs.Y_COMPLETED] < run.state.place[u, cs.Y_WINDOWS] and all_done(run, u):
            pe.complete_window(run, cs.pe_at(run, u), now)
