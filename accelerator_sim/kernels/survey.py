"""Lower bounds: what no temporal choice of a spatial configuration can beat."""

from __future__ import annotations

import numpy as np

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import cdiv, deal_blocks, deal_strips
from accelerator_sim.kernels.tables import choices
from accelerator_sim.kernels.windows import columns_touched, rows_streamed

SLACK = 1.0 - 1e-12
"""Bounds are lowered by rounding errors of this size before they prune."""

ROUNDING = 1e-6
"""Part of a cycle that does not count as one more."""

REMEMBERED = 1 << 16
"""Filter passes whose groupings are counted once: 512 KiB, and more filters than layers have outside of experiments."""

# Scalars of one configuration (array `k`, float64).
(
    K_WINDOWS, K_KR, K_KG, K_GROW, K_GCLUSTER, K_IACT0, K_SENT0, K_COLS_PE, K_UNITS, K_ACTIVE, K_CHIP,
    K_SIZE,
) = range(12)  # fmt: skip

# Columns of the tables of filter tiles (by M0) and channel tiles (by C0).
(
    T_TILES, T_LENGTH, T_STEPS, T_UNITS, T_CLUSTERS, T_ROWS, T_CLUSTER, T_ROW, T_TOP, T_SLOTS, T_ALL_SLOTS, T_SIZE,
) = range(12)  # fmt: skip


@kernel(helper=True)
def configure(n, s, k):
    """Fill the scalars of one spatial configuration."""
    g_parts = s[at.RG] * s[at.KG] * s[at.YG] * s[at.XG]
    kg, _, _, _, _, _, g_cluster, g_row, g_top, _, _ = deal_blocks(
        n[at.G], 1, s[at.RG] * s[at.KG], s[at.YG] * s[at.XG], s[at.KG], s[at.XG]
    )
    n_parts = s[at.RN] * s[at.KN] * s[at.YN] * s[at.XN]
    p_parts = s[at.RP] * s[at.KP] * s[at.YP] * s[at.XP]
    q_parts = s[at.RQ] * s[at.KQ] * s[at.YQ] * s[at.XQ]
    k[K_KG] = kg
    k[K_GROW] = g_row
    k[K_GCLUSTER] = g_cluster
    k[K_KR] = cdiv(n[at.R], s[at.YR])
    k[K_WINDOWS] = kg * cdiv(n[at.N], n_parts) * cdiv(n[at.P], p_parts) * cdiv(n[at.Q], q_parts)
    # One tile of all positions needs the fewest words and units: the lower bounds take it.
    nd = deal_blocks(n[at.N], cdiv(n[at.N], n_parts), s[at.RN] * s[at.KN], s[at.YN] * s[at.XN], s[at.KN], s[at.XN])
    qd = deal_blocks(n[at.Q], cdiv(n[at.Q], q_parts), s[at.RQ] * s[at.KQ], s[at.YQ] * s[at.XQ], s[at.KQ], s[at.XQ])
    pd = deal_strips(n[at.P], cdiv(n[at.P], p_parts), s[at.RP] * s[at.KP], s[at.YP] * s[at.XP], s[at.KP])
    k[K_COLS_PE] = columns_touched(n, n[at.Q], qd[3])
    k[K_UNITS] = nd[3] * pd[3] * qd[3]
    k[K_ACTIVE] = g_top * nd[3] * pd[3] * qd[3] * min(n[at.R], s[at.YR])
    rows = rows_streamed(n, pd[6], pd[2], s[at.YR])
    columns = columns_touched(n, qd[6], 1)
    k[K_IACT0] = g_cluster * nd[6] * rows * columns
    k[K_SENT0] = rows_streamed(n, n[at.P], pd[7], s[at.YR]) * k[K_COLS_PE]
    if n[at.PRIVATE]:  # every PE is what a cluster is elsewhere
        k[K_GROW] = k[K_GCLUSTER] = kg
        k[K_IACT0] = kg * nd[2] * pd[2] * k[K_KR] * columns_touched(n, qd[2], 1)
    k[K_CHIP] = g_parts


