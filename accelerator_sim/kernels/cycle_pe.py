"""The stages of one PE, as they act in one cycle (docs/engines.md).

Each stage is a function of the state of the PE and of the times that its neighbours wrote down in earlier cycles.  The
stages act from the last to the first, so that each sees what the one before it did in earlier cycles.
"""

from __future__ import annotations

from accelerator_sim.kernels import cycle_state as cs
from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.waiting import Arrival, waits_of


@kernel(spliced=True)
def slot_of(run, u, mine, k):
    """Slot of the SPad that holds word k of the stream, a word of an open window."""
    window = run.state.window
    return cs.wrapped(window[u, mine, cs.W_SLOT] + k - window[u, mine, cs.W_LOW], run.e[at.SPAD_WORDS])


@kernel(spliced=True)
def place_of(run, u, mine, k):
    """Place in an open window (column x channels + channel) of word k of the stream."""
    first = run.plan.stream[at.S_WORDS, run.state.place[u, cs.Y_STREAM]]
    return run.program.pos[first + k] - run.state.window[u, mine, cs.W_OFFSET]


@kernel(spliced=True)
def let_go(run, u, mine, span, time):
    """Let go of those words of a window, from the first of a span to before the second, that no later window has."""
    stays = run.state.window[u, mine, cs.W_STAYS]
    for k in range(span[0], span[1]):
        if place_of(run, u, mine, k) < stays:
            run.state.spad[u, slot_of(run, u, mine, k), cs.E_FREED] = time


@kernel(spliced=True)
def go_on(run, u):
    """The MACs go on to the next window, so that words may be written for the one behind it."""
    own = run.state.place
    own[u, cs.Y_MAC] += 1
    if own[u, cs.Y_OPENED] < own[u, cs.Y_WINDOWS]:
        cs.open_window(run, u, own[u, cs.Y_OPENED])


@kernel(spliced=True)
def leave_window(run, u, now):
    """The psums of a window have been moved before `now`; returns whether the PE is done."""
    own = run.state.place
    m = own[u, cs.Y_M]
    if own[u, cs.Y_FLIT] * run.e[at.PSUM_FLIT] < m or own[u, cs.Y_MOVE_AFTER] > now:
        return False
    mine = own[u, cs.Y_SERVED] & 1
    own[u, cs.Y_FLIT] = 0
    own[u, cs.Y_LEFT_AT + mine] = now
    own[u, cs.Y_SERVED] += 1
    if cs.carries(run):
        for k in range(m):
            run.state.acc[u, mine, k] = 0
    if not run.e[at.OVERLAP]:
        go_on(run, u)
        own[u, cs.Y_BASE] = now
        own[u, cs.Y_FREE] = now
    if own[u, cs.Y_SERVED] < own[u, cs.Y_WINDOWS]:
        return False
    run.finish[u] = now
    run.spent[at.MOVING, u] += now - own[u, cs.Y_BASE]
    return True


@kernel(spliced=True)
def skip_gaps(run, u, mine, stop):
    """Pass over words of a window that are on no tap, before `stop`; returns the next word to be visited."""
    window, cost, w = run.state.window, run.program.cost, run.state.place[u, cs.Y_TILE]
    k = window[u, mine, cs.W_VISIT]
    if run.e[at.COL_DILATION] > 1:
        while k < stop and cost[w, place_of(run, u, mine, k)] == at.GAP:
            k += 1
        window[u, mine, cs.W_VISIT] = k
    return k


@kernel(spliced=True)
def next_window(run, u, now):
    """The address stage goes on when all that its window needs was written and visited."""
    own, window = run.state.place, run.state.window
    while own[u, cs.Y_FILLED] > own[u, cs.Y_VISITED] and now >= own[u, cs.Y_WEIGHTS]:
        mine = own[u, cs.Y_VISITED] & 1
        need = window[u, mine, cs.W_NEED]
        if skip_gaps(run, u, mine, need) < need:
            return
        own[u, cs.Y_VISITED] += 1


