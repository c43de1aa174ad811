"""The state of the machine while the cycle engine steps a pass, and what it is at the start."""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.new_columns import new_columns

# --- one place of the array (last axis of `State.place`) -------------------------------------------------------------
(
    Y_STREAM, Y_ROWS, Y_M, Y_TILE, Y_WINDOWS,
    Y_OPENED, Y_FILLED, Y_VISITED, Y_COMPLETED, Y_MAC, Y_SERVED,
    Y_WEIGHTS, Y_BASE, Y_FREE, Y_LATEST, Y_MOVE_AFTER, Y_LEFT_AT,
    Y_FIFO_HEAD, Y_FIFO_FLITS, Y_WORD, Y_NEXT_SLOT,
    Y_QUEUE_HEAD, Y_QUEUED,
    Y_PSUM_HEAD, Y_PSUM_FLITS, Y_PSUM_TAKEN, Y_FLIT,
    Y_STARTED, Y_DONE, Y_RESTS, Y_RESTED_AT, Y_FILLED_AT, Y_DONE_AT, Y_WINDOW,
) = (*range(17), *range(18, 33), 34, 36)  # fmt: skip
"""What does not change in a pass: stream, strips of it in which the PE takes part, filters, tile of weights, windows.
Windows that are opened (its words may be written), filled (all were), visited, completed by the MACs, left by the MACs,
and left by their psums.
When weights are there; since when the MACs wait, when they are free, when they took the last visit of the window;
when the next psums may move; when the psums of the last even and odd window were moved (two).
FIFO of iacts: its oldest flit, and how many are in it or on the way; words taken; the slot for the next one.
Pipeline between address stage and MACs: its oldest visit, and how many are in it.
FIFO of psums: as that of iacts, and when the last flit was taken; flits of the window that were moved.
Windows that PEs in lock-step have started, that this one is done with, and whose psums are in the bank; when the last
one's were; when the last even and odd window were filled, and completed (two each).
Then, from `Y_WINDOW` on, the even and the odd one of the windows that are open."""

# --- one window that is open (of a place, from `window_of` on) -------------------------------------------------------
W_NEED, W_LOW, W_FLITS, W_OFFSET, W_STAYS, W_SLOT, W_VISIT, W_PASSED, WINDOW = range(9)
"""Words of the stream when it is complete, its oldest word, flits of the stream when it is complete; place in the row
of its first iact, and place in the window of the first one that stays for the next; SPad slot of its oldest word; the
next word to be visited, and the word behind the last one that was, apart from words on no tap."""
PLACE_STATE = Y_WINDOW + 2 * WINDOW

# --- one visit between address stage and MACs (last axis of `State.queue`) -------------------------------------------
V_SLOTS, V_ENTERED, V_WINDOW, V_WORD, V_PASSED, V_PUSHED, V_WRITTEN, V_VALUE, VISIT = range(9)

# --- one word of an SPad (last axis of `State.spad`) -----------------------------------------------------------------
E_PUSHED, E_WRITTEN, E_FREED, E_VALUE, ENTRY = range(5)
"""When it came to the FIFO, was written, was let go (NEVER: not yet); its value."""

# --- one flit in a FIFO of iacts (last axis of `State.fifo`) ---------------------------------------------------------
F_ARRIVES, F_FLIT, FIFO_ENTRY = range(3)
"""When it arrives; its number in the stream."""

# --- whose turn it is on a lane (last axis of `Turns.iacts` and `Turns.psums`) ---------------------------------------
T_N, T_J, T_Q, T_MEMBER, T_SERVES = range(5)
"""Image, strip and column of the window, the member of the lane whose turn it is, and the stream or chain that this is
(-1: all windows are over)."""
T_FLITS, T_FREE, T_TAKERS, T_LINKS, T_READS, IACT_TURN = range(5, 11)
"""Lane of iacts: flits of the stream at the end of the window; when it may send the next; PEs that take part in the
strip, links of their tree; flits sent."""
T_FLIT, T_LAST, T_WRITES, PSUM_TURN = range(5, 9)
"""Lane of psums: flits of the window that were moved; when the last one was; into the array: whether all flits of a
window were read and a burst of writes is to follow, after which `T_LAST` is when that has written its last flit."""
INTO, OUT_OF = range(2)
"""Ways of a psum lane (first axis of `Turns.psums`): into the array and out of it."""

# --- what a pass counts (array `seen`) -------------------------------------------------------------------------------
(
    N_IACT_SENT, N_IACT_DELIVERED, N_IACT_HOPS, N_SEGMENTS_SENT, N_SEGMENTS_DELIVERED, N_SEGMENTS_HOPS,
    N_VISITS, N_VISIT_MACS, N_EFFECTUAL, N_ISSUED, N_GATED, N_WEIGHT_READS,
    N_PSUM_READ, N_PSUM_OUT, N_PSUM_LOCAL, N_PSUM_HOPS, N_OVERFLOWS,
    COUNTED,
) = range(18)  # fmt: skip


class State(NamedTuple):
    """The state of all PEs while a pass is stepped, int64 arrays."""

    place: Any
    """[places, PLACE_STATE]"""
    spad: Any
    """[places, SPAD_WORDS, ENTRY]"""
    fifo: Any
    """[places, IACT_FIFO, FIFO_ENTRY]"""
    queue: Any
    """[places, FRONT, VISIT]"""
    acc: Any
    """[places, 2, M0]: psums of even and odd windows."""
    psum_time: Any
    """[places, PSUM_FIFO]: when a flit arrives."""
    psum_word: Any
    """[places, PSUM_FIFO, PSUM_FLIT]: its values."""


