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
def slot_of(run, me, w, k):
    """Slot of the SPad that holds word k of the stream, a word of an open window."""
    own = me.own
    return cs.wrapped(own[w + cs.W_SLOT] + k - own[w + cs.W_LOW], run.e[at.SPAD_WORDS])


@kernel(spliced=True)
def place_of(run, me, w, k):
    """Place in an open window (column x channels + channel) of word k of the stream."""
    first = run.plan.stream[at.S_WORDS, me.own[cs.Y_STREAM]]
    return run.program.pos[first + k] - me.own[w + cs.W_OFFSET]


@kernel(spliced=True)
def let_go(run, me, w, span, time):
    """Let go of those words of a window, from the first of a span to before the second, that no later window has."""
    stays = me.own[w + cs.W_STAYS]
    for k in range(span[0], span[1]):
        if place_of(run, me, w, k) < stays:
            run.state.spad[me.u, slot_of(run, me, w, k), cs.E_FREED] = time


@kernel(spliced=True)
def go_on(run, me):
    """The MACs go on to the next window, so that words may be written for the one behind it."""
    own = me.own
    own[cs.Y_MAC] += 1
    if own[cs.Y_OPENED] < own[cs.Y_WINDOWS]:
        cs.open_window(run, me.own, own[cs.Y_OPENED])


@kernel(spliced=True)
def leave_window(run, me, now):
    """The psums of a window have been moved before `now`; returns whether the PE is done."""
    own = me.own
    m = own[cs.Y_M]
    if own[cs.Y_FLIT] * run.e[at.PSUM_FLIT] < m or own[cs.Y_MOVE_AFTER] > now:
        return False
    mine = own[cs.Y_SERVED] & 1
    own[cs.Y_FLIT] = 0
    own[cs.Y_LEFT_AT + mine] = now
    own[cs.Y_SERVED] += 1
    if cs.carries(run):
        for k in range(m):
            run.state.acc[me.u, mine, k] = 0
    if not run.e[at.OVERLAP]:
        go_on(run, me)
        own[cs.Y_BASE] = now
        own[cs.Y_FREE] = now
    if own[cs.Y_SERVED] < own[cs.Y_WINDOWS]:
        return False
    run.finish[me.u] = now
    run.spent[at.MOVING, me.u] += now - own[cs.Y_BASE]
    return True


@kernel(spliced=True)
def skip_gaps(run, me, w, stop):
    """Pass over words of a window that are on no tap, before `stop`; returns the next word to be visited."""
    own, cost, tile = me.own, run.program.cost, me.own[cs.Y_TILE]
    k = own[w + cs.W_VISIT]
    if run.e[at.COL_DILATION] > 1:
        while k < stop and cost[tile, place_of(run, me, w, k)] == at.GAP:
            k += 1
        own[w + cs.W_VISIT] = k
    return k


@kernel(spliced=True)
def next_window(run, me, now):
    """The address stage goes on when all that its window needs was written and visited."""
    own = me.own
    while own[cs.Y_FILLED] > own[cs.Y_VISITED] and now >= own[cs.Y_WEIGHTS]:
        w = cs.window_of(own[cs.Y_VISITED])
        need = own[w + cs.W_NEED]
        if skip_gaps(run, me, w, need) < need:
            return
        own[cs.Y_VISITED] += 1


@kernel(spliced=True)
def since(run, me):
    """From when the MACs have been waiting, after the psums of the window two before, if they had to wait for those."""
    own = me.own
    before, left = own[cs.Y_BASE], own[cs.Y_LEFT_AT + (own[cs.Y_MAC] & 1)]
    if before < left:
        run.spent[at.PSUM_BLOCKED, me.u] += left - before
        before = left
    return before


@kernel(spliced=True)
def complete_window(run, me, now):
    """The window that the MACs work on is complete: with the PEs in lock-step."""
    own = me.own
    run.spent[at.IMBALANCE, me.u] += now - own[cs.Y_BASE]
    own[cs.Y_BASE] = own[cs.Y_FREE] = now
    own[cs.Y_DONE_AT + (own[cs.Y_COMPLETED] & 1)] = now
    own[cs.Y_COMPLETED] += 1
    if run.e[at.OVERLAP]:
        go_on(run, me)


