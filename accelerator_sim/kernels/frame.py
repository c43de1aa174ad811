"""What the loops around the tiles of positions fix of a cost: the ways of data, M0 and C0, and what stays on chip."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import cdiv
from accelerator_sim.kernels.tile_tables import WeightTile


class Routes(NamedTuple):
    """What a spatial configuration says of the ways and places of data, int64."""

    contention: Any
    """Clusters whose iacts share the links of a column."""
    multicast: Any
    """Whether clusters of a row share weights."""
    image_step: Any
    column_step: Any
    """Cluster columns from one part of the images or output columns to the next."""
    sharers: Any
    """Clusters that share the iacts of a tile."""
    local_groups: Any
    local_channels: Any
    """Parts inside a cluster."""
    fill_parts: Any
    """Parts of images and columns inside a cluster, whose first windows come one after the other."""
    may_bypass: Any
    """Whether iacts may pass by the GLB: the file allows it, and each is read once."""


class Details(NamedTuple):
    """What M0 and C0 fix of the cost of a tile of positions, float64 unless it says otherwise."""

    channel_tiles: Any
    filter_length: Any
    channel_length: Any
    """Filters and channels of a full tile, int64."""
    unshared: Any
    """Whether no two PEs of a pass get the same iacts by links of their own, bool."""
    drain_cycles: Any
    """Cycles in which psums leave and nothing computes, per tile of positions (on one bus: and per row of it)."""
    bank_cycles: Any
    """Cycles of the iact banks of the first cluster, per word for each input of one channel (0: no banks)."""
    fill_cycles: Any
    """Cycles in which first windows enter the PEs, per row of them."""
    send_iact_joules: Any
    """Joules of sending an iact in all filter passes, its hops included, per input of one channel."""
    read_columns: Any
    """Reads of the GLB per input column, where each PE has links of its own."""
    give_weight_joules: Any
    send_weight_joules: Any
    hop_weight_joules: Any
    read_weight_joules: Any
    write_weight_joules: Any
    """Joules of all weights at a PE, at their source, on a link, and out of and into the GLB."""
    iact_room: Any
    """Iacts that the GLB has room for (infinity: any number)."""


class Kept(NamedTuple):
    """What follows from the tensor that stays and from M2."""

    keep: Any
    group: Any
    """M2; both int64."""
    rounds: Any
    """Times that each iact is fetched."""
    requests: Any
    """Requests for iacts per tile of positions."""
    bypass: Any
    """Whether iacts pass by the GLB."""
    once: Any
    """Whether weights are sent once, however many tiles of positions there are."""
    stored: Any
    """Whether weights are in the GLB."""


class Frame(NamedTuple):
    """What a spatial configuration, M0 and C0 fix, with what they follow from."""

    packed: Any
    spatial: Any
    tables: Any
    routes: Any
    pair: Any
    details: Any


@kernel(helper=True, reference_counts=False)
def routes_of(n, s):
    """The ways of data in one spatial configuration."""
    no_shared_rows = n[at.R] == 1 or n[at.ROW_STRIDE] >= n[at.ROW_EXTENT]
    slides = s[at.YQ] * s[at.XQ] == 1 and n[at.RELOAD] == 0
    no_shared_columns = slides or n[at.COL_STRIDE] >= n[at.COL_EXTENT]
    one_pass = cdiv(n[at.R], s[at.YR]) == 1 and n[at.TAP_TILES] == 1
    fill_parts = s[at.YQ] * s[at.XQ] * s[at.YN] * s[at.XN]
    return Routes(
        contention=s[at.RC] if s[at.RM] > 1 else 1,
        multicast=s[at.KM] * s[at.KG] == 1,
        image_step=s[at.KQ] * s[at.KP],
        column_step=s[at.KP],
        sharers=s[at.RM] * s[at.KM],
        local_groups=s[at.YG] * s[at.XG],
        local_channels=s[at.YC],
        fill_parts=1 if n[at.PRIVATE] else fill_parts,
        may_bypass=n[at.IACT_BYPASS] != 0 and one_pass and no_shared_rows and no_shared_columns,
    )


@kernel(helper=True, reference_counts=False)
def iact_room(n, pairs):
    """Iacts that the GLB banks of a cluster have room for, at so many stored words each."""
    if pairs <= 0.0:
        return np.inf
    capacity = n[at.IACT_CAP] // n[at.IACT_BITS]
    room = np.floor(capacity / pairs)
    if np.ceil(room * pairs) > capacity:  # rounded up
        room -= 1.0
    return room


@kernel(helper=True, reference_counts=False)
def drain_cycles(packed, spatial, pair, filters):
    """Cycles in which psums leave and nothing computes; filters: of the busiest PE.  See `Details.drain_cycles`."""
    n, rate = packed.n, packed.f[at.RATE_PSUM]
    if n[at.HIDE_DRAIN]:
        return 0.0
    if n[at.ONE_SOURCE]:
        return 2.0 * pair.accumulations * n[at.G] * n[at.M] / rate
    return 2.0 * pair.accumulations * spatial.group_tiles * filters / rate


@kernel(helper=True, reference_counts=False)
def details_of(packed, spatial, tables, routes, pair, chained):
    """What M0 and C0 fix of the cost of a tile of positions; chained: clusters that a chain of psums climbs."""
    n, f, pairs = packed.n, packed.f, packed.pairs_i[pair.c0]
    m, c = tables.filters[pair.m0], tables.channels[pair.c0]
    bank = 0.0
    if not n[at.FLAT]:
        bank = spatial.group_cluster * c[WeightTile.CLUSTER_STEPS] * (1.0 / (routes.sharers * f[at.BANK_IACT]))
    rows, clusters = m[WeightTile.CLUSTER_ROWS], m[WeightTile.CLUSTERS]
    links = (rows - pair.filter_tiles) * chained + (clusters - rows)
    return Details(
        channel_tiles=c[WeightTile.TILES],
        filter_length=int(m[WeightTile.LENGTH]),
        channel_length=int(c[WeightTile.LENGTH]),
        unshared=not n[at.PRIVATE] or m[WeightTile.UNITS] == m[WeightTile.TILES],
        drain_cycles=drain_cycles(packed, spatial, pair, m[WeightTile.STEPS]),
        bank_cycles=bank,
        fill_cycles=pair.iact_cycles * n[at.S] * routes.fill_parts,
        send_iact_joules=links * f[at.HOP_IACT_J] + pair.filter_tiles * f[at.SEND_IACT_J],
        read_columns=pair.sent_iacts * n[at.P] * n[at.R] * m[WeightTile.UNITS],
        give_weight_joules=pair.stored_weights * f[at.GIVE_WEIGHT_J],
        send_weight_joules=pair.stored_weights * f[at.SEND_WEIGHT_J],
        hop_weight_joules=pair.stored_weights * f[at.HOP_WEIGHT_J],
        read_weight_joules=pair.stored_weights * f[at.GLB_WEIGHT_READ_J],
        write_weight_joules=pair.stored_weights * f[at.GLB_WEIGHT_WRITE_J],
        iact_room=iact_room(n, pairs),
    )


@kernel(helper=True, reference_counts=False)
def kept_of(frame, keep, group):
    """What follows from the tensor that stays (`layout.NONE` ... `KEEP_PE_WEIGHT`) and from M2."""
    n, routes, pair, details = frame.packed.n, frame.routes, frame.pair, frame.details
    passes = int(pair.filter_tiles)
    stays = keep == at.KEEP_IACT
    rounds = 1 if stays else cdiv(passes, group)
    last = passes == 1 or keep == at.KEEP_PE_WEIGHT or (keep == at.KEEP_WEIGHT and group == 1)
    return Kept(
        keep=keep,
        group=group,
        rounds=float(rounds),
        requests=rounds * (1.0 if stays else details.channel_tiles),
        bypass=routes.may_bypass and details.unshared and group == 1 and (not stays or passes == 1),
        once=pair.accumulations == 1 and last and n[at.RESEND] == 0,
        stored=keep == at.KEEP_WEIGHT or n[at.WEIGHT_THROUGH] != 0,
    )
