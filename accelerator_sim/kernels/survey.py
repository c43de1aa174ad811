"""Lower bounds: what no temporal choice of a spatial configuration can beat; and how many choices there are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import (
    cdiv,
    cut_channels,
    cut_columns,
    cut_filters,
    cut_images,
    cut_rows,
)
from accelerator_sim.kernels.goal import (
    SLACK,
    Cost,
    Transfers,
    all_cycles,
    channel_cycles,
    key,
    step_joules,
    unlimited_cycles,
)
from accelerator_sim.kernels.pair import compute_cycles, configure, pair_of, service_cycles
from accelerator_sim.kernels.rounding import CYCLE_SLIP
from accelerator_sim.kernels.tile_tables import WEIGHT_COLUMNS, Tables, WeightTile, choices, fill_weight_tables

REMEMBERED = 1 << 16
"""Filter passes whose groupings are counted once: 512 KiB, and more filters than layers have outside of experiments."""


class Bounds(NamedTuple):
    """Outputs of `survey`, one entry per spatial configuration."""

    first: Any
    second: Any
    """float64: lower bounds of the two parts of the objective's key (infinity where the limit cannot be beaten)."""
    counts: Any
    """int64: temporal choices within the SPad limits."""
    free: Any
    """float64: lower bounds of the cycles with an off-chip channel without a limit, for the objective CYCLES (infinity
    where the limit cannot be beaten)."""


class Counted(NamedTuple):
    """What has been counted before, int64."""

    groupings: Any
    """[at most REMEMBERED + 1]: groupings of so many filter passes (0: not yet)."""
    pairs: Any
    """[2, parts of M + 1, most C0 + 1]: choices of M0, C0 and a grouping (-1: not yet)."""
    columns: Any
    """[parts of Q + 1]: tile lengths of Q (0: not yet)."""


class Aim(NamedTuple):
    """What a survey looks for."""

    objective: Any
    limit: Any
    """Key of the best mapping known (infinity for none)."""
    filter_cycles: Any
    """Cycles of a filter for an iact, at least."""


# --- counting --------------------------------------------------------------------------------------------------------
@kernel(helper=True, reference_counts=False)
def groupings_of(tiles, grouped):
    """Number of groupings of so many filter passes."""
    known = grouped[tiles] if tiles < grouped.size else 0
    if known == 0:
        known = choices(tiles, 1, tiles)
        if tiles < grouped.size:
            grouped[tiles] = known
    return known


@kernel(helper=True, reference_counts=False)
def pairs_within(packed, grouped, parts, top_c, whole):
    """Count the choices of M0, C0 and a grouping of filter passes within the SPads, for `parts` parts of M.

    whole: only with all the channels of a part in a PE, `top_c` of them.
    """
    n, count = packed.n, 0
    for m0 in range(1, min(n[at.MAX_M0], cdiv(n[at.M], parts)) + 1):
        groupings = groupings_of(cdiv(n[at.M], m0 * parts), grouped)
        for c0 in range(top_c if whole else 1, top_c + 1):
            if packed.fits[m0, c0]:
                count += groupings
    return count


@kernel(spliced=True)
def positions_within(n, s, counted):
    """Count the tile lengths of positions."""
    images, rows, columns = cut_images(s), cut_rows(s), cut_columns(s)
    count = choices(n[at.N], images.clusters * images.local, n[at.N])
    count *= choices(n[at.P], rows.clusters * rows.local, n[at.LIMIT_P0])
    if not n[at.WHOLE_Q]:
        parts = columns.clusters * columns.local
        if counted.columns[parts] == 0:
            counted.columns[parts] = choices(n[at.Q], parts, n[at.Q])
        count *= counted.columns[parts]
    return count


@kernel(spliced=True)
def choices_within(packed, s, counted, top_c, chained):
    """Count the temporal choices of one spatial configuration."""
    n, cut = packed.n, cut_filters(s)
    parts, whole = cut.clusters * cut.local, 1 if chained else 0
    if counted.pairs[whole, parts, top_c] < 0:
        counted.pairs[whole, parts, top_c] = pairs_within(packed, counted.groupings, parts, top_c, chained)
    kept = 0
    for keep in range(4):
        kept += (n[at.KEEP_MASK] >> keep) & 1
    return positions_within(n, s, counted) * kept * counted.pairs[whole, parts, top_c]