@kernel(spliced=True)
def since(run, u):
    """From when the MACs have been waiting, after the psums of the window two before, if they had to wait for those."""
    own = run.state.place
    before, left = own[u, cs.Y_BASE], own[u, cs.Y_LEFT_AT + (own[u, cs.Y_MAC] & 1)]
    if before < left:
        run.spent[at.PSUM_BLOCKED, u] += left - before
        before = left
    return before


@kernel(spliced=True)
def complete_window(run, u, now):
    """The window that the MACs work on is complete."""
    own, queue = run.state.place, run.state.queue
    mac = own[u, cs.Y_MAC]
    if own[u, cs.Y_VISITED] <= mac or own[u, cs.Y_COMPLETED] > mac or own[u, cs.Y_SERVED] < mac - 1:
        return
    if own[u, cs.Y_QUEUED] > 0 and queue[u, own[u, cs.Y_QUEUE_HEAD], cs.V_WINDOW] == mac:
        return
    latest = own[u, cs.Y_LATEST]
    if own[u, cs.Y_FREE] > now or (latest >= 0 and latest + run.e[at.TAIL] > now):
        return
    before = since(run, u)
    if latest >= 0:
        flushed = max(before, latest + run.e[at.TAIL])
        run.spent[at.PIPELINE, u] += flushed - before
        before = flushed
    run.spent[at.NO_IACT, u] += now - before
    own[u, cs.Y_BASE] = now
    own[u, cs.Y_FREE] = now
    own[u, cs.Y_LATEST] = -1
    own[u, cs.Y_COMPLETED] += 1
    window, mine = run.state.window, mac & 1
    let_go(run, u, mine, (window[u, mine, cs.W_PASSED], window[u, mine, cs.W_NEED]), now)
    if run.e[at.OVERLAP]:
        go_on(run, u)


@kernel(spliced=True)
def multiply(run, u, place_of_iact, value, slots):
    """Multiply an iact with the weights of its column and add to the psums of the window."""
    e, d, tile, values, seen = run.e, run.d, run.plan.tile, run.values, run.seen
    own, acc = run.state.place, run.state.acc
    w, m, mine = own[u, cs.Y_TILE], own[u, cs.Y_M], own[u, cs.Y_MAC] & 1
    c = run.plan.stream[at.S_C, own[u, cs.Y_STREAM]]
    tap = place_of_iact // c // e[at.COL_DILATION]
    row = ((d[at.G] + tile[at.W_G0, w]) * e[at.ROW_TAPS] + d[at.R] + tile[at.W_R0, w]) * e[at.TAPS] + tap
    first = (row * e[at.CHANNELS] + d[at.C] + tile[at.W_C0, w] + place_of_iact % c) * e[at.FILTERS]
    first += d[at.M] + tile[at.W_M0, w]
    issued = 0
    for k in range(m):
        weight = values.weights[first + k]
        issued += weight != 0
        acc[u, mine, k] += value * weight
        if acc[u, mine, k] >= values.limit or acc[u, mine, k] < -values.limit:
            seen[cs.N_OVERFLOWS] += 1
    if value != 0:
        seen[cs.N_EFFECTUAL] += issued
    if not e[at.CSC_WEIGHT]:
        issued = m
    seen[cs.N_ISSUED] += issued
    if values.gates and value == 0:
        seen[cs.N_GATED] += issued
    else:
        seen[cs.N_WEIGHT_READS] += issued if e[at.SIMD] == 1 else slots


@kernel(spliced=True)
def note_waits(run, u, now, head):
    """Note what the MACs waited for before they take the visit at the head of the pipeline."""
    own, queue, spent = run.state.place, run.state.queue, run.spent
    before = since(run, u)
    if before < now:
        pushed, written = queue[u, head, cs.V_PUSHED], queue[u, head, cs.V_WRITTEN]
        waits = waits_of(before, now, Arrival(own[u, cs.Y_WEIGHTS], pushed + 1, written + 1))
        spent[at.NO_WEIGHT, u] += waits.weights - before
        spent[at.NO_IACT, u] += waits.seen - waits.weights
        spent[at.SPAD_FILL, u] += waits.written - waits.seen
        spent[at.PIPELINE, u] += now - waits.written


