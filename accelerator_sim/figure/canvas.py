"""What all figures share: matplotlib, which may not be installed, colours, and files that are the same each time."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from typing import Any

from accelerator_sim.files.errors import AcceleratorSimError, UsageError
from accelerator_sim.kernels.causes import Cause

FORMATS = ("svg", "pdf", "png")
"""Suffixes of the files that a figure is written to."""
Drawing = Any
"""A `matplotlib.figure.Figure`."""
Axes = Any
"""A `matplotlib.axes.Axes`."""

BLUE, SKY, PALE, GREEN, ORANGE = "#0072b2", "#56b4e9", "#b7dff5", "#009e73", "#e69f00"
SAND, RED, PINK, ROSE, YELLOW = "#f7d28a", "#d55e00", "#cc79a7", "#ecc9dc", "#e6d82e"
GREY, DARK, LIGHT, INK = "#9a9ea4", "#4a4d52", "#e4e4de", "#1c1e21"
"""Colours that the colour-blind can tell apart too (Okabe and Ito, 2008), and lighter ones of them."""

COMPONENT_COLORS = {
    "mac": GREEN, "spad": SKY, "noc": ORANGE, "glb": BLUE, "clock": PINK, "leakage": GREY, "dram": LIGHT,
}  # fmt: skip
"""Of the components of the energy, as on the pages."""

CAUSE_COLORS = {
    Cause.BUSY: GREEN, Cause.PSUM_SERVICE: RED, Cause.PIPELINE: YELLOW, Cause.NO_WEIGHT: BLUE, Cause.NO_IACT: SKY,
    Cause.SPAD_FILL: PALE, Cause.DRAM: INK, Cause.PSUM_IN: ORANGE, Cause.PSUM_OUT: SAND, Cause.GLB_PORT: PINK,
    Cause.IMBALANCE: GREY, Cause.UNUSED: LIGHT, Cause.CONFIGURATION: DARK,
}  # fmt: skip
"""Of what PEs do or wait for, as on the pages."""

SETS = (SKY, ORANGE, "#7fc8a9", PINK, YELLOW, "#8fb3d9", SAND, ROSE, "#b8b8e0", "#c9dd9f", PALE, "#e0b0a0")
"""Of tiles that lie side by side, the ones after them again."""

_STYLE = {
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "figure.dpi": 110.0,
    "savefig.dpi": 200.0,
    "svg.hashsalt": "accelerator-sim",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


def new_figure(width: float, height: float) -> Drawing:
    """Return an empty figure whose parts make room for one another.

    width, height: inches.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    # Notebooks know matplotlib's figures only after pyplot was loaded; they ask any object for its own picture.
    figure._repr_png_ = partial(_picture, figure)  # type: ignore[attr-defined]
    return figure


def _picture(figure: Drawing) -> bytes:
    """Return a figure as notebooks show it, at its own resolution."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi="figure", bbox_inches="tight", metadata={"Software": None})
    return stream.getvalue()


def styled() -> Any:
    """Return the context in which figures are drawn and written.

    Raises AcceleratorSimError where matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError:
        raise AcceleratorSimError(
            "figures need matplotlib, which is not installed; install it with: pip install 'accelerator-sim[plot]'"
        ) from None
    return matplotlib.rc_context(_STYLE)


def dumps(figure: Drawing, form: str) -> bytes:
    """Return a figure as the bytes of a file: the same for the same figure.

    form: one of `FORMATS`.
    """
    dated = {"svg": {"Date": None}, "pdf": {"CreationDate": None, "ModDate": None}, "png": {"Software": None}}
    stream = io.BytesIO()
    with styled():
        figure.savefig(stream, format=form, metadata=dated[form], bbox_inches="tight")
    return stream.getvalue()


def format_of(path: Path) -> str:
    """Return the format that a suffix stands for.  Raises UsageError for one that stands for none."""
    form = path.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise UsageError(f"{path}: figures are written as {', '.join(f'.{each}' for each in FORMATS)}")
    return form


def logarithmic(axis: Any, unit: str) -> None:
    """Make an axis logarithmic, with ticks at 1, 2 and 5 and their powers of ten.

    axis: a `matplotlib.axis.Axis`; unit: of its values.
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    low, high = sorted(axis.get_view_interval())
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axis.set_minor_formatter(NullFormatter())
    engineering(axis, unit)


def engineering(axis: Any, unit: str) -> None:
    """Label an axis in powers of a thousand, as 10 mJ.

    axis: a `matplotlib.axis.Axis`; unit: of its values.
    """
    from matplotlib.ticker import EngFormatter

    axis.set_major_formatter(EngFormatter(unit=unit))


def whole_bars(count: int, least: float = 2.2) -> float:
    """Return the height in inches of a chart with so many horizontal bars."""
    return max(least, 0.9 + 0.2 * count)
