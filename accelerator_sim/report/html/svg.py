"""What all charts share: SVG text whose labels are escaped.

Horizontal places are percentages of the width, so that bars and plots stretch with the page while their text keeps its
size.  Colours come from the style sheet, by the class `k-NAME` of a kind.  A `<title>` is a tooltip; the script of the
page shows it on hover and on keyboard focus alike, browsers without scripts show it on hover.
"""

from __future__ import annotations

from markupsafe import Markup, escape

from accelerator_sim.files.text import printable

NAME_CHARACTERS = 16
"""Characters of a label that fit beside its bar on a narrow screen."""


def text_of(value: str) -> str:
    """Return text for an element, escaped, with control characters made visible; lines are kept."""
    return str(escape("\n".join(map(printable, value.split("\n")))))


def short(value: float) -> str:
    """Return a number for an attribute."""
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def drawing(title: str, height: float, content: str, kind: str, width: str = "100%", box: str = "") -> Markup:
    """Return an SVG element with a title; `kind` is its class.  The box is that of its coordinates, if they scale."""
    view = f' viewBox="{box}"' if box else ""
    return Markup(
        f'<svg class="{kind}" role="img" width="{width}" height="{height:g}"{view}><title>{text_of(title)}</title>'
        f"{content}</svg>"
    )


def key_of(key: str) -> str:
    """Return the attribute that names the row of the page that a mark stands for; nothing for an empty key."""
    return f' data-key="{escape(key)}"' if key else ""
