"""Parallel coordinates: the axes of a sweep and its results side by side, a line for each point."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from accelerator_sim.report.html.svg import drawing, text_of

TOP, TALL, HEIGHT = 16.0, 240.0, 300
LEFT, WIDTH = 4.0, 88.0
"""Percent of the width of the drawing."""
MOST_LINES = 1000
"""Points that are drawn: those of the front, and others evenly by their order."""
MOST_TICKS = 8


@dataclass(frozen=True)
class Upright:
    """One of the axes: what it is of, where each point crosses it from 0 (bottom) to 1, and its ticks."""

    title: str
    places: tuple[float | None, ...]
    ticks: tuple[tuple[float, str], ...]


def upright(title: str, values: Sequence[float | str], texts: Sequence[str]) -> Upright:
    """Return the axis of values that are set: evenly spaced in their order, all named where they are few.

    values: of each point, by which they are sorted; texts: the same for people.
    """
    order = sorted(dict.fromkeys(zip(values, texts, strict=True)), key=lambda each: (isinstance(each[0], str), each[0]))
    place = {value: at / max(len(order) - 1, 1) for at, (value, _) in enumerate(order)}
    named = order if len(order) <= MOST_TICKS else [order[0], order[-1]]
    ticks = tuple((place[value], text) for value, text in named)
    return Upright(title, tuple(place[value] for value in values), ticks)


def parallel(uprights: Sequence[Upright], front: Collection[int]) -> Markup:
    """Return the drawing of all points that cross each axis; `front`: those that are marked, drawn last."""
    points = len(uprights[0].places)
    whole = [at for at in range(points) if all(axis.places[at] is not None for axis in uprights)]
    others = [at for at in whole if at not in front]
    room = max(MOST_LINES - len(front), 0)
    if len(others) > room:
        others = [others[k * len(others) // room] for k in range(room)]
    out = []
    step = WIDTH / max(len(uprights) - 1, 1)
    out.append(
        f'<svg x="{LEFT:g}%" y="{TOP:g}" width="{WIDTH:g}%" height="{TALL:g}" viewBox="0 0 {len(uprights) - 1} 1"'
        ' preserveAspectRatio="none" class="lines">'
    )
    for at in [*others, *(each for each in whole if each in front)]:
        d = "L".join(f"{x} {1 - (axis.places[at] or 0.0):.3g}" for x, axis in enumerate(uprights))
        out.append(f'<path class="{"front" if at in front else "beaten"}" data-point="{at}" d="M{d}"/>')
    out.append("</svg>")
    for number, axis in enumerate(uprights):
        x = f"{LEFT + number * step:.4g}%"
        out.append(f'<line class="axis" x1="{x}" x2="{x}" y1="{TOP:g}" y2="{TOP + TALL:g}"/>')
        for place, label in axis.ticks:
            y = TOP + TALL * (1 - place)
            out.append(f'<text class="label" x="{x}" y="{y:.1f}" dx="4" dy="4">{text_of(label)}</text>')
        low = TOP + TALL + 18 + 14 * (number % 2)
        out.append(f'<text class="tick" x="{x}" y="{low:g}" dx="-8">{text_of(axis.title)}</text>')
    return drawing(f"{len(whole)} points by their axes and results", HEIGHT, "".join(out), "parallel")
