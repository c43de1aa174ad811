"""Points in a plot whose axes are logarithmic, and lines that limit them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from accelerator_sim.files.text import printable
from accelerator_sim.report.html.svg import NAME_CHARACTERS, drawing, key_of, short, text_of
from accelerator_sim.report.numbers import shortened, si


@dataclass(frozen=True)
class ScatterPoint:
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
    points: Sequence[ScatterPoint],
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
    for tick in decades(low_x, high_x):
        x = f"{short(left + width * across(tick))}%"
        out.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{top:g}" y2="{top + tall:g}"/>')
        out.append(f'<text class="tick middle" x="{x}" y="{top + tall + 16:g}">{_plain(tick)}</text>')
    for tick in decades(low_y, high_y):
        y = short(top + tall * down(tick))
        out.append(f'<line class="grid" x1="{left}%" x2="{left + width}%" y1="{y}" y2="{y}"/>')
        out.append(f'<text class="tick end" x="{left - 1}%" y="{y}" dy="4">{_plain(tick)}</text>')
    out.append(f'<text class="tick" x="0" y="12">{text_of(axes[1])}</text>')
    out.append(f'<text class="tick end" x="{left + width}%" y="{height - 6}">{text_of(axes[0])}</text>')
    out.append(f'<svg x="{left}%" y="{top:g}" width="{width}%" height="{tall:g}">')
    for limit in limits:
        (x1, y1), (x2, y2) = limit.start, limit.end
        out.append(
            f'<line class="limit" x1="{short(100 * across(x1))}%" y1="{short(tall * down(y1))}"'
            f' x2="{short(100 * across(x2))}%" y2="{short(tall * down(y2))}"/>'
        )
    out.append("</svg>")
    positions = [(left + width * across(p.x), top + tall * down(p.y)) for p in points]
    for point, position in zip(points, positions, strict=True):
        key = key_of(point.key)
        out.append(
            f'<g class="row"{key}><title>{text_of(point.tip)}</title>'
            f'<svg class="mark" x="{position[0]:.2f}%" y="{position[1]:.1f}"><path class="k-{point.kind}"'
            f' transform="scale({point.radius:.3g})" d="{mark(point.kind, kinds)}"/></svg></g>'
        )
    out += [_limit_label(limit, across, down, (left, width, top, tall)) for limit in limits]
    out += _labels(points, positions)
    return drawing(title, height, "".join(out), "scatter")


def _limit_label(
    limit: Limit,
    across: Callable[[float], float],
    down: Callable[[float], float],
    frame: tuple[float, float, float, float],
) -> str:
    """The name of a line: above the right end of a level one, left of the upper end of a rising one or under it."""
    left, width, top, tall = frame
    x, y = limit.end
    position = left + width * min(across(x), 1.0), top + tall * max(down(y), 0.0)
    level = limit.start[1] == limit.end[1]
    if level or position[0] > 60:
        shift = -6 if level else 4
        where = f'class="label end" x="{short(position[0] - 1.5)}%" y="{position[1] + shift:.1f}"'
    else:
        where = f'class="label" x="{short(position[0] + 1)}%" y="{position[1] + 16:.1f}"'
    return f"<text {where}>{text_of(limit.label)}</text>"


def _labels(points: Sequence[ScatterPoint], places: Sequence[tuple[float, float]]) -> list[str]:
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
            f'<text class="label{side[0]}" x="{x:.2f}%" dx="{side[1]:.1f}" y="{y:.1f}" dy="4">{text_of(label)}</text>'
        )
    return out


def _domain(values: Sequence[float]) -> tuple[float, float]:
    """Limits around positive values, with room beside them."""
    low, high = (min(values), max(values)) if values else (1.0, 10.0)
    return low / 1.7, high * 1.7


def decades(low: float, high: float) -> list[float]:
    """Return powers of ten, and where there are few of them, 2 and 5 times those."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if math.log10(high / low) < 2.2 else (1,)
    return [s * 10.0**p for p in powers for s in steps if low <= s * 10.0**p <= high]


def _plain(value: float) -> str:
    """A tick of a logarithmic axis, without needless decimals."""
    if 0.01 <= value < 1000:
        return f"{value:g}"
    number, _, prefix = si(value).partition(" ")
    return f"{float(number):g} {prefix}".rstrip()
