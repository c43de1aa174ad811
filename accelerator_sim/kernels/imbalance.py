"""What uneven zeros cost: cycles that the windows of a chain take beyond those of a PE with the mean of the work.

The work of a window is a sum over its iacts of the words of weights that each meets.  Its mean and spread follow from
the densities; a window of a chain of psums takes as long as its slowest PE, and a pass as long as its slowest chain.
With d the density of the iacts, k and v mean and variance of the words of a column of weights, C channels and S taps of
a PE, K = C S columns, and m the filters of a multiplier:

    visits       K d: an iact takes a cycle though its column is empty
    PEs differ   C (S sD k)^2 + K d^2 (v + (m sW)^2)
    windows do   K (d - d^2 - sD^2) k^2 + K d (1 - d) v

where sD and sW are the spreads of the densities of channels among iacts and weights.  The formulas are those of normal
distributions; the shares below, and those of the spreads (`mapping.uneven`), are fitted.  The search's kernels call
these functions, and `simulation.analytical` calls what they are made of.

The fit: least squares of the logarithm of estimate over forecast (`simulation.forecast`), within 30% of the best of
each layer, over 3,000 mappings of 38 layers of AlexNet and MobileNet, dense and sparse, on eyeriss_v2.  It takes the
error within a layer from 4.7% to 3.0%, and the loss of the best of twenty mappings from 1.8% to .3%.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from accelerator_sim.kernels.compile import kernel

PES_SHARE, WINDOWS_SHARE = 0.28, 0.47
"""Of the variances between PEs and between windows, what a chain waits for: the FIFOs of psums take up the rest."""
FILTERS_SHARE, POSITIONS_SHARE, GROUPS_SHARE = 0.8, 1.3, 2.0
"""Of the deviations between the means of chains, what a pass waits for."""
BUSY_SHARE = 0.4
"""How far busy channels of iacts meet busy ones of weights, as masks are drawn (`workload.pattern`)."""
UNPAIRED_SHARE = 0.25
"""How often the cycle is lost that a last word alone in its column takes more."""


class Zeros(NamedTuple):
    """The zeros of a layer as the PEs meet them, float64."""

    iact_density: Any
    iact_spread: Any
    weight_spread: Any
    """Standard deviations of the densities of channels."""


class PeWork(NamedTuple):
    """The work of a PE in a window, float64: means over the tiles of filters and channels."""

    slots: Any
    variance: Any
    """Of the cycles for which an iact keeps the multipliers: mean and variance."""
    filters: Any
    """Filters of a multiplier."""
    unpaired: Any
    """Chance that a column holds one word at most: the pipeline then loses a cycle at the end of a window."""
    channels: Any
    taps: Any
    service: Any
    """Cycles in which the psums of a window leave, in whole flits."""
    turns: Any
    """The same where a GLB bank is read and written in turn."""
    front: Any
    """Stages of the pipeline before the multipliers."""


class Peers(NamedTuple):
    """The PEs that a window, and a pass, wait for, float64: the largest of so many standard normals."""

    links: Any
    """Mean over the PEs of a chain."""
    others: Any
    others_variance: Any
    """Mean and variance over all of them but one (0 and 0 for none)."""
    filter_chains: Any
    """Mean over the chains of other filters."""
    position_chains: Any
    """Mean over the chains of other positions, by the root of the windows of a pass."""
    group_chains: Any
    """Mean over the chains of other groups."""
    root: Any
    """Root of the PEs of a chain."""


class LostCycles(NamedTuple):
    """Cycles that a window takes beyond the mean of the work and of the service by the psum, float64."""

    plain: Any
    shared: Any
    """In passes that read and write a GLB bank in turn."""


@kernel(helper=True, reference_counts=False)
def fullest_row(zeros, work, pes, rows):
    """Words that the fullest PE row has beyond the mean, for each weight of it; pes: of a row; rows: mean of so many
    normals."""
    if work.filters <= 0.0:
        return 0.0
    variance = work.variance + (work.filters * zeros.weight_spread) ** 2
    return rows * math.sqrt(variance / (pes * work.channels * work.taps)) / work.filters


@kernel(helper=True, reference_counts=False)
def lost_cycles(zeros, work, peers):
    """Cycles that a window of a pass loses by uneven zeros, psums in whole flits, and a short pipeline."""
    d, k, columns = zeros.iact_density, work.slots, work.channels * work.taps
    mean = columns * d * k
    slots = max(columns * d, mean + BUSY_SHARE * columns * zeros.iact_spread * zeros.weight_spread * work.filters)
    of_weights = columns * d * d * (work.variance + (work.filters * zeros.weight_spread) ** 2)
    between_pes = work.channels * (work.taps * zeros.iact_spread * k) ** 2 + of_weights
    alike = columns * max(0.0, d - d * d - zeros.iact_spread**2) * k * k
    between_windows = alike + columns * d * (1.0 - d) * work.variance
    deviation = math.sqrt(PES_SHARE * between_pes + WINDOWS_SHARE * between_windows)
    of_columns = columns * d * (d + 0.3 * (1.0 - d)) * work.variance
    chains = FILTERS_SHARE * peers.filter_chains * math.sqrt(of_columns / peers.root)
    chains += POSITIONS_SHARE * peers.position_chains * math.sqrt(between_windows / peers.root)
    chains += GROUPS_SHARE * peers.group_chains * math.sqrt(between_pes / peers.root)
    begin = slots - mean + chains + (UNPAIRED_SHARE * work.unpaired if slots > 0.0 else 0.0)
    plain = work.service + peers.links * deviation
    # The larger of two normals (Clark 1961): the last PE of a chain, and the slowest of the others.
    first, last = work.service + peers.others * deviation, work.turns
    spread = deviation * math.sqrt(1.0 + peers.others_variance)
    shared = max(first, last)
    if spread > 0.0 and peers.others_variance > 0.0:
        a = (first - last) / spread
        density, below = math.exp(-0.5 * a * a) / 2.5066282746310002, 0.5 * (1.0 + math.erf(a / 1.4142135623730951))
        shared = first * below + last * (1.0 - below) + spread * density
    shared = max(shared, plain)
    # Two windows take at least the way through the pipeline, and the work and the service of one.
    least = 0.5 * (work.front + 1.0 - mean - begin - plain)
    return LostCycles(begin + plain + max(0.0, least), begin + shared + max(0.0, least - 0.5 * (shared - plain)))
