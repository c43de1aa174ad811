"""Dealing one dimension over tiles and parts: the kernels' form of `mapping.mapping.deal`."""

from __future__ import annotations

from accelerator_sim.kernels.compile import kernel


@kernel(helper=True)
def cdiv(a, b):
    """Smallest integer that is at least a / b."""
    return (a + b - 1) // b


@kernel(helper=True)
def deal_blocks(size, tile, clusters, local, columns, row_parts):
    """Deal in blocks.

    Returns tiles, length, steps, units, clusters, rows, cluster_steps, row_steps, top_units, top_clusters, top_rows.
    """
    parts = clusters * local
    length = tile * parts
    tiles = cdiv(size, length)
    top = min(size, length)
    n1 = cdiv(top, parts)
    u1 = cdiv(top, n1)
    c1 = cdiv(u1, local)
    r1 = cdiv(c1, columns)
    if tiles == 1:
        return 1, length, n1, u1, c1, r1, min(top, local * n1), min(top, row_parts * n1), u1, c1, r1
    last = size - (tiles - 1) * length
    n2 = cdiv(last, parts)
    u2 = cdiv(last, n2)
    c2 = cdiv(u2, local)
    r2 = cdiv(c2, columns)
    full = tiles - 1
    return (
        tiles,
        length,
        full * n1 + n2,
        full * u1 + u2,
        full * c1 + c2,
        full * r1 + r2,
        full * min(top, local * n1) + min(last, local * n2),
        full * min(top, row_parts * n1) + min(last, row_parts * n2),
        u1,
        c1,
        r1,
    )


@kernel(helper=True)
def deal_strips(size, tile, clusters, local, columns):
    """Deal output rows: blocks to clusters, strips of neighbours to the PEs of a cluster.

    Returns what `deal_blocks` does, with strips in the place of row_steps, and the first strips of the first cluster.
    """
    length = tile * clusters * local
    tiles = cdiv(size, length)
    top = min(size, length)
    b1 = cdiv(top, clusters)
    c1 = cdiv(top, b1)
    e1 = top - (c1 - 1) * b1
    n1 = cdiv(b1, local)
    u1 = (c1 - 1) * min(local, b1) + min(local, e1)
    r1 = cdiv(c1, columns)
    s1 = (c1 - 1) * n1 + cdiv(e1, local)
    if tiles == 1:
        return 1, length, n1, u1, c1, r1, b1, s1, u1, c1, r1, min(local, b1)
    last = size - (tiles - 1) * length
    b2 = cdiv(last, clusters)
    c2 = cdiv(last, b2)
    e2 = last - (c2 - 1) * b2
    n2 = cdiv(b2, local)
    full = tiles - 1
    return (
        tiles,
        length,
        full * n1 + n2,
        full * u1 + (c2 - 1) * min(local, b2) + min(local, e2),
        full * c1 + c2,
        full * r1 + cdiv(c2, columns),
        full * b1 + b2,
        full * s1 + (c2 - 1) * n2 + cdiv(e2, local),
        u1,
        c1,
        r1,
        full * min(local, b1) + min(local, b2),
    )


@kernel(helper=True)
def streamed(outputs, strips, taps, stride, dilation):
    """Input rows that feed `taps` filter rows over strips of output rows: `Window.streamed`."""
    if dilation > 1 or stride >= taps:
        return taps * outputs
    return stride * (outputs - strips) + taps * strips


@kernel(helper=True)
def fetched(outputs, tile, taps, stride, extent, before, size, inside):
    """Inputs without padding of all positions in tiles of neighbours: `Window.fetched`."""
    if stride >= extent:
        return inside
    tiles = cdiv(outputs, tile)
    total = stride * (outputs - tiles) + extent * tiles
    for i in range(tiles):
        start = i * tile * stride - before
        if start >= 0:
            break
        total -= min(-start, (min(tile, outputs - i * tile) - 1) * stride + extent)
    for i in range(tiles - 1, -1, -1):
        span = (min(tile, outputs - i * tile) - 1) * stride + extent
        over = i * tile * stride - before + span - size
        if over <= 0:
            break
        total -= min(over, span)
    return total
