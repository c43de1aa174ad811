"""Horizontal bars of segments, one line per bar."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from accelerator_sim.files.text import printable
from accelerator_sim.report.html.svg import NAME_CHARACTERS, drawing, key_of, short, text_of
from accelerator_sim.report.numbers import shortened

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


def ticks(most: float, wanted: int = 4) -> list[float]:
    """Return round numbers from 0 to at most `most`, about `wanted` steps; only 0 where nothing is positive."""
    if most <= 0:
        return [0.0]
    power = 10.0 ** math.floor(math.log10(most / wanted))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor * wanted >= most * 0.999)
    return [step * n for n in range(math.floor(most / step * 1.0001) + 1)]


def stacked_bars(title: str, bars: Sequence[Bar], unit: Callable[[float], str]) -> Markup:
    """Return horizontal bars of segments, one line per bar, all on one scale.

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
    return drawing(title, _AXIS + height + 2, "".join(parts), "bars")


def _bar(bar: Bar, top: int, most: float) -> str:
    total = sum(s.value for s in bar.segments)
    at, drawn = 0.0, []
    for segment in bar.segments:
        if segment.value > INVISIBLE * total:
            wide = 100.0 * segment.value / most
            drawn.append(f'<rect class="k-{segment.kind}" x="{at:.5g}%" width="{wide:.4g}%" height="{_LINE - 4}"/>')
        at += 100.0 * segment.value / most if most > 0 else 0.0
    key = key_of(bar.key)
    stretch = f' style="--k:{most / total:.5g}"' if total > 0 else ""
    label = text_of(shortened(printable(bar.label), NAME_CHARACTERS))
    return (
        f'<g class="row"{key} transform="translate(0 {top})"><title>{text_of(bar.tip)}</title>'
        f'<rect class="hit" width="100%" height="{_LINE}"/>'
        f'<text class="name" x="{_PLOT_LEFT - 1:g}%" y="{_LINE - 5}">{label}</text>'
        f'<svg x="{_PLOT_LEFT:g}%" y="2" width="{_PLOT_WIDTH:g}%" height="{_LINE - 4}"><g class="bar"{stretch}>'
        f"{''.join(drawn)}</g></svg>"
        f'<text class="value" x="100%" y="{_LINE - 5}">{text_of(bar.text)}</text></g>'
    )


def _axis(marks: Iterable[tuple[float, str]], kind: str, height: int) -> str:
    out = []
    for at, label in marks:
        x = f"{short(_PLOT_LEFT + at * _PLOT_WIDTH / 100.0)}%"
        out.append(f'<line x1="{x}" x2="{x}" y1="{_AXIS - 4}" y2="{_AXIS + height}"/>')
        out.append(f'<text x="{x}" y="{_AXIS - 8}">{text_of(label)}</text>')
    return f'<g class="axis {kind}">{"".join(out)}</g>'