@kernel(spliced=True)
def be_done(run, me, now):
    """The PE, whose MACs can work, is done with the window that they work on, if that is so."""
    own, queue = me.own, run.state.queue
    mac = own[cs.Y_MAC]
    if own[cs.Y_VISITED] <= mac or own[cs.Y_DONE] > mac or own[cs.Y_STARTED] <= mac:
        return
    if own[cs.Y_QUEUED] > 0 and queue[me.u, own[cs.Y_QUEUE_HEAD], cs.V_WINDOW] == mac:
        return
    latest = own[cs.Y_LATEST]
    if latest >= 0 and latest + run.e[at.TAIL] > now:
        return
    before = since(run, me)
    if latest >= 0:
        flushed = max(before, latest + run.e[at.TAIL])
        run.spent[at.PIPELINE, me.u] += flushed - before
        before = flushed
    run.spent[at.NO_IACT, me.u] += now - before
    own[cs.Y_BASE] = now
    own[cs.Y_FREE] = now
    own[cs.Y_LATEST] = -1
    own[cs.Y_DONE] += 1
    w = cs.window_of(mac)
    let_go(run, me, w, (own[w + cs.W_PASSED], own[w + cs.W_NEED]), now)
    if not run.e[at.LOCK_STEP]:
        complete_window(run, me, now)


@kernel(helper=True, reference_counts=False)
def multiply(run, me, place_of_iact, value, slots):
    """Multiply an iact with the weights of its column and add to the psums of the window."""
    e, d, tile, values, seen = run.e, run.d, run.plan.tile, run.values, run.seen
    own, acc = me.own, run.state.acc
    w, m, mine = own[cs.Y_TILE], own[cs.Y_M], own[cs.Y_MAC] & 1
    c = run.plan.stream[at.S_C, own[cs.Y_STREAM]]
    tap = place_of_iact // c // e[at.COL_DILATION]
    row = (d[at.G] + tile[at.W_G0, w]) * e[at.ROW_TAPS] + d[at.R] + tile[at.W_R0, w]
    first = ((row * e[at.TAPS] + d[at.S] + tap) * e[at.CHANNELS] + d[at.C] + tile[at.W_C0, w] + place_of_iact % c) * e[
        at.FILTERS
    ]
    first += d[at.M] + tile[at.W_M0, w]
    issued = 0
    for k in range(m):
        weight = values.weights[first + k]
        issued += weight != 0
        acc[me.u, mine, k] += value * weight
        if acc[me.u, mine, k] >= values.limit or acc[me.u, mine, k] < -values.limit:
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
def note_waits(run, me, now, head):
    """Note what the MACs waited for before they take the visit at the head of the pipeline."""
    own, queue, spent = me.own, run.state.queue, run.spent
    before = since(run, me)
    if before < now:
        pushed, written = queue[me.u, head, cs.V_PUSHED], queue[me.u, head, cs.V_WRITTEN]
        waits = waits_of(before, now, Arrival(own[cs.Y_WEIGHTS], pushed + 1, written + 1))
        spent[at.NO_WEIGHT, me.u] += waits.weights - before
        spent[at.NO_IACT, me.u] += waits.seen - waits.weights
        spent[at.SPAD_FILL, me.u] += waits.written - waits.seen
        spent[at.PIPELINE, me.u] += now - waits.written


