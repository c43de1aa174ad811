"""Chart primitives as SVG text.

Horizontal places are percentages of the width, so that bars and plots stretch with the page while their text keeps its
size.  Colours come from the style sheet, by the class `k-NAME` of a kind.  A `<title>` is a tooltip; the script of the
page shows it on hover and on keyboard focus alike, browsers without scripts show it on hover.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from accelerator_sim.report.numbers import percent, printable, shortened, si

NAME_CHARACTERS = 16
"""Characters of a label that fit beside its bar on a narrow screen."""
_PLOT_LEFT, _PLOT_WIDTH = 30.0, 52.0
"""Where bars begin and how long they get, in percent of the chart."""
_AXIS, _LINE = 20, 18
"""Height of the axis and of the line of a bar, in pixels."""
INVISIBLE = 0.0015
"""Share of a bar below which a segment is less than half a pixel, and is not drawn."""
MOST_BARS = 45
"""Bars of one drawing: about as many as a printed page has room for."""


@dataclass(frozen=True)
class Segment:
    """A part of a bar: its kind (which gives the colour) and its value."""

    kind: str
    value: float


@dataclass(frozen=True)
class Bar:
    """A bar: its label, its segments from the left, the text at its right, its tooltip, and the row it stands for."""

    label: str
    segments: tuple[Segment, ...]
    text: str
    tip: str
    key: str = ""


@dataclass(frozen=True)
class Point:
    """A point of a scatter plot.  Its kind gives colour and shape; with a label, it is named where there is room."""

    x: float
    y: float
    kind: str
    tip: str
    label: str = ""
    key: str = ""
    radius: float = 4.0


@dataclass(frozen=True)
class Limit:
    """A straight line in a scatter plot, from one place to another; parts outside the plot are cut off."""

    label: str
    start: tuple[float, float]
    end: tuple[float, float]


def _text(value: str) -> str:
    return str(escape("\n".join(map(printable, value.split("\n")))))


def _short(value: float) -> str:
    """A number for an attribute."""
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def _svg(title: str, height: float, content: str, kind: str, width: str = "100%", box: str = "") -> Markup:
    view = f' viewBox="{box}"' if box else ""
    return Markup(
        f'<svg class="{kind}" role="img" width="{width}" height="{height:g}"{view}><title>{_text(title)}</title>'
        f"{content}</svg>"
    )


def ticks(most: float, wanted: int = 4) -> list[float]:
    """Return round numbers from 0 to at most `most`, about `wanted` steps; only 0 where nothing is positive."""
    if most <= 0:
        return [0.0]
    power = 10.0 ** math.floor(math.log10(most / wanted))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor * wanted >= most * 0.999)
    return [step * n for n in range(math.floor(most / step * 1.0001) + 1)]


def stacked_bars(title: str, bars: Sequence[Bar], unit: Callable[[float], str]) -> Markup:
    """Return horizontal bars of segments, one line a bar, all on one scale.

    Many bars become several drawings, each of which fits a printed page and repeats the axis.  The style class `share`
    on an element around them stretches all bars to 100 percent and changes the axis.
    """
    most = max((sum(s.value for s in bar.segments) for bar in bars), default=0.0)
    pages = max(1, math.ceil(len(bars) / MOST_BARS))
    size = math.ceil(len(bars) / pages)
    out = []
    for number in range(pages):
        part = bars[number * size : (number + 1) * size]
        name = f"{title} ({number + 1} of {pages})" if pages > 1 else title
        out.append(_page_of_bars(name, part, most, unit))
    return Markup("").join(out)


def _page_of_bars(title: str, bars: Sequence[Bar], most: float, unit: Callable[[float], str]) -> Markup:
    scale = 100.0 / most if most > 0 else 0.0
    height = len(bars) * _LINE
    parts = [
        _axis([(tick * scale, unit(tick)) for tick in ticks(most)], "absolute", height),
        _axis([(tick, f"{tick}%") for tick in (0, 25, 50, 75, 100)], "relative", height),
        *(_bar(bar, _AXIS + number * _LINE, most) for number, bar in enumerate(bars)),
    ]
    return _svg(title, _AXIS + height + 2, "".join(parts), "bars")


def _bar(bar: Bar, top: int, most: float) -> str:
    total = sum(s.value for s in bar.segments)
    at, drawn = 0.0, []
    for segment in bar.segments:
        if segment.value > INVISIBLE * total:
            wide = 100.0 * segment.value / most
            drawn.append(f'<rect class="k-{segment.kind}" x="{at:.5g}%" width="{wide:.4g}%" height="{_LINE - 4}"/>')
        at += 100.0 * segment.value / most if most > 0 else 0.0
    key = f' data-key="{escape(bar.key)}"' if bar.key else ""
    stretch = f' style="--k:{most / total:.5g}"' if total > 0 else ""
    label = _text(shortened(printable(bar.label), NAME_CHARACTERS))
    return (
        f'<g class="row"{key} transform="translate(0 {top})"><title>{_text(bar.tip)}</title>'
        f'<rect class="hit" width="100%" height="{_LINE}"/>'
        f'<text class="name" x="{_PLOT_LEFT - 1:g}%" y="{_LINE - 5}">{label}</text>'
        f'<svg x="{_PLOT_LEFT:g}%" y="2" width="{_PLOT_WIDTH:g}%" height="{_LINE - 4}"><g class="bar"{stretch}>'
        f"{''.join(drawn)}</g></svg>"
        f'<text class="value" x="100%" y="{_LINE - 5}">{_text(bar.text)}</text></g>'
    )


def _axis(marks: Iterable[tuple[float, str]], kind: str, height: int) -> str:
    out = []
    for at, label in marks:
        x = f"{_short(_PLOT_LEFT + at * _PLOT_WIDTH / 100.0)}%"
        out.append(f'<line x1="{x}" x2="{x}" y1="{_AXIS - 4}" y2="{_AXIS + height}"/>')
        out.append(f'<text x="{x}" y="{_AXIS - 8}">{_text(label)}</text>')
    return f'<g class="axis {kind}">{"".join(out)}</g>'


# --- scatter ---------------------------------------------------------------------------------------------------------
_SHAPES = (
    "M-1-1H1V1H-1Z",
    "M0-1.3L1.3 0 0 1.3-1.3 0Z",
    "M0-1.2L1.2 1H-1.2Z",
    "M0 1.2L1.2-1H-1.2Z",
)
_CIRCLE = "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0Z"


def mark(kind: str, kinds: Sequence[str]) -> str:
    """Return the path of the mark of a kind, about one unit in radius: a different shape for each of the first five."""
    at = kinds.index(kind)
    return _CIRCLE if at == 0 else _SHAPES[(at - 1) % len(_SHAPES)]


def scatter_loglog(
    title: str,
    points: Sequence[Point],
    kinds: Sequence[str],
    limits: Sequence[Limit],
    axes: tuple[str, str],
    height: int = 420,
) -> Markup:
    """Return points in a plot whose axes are logarithmic, with straight lines (in the logarithms) that limit them.

    kinds: all kinds of points, which decide the shape; axes: what stands beside the horizontal and vertical one.
    Coordinates must be positive.
    """
    ends = [limit.end for limit in limits]
    low_x, high_x = _domain([p.x for p in points] + [x for x, _ in ends])
    low_y, high_y = _domain([p.y for p in points] + [y for _, y in ends])
    left, width, top, tall = 12.0, 86.0, 24.0, height - 64.0

    def across(x: float) -> float:
        return math.log(x / low_x) / math.log(high_x / low_x)

    def down(y: float) -> float:
        return 1.0 - math.log(y / low_y) / math.log(high_y / low_y)

    out = []
    for tick in _decades(low_x, high_x):
        x = f"{_short(left + width * across(tick))}%"
        out.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{top:g}" y2="{top + tall:g}"/>')
        out.append(f'<text class="tick middle" x="{x}" y="{top + tall + 16:g}">{_plain(tick)}</text>')
    for tick in _decades(low_y, high_y):
        y = _short(top + tall * down(tick))
        out.append(f'<line class="grid" x1="{left}%" x2="{left + width}%" y1="{y}" y2="{y}"/>')
        out.append(f'<text class="tick end" x="{left - 1}%" y="{y}" dy="4">{_plain(tick)}</text>')
    out.append(f'<text class="tick" x="0" y="12">{_text(axes[1])}</text>')
    out.append(f'<text class="tick end" x="{left + width}%" y="{height - 6}">{_text(axes[0])}</text>')
    out.append(f'<svg x="{left}%" y="{top:g}" width="{width}%" height="{tall:g}">')
    for limit in limits:
        (x1, y1), (x2, y2) = limit.start, limit.end
        out.append(
            f'<line class="limit" x1="{_short(100 * across(x1))}%" y1="{_short(tall * down(y1))}"'
            f' x2="{_short(100 * across(x2))}%" y2="{_short(tall * down(y2))}"/>'
        )
    out.append("</svg>")
    places = [(left + width * across(p.x), top + tall * down(p.y)) for p in points]
    for point, place in zip(points, places, strict=True):
        key = f' data-key="{escape(point.key)}"' if point.key else ""
        out.append(
            f'<g class="row"{key}><title>{_text(point.tip)}</title>'
            f'<svg class="mark" x="{place[0]:.2f}%" y="{place[1]:.1f}"><path class="k-{point.kind}"'
            f' transform="scale({point.radius:.3g})" d="{mark(point.kind, kinds)}"/></svg></g>'
        )
    out += [_limit_label(limit, across, down, (left, width, top, tall)) for limit in limits]
    out += _labels(points, places)
    return _svg(title, height, "".join(out), "scatter")


def _limit_label(
    limit: Limit,
    across: Callable[[float], float],
    down: Callable[[float], float],
    frame: tuple[float, float, float, float],
) -> str:
    """The name of a line: above the right end of a level one, left of the upper end of a rising one or under it."""
    left, width, top, tall = frame
    x, y = limit.end
    place = left + width * min(across(x), 1.0), top + tall * max(down(y), 0.0)
    level = limit.start[1] == limit.end[1]
    if level or place[0] > 60:
        shift = -6 if level else 4
        where = f'class="label end" x="{_short(place[0] - 1.5)}%" y="{place[1] + shift:.1f}"'
    else:
        where = f'class="label" x="{_short(place[0] + 1)}%" y="{place[1] + 16:.1f}"'
    return f"<text {where}>{_text(limit.label)}</text>"


def _labels(points: Sequence[Point], places: Sequence[tuple[float, float]]) -> list[str]:
    """Names beside their points, left out where they would meet one that is there (or leave the plot)."""
    taken: list[tuple[float, float, float]] = []
    out = []
    for point, (x, y) in zip(points, places, strict=True):
        if not point.label:
            continue
        label = shortened(printable(point.label), NAME_CHARACTERS)
        wide = 1.3 * len(label) + 1.5  # percent, for a chart of about 600 pixels
        start = x - wide if x > 65 else x
        if any(abs(y - at) < 14 and start < end and begin < start + wide for begin, end, at in taken):
            continue
        taken.append((start, start + wide, y))
        side = (" end", -point.radius - 4) if start < x else ("", point.radius + 4)
        out.append(
            f'<text class="label{side[0]}" x="{x:.2f}%" dx="{side[1]:.1f}" y="{y:.1f}" dy="4">{_text(label)}</text>'
        )
    return out


def _domain(values: Sequence[float]) -> tuple[float, float]:
    """Limits around positive values, with room beside them."""
    low, high = (min(values), max(values)) if values else (1.0, 10.0)
    return low / 1.7, high * 1.7


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten, and where there are few of them, 2 and 5 times those."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if math.log10(high / low) < 2.2 else (1,)
    return [s * 10.0**p for p in powers for s in steps if low <= s * 10.0**p <= high]


def _plain(value: float) -> str:
    """A tick of a logarithmic axis, without needless decimals."""
    if 0.01 <= value < 1000:
        return f"{value:g}"
    number, _, prefix = si(value).partition(" ")
    return f"{float(number):g} {prefix}".rstrip()


# --- heat ------------------------------------------------------------------------------------------------------------
_LEVELS = 10


def _level(value: float, most: float) -> int:
    """0 for nothing, else 1 to _LEVELS."""
    return 0 if value <= 0 or most <= 0 else max(1, math.ceil(_LEVELS * min(value / most, 1.0)))


def _runs(levels: Iterable[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Join neighbours of equal level: places with a level become (first, last, level)."""
    out: list[tuple[int, int, int]] = []
    for place, level in levels:
        if out and out[-1][1] == place - 1 and out[-1][2] == level:
            out[-1] = out[-1][0], place, level
        else:
            out.append((place, place, level))
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
    return _svg(title, tall, content, "heat", str(wide), f"0 0 {wide} {tall}")


