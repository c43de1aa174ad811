"""Leaps over windows that repeat: where the state of a part recurs, so does what follows, and is not run again.

The windows of a pass come in three levels: columns of a row, rows of an image, images.  At a position of a level, the
state of a part (`kernels.parts`) is what its future depends on: times, each against a floor below which it no longer
matters, and whole numbers such as the words in an SPad.  If it is that of an earlier position of the level with all
times later by the same shift, and the windows that follow carry what those since then have carried, then each further
period takes the same cycles and spends them alike: max-plus recurrences commute with a shift.  As many periods as
carry the same are added at once.

An earlier state is kept until the state recurs or twice as many positions have passed (Brent's search for a cycle), so
that every period is found.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel

IMAGES, ROWS, COLUMNS, LEVELS = range(4)
NOW = LEVELS
"""Row of the state that is compared with those that are kept, one per level."""
EVER = -(1 << 62)
"""Floor of times that matter however early they are."""
FEW = 3
"""Positions that are run without a thought of leaping over some of them."""
COST = 2
"""States that take as long to write down and to compare as a window takes to run, about (assumed)."""
LEAST_GAIN, MOST_GAIN = -40, 400
"""Positions lost after which a recurrence is looked for rarely, and gained beyond which no more are counted."""
RARELY = 16
"""Rows of which one is then looked at."""
MOST_GAP = 64
"""Positions after which a kept state is replaced; recurrences of more than 3 positions were not seen."""


class WindowAt(NamedTuple):
    """A window: numbers of its image, its row and its column in a pass, int64."""

    n: Any
    j: Any
    q: Any


class Book(NamedTuple):
    """States that were written down, int64 arrays (of no size: nothing is leaped over)."""

    times: Any
    """[LEVELS + 1, times]"""
    same: Any
    """[LEVELS + 1, numbers], first of all how many times there are"""
    sums: Any
    """[LEVELS, numbers]: what adds up, as it was when the state was kept."""
    kept: Any
    """[LEVELS]: position at which the state was kept, -1 for none."""
    gap: Any
    """[LEVELS]: positions after which it is replaced."""
    gain: Any
    """[LEVELS]: positions that were leaped over, less what the states that were written down have cost."""
    begun: Any
    """[LEVELS]: how often the positions of a level were begun."""


class Walk(NamedTuple):
    """What is done on a walk over a state."""

    book: Any
    loads: Any
    """Whether times are set to those that were written down, bool; else they are written down."""
    shift: Any
    """How much later, int64."""


class StateCursor(NamedTuple):
    """Where the next time and the next number of a state go in the book, int64."""

    times: Any
    same: Any


class Ring(NamedTuple):
    """Entries of a ring before a pointer, the latest of them first."""

    entries: Any
    """int64 [all rings of a kind]"""
    base: Any
    size: Any
    """Its first entry, and how many there are."""
    pointer: Any
    most: Any
    """Entries that may matter."""


@kernel(spliced=True)
def note_time(walk, i, x, floor):
    """Write a time down, or at least its floor; to load: the time that was written down, so much later."""
    if walk.loads:
        return walk.book.times[NOW, i] + walk.shift
    x = max(x, floor)
    walk.book.times[NOW, i] = x
    return x


@kernel(spliced=True)
def walk_ring(walk, cursor, ring, floor):
    """Walk the entries of a ring; those at or below the floor no longer matter, nor do those before them."""
    i, same, count, slot = cursor.times, walk.book.same, 0, ring.pointer
    live = same[NOW, cursor.same] if walk.loads else ring.most
    while count < live:
        slot = slot - 1 if slot > 0 else ring.size - 1
        at_slot = ring.base + slot
        if not walk.loads and ring.entries[at_slot] <= floor:
            break
        ring.entries[at_slot] = note_time(walk, i, ring.entries[at_slot], floor)
        i += 1
        count += 1
    same[NOW, cursor.same] = count
    return StateCursor(i, cursor.same + 1)


@kernel(spliced=True)
def walk_times(run, u, partial, walk, cursor):
    """Walk the times of a PE; partial: whether a flit in its FIFO has been taken in part."""
    t, i = run.room.t, cursor.times
    for row in (at.T_FREE, at.T_LEFT, at.T_LEFT_BEFORE, at.T_FILLED):
        t[row, u] = note_time(walk, i, t[row, u], EVER)
        i += 1
    t[at.T_ADDRESS, u] = note_time(walk, i, t[at.T_ADDRESS, u], t[at.T_LEFT_BEFORE, u] - 1)
    t[at.T_WEIGHTS, u] = note_time(walk, i + 1, t[at.T_WEIGHTS, u], t[at.T_FREE, u])
    i += 2
    if run.e[at.OVERLAP]:
        t[at.T_SERVED, u] = note_time(walk, i, t[at.T_SERVED, u], EVER)
        t[at.T_SERVED_BEFORE, u] = note_time(walk, i + 1, t[at.T_SERVED_BEFORE, u], EVER)
        i += 2
    if partial:
        t[at.T_PUSHED, u] = note_time(walk, i, t[at.T_PUSHED, u], EVER)
        i += 1
    return StateCursor(i, cursor.same)


@kernel(helper=True, reference_counts=False)
def walk_place(run, u, sent, partial, walk, cursor):
    """Walk the state of a PE; sent: when its lane may send again at the earliest."""
    e, room, t = run.e, run.room, run.room.t
    words, depth, front = e[at.SPAD_WORDS], e[at.IACT_FIFO], e[at.FRONT]
    cursor = walk_times(run, u, partial, walk, cursor)
    live = t[at.T_NEXT_SLOT, u] - t[at.T_OLDEST, u]
    live = live + words if live < 0 else live
    walk.book.same[NOW, cursor.same] = live
    cursor = StateCursor(cursor.times, cursor.same + 1)
    # Room that was let go before the last word was written, and words that came before the MACs ask for them, are over.
    free, address, base, newest = t[at.T_FREE, u], t[at.T_ADDRESS, u], u * words, t[at.T_NEXT_SLOT, u]
    let_go = Ring(room.freed, base, words, t[at.T_OLDEST, u], words - live)
    cursor = walk_ring(walk, cursor, let_go, t[at.T_FILLED, u] - 1)
    cursor = walk_ring(walk, cursor, Ring(room.written, base, words, newest, live), min(address, free - 1))
    cursor = walk_ring(walk, cursor, Ring(room.pushed, base, words, newest, live), free - 1)
    cursor = walk_ring(walk, cursor, Ring(room.popped, u * depth, depth, t[at.T_FLIT, u], depth), sent - 1)
    return walk_ring(walk, cursor, Ring(room.issued, u * front, front, t[at.T_VISIT, u], front), address)


@kernel(spliced=True)
def walk_chain(run, h, walk, cursor):
    """Walk the state of a chain and of its psum lane."""
    plan, room = run.plan, run.room
    lane, depth, slot, i = plan.chain[at.H_LANE, h], run.e[at.PSUM_FIFO], room.chain_flits[h], cursor.times
    if run.d[at.PSUM_IN]:
        room.lane_in[lane] = note_time(walk, i, room.lane_in[lane], EVER)
        i += 1
    room.lane_out[lane] = note_time(walk, i, room.lane_out[lane], EVER)
    cursor = StateCursor(i + 1, cursor.same)
    for k in range(plan.chain[at.H_FIRST, h], plan.chain[at.H_FIRST, h + 1]):
        if k > plan.chain[at.H_FIRST, h]:
            floor = room.t[at.T_MOVED, plan.link[k - 1]] - 1
        elif run.d[at.PSUM_IN]:
            floor = room.lane_in[lane] + run.e[at.PSUM_TURN] - 1
        else:
            continue
        cursor = walk_ring(walk, cursor, Ring(room.psum_popped, plan.link[k] * depth, depth, slot, depth), floor)
    return cursor


@kernel(spliced=True)
def stream_has(stream, s, window):
    """Whether a stream has a window."""
    return window.n < stream[at.S_N, s] and window.j < stream[at.S_J, s] and window.q < stream[at.S_Q, s]


@kernel(spliced=True)
def chain_has(chain, h, window):
    """Whether a chain has a window."""
    return window.n < chain[at.H_N, h] and window.j < chain[at.H_J, h] and window.q < chain[at.H_Q, h]


@kernel(helper=True, reference_counts=False)
def walk_part(run, part, window, loads, shift):
    """Walk the state of the members of a part that work on a window; returns how many times and numbers it has."""
    plan, room, walk = run.plan, run.room, Walk(run.book, loads, shift)
    stream, first, member = plan.stream, plan.part_first, plan.part_member
    cursor = StateCursor(0, 1)
    if not run.e[at.HIDE_DRAIN]:
        room.marks[at.M_DRAINED] = note_time(walk, 0, room.marks[at.M_DRAINED], EVER)
        cursor = StateCursor(1, 1)
    for k in range(first[at.P_STREAMS, part], first[at.P_STREAMS, part + 1]):
        s = member[at.P_STREAMS, k]
        if not stream_has(stream, s, window):
            continue
        lane, sent, taken = stream[at.S_LANE, s], room.stream_at[1, s], room.stream_at[2, s]
        room.lane_last[lane] = note_time(walk, cursor.times, room.lane_last[lane], EVER)
        partly = run.program.flit_end[stream[at.S_FLITS, s] + sent - 1] - taken if sent > 0 else 0
        run.book.same[NOW, cursor.same] = partly
        cursor = StateCursor(cursor.times + 1, cursor.same + 1)
        for i in range(plan.target_first[s], plan.target_first[s + 1]):
            u = plan.target[i]
            if window.j < plan.place[at.X_J, u]:
                least = room.lane_last[lane] + run.e[at.IACT_TURN]
                cursor = walk_place(run, u, least, partly > 0, walk, cursor)
    for k in range(first[at.P_CHAINS, part], first[at.P_CHAINS, part + 1]):
        h = member[at.P_CHAINS, k]
        if chain_has(plan.chain, h, window):
            cursor = walk_chain(run, h, walk, cursor)
    run.book.same[NOW, 0] = cursor.times
    return cursor


@kernel(spliced=True)
def sum_up(sums, level, i, value, periods):
    """Return a number after so many further periods of what one has added; for none, keep it."""
    if periods:
        return value + periods * (value - sums[level, i])
    sums[level, i] = value
    return value


@kernel(helper=True, reference_counts=False)
def walk_sums(run, part, level, periods):
    """Add what adds up in so many periods; for none: keep the sums."""
    plan, room, spent, sums, i = run.plan, run.room, run.spent, run.book.sums, 0
    first, member = plan.part_first, plan.part_member
    for k in range(first[at.P_LANES, part], first[at.P_LANES, part + 1]):
        lane = member[at.P_LANES, k]
        room.lane_reads[lane] = sum_up(sums, level, i, room.lane_reads[lane], periods)
        i += 1
    for k in range(first[at.P_STREAMS, part], first[at.P_STREAMS, part + 1]):
        s = member[at.P_STREAMS, k]
        for row in range(3):
            room.stream_at[row, s] = sum_up(sums, level, i, room.stream_at[row, s], periods)
            i += 1
        for x in range(plan.target_first[s], plan.target_first[s + 1]):
            u = plan.target[x]
            for cause in range(spent.shape[0]):
                spent[cause, u] = sum_up(sums, level, i, spent[cause, u], periods)
                i += 1


@kernel(spliced=True)
def carries_the_same(run, s, record, back, moved):
    """Whether a window of a stream carries what the one `back` records before does, which lies `moved` places before.

    That means the words that it takes, their places in the window, and the flits that they come in.
    """
    program, stream = run.program, run.plan.stream
    need, last_flit, begin = program.need, program.last_flit, stream[at.S_WINDOWS, s]
    before = record - back
    if before < begin:
        return False
    words, flits, first = need[record - 1], last_flit[record - 1], 0
    if before > begin:
        words, flits, first = words - need[before - 1], flits - last_flit[before - 1], last_flit[before - 1] - 1
    if need[record] - need[before] != words or program.low[record] - program.low[before] != words:
        return False
    if last_flit[record] - last_flit[before] != flits:
        return False
    flit0, word0 = stream[at.S_FLITS, s], stream[at.S_WORDS, s]
    for f in range(flit0 + max(first, 0), flit0 + last_flit[before]):
        if program.flit_end[f + flits] - program.flit_end[f] != words:
            return False
    for k in range(word0 + program.low[before], word0 + need[before]):
        if program.pos[k + words] - program.pos[k] != moved:
            return False
    return True


@kernel(spliced=True)
def members_left(run, part, level, window, period):
    """Positions of a level, from a window on, that the same streams, PEs and chains work on as in the period before.

    The last column of a row is not among them: it lets go of all words.
    """
    plan, position, left = run.plan, (window.n, window.j, window.q)[level], 1 << 62
    for k in range(plan.part_first[at.P_CHAINS, part], plan.part_first[at.P_CHAINS, part + 1]):
        h = plan.part_member[at.P_CHAINS, k]
        of_chain = (plan.chain[at.H_N, h], plan.chain[at.H_J, h], plan.chain[at.H_Q, h])
        if (level > IMAGES and window.n >= of_chain[0]) or (level > ROWS and window.j >= of_chain[1]):
            continue
        if position < of_chain[level]:
            left = min(left, of_chain[level] - position - (level == COLUMNS))
        elif position - period < of_chain[level]:
            return 0
        for i in range(plan.chain[at.H_FIRST, h], plan.chain[at.H_FIRST, h + 1]):
            if level == ROWS:
                rows = plan.place[at.X_J, plan.link[i]]
                if position < rows:
                    left = min(left, rows - position)
                elif position - period < rows:
                    return 0
    return left


@kernel(helper=True, reference_counts=False)
def positions_left(run, part, level, window, period):
    """Positions of a level, from a window on, that carry what those a period before have carried."""
    e, plan, stream = run.e, run.plan, run.plan.stream
    left = members_left(run, part, level, window, period)
    for k in range(plan.part_first[at.P_STREAMS, part], plan.part_first[at.P_STREAMS, part + 1]):
        s = plan.part_member[at.P_STREAMS, k]
        if not stream_has(stream, s, window):
            continue
        records, moved = 1, 0
        if level == COLUMNS:
            moved = period * min(e[at.COL_STRIDE], e[at.EXTENT]) * stream[at.S_C, s]
        elif level == ROWS:
            records = stream[at.S_Q, s]
        else:
            records = stream[at.S_Q, s] * stream[at.S_J, s]
        record = stream[at.S_WINDOWS, s] + run.room.stream_at[0, s]
        same = 0
        while same < left * records and carries_the_same(run, s, record + same, period * records, moved):
            same += 1
        left = min(left, same // records)
        if left < period:
            return 0
    return left


@kernel(spliced=True)
def shift_since(level, cursor, book):
    """How much later all times of the state are than those that were kept; -1 for a state that is another one."""
    shift = book.times[NOW, 0] - book.times[level, 0]
    for i in range(cursor.times):
        if book.times[NOW, i] - book.times[level, i] != shift:
            return -1
    for i in range(cursor.same):
        if book.same[NOW, i] != book.same[level, i]:
            return -1
    return shift


@kernel(spliced=True)
def keep_state(level, position, cursor, book):
    """Keep the state of a position."""
    for i in range(cursor.times):
        book.times[level, i] = book.times[NOW, i]
    for i in range(cursor.same):
        book.same[level, i] = book.same[NOW, i]
    book.gap[level] = min(2 * book.gap[level], MOST_GAP)
    book.kept[level] = position


@kernel(spliced=True)
def forget_state(level, book):
    """Begin to look for a state that recurs."""
    book.kept[level] = -1
    book.gap[level] = 1


@kernel(spliced=True)
def begin_level(level, positions, book):
    """Begin the positions of a level; returns whether to look for a state that recurs.

    Where that has cost more than it gained, one is looked for only now and then.
    """
    forget_state(level, book)
    book.begun[level] += 1
    worth = book.gain[level] > COST * LEAST_GAIN or book.begun[level] % RARELY == 0
    return book.times.shape[1] > 0 and positions > FEW and worth


@kernel(helper=True, reference_counts=False)
def leap(run, part, level, window):
    """Leap over windows that repeat, from the first one of a position of a level on; returns the positions leaped."""
    book, position = run.book, (window.n, window.j, window.q)[level]
    cursor = walk_part(run, part, window, False, np.int64(0))
    book.gain[level] -= 1
    if cursor.times == 0:
        return 0
    kept = book.kept[level]
    period = position - kept
    shift = shift_since(level, cursor, book) if kept >= 0 else -1
    if shift >= 0 and not (run.d[at.TIME_SHARED] and shift & 1):
        periods = positions_left(run, part, level, window, period) // period
        if periods > 0:
            walk_part(run, part, window, True, periods * shift)
            walk_sums(run, part, level, periods)
            forget_state(level, book)
            book.gain[level] = min(book.gain[level] + COST * periods * period, COST * MOST_GAIN)
            return periods * period
    if kept < 0 or period >= book.gap[level]:
        keep_state(level, position, cursor, book)
        walk_sums(run, part, level, np.int64(0))
    return 0
