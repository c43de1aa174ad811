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
from accelerator_sim.kernels.event_state import first_rows, link_row, row_of
from accelerator_sim.kernels.new_columns import new_columns
from accelerator_sim.kernels.vectors import (
    WIDTH,
    any_larger,
    gather,
    larger,
    load,
    number_in,
    scatter,
    smaller,
    spread,
    store,
    where_positive,
)

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
    """[LEVELS + 1, times, WIDTH], flat: vectors, as the state has them."""
    same: Any
    """[LEVELS + 1, numbers], first of all how many times there are"""
    sums: Any
    """[LEVELS, numbers]: what adds up, as it was when the state was kept"""
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
    """Where the next times and the next number of a state go in the book, int64."""

    times: Any
    same: Any


class Ring(NamedTuple):
    """Entries of a ring before a pointer, the latest of them first."""

    first: Any
    """Row of its first entry."""
    size: Any
    """How many there are."""
    pointer: Any
    most: Any
    """Entries that may matter."""
    left_over: Any
    """Above 0 in seats that are left over, vector: they are as the first seat, so that they tell nothing apart."""


@kernel(spliced=True)
def times_row(book, level, i):
    """Row of the book for times of a level."""
    return level * (book.times.size // (WIDTH * (LEVELS + 1))) + i


@kernel(spliced=True)
def note_times(walk, i, x, floor):
    """Write times down, or at least their floor; to load: the times that were written down, so much later."""
    row = times_row(walk.book, NOW, i)
    if walk.loads:
        return load(walk.book.times, row) + spread(walk.shift)
    x = larger(x, floor)
    store(walk.book.times, row, x)
    return x


@kernel(spliced=True)
def as_first(x, left_over):
    """A vector with its first number in the seats that are left over."""
    return where_positive(left_over, spread(number_in(x, 0)), x)


@kernel(spliced=True)
def row_as_first(run, block, row):
    """A row of a block of PEs, likewise."""
    state = run.room.blocks
    return as_first(load(state, row_of(run, block, row)), load(state, row_of(run, block, at.B_LEFT_OVER)))


@kernel(spliced=True)
def walk_row(state, walk, i, row, left_over, floor):
    """Walk a row of a state; returns it."""
    x = note_times(walk, i, as_first(load(state, row), left_over), floor)
    if walk.loads:
        store(state, row, x)
    return x


@kernel(spliced=True)
def walk_ring(state, walk, cursor, ring, floor):
    """Walk the entries of a ring; those at or below the floor no longer matter, nor do those before them."""
    i, same, count, slot = cursor.times, walk.book.same, 0, ring.pointer
    live = same[NOW, cursor.same] if walk.loads else ring.most
    while count < live:
        slot = slot - 1 if slot > 0 else ring.size - 1
        entry = as_first(load(state, ring.first + slot), ring.left_over)
        if not walk.loads and not any_larger(entry, floor):
            break
        entry = note_times(walk, i, entry, floor)
        if walk.loads:
            store(state, ring.first + slot, entry)
        i += 1
        count += 1
    same[NOW, cursor.same] = count
    return StateCursor(i, cursor.same + 1)


@kernel(spliced=True)
def walk_times(run, block, partial, walk, cursor):
    """Walk the times of the PEs of a block; partial: whether a flit in their FIFOs has been taken in part."""
    state, i, ever = run.room.blocks, cursor.times, spread(EVER)
    left_over = load(state, row_of(run, block, at.B_LEFT_OVER))
    free = walk_row(state, walk, i, row_of(run, block, at.B_FREE), left_over, ever)
    before = walk_row(state, walk, i + 1, row_of(run, block, at.B_LEFT_BEFORE), left_over, ever)
    walk_row(state, walk, i + 2, row_of(run, block, at.B_LEFT), left_over, ever)
    walk_row(state, walk, i + 3, row_of(run, block, at.B_FILLED), left_over, ever)
    walk_row(state, walk, i + 4, row_of(run, block, at.B_ADDRESS), left_over, before - spread(1))
    walk_row(state, walk, i + 5, row_of(run, block, at.B_WEIGHTS), left_over, free)
    i += 6
    if run.e[at.OVERLAP]:
        walk_row(state, walk, i, row_of(run, block, at.B_SERVED), left_over, ever)
        walk_row(state, walk, i + 1, row_of(run, block, at.B_SERVED_BEFORE), left_over, ever)
        i += 2
    if partial:
        walk_row(state, walk, i, row_of(run, block, at.B_PUSHED), left_over, ever)
        i += 1
    if run.e[at.SINGLE_BUFFER]:
        walk_row(state, walk, i, row_of(run, block, at.B_DONE), left_over, ever)
        i += 1
    if run.e[at.LOCK_STEP]:
        walk_row(state, walk, i, row_of(run, block, at.B_RESTED), left_over, ever)
        i += 1
    return StateCursor(i, cursor.same)


@kernel(helper=True, reference_counts=False)
def walk_block(run, block, sent, partial, walk, cursor):
    """Walk the state of a block of PEs; sent: when their lane may send again at the earliest."""
    e, state, pointer = run.e, run.room.blocks, run.room.pointer
    words, depth, front = e[at.SPAD_WORDS], e[at.IACT_FIFO], e[at.FRONT]
    issued, popped, freed, pushed, written = first_rows(run, block)
    cursor = walk_times(run, block, partial, walk, cursor)
    oldest, newest = pointer[at.K_OLDEST, block], pointer[at.K_NEXT_SLOT, block]
    live = newest - oldest
    live = live + words if live < 0 else live
    walk.book.same[NOW, cursor.same] = live
    cursor = StateCursor(cursor.times, cursor.same + 1)
    left_over = load(state, row_of(run, block, at.B_LEFT_OVER))
    free, filled = row_as_first(run, block, at.B_FREE), row_as_first(run, block, at.B_FILLED)
    before, address = row_as_first(run, block, at.B_LEFT_BEFORE), row_as_first(run, block, at.B_ADDRESS)
    address = larger(address, before - spread(1))
    # Room that was let go before the last word was written, and words that came before the MACs ask for them, are over.
    past = free - spread(1)
    cursor = walk_ring(state, walk, cursor, Ring(freed, words, oldest, words - live, left_over), filled - spread(1))
    cursor = walk_ring(state, walk, cursor, Ring(written, words, newest, live, left_over), smaller(address, past))
    cursor = walk_ring(state, walk, cursor, Ring(pushed, words, newest, live, left_over), past)
    flit = pointer[at.K_FLIT, block]
    cursor = walk_ring(state, walk, cursor, Ring(popped, depth, flit, depth, left_over), spread(sent - 1))
    return walk_ring(state, walk, cursor, Ring(issued, front, np.int64(0), front, left_over), address)


@kernel(spliced=True)
def walk_lane(run, x, times, walk, i):
    """Walk the times of the lanes of a block of chains."""
    lane = run.plan.blocks.chain_lane
    noted = note_times(walk, i, gather(times, lane, x, 0), spread(EVER))
    if walk.loads:
        scatter(times, lane, x, 0, noted)


@kernel(helper=True, reference_counts=False)
def walk_chains(run, x, walk, cursor):
    """Walk the state of a block of chains and of their psum lanes."""
    room, blocks = run.room, run.plan.blocks
    depth, slot, i, none = run.e[at.PSUM_FIFO], room.chain_slot[x], cursor.times, spread(0)
    if run.d[at.PSUM_IN]:
        walk_lane(run, x, room.lane_in, walk, i)
        i += 1
    walk_lane(run, x, room.lane_out, walk, i)
    cursor = StateCursor(i + 1, cursor.same)
    for link in range(blocks.chain_first[x], blocks.chain_first[x + 1]):
        if link > blocks.chain_first[x]:
            floor = load(room.links, link_row(run, link - 1, at.L_MOVED)) - spread(1)
        elif run.d[at.PSUM_IN]:
            floor = gather(room.lane_in, blocks.chain_lane, x, 0) + spread(run.e[at.PSUM_TURN] - 1)
        else:
            continue
        ring = Ring(link_row(run, link, at.L_POPPED), depth, slot, depth, none)
        cursor = walk_ring(room.links, walk, cursor, ring, floor)
    return cursor


@kernel(spliced=True)
def stream_has(stream, s, window):
    """Whether a stream has a window."""
    return window.n < stream[at.S_N, s] and window.j < stream[at.S_J, s] and window.q < stream[at.S_Q, s]


@kernel(spliced=True)
def chain_has(chain, h, window):
    """Whether a chain has a window."""
    return window.n < chain[at.H_N, h] and window.j < chain[at.H_J, h] and window.q < chain[at.H_Q, h]


@kernel(spliced=True)
def walk_time(walk, i, x):
    """Walk a time of the whole part; returns it."""
    return number_in(note_times(walk, i, spread(x), spread(EVER)), 0)


@kernel(helper=True, reference_counts=False)
def walk_part(run, part, window, loads, shift):
    """Walk the state of the members of a part that work on a window; returns how many times and numbers it has."""
    plan, room, walk, blocks = run.plan, run.room, Walk(run.book, loads, shift), run.plan.blocks
    stream, first, member = plan.stream, plan.part_first, plan.part_member
    cursor = StateCursor(0, 1)
    if not run.e[at.HIDE_DRAIN]:
        room.marks[at.M_DRAINED] = walk_time(walk, 0, room.marks[at.M_DRAINED])
        cursor = StateCursor(1, 1)
    for k in range(first[at.P_STREAMS, part], first[at.P_STREAMS, part + 1]):
        s = member[at.P_STREAMS, k]
        if not stream_has(stream, s, window):
            continue
        lane, sent, taken = stream[at.S_LANE, s], room.stream_at[1, s], room.stream_at[2, s]
        room.lane_last[lane] = walk_time(walk, cursor.times, room.lane_last[lane])
        partly = run.program.flit_end[stream[at.S_FLITS, s] + sent - 1] - taken if sent > 0 else 0
        run.book.same[NOW, cursor.same] = partly
        cursor = StateCursor(cursor.times + 1, cursor.same + 1)
        least = room.lane_last[lane] + run.e[at.IACT_TURN]
        for block in range(blocks.pe_first[s], blocks.pe_first[s + 1]):
            if window.j < blocks.pe_rows[block]:
                cursor = walk_block(run, block, least, partly > 0, walk, cursor)
    for x in range(blocks.chain_part[part], blocks.chain_part[part + 1]):
        if chain_has(plan.chain, blocks.chain_number[x * WIDTH], window):
            cursor = walk_chains(run, x, walk, cursor)
    run.book.same[NOW, 0] = cursor.times
    return cursor


@kernel(spliced=True)
def sum_up(kept, i, value, periods):
    """Return a number after so many further periods of what one has added; for none, keep it."""
    if periods:
        return value + periods * (value - kept[i])
    kept[i] = value
    return value


@kernel(spliced=True)
def sum_up_rows(kept, i, state, rows, periods):
    """Sum up the numbers in rows of a state, from a row to before another one; returns the next number in the book."""
    for k in range(rows[0] * WIDTH, rows[1] * WIDTH):
        state[k] = sum_up(kept, i, state[k], periods)
        i += 1
    return i


@kernel(helper=True, reference_counts=False)
def walk_sums(run, part, level, periods):
    """Add what adds up in so many periods; for none: keep the sums."""
    plan, room, kept, blocks, i = run.plan, run.room, run.book.sums[level], run.plan.blocks, 0
    first, member = plan.part_first, plan.part_member
    for k in range(first[at.P_LANES, part], first[at.P_LANES, part + 1]):
        lane = member[at.P_LANES, k]
        room.lane_reads[lane] = sum_up(kept, i, room.lane_reads[lane], periods)
        i += 1
    for k in range(first[at.P_STREAMS, part], first[at.P_STREAMS, part + 1]):
        s = member[at.P_STREAMS, k]
        for row in range(3):
            room.stream_at[row, s] = sum_up(kept, i, room.stream_at[row, s], periods)
            i += 1
        for block in range(blocks.pe_first[s], blocks.pe_first[s + 1]):
            rows = row_of(run, block, at.B_SPENT), row_of(run, block, at.B_RINGS)
            i = sum_up_rows(kept, i, room.blocks, rows, periods)
    for x in range(blocks.chain_part[part], blocks.chain_part[part + 1]):
        for link in range(blocks.chain_first[x], blocks.chain_first[x + 1]):
            rows = link_row(run, link, at.L_GLB_PORT), link_row(run, link, at.L_POPPED)
            i = sum_up_rows(kept, i, room.links, rows, periods)


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
    return left


@kernel(helper=True, reference_counts=False)
def positions_left(run, part, level, window, period):
    """Positions of a level, from a window on, that carry what those a period before have carried."""
    plan, stream = run.plan, run.plan.stream
    left = members_left(run, part, level, window, period)
    for k in range(plan.part_first[at.P_STREAMS, part], plan.part_first[at.P_STREAMS, part + 1]):
        s = plan.part_member[at.P_STREAMS, k]
        if not stream_has(stream, s, window):
            continue
        records, moved = 1, 0
        if level == COLUMNS:
            moved = period * new_columns(run.e, run.d[at.EXTENT]) * stream[at.S_C, s]
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
    now, then = times_row(book, NOW, 0), times_row(book, level, 0)
    shift = book.times[now * WIDTH] - book.times[then * WIDTH]
    for i in range(cursor.times):
        expected, found = load(book.times, then + i) + spread(shift), load(book.times, now + i)
        if any_larger(found, expected) or any_larger(expected, found):
            return -1
    for i in range(cursor.same):
        if book.same[NOW, i] != book.same[level, i]:
            return -1
    return shift


@kernel(spliced=True)
def keep_state(level, position, cursor, book):
    """Keep the state of a position."""
    now, then = times_row(book, NOW, 0), times_row(book, level, 0)
    for i in range(cursor.times):
        store(book.times, then + i, load(book.times, now + i))
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
    return book.times.size > 0 and positions > FEW and worth


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
    if shift >= 0 and not (run.d[at.TIME_SHARED] == at.ALTERNATE and shift & 1):
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
