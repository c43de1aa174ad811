"""Names of the entries of the flat arrays that the engines' kernels take (`simulation.machine` fills them)."""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels.causes import CAUSES


class Plan(NamedTuple):
    """Who does what in passes with the same tiles, int64 arrays (see `plan_pass`)."""

    place: Any
    """[PLACE, places]"""
    stream: Any
    """[STREAM, places]"""
    lane_first: Any
    lane_stream: Any
    target_first: Any
    target: Any
    chain: Any
    """[CHAIN, places + 1]"""
    link: Any
    tile: Any
    """[TILE, places]"""
    part_first: Any
    """[MEMBERS, places + 1]"""
    part_member: Any
    """[MEMBERS, places]: the members of each part (see `kernels.parts`)."""
    counts: Any
    """[COUNTS]"""
    blocks: Any
    """See `kernels.blocks`."""


class Program(NamedTuple):
    """What the streams of one pass carry, int64 arrays (see `fill_streams` and `weigh`)."""

    need: Any
    low: Any
    more: Any
    last_flit: Any
    flit_end: Any
    pos: Any
    val: Any
    cost: Any


# --- integers of one layer on one machine (array `e`) ----------------------------------------------------------------
(
    ROW_STRIDE, ROW_DILATION, ROW_BEFORE, ROW_SIZE,
    COL_STRIDE, COL_DILATION, COL_SIZE, TAPS,
    GROUPS, IMAGES, FILTERS, CHANNELS, ROWS_OUT, COLS_OUT, ROW_TAPS,
    SIMD, FRONT, TAIL, OVERLAP, CSC_IACT, CSC_WEIGHT, COUNT_REACH,
    SPAD_WORDS, IACT_FIFO, PSUM_FIFO,
    IACT_FLIT, IACT_LANES, WEIGHT_LANES, WEIGHT_FLIT, WEIGHT_FLIT_BITS, ADDRESS_BITS,
    PSUM_FLIT, SERVICE, PSUM_LANES, FLAT, MULTICAST, CONTENTION, CLUSTER_COLUMNS, PSUMS_REST, HIDE_DRAIN,
    PRIVATE, IACT_TURN, WEIGHT_TURN, PSUM_TURN, PSUM_READS_FROM, IACT_RING_ROWS, IACT_RING_COLUMNS, WEIGHT_RING,
    BLOCK_ROWS, LINK_ROWS, HOLD,
    LOCK_STEP, START_LATENCY, SINGLE_BUFFER, RELOAD, PSUM_START, PSUM_LATER, HOP_CYCLES, IACT_START,
    ADDRESS_WORDS, FILLER, ADDRESS_RATE, MORE_ADDRESSES,
    INTEGERS,
) = range(64)  # fmt: skip
"""`TAPS`: filter columns of the layer; `PRIVATE`: every PE has links of its own; `..._TURN`: cycles for which a flit
keeps its lane; `PSUM_READS_FROM`: cycle of a pass from which psums are read; `..._RING...`: clusters of a ring along
columns or rows, 0 for none; `..._ROWS` of state, of a block of PEs (`B_...`) or a link of chains (`L_...`); `HOLD`:
cycles for which an iact keeps the multipliers at least, 0 where it may keep none; `LOCK_STEP`: which PEs start and end
windows together (`ALONE`, ...); `PSUM_LATER`: cycles of a psum to the next PE beyond one; `ADDRESS_RATE`: weight
addresses in a cycle, 0 where they come in flits, like weights."""
ALONE, CHAIN_TOGETHER, ARRAY_TOGETHER = range(3)
"""PEs in lock-step: none, those of a chain, or all."""

# --- integers of one pass (array `d`) --------------------------------------------------------------------------------
DIMENSIONS = 8
G, N, M, C, P, Q, R, S = range(DIMENSIONS)
"""Order of the dimensions in arrays; `d[G..S]` are first elements of the tile, `d[SIZE + G..]` its lengths."""
COL_BEFORE = DIMENSIONS
"""Padding before the first column of the first window; negative: columns that the filter columns of the pass skip."""
SIZE = COL_BEFORE + 1
EXTENT, PSUM_IN, TIME_SHARED, LOAD, BEFORE, AFTER_LOAD, PASS = range(SIZE + DIMENSIONS, SIZE + DIMENSIONS + 7)
"""Columns of a window, from its first to its last tap of the pass; psums enter; how a psum bank is both read and
written (`ALTERNATE`, ...); weights are sent, during the pass before; iacts wait for them.  `PASS` is the length of the
array.  From `SIZE` on, passes that differ in nothing but where they lie are the same."""
NOT_SHARED, ALTERNATE, BURST = range(3)
"""The port of a psum bank in a pass: used one way only, or as `glb.psum.access` says."""

# --- one place of the array (rows of `place`) ------------------------------------------------------------------------
(
    X_CLUSTER_ROW, X_CLUSTER_COLUMN, X_PE_ROW, X_PE_COLUMN, X_PE,
    X_ACTIVE, X_N, X_M, X_C, X_J, X_Q, X_G0, X_N0, X_M0, X_C0, X_P0, X_Q0, X_R0,
    X_STREAM, X_HOP, X_CHAIN, X_CHAIN_HOP, X_TILE, X_WEIGHT_HOP, X_LOADED,
    PLACE,
) = range(26)  # fmt: skip
"""`X_HOP`, `X_WEIGHT_HOP`: cycles from the source of its iacts or weights, beyond those of a flit."""