# --- bounds ----------------------------------------------------------------------------------------------------------
@kernel(helper=True, reference_counts=False)
def psum_rounds(packed, spatial, filters):
    """Rounds of weights times rounds of iacts, at least: psums of a group over those that fit (1: unlimited).

    filters: of the busiest PE.
    """
    n = packed.n
    room = n[at.SHARED_BANKS] * n[at.SHARED_BITS] if n[at.SHARE_PSUM] else n[at.PSUM_CAP]
    most = max(room // n[at.PSUM_BITS], 1)
    if n[at.FLAT]:
        return max(spatial.outputs / spatial.group_tiles / most, 1.0)
    return max(spatial.windows / spatial.group_tiles * filters * n[at.PSUM_COLUMNS] / most, 1.0)


@kernel(helper=True, reference_counts=False)
def least_fetched(packed, spatial, tables, pair):
    """Lower bound of the bits read off-chip.

    Psums that rest in the GLB limit its tiles: (rounds of weights) x (rounds of iacts) is at least x, the psums of a
    group over the psums that fit, and the least of i r + w x / r follows.  Iacts that stay in the GLB come once, but
    weights then come as often as the GLB is filled.  Weights that stay come once.
    """
    n = packed.n
    iacts, weights = packed.least_iact * packed.dram_i[pair.c0], spatial.weights * packed.dram_w[pair.m0]
    if not pair.resting or (n[at.KEEP_MASK] >> at.KEEP_WEIGHT) & 1 or (n[at.SHARE_PSUM] and not n[at.FLAT]):
        return iacts + weights
    x = psum_rounds(packed, spatial, tables.filters[pair.m0, WeightTile.STEPS])
    least = np.inf
    if pair.accumulations == 1 and (pair.filter_tiles == 1.0 or (n[at.KEEP_MASK] >> at.KEEP_PE_WEIGHT) & 1):
        least = iacts * pair.filter_tiles + weights
    if (n[at.KEEP_MASK] >> at.KEEP_IACT) & 1:
        room = n[at.SHARED_BANKS] * n[at.SHARED_BITS] if n[at.SHARE_IACT] else n[at.IACT_CAP]
        held = packed.least_iact * packed.pairs_i[pair.c0] * n[at.IACT_BITS]
        fills = held / (float(room) * n[at.CLUSTERS]) / spatial.group_tiles
        least = min(least, iacts + weights * max(max(fills, x / pair.filter_tiles), 1.0))
    if weights * x <= iacts:
        return min(least, iacts + weights * x)
    if weights >= iacts * x:
        return min(least, iacts * x + weights)
    return min(least, 2.0 * np.sqrt(iacts * weights * x))


@kernel(spliced=True)
def least_busy(spatial, pair):
    """Lower bound of the cycles of the busiest PE, port or bank, over all temporal choices with one M0 and C0."""
    return max(max(pair.pe_cycles + pair.stage_cycles, pair.psum_cycles), pair.iact_cycles * spatial.port_inputs)


@kernel(spliced=True)
def free_cycles(packed, spatial, pair):
    """Lower bound of the cycles with an off-chip channel without a limit: at most that of `bound_of`."""
    cycles = unlimited_cycles(packed, least_busy(spatial, pair), pair.weight_cycles, 2.0)
    return np.ceil(cycles * SLACK - CYCLE_SLIP)


@kernel(spliced=True)
def bound_of(packed, spatial, tables, pair, objective):
    """Lower bounds over all temporal choices with one M0 and C0."""
    n, f = packed.n, packed.f
    iacts, weights = packed.least_iact * packed.dram_i[pair.c0], spatial.weights * packed.dram_w[pair.m0]
    reads, writes = iacts + weights, spatial.output_bits
    if objective == at.DRAM:  # a sharper bound, too slow where it decides little
        reads = least_fetched(packed, spatial, tables, pair)
    busy = least_busy(spatial, pair)
    hidden = channel_cycles(packed, reads if n[at.HIDE_IACT] else weights)
    shown = 0.0 if n[at.HIDE_IACT] else channel_cycles(packed, iacts)
    transfers = Transfers(hidden, shown, 2.0)  # a read and a write at least
    cycles = all_cycles(packed, spatial, busy, pair.weight_cycles, 0.0, transfers)
    cycles = np.ceil(cycles * SLACK - CYCLE_SLIP)  # exact, so that ties are seen

    joules = pair.joules + pair.give_iact_joules * spatial.columns
    joules += pair.stored_weights * spatial.units * f[at.GIVE_WEIGHT_J]
    joules += pair.sent_iacts * spatial.sent_inputs * pair.filter_tiles * f[at.SEND_IACT_J]
    joules += pair.stored_weights * f[at.SEND_WEIGHT_J]
    joules += reads * f[at.DRAM_READ_J] + writes * f[at.DRAM_WRITE_J]
    step = min(step_joules(spatial, pair.active * spatial.units), step_joules(spatial, float(n[at.PES])))
    return Cost(cycles, joules + cycles * step, reads + writes)


@kernel(spliced=True)
def least_pe_cycles(packed, spatial, tables, m0, c0):
    """Cycles of the busiest PE at least: quicker to find than all bounds."""
    n, m, c = packed.n, tables.filters[m0], tables.channels[c0]
    least = compute_cycles(packed, spatial, c[WeightTile.STEPS], m[WeightTile.CYCLES])
    if n[at.HIDE_SERVICE]:
        return least
    accumulations = c[WeightTile.TILES] * spatial.tap_passes
    return least + service_cycles(packed, spatial, accumulations, m[WeightTile.STEPS])


@kernel(spliced=True)
def is_too_long(cycles, limit):
    """Whether so many cycles, not rounded, are more than a limit."""
    return (cycles - CYCLE_SLIP) * SLACK > limit


@kernel(spliced=True)
def is_always_too_long(packed, spatial, filters, channels, aim):
    """Whether the PEs of a configuration take longer than the limit, whatever M0 and C0.

    filters, channels: of the busiest PE.
    """
    least = compute_cycles(packed, spatial, channels, filters * aim.filter_cycles)
    if not packed.n[at.HIDE_SERVICE]:
        least += service_cycles(packed, spatial, spatial.tap_passes, filters)
    return is_too_long(least, aim.limit)


@kernel(spliced=True)
def note_no_better(packed, tables, top_m, top_c):
    """Note each M0 and C0 whose next larger one has bounds that are no higher.

    Bounds read nothing else of the tables; they grow with the slots and with the words that are stored and fetched.
    """
    for m0 in range(1, top_m):
        one, two = tables.filters[m0], tables.filters[m0 + 1]
        same = one[WeightTile.TILES] == two[WeightTile.TILES] and one[WeightTile.STEPS] == two[WeightTile.STEPS]
        same = same and one[WeightTile.UNITS] == two[WeightTile.UNITS]
        same = same and one[WeightTile.ROW_STEPS] == two[WeightTile.ROW_STEPS]
        same = same and one[WeightTile.TOP_UNITS] == two[WeightTile.TOP_UNITS]
        more = (
            one[WeightTile.CYCLES] >= two[WeightTile.CYCLES] and one[WeightTile.ALL_SLOTS] >= two[WeightTile.ALL_SLOTS]
        )
        for column in (WeightTile.VARIANCE, WeightTile.UNPAIRED, WeightTile.SERVICE):
            more = more and one[column] >= two[column]
        more = more and packed.pairs_w[m0] >= packed.pairs_w[m0 + 1] and packed.dram_w[m0] >= packed.dram_w[m0 + 1]
        more = more and packed.port_w[m0] >= packed.port_w[m0 + 1]
        one[WeightTile.NO_BETTER] = 1.0 if same and more else 0.0
    for c0 in range(1, top_c):
        one, two = tables.channels[c0], tables.channels[c0 + 1]
        same = one[WeightTile.TILES] == two[WeightTile.TILES] and one[WeightTile.STEPS] == two[WeightTile.STEPS]
        same = same and one[WeightTile.UNITS] == two[WeightTile.UNITS]
        same = same and one[WeightTile.CLUSTERS] == two[WeightTile.CLUSTERS]
        same = same and one[WeightTile.CLUSTER_STEPS] == two[WeightTile.CLUSTER_STEPS]
        same = same and one[WeightTile.TOP_UNITS] == two[WeightTile.TOP_UNITS]
        more = packed.pairs_i[c0] >= packed.pairs_i[c0 + 1] and packed.dram_i[c0] >= packed.dram_i[c0 + 1]
        more = more and packed.sent_i[c0] >= packed.sent_i[c0 + 1] and packed.filler_i[c0] <= packed.filler_i[c0 + 1]
        one[WeightTile.NO_BETTER] = 1.0 if same and more else 0.0
    tables.filters[top_m, WeightTile.NO_BETTER] = tables.channels[top_c, WeightTile.NO_BETTER] = 0.0


@kernel(spliced=True)
def is_no_better(packed, tables, m0, c0):
    """Whether a larger M0 or C0 that fits, which is bounded before, has bounds that are no higher."""
    if tables.channels[c0, WeightTile.NO_BETTER] == 1.0 and packed.fits[m0, c0 + 1]:
        return True
    return tables.filters[m0, WeightTile.NO_BETTER] == 1.0 and packed.fits[m0 + 1, c0]


@kernel(spliced=True)
def bound_configuration(packed, spatial, tables, tops, aim):
    """Lower bounds of the two parts of the key of one spatial configuration, and of its cycles (see `Bounds.free`).

    tops: the largest M0, and the smallest and the largest C0.
    """
    first = second = free = np.inf
    top_m, low_c, top_c = tops
    # The sharper bound of off-chip traffic is rounded in other ways in different cases: nothing is left out there.
    all_of_them = aim.objective == at.DRAM
    for m0 in range(top_m, 0, -1):
        for c0 in range(top_c, low_c - 1, -1):
            if not packed.fits[m0, c0] or (not all_of_them and is_no_better(packed, tables, m0, c0)):
                continue
            if aim.objective == at.CYCLES:
                least = least_pe_cycles(packed, spatial, tables, m0, c0)
                if is_too_long(least, min(first, aim.limit)):
                    continue  # its PEs alone take longer than another choice does in all
            pair = pair_of(packed, spatial, tables, m0, c0)
            a, b = key(aim.objective, bound_of(packed, spatial, tables, pair, aim.objective))
            first = min(first, a)
            second = min(second, b)
            if aim.objective == at.CYCLES:
                free = min(free, free_cycles(packed, spatial, pair))
    return first, second, free


@kernel(spliced=True)
def survey_one(packed, s, tables, counted, aim):
    """Bounds of one spatial configuration, as in `Bounds`."""
    n = packed.n
    m, c = cut_filters(s), cut_channels(s)
    filters, channels = cdiv(n[at.M], m.clusters * m.local), cdiv(n[at.C], c.clusters * c.local)
    top_c = min(n[at.MAX_C0], channels)
    # A chain of psums over clusters must end in one pass where psums cannot return.
    chained = s[at.RC] > 1 and not n[at.PSUMS_RETURN]
    if chained and (n[at.TAP_TILES] > 1 or s[at.YR] < n[at.R] or top_c < channels):
        return np.inf, np.inf, 0, np.inf
    count = choices_within(packed, s, counted, top_c, chained)
    spatial = configure(packed, s)
    if aim.objective == at.CYCLES and is_always_too_long(packed, spatial, filters, channels, aim):
        return np.inf, np.inf, count, np.inf
    top_m, _ = fill_weight_tables(packed, s, tables)
    note_no_better(packed, tables, top_m, top_c)
    first, second, free = bound_configuration(packed, spatial, tables, (top_m, top_c if chained else 1, top_c), aim)
    return first, second, count, free


@kernel(helper=True, reference_counts=False)
def least_filter_cycles(packed):
    """Cycles of a filter for an iact, at least."""
    least = np.inf
    for m0 in range(1, packed.n[at.MAX_M0] + 1):
        least = min(least, packed.cycles[m0] / m0)
    return least


@kernel()
def survey(packed, configs, objective, limit, bounds):
    """Bound every spatial configuration from below, and count its mappings.

    configs: int64 (configurations, at.PLACES); limit: key of the best mapping known (infinity for none); bounds: the
    outputs.
    """
    n = packed.n
    nothing = np.empty((0, 0), np.float64)
    filters = np.empty((n[at.MAX_M0] + 1, WEIGHT_COLUMNS), np.float64)
    channels = np.empty((n[at.MAX_C0] + 1, WEIGHT_COLUMNS), np.float64)
    tables = Tables(filters, channels, nothing, nothing, nothing)
    grouped = np.zeros(min(n[at.M], REMEMBERED) + 1, np.int64)
    pairs = np.full((2, n[at.PES] + 1, n[at.MAX_C0] + 1), -1, np.int64)
    counted = Counted(grouped, pairs, np.zeros(n[at.PES] + 1, np.int64))
    aim = Aim(objective, limit, least_filter_cycles(packed))
    for i in range(configs.shape[0]):
        first, second, count, free = survey_one(packed, configs[i], tables, counted, aim)
        bounds.first[i], bounds.second[i], bounds.counts[i], bounds.free[i] = first, second, count, free