@kernel(spliced=True)
def issue_visit(run, u, now):
    """The MACs take the visit at the head of the pipeline."""
    own, queue = run.state.place, run.state.queue
    if own[u, cs.Y_QUEUED] == 0 or own[u, cs.Y_FREE] > now:
        return
    mac, head = own[u, cs.Y_MAC], own[u, cs.Y_QUEUE_HEAD]
    if queue[u, head, cs.V_WINDOW] != mac or queue[u, head, cs.V_ENTERED] + run.e[at.FRONT] > now:
        return
    if own[u, cs.Y_COMPLETED] > mac or own[u, cs.Y_SERVED] < mac - 1:
        return
    note_waits(run, u, now, head)
    slots, k = queue[u, head, cs.V_SLOTS], queue[u, head, cs.V_WORD]
    run.spent[at.BUSY, u] += slots
    own[u, cs.Y_LATEST] = now
    own[u, cs.Y_FREE] = now + slots
    own[u, cs.Y_BASE] = now + slots
    own[u, cs.Y_QUEUED] -= 1
    own[u, cs.Y_QUEUE_HEAD] = cs.wrapped(head + 1, run.e[at.FRONT])
    let_go(run, u, mac & 1, (queue[u, head, cs.V_PASSED], k + 1), now)
    if cs.carries(run):
        multiply(run, u, place_of(run, u, mac & 1, k), queue[u, head, cs.V_VALUE], slots)


@kernel(spliced=True)
def enter_visit(run, u, now, k, slots):
    """A visit enters the pipeline; one that meets an empty column is dropped."""
    own, queue, window, visited = run.state.place, run.state.queue, run.state.window, run.state.place[u, cs.Y_VISITED]
    mine = visited & 1
    passed, slot = window[u, mine, cs.W_PASSED], slot_of(run, u, mine, k)
    if slots > 0:
        end = cs.wrapped(own[u, cs.Y_QUEUE_HEAD] + own[u, cs.Y_QUEUED], run.e[at.FRONT])
        queue[u, end, cs.V_SLOTS] = slots
        queue[u, end, cs.V_ENTERED] = now
        queue[u, end, cs.V_WINDOW] = visited
        queue[u, end, cs.V_WORD] = k
        queue[u, end, cs.V_PASSED] = passed
        queue[u, end, cs.V_PUSHED] = run.state.spad[u, slot, cs.E_PUSHED]
        queue[u, end, cs.V_WRITTEN] = run.state.spad[u, slot, cs.E_WRITTEN]
        queue[u, end, cs.V_VALUE] = run.state.spad[u, slot, cs.E_VALUE]
        own[u, cs.Y_QUEUED] += 1
    else:
        let_go(run, u, mine, (passed, k + 1), now)
    window[u, mine, cs.W_PASSED] = k + 1


@kernel(spliced=True)
def visit_iact(run, u, now):
    """The address stage visits the next iact of its window."""
    own, window = run.state.place, run.state.window
    if own[u, cs.Y_QUEUED] >= run.e[at.FRONT] or own[u, cs.Y_VISITED] >= own[u, cs.Y_OPENED]:
        return
    mine = own[u, cs.Y_VISITED] & 1
    stop = min(window[u, mine, cs.W_NEED], own[u, cs.Y_WORD])
    if window[u, mine, cs.W_VISIT] >= stop or now < own[u, cs.Y_WEIGHTS]:
        return
    k = skip_gaps(run, u, mine, stop)
    if k < stop:
        window[u, mine, cs.W_VISIT] = k + 1
        run.seen[cs.N_VISITS] += 1
        run.seen[cs.N_VISIT_MACS] += own[u, cs.Y_M]
        enter_visit(run, u, now, k, run.program.cost[own[u, cs.Y_TILE], place_of(run, u, mine, k)])