# --- one iact stream (rows of `stream`) ------------------------------------------------------------------------------
(
    S_LANE, S_HOME, S_SOURCE, S_N, S_C, S_J, S_Q, S_G0, S_N0, S_C0, S_P0, S_Q0, S_R0, S_TARGETS,
    S_WINDOWS, S_FLITS, S_WORDS,
    STREAM,
) = range(18)  # fmt: skip
"""`S_HOME`: the cluster whose lanes the stream takes turns on."""

# --- one chain of psums (rows of `chain`) ----------------------------------------------------------------------------
H_LANE, H_FIRST, H_N, H_J, H_Q, H_M, H_BACK, CHAIN = range(8)
"""`H_BACK`: cluster rows from the last PE back to the GLB bank of the first one, or further cycles on a narrow link."""

# --- one tile of weights (rows of `tile`) ----------------------------------------------------------------------------
W_LANE, W_G0, W_M0, W_C0, W_R0, W_M, W_C, W_FLITS, W_SENT, TILE = range(10)
"""`W_SENT`: flits of its lane when its last one has been sent."""

# --- counts of a plan (array `counts`) -------------------------------------------------------------------------------
(
    COUNT_STREAMS, COUNT_LANES, COUNT_CHAINS, COUNT_TILES, COUNT_PARTS, COUNT_PE_BLOCKS, COUNT_CHAIN_BLOCKS,
    COUNT_ACTIVE, WINDOWS_N, WINDOWS_J, WINDOWS_Q,
    COUNTS,
) = range(12)  # fmt: skip

# --- members of a part (rows of `part_first` and `part_member`) ------------------------------------------------------
P_LANES, P_STREAMS, P_CHAINS, MEMBERS = range(4)

# --- what became of a PE's cycles (rows of `spent`): one for each `causes.Cause` -------------------------------------
(
    BUSY, MOVING, NO_WEIGHT, NO_IACT, SPAD_FILL, PIPELINE, NO_PSUM, PSUM_BLOCKED, GLB_PORT, IMBALANCE, UNUSED, DRAM,
    CONFIGURATION,
) = range(len(CAUSES))  # fmt: skip

SENT = len(CAUSES)
"""What a lane does in a traced span: it sends."""

# --- what comes out of a pass (array `out`) --------------------------------------------------------------------------
OUT_PASS, OUT_FILL, OUT_IACT_FIFO, OUT_PSUM_FIFO, OUT_SPANS, OUT = range(6)
"""Cycles of the pass; cycles until all PEs have their weights; most entries in a FIFO; spans recorded."""

GAP = -1
"""Cost of a place in the window that is on no tap (dilated filters)."""

# --- marks of a pass (array `marks`) ---------------------------------------------------------------------------------
M_IACT_FIFO, M_PSUM_FIFO, M_DRAINED, M_DRAINED_ALL, MARKS = range(5)
"""Most entries in a FIFO; when the psums of a part, or of all, have reached their bank."""

# --- state of one block of PEs while the event engine runs a pass: rows of `kernels.vectors` -------------------------
(
    B_ADDRESS, B_FREE, B_LEFT, B_LEFT_BEFORE, B_SERVED, B_SERVED_BEFORE, B_FILLED, B_PUSHED, B_WEIGHTS, B_HOP,
    B_LEFT_OVER, B_DONE, B_RESTED, B_START, B_SPENT,
) = range(15)  # fmt: skip
"""`B_HOP`: cycles from the source of its iacts; `B_LEFT_OVER`: NEVER in seats that are left over, 0 in others;
`B_DONE`: when the last window was complete; `B_RESTED`, in lock-step: when its last psum was in the bank (where psums
move beside MACs: when it was complete); `B_START`: when the window may start; `B_SPENT`: first of `SPENT` rows, cycles
by cause."""
SPENT = IMBALANCE + 1
"""Causes for which a PE of the event engine waits within its pass, the first ones."""
B_RINGS = B_SPENT + SPENT
"""First row of the rings: FRONT rows of when the last visits issued, the oldest first; IACT_FIFO rows of when the last
flit in an entry of the FIFO left; and SPAD_WORDS rows each of when a word of the SPad was let go, came to the FIFO, and
was written."""
NEVER = 1 << 61
"""A time that does not come."""

# --- state of one link of a block of chains: rows of `kernels.vectors` ------------------------------------------------
L_MOVED, L_HOP, L_BACK, L_GLB_PORT, L_NO_PSUM, L_BLOCKED, L_MOVING, L_POPPED = range(8)
"""When it has moved its last flit; cycles from the link before; `H_BACK`, of the first link; cycles by cause; and
PSUM_FIFO rows of when the last flit in an entry of its FIFO left."""

# --- ring pointers of a block of PEs (rows of `pointer`) --------------------------------------------------------------
K_FLIT, K_OLDEST, K_NEXT_SLOT, POINTERS = range(4)
"""Next entry of the iact FIFO; slots of the SPad with the oldest word, and for the next one."""