@kernel(helper=True)
def filter_row(n, s, slots, m0, row):
    """Fill the table row of one M0."""
    parts = s[at.RM] * s[at.KM] * s[at.YM] * s[at.XM]
    d = deal_blocks(n[at.M], m0, s[at.RM] * s[at.KM], s[at.YM] * s[at.XM], s[at.KM], s[at.XM])
    row[T_TILES] = d[0]
    row[T_LENGTH] = d[1]
    row[T_STEPS] = d[2]
    row[T_UNITS] = d[3]
    row[T_CLUSTERS] = d[4]
    row[T_ROWS] = d[5]
    row[T_CLUSTER] = d[6]
    row[T_ROW] = d[2] if n[at.PRIVATE] else d[7]
    row[T_TOP] = d[8]
    full = d[0] - 1
    left = n[at.M] - full * d[1]
    steps = cdiv(left, parts)
    used = cdiv(left, steps)
    row[T_SLOTS] = full * slots[m0] + slots[steps]
    row[T_ALL_SLOTS] = full * parts * slots[m0] + (used - 1) * slots[steps] + slots[left - (used - 1) * steps]


@kernel(helper=True)
def channel_row(n, s, c0, row):
    """Fill the table row of one C0."""
    d = deal_blocks(n[at.C], c0, s[at.RC], s[at.YC], 1, 1)
    row[T_TILES] = d[0]
    row[T_LENGTH] = d[1]
    row[T_STEPS] = d[2]
    row[T_UNITS] = d[3]
    row[T_CLUSTERS] = d[4]
    row[T_CLUSTER] = d[2] if n[at.PRIVATE] else d[6]
    row[T_TOP] = d[8]


@kernel(helper=True)
def fill_tables(n, s, slots, mt, ct):
    """Fill the tables by M0 and C0 of one spatial configuration; returns the largest of each that it has use for."""
    top_m = min(n[at.MAX_M0], cdiv(n[at.M], s[at.RM] * s[at.KM] * s[at.YM] * s[at.XM]))
    top_c = min(n[at.MAX_C0], cdiv(n[at.C], s[at.RC] * s[at.YC]))
    for m0 in range(1, top_m + 1):
        filter_row(n, s, slots, m0, mt[m0])
    for c0 in range(1, top_c + 1):
        channel_row(n, s, c0, ct[c0])
    return top_m, top_c