@kernel(spliced=True)
def write_words(run, u, now, stop):
    """Write words of the flit at the head of the FIFO, before `stop`, while the SPad has room; returns the next one."""
    own, spad = run.state.place, run.state.spad
    pushed = run.state.fifo[u, own[u, cs.Y_FIFO_HEAD], cs.F_ARRIVES]
    k, slot = own[u, cs.Y_WORD], own[u, cs.Y_NEXT_SLOT]
    while k < stop and spad[u, slot, cs.E_FREED] < now:
        spad[u, slot, cs.E_WRITTEN] = now
        spad[u, slot, cs.E_PUSHED] = pushed
        spad[u, slot, cs.E_FREED] = cs.NEVER
        if cs.carries(run):
            spad[u, slot, cs.E_VALUE] = run.program.val[run.plan.stream[at.S_WORDS, own[u, cs.Y_STREAM]] + k]
        slot = cs.wrapped(slot + 1, run.e[at.SPAD_WORDS])
        k += 1
    own[u, cs.Y_WORD] = k
    own[u, cs.Y_NEXT_SLOT] = slot
    return k


@kernel(spliced=True)
def fill_windows(run, u, words, flits):
    """Note which windows have all that they need, when so many words and flits of the stream were taken."""
    own, window = run.state.place, run.state.window
    while own[u, cs.Y_FILLED] < own[u, cs.Y_OPENED]:
        mine = own[u, cs.Y_FILLED] & 1
        if words < window[u, mine, cs.W_NEED] or (run.e[at.CSC_IACT] and flits < window[u, mine, cs.W_FLITS]):
            return
        own[u, cs.Y_FILLED] += 1


@kernel(spliced=True)
def write_spad(run, u, now):
    """Words of the flit at the head of the FIFO are written into the SPad, as many as there is room for."""
    own, flit_end = run.state.place, run.program.flit_end
    head = own[u, cs.Y_FIFO_HEAD]
    if own[u, cs.Y_FIFO_FLITS] == 0 or run.state.fifo[u, head, cs.F_ARRIVES] >= now:
        return
    flit, last = run.state.fifo[u, head, cs.F_FLIT], (own[u, cs.Y_OPENED] - 1) & 1
    f = run.plan.stream[at.S_FLITS, own[u, cs.Y_STREAM]] + flit
    # Words of strips in which this PE takes no part are passed over.
    k = own[u, cs.Y_WORD] = max(own[u, cs.Y_WORD], flit_end[f - 1] if flit > 0 else 0)
    end = flit_end[f]
    stop = min(end, run.state.window[u, last, cs.W_NEED])
    if k == stop and stop < end:
        return
    k = write_words(run, u, now, stop)
    if k == end and flit < run.state.window[u, last, cs.W_FLITS]:
        own[u, cs.Y_FIFO_HEAD] = cs.wrapped(head + 1, run.e[at.IACT_FIFO])
        own[u, cs.Y_FIFO_FLITS] -= 1
        flit += 1
    fill_windows(run, u, k, flit)


@kernel(spliced=True)
def mark_fifo(run, u, now):
    """Note the most flits in the FIFO of iacts at the end of a cycle."""
    own, out = run.state.place, run.out
    if own[u, cs.Y_FIFO_FLITS] > out[at.OUT_IACT_FIFO]:
        here = 0
        for i in range(own[u, cs.Y_FIFO_FLITS]):
            entry = cs.wrapped(own[u, cs.Y_FIFO_HEAD] + i, run.e[at.IACT_FIFO])
            here += run.state.fifo[u, entry, cs.F_ARRIVES] <= now
        out[at.OUT_IACT_FIFO] = max(out[at.OUT_IACT_FIFO], here)
