"""Points in the plane of two results.  It is drawn here for two of them; the script moves the marks to any other two.

So that what the script does is little, each result is laid out as an axis here: its ticks, the place of each point on
it, and the rank of each point, by which the front of any two axes is found exactly.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from accelerator_sim.report.html.scatter import decades, mark
from accelerator_sim.report.html.svg import drawing, short, text_of
from accelerator_sim.report.pareto_text import Scale, shown

KINDS = ("beaten", "front")
LEFT, WIDTH = 14.0, 84.0
"""Percent of the width of the drawing."""
TOP, TALL, HEIGHT = 24.0, 376.0, 440
RADIUS = {"beaten": 3.5, "front": 5.0}
_PAD = 0.03


@dataclass(frozen=True)
class Axis:
    """A result as an axis: places are from 0 to 1, None for points that have no such result."""

    field: str
    most: bool
    logarithmic: bool
    ticks: tuple[tuple[float, str], ...]
    places: tuple[float | None, ...]
    ranks: tuple[int | None, ...]
    """0 for the least value; equal values share a rank."""

    @property
    def title(self) -> str:
        """What stands beside it."""
        return self.field + (", logarithmic" if self.logarithmic else "")


def axis_of(field: str, values: Sequence[float | None], most: bool) -> Axis:
    """Return the axis of a result of points, of which at least one has it."""
    known = [value for value in values if value is not None]
    scale = Scale(known)

    def position(value: float) -> float:
        return round(_PAD + (1 - 2 * _PAD) * scale(value), 4)

    ranks = {value: rank for rank, value in enumerate(sorted(set(known)))}
    ticks = _ticks(min(known), max(known), scale.logarithmic)
    return Axis(
        field,
        most,
        scale.logarithmic,
        tuple((position(tick), label) for tick, label in zip(ticks, _labels(field, ticks), strict=True)),
        tuple(None if value is None else position(value) for value in values),
        tuple(None if value is None else ranks[value] for value in values),
    )


def plane(across: Axis, up: Axis, front: Collection[int], tips: Sequence[str]) -> Markup:
    """Return the drawing of all points that have both results; `front`: those of them that are marked."""
    out = ['<g class="ticks">']
    for at, label in across.ticks:
        x = f"{_x(at):.2f}%"
        out.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{TOP:g}" y2="{TOP + TALL:g}"/>')
        out.append(f'<text class="tick middle" x="{x}" y="{TOP + TALL + 16:g}">{text_of(label)}</text>')
    for at, label in up.ticks:
        y = f"{_y(at):.1f}"
        out.append(f'<line class="grid" x1="{LEFT:g}%" x2="{LEFT + WIDTH:g}%" y1="{y}" y2="{y}"/>')
        out.append(f'<text class="tick end" x="{LEFT - 1:g}%" y="{y}" dy="4">{text_of(label)}</text>')
    out.append("</g>")
    out.append(f'<text class="tick" id="up-title" x="0" y="12">{text_of(up.title)}</text>')
    side = f'x="{LEFT + WIDTH:g}%" y="{HEIGHT - 6}"'
    out.append(f'<text class="tick end" id="across-title" {side}>{text_of(across.title)}</text>')
    places = {
        at: (x, y)
        for at, (x, y) in enumerate(zip(across.places, up.places, strict=True))
        if x is not None and y is not None
    }
    out.append(
        f'<svg x="{LEFT:g}%" y="{TOP:g}" width="{WIDTH:g}%" height="{TALL:g}" viewBox="0 0 1 1"'
        f' preserveAspectRatio="none"><path id="edge" d="{_edge([places[at] for at in front], across.most)}"/></svg>'
    )
    out.append('<g class="points">')
    marked = set(front)
    for at in sorted(range(len(tips)), key=lambda at: (at in marked, places.get(at, (0.0, 0.0)), at)):
        kind = "front" if at in marked else "beaten"
        left, down = places.get(at, (0.0, 0.0))
        out.append(
            f'<g class="row{" front" if at in marked else ""}" data-key="{at}"{"" if at in places else " hidden"}>'
            f'<title>{text_of(tips[at])}</title><svg class="mark" x="{_x(left):.2f}%" y="{_y(down):.1f}"><path'
            f' class="k-{kind}" transform="scale({RADIUS[kind]:g})" d="{mark(kind, KINDS)}"/></svg></g>'
        )
    out.append("</g>")
    title = f"{up.field} over {across.field} of {len(places)} points"
    return drawing(title, HEIGHT, "".join(out), "scatter")


def data(axes: Sequence[Axis], columns: Sequence[int], shown_columns: Sequence[int]) -> Markup:
    """Return what the script needs, as JSON that can stand in an element `script`: numbers and names of results alone.

    columns: those of the table of points in which each axis stands; shown_columns: those that every tooltip has.
    """
    document = {
        "frame": [LEFT, WIDTH, TOP, TALL],
        "shapes": {kind: [mark(kind, KINDS), RADIUS[kind]] for kind in KINDS},
        "columns": list(shown_columns),
        "axes": [
            {
                "field": axis.field,
                "title": axis.title,
                "column": column,
                "most": axis.most,
                "ticks": axis.ticks,
                "places": axis.places,
                "ranks": axis.ranks,
            }
            for axis, column in zip(axes, columns, strict=True)
        ],
    }
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    for char in "<>&":  # only in strings, where they may be written so
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)


def _x(position: float) -> float:
    return LEFT + WIDTH * position


def _y(position: float) -> float:
    return TOP + TALL * (1 - position)


def _edge(places: Sequence[tuple[float, float]], most: bool) -> str:
    """The steps from one point of the front to the next, around what they beat."""
    out = ""
    for x, y in sorted(places):
        corner = f"V{short(1 - y)}H{short(x)}" if most else f"H{short(x)}V{short(1 - y)}"
        out += corner if out else f"M{short(x)} {short(1 - y)}"
    return out


def _ticks(low: float, high: float, logarithmic: bool) -> list[float]:
    if low == high:
        return [low]
    if logarithmic:
        return decades(low, high)
    rough = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough)
    first = math.ceil(low / step)
    return [float(f"{k * step:.12g}") for k in range(first, math.floor(high / step) + 1)]


def _labels(field: str, ticks: Sequence[float]) -> list[str]:
    """Ticks without needless decimals, all different."""
    out = []
    for tick in ticks:
        number, _, unit = shown({field: tick}, field).partition(" ")
        out.append(f"{float(number):g} {unit}".rstrip())
    return out if len(set(out)) == len(out) else [f"{tick:.12g}" for tick in ticks]