@kernel(spliced=True)
def issue_visit(run, me, now):
    """The MACs take the visit at the head of the pipeline."""
    own, queue = me.own, run.state.queue
    if own[cs.Y_QUEUED] == 0:
        return
    mac, head = own[cs.Y_MAC], own[cs.Y_QUEUE_HEAD]
    if queue[me.u, head, cs.V_WINDOW] != mac or queue[me.u, head, cs.V_ENTERED] + run.e[at.FRONT] > now:
        return
    note_waits(run, me, now, head)
    slots, k = queue[me.u, head, cs.V_SLOTS], queue[me.u, head, cs.V_WORD]
    held = max(slots, run.e[at.HOLD])
    run.spent[at.BUSY, me.u] += slots
    run.spent[at.PIPELINE, me.u] += held - slots
    own[cs.Y_LATEST] = now
    own[cs.Y_FREE] = now + held
    own[cs.Y_BASE] = now + held
    own[cs.Y_QUEUED] -= 1
    own[cs.Y_QUEUE_HEAD] = cs.wrapped(head + 1, run.e[at.FRONT])
    w = cs.window_of(mac)
    let_go(run, me, w, (queue[me.u, head, cs.V_PASSED], k + 1), now)
    if cs.carries(run):
        multiply(run, me, place_of(run, me, w, k), queue[me.u, head, cs.V_VALUE], slots)


@kernel(spliced=True)
def can_work(run, me, now):
    """Whether the MACs are free, and the psums of the window before the last one were moved."""
    own, mac = me.own, me.own[cs.Y_MAC]
    return own[cs.Y_FREE] <= now and own[cs.Y_COMPLETED] == mac and own[cs.Y_SERVED] >= mac - 1


@kernel(spliced=True)
def work(run, me, now):
    """The MACs complete a window, or take a visit, or both."""
    if can_work(run, me, now):
        be_done(run, me, now)
        if can_work(run, me, now):
            issue_visit(run, me, now)


@kernel(spliced=True)
def enter_visit(run, me, now, k, slots):
    """A visit enters the pipeline; one that meets an empty column is dropped, unless any iact takes cycles."""
    own, queue, visited = me.own, run.state.queue, me.own[cs.Y_VISITED]
    w = cs.window_of(visited)
    passed, slot = own[w + cs.W_PASSED], slot_of(run, me, w, k)
    if max(slots, run.e[at.HOLD]) > 0:
        end = cs.wrapped(own[cs.Y_QUEUE_HEAD] + own[cs.Y_QUEUED], run.e[at.FRONT])
        queue[me.u, end, cs.V_SLOTS] = slots
        queue[me.u, end, cs.V_ENTERED] = now
        queue[me.u, end, cs.V_WINDOW] = visited
        queue[me.u, end, cs.V_WORD] = k
        queue[me.u, end, cs.V_PASSED] = passed
        queue[me.u, end, cs.V_PUSHED] = run.state.spad[me.u, slot, cs.E_PUSHED]
        queue[me.u, end, cs.V_WRITTEN] = run.state.spad[me.u, slot, cs.E_WRITTEN]
        queue[me.u, end, cs.V_VALUE] = run.state.spad[me.u, slot, cs.E_VALUE]
        own[cs.Y_QUEUED] += 1
    else:
        let_go(run, me, w, (passed, k + 1), now)
    own[w + cs.W_PASSED] = k + 1


@kernel(spliced=True)
def visit_iact(run, me, now):
    """The address stage visits the next iact of its window."""
    own = me.own
    if own[cs.Y_QUEUED] >= run.e[at.FRONT] or own[cs.Y_VISITED] >= own[cs.Y_OPENED]:
        return
    if run.e[at.LOCK_STEP] and own[cs.Y_VISITED] >= own[cs.Y_STARTED]:
        return
    w = cs.window_of(own[cs.Y_VISITED])
    stop = min(own[w + cs.W_NEED], own[cs.Y_WORD])
    if own[w + cs.W_VISIT] >= stop or now < own[cs.Y_WEIGHTS]:
        return
    k = skip_gaps(run, me, w, stop)
    if k < stop:
        own[w + cs.W_VISIT] = k + 1
        run.seen[cs.N_VISITS] += 1
        run.seen[cs.N_VISIT_MACS] += own[cs.Y_M]
        enter_visit(run, me, now, k, run.program.cost[own[cs.Y_TILE], place_of(run, me, w, k)])


