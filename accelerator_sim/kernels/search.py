"""The mapping search: pruned enumeration of every legal mapping of one layer, in closed form.

`survey` gives each spatial configuration a lower bound of its cost; `search` visits the configurations from the
lowest bound up, and in each every temporal choice, and stops when no bound can beat the best mapping found.  The
closed forms are those of `simulation.schedule` and `simulation.analytical`, regrouped so that what an outer loop
fixes is computed there; tests compare the two on random mappings.
"""

from __future__ import annotations

import numpy as np

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import cdiv
from accelerator_sim.kernels.survey import (
    K_CHIP,
    K_GCLUSTER,
    K_GROW,
    K_KG,
    K_KR,
    K_SIZE,
    K_WINDOWS,
    ROUNDING,
    SLACK,
    T_ALL_SLOTS,
    T_CLUSTER,
    T_CLUSTERS,
    T_LENGTH,
    T_ROW,
    T_ROWS,
    T_SIZE,
    T_SLOTS,
    T_STEPS,
    T_TILES,
    T_TOP,
    T_UNITS,
    configure,
    fill_tables,
    key,
    pair_bound,
)
from accelerator_sim.kernels.tables import (
    B_CLUSTER,
    B_CLUSTERS,
    B_FETCHED,
    B_FILL_PORT,
    B_FILLED,
    B_FIRST,
    B_GIVEN,
    B_HELD,
    B_KEPT,
    B_PORT,
    B_ROWS,
    B_SENT,
    B_SIZE,
    B_TILE,
    B_TILES,
    B_TOP,
    B_TOP_CLUSTERS,
    B_TOP_ROWS,
    B_UNITS,
    block_table,
    choices,
    next_length,
    strip_table,
)


@kernel(helper=True)
def exposed(n, of_group, tiles, filter_passes, accumulations, weight_rounds, iact_rounds):
    """Requests to the off-chip channel whose latency the array waits for (`simulation.analytical`)."""
    reads = 1.0 if n[at.AHEAD] else of_group * filter_passes * accumulations * weight_rounds
    if not n[at.HIDE_IACT]:
        reads = max(reads, of_group * tiles * iact_rounds)
    return reads + (1.0 if n[at.HIDE_OACT] else of_group * tiles * filter_passes)


@kernel(helper=True)
def fits_glb(shared, iacts, psums, limit_i, limit_p, owners, pairs, bits_i, bits_p, bank_bits, banks):
    """Whether tiles of so many iacts and psums fit: against a limit each, or in whole banks of a shared GLB.

    owners: clusters that share the iacts; pairs: words stored per iact; bits_i, bits_p: of a word, 0 for a data type
    that is not in the shared banks.  Words are whole, as in `legality.glb_use`.
    """
    if iacts > limit_i or psums > limit_p:
        return False
    if not shared:
        return True
    words = np.ceil(np.ceil(iacts / owners) * pairs)
    return np.ceil(words * bits_i / bank_bits) + np.ceil(psums * bits_p / bank_bits) <= banks