Place = tuple[int, int]


def mesh(title: str, size: Place, loads: Mapping[tuple[Place, Place], float], width: int = 240) -> Markup:
    """Return a mesh of nodes and the links that carry something, the thicker and darker the more; each says how much.

    size: rows and columns of nodes.  Links join neighbours and lead right or down, as all streams do.  There is no text
    on the links of large meshes.
    """
    rows, columns = size
    pitch_x, pitch_y = max(8, min(56, width // max(columns - 1, 1))), max(8, min(42, 480 // max(rows - 1, 1)))
    node = min(8, pitch_x // 4, pitch_y // 4)
    roomy = pitch_x >= 48 and pitch_y >= 36 and len(loads) <= 64
    most = max(loads.values(), default=0.0)
    along: dict[int, list[tuple[int, int]]] = defaultdict(list)
    down: dict[int, list[tuple[int, int]]] = defaultdict(list)
    texts = []
    for ((row, column), end), load in sorted(loads.items()):
        x, y = pitch_x * column, pitch_y * row
        level = end[0] == row
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
    wide = pitch_x * (columns - 1) + edge + (44 if roomy else edge)  # words beside the links of the last column
    tall = pitch_y * (rows - 1) + 2 * edge
    content = f"{lines}{dots}{''.join(texts)}"
    return _svg(title, tall, content, "mesh", str(wide), f"-{edge} -{edge} {wide} {tall}")


def _dashes(runs: Iterable[tuple[str, int]], pitch: int, node: int) -> str:
    """Links of one direction: a run of equal ones is one dashed line, interrupted by the nodes."""
    paths: dict[int, list[str]] = defaultdict(list)
    for d, level in runs:
        paths[level].append(d)
    drawn = "".join(f'<path class="h{level}" d="{"".join(marks)}"/>' for level, marks in sorted(paths.items()))
    return f'<g stroke-dasharray="{pitch - 2 * node} {2 * node}">{drawn}</g>' if drawn else ""


# --- lines -----------------------------------------------------------------------------------------------------------
def steps(title: str, values: Sequence[float], ends: tuple[str, str], height: int = 110) -> Markup:
    """Return fractions (0 to 1) over equal parts of a whole as an area of steps; `ends` names its first and last place.

    A part that is as high as the one before adds nothing to the text of the chart.
    """
    top, tall = 14, height - 32
    d, last = "M0 100", -1.0
    for number, value in enumerate(values):
        y = round(100.0 - 100.0 * value, 1)
        if y != last:
            d += f"H{number}V{y:g}"
            last = y
    d += f"H{len(values)}V100Z"
    grid = "".join(
        f'<line class="grid" x1="0" x2="100%" y1="{y}" y2="{y}"/><text class="tick" x="0" y="{y - 3}">{label}</text>'
        for y, label in ((top, "100%"), (top + tall // 2, "50%"), (top + tall, ""))
    )
    mean = percent(sum(values) / len(values)) if values else "0.0"
    content = (
        f'{grid}<svg y="{top}" width="100%" height="{tall}" viewBox="0 0 {len(values) or 1} 100"'
        f' preserveAspectRatio="none"><path class="area" d="{d}"/></svg>'
        f'<text class="tick" x="0" y="{height - 4}">{_text(ends[0])}</text>'
        f'<text class="tick end" x="100%" y="{height - 4}">{_text(ends[1])}</text>'
    )
    return _svg(f"{title}: mean {mean}%", height, content, "steps")