@kernel(spliced=True)
def write_words(run, me, now, stop):
    """Write words of the flit at the head of the FIFO, before `stop`, while the SPad has room; returns the next one."""
    own, spad = me.own, run.state.spad
    pushed = run.state.fifo[me.u, own[cs.Y_FIFO_HEAD], cs.F_ARRIVES]
    k, slot = own[cs.Y_WORD], own[cs.Y_NEXT_SLOT]
    while k < stop and spad[me.u, slot, cs.E_FREED] < now:
        spad[me.u, slot, cs.E_WRITTEN] = now
        spad[me.u, slot, cs.E_PUSHED] = pushed
        spad[me.u, slot, cs.E_FREED] = at.NEVER
        if cs.carries(run):
            spad[me.u, slot, cs.E_VALUE] = run.program.val[run.plan.stream[at.S_WORDS, own[cs.Y_STREAM]] + k]
        slot = cs.wrapped(slot + 1, run.e[at.SPAD_WORDS])
        k += 1
    own[cs.Y_WORD] = k
    own[cs.Y_NEXT_SLOT] = slot
    return k


@kernel(spliced=True)
def fill_windows(run, me, now, words, flits):
    """Note which windows have all that they need, when so many words and flits of the stream were taken."""
    own = me.own
    while own[cs.Y_FILLED] < own[cs.Y_OPENED]:
        w = cs.window_of(own[cs.Y_FILLED])
        if words < own[w + cs.W_NEED] or (run.e[at.CSC_IACT] and flits < own[w + cs.W_FLITS]):
            return
        own[cs.Y_FILLED_AT + (own[cs.Y_FILLED] & 1)] = now
        own[cs.Y_FILLED] += 1


@kernel(spliced=True)
def last_to_write(run, me):
    """The last window that words may be written for: with a single buffer, the one that is not complete."""
    own = me.own
    return min(own[cs.Y_OPENED] - 1, own[cs.Y_COMPLETED]) if run.e[at.SINGLE_BUFFER] else own[cs.Y_OPENED] - 1


@kernel(spliced=True)
def write_spad(run, me, now):
    """Words of the flit at the head of the FIFO are written into the SPad, as many as there is room for."""
    own, flit_end = me.own, run.program.flit_end
    head = own[cs.Y_FIFO_HEAD]
    if own[cs.Y_FIFO_FLITS] == 0 or run.state.fifo[me.u, head, cs.F_ARRIVES] >= now:
        return
    if run.e[at.SINGLE_BUFFER] and own[cs.Y_COMPLETED] > 0 and own[cs.Y_DONE_AT + (own[cs.Y_COMPLETED] - 1 & 1)] == now:
        return  # the next window's words come a cycle later
    flit, last = run.state.fifo[me.u, head, cs.F_FLIT], cs.window_of(last_to_write(run, me))
    f = run.plan.stream[at.S_FLITS, own[cs.Y_STREAM]] + flit
    # Words of strips in which this PE takes no part are passed over.
    k = own[cs.Y_WORD] = max(own[cs.Y_WORD], flit_end[f - 1] if flit > 0 else 0)
    end = flit_end[f]
    stop = min(end, own[last + cs.W_NEED])
    if k == stop and stop < end:
        return
    k = write_words(run, me, now, stop)
    if k == end and flit < own[last + cs.W_FLITS]:
        own[cs.Y_FIFO_HEAD] = cs.wrapped(head + 1, run.e[at.IACT_FIFO])
        own[cs.Y_FIFO_FLITS] -= 1
        flit += 1
    fill_windows(run, me, now, k, flit)


@kernel(spliced=True)
def mark_fifo(run, me, now):
    """Note the most flits in the FIFO of iacts at the end of a cycle."""
    own, out = me.own, run.out
    if own[cs.Y_FIFO_FLITS] > out[at.OUT_IACT_FIFO]:
        here = 0
        for i in range(own[cs.Y_FIFO_FLITS]):
            entry = cs.wrapped(own[cs.Y_FIFO_HEAD] + i, run.e[at.IACT_FIFO])
            here += run.state.fifo[me.u, entry, cs.F_ARRIVES] <= now
        out[at.OUT_IACT_FIFO] = max(out[at.OUT_IACT_FIFO], here)
