"""A mapping made visible: its loop nest, and which PE holds which filter row, output row and channel."""

from __future__ import annotations

from accelerator_sim.mapping.mapping import Stationary
from accelerator_sim.mapping.space import axis_sizes
from accelerator_sim.mapping.tiling import Tiling

_WORDS = {"G": "group", "N": "image", "M": "filter", "C": "channel", "P": "output row", "Q": "output column"}
_WORDS |= {"R": "filter row", "S": "filter column"}
_INNER = ("G", "N", "Q", "P", "M", "C", "R")
"""Order of the dimensions on an axis, the outermost first (as in `noc.modes`)."""

_MOST_ROWS = 32
"""PE rows that a picture shows."""


def loop_nest(tiling: Tiling) -> str:
    """The loops from off-chip to the SPad, one per line, with the contents of each tile."""
    m, d, loops = tiling.mapping, tiling.deals, tiling.loops
    lines: list[tuple[str, str, int, str]] = []  # level, dimension, count, note

    def add(level: str, dimension: str, count: int, note: str = "") -> None:
        if count > 1:
            lines.append((level, dimension, count, note))

    positions = [("N", d.N), ("P", d.P), ("Q", d.Q)]
    filters = ("M", tiling.filter_tiles, f"{min(loops.M, d.M.length * m.M2)} filters per tile")
    add("DRAM", "G", d.G.tiles)
    outer_filters = m.stationary in (Stationary.WEIGHT, Stationary.PE_WEIGHT)
    if outer_filters:
        add("DRAM", *filters)
    for name, dealt in positions:
        add("DRAM", name, dealt.tiles, f"{min(loops.sizes[name], dealt.length)} a tile")
    if not outer_filters:
        add("DRAM", *filters)
    add("GLB", "C", d.C.tiles, f"{min(loops.C, d.C.length)} channels per pass")
    add("GLB", "R", d.R.tiles, f"{min(loops.R, d.R.length)} filter rows per pass")
    add("GLB", "S", d.S.tiles, f"{d.S.length} filter columns per pass")
    add("GLB", "M", m.M2, f"{min(loops.M, d.M.length)} filters per pass")
    for axis in ("cluster_rows", "cluster_columns", "pe_rows", "pe_columns"):
        for dimension, count in getattr(m, axis).as_dict().items():
            add(axis.replace("_", " "), dimension, count, "in parallel")
    for dimension in "NPQ":
        add("SPad", dimension, getattr(m, f"{dimension}0"))
    add("SPad", "C", m.C0)
    add("SPad", "S", tiling.taps)
    add("SPad", "M", m.M0)
    text, previous = [], ""
    for depth, (level, dimension, count, note) in enumerate(lines):
        label = level if level != previous else ""
        previous = level
        header = f"for {count} x {dimension}" if note != "in parallel" else f"parallel {count} x {dimension}"
        comment = _WORDS[dimension] + (f", {note}" if note and note != "in parallel" else "")
        text.append(f"{label:<16}{'  ' * min(depth, 12)}{header:<{max(1, 44 - 2 * min(depth, 12))}}  # {comment}")
    text.append(f"{'':<16}{'  ' * min(len(lines), 12)}psum += iact * weight")
    return "\n".join(text)


