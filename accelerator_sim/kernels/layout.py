"""Names of the entries of the flat arrays that kernels take (`mapping.pack` fills them)."""

from __future__ import annotations

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
    LIMIT_P0, WHOLE_Q, KEEP_MASK, CLUSTERS, AHEAD,
    INTEGERS,
) = range(62)  # fmt: skip

# Numbers of one problem: rates, sizes, joules per event.
(
    IACT_DENSITY, SERVICE, RATE_IACT, RATE_WEIGHT, RATE_PSUM, BANK_IACT, BANK_PSUM, BYTE_CYCLES, OACT_BITS, LATENCY,
    E_FIXED, E_DRAM_READ, E_DRAM_WRITE, E_GLB_IR, E_GLB_IW, E_GLB_PR, E_GLB_PW, E_GLB_WR, E_GLB_WW,
    E_GIVE_I, E_GIVE_W, E_GIVE_P, E_SEND_I, E_SEND_W, E_ENTER_P,
    E_HOP_I, E_HOP_W, E_HOP_P, E_LOCAL, E_SPAD_IR, E_SPAD_WR, E_SPAD_P,
    E_ACTIVE, E_IDLE, E_CYCLE, EXECUTED, SPAD_W_SHARE,
    NUMBERS,
) = range(38)  # fmt: skip

# Integers of one spatial configuration: parts on cluster rows, cluster columns, PE rows, PE columns.
(
    RG, RN, RM, RP, RQ, RC, KG, KN, KM, KP, KQ, YR, YC, YG, YN, YM, YP, YQ, XG, XN, XM, XP, XQ,
    PLACES,
) = range(24)  # fmt: skip

# Integers of one temporal choice.
M0, C0, N0, P0, Q0, M2, STATIONARY, TIMES = range(8)

# Stationary tensors, in the order of mapping.Stationary.
NONE, KEEP_IACT, KEEP_WEIGHT, KEEP_PE_WEIGHT = range(4)

# Objectives.
ENERGY, CYCLES, EDP, DRAM = range(4)