class Values(NamedTuple):
    """Operand values, of no size where they do not matter."""

    weights: Any
    """int32 [G, R, S, C, M], flat"""
    psums: Any
    """int64 [G, N, M, P, Q], flat: the sums that the GLB holds"""
    limit: Any
    """Magnitude that a psum may reach."""
    gates: Any
    """Whether a zero iact gates the MAC."""


class Turns(NamedTuple):
    """Whose turn it is on every lane, int64 arrays."""

    visited: Any
    """Order in which PEs, iact lanes and psum lanes are visited: their numbers, as many as the most of any kind."""
    active: Any
    """PEs that work in the pass, in that order."""
    lanes: Any
    """[2, as `visited`]: lanes of iacts and of psums, in that order."""
    stream_at: Any
    """[2, streams]: next window, flits sent."""
    iacts: Any
    """[lanes, IACT_TURN]"""
    psums: Any
    """[2, psum lanes, PSUM_TURN]: by way."""
    first: Any
    members: Any
    """Chains of each psum lane."""
    above: Any
    below: Any
    """By place: the next PE of its chain and the one before, -1 for none."""
    left: Any
    used: Any
    """By tile of weights, flits left; by weight lane, when it sent last."""


class StepRun(NamedTuple):
    """A pass while it is stepped."""

    e: Any
    d: Any
    """Integers of the layer and of the pass (`kernels.engine_arrays`)."""
    plan: Any
    program: Any
    values: Any
    state: Any
    turns: Any
    channel: Any
    """See `kernels.channel`."""
    rows_apart: Any
    """Output rows between the strips of a PE."""
    spent: Any
    """int64 [causes, places]: PE-cycles, added to."""
    finish: Any
    """int64 [places]: when each PE is done."""
    seen: Any
    """int64 [COUNTED]: what is counted on the way, added to."""
    out: Any
    """int64 [OUT]"""


class PE(NamedTuple):
    """One PE of them."""

    u: Any
    """Its place."""
    own: Any
    """[PLACE_STATE]: its row of `State.place`."""


@kernel(spliced=True)
def pe_at(run, u):
    """The PE at a place."""
    return PE(u, run.state.place[u])


@kernel(spliced=True)
def window_of(i):
    """Where the i-th window of a PE, which is open, is in the state of its place."""
    return Y_WINDOW + (i & 1) * WINDOW


@kernel(spliced=True)
def carries(run):
    """Whether values travel with the words."""
    return run.values.psums.size > 0


@kernel(spliced=True)
def wrapped(i, size):
    """Entry of a ring of so many, of a number below twice its size."""
    return i - size if i >= size else i


@kernel(helper=True, reference_counts=False)
def open_window(run, own, i):
    """Look up the i-th window of a PE, whose state is given: words may be written for it."""
    stream, s = run.plan.stream, own[Y_STREAM]
    w, before = window_of(i), window_of(i + 1)
    columns, channels = stream[at.S_Q, s], stream[at.S_C, s]
    of_image = own[Y_ROWS] * columns
    n = i // of_image
    in_image = i - n * of_image
    q = in_image % columns
    record = stream[at.S_WINDOWS, s] + n * stream[at.S_J, s] * columns + in_image
    low, step = run.program.low[record], new_columns(run.e, run.d[at.EXTENT])
    slot = 0
    if i > 0:
        gone = (low if q > 0 else own[before + W_NEED]) - own[before + W_LOW]
        slot = wrapped(own[before + W_SLOT] + gone, run.e[at.SPAD_WORDS])
    own[w + W_NEED] = run.program.need[record]
    own[w + W_LOW] = low
    own[w + W_FLITS] = run.program.last_flit[record]
    own[w + W_OFFSET] = q * step * channels
    own[w + W_STAYS] = (run.d[at.EXTENT] if q == columns - 1 else step) * channels
    own[w + W_SLOT] = slot
    own[w + W_VISIT] = low
    own[w + W_PASSED] = low
    own[Y_OPENED] = i + 1


@kernel(spliced=True)
def start_pe(run, u):
    """Set a PE that works to the start of the pass."""
    own, state, place = run.state.place[u], run.state, run.plan.place
    for k in range(PLACE_STATE):
        own[k] = 0
    own[Y_STREAM] = place[at.X_STREAM, u]
    own[Y_ROWS] = place[at.X_J, u]
    own[Y_M] = place[at.X_M, u]
    own[Y_TILE] = place[at.X_TILE, u]
    own[Y_WINDOWS] = place[at.X_N, u] * place[at.X_J, u] * place[at.X_Q, u]
    own[Y_STARTED] = 0 if run.e[at.LOCK_STEP] else own[Y_WINDOWS]
    own[Y_WEIGHTS] = at.NEVER if run.d[at.LOAD] and not run.d[at.BEFORE] else 0
    own[Y_LATEST] = own[Y_PSUM_TAKEN] = own[Y_DONE_AT] = own[Y_DONE_AT + 1] = -1
    for k in range(2):
        for m in range(place[at.X_M, u]):
            state.acc[u, k, m] = 0
    for k in range(run.e[at.SPAD_WORDS]):
        state.spad[u, k, E_FREED] = -1


@kernel(helper=True, reference_counts=False)
def start_places(run):
    """Set every place to the start of the pass; returns how many work."""
    working = 0
    for u in run.turns.visited:
        if u >= run.plan.place.shape[1]:
            continue
        run.finish[u] = 0
        if run.plan.place[at.X_ACTIVE, u]:
            start_pe(run, u)
            for i in range(min(2, run.state.place[u, Y_WINDOWS])):
                open_window(run, run.state.place[u], i)
            run.turns.active[working] = u
            working += 1
    return working