@kernel(helper=True)
def least_fetched(n, k, m, ka, windows, iacts, weights, held, resting):
    """Lower bound of the bits read off-chip, given the bits of all iacts and all weights.

    Psums that rest in the GLB limit its tiles: (rounds of weights) x (rounds of iacts) is at least x, the psums of a
    group over the psums that fit, and the least of i r + w x / r follows.  Iacts that stay in the GLB come once, but
    weights then come as often as the GLB (`held` bits of iacts, all channels) is filled.  Weights that stay come once.
    """
    if not resting or (n[at.KEEP_MASK] >> at.KEEP_WEIGHT) & 1:
        return iacts + weights
    if n[at.FLAT]:
        room = n[at.SHARED_BANKS] * n[at.SHARED_BITS] if n[at.SHARE_PSUM] else n[at.PSUM_CAP]
        x = float(n[at.G] * n[at.N] * n[at.M] * n[at.P] * n[at.Q]) / k[K_KG] / max(room // n[at.PSUM_BITS], 1)
    elif n[at.SHARE_PSUM]:
        return iacts + weights
    else:
        x = windows / k[K_KG] * m[T_STEPS] * n[at.PSUM_COLUMNS] / max(n[at.PSUM_CAP] // n[at.PSUM_BITS], 1)
    x = max(x, 1.0)
    if ka == 1 and (m[T_TILES] == 1.0 or (n[at.KEEP_MASK] >> at.KEEP_PE_WEIGHT) & 1):
        least = iacts * m[T_TILES] + weights
    else:
        least = np.inf
    if (n[at.KEEP_MASK] >> at.KEEP_IACT) & 1:
        room = n[at.SHARED_BANKS] * n[at.SHARED_BITS] if n[at.SHARE_IACT] else n[at.IACT_CAP]
        fills = held / (float(room) * n[at.CLUSTERS]) / k[K_KG]
        least = min(least, iacts + weights * max(max(fills, x / m[T_TILES]), 1.0))
    if weights * x <= iacts:
        return min(least, iacts + weights * x)
    if weights >= iacts * x:
        return min(least, iacts * x + weights)
    return min(least, 2.0 * np.sqrt(iacts * weights * x))


@kernel(helper=True)
def pair_bound(n, f, k, mt, ct, m0, c0, pairs_i, pairs_w, dram_i, dram_w, least_iact, objective):
    """Lower bounds of cycles, joules and off-chip bits over all temporal choices with one M0 and C0.

    `least_iact` is the number of iacts that must be fetched at least.
    """
    outputs = float(n[at.G] * n[at.N] * n[at.M] * n[at.P] * n[at.Q])
    weights = float(n[at.G] * n[at.M] * n[at.C] * n[at.R] * n[at.S])
    ka = ct[c0, T_TILES] * k[K_KR]
    windows = k[K_WINDOWS]
    compute = windows * ct[c0, T_STEPS] * k[K_KR] * n[at.S] * f[at.IACT_DENSITY] * mt[m0, T_SLOTS]
    service = windows * ka * mt[m0, T_STEPS] * f[at.SERVICE]
    pe = max(compute, service) if n[at.HIDE_SERVICE] else compute + service
    pe += k[K_KG] * ka * mt[m0, T_TILES] * n[at.STAGES]
    first = 0 if n[at.READ_FIRST] else 1
    final = n[at.PSUM_FINAL]
    resting = not (ka == 1 and final)
    if n[at.ONE_SOURCE]:
        side = max(pe, outputs * ka / f[at.RATE_PSUM])
        fill = weights * pairs_w[m0] / f[at.RATE_WEIGHT]
    else:
        column = windows * mt[m0, T_STEPS]
        side = max(pe, column * ka / f[at.RATE_PSUM])
        if resting and not n[at.FLAT]:
            reads = column * (ka - first + (0 if final else 1))
            writes = column * (ka - final)
            side = max(side, (reads + writes if n[at.PSUM_PORTS] == 1 else max(reads, writes)) / f[at.BANK_PSUM])
        fill = k[K_GROW] * mt[m0, T_ROW] * ct[c0, T_STEPS] * k[K_KR] * n[at.S] * pairs_w[m0] / f[at.RATE_WEIGHT]
    side = max(side, mt[m0, T_TILES] * k[K_IACT0] * ct[c0, T_CLUSTER] * pairs_i[c0] / f[at.RATE_IACT])
    bits_in = least_iact * dram_i[c0] + weights * dram_w[m0]
    if objective == at.DRAM:  # a sharper bound, too slow where it decides little
        held = least_iact * pairs_i[c0] * n[at.IACT_BITS]
        bits_in = least_fetched(n, k, mt[m0], ka, windows, least_iact * dram_i[c0], weights * dram_w[m0], held, resting)
    bits_out = outputs * f[at.OACT_BITS]
    hidden = (bits_in if n[at.HIDE_IACT] else weights * dram_w[m0]) / 8.0 * f[at.BYTE_CYCLES]
    late = bits_out / 8.0 * f[at.BYTE_CYCLES] if n[at.HIDE_OACT] else 0.0
    side = max(side, max(hidden, late) if n[at.DUPLEX] else hidden + late)
    serial = n[at.CONFIG] + 2.0 * f[at.LATENCY]  # a read and a write at least
    if n[at.HIDE_WEIGHT]:
        side = max(side, fill)
    else:
        serial += fill
    if not n[at.HIDE_IACT]:
        serial += least_iact * dram_i[c0] / 8.0 * f[at.BYTE_CYCLES]
    if not n[at.HIDE_OACT]:
        serial += bits_out / 8.0 * f[at.BYTE_CYCLES]
    cycles = np.ceil((side + serial) * SLACK - ROUNDING)  # exact, so that ties are seen

    planes = float(n[at.G] * n[at.N] * n[at.C])
    chain = outputs * ct[c0, T_UNITS] * n[at.R]
    macs = outputs * n[at.C] * n[at.R] * n[at.S]
    into = outputs * (ka - first)
    joules = f[at.E_FIXED] + f[at.EXECUTED] * (1.0 - chain / macs) * f[at.E_SPAD_P]
    joules += into * f[at.E_ENTER_P] + outputs * ka * f[at.E_GIVE_P]
    if not n[at.READ_PER_MAC]:
        joules += macs / n[at.M] * f[at.IACT_DENSITY] * mt[m0, T_UNITS] * f[at.E_SPAD_IR]
    joules += f[at.SPAD_W_SHARE] * mt[m0, T_ALL_SLOTS] * f[at.E_SPAD_WR]
    if resting:
        joules += (into + (0.0 if final else outputs)) * f[at.E_GLB_PR] + outputs * (ka - final) * f[at.E_GLB_PW]
    clusters = ct[c0, T_CLUSTERS] * k[K_KR]
    joules += (chain - outputs * clusters) * f[at.E_LOCAL] + outputs * (clusters - ka) * f[at.E_HOP_P]
    joules += planes * n[at.P] * n[at.R] * k[K_COLS_PE] * mt[m0, T_UNITS] * pairs_i[c0] * f[at.E_GIVE_I]
    joules += weights * k[K_UNITS] * pairs_w[m0] * f[at.E_GIVE_W]
    joules += planes * k[K_SENT0] * mt[m0, T_TILES] * pairs_i[c0] * f[at.E_SEND_I]
    joules += weights * pairs_w[m0] * f[at.E_SEND_W]
    joules += bits_in * f[at.E_DRAM_READ] + bits_out * f[at.E_DRAM_WRITE]
    active = k[K_ACTIVE] * mt[m0, T_TOP] * ct[c0, T_TOP]
    step = active * f[at.E_ACTIVE] + (n[at.PES] - active) * f[at.E_IDLE] + f[at.E_CYCLE]
    step = min(step, n[at.PES] * f[at.E_ACTIVE] + f[at.E_CYCLE])
    return cycles, joules + cycles * step, bits_in + bits_out


@kernel(helper=True)
def key(objective, cycles, joules, bits):
    """What an objective compares, and what breaks its ties."""
    if objective == at.ENERGY:
        return joules, cycles
    if objective == at.CYCLES:
        return cycles, joules
    if objective == at.EDP:
        return joules * cycles, cycles
    return bits, cycles


@kernel(helper=True)
def pairs_within(n, fits, grouped, parts, top_c, whole):
    """Count the choices of M0, C0 and a grouping of filter passes within the SPads, for `parts` parts of M.

    grouped: int64 [at most REMEMBERED + 1], groupings of so many filter passes, once they are known (0: not yet);
    whole: only with all the channels of a part in a PE, `top_c` of them.
    """
    count = 0
    for m0 in range(1, min(n[at.MAX_M0], cdiv(n[at.M], parts)) + 1):
        tiles = cdiv(n[at.M], m0 * parts)
        groupings = grouped[tiles] if tiles < grouped.size else 0
        if groupings == 0:
            groupings = choices(tiles, 1, tiles)
            if tiles < grouped.size:
                grouped[tiles] = groupings
        for c0 in range(top_c if whole else 1, top_c + 1):
            if fits[m0, c0]:
                count += groupings
    return count


@kernel()
def survey(
    n, f, slots, pairs_i, pairs_w, dram_i, dram_w, fits, least_iact, configs, objective, limit, first, second, counts
):
    """Bound every spatial configuration from below, and count its mappings.

    configs: int64 (configurations, at.PLACES); limit: key of the best mapping known (infinity for none); first,
    second: float64 outputs, the two parts of the objective's key (infinity where the limit cannot be beaten);
    counts: int64 output, temporal choices of each configuration within the SPad limits.
    """
    k = np.empty(K_SIZE, np.float64)
    mt = np.empty((n[at.MAX_M0] + 1, T_SIZE), np.float64)
    ct = np.empty((n[at.MAX_C0] + 1, T_SIZE), np.float64)
    grouped = np.zeros(min(n[at.M], REMEMBERED) + 1, np.int64)
    pairs = np.full((2, n[at.PES] + 1, n[at.MAX_C0] + 1), -1, np.int64)  # by parts of M and most channels, once known
    spans = np.zeros(n[at.PES] + 1, np.int64)  # tile lengths of Q over so many parts, likewise
    slot_of_filter = np.inf
    for m0 in range(1, n[at.MAX_M0] + 1):
        slot_of_filter = min(slot_of_filter, slots[m0] / m0)
    kept = 0
    for keep in range(4):
        kept += (n[at.KEEP_MASK] >> keep) & 1
    for i in range(configs.shape[0]):
        s = configs[i]
        positions = choices(n[at.N], s[at.RN] * s[at.KN] * s[at.YN] * s[at.XN], n[at.N]) * choices(
            n[at.P], s[at.RP] * s[at.KP] * s[at.YP] * s[at.XP], n[at.LIMIT_P0]
        )
        if not n[at.WHOLE_Q]:
            q_parts = s[at.RQ] * s[at.KQ] * s[at.YQ] * s[at.XQ]
            if spans[q_parts] == 0:
                spans[q_parts] = choices(n[at.Q], q_parts, n[at.Q])
            positions *= spans[q_parts]
        # A chain of psums over clusters must end in one pass where psums cannot return.
        parts = s[at.RM] * s[at.KM] * s[at.YM] * s[at.XM]
        filters = cdiv(n[at.M], parts)
        channels = cdiv(n[at.C], s[at.RC] * s[at.YC])
        top_c = min(n[at.MAX_C0], channels)
        chained = 1 if s[at.RC] > 1 and not n[at.PSUMS_RETURN] else 0
        first[i] = np.inf
        second[i] = np.inf
        counts[i] = 0
        if chained and (s[at.YR] < n[at.R] or top_c < channels):
            continue
        if pairs[chained, parts, top_c] < 0:
            pairs[chained, parts, top_c] = pairs_within(n, fits, grouped, parts, top_c, chained == 1)
        counts[i] = positions * kept * pairs[chained, parts, top_c]
        configure(n, s, k)
        slot = k[K_WINDOWS] * k[K_KR] * n[at.S] * f[at.IACT_DENSITY]
        service = 0.0 if n[at.HIDE_SERVICE] else k[K_WINDOWS] * f[at.SERVICE]
        if objective == at.CYCLES:
            least = slot * channels * filters * slot_of_filter + service * k[K_KR] * filters
            if (least - ROUNDING) * SLACK > limit:
                continue  # its PEs alone take longer
        top_m, _ = fill_tables(n, s, slots, mt, ct)
        least1 = np.inf
        least2 = np.inf
        for m0 in range(top_m, 0, -1):
            for c0 in range(top_c, top_c - 1 if chained else 0, -1):
                if not fits[m0, c0]:
                    continue
                if objective == at.CYCLES:
                    ka = ct[c0, T_TILES] * k[K_KR]
                    least = slot * ct[c0, T_STEPS] * mt[m0, T_SLOTS] + service * ka * mt[m0, T_STEPS]
                    if (least - ROUNDING) * SLACK > min(least1, limit):
                        continue  # its PEs alone take longer than another choice does in all
                cycles, joules, bits = pair_bound(
                    n, f, k, mt, ct, m0, c0, pairs_i, pairs_w, dram_i, dram_w, least_iact, objective
                )
                a, b = key(objective, cycles, joules, bits)
                least1 = min(least1, a)
                least2 = min(least2, b)
        first[i] = least1
        second[i] = least2
