"""Heat maps: cells of a grid, and links of a mesh, the darker the more."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup

from accelerator_sim.noc.routes import MeshLink
from accelerator_sim.report.html.svg import drawing
from accelerator_sim.report.numbers import si

_LEVELS = 10


def _level(value: float, most: float) -> int:
    """0 for nothing, else 1 to _LEVELS."""
    return 0 if value <= 0 or most <= 0 else max(1, math.ceil(_LEVELS * min(value / most, 1.0)))


def _runs(levels: Iterable[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Join neighbours of equal level: indices with a level become (first, last, level)."""
    out: list[tuple[int, int, int]] = []
    for index, level in levels:
        if out and out[-1][1] == index - 1 and out[-1][2] == level:
            out[-1] = out[-1][0], index, level
        else:
            out.append((index, index, level))
    return out


def heat_grid(
    title: str, values: Sequence[Sequence[float]], block: tuple[int, int] = (1, 1), width: int = 240
) -> Markup:
    """Return a grid of cells, the darker the larger the value; the largest is darkest, a cell of 0 is pale.

    block: rows and columns of cells that stand together, with a gap between blocks.
    """
    rows, columns = len(values), len(values[0])
    cell = max(2, min(13, width // columns))
    gap = 0 if block == (1, 1) else max(2, cell // 3)
    most = max(max(row) for row in values)
    paths: dict[int, list[str]] = defaultdict(list)
    for y, row in enumerate(values):
        middle = cell * y + gap * (y // block[0]) + cell / 2
        for begin in range(0, columns, block[1]):
            inside = [(x, _level(row[x], most)) for x in range(begin, min(begin + block[1], columns))]
            for first, last, level in _runs(inside):  # a dashed line is a run of cells
                at = cell * first + gap * (begin // block[1])
                paths[level].append(f"M{at} {middle:g}h{cell * (last - first + 1)}")
    d = "".join(f'<path class="h{level}" d="{"".join(marks)}"/>' for level, marks in sorted(paths.items()))
    dash = 1 if cell > 3 else 0
    content = f'<g stroke-width="{cell - dash}" stroke-dasharray="{cell - dash} {dash}">{d}</g>'
    wide = cell * columns + gap * ((columns - 1) // block[1])
    tall = cell * rows + gap * ((rows - 1) // block[0])
    return drawing(title, tall, content, "heat", str(wide), f"0 0 {wide} {tall}")


HeatCell = tuple[int, int]


def mesh(title: str, size: HeatCell, loads: Mapping[MeshLink, int], width: int = 240) -> Markup:
    """Return a mesh of nodes and the links that carry something, thicker and darker for more words; each has its count.

    size: rows and columns of nodes.  Words that cross a link in either direction are added up.  A wrapped link of a
    torus is drawn beyond the last node.  There is no text on the links of large meshes.
    """
    rows, columns = size
    pitch_x, pitch_y = max(8, min(56, width // max(columns - 1, 1))), max(8, min(42, 480 // max(rows - 1, 1)))
    node = min(8, pitch_x // 4, pitch_y // 4)
    roomy = pitch_x >= 48 and pitch_y >= 36 and len(loads) <= 64
    along: dict[int, list[tuple[int, int]]] = defaultdict(list)
    down: dict[int, list[tuple[int, int]]] = defaultdict(list)
    texts = []
    drawn = _both_ways(loads)
    most = max(drawn.values(), default=0)
    for (row, column, level), load in sorted(drawn.items()):
        x, y = pitch_x * column, pitch_y * row
        (along[row] if level else down[column]).append((column if level else row, _level(load, most)))
        if roomy and level:
            texts.append(f'<text class="middle" x="{x + pitch_x // 2}" y="{y - 4}">{si(load)}</text>')
        elif roomy:
            texts.append(f'<text x="{x + 6}" y="{y + pitch_y // 2 + 3}">{si(load)}</text>')
    lines = _dashes(
        ((f"M{pitch_x * first + node} {pitch_y * row}h{pitch_x * (last - first + 1) - node}", level)
         for row, links in along.items() for first, last, level in _runs(links)), pitch_x, node
    ) + _dashes(
        ((f"M{pitch_x * column} {pitch_y * first + node}v{pitch_y * (last - first + 1) - node}", level)
         for column, links in down.items() for first, last, level in _runs(links)), pitch_y, node
    )  # fmt: skip
    nodes = "".join(f"M0 {pitch_y * row}h{pitch_x * (columns - 1) + 0.02:g}" for row in range(rows))
    dots = f'<path class="node" stroke-width="{2 * node - 2}" stroke-dasharray="0.01 {pitch_x - 0.01:g}" d="{nodes}"/>'
    edge = node + 8
    beside = 44 if roomy else edge  # words beside the links of the last column
    right = max((column + level for _, column, level in drawn), default=0)
    below = max((row + (not level) for row, _, level in drawn), default=0)
    wide = pitch_x * max(columns - 1, right) + edge + beside
    tall = pitch_y * max(rows - 1, below) + 2 * edge
    content = f"{lines}{dots}{''.join(texts)}"
    return drawing(title, tall, content, "mesh", str(wide), f"-{edge} -{edge} {wide} {tall}")


def _both_ways(loads: Mapping[MeshLink, int]) -> Counter[tuple[int, int, bool]]:
    """Words over each link, by its upper or left end and whether it lies in a row; a wrapped link has the last one."""
    drawn: Counter[tuple[int, int, bool]] = Counter()
    for ends, load in loads.items():
        first, last = min(ends), max(ends)
        level = first[0] == last[0]
        wrapped = sum(last) - sum(first) > 1
        drawn[*(last if wrapped else first), level] += load
    return drawn


def _dashes(runs: Iterable[tuple[str, int]], pitch: int, node: int) -> str:
    """Links of one direction: a run of equal ones is one dashed line, interrupted by the nodes."""
    paths: dict[int, list[str]] = defaultdict(list)
    for d, level in runs:
        paths[level].append(d)
    drawn = "".join(f'<path class="h{level}" d="{"".join(marks)}"/>' for level, marks in sorted(paths.items()))
    return f'<g stroke-dasharray="{pitch - 2 * node} {2 * node}">{drawn}</g>' if drawn else ""
