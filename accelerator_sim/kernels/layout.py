"""Names of the entries of the flat arrays that kernels take (`mapping.pack` fills them)."""

from __future__ import annotations

from typing import Any, NamedTuple


class Packed(NamedTuple):
    """A problem as the kernels of the search take it: float64 tables by M0 or C0 unless they say otherwise."""

    n: Any
    """int64 [INTEGERS]"""
    f: Any
    """[NUMBERS]"""
    slots: Any
    """Issue slots for an iact, by M0."""
    cycles: Any
    """Cycles for which an iact keeps the multipliers, by M0: its slots, or `pe.min_cycles_per_iact`."""
    pairs_i: Any
    pairs_w: Any
    """Words stored per nominal iact, by C0, and per nominal weight, by M0."""
    sent_i: Any
    filler_i: Any
    """Words sent per nominal iact, and those of them that are fillers, by C0."""
    port_w: Any
    """Words of its port that a weight is worth, by M0."""
    dram_i: Any
    dram_w: Any
    """Bits off-chip per iact, by C0, and per weight, by M0."""
    fits: Any
    """uint8 [most M0 + 1, most C0 + 1], whether a PE holds so many filters and channels."""
    least_iact: Any
    """Iacts that are fetched at least, a float."""
    variances: Any
    """Variance of `cycles` between columns of weights, by M0."""
    unpaired: Any
    """Chance that a column of weights holds one word at most, by M0."""
    services: Any
    """Cycles in which a PE moves the psums of a window, in whole flits, by M0."""
    largest: Any
    """[2, PEs + 1]: mean and variance of the largest of so many standard normals."""


# Integers of one problem.
(
    G, N, M, C, P, Q, R, S,
    ROW_STRIDE, ROW_DILATION, ROW_EXTENT, ROW_BEFORE, ROW_SIZE, ROW_INSIDE,
    COL_STRIDE, COL_DILATION, COL_EXTENT, COL_BEFORE, COL_SIZE, COL_INSIDE,
    PADDING_STORED, FLAT, ONE_SOURCE, PRIVATE, PSUM_FINAL, READ_FIRST, IACT_BYPASS, WEIGHT_THROUGH,
    HIDE_WEIGHT, HIDE_FILL, HIDE_DRAIN, HIDE_IACT, HIDE_OACT, DUPLEX,
    PSUM_PORTS, IACT_PORTS, HIDE_SERVICE, STAGES, CONFIG, READ_PER_MAC, PSUM_COLUMNS,
    IACT_CAP, PSUM_CAP, WEIGHT_CAP, SHARED_BANKS, SHARED_BITS, SHARE_IACT, SHARE_PSUM, SHARE_WEIGHT,
    IACT_BITS, PSUM_BITS, WEIGHT_BITS, PES, MAX_M0, MAX_C0, PSUMS_RETURN,
    LIMIT_P0, WHOLE_Q, KEEP_MASK, CLUSTERS, AHEAD, TAPS, TAP_TILES, SIMD, EVEN, RELOAD, RESEND, CONFIG_PASS, SINGLE,
    HIDE_GLB, REFILLED,
    INTEGERS,
) = range(72)  # fmt: skip
"""`TAPS`: filter columns that a PE holds at a time (S0); `TAP_TILES`: passes over all of them."""

# Numbers of one problem: rates, sizes, and joules (`..._J`) of one event.
(
    IACT_DENSITY, SERVICE, RATE_IACT, RATE_WEIGHT, RATE_PSUM, BANK_IACT, BANK_PSUM, BYTE_CYCLES, OACT_BITS, LATENCY,
    FIXED_J, DRAM_READ_J, DRAM_WRITE_J, GLB_IACT_READ_J, GLB_IACT_WRITE_J, GLB_PSUM_READ_J, GLB_PSUM_WRITE_J,
    GLB_WEIGHT_READ_J, GLB_WEIGHT_WRITE_J,
    GIVE_IACT_J, GIVE_WEIGHT_J, GIVE_PSUM_J, SEND_IACT_J, SEND_WEIGHT_J, ENTER_PSUM_J,
    HOP_IACT_J, HOP_WEIGHT_J, HOP_PSUM_J, LOCAL_HOP_J, SPAD_IACT_READ_J, SPAD_WEIGHT_READ_J, SPAD_PSUM_J,
    PE_ACTIVE_J, PE_IDLE_J, CYCLE_J, EXECUTED, SPAD_WEIGHT_SHARE, IACT_SPREAD, WEIGHT_SPREAD, TURN, PSUM_FLIT_RATE,
    CONTROL, CONTROL_LINK, WRITE_IACT_J, RESTART,
    NUMBERS,
) = range(46)  # fmt: skip
"""`FIXED_J`: of the whole layer, whatever the mapping; `DRAM_..._J`: of a bit; `SEND_...`: of a word that leaves its
source; `GIVE_...`: of a word that reaches a PE (`GIVE_PSUM_J`: that leaves one; `WRITE_IACT_J`: its write into the
SPad, which a filler is spared); `HOP_...`: of a word between two clusters; `LOCAL_HOP_J`: of a psum between two PEs
of a cluster; `SPAD_PSUM_J`: of a read and a write; `PE_..._J`: of a PE and cycle; `CYCLE_J`: of a cycle of the chip
(leakage); `..._SPREAD`: see `kernels.imbalance`; `TURN`: cycles from a flit of psums to the next one where a GLB
bank is read and written in turn, over those of one; `PSUM_FLIT_RATE`: flits of psums per cycle over the one bus, by
the cycles of one; `CONTROL`, `CONTROL_LINK`: cycles of a window for the control, and for each
PE of its chain; `RESTART`: those before its first MAC."""

# Integers of one spatial configuration: parts of a dimension (the last letter) on one axis (the first letter): R the
# cluster rows, K the cluster columns, Y the PE rows, X the PE columns.
(
    RG, RN, RM, RP, RQ, RC, KG, KN, KM, KP, KQ, YR, YC, YG, YN, YM, YP, YQ, XG, XN, XM, XP, XQ,
    PLACES,
) = range(24)  # fmt: skip

# Integers of one temporal choice.
M0, C0, S0, N0, P0, Q0, M2, STATIONARY, TIMES = range(9)

# Stationary tensors, in the order of mapping.Stationary.
NONE, KEEP_IACT, KEEP_WEIGHT, KEEP_PE_WEIGHT = range(4)

# Objectives.
ENERGY, CYCLES, EDP, DRAM = range(4)
