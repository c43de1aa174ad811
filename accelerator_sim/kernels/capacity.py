"""Whether a tile of positions fits the GLB, as `mapping.legality` says it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelerator_sim.kernels import layout as at
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.deal import cdiv
from accelerator_sim.kernels.tile_tables import PositionTile


class Need(NamedTuple):
    """What the GLB needs for a tile of positions, and what it has, float64 unless it says otherwise."""

    iacts: Any
    psums: Any
    """Words per image, row and column (`need_of_images`: per row and column)."""
    most_iacts: Any
    most_psums: Any
    """Words that fit (infinity: they are in shared banks)."""
    pairs: Any
    """Stored words per iact in shared banks."""
    owners: Any
    """Clusters that share the iacts of a tile."""
    iact_bits: Any
    psum_bits: Any
    """Bits of a word in shared banks (0: it is not there), int64."""
    shared: Any
    """Whether one of the two is in shared banks, bool."""
    banks: Any
    """Shared banks that weights leave; negative: not even weights fit."""


@kernel(helper=True, reference_counts=False)
def banks_left(n, spatial, details, kept, pairs):
    """Shared banks that weights leave, at so many stored words per weight; -1 where weights do not fit."""
    words = 0
    if kept.keep == at.KEEP_WEIGHT:
        filters = min(n[at.M], details.filter_length * kept.group)
        words = spatial.groups_at_once * filters * n[at.C] * n[at.R] * n[at.S]
    elif n[at.WEIGHT_THROUGH]:
        filters, channels = min(n[at.M], details.filter_length), min(n[at.C], details.channel_length)
        words = spatial.groups_at_once * filters * channels * spatial.taps_at_once * n[at.TAPS]
    bits = int(np.ceil(words * pairs)) * n[at.WEIGHT_BITS]
    if n[at.SHARE_WEIGHT]:
        return float(n[at.SHARED_BANKS] - cdiv(bits, n[at.SHARED_BITS]))
    return float(n[at.SHARED_BANKS]) if bits <= n[at.WEIGHT_CAP] else -1.0


@kernel(helper=True, reference_counts=False)
def need_of(frame, kept):
    """What the GLB needs for a tile of positions, and what it has."""
    packed, spatial, routes, pair, details = frame.packed, frame.spatial, frame.routes, frame.pair, frame.details
    n, stays = packed.n, kept.keep == at.KEEP_IACT
    if n[at.FLAT]:
        iacts = float(spatial.groups_at_once) * (n[at.C] if stays else min(n[at.C], details.channel_length))
        psums = float(spatial.groups_at_once * min(n[at.M], details.filter_length * kept.group))
        owners = 1
    else:
        channels = routes.local_channels * pair.c0 * (int(details.channel_tiles) if stays else 1)
        iacts = float(routes.local_groups * min(channels, n[at.C]))
        psums = float(pair.m0 * kept.group * n[at.PSUM_COLUMNS])
        owners = routes.sharers
    return Need(
        iacts=0.0 if kept.bypass else iacts,
        psums=psums if pair.resting else 0.0,
        most_iacts=np.inf if n[at.SHARE_IACT] else details.iact_room * owners,
        most_psums=np.inf if n[at.SHARE_PSUM] else float(n[at.PSUM_CAP] // n[at.PSUM_BITS]),
        pairs=packed.pairs_i[pair.c0],
        owners=float(owners),
        iact_bits=n[at.IACT_BITS] if n[at.SHARE_IACT] else 0,
        psum_bits=n[at.PSUM_BITS] if n[at.SHARE_PSUM] else 0,
        shared=n[at.SHARE_IACT] != 0 or n[at.SHARE_PSUM] != 0,
        banks=banks_left(n, spatial, details, kept, packed.pairs_w[pair.m0]),
    )


@kernel(spliced=True)
def need_of_images(need, images):
    """What the GLB needs with the images of one row of their table."""
    return Need(
        iacts=need.iacts * images[PositionTile.HELD],
        psums=need.psums * images[PositionTile.KEPT],
        most_iacts=need.most_iacts,
        most_psums=need.most_psums,
        pairs=need.pairs,
        owners=need.owners,
        iact_bits=need.iact_bits,
        psum_bits=need.psum_bits,
        shared=need.shared,
        banks=need.banks,
    )


@kernel(spliced=True)
def fits_glb(bank_bits, need, tile):
    """Whether a tile fits: against a limit per data type, or in whole banks of a shared GLB (`legality.glb_use`).

    need: of its images.
    """
    iacts = need.iacts * tile.rows[PositionTile.HELD] * tile.columns[PositionTile.HELD]
    psums = need.psums * tile.rows[PositionTile.KEPT] * tile.columns[PositionTile.KEPT]
    if iacts > need.most_iacts or psums > need.most_psums:
        fits = False
    elif not need.shared:
        fits = True
    else:
        words = np.ceil(np.ceil(iacts / need.owners) * need.pairs)
        banks = np.ceil(words * need.iact_bits / bank_bits) + np.ceil(psums * need.psum_bits / bank_bits)
        fits = banks <= need.banks
    return fits