def array_picture(tiling: Tiling, width: int = 80) -> str:
    """The PEs of one cluster in the first full pass, and what changes from cluster to cluster.

    Each cell names the first element of each dimension that the PE holds, such as `R1 P3 M16-31`; a cell with a dot is
    an idle PE.  width: columns of the terminal.
    """
    m, sizes = tiling.mapping, axis_sizes(tiling.problem.architecture)
    rows, columns = sizes["pe_rows"], sizes["pe_columns"]
    cells = [[_cell(tiling, 0, 0, y, x) for x in range(columns)] for y in range(min(rows, _MOST_ROWS))]
    if _shown(cells, columns, width) < columns:  # one line per dimension is narrower
        stacked = [[cell.replace(" ", "\n") for cell in line] for line in cells]
        cells = stacked if _shown(stacked, columns, width) == columns else cells
    shown, widest = _shown(cells, columns, width), _widest(cells)
    clusters = sizes["cluster_rows"] * sizes["cluster_columns"]
    title = (
        f"cluster (0, 0) of {sizes['cluster_rows']} x {sizes['cluster_columns']}"
        if clusters > 1
        else f"array of {rows} x {columns} PEs"
    )
    out = [title + (f" (first {shown} of {columns} columns)" if shown < columns else "")]
    rule = "       +" + ("-" * (widest + 2) + "+") * shown
    for y, line in enumerate(cells):
        out.append(rule)
        parts = [cell.split("\n") for cell in line[:shown]]
        for depth in range(max(len(part) for part in parts)):
            label = f"row {y:<3}" if depth == 0 else " " * 7
            row = "|".join(f" {part[depth] if depth < len(part) else '':<{widest}} " for part in parts)
            out.append(f"{label}|{row}|")
    out.append(rule)
    if rows > _MOST_ROWS:
        out.append(f"       (first {_MOST_ROWS} of {rows} rows)")
    for axis in ("cluster_rows", "cluster_columns"):
        factors = getattr(m, axis).as_dict()
        used = getattr(m, axis).used
        if sizes[axis] > 1:
            share = ", ".join(f"{count} x {_WORDS[d]}s ({d})" for d, count in factors.items()) or "one part only"
            out.append(f"{axis.replace('_', ' ')}: {share}; {used} of {sizes[axis]} used")
    return "\n".join(out)


def _widest(cells: list[list[str]]) -> int:
    return max(len(part) for line in cells for cell in line for part in cell.split("\n"))


def _shown(cells: list[list[str]], columns: int, width: int) -> int:
    """Columns of PEs that fit a terminal."""
    return max(1, min(columns, (width - 8) // (_widest(cells) + 3)))


def held_by(tiling: Tiling, i: int, j: int, y: int, x: int) -> dict[str, range] | None:
    """Return what the PE in row y and column x of cluster (i, j) holds in the first full pass, None for nothing.

    A range for each dimension: of filter rows and groups one, of output rows those of its first strip.
    """
    m, loops = tiling.mapping, tiling.loops
    index = dict.fromkeys(_INNER, 0)
    for axis, coordinate in (("cluster_rows", i), ("cluster_columns", j), ("pe_rows", y), ("pe_columns", x)):
        factors = getattr(m, axis)
        if coordinate >= factors.used:
            return None
        for dimension in reversed(_INNER):
            count = getattr(factors, dimension)
            index[dimension] = index[dimension] * count + coordinate % count
            coordinate //= count
    held: dict[str, range] = {}
    for dimension in ("R", "P", "Q", "M", "C", "N", "G"):
        tile = {"R": 1, "G": 1}.get(dimension) or getattr(m, f"{dimension}0")
        if dimension == "P":  # rows go to the PEs of a cluster in strips of neighbours
            local = m.cluster_parts("P")
            rows = min(tile * m.parts("P"), loops.P)
            block = -(-rows // m.array_parts("P"))
            cluster, row = divmod(index["P"], local)
            first = cluster * block + row
            if row >= min(block, rows - cluster * block):
                return None
            last = first
        else:
            limit = min(loops.sizes[dimension], tile * m.parts(dimension))
            share = -(-limit // m.parts(dimension))
            first, last = index[dimension] * share, min(index[dimension] * share + share, limit) - 1
            if first >= limit:
                return None
        held[dimension] = range(first, last + 1)
    return held


def _cell(tiling: Tiling, i: int, j: int, y: int, x: int) -> str:
    """What a PE holds in the first full pass, where PEs differ in it; "." for nothing."""
    held = held_by(tiling, i, j, y, x)
    if held is None:
        return "."
    words = [
        f"{dimension}{of[0]}" + (f"-{of[-1]}" if len(of) > 1 else "")
        for dimension, of in held.items()
        if tiling.mapping.parts(dimension) > 1 or (dimension in "MC" and len(of) > 1)
    ]
    if tiling.deals.S.tiles > 1:
        words.append("S0" + (f"-{tiling.taps - 1}" if tiling.taps > 1 else ""))
    return " ".join(words) or "all"