@kernel()
def search(
    n,
    f,
    slots,
    pairs_i,
    pairs_w,
    dram_i,
    dram_w,
    fits,
    least_iact,
    configs,
    order,
    first,
    second,
    objective,
    exhaustive,
    best,
    values,
):
    """Find the best mapping.

    order: int64, configurations from the lowest bound up; exhaustive: cost every legal mapping, prune nothing;
    best: int64 output (1 + at.TIMES): configuration and temporal choice, best[0] = -1 on entry for no incumbent;
    values: float64 (4) in and out: key of the best mapping (two parts), its cycles, its joules.

    Returns the number of mappings whose cost was computed in full.
    """
    k = np.empty(K_SIZE, np.float64)
    mt = np.empty((n[at.MAX_M0] + 1, T_SIZE), np.float64)
    ct = np.empty((n[at.MAX_C0] + 1, T_SIZE), np.float64)
    nt = np.empty((choices(n[at.N], 1, n[at.N]), B_SIZE), np.float64)
    pt = np.empty((choices(n[at.P], 1, n[at.P]), B_SIZE), np.float64)
    qt = np.empty((choices(n[at.Q], 1, n[at.Q]), B_SIZE), np.float64)
    outputs = float(n[at.G] * n[at.N] * n[at.M] * n[at.P] * n[at.Q])
    weights = float(n[at.G] * n[at.M] * n[at.C] * n[at.R] * n[at.S])
    planes = float(n[at.G] * n[at.N] * n[at.C])
    macs = outputs * n[at.C] * n[at.R] * n[at.S]
    final = n[at.PSUM_FINAL]
    begin = 0 if n[at.READ_FIRST] else 1
    taps = n[at.S]
    bits_out = outputs * f[at.OACT_BITS]
    out_cycles = bits_out / 8.0 * f[at.BYTE_CYCLES]
    costed = 0
    for position in range(order.shape[0]):
        index = order[position]
        if not exhaustive and best[0] >= 0:
            if first[index] * SLACK > values[0]:
                break
            if first[index] >= values[0] and (second[index] * SLACK > values[1] or values[1] <= 0.0):
                continue
        s = configs[index]
        configure(n, s, k)
        top_m, top_c = fill_tables(n, s, slots, mt, ct)
        images = block_table(n, n[at.N], s[at.RN] * s[at.KN], s[at.YN] * s[at.XN], s[at.KN], False, nt)
        lines = strip_table(n, s, pt)
        spans = block_table(n, n[at.Q], s[at.RQ] * s[at.KQ], s[at.YQ] * s[at.XQ], s[at.KQ], True, qt)
        shares = s[at.RM] * s[at.KM]
        contention = s[at.RC] if s[at.RM] > 1 else 1
        multicast = s[at.KM] * s[at.KG] == 1
        step_n = s[at.KQ] * s[at.KP]
        step_q = s[at.KP]
        no_shared_rows = n[at.R] == 1 or n[at.ROW_STRIDE] >= n[at.ROW_EXTENT]
        no_shared_columns = s[at.YQ] * s[at.XQ] == 1 or n[at.COL_STRIDE] >= n[at.COL_EXTENT]
        may_bypass = n[at.IACT_BYPASS] and k[K_KR] == 1 and no_shared_rows and no_shared_columns
        r_top = min(n[at.R], s[at.YR])
        chip_groups = min(n[at.G], int(k[K_CHIP]))
        idle = n[at.PES] * f[at.E_IDLE] + f[at.E_CYCLE]
        busy = f[at.E_ACTIVE] - f[at.E_IDLE]
        for m0 in range(1, top_m + 1):
            m = mt[m0]
            groups = int(m[T_TILES])
            for c0 in range(1, top_c + 1):
                if not fits[m0, c0]:
                    continue
                c = ct[c0]
                ka = c[T_TILES] * k[K_KR]
                if s[at.RC] > 1 and ka > 1 and not n[at.PSUMS_RETURN]:
                    continue
                if not exhaustive and best[0] >= 0:
                    b_cycles, b_joules, b_bits = pair_bound(
                        n, f, k, mt, ct, m0, c0, pairs_i, pairs_w, dram_i, dram_w, least_iact, objective
                    )
                    b1, b2 = key(objective, b_cycles, b_joules, b_bits)
                    if b1 * SLACK > values[0]:
                        continue
                    if b1 >= values[0] and (b2 * SLACK > values[1] or values[1] <= 0.0):
                        continue
                # What does not depend on the tiles of positions.
                resting = not (ka == 1 and final)
                into = outputs * (ka - begin)
                compute = k[K_WINDOWS] * c[T_STEPS] * k[K_KR] * taps * f[at.IACT_DENSITY] * m[T_SLOTS]
                service = k[K_WINDOWS] * ka * m[T_STEPS] * f[at.SERVICE]
                pe0 = max(compute, service) if n[at.HIDE_SERVICE] else compute + service
                if n[at.ONE_SOURCE]:
                    side0 = max(outputs * ka, into) / f[at.RATE_PSUM]
                else:
                    column = k[K_WINDOWS] * m[T_STEPS]
                    side0 = max(column * ka, column * (ka - begin)) / f[at.RATE_PSUM]
                    if resting and not n[at.FLAT]:
                        reads = column * (ka - begin) + (0.0 if final else column)
                        writes = column * (ka - final)
                        words = reads + writes if n[at.PSUM_PORTS] == 1 else max(reads, writes)
                        side0 = max(side0, words / f[at.BANK_PSUM])
                chain = outputs * c[T_UNITS] * n[at.R]
                clusters = c[T_CLUSTERS] * k[K_KR]
                joules0 = f[at.E_FIXED] + f[at.EXECUTED] * (1.0 - chain / macs) * f[at.E_SPAD_P]
                joules0 += into * f[at.E_ENTER_P] + outputs * ka * f[at.E_GIVE_P]
                if not n[at.READ_PER_MAC]:
                    joules0 += macs / n[at.M] * f[at.IACT_DENSITY] * m[T_UNITS] * f[at.E_SPAD_IR]
                joules0 += f[at.SPAD_W_SHARE] * m[T_ALL_SLOTS] * f[at.E_SPAD_WR]
                if resting:
                    drained = 0.0 if final else outputs
                    joules0 += (into + drained) * f[at.E_GLB_PR] + outputs * (ka - final) * f[at.E_GLB_PW]
                joules0 += (chain - outputs * clusters) * f[at.E_LOCAL] + outputs * (clusters - ka) * f[at.E_HOP_P]
                joules0 += bits_out * f[at.E_DRAM_WRITE]
                links = (m[T_ROWS] - groups) * s[at.RC] + (m[T_CLUSTERS] - m[T_ROWS])
                give_i = planes * n[at.P] * n[at.R] * m[T_UNITS] * pairs_i[c0] * f[at.E_GIVE_I]
                sent_i = planes * pairs_i[c0]
                port_i = groups * k[K_GCLUSTER] * c[T_CLUSTER] * pairs_i[c0] / f[at.RATE_IACT]
                if n[at.ONE_SOURCE]:
                    port_w = weights * pairs_w[m0] / f[at.RATE_WEIGHT]
                else:
                    port_w = k[K_GROW] * m[T_ROW] * c[T_STEPS] * k[K_KR] * taps * pairs_w[m0] / f[at.RATE_WEIGHT]
                passes0 = k[K_KG] * ka * groups * n[at.STAGES]
                if n[at.ONE_SOURCE]:
                    drain0 = 2.0 * ka * n[at.G] * n[at.M] / f[at.RATE_PSUM]
                else:
                    drain0 = 2.0 * ka * k[K_KG] * m[T_STEPS] / f[at.RATE_PSUM]
                if n[at.HIDE_DRAIN]:
                    drain0 = 0.0
                active0 = chip_groups * m[T_TOP] * c[T_TOP] * r_top
                bank0 = 0.0
                if not n[at.FLAT]:
                    bank0 = pairs_i[c0] / (shares * f[at.BANK_IACT])
                cluster_bank = k[K_GCLUSTER] * c[T_CLUSTER] * bank0
                fill_i = port_i * taps
                if not n[at.PRIVATE]:
                    fill_i *= s[at.YQ] * s[at.XQ] * s[at.YN] * s[at.XN]
                unshared = not n[at.PRIVATE] or m[T_UNITS] == m[T_TILES]
                hop_i = links * f[at.E_HOP_I]
                stored = weights * pairs_w[m0]
                give_w = stored * f[at.E_GIVE_W]
                hop_w = stored * f[at.E_HOP_W]
                send_w = stored * f[at.E_SEND_W]
                glb_wr = stored * f[at.E_GLB_WR]
                glb_ww = stored * f[at.E_GLB_WW]
                room_i = np.inf
                if pairs_i[c0] > 0.0:
                    capacity = n[at.IACT_CAP] // n[at.IACT_BITS]
                    room_i = np.floor(capacity / pairs_i[c0])
                    if np.ceil(room_i * pairs_i[c0]) > capacity:  # rounded up
                        room_i -= 1.0
                m2 = groups
                while True:
                    filter_tiles = cdiv(groups, m2)
                    for keep in range(4):
                        if not (n[at.KEEP_MASK] >> keep) & 1:
                            continue
                        if keep == at.KEEP_PE_WEIGHT and (ka > 1 or m2 > 1):
                            continue
                        # Nothing changes that could be kept, and no requests are saved by fetching all channels at
                        # once.
                        requests = keep == at.KEEP_IACT and c[T_TILES] > 1 and f[at.LATENCY] > 0.0
                        same = keep == at.KEEP_PE_WEIGHT or (keep == at.KEEP_IACT and not requests)
                        if not exhaustive and filter_tiles == 1 and same:
                            continue
                        rounds_i = 1 if keep == at.KEEP_IACT else filter_tiles
                        bypass = may_bypass and unshared and m2 == 1 and (keep != at.KEEP_IACT or groups == 1)
                        single = ka == 1 and (
                            groups == 1 or keep == at.KEEP_PE_WEIGHT or (keep == at.KEEP_WEIGHT and m2 == 1)
                        )
                        stored_w = keep == at.KEEP_WEIGHT or n[at.WEIGHT_THROUGH]
                        # GLB: words of the tiles per image, row and column, and their limits.
                        weight_bits = 0
                        held_m = min(n[at.M], int(m[T_LENGTH]) * m2)
                        if keep == at.KEEP_WEIGHT:
                            words = chip_groups * held_m * n[at.C] * n[at.R] * taps
                            weight_bits = int(np.ceil(words * pairs_w[m0])) * n[at.WEIGHT_BITS]
                        elif n[at.WEIGHT_THROUGH]:
                            words = chip_groups * min(n[at.M], int(m[T_LENGTH])) * min(n[at.C], int(c[T_LENGTH]))
                            weight_bits = int(np.ceil(words * r_top * taps * pairs_w[m0])) * n[at.WEIGHT_BITS]
                        banks = float(n[at.SHARED_BANKS])
                        if n[at.SHARE_WEIGHT]:
                            banks -= cdiv(weight_bits, n[at.SHARED_BITS])
                            if banks < 0:
                                continue
                        elif weight_bits > n[at.WEIGHT_CAP]:
                            continue
                        if n[at.FLAT]:
                            each_i = float(chip_groups)
                            each_i *= n[at.C] if keep == at.KEEP_IACT else min(n[at.C], int(c[T_LENGTH]))
                            each_p = float(chip_groups * held_m)
                            limit_i = room_i
                        else:
                            channels = s[at.YC] * c0 * (int(c[T_TILES]) if keep == at.KEEP_IACT else 1)
                            each_i = float(s[at.YG] * s[at.XG] * min(channels, n[at.C]))
                            each_p = float(m0 * m2 * n[at.PSUM_COLUMNS])
                            limit_i = room_i * shares
                        if bypass:
                            each_i = 0.0
                        if not resting:
                            each_p = 0.0
                        if n[at.SHARE_IACT]:
                            limit_i = np.inf
                        limit_p = np.inf if n[at.SHARE_PSUM] else float(n[at.PSUM_CAP] // n[at.PSUM_BITS])
                        owners = 1 if n[at.FLAT] else shares
                        bits_i_word = n[at.IACT_BITS] if n[at.SHARE_IACT] else 0
                        bits_p_word = n[at.PSUM_BITS] if n[at.SHARE_PSUM] else 0
                        shared = n[at.SHARE_IACT] or n[at.SHARE_PSUM]
                        for i in range(images):
                            image_i = each_i * nt[i, B_HELD]
                            image_p = each_p * nt[i, B_KEPT]
                            outer = spans if n[at.P] > 1 or exhaustive else 1
                            for j in range(outer):
                                start = 0
                                stop = lines
                                if not exhaustive:
                                    # The longest tile that fits is the best: find it by bisection.
                                    over_rows = n[at.P] > 1
                                    low = 0
                                    count = lines if over_rows else spans
                                    high = count
                                    while low < high:
                                        middle = 0 if low == 0 and high == count else (low + high) // 2
                                        y = middle if over_rows else 0
                                        x = j if over_rows else middle
                                        if fits_glb(
                                            shared, image_i * pt[y, B_HELD] * qt[x, B_HELD],
                                            image_p * pt[y, B_KEPT] * qt[x, B_KEPT], limit_i, limit_p, owners,
                                            pairs_i[c0], bits_i_word, bits_p_word, n[at.SHARED_BITS], banks,
                                        ):  # fmt: skip
                                            high = middle
                                        else:
                                            low = middle + 1
                                    start = low
                                    stop = min(low + 1, count)
                                for z in range(start, stop):
                                    y = z
                                    x = j
                                    if not exhaustive and n[at.P] == 1:
                                        y = 0
                                        x = z
                                    if exhaustive and not fits_glb(
                                        shared, image_i * pt[y, B_HELD] * qt[x, B_HELD],
                                        image_p * pt[y, B_KEPT] * qt[x, B_KEPT], limit_i, limit_p, owners,
                                        pairs_i[c0], bits_i_word, bits_p_word, n[at.SHARED_BITS], banks,
                                    ):  # fmt: skip
                                        continue
                                    costed += 1
                                    tiles = nt[i, B_TILES] * pt[y, B_TILES] * qt[x, B_TILES]
                                    if tiles == 1.0 or single:
                                        rounds_w = 1.0
                                        units = nt[i, B_TOP] * pt[y, B_TOP] * qt[x, B_TOP]
                                        targets = nt[i, B_TOP_CLUSTERS] * pt[y, B_TOP_CLUSTERS] * qt[x, B_TOP_CLUSTERS]
                                        rows_n, rows_p, rows_q = nt[i, B_TOP_ROWS], pt[y, B_TOP_ROWS], qt[x, B_TOP_ROWS]
                                        more_n = nt[i, B_TOP_CLUSTERS] - rows_n
                                        more_p = pt[y, B_TOP_CLUSTERS] - rows_p
                                        more_q = qt[x, B_TOP_CLUSTERS] - rows_q
                                    else:
                                        rounds_w = tiles
                                        units = nt[i, B_UNITS] * pt[y, B_UNITS] * qt[x, B_UNITS]
                                        targets = nt[i, B_CLUSTERS] * pt[y, B_CLUSTERS] * qt[x, B_CLUSTERS]
                                        rows_n, rows_p, rows_q = nt[i, B_ROWS], pt[y, B_ROWS], qt[x, B_ROWS]
                                        more_n = nt[i, B_CLUSTERS] - rows_n
                                        more_p = pt[y, B_CLUSTERS] - rows_p
                                        more_q = qt[x, B_CLUSTERS] - rows_q
                                    sources = targets
                                    links_w = 0.0
                                    if multicast:
                                        sources = rows_n * rows_p * rows_q
                                        links_w = rows_p * (more_n * rows_q * step_n + rows_n * more_q * step_q)
                                        links_w += rows_n * rows_q * more_p
                                    fetched_w = 1.0 if keep == at.KEEP_WEIGHT else rounds_w
                                    bits_w = weights * fetched_w * dram_w[m0]
                                    bits_i = planes * pt[y, B_FETCHED] * qt[x, B_FETCHED] * rounds_i * dram_i[c0]
                                    # cycles
                                    pe = pe0 + passes0 * tiles
                                    if n[at.ONE_SOURCE]:
                                        pe += drain0 * nt[i, B_TILES] * qt[x, B_TILES] * pt[y, B_GIVEN]
                                        fill_w = port_w * sources
                                    else:
                                        pe += drain0 * tiles
                                        fill_w = port_w * rounds_w
                                    cluster = port_i * nt[i, B_CLUSTER] * qt[x, B_PORT]
                                    side = max(max(pe, side0), cluster * pt[y, B_PORT] * contention)
                                    if bank0 > 0.0 and not bypass:
                                        words_i = cluster_bank * nt[i, B_CLUSTER]
                                        reads_i = words_i * qt[x, B_PORT] * groups * pt[y, B_PORT]
                                        writes_i = words_i * qt[x, B_FILL_PORT] * rounds_i * pt[y, B_FILL_PORT]
                                        both = reads_i + writes_i if n[at.IACT_PORTS] == 1 else max(reads_i, writes_i)
                                        side = max(side, both)
                                    serial = n[at.CONFIG] + f[at.LATENCY] * exposed(
                                        n, k[K_KG], tiles, groups, ka, fetched_w,
                                        rounds_i * (1 if keep == at.KEEP_IACT else c[T_TILES]),
                                    )  # fmt: skip
                                    if n[at.HIDE_WEIGHT]:
                                        side = max(side, fill_w)
                                    else:
                                        serial += fill_w
                                    if not n[at.HIDE_FILL]:
                                        serial += fill_i * pt[y, B_FIRST] * qt[x, B_TILES] * nt[i, B_TILES]
                                    in_cycles = bits_i / 8.0 * f[at.BYTE_CYCLES]
                                    hidden = bits_w / 8.0 * f[at.BYTE_CYCLES]
                                    late = 0.0
                                    if n[at.HIDE_IACT]:
                                        hidden += in_cycles
                                    else:
                                        serial += in_cycles
                                    if n[at.HIDE_OACT]:
                                        late = out_cycles
                                    else:
                                        serial += out_cycles
                                    side = max(side, max(hidden, late) if n[at.DUPLEX] else hidden + late)
                                    cycles = np.ceil(side + serial - ROUNDING)
                                    # joules
                                    joules = joules0 + give_i * qt[x, B_GIVEN] + (bits_i + bits_w) * f[at.E_DRAM_READ]
                                    sent = sent_i * pt[y, B_SENT] * qt[x, B_SENT]
                                    joules += sent * (hop_i + groups * f[at.E_SEND_I])
                                    if not bypass:
                                        read_i = sent * groups
                                        if n[at.PRIVATE]:
                                            read_i = sent_i * n[at.P] * n[at.R] * m[T_UNITS] * qt[x, B_GIVEN]
                                        joules += read_i * f[at.E_GLB_IR]
                                        joules += sent_i * pt[y, B_FILLED] * qt[x, B_FILLED] * rounds_i * f[at.E_GLB_IW]
                                    joules += units * give_w + links_w * hop_w + rounds_w * send_w
                                    if stored_w:
                                        read_w = units if n[at.PRIVATE] else rounds_w
                                        joules += read_w * glb_wr + fetched_w * glb_ww
                                    active = active0 * nt[i, B_TOP] * pt[y, B_TOP] * qt[x, B_TOP]
                                    joules += cycles * (idle + active * busy)
                                    v1, v2 = key(objective, cycles, joules, bits_i + bits_w + bits_out)
                                    if v1 > values[0]:
                                        continue
                                    tied = v1 == values[0] and v2 == values[1]
                                    if (v1 == values[0] and v2 > values[1]) or (tied and joules >= values[3]):
                                        continue
                                    values[0] = v1
                                    values[1] = v2
                                    values[2] = cycles
                                    values[3] = joules
                                    best[0] = index
                                    best[1 + at.M0] = m0
                                    best[1 + at.C0] = c0
                                    best[1 + at.N0] = int(nt[i, B_TILE])
                                    best[1 + at.P0] = int(pt[y, B_TILE])
                                    best[1 + at.Q0] = int(qt[x, B_TILE])
                                    best[1 + at.M2] = m2
                                    best[1 + at.STATIONARY] = keep
                    if m2 == 1:
                        break
                    m2 = next_length(groups, 1, m2)
    return costed
