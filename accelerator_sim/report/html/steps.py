"""A share over time, as an area of steps."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from accelerator_sim.report.html.svg import drawing, text_of
from accelerator_sim.report.numbers import percent


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
        f'<text class="tick" x="0" y="{height - 4}">{text_of(ends[0])}</text>'
        f'<text class="tick end" x="100%" y="{height - 4}">{text_of(ends[1])}</text>'
    )
    return drawing(f"{title}: mean {mean}%", height, content, "steps")
